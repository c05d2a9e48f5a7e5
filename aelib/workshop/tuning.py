"""Which step size each way to enlarge prefers, judged on validation images.

One recipe means other things to other shapes, so a comparison of shapes at one step size may
favour whom it was made for. Source: notebook 4.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import joblib

from aelib.data import cache_folder, load_mnist
from aelib.optim import COURSE
from aelib.workshop.batch_last import one_thread
from aelib.workshop.experiments import COMPARED, Experiment, course_recipe, scaled
from aelib.workshop.records import save_values
from aelib.workshop.sweep import at_once, fit_to_the_end

FACTORS = (0.5, 1.0, 2.0)  # of the course's two learning rates
# For each latent dimension how many passes, and which seeds: the full length where the kinds
# differ in error, with the seed that is trained anyway; else short trainings.
TRIALS: dict[int, tuple[int, tuple[int, ...]]] = {2: (3, (5, 6)), 16: (COURSE.epochs, (0,))}
Tried = tuple[str, int, float, int]  # kind, latent dimension, factor, seed


def save_step_sizes(jobs: int) -> None:
    """Measure and record the validation error of each way to enlarge at each step size.

    The whole of the course's schedule is passed in so many epochs; val_mse has the lowest error
    of each seed by factor. What was interrupted goes on at the next call.
    """
    tried = [(*one, by, seed) for one in COMPARED for by in FACTORS for seed in TRIALS[one[1]][1]]
    errors: dict[Tried, float] = dict(at_once(jobs, [joblib.delayed(_error)(one) for one in tried]))
    values = []
    for kind, d in COMPARED:
        epochs, seeds = TRIALS[d]
        found = {str(by): [errors[kind, d, by, seed] for seed in seeds] for by in FACTORS}
        values.append({"kind": kind, "latent_dim": d, "epochs": epochs, "val_mse": found})
    save_values("step_sizes", "tune", values)
    for one in tried:
        _state_file(one).unlink(missing_ok=True)


def _state_file(one: Tried) -> Path:
    return cache_folder() / "tune" / f"{'-'.join(map(str, one))}.pt"


def _error(one: Tried) -> tuple[Tried, float]:
    (kind, d, factor, seed), splits = one, load_mnist()
    recipe = scaled(replace(course_recipe(d), epochs=TRIALS[d][0]), factor)
    model = Experiment("tried", recipe, d, kind).build(seed)
    data = splits.train, splits.val, recipe
    with one_thread():
        done = fit_to_the_end(str(one), model, *data, state_file=_state_file(one), seed=seed)
    return one, done.best_loss
