"""What the course measures with a model, and what learns nothing, to compare it with.

Images are what `data.as_images` takes; nothing here trains. Three measures have modules of
their own: `checkerboards`, `strokes` and `detection`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from aelib.data import DIGITS, SIDE, Digits, Images, as_drawings, as_images
from aelib.models import Autoencoder, looking_at

# scikit-learn takes a second to import, and few functions need it: each imports what it uses.
BATCH = 250  # of 1,000 the activations take 100 MB and, as no cache holds them, a fifth more time
NEIGHBOURS = 15
PLANE_SUBSETS = ((0, 1), (0, 1, 2), (0, 1, 6), DIGITS)


# --- A model at work ------------------------------------------------------------------


def reconstruct(model: nn.Module, images: Images) -> Tensor:
    """Return a model's drawings of images, float32 (N, 1, 28, 28), on the CPU.

    It is used in eval mode and left as it was. A model with an `offset` gets the images less
    that offset, as it did in training. Raises ValueError if the drawings have another shape
    than the images: an error would be computed of something else.
    """
    x = as_images(images) - getattr(model, "offset", 0.0)
    drawn = _in_batches(model, model, x)
    if drawn.shape != x.shape:
        raise ValueError(f"the model drew {tuple(drawn.shape)} from images {tuple(x.shape)}")
    return drawn


def encode(model: Autoencoder, images: Images) -> Tensor:
    """Return a model's codes (N, latent_dim) of images, on the CPU; see `reconstruct`."""
    return _in_batches(model, model.encode, as_images(images) - getattr(model, "offset", 0.0))


def decode(model: Autoencoder, codes: Tensor) -> Tensor:
    """Return the images (N, 1, 28, 28) that a model draws at codes (N, latent_dim)."""
    return _in_batches(model, model.decode, codes)


def read_digits(judge: nn.Module, images: Images) -> Tensor:
    """Return the digit that a judge reads in each drawing, (N,).

    What leaves [0, 1], as drawings by PCA do, is cut off first.
    """
    return _in_batches(judge, judge, as_drawings(images).clamp(0, 1)).argmax(1)


def _in_batches(model: nn.Module, see: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    with looking_at(model) as device:
        return torch.cat([see(part.to(device)).cpu() for part in x.split(BATCH)])


# --- Errors and readings --------------------------------------------------------------


def mse_per_image(reconstructions: Tensor, images: Tensor) -> Tensor:
    """Return the mean squared error of each image, shape (N,); both are (N, 1, 28, 28).

    Raises ValueError for two shapes: torch would repeat the smaller, and a number come out.
    """
    if reconstructions.shape != images.shape:
        shapes = f"{tuple(reconstructions.shape)} and {tuple(images.shape)}"
        raise ValueError(f"reconstructions and images must have the same shape, got {shapes}")
    return (reconstructions - images).square().flatten(1).mean(1)


def mean_per_digit(values: Tensor, labels: Tensor) -> Tensor:
    """Return the mean of `values` (N,) over the images of each digit, (10,); NaN if it has none."""
    counts = torch.bincount(labels, minlength=len(DIGITS))
    return torch.zeros(len(counts)).double().index_add(0, labels, values.double()) / counts


# --- Codes ----------------------------------------------------------------------------


def knn_accuracy(codes: Tensor, labels: Tensor, test_codes: Tensor, test_labels: Tensor) -> float:
    """Return the share of test codes whose 15 nearest training codes vote for their digit.

    codes: (N, d), labels: (N,). Each axis is first scaled to unit variance, as a plot scales it.
    """
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.preprocessing import StandardScaler

    scale = StandardScaler().fit(codes)
    knn = KNeighborsClassifier(NEIGHBOURS).fit(scale.transform(codes), labels)
    return float(knn.score(scale.transform(test_codes), test_labels))


def probe_accuracy(codes: Tensor, labels: Tensor, test_codes: Tensor, test_labels: Tensor) -> float:
    """Return the share of test codes that a linear classifier of codes puts to their digit.

    It is a logistic regression on codes scaled to unit variance: what can be read off the
    code with straight cuts (Alain and Bengio 2016, arXiv:1610.01644; notebook 4).
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scale = StandardScaler().fit(codes)
    probe = LogisticRegression(max_iter=1000).fit(scale.transform(codes), labels)
    return float(probe.score(scale.transform(test_codes), test_labels))


def plane_values(
    codes: Tensor, labels: Tensor, test_codes: Tensor, test_labels: Tensor
) -> dict[str, Any]:
    """Return knn_accuracy, knn_subsets (by digits, e.g. "0 1 6") and class_overlap of a plane."""
    subsets = {}
    for digits in PLANE_SUBSETS:
        here, there = (torch.isin(y, torch.tensor(digits)) for y in (labels, test_labels))
        found = knn_accuracy(codes[here], labels[here], test_codes[there], test_labels[there])
        subsets[" ".join(map(str, digits))] = found
    return {
        "knn_accuracy": found,  # of the last subset, which is all of them
        "knn_subsets": subsets,
        "class_overlap": class_overlap(test_codes, test_labels).tolist(),
    }


def class_overlap(codes: Tensor, labels: Tensor) -> Tensor:
    """Return how far each pair of digits shares its place in code space, (10, 10).

    For a pair, as many codes of one digit as of the other; the overlap is the share of
    other-digit codes among each code's 15 nearest neighbours, divided by one half. 0:
    apart; 1: mixed as if shuffled. The diagonal is 1. Axes are scaled to unit variance.
    """
    from sklearn.neighbors import NearestNeighbors
    from sklearn.preprocessing import StandardScaler

    scaled = torch.from_numpy(StandardScaler().fit_transform(codes))
    result = torch.ones(2 * [int(labels.max()) + 1])
    for b, a in itertools.combinations(range(len(result)), 2):
        size = int(min((labels == a).sum(), (labels == b).sum()))
        both = torch.cat([scaled[labels == a][:size], scaled[labels == b][:size]])
        neighbours = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(both)
        found = neighbours.kneighbors(return_distance=False)  # without the code itself
        other = (found >= size) != (np.arange(2 * size) >= size)[:, None]
        result[a, b] = result[b, a] = float(2 * other.mean())
    return result


# --- What learns nothing, or only what is linear --------------------------------------


def mean_image(digits: Digits) -> Tensor:
    """Return the mean of the images, shape (1, 1, 28, 28) in [0, 1]."""
    brightest = 255 if digits.images.dtype == torch.uint8 else 1
    # NumPy adds in float64 without a copy of all images in it, eight times their size.
    mean = digits.images.numpy().mean(0, dtype=np.float64) / brightest
    return torch.from_numpy(mean).float()[None, None]


def class_variance(train: Digits, test: Digits) -> Tensor:
    """Return each digit's variance, shape (10,): its error when its own mean is drawn.

    The mean images are those of `train`, the error is the MSE on `test`. It is what a
    model that knows the digit, and nothing else of the image, could reach.
    """
    means = torch.cat([mean_image(train.only(digit)) for digit in DIGITS])
    return mean_per_digit(mse_per_image(means[test.labels], test.floats()), test.labels)


class LinearAutoencoder:
    """PCA: the best autoencoder without nonlinearities, for every size up to `max_dim`.

    mean: the mean image, (1, 1, 28, 28). components: the principal components as pictures
    of unit length, (max_dim, 1, 28, 28), those that matter most first.
    Source: Baldi and Hornik 1989, doi:10.1016/0893-6080(89)90014-2; notebook 1.
    """

    def __init__(self, train: Digits, max_dim: int = 32) -> None:
        self.mean = mean_image(train)
        # Summed a part at a time: scikit-learn's PCA, which finds the same components, wants
        # all images at once as float64, a third of a gigabyte.
        scatter = torch.zeros(SIDE**2, SIDE**2, dtype=torch.float64)
        for start in range(0, len(train), BATCH):
            centred = (train[start : start + BATCH].floats() - self.mean).flatten(1).double()
            scatter += centred.T @ centred
        eigenvectors = torch.linalg.eigh(scatter).eigenvectors
        components = eigenvectors.flip(1).T[:max_dim]  # the largest eigenvalue first
        # Their signs are arbitrary: as in scikit-learn, the largest entry is positive.
        largest = components.gather(1, components.abs().argmax(1, keepdim=True))
        self.components = (components * largest.sign()).float().view(-1, 1, SIDE, SIDE)

    def encode(self, images: Images, latent_dim: int) -> Tensor:
        """Return the first `latent_dim` coordinates of images, (N, latent_dim).

        Raises ValueError if fewer components are kept: their error would pass for that of more.
        """
        if not 0 <= latent_dim <= len(self.components):
            raise ValueError(f"only {len(self.components)} components are kept, see max_dim")
        basis = self.components[:latent_dim].flatten(1)
        parts = as_drawings(images).split(BATCH)
        return torch.cat([(part - self.mean).flatten(1) @ basis.T for part in parts])

    def decode(self, codes: Tensor) -> Tensor:
        """Return the images that codes (N, d) mean; a little of them may leave [0, 1]."""
        basis = self.components[: codes.shape[1]].flatten(1)
        return torch.addmm(self.mean.flatten(), codes, basis).view(-1, 1, SIDE, SIDE)

    def reconstruct(self, images: Images, latent_dim: int) -> Tensor:
        """Return the best linear reconstruction of images from `latent_dim` numbers."""
        return self.decode(self.encode(images, latent_dim))
