"""The experiments as one table: which model, trained how, on what, with which seeds.

To add one, add a line to `_table`; `python -m aelib train` does what is missing.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

from torch import nn

from aelib import AelibError, hangul, zoo
from aelib.data import DIGITS, Digits, Splits, join, load_mnist
from aelib.models import CONTROLS, UPSAMPLING
from aelib.optim import COURSE, GENTLE, ONE_DIGIT, ORIGINAL, SCHEDULED_ADAM, Recipe
from aelib.training import Loss, classification_loss, denoising_loss, reconstruction_loss
from aelib.zoo import JUDGE, LATENT_DIMS, SEEDS, UP_DIMS

DIGIT_DIM = 16
GENTLE_UP_TO = 6
CONTESTED_DIMS = (1, 2)  # which digits survive here differs from run to run
# Fields that leave the outcome alone.
NOT_DECISIVE = ("name", "seeds", "shipped", "watched", "note")
HANGUL_DIMS = (0, 1, 2, 5, 16)
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
# What notebook 3 tried on validation images beside `digit/*`: the size of the code and noise.
TRIALS = {"d8": (8, 0.0), "d32": (32, 0.0), "noise": (DIGIT_DIM, 0.3)}
JUDGE_RECIPE = Recipe(5, 128, adam_lr=2e-3, muon_lr=0.01, muon_scale="original", warmup=0.2)


@dataclass(frozen=True)
class Experiment:
    """One line of the table: which model, trained how, on what, with which seeds."""

    name: str
    recipe: Recipe
    latent_dim: int | None = None  # None for the judge, which is a classifier
    upsampling: str = "transpose"
    # 0.5 shifts the images to [-0.5, 0.5]; with the original's recipe this is its whole protocol:
    # all 60,000 training images, and the epoch chosen on the test set.
    offset: float = 0.0
    thinned: tuple[int, int] | None = None  # of which digit only every n-th image is kept
    only: int | None = None  # the one digit, or letter, to train on and to choose the epoch with
    noise: float = 0.0  # standard deviation of what is added to the images that enter, in training
    seeds: tuple[int, ...] = SEEDS
    shipped: bool = True  # whether the weights of seed 0, and of every judge, are in the package
    # Whether the checkerboard score is recorded while the model is trained, and how well its codes
    # tell the digits apart after it: what notebook 4 compares.
    watched: bool = False
    note: str = ""  # what the experiment is for
    letters: bool = False  # whether it learns letters of Hangul

    def build(self, seed: int = 0) -> nn.Module:
        """Return the untrained model with the initial weights of a seed."""
        return zoo.build(self.settings(), seed)

    def splits(self) -> Splits:
        """Return the images that it is about: MNIST's, or the letters of Hangul."""
        return hangul.load_hangul() if self.letters else load_mnist()

    def digits(self, splits: Splits) -> tuple[Digits, Digits]:
        """Return the images to train on and those that choose the epoch."""
        if self.offset and self.recipe == ORIGINAL:
            return join(splits.train, splits.val), splits.test
        if self.only is not None:
            return splits.train.only(self.only), splits.val.only(self.only)
        if self.thinned is not None:
            return splits.train.thinned(*self.thinned), splits.val
        return splits.train, splits.val

    def loss(self) -> Loss:
        """Return the loss that it is trained with."""
        if self.name == JUDGE:
            return classification_loss
        return denoising_loss(self.noise) if self.noise else reconstruction_loss

    def settings(self) -> dict[str, Any]:
        """Return what decides the outcome of a run, as a record has it."""
        left_out = NOT_DECISIVE if self.letters else (*NOT_DECISIVE, "letters")
        return {key: value for key, value in asdict(self).items() if key not in left_out}


def course_recipe(latent_dim: int) -> Recipe:
    """Return the course's recipe for a latent dimension."""
    if latent_dim == 0:
        return replace(GENTLE, epochs=3)  # one picture to learn: it is there after an epoch
    return GENTLE if latent_dim <= GENTLE_UP_TO else COURSE


def scaled(recipe: Recipe, factor: float) -> Recipe:
    """Return a recipe with larger or smaller steps: its learning rates times a factor."""
    muon_lr = recipe.muon_lr and factor * recipe.muon_lr
    return replace(recipe, adam_lr=factor * recipe.adam_lr, muon_lr=muon_lr)


def _table() -> Iterator[Experiment]:
    def for_(note: str, shipped: bool = True) -> dict[str, Any]:
        return {"note": note, "shipped": shipped}

    why = for_("read the drawings of all others (notebooks 2 to 4)")
    yield Experiment(JUDGE, JUDGE_RECIPE, **why)
    why = for_("what d numbers hold (notebooks 1 and 2)")
    for d in LATENT_DIMS:
        seeds = tuple(range(20)) if d in CONTESTED_DIMS else SEEDS
        yield Experiment(f"latent/{d}", course_recipe(d), d, seeds=seeds, **why)
    for kind, d in COMPARED:
        why = for_("the six ways to enlarge, and a control (notebook 4)", kind in UPSAMPLING)
        recipe = scaled(course_recipe(d), UP_STEPS.get((kind, d), 1.0))
        yield Experiment(f"up/{kind}/{d}", recipe, d, kind, watched=True, **why)
    for kind, d in ORIGINALS:
        why = for_("the original's protocol, measured again (notebooks 2 and 4)", d in UP_DIMS)
        why |= {"offset": 0.5, "seeds": (0, 1, 2)}
        yield Experiment(f"original/{kind}/{d}", ORIGINAL, d, kind, **why)
    why = for_("know one digit, find the strangers (notebook 3)")
    for k in DIGITS:
        yield Experiment(f"digit/{k}", ONE_DIGIT, DIGIT_DIM, only=k, **why)
    why = for_("know one letter, and its strokes (notebook 3)") | {"letters": True}
    for k, letter in enumerate(hangul.NAMES):
        yield Experiment(f"hangul/{letter}", ONE_DIGIT, DIGIT_DIM, only=k, **why)
    why = for_("is what notebook 2 finds MNIST's own? (notebook 2)") | {"letters": True}
    for d in HANGUL_DIMS:
        yield Experiment(f"hangul/latent/{d}", course_recipe(d), d, **why)
    why = for_("what notebook 3 tried on validation images beside digit/*", False) | {"seeds": (0,)}
    for (name, (d, noise)), k in product(TRIALS.items(), DIGITS):
        yield Experiment(f"trial/{name}/{k}", ONE_DIGIT, d, only=k, noise=noise, **why)
    why = for_("latent/1 with fewer zeros: does a digit need its share? (notebook 2)", False)
    for name, n in {"half": 2, "quarter": 4, "tenth": 10}.items():
        yield Experiment(f"scarce/{name}", course_recipe(1), 1, thinned=(0, n), **why)
    why = for_("does the range lose digits, or the recipe? (notebook 2)", False)
    for d in CONTESTED_DIMS:
        yield Experiment(f"range/course/{d}", course_recipe(d), d, offset=0.5, **why)
        yield Experiment(f"range/original/{d}", ORIGINAL, d, **why)
    why = for_("the source of an error that the table of times needs (RESULTS)", False)
    yield Experiment("range/original/16", ORIGINAL, 16, seeds=(0,), **why)
    why = for_("up/transpose/16 with the time of a pixel shuffle (notebook 4)", False)
    recipe = replace(course_recipe(16), epochs=20)
    yield Experiment("longer/transpose/16", recipe, 16, watched=True, **why)
    why = for_("the original's optimiser on the course's terms (notebook 2)", False)
    yield Experiment("plain/16", replace(ORIGINAL, epochs=COURSE.epochs), 16, **why)
    why = for_("Adam with the course's schedule: what Muon adds (notebook 2)", False)
    yield Experiment("adam/16", SCHEDULED_ADAM, 16, **why)
    why = for_("half and twice the rate of adam/16: how much does it matter? (notebook 2)", False)
    for name, factor in {"half": 0.5, "twice": 2.0}.items():
        yield Experiment(f"adam/{name}", scaled(SCHEDULED_ADAM, factor), 16, seeds=(0,), **why)


EXPERIMENTS = {experiment.name: experiment for experiment in _table()}


def experiment(name: str) -> Experiment:
    """Return a line of the table; AelibError for a name that it has not."""
    return EXPERIMENTS[match(name)[0]]


def match(*patterns: str) -> list[str]:
    """Return the names that match a shell pattern such as "latent/*"; without one all of them."""
    chosen: set[str] = set()
    for pattern in patterns or ("*",):
        found = fnmatch.filter(EXPERIMENTS, pattern)
        if not found:
            known = ", ".join(EXPERIMENTS)
            raise AelibError(f"no experiment matches {pattern!r}; there are: {known}")
        chosen |= set(found)
    return [name for name in EXPERIMENTS if name in chosen]
