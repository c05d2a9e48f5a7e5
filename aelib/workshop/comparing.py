"""The one-digit detectors compared, with intervals that count test images as well as seeds.

A comparison needs the scores of every image, so it is made from all models at once and not
from their records. `python -m aelib compare` writes it down.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from aelib.data import DIGITS, Splits
from aelib.detection import (
    SCORES,
    WITH_CODE,
    CodeDistance,
    all_scores,
    auroc,
    auroc_influence,
)
from aelib.intervals import seeds_and_images
from aelib.metrics import encode, reconstruct
from aelib.models import Autoencoder
from aelib.workshop.measuring import baseline_scores

OURS = "autoencoder"
Which = tuple[str, str]  # a detector and one of its scores

# What the course compares: each score with that of the simple detectors, and with the one
# before it.
PAIRS: tuple[tuple[Which, Which], ...] = (
    *(((OURS, score), ("PCA", score)) for score in (*SCORES, WITH_CODE)),
    *(((OURS, score), ("nearest image", score)) for score in SCORES),
    ((OURS, WITH_CODE), ("nearest image", "blurred share")),
    ((OURS, "mse"), ("mean image", "mse")),
    *(
        ((OURS, after), (OURS, before))
        for before, after in zip(SCORES, (*SCORES[1:], WITH_CODE), strict=True)
    ),
)


class _Tally:
    """The AUROC of every detector over digits and seeds, and how much each image pulls it."""

    def __init__(self, seeds: int, images: int) -> None:
        self.auroc: dict[Which, Tensor] = defaultdict(lambda: torch.zeros(seeds).double())
        self.influence: dict[Which, Tensor] = defaultdict(lambda: torch.zeros(images).double())
        self.seeds = seeds

    def add(
        self, detector: str, scores: dict[str, Tensor], normal: Tensor, seed: int | None
    ) -> None:
        """Add one digit's share; a detector without seeds counts for all of them."""
        to = slice(None) if seed is None else seed
        for score, of_images in scores.items():
            one = (detector, score)
            self.auroc[one][to] += auroc(of_images, normal) / len(DIGITS)
            weight = len(DIGITS) * (1 if seed is None else self.seeds)
            self.influence[one] += auroc_influence(of_images, normal) / weight


def measure_comparisons(
    splits: Splits, models: Sequence[Sequence[Autoencoder]]
) -> list[dict[str, Any]]:
    """Return the differences in mean AUROC over the ten digits, in points (AUROC times 100).

    models: of each digit the models that know it, one per seed. Each of `PAIRS` gives a
    dict: first and second, a detector and its score; seeds, the differences of the seeds;
    interval, their mean with an interval for seeds and images, and images_only, one that
    holds the seeds fixed. Where the second has no seeds it is taken as it is.
    """
    test = splits.test
    images = test.floats()
    tally = _Tally(len(models[0]), len(test))
    for digit in DIGITS:
        normal = test.labels == digit
        for detector, scores in baseline_scores(splits.train.only(digit), images).items():
            tally.add(detector, scores, normal, None)
        known = splits.train.only(digit).floats()
        for seed, model in enumerate(models[digit]):
            distance = CodeDistance(encode(model, known)).distance(encode(model, images))
            tally.add(OURS, all_scores(reconstruct(model, images), images, distance), normal, seed)
    return [_compared(first, second, tally) for first, second in PAIRS]


def _compared(first: Which, second: Which, tally: _Tally) -> dict[str, Any]:
    differences = 100 * (tally.auroc[first] - tally.auroc[second])
    influence = 100 * (tally.influence[first] - tally.influence[second])
    fixed = differences.mean().expand(len(differences))
    return {
        "first": first,
        "second": second,
        "seeds": differences.tolist(),
        "interval": seeds_and_images(differences, influence),
        "images_only": seeds_and_images(fixed, influence),
    }
