"""Detectors without a network, and the one-digit detectors compared with them.

A comparison has intervals that count test images as well as seeds, so it needs the scores of
every image: it is made from all models at once and not from their records. `python -m aelib
baselines` and `compare` write it down.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aelib import metrics
from aelib.data import DIGITS, Digits, Splits
from aelib.detection import (
    BLUR,
    SCORES,
    WITH_CODE,
    CodeDistance,
    Detector,
    anomaly_scores,
    auroc,
    blurred,
    flagged_per_digit,
    threshold,
)
from aelib.intervals import Interval, t_interval
from aelib.models import Autoencoder

BASELINE_DIM = 16  # PCA's, as many numbers as the one-digit autoencoders have
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


# --- Detectors without a network ------------------------------------------------------


class NearestImage:
    """A detector without training: it redraws each image as the most similar known one."""

    def __init__(self, known: Digits, blur: float = 0.0) -> None:
        """Keep the known images; with a blur, likeness is judged through it."""
        from sklearn.neighbors import NearestNeighbors

        self.images, self.blur = known.floats(), blur
        nearest = NearestNeighbors(n_neighbors=1, algorithm="brute")
        self._nearest = nearest.fit(self._seen(self.images))

    def reconstruct(self, images: Tensor) -> Tensor:
        """Return for each image (N, 1, 28, 28) the known image that is nearest to it."""
        found = self._nearest.kneighbors(self._seen(images), return_distance=False)
        return self.images[torch.from_numpy(found[:, 0])]

    def _seen(self, images: Tensor) -> np.ndarray:
        return (blurred(images, self.blur) if self.blur else images).flatten(1).numpy()


def baseline_scores(known: Digits, images: Tensor) -> dict[str, dict[str, Tensor]]:
    """Return the scores (N,) that simple detectors give to images (N, 1, 28, 28).

    known: the images of the normal digit. The detectors: "ink" (the more, the stranger),
    "mean image", "PCA", which redraws from 16 principal components, and "nearest image".
    Each maps the names of its scores to them.
    """
    linear = metrics.LinearAutoencoder(known, BASELINE_DIM)
    codes = CodeDistance(linear.encode(known.floats(), BASELINE_DIM))
    code = linear.encode(images, BASELINE_DIM)
    nearest = anomaly_scores(NearestImage(known).reconstruct(images), images)
    # Its best: who is judged through a blur should also choose through it.
    through_blur = NearestImage(known, BLUR).reconstruct(images)
    nearest["blurred share"] = anomaly_scores(through_blur, images)["blurred share"]
    return {
        "ink": {"ink": images.mean((1, 2, 3))},
        "mean image": anomaly_scores(metrics.mean_image(known).expand_as(images), images),
        "PCA": anomaly_scores(linear.decode(code), images, codes.distance(code)),
        "nearest image": nearest,
    }


def measure_baselines(splits: Splits, normal: int) -> dict[str, Any]:
    """Return what simple detectors reach on the protocol of the one-digit models.

    normal: the digit whose training images they know. The detectors are those of
    `baseline_scores`; each maps to what `detector_values` gives for every score that it has.
    """
    parts = {"val": splits.val, "test": splits.test}
    known = splits.train.only(normal)
    found = {part: baseline_scores(known, digits.floats()) for part, digits in parts.items()}
    return {
        name: detector_values({part: found[part][name] for part in parts}, splits, normal)
        for name in found["test"]
    }


def detector_values(
    scores: dict[str, dict[str, Tensor]], splits: Splits, normal: int
) -> dict[str, Any]:
    """Return what is recorded of a detector, for each score.

    scores: of the images "val" and "test". Thresholds come from the normal images of "val".
    Per score: val_auroc, auroc, threshold, and flagged_per_digit, the number of test images
    of each digit above the threshold.
    """
    values = {}
    for name, val in scores["val"].items():
        test, limit = scores["test"][name], threshold(val[splits.val.labels == normal])
        values[name] = {
            "val_auroc": auroc(val, splits.val.labels == normal),
            "auroc": auroc(test, splits.test.labels == normal),
            "threshold": limit,
            "flagged_per_digit": flagged_per_digit(test, splits.test.labels, limit).tolist(),
        }
    return values


# --- Comparisons ----------------------------------------------------------------------


def auroc_influence(scores: Tensor, normal: Tensor) -> Tensor:
    """Return how much each image pulls the AUROC up or down, shape (N,), float64; mean zero.

    With other images of the same kinds the AUROC would be another one. Its standard error
    from this is the standard deviation of the influences divided by the root of N. For the
    difference of two detectors on the same images subtract their influences first: images
    that are easy or hard for both then cancel out.
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

    Other seeds would give other models, other test images another mean. The two are
    independent, so their variances add up.

    differences: (seeds,), the difference of two measures, paired by seed.
    influence: (images,), how much each test image pulls the mean difference up or down, as
        `auroc_influence` gives it for either measure: their difference, averaged over the
        seeds. Its mean is zero.
    Source: Welch 1947, doi:10.1093/biomet/34.1-2.28, for the degrees of freedom.
    """
    a, b = np.asarray(differences, np.float64), np.asarray(influence, np.float64)
    parts = np.array([a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)])
    total = float(parts.sum())
    freedom = total**2 / float((parts**2 / [len(a) - 1, len(b) - 1]).sum()) if total else 1.0
    return t_interval(float(a.mean()), math.sqrt(total), freedom)


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
        normal, known = test.labels == digit, splits.train.only(digit)
        for detector, scores in baseline_scores(known, images).items():
            tally.add(detector, scores, normal, None)
        for seed, model in enumerate(models[digit]):
            tally.add(OURS, Detector(model, known.floats()).scores(images), normal, seed)
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
