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
import platform
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import torch
from torch import nn
from tqdm.auto import tqdm

import aelib
from aelib import AelibError, zoo
from aelib.checkerboards import checkerboard_score
from aelib.checks import whole_number
from aelib.data import DIGITS, Digits, Splits, load_mnist
from aelib.experiments import JUDGE, Experiment
from aelib.files import cache_folder, check_writable, expanded, remove, write_atomically
from aelib.metrics import reconstruct
from aelib.models import Autoencoder, Judge
from aelib.training import History, Watch, classification_loss, evaluate
from aelib.workshop.comparing import measure_comparisons
from aelib.workshop.measuring import (
    Measurer,
    accuracy,
    measure_baselines,
    measure_recipe_costs,
    measure_step_costs,
)
from aelib.workshop.running import at_once, fit_to_the_end, one_thread
from aelib.workshop.tuning import measure_step_sizes
from aelib.zoo import CHECKPOINTS

# Where a watched run looks at its checkerboards: often in the first epoch, then once in each.
WATCHED_IMAGES = 1000  # of the validation set
FIRST_STEPS = (0, 5, 10, 20, 50, 100, 200)

Run = tuple[str, int]  # name and seed
Result = dict[str, Any] | Exception  # the record of a run, or what went wrong
Work = Callable[[list[Run], Path], Iterator[Result]]  # does runs, and writes into a folder


def missing(patterns: Iterable[str] = (), folder: Path = CHECKPOINTS) -> list[Run]:
    """Return the runs of the matching experiments that have no valid record yet."""
    runs = [(name, seed) for name in zoo.match(*patterns) for seed in zoo.experiment(name).seeds]
    # Seed by seed, so that an interrupted sweep has whole seeds rather than some sizes.
    runs.sort(key=lambda run: (run[0] != JUDGE, run[1]))
    return [run for run in runs if not zoo.is_trained(*run, folder)]


def train(
    patterns: Iterable[str] = (),
    jobs: int = 1,
    folder: Path = CHECKPOINTS,
    progress: bool = True,
    work: Work | None = None,
    measure: bool = True,
) -> list[Run]:
    """Train, measure and record every matching run that is missing; return those runs.

    jobs: how many single-threaded processes work at once. For networks this small two
        processes are faster than one with two threads.
    work: who trains instead of processes of this machine, see `cluster`.
    measure: whether processes of this machine measure each model at once. Else the record
        says how it was trained, and `measure_run` completes it.

    A run that fails does not stop the others. At the end what went wrong is raised: e.g.
    `running.DivergedError`, `states.StateError`, `files.FileError`, or an AelibError that says
    it of each of several runs. Raises ValueError for a pattern that matches nothing or jobs < 1.
    """
    jobs = whole_number("jobs", jobs, 1)
    work = work or partial(_results_here, jobs=jobs, progress=progress, measure=measure)
    patterns = [patterns] if isinstance(patterns, str) else list(patterns)
    _tidy(patterns, folder)
    todo = missing(patterns, folder)
    if measure and todo:
        todo += [run for run in missing([JUDGE], folder) if run not in todo]
    # The judges measure the others, so they come first and alone.
    failed: list[Exception] = []
    for stage in ([run for run in todo if run[0] == JUDGE], [r for r in todo if r[0] != JUDGE]):
        failed += _train_stage(stage, work, folder, progress)
        if failed:  # without the judges no other can be measured
            break
    if len(failed) == 1:
        raise failed[0]
    if failed:
        raise AelibError("; ".join(map(str, failed)))
    return todo


def _tidy(patterns: Iterable[str], folder: Path) -> None:
    """Remove the states of finished runs: a kill may come between the record and that."""
    for name in zoo.match(*patterns):
        for seed in zoo.experiment(name).seeds:
            if zoo.is_trained(name, seed, folder):
                remove(state_file(name, seed))


def _train_stage(runs: list[Run], work: Work, folder: Path, progress: bool) -> list[Exception]:
    """Train some runs and return what went wrong."""
    failed: list[Exception] = []
    if not runs:
        return failed
    hidden = {} if progress else {"disable": True}
    with tqdm(total=len(runs), unit="run", **hidden) as bar:
        for result in work(runs, folder):
            failed += [result] if isinstance(result, Exception) else []
            bar.write(str(result) if isinstance(result, Exception) else _one_line(result))
            bar.update()
    return failed


def _results_here(
    runs: list[Run], folder: Path, jobs: int, progress: bool, measure: bool
) -> Iterator[Result]:
    jobs = min(jobs, len(runs))
    # One process shows the epochs of its run; of several only finished runs are counted.
    alone = progress and jobs == 1
    tasks = (joblib.delayed(_worker)(*run, folder, alone, measure) for run in runs)
    try:
        yield from at_once(jobs, tasks)
    except AelibError as error:
        yield error


def _worker(
    name: str, seed: int, folder: Path, progress: bool, measure: bool
) -> dict[str, Any] | Exception:
    """Return the record of a run, or what went wrong."""
    try:
        with one_thread():
            return train_run(name, seed, folder, progress=progress, measure=measure)
    except (AelibError, OSError) as error:  # the other runs go on
        return error


def _one_line(entry: dict[str, Any]) -> str:
    key = next(key for key in ("test_accuracy", "test_mse", "val_loss") if key in entry)
    value = min(entry[key]) if key == "val_loss" else entry[key]
    minutes = sum(entry["seconds"]) / 60
    return f"{entry['name']:24} seed {entry['seed']}  {key} {value:.5f}  {minutes:.1f} min"


def train_run(
    name: str,
    seed: int,
    folder: Path = CHECKPOINTS,
    splits: Splits | None = None,
    after_epoch: Callable[[History], None] | None = None,
    progress: bool = False,
    measure: bool = True,
) -> dict[str, Any]:
    """Train, measure and record one run, or go on with one that was interrupted.

    Without `measure` the record says how the model was trained; `measure_run` completes it.

    Raises UnknownNameError for a run that is not in the table, KeyboardInterrupt if
    interrupted (what was done is kept) and `running.DivergedError` if the loss did not stay
    finite.
    """
    experiment = zoo.experiment(name)
    splits = splits or load_mnist()
    is_judge = experiment.latent_dim is None
    if measure and not is_judge:
        zoo.judges(folder)  # fail now, not after an hour, if nothing could be measured
    train_digits, val_digits = experiment.digits(splits)
    unfinished = state_file(name, seed)
    for place in (unfinished.parent, zoo.record_file(name, seed, folder).parent):
        check_writable(place)  # this too fails now, not after an hour
    model = experiment.build(seed)
    history = fit_to_the_end(
        f"{name}, seed {seed}",
        model,
        train_digits,
        val_digits,
        experiment.recipe,
        seed=seed,
        loss=classification_loss if is_judge else experiment.loss(),
        progress=progress,
        state_file=unfinished,
        after_epoch=after_epoch,
        watch=_watch(experiment, train_digits, splits) if experiment.watched else None,
    )
    entry = _save_run(name, seed, model, history, splits if measure else None, folder)
    remove(unfinished)
    return entry


def _watch(experiment: Experiment, train_digits: Digits, splits: Splits) -> Watch:
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


def _save_run(
    name: str, seed: int, model: nn.Module, history: History, splits: Splits | None, folder: Path
) -> dict[str, Any]:
    experiment, weights = zoo.experiment(name), pack_weights(model)
    entry = {
        "name": name,
        "seed": seed,
        "command": f"python -m aelib train {name}",
        "settings": experiment.settings(),
        "versions": versions(),
        "best_epoch": history.best_epoch,
        "train_loss": history.train_loss,
        "val_loss": history.val_loss,
        # JSON has no NaN, which says that there was nothing to score.
        "watched": [(at, None if math.isnan(value) else value) for at, value in history.watched],
        "seconds": [round(seconds, 2) for seconds in history.seconds],
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
    }
    if splits is not None:
        # What is measured is what ships: the weights after rounding to half precision.
        entry |= _measure(experiment, zoo.load_weights(experiment, weights), splits, folder)
    write_atomically(zoo.weights_file(name, seed, folder), weights)
    _write_record(entry, folder)
    return entry


def measure_run(
    name: str, seed: int, folder: Path = CHECKPOINTS, splits: Splits | None = None
) -> dict[str, Any]:
    """Measure a finished run again, from its kept weights, and record the values.

    Raises ModelMissingError if the weights are neither shipped nor in the cache, or if the
    run's record does not fit the table any more, and WeightsError if the weights are not
    those of the record.
    """
    experiment = zoo.experiment(name)
    entry = zoo.record(name, seed, folder)
    if not zoo.is_trained(name, seed, folder):
        path = zoo.record_file(name, seed, folder)
        raise zoo.ModelMissingError(zoo.how_to_train(experiment.name, path))
    model = zoo.load_seed(name, seed, folder)
    entry |= {"versions": versions()}
    entry |= _measure(experiment, model, splits or load_mnist(), folder)
    _write_record(entry, folder)
    return entry


def _measure(
    experiment: Experiment, model: Autoencoder | Judge, splits: Splits, folder: Path
) -> dict[str, Any]:
    start = time.perf_counter()
    if isinstance(model, Judge):
        found = {"test_accuracy": accuracy(model, splits.test)}
    else:
        # In this layout five judges read in the time of two.
        judges = [judge.to(memory_format=torch.channels_last) for judge in zoo.judges(folder)]
        found = Measurer(splits, judges).measure(
            model, experiment.only, with_codes=experiment.watched
        )
        # Of the weights as shipped. For original/*, which trains on these images too, it is
        # no validation error; nothing uses it there.
        chosen_by = experiment.digits(splits)[1] if experiment.only is not None else splits.val
        found["val_mse"] = evaluate(model, chosen_by)
    return found | {"measuring_seconds": round(time.perf_counter() - start, 2)}


def save_baselines(folder: Path = CHECKPOINTS, splits: Splits | None = None) -> Path:
    """Measure the detectors that need no training, record them, and return the file."""
    check_writable(expanded(folder))  # fail now, not after minutes
    splits = splits or load_mnist()
    found = [measure_baselines(splits, digit) for digit in DIGITS]
    return _write_values(zoo.BASELINES, found, "baselines", folder)


def save_costs(folder: Path = CHECKPOINTS) -> Path:
    """Measure what each way of up-sampling and each optimiser costs; return the file."""
    check_writable(expanded(folder))
    found = {"upsampling": measure_step_costs(), "recipes": measure_recipe_costs()}
    return _write_values(zoo.COSTS, found, "costs", folder)


def save_comparisons(folder: Path = CHECKPOINTS, splits: Splits | None = None) -> Path:
    """Compare the one-digit detectors over all their seeds, record it, and return the file.

    Raises ModelMissingError if the weights of a seed are not kept here.
    """
    models = [
        [zoo.load_seed(f"digit/{digit}", seed, folder) for seed in zoo.SEEDS] for digit in DIGITS
    ]
    check_writable(expanded(folder))
    found = measure_comparisons(splits or load_mnist(), models)
    return _write_values(zoo.COMPARISONS, found, "compare", folder)


def save_step_sizes(
    jobs: int = 1, folder: Path = CHECKPOINTS, splits: Splits | None = None
) -> Path:
    """Measure which step size each way of up-sampling prefers, record it, and return the file.

    jobs: how many single-threaded processes work at once.

    Raises what `measure_step_sizes` raises.
    """
    check_writable(expanded(folder))
    found = measure_step_sizes(splits or load_mnist(), jobs)
    return _write_values(zoo.STEP_SIZES, found, "tune", folder)


def _write_values(name: str, values: Any, command: str, folder: Path) -> Path:
    entry = {
        "command": f"python -m aelib {command}",
        "versions": versions(),
        "values": values,
    }
    path = expanded(folder) / name
    write_atomically(path, zoo.record_text(entry))
    return path


def versions() -> dict[str, str]:
    """Return what a record says of the machine that made it."""
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
    experiment = zoo.experiment(name)
    # A run that is watched cannot go on from the state of one that was not.
    settings = json.dumps(experiment.settings() | {"watched": experiment.watched}, sort_keys=True)
    digest = hashlib.sha256(f"{settings} {torch.__version__}".encode()).hexdigest()[:12]
    return cache_folder() / "runs" / f"{name.replace('/', '-')}-seed{seed}-{digest}.state"


def _write_record(entry: dict[str, Any], folder: Path) -> None:
    path = zoo.record_file(entry["name"], entry["seed"], folder)
    write_atomically(path, zoo.record_text(entry))
