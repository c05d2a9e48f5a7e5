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

from aelib.data import DIGITS, Digits, Splits, cache_folder, join
from aelib.models import UPSAMPLING, Autoencoder, Judge
from aelib.optim import COURSE, GENTLE, ONE_DIGIT, ORIGINAL, Recipe
from aelib.training import History, Loss, denoising_loss, reconstruction_loss, seeded

CHECKPOINTS = Path(__file__).parent / "checkpoints"
LATENT_DIMS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 24, 32)
UP_DIMS = (2, 16)
DIGIT_DIM = 16
SEEDS = (0, 1, 2, 3, 4)
GENTLE_UP_TO = 6
NOT_DECISIVE = ("name", "seeds", "shipped", "watched")  # fields that leave the outcome alone
BASELINES, COSTS = "one_class_baselines.json", "upsampling_costs.json"
JUDGE = "judge"
JUDGE_RECIPE = Recipe(10, 128, adam_lr=2e-3, muon_lr=0.01, muon_scale="original", warmup=0.2)


@dataclass(frozen=True)
class Experiment:
    """One line of the table: which model, trained how, on what, with which seeds.

    latent_dim: None for the judge, which is a classifier.
    offset: 0.5 gives the original's protocol: images in [-0.5, 0.5], all 60,000 training
        images, and the epoch chosen on the test set.
    thinned: a digit of which only every tenth training image is kept.
    only: the one digit to train on and to choose the epoch with; None for all.
    noise: standard deviation of what is added to the images that enter, in training.
    shipped: whether the weights of seed 0 are part of the package.
    watched: whether the checkerboard score is recorded while the model is trained, and how
        well its codes tell the digits apart after it: what notebook 4 compares.

    Raises ValueError for settings that exclude each other.
    """

    name: str
    recipe: Recipe
    latent_dim: int | None = None
    upsampling: str = "transpose"
    offset: float = 0.0
    thinned: int | None = None
    only: int | None = None
    noise: float = 0.0
    seeds: tuple[int, ...] = SEEDS
    shipped: bool = True
    watched: bool = False

    def __post_init__(self) -> None:
        special = (self.offset != 0, self.thinned is not None, self.only is not None)
        if sum(special) > 1 or (self.offset and self.noise):
            raise ValueError(
                f"{self.name}: offset excludes noise, and of offset, thinned and only one can "
                f"be given; got {self.offset}, {self.noise}, {self.thinned} and {self.only}"
            )
        if self.only is not None and self.only not in DIGITS:
            raise ValueError(f"{self.name}: only must be a digit of 0 to 9, got {self.only}")

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
        if self.only is not None:
            return splits.train.only(self.only), splits.val.only(self.only)
        if self.thinned is not None:
            return splits.train.thinned(self.thinned, keep_every=10), splits.val
        return splits.train, splits.val

    def loss(self) -> Loss:
        """Return the loss that an autoencoder of this experiment is trained with."""
        return denoising_loss(self.noise) if self.noise else reconstruction_loss

    def settings(self) -> dict[str, Any]:
        """Return what decides the outcome of a run, for comparison with a record."""
        settings = asdict(self)
        return {key: settings[key] for key in settings if key not in NOT_DECISIVE}


def course_recipe(latent_dim: int) -> Recipe:
    """Return the course's recipe for a latent dimension."""
    if latent_dim == 0:
        return replace(GENTLE, epochs=3)  # one picture to learn: it is there after an epoch
    return GENTLE if latent_dim <= GENTLE_UP_TO else COURSE


def _table() -> dict[str, Experiment]:
    experiments = [Experiment(JUDGE, JUDGE_RECIPE, seeds=(0,))]
    experiments += [
        Experiment(f"latent/{d}", course_recipe(d), d, watched=d in UP_DIMS) for d in LATENT_DIMS
    ]
    experiments += [
        Experiment(f"up/{kind}/{d}", course_recipe(d), d, kind, watched=True)
        for kind in UPSAMPLING
        if kind != "transpose"  # that is latent/{d}
        for d in UP_DIMS
    ]
    experiments += [
        Experiment(f"original/{kind}/{d}", ORIGINAL, d, kind, offset=0.5, seeds=(0, 1, 2))
        for kind in ("transpose", "nearest")
        for d in (2, 16)
    ]
    experiments += [Experiment(f"digit/{k}", ONE_DIGIT, DIGIT_DIM, only=k) for k in DIGITS]
    # What notebook 3 tried on validation images, one seed each, beside what it settled on.
    for name, latent_dim, noise in (("d8", 8, 0.0), ("d32", 32, 0.0), ("noise", DIGIT_DIM, 0.3)):
        experiments += [
            Experiment(
                f"trial/{name}/{k}",
                ONE_DIGIT,
                latent_dim,
                only=k,
                noise=noise,
                seeds=(0,),
                shipped=False,
            )
            for k in DIGITS
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
# One experiment, trained once, that notebooks 2 and 4 both need and call by their own name.
ALIASES = {f"up/transpose/{d}": f"latent/{d}" for d in UP_DIMS}
# What a run had before a setting existed: that setting's default.
DEFAULTS = {"only": None, "noise": 0.0}


class ModelMissingError(LookupError):
    """A model or a result that is in the table has not been trained here."""


# --- Reading --------------------------------------------------------------------------


def names() -> list[str]:
    """Return the names of all shipped models, e.g. "latent/16".

    `up/transpose/{d}` and `latent/{d}` are two names of one model.
    """
    return [name for name, experiment in EXPERIMENTS.items() if experiment.shipped] + list(ALIASES)


def match(*patterns: str) -> list[str]:
    """Return the experiments that match a shell pattern such as "latent/*".

    Without a pattern all of them. One with two names counts once. Raises ValueError if a
    pattern matches nothing.
    """
    known, chosen = [*EXPERIMENTS, *ALIASES], set()
    for pattern in patterns or ("*",):
        found = fnmatch.filter(known, pattern)
        if not found:
            raise ValueError(f"no experiment matches {pattern!r}; there are: {_known()}")
        chosen |= {ALIASES.get(name, name) for name in found}
    return [name for name in EXPERIMENTS if name in chosen]


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
    entries = results(name, folder)
    if any(key not in entry for entry in entries):
        raise ModelMissingError(
            f"{name} has no {key!r} recorded; it has: {', '.join(sorted(entries[0]))}"
        )
    return torch.tensor([entry[key] for entry in entries], dtype=torch.float64)


def record(name: str, seed: int, folder: Path = CHECKPOINTS) -> dict[str, Any]:
    """Return the recorded results of one run; raises ModelMissingError if there are none."""
    path = record_file(name, seed, folder)
    if not path.exists():
        raise ModelMissingError(how_to_train(name, path))
    return json.loads(path.read_text(encoding="utf-8"))


def history(name: str, seed: int = 0, folder: Path = CHECKPOINTS) -> History:
    """Return the recorded course of one training run."""
    entry = record(name, seed, folder)
    watched = [(steps, figure) for steps, figure in entry.get("watched", [])]
    return History(
        entry["train_loss"], entry["val_loss"], entry["seconds"], entry["best_epoch"], None, watched
    )


def one_class_baselines(folder: Path = CHECKPOINTS) -> list[dict[str, Any]]:
    """Return what detectors without a network reach, one dict per normal digit.

    Its keys are "ink", "mean image", "PCA" and "nearest image"; the content is that of
    "detector" in the records of `digit/{k}`. Raises ModelMissingError if it is not there.
    """
    return _recorded_figures(folder / BASELINES, "baselines")


def step_costs(folder: Path = CHECKPOINTS) -> dict[str, dict[str, float]]:
    """Return the recorded "parameters" and "cost" of each way of up-sampling, by kind.

    Source: `measuring.step_costs`. Raises ModelMissingError if it is not there.
    """
    return _recorded_figures(folder / COSTS, "costs")


def _recorded_figures(path: Path, command: str) -> Any:
    if not path.exists():
        raise ModelMissingError(f"{path} does not exist; run: python -m aelib {command}")
    return json.loads(path.read_text(encoding="utf-8"))["figures"]


def is_trained(name: str, seed: int, folder: Path = CHECKPOINTS) -> bool:
    """Return whether a run has been recorded with the settings that the table has now.

    If the experiment is watched, what was watched has to be recorded as well.
    """
    experiment = find(name)
    if experiment.shipped and seed == 0 and not weights_file(name, 0, folder).exists():
        return False
    try:
        entry = record(name, seed, folder)
        settings = entry["settings"]
    except (ModelMissingError, ValueError, KeyError):
        return False
    if experiment.watched and not entry.get("watched"):
        return False
    return DEFAULTS | settings == json.loads(json.dumps(experiment.settings()))


def load_weights(
    experiment: Experiment,
    packed: bytes,
    entry: dict[str, Any] | None = None,
    path: Path | None = None,
) -> Any:
    """Return an experiment's model with packed weights, checked against its record."""
    found = hashlib.sha256(packed).hexdigest()
    if entry is not None and found != entry["weights_sha256"]:
        shipped = path is not None and path.is_relative_to(CHECKPOINTS)
        restore = "'git checkout -- aelib/checkpoints', or " if shipped else ""
        raise RuntimeError(
            f"{path} is not the file that was recorded: its SHA-256 is {found}, expected "
            f"{entry['weights_sha256']}. Remedy: {restore}delete the file and the run's record "
            f"(seed{entry['seed']}.json), then run: python -m aelib train {experiment.name}"
        )
    model = experiment.build()
    model.load_state_dict(torch.load(io.BytesIO(packed), weights_only=True))
    return model.eval()


def weights_file(name: str, seed: int, folder: Path = CHECKPOINTS) -> Path:
    """Return where a run's weights are: shipped for seed 0, else in the user's cache."""
    shipped = find(name).shipped and seed == 0
    root = folder if shipped else cache_folder() / "weights"
    return root / find(name).name / f"seed{seed}.pt"


def record_file(name: str, seed: int, folder: Path = CHECKPOINTS) -> Path:
    """Return where a run's record is."""
    return folder / find(name).name / f"seed{seed}.json"


def find(name: str) -> Experiment:
    """Return a line of the table; raises ValueError for an unknown name."""
    name = ALIASES.get(name, name)
    if name not in EXPERIMENTS:
        raise ValueError(f"there is no model {name!r}; there are: {_known()}")
    return EXPERIMENTS[name]


def _known() -> str:
    return ", ".join([*EXPERIMENTS, *ALIASES])


def how_to_train(name: str, path: Path) -> str:
    """Return what to tell somebody who asks for a file that is not there."""
    kept = "" if path.is_relative_to(CHECKPOINTS) else " (after deleting the run's record)"
    return f"{path} does not exist; to make it{kept}, run: python -m aelib train {name}"
