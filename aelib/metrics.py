"""What the course measures: errors, baselines, recognisability, neighbours, intervals.

The checkerboard score, AUROC and the nearest image have modules of their own
(`checkerboards`, `detection`) and can be had from here as well.

Everything here takes tensors and returns tensors or plain numbers; nothing trains.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import skdim
import torch
from scipy import stats
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from aelib.checkerboards import checkerboard_score as checkerboard_score
from aelib.data import DIGITS, Digits, to_float
from aelib.detection import NearestImage as NearestImage
from aelib.detection import auroc as auroc
from aelib.models import Autoencoder

BATCH = 1000
NEIGHBOURS = 15
PLANE_SUBSETS = ((0, 1), (0, 1, 2), (0, 1, 6), DIGITS)


# --- Errors ---------------------------------------------------------------------------


def mse_per_image(reconstructions: Tensor, images: Tensor) -> Tensor:
    """Return the mean squared error of each image, shape (N,).

    Both are (N, 1, 28, 28) in [0, 1]. Raises ValueError if the shapes differ.
    """
    if reconstructions.shape != images.shape:
        raise ValueError(
            f"reconstructions {tuple(reconstructions.shape)} and images {tuple(images.shape)} "
            "must have the same shape"
        )
    return (reconstructions - images).square().flatten(1).mean(1)


def mean_per_digit(values: Tensor, labels: Tensor) -> Tensor:
    """Return the mean of `values` (N,) over the images of each digit, shape (10,).

    A digit that does not occur gets NaN.
    """
    sums = torch.zeros(len(DIGITS), dtype=torch.float64).index_add(0, labels, values.double())
    return sums / torch.bincount(labels, minlength=len(DIGITS))


def reconstruct(model: Autoencoder, images: Tensor) -> Tensor:
    """Return a model's reconstructions of images in [0, 1], again (N, 1, 28, 28) in [0, 1].

    A model with an offset gets the images less its offset, as it did in training.
    """
    with torch.inference_mode():
        return torch.cat([model(part - model.offset) for part in images.split(BATCH)])


def encode(model: Autoencoder, images: Tensor) -> Tensor:
    """Return a model's codes (N, latent_dim) of images in [0, 1]."""
    with torch.inference_mode():
        return torch.cat([model.encode(part - model.offset) for part in images.split(BATCH)])


# --- Baselines ------------------------------------------------------------------------


def mean_image(digits: Digits) -> Tensor:
    """Return the mean of the images, shape (1, 1, 28, 28) in [0, 1]."""
    return (digits.images.double().mean(0) / 255).float()[None, None]


def class_variance(train: Digits, test: Digits) -> Tensor:
    """Return each digit's variance, shape (10,): its error when its own mean is drawn.

    The mean images are those of `train`, the error is the MSE on `test`. It is what a
    model that knows the digit, and nothing else of the image, could reach.
    """
    means = torch.cat([mean_image(train.only(digit)) for digit in DIGITS])
    return mean_per_digit(mse_per_image(means[test.labels], test.floats()), test.labels)


class LinearAutoencoder:
    """PCA: the best autoencoder without nonlinearities, for every size up to `max_dim`.

    Source: Baldi and Hornik 1989, doi:10.1016/0893-6080(89)90014-2; notebook 1.
    """

    def __init__(self, train: Digits, max_dim: int = 32) -> None:
        self.max_dim = max_dim
        self._pca = PCA(max_dim, svd_solver="covariance_eigh").fit(
            to_float(train.images).flatten(1).double().numpy()
        )

    @cached_property
    def components(self) -> Tensor:
        """The principal components as pictures, (max_dim, 1, 28, 28), unit length each."""
        return torch.from_numpy(self._pca.components_).float().view(-1, 1, 28, 28)

    @cached_property
    def mean(self) -> Tensor:
        """The mean image, (1, 1, 28, 28)."""
        return torch.from_numpy(self._pca.mean_).float().view(1, 1, 28, 28)

    def encode(self, images: Tensor, latent_dim: int) -> Tensor:
        """Return the first `latent_dim` coordinates of images (N, 1, 28, 28)."""
        return (images - self.mean).flatten(1) @ self._basis(latent_dim).T

    def decode(self, codes: Tensor) -> Tensor:
        """Return the images that codes (N, d) mean; a little of them may leave [0, 1]."""
        flat = codes @ self._basis(codes.shape[1])
        return self.mean + flat.view(-1, 1, 28, 28)

    def reconstruct(self, images: Tensor, latent_dim: int) -> Tensor:
        """Return the best linear reconstruction of images from `latent_dim` numbers."""
        return self.decode(self.encode(images, latent_dim))

    def _basis(self, latent_dim: int) -> Tensor:
        if not 0 <= latent_dim <= self.max_dim:
            raise ValueError(f"latent_dim must lie in 0 to {self.max_dim}, got {latent_dim}")
        return self.components[:latent_dim].flatten(1)


# --- What somebody else sees in a picture ---------------------------------------------


def judged(judge: nn.Module, images: Tensor) -> Tensor:
    """Return the digit that the judge reads in each image, (N,).

    Images are (N, 1, 28, 28); values outside [0, 1], as PCA makes them, are clipped.
    """
    with torch.inference_mode():
        return torch.cat([judge(part.clamp(0, 1)).argmax(1) for part in images.split(BATCH)])


def confusion(truth: Tensor, read: Tensor) -> Tensor:
    """Return counts (10, 10): row = the true digit, column = what was read."""
    size = len(DIGITS)
    return torch.bincount(truth * size + read, minlength=size * size).view(size, size)


# --- Codes ----------------------------------------------------------------------------


def knn_accuracy(codes: Tensor, labels: Tensor, test_codes: Tensor, test_labels: Tensor) -> float:
    """Return the share of test codes whose 15 nearest training codes vote for their digit.

    Each axis is first scaled to unit variance, as a plot scales it.
    """
    scale = StandardScaler().fit(codes)
    knn = KNeighborsClassifier(NEIGHBOURS).fit(scale.transform(codes), labels)
    return float(knn.score(scale.transform(test_codes), test_labels))


def probe_accuracy(codes: Tensor, labels: Tensor, test_codes: Tensor, test_labels: Tensor) -> float:
    """Return the share of test codes that a linear classifier of codes puts to their digit.

    It is a logistic regression on codes scaled to unit variance: what can be read off the
    code with straight cuts (Alain and Bengio 2016, arXiv:1610.01644; notebook 4).
    """
    scale = StandardScaler().fit(codes)
    probe = LogisticRegression(max_iter=1000).fit(scale.transform(codes), labels)
    return float(probe.score(scale.transform(test_codes), test_labels))


def overlap(codes: Tensor, labels: Tensor) -> Tensor:
    """Return how far each pair of digits shares its place in code space, (10, 10).

    For a pair, as many codes of one digit as of the other; the overlap is the share of
    other-digit codes among each code's 15 nearest neighbours, divided by one half. 0:
    apart; 1: mixed as if shuffled. The diagonal is 1. Axes are scaled to unit variance.
    """
    scaled = torch.from_numpy(StandardScaler().fit_transform(codes))
    groups = [scaled[labels == digit] for digit in DIGITS]
    result = torch.ones(len(DIGITS), len(DIGITS))
    for a in DIGITS:
        for b in range(a):
            result[a, b] = result[b, a] = _pair_overlap(groups[a], groups[b])
    return result


def _pair_overlap(a: Tensor, b: Tensor) -> float:
    size = min(len(a), len(b))
    both = torch.cat([a[:size], b[:size]])
    neighbours = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(both)
    found = neighbours.kneighbors(return_distance=False)  # without the code itself
    other = (found >= size) != (np.arange(2 * size) >= size)[:, None]
    return float(2 * other.mean())


def intrinsic_dimension(images: Tensor, method: str = "TwoNN") -> float:
    """Return an estimate, by scikit-dimension, of how many numbers images vary in.

    method: "TwoNN" looks at two neighbours of each image (Facco et al. 2017,
    doi:10.1038/s41598-017-11873-y), "MLE" at twenty (Levina and Bickel 2004).
    Raises ValueError for another method.
    """
    flat = images.flatten(1).double().numpy()
    if method == "TwoNN":
        return float(skdim.id.TwoNN().fit(flat).dimension_)
    if method == "MLE":
        return float(skdim.id.MLE().fit(flat, n_neighbors=20).dimension_)
    raise ValueError(f"method must be TwoNN or MLE, got {method!r}")


def plane_figures(
    codes: Tensor, labels: Tensor, test_codes: Tensor, test_labels: Tensor
) -> dict[str, Any]:
    """Return knn_accuracy, knn_subsets (by digits, e.g. "0 1 6") and overlap of a plane."""
    subsets = {}
    for digits in PLANE_SUBSETS:
        chosen = torch.tensor(digits)
        here, there = torch.isin(labels, chosen), torch.isin(test_labels, chosen)
        subsets[" ".join(map(str, digits))] = knn_accuracy(
            codes[here], labels[here], test_codes[there], test_labels[there]
        )
    return {
        "knn_accuracy": subsets[" ".join(map(str, DIGITS))],
        "knn_subsets": subsets,
        "overlap": overlap(test_codes, test_labels).tolist(),
    }


# --- Over seeds -----------------------------------------------------------------------


class Interval(NamedTuple):
    """A mean with its 95 % confidence interval."""

    mean: float
    low: float
    high: float


def paired_difference(first: Any, second: Any) -> Interval:
    """Return the mean of first - second, paired by seed, with its 95 % t interval.

    Raises ValueError unless both have the same length of at least two.
    """
    a, b = np.asarray(first, float), np.asarray(second, float)
    if a.shape != b.shape or a.ndim != 1 or len(a) < 2:
        raise ValueError(
            f"need two lists of equal length, at least 2; got shapes {a.shape} and {b.shape}"
        )
    difference = a - b
    mean, error = difference.mean(), stats.sem(difference)
    if error == 0:
        return Interval(mean, mean, mean)
    low, high = stats.t.interval(0.95, len(a) - 1, loc=mean, scale=error)
    return Interval(float(mean), float(low), float(high))
