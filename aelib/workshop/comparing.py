"""Detectors without a network, and the one-digit detectors compared with them.

A comparison has intervals that count test images as well as seeds, so it needs the scores of
every image: it is made from all models at once and not from their records. `python -m aelib
compare` writes it down.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from aelib import detection, metrics
from aelib.data import DIGITS, Digits, Splits
from aelib.detection import CODE_ALONE, SCORES, WITH_CODE, Detector, anomaly_scores, auroc
from aelib.intervals import Interval, welch
from aelib.models import Autoencoder

BASELINE_DIM = 16  # PCA's, as many numbers as the one-digit autoencoders have
OTHER_DIMS = (8, 24, 32, 48)  # of which PCA may choose its own size on validation images
OURS = "autoencoder"
Which = tuple[str, str]  # a detector and one of its scores

# What the course compares: each score with that of simple detectors, and with the one before it.
PAIRS: tuple[tuple[Which, Which], ...] = (
    *(((OURS, score), ("PCA", score)) for score in (*SCORES, WITH_CODE, CODE_ALONE)),
    *(((OURS, score), ("nearest image", score)) for score in SCORES),
    ((OURS, WITH_CODE), ("nearest image", "blurred share")),
    ((OURS, "mse"), ("mean image", "mse")),
    ((OURS, "mse"), ("PCA 24", "mse")),  # PCA's best size on validation images
    *(((OURS, after), (OURS, before)) for before, after in pairwise((*SCORES, WITH_CODE))),
)


class NearestImage:
    """A detector without training: it redraws each image as the most similar known one."""

    def __init__(self, known: Digits, blur: float = 0.0) -> None:
        """Keep the known images; with a blur, likeness is judged through it."""
        self.images, self.blur = known.floats(), blur
        nearest = NearestNeighbors(n_neighbors=1, algorithm="brute")
        self._nearest = nearest.fit(self._seen(self.images))

    def reconstruct(self, images: Tensor) -> Tensor:
        """Return for each image (N, 1, 28, 28) the known image that is nearest to it."""
        found = self._nearest.kneighbors(self._seen(images), return_distance=False)
        return self.images[torch.from_numpy(found[:, 0])]

    def _seen(self, images: Tensor) -> np.ndarray:
        return (detection.blurred(images, self.blur) if self.blur else images).flatten(1).numpy()


def baseline_scores(known: Digits, images: Tensor) -> dict[str, dict[str, Tensor]]:
    """Return the scores (N,) that simple detectors give to images (N, 1, 28, 28).

    known: the images of the normal digit. The detectors: "ink" (the more, the stranger),
    "mean image", "PCA", which redraws from 16 principal components ("PCA 8" and so on: from
    as many), and "nearest image".
    Each maps the names of its scores to them.
    """
    linear = metrics.LinearAutoencoder(known, max(OTHER_DIMS))

    def redrawn(d: int) -> dict[str, Tensor]:
        code, usual = (
            linear.encode(images, d),
            detection.CodeDistance(linear.encode(known.floats(), d)),
        )
        return anomaly_scores(linear.decode(code), images, usual.distance(code))

    nearest = anomaly_scores(NearestImage(known).reconstruct(images), images)
    # Its best: who is judged through a blur should also choose through it.
    through_blur = NearestImage(known, detection.BLUR).reconstruct(images)
    nearest["blurred share"] = anomaly_scores(through_blur, images)["blurred share"]
    return {
        "ink": {"ink": images.mean((1, 2, 3))},
        "mean image": anomaly_scores(metrics.mean_image(known).expand_as(images), images),
        "PCA": redrawn(BASELINE_DIM),
        **{f"PCA {d}": redrawn(d) for d in OTHER_DIMS},
        "nearest image": nearest,
    }


def auroc_influence(scores: Tensor, normal: Tensor) -> Tensor:
    """Return how much each image pulls the AUROC up or down, shape (N,), float64; mean zero.

    With other images of the same kinds the AUROC would be another one. Its standard error from this
    is the standard deviation of the influences divided by the root of N. For the difference of two
    detectors subtract their influences first: images that are hard for both then cancel out.
    Source: DeLong et al. 1988, doi:10.2307/2531595.
    """
    scores = scores.double()
    own, strangers = scores[normal].sort().values, scores[~normal].sort().values
    # Of each normal image the share of strangers above it, of each stranger the share of
    # normal images below it; a tie counts one half.
    won = torch.empty(len(scores), dtype=torch.float64)
    won[normal] = 1 - _share_below(strangers, scores[normal])
    won[~normal] = _share_below(own, scores[~normal])
    influence = won - won[normal].mean()  # either mean is the AUROC
    return influence * len(scores) / torch.where(normal, normal.sum(), (~normal).sum())


def _share_below(values: Tensor, limits: Tensor) -> Tensor:
    strictly = torch.searchsorted(values, limits, right=False)
    at_most = torch.searchsorted(values, limits, right=True)
    return (strictly + at_most).double() / (2 * len(values))


def seeds_and_images(differences: Tensor, influence: Tensor) -> Interval:
    """Return the mean of differences with a 95 % interval that counts images as well as seeds.

    Other seeds would give other models, other test images another mean. The two are independent,
    so their variances add up. differences: (seeds,), of two measures, paired by seed. influence:
    (images,), how much each test image pulls the mean difference up or down: the difference of what
    `auroc_influence` gives for either measure, averaged over the seeds.
    """
    seeds, images = np.asarray(differences, np.float64), np.asarray(influence, np.float64)
    return welch(float(seeds.mean()), seeds, images)


def measure_comparisons(
    splits: Splits, models: Sequence[Sequence[Autoencoder]]
) -> list[dict[str, Any]]:
    """Return the differences in mean AUROC over the ten digits, in points (AUROC times 100).

    models: of each digit the models that know it, one per seed. Each of `PAIRS` gives a
    dict: first and second, a detector and its score; seeds, the differences of the seeds;
    interval, their mean with an interval for seeds and images, and images_only, one that
    holds the seeds fixed. Where the second has no seeds it is taken as it is.
    """
    images, count = splits.test.floats(), len(models[0])
    # Of each detector and score the mean AUROC of each seed, and how much each image pulls it.
    areas: dict[Which, Tensor] = defaultdict(lambda: torch.zeros(count).double())
    pulls: dict[Which, Tensor] = defaultdict(lambda: torch.zeros(len(images)).double())

    def add(detector: str, scores: dict[str, Tensor], normal: Tensor, seeds: range) -> None:
        for score, of_images in scores.items():
            areas[detector, score][seeds] += auroc(of_images, normal) / len(DIGITS)
            share = len(DIGITS) * count // len(seeds)
            pulls[detector, score] += auroc_influence(of_images, normal) / share

    for digit in DIGITS:
        normal, known = splits.test.labels == digit, splits.train.only(digit)
        for detector, scores in baseline_scores(known, images).items():
            add(detector, scores, normal, range(count))  # it has no seeds: it counts for all
        for seed, model in enumerate(models[digit]):
            scores = Detector(model, known.floats()).scores(images)
            add(OURS, scores, normal, range(seed, seed + 1))
    found = []
    for first, second in PAIRS:
        seeds, influence = (100 * (of[first] - of[second]) for of in (areas, pulls))
        both = seeds_and_images(seeds, influence)
        images_only = seeds_and_images(seeds.mean().expand_as(seeds), influence)
        entry = {"first": first, "second": second, "seeds": seeds.tolist()}
        found.append(entry | {"interval": both, "images_only": images_only})
    return found
