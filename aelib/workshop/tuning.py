"""Which step size each way to enlarge prefers, judged on validation images.

One recipe means other things to other shapes, so a comparison of shapes at one step size may
favour whom it was made for. Source: notebook 4.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
from tqdm.auto import tqdm

from aelib.data import Splits
from aelib.experiments import COMPARED, Experiment, course_recipe, scaled
from aelib.files import cache_folder, remove
from aelib.optim import COURSE
from aelib.workshop.running import at_once, fit_to_the_end, one_thread

FACTORS = (0.5, 1.0, 2.0)  # of the course's two learning rates
# For each latent dimension how many passes, and which seeds: the full length where the kinds
# differ in error, with the seed that is trained anyway; else short trainings.
TRIALS: dict[int, tuple[int, tuple[int, ...]]] = {2: (3, (5, 6)), 16: (COURSE.epochs, (0,))}

Tried = tuple[str, int, float, int]  # kind, latent dimension, factor, seed


def measure_step_sizes(splits: Splits, jobs: int = 1) -> list[dict[str, Any]]:
    """Return the validation error of every way to enlarge at every step size.

    A dict for each kind and latent dimension: kind, latent_dim, epochs, and val_mse, which
    maps each factor of `FACTORS` to the lowest mean squared error of each seed. The whole of
    the course's schedule is passed in so many epochs.
    jobs: how many single-threaded processes work at once.

    What was interrupted goes on at the next call. Raises KeyboardInterrupt if interrupted,
    `running.DivergedError` if the loss of a run did not stay finite, and AelibError if a process
    was ended from outside.
    """
    tried: list[Tried] = [
        (kind, d, factor, seed)
        for kind, d in COMPARED
        for factor in FACTORS
        for seed in TRIALS[d][1]
    ]
    found = at_once(jobs, (joblib.delayed(_error)(*one, splits) for one in tried), in_order=True)
    errors = dict(zip(tried, tqdm(found, total=len(tried), unit="run"), strict=True))
    for one in tried:
        remove(_state_file(*one))

    def by_factor(kind: str, d: int) -> dict[str, list[float]]:
        return {str(f): [errors[kind, d, f, seed] for seed in TRIALS[d][1]] for f in FACTORS}

    return [
        {
            "kind": kind,
            "latent_dim": d,
            "epochs": TRIALS[d][0],
            "val_mse": by_factor(kind, d),
        }
        for kind, d in COMPARED
    ]


def _state_file(kind: str, d: int, factor: float, seed: int) -> Path:
    return cache_folder() / "tune" / f"{kind}-{d}-{factor}-{seed}.pt"


def _error(kind: str, d: int, factor: float, seed: int, splits: Splits) -> float:
    recipe = scaled(replace(course_recipe(d), epochs=TRIALS[d][0]), factor)
    model = Experiment("tried", recipe, d, kind).build(seed)
    with one_thread():
        return fit_to_the_end(
            f"{kind} with d = {d} at {factor} times the step, seed {seed}",
            model,
            splits.train,
            splits.val,
            recipe,
            state_file=_state_file(kind, d, factor, seed),
            seed=seed,
        ).best_loss
