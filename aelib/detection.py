"""One-class detection: anomaly scores, how well they separate, thresholds.

A detector is trained on one digit, the normal one, and gives every image a score that is
meant to be higher for strangers. Source: notebook 3.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from aelib.checks import (
    DIGITS,
    Images,
    as_tensor,
    codes_of,
    drawings_of,
    finite,
    floats_of,
    images_of,
    ink_of,
    labels_of,
    own_floats,
    real_number,
    same_shape,
    whole_number,
)
from aelib.metrics import BATCH, encode, reconstruct
from aelib.models import Autoencoder, offset_of

# scikit-learn and torchvision take seconds to import: each function that needs one of them
# imports it itself.

BLUR = 1.0  # pixels; the radius that the score "blurred share" looks through
FALSE_ALARMS = 0.05
SCORES = ("mse", "share", "blurred share")
WITH_CODE = "blurred share and code"
NEIGHBOURS = 5


# Published AUROC in % for digits 0 to 9: one-class MNIST, train on one digit, test on all
# 10,000 images. Ruff et al. 2018, PMLR 80:4393-4402; Perera et al. 2019, arXiv:1903.08550,
# table 2. Of ARNet (Ye et al. 2020, doi:10.1109/TMM.2020.3046884) only the mean was checked.
PUBLISHED = {
    "Deep SVDD": (98.0, 99.7, 91.7, 91.9, 94.9, 88.5, 98.3, 94.6, 93.9, 96.5),
    "OCGAN": (99.8, 99.9, 94.2, 96.3, 97.5, 98.0, 99.1, 98.1, 93.9, 98.1),
}
PUBLISHED_MEAN = {"ARNet": 98.3}


def blurred(images: Images, radius: float = BLUR) -> Tensor:
    """Return images (N, 1, 28, 28) seen through a Gaussian blur.

    radius: its sigma in pixels, above 0 and up to 9. Floats of any finite range are taken.
    Raises ValueError for another radius, and for what are no images, see `checks`.
    """
    images = drawings_of(images)
    radius = real_number("radius", radius, 0, 9, open_low=True)
    from torchvision.transforms.v2.functional import gaussian_blur

    size = 2 * int(-(-3 * radius // 1)) + 1  # three sigma to each side
    # A part at a time: blurring needs several times the memory of what it blurs.
    parts = [gaussian_blur(part, [size, size], [radius, radius]) for part in images.split(BATCH)]
    return torch.cat(parts)


def anomaly_scores(reconstructions: Images, images: Images, score: str = "mse") -> Tensor:
    """Return how badly each image was reconstructed, shape (N,); higher is stranger.

    score: "mse", the mean squared error; "share", the squared error as a share of the
        image's own squared ink; "blurred share", the same after a blur of one pixel, which
        forgives a stroke for lying slightly beside its place.
    Both are images, see `checks`; drawings may leave [0, 1], as PCA's do. Raises ValueError
    for another score, for others than images, floats from 0 to 255 among them, and, where a
    share is asked for, for an image without any ink.
    """
    if score not in SCORES:
        raise ValueError(f"score must be one of {', '.join(SCORES)}; got {score!r}")
    reconstructions = ink_of(reconstructions, "reconstructions").detach()
    images = floats_of(images)
    same_shape(reconstructions, images)
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


class CodeDistance:
    """The codes of normal images, to ask of a new code whether it lies among them.

    codes: (N, d), float, N more than d and at least five. Directions in which they vary much
    and little count alike: they are scaled so that their covariance is the identity (the
    distance of Mahalanobis). A direction in which they do not vary at all does not count.
    Raises ValueError for fewer codes, for codes that are all the same, for new ones of another
    size, and for numbers that are NaN or infinite.
    """

    def __init__(self, codes: Tensor) -> None:
        from sklearn.neighbors import NearestNeighbors

        codes = codes_of(codes, empty=False)
        needed = max(codes.shape[1] + 1, NEIGHBOURS)
        if len(codes) < needed:
            raise ValueError(f"need at least {needed} codes of this size, got {len(codes)}")
        covariance = torch.atleast_2d(torch.cov(codes.double().T))
        variances, directions = torch.linalg.eigh(covariance)
        # What a model gives for the same code differs in the last bits from batch to batch.
        if not variances[-1] > 1e-12 * codes.double().square().mean():
            raise ValueError(
                f"the {len(codes):,} codes are all the same, as those of a collapsed model are: "
                "nothing lies nearer to them or farther"
            )
        varies = variances > 1e-12 * variances[-1]
        self.scaling = (directions[:, varies] / variances[varies].sqrt()).float()
        self._known = NearestNeighbors(n_neighbors=NEIGHBOURS, algorithm="brute")
        self.scaled = codes @ self.scaling  # (N, directions that vary)
        self._known.fit(self.scaled.numpy())

    def distance(self, codes: Tensor) -> Tensor:
        """Return the mean distance of each code (N, d) to its five nearest known ones, (N,)."""
        codes = codes_of(codes, len(self.scaling))
        if not len(codes):
            return torch.zeros(0)
        distances, _ = self._known.kneighbors((codes @ self.scaling).numpy())
        return torch.from_numpy(distances).mean(1).float()


def auroc(scores: Tensor, normal: Tensor) -> float:
    """Return the area under the ROC curve, 0 to 1, of scores (N,).

    It is the chance that a stranger has a higher score than a normal image: 0.5 is
    guessing. normal: (N,), bool. Raises ValueError unless there are both kinds.
    """
    scores, normal = both_kinds(scores, normal)
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score((~normal).numpy(), scores.numpy()))


def auroc_influence(scores: Tensor, normal: Tensor) -> Tensor:
    """Return how much each image pulls the AUROC up or down, shape (N,), float64; mean zero.

    With other images of the same kinds the AUROC would be another one. Its standard error
    from this is the standard deviation of the influences divided by the root of N. For the
    difference of two detectors on the same images subtract their influences first: images
    that are easy or hard for both then cancel out.

    scores: (N,), higher is stranger; normal: (N,), bool. Raises ValueError as `auroc` does.
    Source: DeLong et al. 1988, doi:10.2307/2531595.
    """
    scores, normal = both_kinds(scores, normal)
    scores = scores.double()
    own, strangers = scores[normal].sort().values, scores[~normal].sort().values
    # Of each normal image the share of strangers above it, of each stranger the share of
    # normal images below it; a tie counts one half.
    won = torch.empty(len(scores), dtype=torch.float64)
    won[normal] = 1 - _share_below(strangers, scores[normal])
    won[~normal] = _share_below(own, scores[~normal])
    influence = won - won[normal].mean()  # either mean is the AUROC
    count = torch.where(normal, normal.sum(), (~normal).sum())
    return influence * len(scores) / count


def _share_below(values: Tensor, limits: Tensor) -> Tensor:
    strictly = torch.searchsorted(values, limits, right=False)
    at_most = torch.searchsorted(values, limits, right=True)
    return (strictly + at_most).double() / (2 * len(values))


def roc(scores: Tensor, normal: Tensor) -> tuple[Tensor, Tensor]:
    """Return the ROC curve: shares of false alarms and of strangers caught, both rising."""
    scores, normal = both_kinds(scores, normal)
    from sklearn.metrics import roc_curve

    false_alarms, caught, _ = roc_curve((~normal).numpy(), scores.numpy())
    return torch.from_numpy(false_alarms), torch.from_numpy(caught)


def both_kinds(scores: Any, normal: Any) -> tuple[Tensor, Tensor]:
    """Return scores and normal as tensors (N,), with images of either kind among them.

    Raises ValueError for lists of different lengths, for scores that are NaN or infinite, for
    a `normal` that is not bool, and if all images are of one kind.
    """
    scores, normal = as_tensor("scores", scores), as_tensor("normal", normal)
    if scores.shape != normal.shape or scores.ndim != 1:
        raise ValueError(
            "scores and normal must be two lists of one length, "
            f"got shapes {tuple(scores.shape)} and {tuple(normal.shape)}"
        )
    if normal.dtype != torch.bool:
        raise ValueError(f"normal must be bool, e.g. labels == 3, got {normal.dtype}")
    scores = finite("scores", scores)
    if scores.dtype not in (torch.float32, torch.float64):  # of which scikit-learn knows more
        scores = scores.double()
    if bool(normal.all()) or not bool(normal.any()):
        raise ValueError(
            f"need normal images and strangers, got {int(normal.sum())} normal of {len(normal)}"
        )
    return scores, normal


def threshold(normal_scores: Tensor, false_alarms: float = FALSE_ALARMS) -> float:
    """Return the score above which an image is flagged, from normal images alone.

    Of the normal images given, at most the share `false_alarms` lies above it.
    Raises ValueError for no images, a share outside 0 to 1, and scores that are NaN or
    infinite: a threshold that is no number would flag nobody.
    """
    normal_scores = finite("scores", normal_scores)
    if not len(normal_scores):
        raise ValueError("there are no normal images to set a threshold with")
    false_alarms = real_number("false_alarms", false_alarms, 0, 1)
    if normal_scores.dtype not in (torch.float32, torch.float64):
        normal_scores = normal_scores.double()
    return torch.quantile(normal_scores, 1 - false_alarms, interpolation="higher").item()


def flagged_per_digit(scores: Tensor, labels: Tensor, limit: float) -> Tensor:
    """Return how many images of each digit have a score above `limit`, shape (10,).

    Raises ValueError for scores that are NaN or infinite, labels of another number, and a
    limit that is NaN: it would flag nobody.
    """
    labels = labels_of(labels)
    scores = finite("scores", scores, len(labels))
    limit = real_number("limit", limit, -math.inf, math.inf)
    return torch.bincount(labels[scores > limit], minlength=len(DIGITS))


def all_scores(
    drawn: Tensor, images: Tensor, code_distance: Tensor | None = None
) -> dict[str, Tensor]:
    """Return every score of images (N, 1, 28, 28) and their reconstructions, each (N,).

    code_distance: (N,), 0 or more, from `CodeDistance`; with it there is also "blurred share
    and code", the blurred share times the squared distance: strange is what was drawn badly or
    has an unusual code.
    """
    scores = {score: anomaly_scores(drawn, images, score) for score in SCORES}
    if code_distance is not None:
        distance = finite("code_distance", code_distance, len(scores["mse"]), low=0)
        scores[WITH_CODE] = scores["blurred share"] * distance.square()
    return scores


class Detector:
    """An autoencoder as an alarm: strange is what it draws badly or gives an unusual code.

    model: an autoencoder without offset, trained on normal images only.
    known: normal images, see `checks`, best those of its training; their codes say what is
        usual.
    Raises ValueError for a model with an offset, and as `CodeDistance` does.
    """

    def __init__(self, model: Autoencoder, known: Images) -> None:
        if offset_of(model):
            raise ValueError(
                f"model must have no offset, got {offset_of(model)}: it draws images less that, "
                "and would find every image strange"
            )
        self.model = model
        self.usual = CodeDistance(encode(model, known))

    def scores(self, images: Images) -> dict[str, Tensor]:
        """Return every score of images, see `checks`, each (N,); higher is stranger."""
        images = images_of(images)
        blank = int((images.amax((1, 2, 3)) == 0).count_nonzero())
        if blank:
            raise ValueError(f"{blank} of {len(images)} images hold no ink to share")
        # A part at a time: the scores need several times the memory of their images.
        parts = [self._scores(own_floats(part)) for part in images.split(BATCH)]
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def _scores(self, images: Tensor) -> dict[str, Tensor]:
        distance = self.usual.distance(encode(self.model, images))
        return all_scores(reconstruct(self.model, images), images, distance)

    def threshold(
        self, normal: Images, false_alarms: float = FALSE_ALARMS, score: str = WITH_CODE
    ) -> float:
        """Return the score above which an image is flagged, as the function `threshold` does.

        normal: normal images that the model was not trained on. Raises ValueError for a score
            that there is not.
        """
        if score not in (*SCORES, WITH_CODE):
            known = ", ".join((*SCORES, WITH_CODE))
            raise ValueError(f"score must be one of {known}; got {score!r}")
        return threshold(self.scores(normal)[score], false_alarms)


def detector_values(
    scores: dict[str, dict[str, Tensor]], labels: dict[str, Tensor], normal: int
) -> dict[str, Any]:
    """Return what `zoo` records of a detector, for each score.

    scores and labels: of the images "val" and "test". Thresholds come from the normal
    images of "val". Per score: val_auroc, auroc, threshold, and flagged_per_digit,
    the number of test images of each digit above the threshold.
    Raises ValueError for a normal digit, labels or scores that cannot be.
    """
    normal = whole_number("normal", normal, 0, 9)
    labels = {part: labels_of(digits) for part, digits in labels.items()}
    own = {part: digits == normal for part, digits in labels.items()}
    values = {}
    for name in scores["val"]:
        val, test = (finite(name, scores[part][name], len(own[part])) for part in ("val", "test"))
        limit = threshold(val[own["val"]])
        values[name] = {
            "val_auroc": auroc(val, own["val"]),
            "auroc": auroc(test, own["test"]),
            "threshold": limit,
            "flagged_per_digit": flagged_per_digit(test, labels["test"], limit).tolist(),
        }
    return values
