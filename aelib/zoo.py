"""The trained models of the course and their recorded results.

`load(name)` gives a shipped model, `values(name, key)` what was recorded over all its seeds.
Both are made by `python -m aelib train`. A run, one model with one seed, leaves two files:

    checkpoints/<name>/seed<k>.json   settings, values, versions; written last
    checkpoints/<name>/seed0.pt       weights in half precision, shipped for seed 0

All five judges ship, so that anybody can measure; other seeds' weights are in the user's cache,
if they were trained there. A record's settings say how to build its model.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aelib import AelibError
from aelib.data import cache_folder
from aelib.models import Autoencoder, Judge
from aelib.training import History, seeded

CHECKPOINTS = Path(__file__).parent / "checkpoints"
JUDGE = "judge"
LATENT_DIMS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 24, 32)
UP_DIMS = (2, 16)
SEEDS = (0, 1, 2, 3, 4)


def names() -> list[str]:
    """Return the names of all shipped models, e.g. "latent/16"."""
    return _names_of("seed0.pt")


def load(name: str, seed: int = 0) -> Autoencoder:
    """Return a trained autoencoder in eval mode on the CPU, e.g. load("latent/16").

    Seed 0 ships; others are there if they were trained on this machine. Raises AelibError for a
    name or a seed that there is not, and for weights that are missing or were altered.
    """
    entry, path = record(name, seed), weights_file(name, seed)
    anew = f"delete {record_file(name, seed)} and run: python -m aelib train {name}"
    if not path.exists():
        raise AelibError(f"the weights of {name}, seed {seed}, are not kept here; {anew}")
    packed = path.read_bytes()
    if hashlib.sha256(packed).hexdigest() != entry["weights_sha256"]:
        raise AelibError(f"{path} is not what was recorded: git checkout -- {path}, or {anew}")
    model = build(entry["settings"])
    # As numbers only: no code in a file is ever run.
    model.load_state_dict(torch.load(io.BytesIO(packed), weights_only=True))
    return model.eval()


def read(path: Path | str) -> Autoencoder:
    """Return a network that was trained and saved in the explorer, in eval mode.

    The file has the format of safetensors: the length of a header, the header, float32 numbers.
    Raises AelibError for another file.
    """
    content = Path(path).read_bytes()
    try:
        start = 8 + int.from_bytes(content[:8], "little")
        header = json.loads(content[8:start])
        about = header.pop("__metadata__")
        model = Autoencoder(int(about["latent_dim"]), about["upsampling"], float(about["offset"]))
        state = {k: v for k, v in model.state_dict().items() if not v.is_floating_point()}
        for name, entry in header.items():
            first, end = (start + place for place in entry["data_offsets"])
            numbers = torch.frombuffer(bytearray(content[first:end]), dtype=torch.float32)
            state[name] = numbers.view(entry["shape"])
        model.load_state_dict(state)
    except (ValueError, KeyError, TypeError, RuntimeError):
        raise AelibError(f"{path} is not a network that the explorer saved: save it anew") from None
    return model.eval()


def judge(seed: int = 0) -> Judge:
    """Return the trained classifier that reads the course's reconstructions, in eval mode."""
    model: Any = load(JUDGE, seed)
    return model


def judges() -> list[Judge]:
    """Return all five: what only one of them reads says more of the reader than of the picture."""
    return [judge(seed) for seed in _seeds(JUDGE)]


def untrained(name: str, seed: int = 0) -> Autoencoder:
    """Return the model of a recorded experiment, e.g. "plain/16", before training."""
    return build(record(name)["settings"], seed)


def build(settings: Mapping[str, Any], seed: int = 0) -> Any:
    """Return the untrained model that an experiment's settings describe."""
    with seeded(seed):
        if settings["latent_dim"] is None:
            return Judge()
        return Autoencoder(settings["latent_dim"], settings["upsampling"], settings["offset"])


def record(name: str, seed: int = 0) -> dict[str, Any]:
    """Return what was recorded of one run; AelibError if there is none, naming what there is."""
    path, train = record_file(name, seed), f"python -m aelib train {name}"
    if not path.exists():
        if seeds := _seeds(name):
            raise AelibError(f"{name} has seeds {seeds}, not {seed}; {train} adds what is missing")
        known = _names_of("seed0.json")
        akin = [one for one in known if one.split("/")[0] == name.split("/")[0]]
        raise AelibError(f"there is no {name!r}; there are: {', '.join(akin or known)}")
    return _read(path, train)


def results(name: str) -> list[dict[str, Any]]:
    """Return what was recorded of an experiment, one dict per seed, in seed order."""
    return [record(name, seed) for seed in _seeds(name) or (0,)]


def values(name: str, key: str) -> Tensor:
    """Return a recorded value, e.g. "test_mse", over the seeds: shape (seeds, ...), float64."""
    entries = results(name)
    if any(key not in entry for entry in entries):
        raise AelibError(f"{name} has no {key!r}; it has: {', '.join(sorted(entries[0]))}")
    return torch.tensor([entry[key] for entry in entries], dtype=torch.float64)


def history(name: str, seed: int = 0) -> History:
    """Return the recorded course of one training run."""
    entry = record(name, seed)
    losses = entry["train_loss"], entry["val_loss"], entry["seconds"]
    return History(*losses, entry["best_epoch"], None, _watched(entry))


def watched(name: str) -> tuple[list[int], Tensor]:
    """Return (steps, scores): of `up/*` the checkerboard score at each step, (seeds, steps)."""
    runs = [dict(_watched(entry)) for entry in results(name)]
    return list(runs[0]), torch.tensor([list(run.values()) for run in runs])


def _watched(entry: dict[str, Any]) -> list[tuple[int, float]]:
    # Where there was nothing to score, JSON has no NaN to say so.
    return [(step, math.nan if value is None else value) for step, value in entry["watched"]]


def measured(what: str) -> Any:
    """Return what was measured of several models at once, the values in checkpoints/<what>.json.

    what: "one_class_baselines", by normal digit what detectors without a network reach, as
    "detector" in the records of `digit/{k}`; "one_class_comparisons", differences in mean AUROC, in
    points; "costs" of a training step by "upsampling" and by "recipes"; "step_sizes", the
    validation error of each way of up-sampling at several step sizes; "hangul", what
    `workshop.letters.measure_letters` gives.
    """
    commands = "python -m aelib baselines, compare, costs, tune, or letters"
    return _read(CHECKPOINTS / f"{what}.json", commands)["values"]


def _read(path: Path, command: str) -> dict[str, Any]:
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        remedy = f"git checkout -- {path}, or delete it and run: {command}"
        raise AelibError(f"{path} is missing or damaged; {remedy}") from None


def weights_file(name: str, seed: int = 0) -> Path:
    """Return where a run's weights are: shipped, or in the user's cache."""
    shipped = CHECKPOINTS / name / f"seed{seed}.pt"
    return shipped if shipped.exists() else cache_folder() / "weights" / name / shipped.name


def record_file(name: str, seed: int = 0) -> Path:
    """Return where a run's record is."""
    return CHECKPOINTS / name / f"seed{seed}.json"


def _seeds(name: str) -> list[int]:
    """Return the seeds that are recorded of an experiment."""
    return sorted(int(path.stem[4:]) for path in (CHECKPOINTS / name).glob("seed*.json"))


def _names_of(file: str) -> list[str]:
    found = [path.parent.relative_to(CHECKPOINTS).parts for path in CHECKPOINTS.rglob(file)]
    found.sort(key=lambda parts: [(int(p), p) if p.isdigit() else (-1, p) for p in parts])
    return ["/".join(parts) for parts in found]
