"""What is written down of a run and of other measurements, and the commands that do so."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import nn

import aelib
from aelib import AelibError, hangul, zoo
from aelib.data import DIGITS, Splits, cache_folder, load_mnist, write
from aelib.metrics import read_digits
from aelib.training import evaluate
from aelib.workshop import comparing, letters, measuring
from aelib.workshop.batch_last import one_thread
from aelib.workshop.experiments import JUDGE, Experiment, experiment, match


def weights_file(one: Experiment, seed: int) -> Path:
    """Return where a run's weights belong: what ships beside its record, else in the cache."""
    ships = one.shipped and (seed == 0 or one.name == JUDGE)
    return (zoo.CHECKPOINTS if ships else cache_folder() / "weights") / one.name / f"seed{seed}.pt"


def is_trained(one: Experiment, seed: int) -> bool:
    """Return whether a run is recorded as the table has it now, and its weights, if they ship."""
    weights = weights_file(one, seed)
    try:
        entry = zoo.record(one.name, seed)
    except AelibError:
        return False
    same = entry["settings"] == json.loads(json.dumps(one.settings()))
    there = weights.exists() or not weights.is_relative_to(zoo.CHECKPOINTS)
    return there and same and bool(entry["watched"] or not one.watched)


def state_file(one: Experiment, seed: int) -> Path:
    """Return where the state of an unfinished run is kept; other settings have another file."""
    settings = f"{one.settings()} {one.watched} {torch.__version__}"
    digest = hashlib.sha256(settings.encode()).hexdigest()[:12]
    return cache_folder() / "runs" / f"{one.name.replace('/', '-')}-seed{seed}-{digest}.state"


def tidy() -> None:
    """Remove what killed processes have left: files half written, and states of finished runs."""
    for path in (*zoo.CHECKPOINTS.rglob("*.part"), *cache_folder().rglob("*.part")):
        with suppress(FileNotFoundError):  # if it is young, somebody is writing it
            if time.time() - path.stat().st_mtime > 1:
                path.unlink()
    for one in map(experiment, match()):
        for seed in one.seeds:
            if (state := state_file(one, seed)).exists() and is_trained(one, seed):
                state.unlink(missing_ok=True)


def save(entry: dict[str, Any], weights: bytes) -> None:
    """Write what a run leaves; the record comes last, as it says that all is there."""
    name, seed = entry["name"], entry["seed"]
    write(weights_file(experiment(name), seed), weights)
    write(zoo.record_file(name, seed), text(entry))
    state_file(experiment(name), seed).unlink(missing_ok=True)


def text(entry: dict[str, Any]) -> bytes:
    """Return a record as the text of its file: a list of numbers has a line, as git likes it."""
    indented = json.dumps(entry, indent=1, sort_keys=True, allow_nan=False)
    lists = re.compile(r"\[[^\[\]{}]*\]")
    return (lists.sub(lambda found: " ".join(found[0].split()), indented) + "\n").encode()


def packed(model: nn.Module) -> bytes:
    """Return a model's weights as they ship: a torch file, weights in half precision.

    Buffers stay as they are: a batch norm's running variance may be far larger than the
    65,504 that half precision can hold, and there are only a few of them.
    """
    weights = {name for name, _ in model.named_parameters()}
    state = {key: v.half() if key in weights else v for key, v in model.state_dict().items()}
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def measured(one: Experiment, weights: bytes, splits: Splits) -> dict[str, Any]:
    """Return what is recorded of a model, measured as it ships: in half precision."""
    start = time.perf_counter()
    model: Any = one.build().eval()
    model.load_state_dict(torch.load(io.BytesIO(weights), weights_only=True))
    with one_thread():
        if one.name == JUDGE:
            right = read_digits(model, splits.test.floats()) == splits.test.labels
            found: dict[str, Any] = {"test_accuracy": int(right.sum()) / len(right)}
        elif one.letters:
            found = measuring.measure_letters(model, splits)
        else:
            # In this layout five judges read in the time of two.
            judges = [judge.to(memory_format=torch.channels_last) for judge in zoo.judges()]
            found = measuring.measure_digits(model, splits, judges, one.only, one.watched)
        if one.name != JUDGE:
            # For original/*, which trains on these images too, it is no validation error.
            chosen_by = splits.val if one.only is None else splits.val.only(one.only)
            found["val_mse"] = evaluate(model, chosen_by)
    return found | {"measuring_seconds": round(time.perf_counter() - start, 2)}


def measure_again(patterns: Iterable[str]) -> None:
    """Measure finished runs whose weights are kept here, record the values, and say so."""
    for one in map(experiment, match(*patterns)):
        for seed in one.seeds:
            weights = weights_file(one, seed)
            if weights.exists():
                zoo.load(one.name, seed)  # says so if they are not those that were recorded
                entry = zoo.record(one.name, seed) | {"versions": versions()}
                entry |= measured(one, weights.read_bytes(), one.splits())
                write(zoo.record_file(one.name, seed), text(entry))
            done = "measured" if weights.exists() else "skipped, as its weights are not kept here:"
            print(f"{done} {one.name}, seed {seed}")


def how_far(patterns: Iterable[str]) -> None:
    """Print of each experiment how many of its seeds are recorded."""
    for one in map(experiment, match(*patterns)):
        done = sum(is_trained(one, seed) for seed in one.seeds)
        print(f"{one.name:24} {done} of {len(one.seeds)} seeds  {one.note}")


def versions() -> dict[str, str]:
    """Return what a record says of the machine that made it."""
    own = {"torch": str(torch.__version__), "aelib": aelib.__version__}
    return {"python": platform.python_version(), "machine": platform.machine()} | own


def save_baselines() -> None:
    """Measure and record the detectors that need no training."""
    splits = load_mnist()
    found = [measuring.measure_baselines(splits, digit) for digit in DIGITS]
    save_values("one_class_baselines", "baselines", found)


def save_costs() -> None:
    """Measure and record what each way of up-sampling and each optimiser costs."""
    save_values("costs", "costs", measuring.measure_costs())


def save_comparisons() -> None:
    """Compare the one-digit detectors over all their seeds, and record it."""
    models = [[zoo.load(f"digit/{digit}", seed) for seed in zoo.SEEDS] for digit in DIGITS]
    found = comparing.measure_comparisons(load_mnist(), models)
    save_values("one_class_comparisons", "compare", found)


def save_letters() -> None:
    """Measure which strokes the one-letter models draw, over all seeds, and record it."""
    names = hangul.NAMES
    models = {name: [zoo.load(f"hangul/{name}", seed) for seed in zoo.SEEDS] for name in names}
    save_values("hangul", "letters", letters.measure_letters(models))


def save_values(what: str, command: str, values: Any) -> None:
    """Write what a command has measured where `zoo.measured(what)` reads it."""
    path = zoo.CHECKPOINTS / f"{what}.json"
    entry = {"command": f"python -m aelib {command}", "versions": versions(), "values": values}
    write(path, text(entry))
    print(path.name)
