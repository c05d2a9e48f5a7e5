"""The experiments as one table, their trained models and their recorded results.

`load(name)` gives a shipped model, `results(name)` the figures of all its seeds. Both
are made by `python -m aelib train` (the module `sweep`). A run, which is one model with
one seed, leaves two files:

    checkpoints/<name>/seed<k>.json   figures, recipe, versions; written last
    checkpoints/<name>/seed0.pt       weights in half precision, shipped for seed 0

The weights of the other seeds stay in the user's cache, so they can be measured again.
"""

from __future__ import annotations

import fnmatch
import hashlib
import io
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aelib.data import Digits, Splits, cache_folder, join
from aelib.models import Autoencoder, Judge
from aelib.optim import COURSE, GENTLE, ORIGINAL, Recipe
from aelib.training import History, seeded

CHECKPOINTS = Path(__file__).parent / "checkpoints"
LATENT_DIMS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 24, 32)
SEEDS = (0, 1, 2, 3, 4)
GENTLE_UP_TO = 6
JUDGE = "judge"
JUDGE_RECIPE = Recipe(10, 128, adam_lr=2e-3, muon_lr=0.01, muon_scale="original", warmup=0.2)


@dataclass(frozen=True)
class Experiment:
    """One line of the table: which model, trained how, on what, with which seeds.

    latent_dim: None for the judge, which is a classifier.
    offset: 0.5 gives the original's protocol: images in [-0.5, 0.5], all 60,000 training
        images, and the epoch chosen on the test set.
    thinned: a digit of which only every tenth training image is kept.
    shipped: whether the weights of seed 0 are part of the package.
    """

    name: str
    recipe: Recipe
    latent_dim: int | None = None
    upsampling: str = "transpose"
    offset: float = 0.0
    thinned: int | None = None
    seeds: tuple[int, ...] = SEEDS
    shipped: bool = True

    def build(self, seed: int = 0) -> nn.Module:
        """Return the untrained model with the initial weights of a seed."""
        with seeded(seed):
            if self.latent_dim is None:
                return Judge()
            return Autoencoder(self.latent_dim, self.upsampling, self.offset)

    def digits(self, splits: Splits) -> tuple[Digits, Digits]:
        """Return the images to train on and those that choose the epoch."""
        if self.offset:
            return join(splits.train, splits.val), splits.test
        if self.thinned is not None:
            return splits.train.thinned(self.thinned, keep_every=10), splits.val
        return splits.train, splits.val

    def settings(self) -> dict[str, Any]:
        """Return what decides the outcome of a run, for comparison with a record."""
        settings = asdict(self)
        return {key: settings[key] for key in settings if key not in ("name", "seeds", "shipped")}


def course_recipe(latent_dim: int) -> Recipe:
    """Return the course's recipe for a latent dimension."""
    if latent_dim == 0:
        return replace(GENTLE, epochs=3)  # one picture to learn: it is there after an epoch
    return GENTLE if latent_dim <= GENTLE_UP_TO else COURSE


def _table() -> dict[str, Experiment]:
    experiments = [Experiment(JUDGE, JUDGE_RECIPE, seeds=(0,))]
    experiments += [Experiment(f"latent/{d}", course_recipe(d), d) for d in LATENT_DIMS]
    experiments += [
        Experiment(f"original/{kind}/{d}", ORIGINAL, d, kind, offset=0.5, seeds=(0, 1, 2))
        for kind in ("transpose", "nearest")
        for d in (2, 16)
    ]
    # Notebook 2 only quotes figures of these, so their weights are not shipped. "plain" is
    # the original's optimiser on the course's terms: images in [0, 1], as many epochs.
    plain = replace(ORIGINAL, epochs=COURSE.epochs)
    experiments += [
        Experiment("scarce_zero/1", course_recipe(1), 1, thinned=0, shipped=False),
        Experiment("plain/16", plain, 16, shipped=False),
    ]
    return {experiment.name: experiment for experiment in experiments}


EXPERIMENTS = _table()


class ModelMissingError(LookupError):
    """A model or a result that is in the table has not been trained here."""


# --- Reading --------------------------------------------------------------------------


def names() -> list[str]:
    """Return the names of all shipped models, e.g. "latent/16"."""
    return [name for name, experiment in EXPERIMENTS.items() if experiment.shipped]


def match(*patterns: str) -> list[str]:
    """Return the experiments that match a shell pattern such as "latent/*".

    Without a pattern all of them. Raises ValueError if a pattern matches nothing.
    """
    for pattern in patterns:
        if not fnmatch.filter(EXPERIMENTS, pattern):
            raise ValueError(f"no experiment matches {pattern!r}; there are: {_known()}")
    chosen = patterns or ("*",)
    return [name for name in EXPERIMENTS if any(fnmatch.fnmatch(name, p) for p in chosen)]


def load(name: str, folder: Path = CHECKPOINTS) -> Autoencoder | Judge:
    """Return a shipped model (seed 0) with its trained weights, in eval mode on the CPU.

    Raises ValueError for an unknown name, ModelMissingError for a model that has not been
    trained, and RuntimeError if the weights are not those that were recorded.
    """
    experiment = find(name)
    path = weights_file(name, 0, folder)
    if not path.exists():
        raise ModelMissingError(how_to_train(name, path))
    return load_weights(experiment, path.read_bytes(), record(name, 0, folder), path)


def results(name: str, folder: Path = CHECKPOINTS) -> list[dict[str, Any]]:
    """Return the recorded results of an experiment, one dict per seed, in seed order.

    Raises ValueError for an unknown name and ModelMissingError if a seed has no record.
    """
    return [record(name, seed, folder) for seed in find(name).seeds]


def figures(name: str, key: str, folder: Path = CHECKPOINTS) -> Tensor:
    """Return one recorded figure over the seeds: shape (seeds, ...), float64.

    key: e.g. "test_mse", "test_mse_per_digit", "read_right_per_digit", "val_loss".
    """
    return torch.tensor([result[key] for result in results(name, folder)], dtype=torch.float64)


def record(name: str, seed: int, folder: Path = CHECKPOINTS) -> dict[str, Any]:
    """Return the recorded results of one run; raises ModelMissingError if there are none."""
    path = record_file(name, seed, folder)
    if not path.exists():
        raise ModelMissingError(how_to_train(name, path))
    return json.loads(path.read_text(encoding="utf-8"))


def history(name: str, seed: int = 0, folder: Path = CHECKPOINTS) -> History:
    """Return the recorded course of one training run."""
    entry = record(name, seed, folder)
    return History(
        entry["train_loss"], entry["val_loss"], entry["seconds"], entry["best_epoch"], None
    )


def is_trained(name: str, seed: int, folder: Path = CHECKPOINTS) -> bool:
    """Return whether a run has been recorded with the settings that the table has now."""
    experiment = find(name)
    if experiment.shipped and seed == 0 and not weights_file(name, 0, folder).exists():
        return False
    try:
        settings = record(name, seed, folder)["settings"]
    except (ModelMissingError, ValueError, KeyError):
        return False
    return settings == json.loads(json.dumps(experiment.settings()))


def load_weights(
    experiment: Experiment,
    packed: bytes,
    entry: dict[str, Any] | None = None,
    path: Path | None = None,
) -> Any:
    """Return an experiment's model with packed weights, checked against its record."""
    found = hashlib.sha256(packed).hexdigest()
    if entry is not None and found != entry["weights_sha256"]:
        raise RuntimeError(
            f"{path} is not the file that was recorded: its SHA-256 is {found}, expected "
            f"{entry['weights_sha256']}. Remedy: 'git checkout -- aelib/checkpoints', or delete "
            f"the file and run: python -m aelib train {experiment.name}"
        )
    model = experiment.build()
    model.load_state_dict(torch.load(io.BytesIO(packed), weights_only=True))
    return model.eval()


def weights_file(name: str, seed: int, folder: Path = CHECKPOINTS) -> Path:
    """Return where a run's weights are: shipped for seed 0, else in the user's cache."""
    shipped = find(name).shipped and seed == 0
    root = folder if shipped else cache_folder() / "weights"
    return root / name / f"seed{seed}.pt"


def record_file(name: str, seed: int, folder: Path = CHECKPOINTS) -> Path:
    """Return where a run's record is."""
    return folder / name / f"seed{seed}.json"


def find(name: str) -> Experiment:
    """Return a line of the table; raises ValueError for an unknown name."""
    if name not in EXPERIMENTS:
        raise ValueError(f"there is no model {name!r}; there are: {_known()}")
    return EXPERIMENTS[name]


def _known() -> str:
    return ", ".join(EXPERIMENTS)


def how_to_train(name: str, path: Path) -> str:
    """Return what to tell somebody who asks for a file that is not there."""
    kept = "" if path.is_relative_to(CHECKPOINTS) else " (after deleting the run's record)"
    return f"{path} does not exist; to make it{kept}, run: python -m aelib train {name}"
