"""Training the zoo: one run after another or several at once, safe against a kill.

`python -m aelib train PATTERN --jobs N` is `train` here. A run is finished when its
record exists, and the record is written last; so whatever happens, a second call goes
on where the first one stopped.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import platform
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import joblib
import torch
from torch import nn
from tqdm.auto import tqdm

import aelib
from aelib import zoo
from aelib.checkerboards import checkerboard_score
from aelib.data import DIGITS, Digits, Splits, cache_folder, load_mnist, write_atomically
from aelib.measuring import Measurer, accuracy, one_class_baselines, step_costs
from aelib.metrics import reconstruct
from aelib.models import Judge
from aelib.training import (
    History,
    Watch,
    classification_loss,
    evaluate,
    fit,
)
from aelib.zoo import CHECKPOINTS, JUDGE

PROGRESS_SECONDS = 0.5
# Where a watched run looks at its checkerboards: often in the first epoch, then once in each.
WATCHED_IMAGES = 1000  # of the validation set
FIRST_STEPS = (0, 5, 10, 20, 50, 100, 200)

Run = tuple[str, int]  # name and seed


class DivergedError(RuntimeError):
    """The loss of a run did not stay finite, so there is nothing to record."""


def missing(patterns: Iterable[str] = (), folder: Path = CHECKPOINTS) -> list[Run]:
    """Return the runs of the matching experiments that have no valid record yet."""
    runs = [(name, seed) for name in zoo.match(*patterns) for seed in zoo.find(name).seeds]
    # Seed by seed, so that an interrupted sweep has whole seeds rather than some sizes.
    runs.sort(key=lambda run: (run[0] != JUDGE, run[1]))
    return [run for run in runs if not zoo.is_trained(*run, folder)]


def train(
    patterns: Iterable[str] = (),
    jobs: int = 1,
    folder: Path = CHECKPOINTS,
    progress: bool = True,
) -> list[Run]:
    """Train, measure and record every matching run that is missing; return those runs.

    jobs: how many single-threaded processes work at once. For networks this small two
        processes are faster than one with two threads. joblib runs them: inside
        `joblib.parallel_config(backend=...)` a cluster's backend does, if its machines
        share the folders of checkpoints, cache and temporary files.

    A run that diverges does not stop the others. Raises DivergedError at the end if there
    was one, and ValueError for a pattern that matches nothing or jobs < 1.
    """
    if jobs < 1:
        raise ValueError(f"jobs must be at least 1, got {jobs}")
    todo = missing(patterns, folder)
    if todo and not zoo.is_trained(JUDGE, 0, folder) and (JUDGE, 0) not in todo:
        todo.insert(0, (JUDGE, 0))
    # The judge measures the others, so it comes first and alone.
    failed: list[str] = []
    for stage in ([run for run in todo if run[0] == JUDGE], [r for r in todo if r[0] != JUDGE]):
        failed += _train_stage(stage, jobs, folder, progress)
    if failed:
        raise DivergedError("; ".join(failed))
    return todo


def _train_stage(runs: list[Run], jobs: int, folder: Path, progress: bool) -> list[str]:
    """Train some runs and return what went wrong, in words."""
    failed: list[str] = []
    if not runs:
        return failed
    epochs = sum(zoo.find(name).recipe.epochs for name, _ in runs)
    with _epochs_bar(epochs, progress) as (bar, counter):
        work = joblib.Parallel(n_jobs=min(jobs, len(runs)), return_as="generator_unordered")
        for result in work(joblib.delayed(_worker)(*run, folder, counter) for run in runs):
            failed += [result] if isinstance(result, str) else []
            bar.write(result if isinstance(result, str) else _one_line(result))
    return failed


def _worker(name: str, seed: int, folder: Path, counter: Path) -> dict[str, Any] | str:
    """Return the record of a run, or what went wrong."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)

    def count(history: History) -> None:
        # One byte an epoch, appended. Should two coincide on some system, only the bar errs.
        with counter.open("ab") as file:
            file.write(b"." * (history.epochs - counted[0]))
        counted[0] = history.epochs

    counted = [0]
    try:
        return train_run(name, seed, folder, after_epoch=count)
    except DivergedError as error:
        return str(error)
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _epochs_bar(epochs: int, progress: bool) -> Any:
    # Workers append to a file; this process looks at its size. No queues, no manager
    # process, and a worker that dies takes nothing along.
    handle, path = tempfile.mkstemp(prefix="aelib-progress-")
    os.close(handle)
    counter, done = Path(path), threading.Event()
    hidden = {} if progress else {"disable": True}
    with tqdm(total=epochs, unit="epoch", smoothing=0, **hidden) as bar:

        def follow() -> None:
            while not done.wait(PROGRESS_SECONDS):
                bar.n = counter.stat().st_size
                bar.refresh()

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield bar, counter
        finally:
            done.set()
            thread.join()
            bar.n = counter.stat().st_size
            with suppress(OSError):  # on Windows a worker may still have it open
                counter.unlink()


def _one_line(entry: dict[str, Any]) -> str:
    figure = "test_accuracy" if entry["name"] == JUDGE else "test_mse"
    minutes = sum(entry["seconds"]) / 60
    return (
        f"{entry['name']:24} seed {entry['seed']}  {figure} {entry[figure]:.5f}  {minutes:.1f} min"
    )


def train_run(
    name: str,
    seed: int,
    folder: Path = CHECKPOINTS,
    splits: Splits | None = None,
    after_epoch: Callable[[History], None] | None = None,
) -> dict[str, Any]:
    """Train, measure and record one run, or go on with one that was interrupted.

    Raises KeyboardInterrupt if interrupted (what was done is kept) and DivergedError if
    the loss did not stay finite.
    """
    experiment = zoo.find(name)
    name = experiment.name  # it may have been called by its other one
    splits = splits or load_mnist()
    is_judge = experiment.latent_dim is None
    if not is_judge:
        zoo.load(JUDGE, folder)  # fail now, not after an hour, if nothing could be measured
    train_digits, val_digits = experiment.digits(splits)
    unfinished = state_file(name, seed)
    model = experiment.build(seed)
    history = fit(
        model,
        train_digits,
        val_digits,
        experiment.recipe,
        seed=seed,
        loss=classification_loss if is_judge else experiment.loss(),
        device="cpu",  # so that a record does not depend on who has a GPU
        progress=False,
        state_file=unfinished,
        after_epoch=after_epoch,
        watch=_watch(experiment, train_digits, splits) if experiment.watched else None,
    )
    if history.stopped == "interrupted":
        raise KeyboardInterrupt
    if history.stopped:
        unfinished.unlink(missing_ok=True)
        raise DivergedError(f"{name}, seed {seed}: {history.stopped} after {history.epochs} epochs")
    entry = _record(name, seed, model, history, splits, folder)
    unfinished.unlink(missing_ok=True)
    return entry


def _watch(experiment: zoo.Experiment, train_digits: Digits, splits: Splits) -> Watch:
    """Return the look at a model's checkerboards that a watched run takes again and again."""
    images = splits.val[:WATCHED_IMAGES].floats()
    recipe = experiment.recipe
    epoch = -(-len(train_digits) // recipe.batch_size)

    def look(model: Any) -> float:
        try:
            return checkerboard_score(reconstruct(model, images))
        except ValueError:  # flat or not finite: whether the run is lost, `fit` decides
            return math.nan

    return Watch(look, (*FIRST_STEPS, *range(epoch, recipe.epochs * epoch + 1, epoch)))


def _record(
    name: str, seed: int, model: nn.Module, history: History, splits: Splits, folder: Path
) -> dict[str, Any]:
    experiment, weights = zoo.find(name), pack_weights(model)
    entry = {
        "name": name,
        "seed": seed,
        "command": f"python -m aelib train {name}",
        "settings": experiment.settings(),
        "versions": _versions(),
        "best_epoch": history.best_epoch,
        "train_loss": history.train_loss,
        "val_loss": history.val_loss,
        "watched": history.watched,
        "seconds": [round(seconds, 2) for seconds in history.seconds],
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
    }
    # What is measured is what ships: the weights after rounding to half precision.
    entry |= _measure(experiment, zoo.load_weights(experiment, weights), splits, folder)
    write_atomically(zoo.weights_file(name, seed, folder), weights)
    _write_record(entry, folder)
    return entry


def measure_run(
    name: str, seed: int, folder: Path = CHECKPOINTS, splits: Splits | None = None
) -> dict[str, Any]:
    """Measure a finished run again, from its kept weights, and record the figures.

    Raises ModelMissingError if the weights are neither shipped nor in the cache, or if the
    run's record does not fit the table any more, and RuntimeError if the weights are not
    those of the record.
    """
    experiment = zoo.find(name)
    entry = zoo.record(name, seed, folder)
    path = zoo.weights_file(name, seed, folder)
    if not path.exists() or not zoo.is_trained(name, seed, folder):
        raise zoo.ModelMissingError(zoo.how_to_train(experiment.name, path))
    model = zoo.load_weights(experiment, path.read_bytes(), entry, path)
    entry |= {"versions": _versions()}
    entry |= _measure(experiment, model, splits or load_mnist(), folder)
    _write_record(entry, folder)
    return entry


def _measure(
    experiment: zoo.Experiment, model: nn.Module, splits: Splits, folder: Path
) -> dict[str, Any]:
    start = time.perf_counter()
    if isinstance(model, Judge):
        found = {"test_accuracy": accuracy(model, splits.test)}
    else:
        found = Measurer(splits, zoo.load(JUDGE, folder)).measure(
            model, experiment.only, with_codes=experiment.watched
        )
        # Of the weights as shipped. For original/*, which trains on these images too, it is
        # no validation error; nothing uses it there.
        chosen_by = experiment.digits(splits)[1] if experiment.only is not None else splits.val
        found["val_mse"] = evaluate(model, chosen_by)
    return found | {"measuring_seconds": round(time.perf_counter() - start, 2)}


def record_baselines(folder: Path = CHECKPOINTS, splits: Splits | None = None) -> Path:
    """Measure the detectors that need no training, record them, and return the file."""
    splits = splits or load_mnist()
    found = [one_class_baselines(splits, digit) for digit in DIGITS]
    return _write_figures(zoo.BASELINES, found, "baselines", folder)


def record_costs(folder: Path = CHECKPOINTS) -> Path:
    """Measure what each way of up-sampling costs, record it, and return the file."""
    return _write_figures(zoo.COSTS, step_costs(), "costs", folder)


def _write_figures(name: str, figures: Any, command: str, folder: Path) -> Path:
    entry = {
        "command": f"python -m aelib {command}",
        "versions": _versions(),
        "figures": figures,
    }
    path = folder / name
    write_atomically(path, (json.dumps(entry, indent=1, sort_keys=True) + "\n").encode())
    return path


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "aelib": aelib.__version__,
        "machine": platform.machine(),
    }


def pack_weights(model: nn.Module) -> bytes:
    """Return a model's weights as they ship: a torch file, weights in half precision.

    Buffers stay as they are: a batch norm's running variance may be far larger than the
    65,504 that half precision can hold, and there are only a few of them.
    """
    weights = {name for name, _ in model.named_parameters()}
    state = {
        name: value.half() if name in weights else value
        for name, value in model.state_dict().items()
    }
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def state_file(name: str, seed: int) -> Path:
    """Return where the state of an unfinished run is kept, so that it can go on."""
    experiment = zoo.find(name)
    name = experiment.name
    # A run that is watched cannot go on from the state of one that was not.
    settings = json.dumps(experiment.settings() | {"watched": experiment.watched}, sort_keys=True)
    digest = hashlib.sha256(f"{settings} {torch.__version__}".encode()).hexdigest()[:12]
    return cache_folder() / "runs" / f"{name.replace('/', '-')}-seed{seed}-{digest}.state"


def _write_record(entry: dict[str, Any], folder: Path) -> None:
    text = json.dumps(entry, indent=1, sort_keys=True) + "\n"
    write_atomically(zoo.record_file(entry["name"], entry["seed"], folder), text.encode())
