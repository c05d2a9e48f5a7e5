"""One-class detection: anomaly scores, how well they separate, thresholds.

A detector is trained on one digit, the normal one, and gives every image a score that is
meant to be higher for strangers. Source: notebook 3.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from aelib.data import DIGITS, Images, as_drawings, as_images
from aelib.metrics import BATCH, decode, encode
from aelib.models import Autoencoder

# scikit-learn takes a second to import, and few functions need it: each imports what it uses.
BLUR = 1.0  # pixels; the radius that the score "blurred share" looks through
FALSE_ALARMS = 0.05
SCORES = ("mse", "share", "blurred share")
WITH_CODE = "blurred share and code"
CODE_ALONE = "code distance"
NEAREST = 5


# Published AUROC in % for digits 0 to 9: one-class MNIST, train on one digit, test on all
# 10,000 images. Ruff et al. 2018, PMLR 80:4393-4402; Perera et al. 2019, arXiv:1903.08550,
# table 2. Of ARNet (Ye et al. 2020, doi:10.1109/TMM.2020.3046884) only the mean was checked.
PUBLISHED = {
    "Deep SVDD": (98.0, 99.7, 91.7, 91.9, 94.9, 88.5, 98.3, 94.6, 93.9, 96.5),
    "OCGAN": (99.8, 99.9, 94.2, 96.3, 97.5, 98.0, 99.1, 98.1, 93.9, 98.1),
}
PUBLISHED_MEAN = {"ARNet": 98.3}


def blurred(images: Tensor, radius: float = BLUR) -> Tensor:
    """Return images (N, 1, 28, 28) seen through a Gaussian blur with that sigma, in pixels."""
    reach = math.ceil(3 * radius)  # three sigma to each side
    # As torchvision's gaussian_blur has it, whose import takes a second.
    place = torch.linspace(-reach / math.sqrt(2), reach / math.sqrt(2), 2 * reach + 1)
    line = place.div(radius).pow(2).neg().softmax(0)
    kernel = (line[:, None] * line)[None, None]
    # A part at a time: blurring needs several times the memory of what it blurs.
    padded = (F.pad(part, [reach] * 4, mode="reflect") for part in images.split(BATCH))
    return torch.cat([F.conv2d(part, kernel) for part in padded])


def anomaly_scores(
    drawn: Tensor, images: Images, code_distance: Tensor | None = None
) -> dict[str, Tensor]:
    """Return how badly each image was drawn, by several scores, each (N,); higher is stranger.

    "mse": the mean squared error. "share": the squared error as a share of the image's own
    squared ink. "blurred share": the same after a blur of one pixel, which forgives a stroke
    for lying slightly beside its place. With `code_distance` (N,), from `CodeDistance`, also
    "blurred share and code", times the squared distance: strange is what was drawn badly or has
    an unusual code; and "code distance", which does not look at the drawing at all. Raises
    ValueError for unequal numbers, and for an image without ink.
    """
    drawn, images = as_drawings(drawn), as_images(images)
    if drawn.shape != images.shape:
        raise ValueError(f"there are {len(drawn)} drawings of {len(images)} images")
    ink = images.square().flatten(1).mean(1)
    if not bool((ink > 0).all()):
        raise ValueError(f"{int((ink <= 0).sum())} of {len(ink)} images hold no ink to share")
    difference = drawn - images
    error = difference.square().flatten(1).mean(1)
    blurred_error = blurred(difference).square().flatten(1).mean(1)
    share = blurred_error / blurred(images).square().flatten(1).mean(1)
    scores = dict(zip(SCORES, (error, error / ink, share), strict=True))
    if code_distance is not None:
        scores |= {WITH_CODE: share * code_distance.square(), CODE_ALONE: code_distance}
    return scores


class CodeDistance:
    """The codes of normal images, to ask of a new code whether it lies among them.

    codes: (N, d). Directions in which they vary much and little count alike: they are scaled so
    that their covariance is the identity (the distance of Mahalanobis). A direction in which
    they do not vary does not count. Raises ValueError for codes that are all the same.
    """

    def __init__(self, codes: Tensor) -> None:
        from sklearn.neighbors import NearestNeighbors

        covariance = torch.atleast_2d(torch.cov(codes.double().T))
        variances, directions = torch.linalg.eigh(covariance)
        # What a model gives for the same code differs in the last bits from batch to batch.
        if not variances[-1] > 1e-12 * codes.double().square().mean():
            raise ValueError("the codes are all the same, as those of a collapsed model are")
        varies = variances > 1e-12 * variances[-1]
        self.scaling = (directions[:, varies] / variances[varies].sqrt()).float()
        self.scaled = codes @ self.scaling  # (N, directions that vary)
        self._nearest = NearestNeighbors(n_neighbors=NEAREST, algorithm="brute")
        self._nearest.fit(self.scaled.numpy())

    def distance(self, codes: Tensor) -> Tensor:
        """Return the mean distance of each code (N, d) to its five nearest known ones, (N,)."""
        distances, _ = self._nearest.kneighbors((codes @ self.scaling).numpy())
        return torch.from_numpy(distances).mean(1).float()


def auroc(scores: Tensor, normal: Tensor) -> float:
    """Return the area under the ROC curve, 0 to 1, of scores (N,).

    It is the chance that a stranger has a higher score than a normal image: 0.5 is
    guessing. normal: (N,), bool.
    """
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score((~normal).numpy(), scores.numpy()))


def roc(scores: Tensor, normal: Tensor) -> tuple[Tensor, Tensor]:
    """Return the ROC curve: shares of false alarms and of strangers caught, both rising."""
    from sklearn.metrics import roc_curve

    false_alarms, caught, _ = roc_curve((~normal).numpy(), scores.numpy())
    return torch.from_numpy(false_alarms), torch.from_numpy(caught)


def threshold(normal_scores: Tensor, false_alarms: float = FALSE_ALARMS) -> float:
    """Return the score above which an image is flagged, from normal images alone.

    Of the normal images given, at most the share `false_alarms` lies above it.
    Raises ValueError for scores that are NaN or infinite: such a threshold would flag nobody.
    """
    if not bool(normal_scores.isfinite().all()):
        raise ValueError("some scores are NaN or infinite: there is no threshold for them")
    return torch.quantile(normal_scores, 1 - false_alarms, interpolation="higher").item()


def flagged_per_digit(scores: Tensor, labels: Tensor, limit: float) -> Tensor:
    """Return how many images of each digit have a score above `limit`, shape (10,)."""
    return torch.bincount(labels[scores > limit], minlength=len(DIGITS))


class Detector:
    """An autoencoder as an alarm: strange is what it draws badly or gives an unusual code.

    model: was trained on normal images only. known: these, whose codes say what is usual.
    """

    def __init__(self, model: Autoencoder, known: Images) -> None:
        self.model = model
        self.usual = CodeDistance(encode(model, known))

    def scores(self, images: Images) -> dict[str, Tensor]:
        """Return every score of images, each (N,); higher is stranger."""
        images = as_images(images)
        codes = encode(self.model, images)
        drawn = decode(self.model, codes) + getattr(self.model, "offset", 0.0)
        return anomaly_scores(drawn, images, self.usual.distance(codes))

    def threshold(
        self, normal: Images, false_alarms: float = FALSE_ALARMS, score: str = WITH_CODE
    ) -> float:
        """Return the score above which an image is flagged; normal: images not trained on."""
        return threshold(self.scores(normal)[score], false_alarms)
