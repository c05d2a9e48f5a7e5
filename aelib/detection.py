"""One-class detection: scores of strangeness, how well they separate, thresholds.

A detector is trained on one digit, the normal one, and gives every image a score that is
meant to be higher for strangers. Source: notebook 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.neighbors import NearestNeighbors
from torch import Tensor
from torchvision.transforms.v2.functional import gaussian_blur

from aelib.data import DIGITS, Digits
from aelib.models import check_images

BLUR = 1.0  # pixels; the radius that the score "blurred share" looks through
FALSE_ALARMS = 0.05
SCORES = ("mse", "share", "blurred share")
WITH_CODE = "share and code"
NEIGHBOURS = 5


# Published AUROC in % for digits 0 to 9: one-class MNIST, train on one digit, test on all
# 10,000 images. Ruff et al. 2018, PMLR 80:4393-4402; Perera et al. 2019, arXiv:1903.08550,
# table 2. Of ARNet (Ye et al. 2020, doi:10.1109/TMM.2020.3046884) only the mean was checked.
PUBLISHED = {
    "Deep SVDD": (98.0, 99.7, 91.7, 91.9, 94.9, 88.5, 98.3, 94.6, 93.9, 96.5),
    "OCGAN": (99.8, 99.9, 94.2, 96.3, 97.5, 98.0, 99.1, 98.1, 93.9, 98.1),
}
PUBLISHED_MEAN = {"ARNet": 98.3}


def blurred(images: Tensor, radius: float = BLUR) -> Tensor:
    """Return images (N, 1, 28, 28) seen through a Gaussian blur.

    radius: its sigma in pixels, above 0 and up to 9. Raises ValueError for another one.
    """
    if not 0 < radius <= 9:
        raise ValueError(f"radius must lie above 0 and up to 9 pixels, got {radius}")
    size = 2 * int(-(-3 * radius // 1)) + 1  # three sigma to each side
    return gaussian_blur(images, [size, size], [radius, radius])


def strangeness(reconstructions: Tensor, images: Tensor, score: str = "mse") -> Tensor:
    """Return how badly each image was reconstructed, shape (N,); higher is stranger.

    score: "mse", the mean squared error; "share", the squared error as a share of the
        image's own squared ink; "blurred share", the same after a blur of one pixel, which
        forgives a stroke for lying slightly beside its place.
    Both are (N, 1, 28, 28), the images in [0, 1]; drawings may leave that range, as PCA's
    do. Raises ValueError for another score, for images of another shape, type or range, and,
    where a share is asked for, for an image without any ink.
    """
    if score not in SCORES:
        raise ValueError(f"score must be one of {', '.join(SCORES)}; got {score!r}")
    if reconstructions.shape != images.shape:
        raise ValueError(
            f"reconstructions {tuple(reconstructions.shape)} and images {tuple(images.shape)} "
            "must have the same shape"
        )
    check_images(images)
    difference = reconstructions - images
    if score == "blurred share":
        difference, images = blurred(difference), blurred(images)
    error = difference.square().flatten(1).mean(1)
    if score == "mse":
        return error
    ink = images.square().flatten(1).mean(1)
    if not bool((ink > 0).all()):
        raise ValueError(f"{int((ink <= 0).sum())} of {len(ink)} images hold no ink to share")
    return error / ink


class KnownCodes:
    """The codes of normal images, to ask of a new code whether it lies among them.

    codes: (N, d), float, N more than d and at least five. Directions in which they vary much
    and little count alike: they are scaled so that their covariance is the identity (the
    distance of Mahalanobis). A direction in which they do not vary at all does not count.
    Raises ValueError for fewer codes, and for new ones of another size.
    """

    def __init__(self, codes: Tensor) -> None:
        needed = max(codes.shape[1] + 1, NEIGHBOURS)
        if len(codes) < needed:
            raise ValueError(f"need at least {needed} codes of this size, got {len(codes)}")
        covariance = torch.atleast_2d(torch.cov(codes.double().T))
        variances, directions = torch.linalg.eigh(covariance)
        varies = variances > 1e-12 * variances[-1]
        self._scaling = (directions[:, varies] / variances[varies].sqrt()).float()
        self._known = NearestNeighbors(n_neighbors=NEIGHBOURS, algorithm="brute")
        self._known.fit((codes @ self._scaling).numpy())

    def distance(self, codes: Tensor) -> Tensor:
        """Return the mean distance of each code (N, d) to its five nearest known ones, (N,)."""
        if codes.ndim != 2 or codes.shape[1] != len(self._scaling):
            raise ValueError(
                f"codes must have shape (N, {len(self._scaling)}), got {tuple(codes.shape)}"
            )
        distances, _ = self._known.kneighbors((codes @ self._scaling).numpy())
        return torch.from_numpy(distances).mean(1).float()


def auroc(scores: Tensor, normal: Tensor) -> float:
    """Return the area under the ROC curve, 0 to 1, of scores (N,).

    It is the chance that a stranger has a higher score than a normal image: 0.5 is
    guessing. normal: (N,), bool. Raises ValueError unless there are both kinds.
    """
    both_kinds(scores, normal)
    return float(roc_auc_score(~normal, scores))


def roc(scores: Tensor, normal: Tensor) -> tuple[Tensor, Tensor]:
    """Return the ROC curve: shares of false alarms and of strangers caught, both rising."""
    both_kinds(scores, normal)
    false_alarms, caught, _ = roc_curve(~normal, scores)
    return torch.from_numpy(false_alarms), torch.from_numpy(caught)


def both_kinds(scores: Tensor, normal: Tensor) -> None:
    """Raise ValueError unless both are lists of one length, with images of either kind."""
    if scores.shape != normal.shape or scores.ndim != 1:
        raise ValueError(
            "scores and normal must be two lists of one length, "
            f"got shapes {tuple(scores.shape)} and {tuple(normal.shape)}"
        )
    if bool(normal.all()) or not bool(normal.any()):
        raise ValueError(
            f"need normal images and strangers, got {int(normal.sum())} normal of {len(normal)}"
        )


def threshold(normal_scores: Tensor, false_alarms: float = FALSE_ALARMS) -> float:
    """Return the score above which an image is reported, from normal images alone.

    Of the normal images given, at most the share `false_alarms` lies above it.
    Raises ValueError for no images, or a share outside 0 to 1.
    """
    if not len(normal_scores):
        raise ValueError("there are no normal images to set a threshold with")
    if not 0 <= false_alarms <= 1:
        raise ValueError(f"false_alarms must lie in 0 to 1, got {false_alarms}")
    return torch.quantile(normal_scores, 1 - false_alarms, interpolation="higher").item()


def reported(scores: Tensor, labels: Tensor, limit: float) -> Tensor:
    """Return how many images of each digit have a score above `limit`, shape (10,)."""
    return torch.bincount(labels[scores > limit], minlength=len(DIGITS))


class NearestImage:
    """A detector without training: it redraws each image as the most similar known one."""

    def __init__(self, known: Digits, blur: float = 0.0) -> None:
        """Keep the known images; with a blur, likeness is judged through it."""
        self.images = known.floats()
        self.blur = blur
        self._known = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(
            self._seen(self.images)
        )

    def reconstruct(self, images: Tensor) -> Tensor:
        """Return for each image (N, 1, 28, 28) the known image that is nearest to it."""
        found = self._known.kneighbors(self._seen(images), return_distance=False)
        return self.images[torch.from_numpy(found[:, 0])]

    def _seen(self, images: Tensor) -> np.ndarray:
        return (blurred(images, self.blur) if self.blur else images).flatten(1).numpy()


def all_scores(
    drawn: Tensor, images: Tensor, code_distance: Tensor | None = None
) -> dict[str, Tensor]:
    """Return every score of images (N, 1, 28, 28) and their reconstructions, each (N,).

    code_distance: (N,), from `KnownCodes`; with it there is also "share and code", the
    blurred share times the squared distance: strange is what was drawn badly or has an
    unusual code.
    """
    scores = {score: strangeness(drawn, images, score) for score in SCORES}
    if code_distance is not None:
        scores[WITH_CODE] = scores["blurred share"] * code_distance.square()
    return scores


def detector_figures(
    scores: dict[str, dict[str, Tensor]], labels: dict[str, Tensor], normal: int
) -> dict[str, Any]:
    """Return what `zoo` records of a detector, for each score.

    scores and labels: of the images "val" and "test". Thresholds come from the normal
    images of "val". Per score: val_auroc, auroc, threshold, and reported, the number of
    test images of each digit above the threshold.
    """
    own = {part: digits == normal for part, digits in labels.items()}
    figures = {}
    for name in scores["val"]:
        val, test = scores["val"][name], scores["test"][name]
        limit = threshold(val[own["val"]])
        figures[name] = {
            "val_auroc": auroc(val, own["val"]),
            "auroc": auroc(test, own["test"]),
            "threshold": limit,
            "reported": reported(test, labels["test"], limit).tolist(),
        }
    return figures
