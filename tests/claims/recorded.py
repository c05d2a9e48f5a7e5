"""The recorded values that claims are held to, in the shapes that tests ask for."""

import torch

from aelib import detection, intervals, zoo
from aelib.models import UPSAMPLING

DIMS = zoo.LATENT_DIMS
STRANGERS = ~torch.eye(10, dtype=torch.bool)
SCORES = (*detection.SCORES, detection.WITH_CODE)
KINDS = list(UPSAMPLING)


def latent(d, key="test_mse"):
    return zoo.values(f"latent/{d}", key)


def per_model(key):
    """Values of all one-digit models, (model, seed, ...)."""
    return torch.stack([zoo.values(f"digit/{digit}", key) for digit in range(10)])


def detector(score, key="auroc"):
    """A value of the one-digit detectors, (model, seed, ...)."""
    return torch.tensor(
        [
            [entry["detector"][score][key] for entry in zoo.results(f"digit/{digit}")]
            for digit in range(10)
        ],
        dtype=torch.float64,
    )


def simple(name, score):
    return [100 * digit[name][score]["auroc"] for digit in zoo.measured("one_class_baselines")]


def up(kind, d, key="test_mse"):
    return zoo.values(f"up/{kind}/{d}", key)


def against_constant(values, constant):
    """The difference to something that has no seeds: only the spread of one side enters."""
    return intervals.paired_difference(values, torch.full_like(values, constant))


def verdict(first, second, margin=None):
    """The word for the difference of two lists that are paired by seed."""
    return intervals.paired_difference(first, second).verdict(margin)
