"""Training the zoo: one run after another, several at once, or on a cluster; safe against a kill.

`python -m aelib train PATTERN --jobs N` is `train` here. A run is finished when its record
exists, and the record is written last; so whatever happens, a second call goes on where the
first one stopped.
"""

from __future__ import annotations

import hashlib
import math
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import joblib
import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from aelib import AelibError
from aelib.checkerboards import checkerboard_score
from aelib.data import cache_folder
from aelib.metrics import reconstruct
from aelib.training import History, Loss, Watch, fit, reconstruction_loss
from aelib.workshop import records
from aelib.workshop.batch_last import BatchLast, one_thread
from aelib.workshop.experiments import JUDGE, Experiment, experiment, match

# Where a watched run looks at its checkerboards: often in the first epoch, then once in each.
WATCHED_IMAGES = 1000  # of the validation set
FIRST_STEPS = (0, 5, 10, 20, 50, 100, 200)

Run = tuple[str, int]  # name and seed
Trained = tuple[dict[str, Any], bytes]  # a run's record, and its weights as they ship


def missing(patterns: Iterable[str] = ()) -> list[Run]:
    """Return the runs of the matching experiments that are not recorded as the table has them."""
    runs = [(name, seed) for name in match(*patterns) for seed in experiment(name).seeds]
    # Seed by seed, so that an interrupted sweep has whole seeds rather than some sizes.
    runs.sort(key=lambda run: (run[0] != JUDGE, run[1]))
    return [(name, seed) for name, seed in runs if not records.is_trained(experiment(name), seed)]


def train(
    patterns: Iterable[str] = (), jobs: int = 1, dask: str | None = None, measure: bool = True
) -> list[Run]:
    """Train, measure and record every matching run that is missing; return those runs.

    jobs: how many single-threaded processes work at once. For networks this small two
        processes are faster than one with two threads.
    dask: the address of a Dask scheduler whose workers train instead; this process measures.
    measure: else a record says how a model was trained; `python -m aelib measure` completes it.
    """
    records.tidy()
    todo = missing(patterns)
    if measure and todo:  # the judges measure the others, so they come first and alone
        todo = missing([JUDGE]) + [run for run in todo if run[0] != JUDGE]
    # What a worker of a cluster keeps, nobody would clear; and its judges may be others.
    keep_measure_bars = (False, False, False) if dask else (True, measure, jobs == 1)
    with _cluster(dask) if dask else nullcontext():
        for judges in (True, False):
            runs = [(experiment(name), seed) for name, seed in todo if (name == JUDGE) == judges]
            tasks = [joblib.delayed(train_run)(*run, *keep_measure_bars) for run in runs]
            for entry, weights in at_once(jobs, tasks) if tasks else ():
                if measure and dask:
                    one = experiment(entry["name"])
                    entry |= records.measured(one, weights, one.splits())
                records.save(entry, weights)
                loss, minutes = min(entry["val_loss"]), sum(entry["seconds"]) / 60
                name = f"{entry['name']:24} seed {entry['seed']}"
                tqdm.write(f"{name}  validation loss {loss:.5f}  {minutes:.1f} min")
    print(f"{len(todo)} runs trained" if todo else "nothing to do: all of it is trained")
    return todo


@contextmanager
def _cluster(address: str) -> Iterator[None]:
    """Let the workers of a Dask scheduler do joblib's work inside the block."""
    try:
        from distributed import Client
    except ImportError:
        raise AelibError('--dask needs Dask: python -m pip install -e ".[dask]"') from None
    with Client(address, timeout=10) as client, joblib.parallel_config("dask"):
        if set(client.nthreads().values()) - {1}:  # they would share torch's random numbers
            raise AelibError("each worker must have one thread: dask worker --nthreads 1")
        yield


def at_once(jobs: int, tasks: list[Any]) -> Iterator[Any]:
    """Yield what tasks, made by `joblib.delayed`, return: so many at once, as they are finished."""
    parallel = joblib.Parallel(
        min(jobs, len(tasks)),
        return_as="generator_unordered",
        temp_folder=cache_folder(),  # else one in shared memory, which stays if all are killed
        initializer=_end_with_parent,
        initargs=[os.getpid()],
    )
    return iter(tqdm(parallel(tasks), total=len(tasks), unit="run"))


def _end_with_parent(parent: int) -> None:
    """Have this worker end if its parent is killed: else it trains on, and leaves its states."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    if os.name != "nt":  # where a launcher stands between a virtual environment's processes
        threading.Thread(target=watch, daemon=True).start()


def train_run(
    one: Experiment, seed: int, keep: bool = False, measure: bool = False, progress: bool = False
) -> Trained:
    """Train one run on one thread, or go on with it; return what `records.save` writes.

    keep: whether to keep its state after each epoch, from which it can go on.
    """
    splits, model = one.splits(), one.build(seed)
    train_digits, val_digits = one.digits(splits)
    images = splits.val[:WATCHED_IMAGES].floats()
    epoch = -(-len(train_digits) // one.recipe.batch_size)
    steps = (*FIRST_STEPS, *range(epoch, one.recipe.epochs * epoch + 1, epoch))
    watch = Watch(lambda model: checkerboard_score(reconstruct(model, images)), steps)
    with one_thread():
        history = fit_to_the_end(
            *(f"{one.name}, seed {seed}", model, train_digits, val_digits, one.recipe),
            seed=seed,
            loss=one.loss(),
            progress=progress,
            state_file=records.state_file(one, seed) if keep else None,
            watch=watch if one.watched else None,
        )
    weights = records.packed(model)
    entry = {
        "name": one.name,
        "seed": seed,
        "command": f"python -m aelib train {one.name}",
        "settings": one.settings(),
        "versions": records.versions(),
        "best_epoch": history.best_epoch,
        "train_loss": history.train_loss,
        "val_loss": history.val_loss,
        # JSON has no NaN, which says that there was nothing to score.
        "watched": [(at, None if math.isnan(value) else value) for at, value in history.watched],
        "seconds": [round(seconds, 2) for seconds in history.seconds],
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
    }
    return entry | (records.measured(one, weights, splits) if measure else {}), weights


def fit_to_the_end(
    name: str, model: nn.Module, *data: Any, loss: Loss = reconstruction_loss, **options: Any
) -> History:
    """Do as `fit` does, fast and on the CPU, but return only from a run that went to its end.

    name: what an error calls the run. data: what to train on, what to choose by, the recipe.
    """
    fast = BatchLast(model) if BatchLast.supports(model) else None
    if fast is None:  # a layout in memory that convolutions gain by
        model.to(memory_format=torch.channels_last)

    def faster(called: Any, x: Tensor, labels: Tensor) -> Tensor:
        return loss(fast if fast and called.training else called, x, labels)

    # On the CPU, so that a record does not depend on who has a GPU.
    history = fit(model, *data, loss=faster, device="cpu", **{"progress": False} | options)
    model.to(memory_format=torch.contiguous_format)
    if history.stopped == "interrupted":
        raise KeyboardInterrupt
    if history.stopped:
        raise AelibError(f"{name}: {history.stopped} after {history.epochs} epochs")
    return history
