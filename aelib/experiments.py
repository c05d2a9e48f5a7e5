"""The experiments as one table: which model, trained how, on what, with which seeds.

To add one, add a line to `_table`; `python -m aelib train` does what is missing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from torch import nn

from aelib.data import DIGITS, Digits, Splits, join
from aelib.models import CONTROLS, UPSAMPLING, Autoencoder, Judge
from aelib.optim import COURSE, GENTLE, ONE_DIGIT, ORIGINAL, SCHEDULED_ADAM, Recipe
from aelib.training import Loss, denoising_loss, reconstruction_loss, seeded

LATENT_DIMS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 24, 32)
UP_DIMS = (2, 16)
DIGIT_DIM = 16
SEEDS = (0, 1, 2, 3, 4)
GENTLE_UP_TO = 6
# Fields that leave the outcome alone.
NOT_DECISIVE = ("name", "seeds", "shipped", "watched", "note")
JUDGE = "judge"
# Which of the original's two ways to enlarge, with how many numbers.
ORIGINALS = (("transpose", 1), *((kind, d) for kind in ("transpose", "nearest") for d in UP_DIMS))
# The ways to enlarge that notebook 4 compares, each with its sizes of the code.
COMPARED = (
    *((kind, d) for kind in UPSAMPLING for d in UP_DIMS),
    *((kind, max(UP_DIMS)) for kind in CONTROLS),
)
# What the course's learning rates are multiplied by, where it is not 1: the factor with the
# lowest validation error in `python -m aelib tune`.
UP_STEPS = {
    ("nearest", 16): 0.5,
    ("bilinear", 16): 2.0,
    ("pixel_shuffle", 16): 2.0,
    ("nearest_k5", 16): 2.0,
}
JUDGE_RECIPE = Recipe(5, 128, adam_lr=2e-3, muon_lr=0.01, muon_scale="original", warmup=0.2)


@dataclass(frozen=True)
class Experiment:
    """One line of the table: which model, trained how, on what, with which seeds.

    latent_dim: None for the judge, which is a classifier.
    offset: 0.5 gives the original's protocol: images in [-0.5, 0.5], all 60,000 training
        images, and the epoch chosen on the test set.
    thinned: a digit and how few of its training images are kept: every n-th.
    only: the one digit to train on and to choose the epoch with; None for all.
    noise: standard deviation of what is added to the images that enter, in training.
    shipped: whether the weights of seed 0, and of every judge, are part of the package.
    watched: whether the checkerboard score is recorded while the model is trained, and how
        well its codes tell the digits apart after it: what notebook 4 compares.
    note: what the experiment is for.

    Raises ValueError for settings that exclude each other.
    """

    name: str
    recipe: Recipe
    latent_dim: int | None = None
    upsampling: str = "transpose"
    offset: float = 0.0
    thinned: tuple[int, int] | None = None
    only: int | None = None
    noise: float = 0.0
    seeds: tuple[int, ...] = SEEDS
    shipped: bool = True
    watched: bool = False
    note: str = ""

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
            digit, keep_every = self.thinned
            return splits.train.thinned(digit, keep_every), splits.val
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


def scaled(recipe: Recipe, factor: float) -> Recipe:
    """Return a recipe with larger or smaller steps: its learning rates times a factor."""
    muon_lr = recipe.muon_lr and factor * recipe.muon_lr
    return replace(recipe, adam_lr=factor * recipe.adam_lr, muon_lr=muon_lr)


def _table() -> dict[str, Experiment]:
    experiments = [
        Experiment(JUDGE, JUDGE_RECIPE, note="read the drawings of all others (notebooks 2 to 4)"),
        *(
            Experiment(
                f"latent/{d}",
                course_recipe(d),
                d,
                note="what d numbers hold (notebooks 1 and 2)",
            )
            for d in LATENT_DIMS
        ),
        *(
            Experiment(
                f"up/{kind}/{d}",
                scaled(course_recipe(d), UP_STEPS.get((kind, d), 1.0)),
                d,
                kind,
                shipped=kind in UPSAMPLING,
                watched=True,
                note="the six ways to enlarge, and a control (notebook 4)",
            )
            for kind, d in COMPARED
        ),
        *(
            Experiment(
                f"original/{kind}/{d}",
                ORIGINAL,
                d,
                kind,
                offset=0.5,
                seeds=(0, 1, 2),
                shipped=d in UP_DIMS,
                note="the original's protocol, measured again (notebooks 2 and 4)",
            )
            for kind, d in ORIGINALS
        ),
        *(
            Experiment(
                f"digit/{k}",
                ONE_DIGIT,
                DIGIT_DIM,
                only=k,
                note="know one digit, find the strangers (notebook 3)",
            )
            for k in DIGITS
        ),
        *(
            Experiment(
                f"trial/{name}/{k}",
                ONE_DIGIT,
                d,
                only=k,
                noise=noise,
                seeds=(0,),
                shipped=False,
                note="what notebook 3 tried on validation images beside digit/*",
            )
            for name, d, noise in (("d8", 8, 0.0), ("d32", 32, 0.0), ("noise", DIGIT_DIM, 0.3))
            for k in DIGITS
        ),
        *(
            Experiment(
                f"scarce/{name}",
                course_recipe(1),
                1,
                thinned=(0, keep_every),
                shipped=False,
                note="latent/1 with fewer zeros: does a digit need its share? (notebook 2)",
            )
            for name, keep_every in (("half", 2), ("quarter", 4), ("tenth", 10))
        ),
        Experiment(
            "plain/16",
            replace(ORIGINAL, epochs=COURSE.epochs),
            16,
            shipped=False,
            note="the original's optimiser on the course's terms (notebook 2)",
        ),
        Experiment(
            "adam/16",
            SCHEDULED_ADAM,
            16,
            shipped=False,
            note="Adam with the course's schedule: what Muon adds (notebook 2)",
        ),
        *(
            Experiment(
                f"adam/{name}",
                scaled(SCHEDULED_ADAM, factor),
                16,
                seeds=(0,),
                shipped=False,
                note="half and twice the rate of adam/16: how much does it matter? (notebook 2)",
            )
            for name, factor in (("half", 0.5), ("twice", 2.0))
        ),
    ]
    return {experiment.name: experiment for experiment in experiments}


EXPERIMENTS = _table()
