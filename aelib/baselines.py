"""What a result is compared with: the mean image, PCA, and the nearest known image.

A result says little by itself. Beside each of them the course shows what a method reaches that
learns nothing, or only what is linear.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from aelib.checks import (
    DIGITS,
    IMAGE_SIZE,
    Images,
    codes_of,
    floats_of,
    ink_of,
    real_number,
    whole_number,
)
from aelib.data import Digits, check_digits
from aelib.detection import blurred
from aelib.metrics import BATCH, mean_per_digit, mse_per_image

# scikit-learn takes a second to import: who needs it imports it.


def mean_image(digits: Digits) -> Tensor:
    """Return the mean of the images, shape (1, 1, 28, 28) in [0, 1]; ValueError if none."""
    if not len(check_digits("digits", digits)):
        raise ValueError("there are no images to take the mean of")
    brightest = 255 if digits.images.dtype == torch.uint8 else 1
    # NumPy adds in float64 without a copy of all images in it, eight times their size.
    mean = digits.images.numpy().mean(0, dtype=np.float64) / brightest
    return torch.from_numpy(mean).float()[None, None]


def class_variance(train: Digits, test: Digits) -> Tensor:
    """Return each digit's variance, shape (10,): its error when its own mean is drawn.

    The mean images are those of `train`, the error is the MSE on `test`. It is what a
    model that knows the digit, and nothing else of the image, could reach.
    """
    check_digits("test", test)
    means = torch.cat([mean_image(check_digits("train", train).only(digit)) for digit in DIGITS])
    parts = (test[start : start + BATCH] for start in range(0, len(test) or 1, BATCH))
    errors = [mse_per_image(means[part.labels], part.floats()) for part in parts]
    return mean_per_digit(torch.cat(errors), test.labels)


def _scatter(digits: Digits, mean: Tensor) -> Tensor:
    """Return the covariance of the pixels times the number of images, (784, 784) in float64.

    Summed a part at a time: scikit-learn's PCA, which finds the same components, wants all
    images at once as float64, a third of a gigabyte.
    """
    scatter = torch.zeros(IMAGE_SIZE**2, IMAGE_SIZE**2, dtype=torch.float64)
    for start in range(0, len(digits), BATCH):
        centred = (digits[start : start + BATCH].floats() - mean).flatten(1).double()
        scatter += centred.T @ centred
    return scatter


class LinearAutoencoder:
    """PCA: the best autoencoder without nonlinearities, for every size up to `max_dim`.

    Raises ValueError for a `max_dim` that is larger than the number of images or of pixels.
    Source: Baldi and Hornik 1989, doi:10.1016/0893-6080(89)90014-2; notebook 1.
    """

    def __init__(self, train: Digits, max_dim: int = 32) -> None:
        most = min(len(check_digits("train", train)), IMAGE_SIZE**2)
        if not most:
            raise ValueError("there are no images to find components of")
        self.max_dim = whole_number("max_dim", max_dim, 1, most)
        self._mean = mean_image(train)
        eigenvectors = torch.linalg.eigh(_scatter(train, self._mean)).eigenvectors
        components = eigenvectors.flip(1).T[: self.max_dim]  # the largest eigenvalue first
        # Their signs are arbitrary: as in scikit-learn, the largest entry is positive.
        largest = components.gather(1, components.abs().argmax(1, keepdim=True))
        self._components = (components * largest.sign()).float()

    @property
    def components(self) -> Tensor:
        """The principal components as pictures, (max_dim, 1, 28, 28), unit length each."""
        return self._components.clone().view(-1, 1, IMAGE_SIZE, IMAGE_SIZE)

    @property
    def mean(self) -> Tensor:
        """The mean image, (1, 1, 28, 28)."""
        return self._mean.clone()

    def encode(self, images: Images, latent_dim: int) -> Tensor:
        """Return the first `latent_dim` coordinates of images, (N, latent_dim).

        Images may leave [0, 1] as `read_digits` takes them; raises ValueError for others.
        """
        basis = self._basis(latent_dim)
        parts = ink_of(images).detach().float().split(BATCH)  # less memory than all at once
        return torch.cat([(part - self._mean).flatten(1) @ basis.T for part in parts])

    def decode(self, codes: Tensor) -> Tensor:
        """Return the images that codes (N, d) mean; a little of them may leave [0, 1]."""
        codes = codes_of(codes)
        flat = torch.addmm(self._mean.flatten(), codes, self._basis(codes.shape[1]))
        return flat.view(-1, 1, IMAGE_SIZE, IMAGE_SIZE)

    def reconstruct(self, images: Images, latent_dim: int) -> Tensor:
        """Return the best linear reconstruction of images from `latent_dim` numbers."""
        return self.decode(self.encode(images, latent_dim))

    def _basis(self, latent_dim: int) -> Tensor:
        return self._components[: whole_number("latent_dim", latent_dim, 0, self.max_dim)]


class NearestImage:
    """A detector without training: it redraws each image as the most similar known one."""

    def __init__(self, known: Digits, blur: float = 0.0) -> None:
        """Keep the known images; with a blur, likeness is judged through it."""
        from sklearn.neighbors import NearestNeighbors

        if not len(check_digits("known", known)):
            raise ValueError("there are no images to know")
        self.images = known.floats()
        self.blur = real_number("blur", blur, 0, 9)
        self._known = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(
            self._seen(self.images)
        )

    def reconstruct(self, images: Images) -> Tensor:
        """Return for each image, see `checks`, the known image that is nearest to it."""
        images = floats_of(images)
        if not len(images):
            return images.clone()
        found = self._known.kneighbors(self._seen(images), return_distance=False)
        return self.images[torch.from_numpy(found[:, 0])]

    def _seen(self, images: Tensor) -> np.ndarray:
        return (blurred(images, self.blur) if self.blur else images).flatten(1).numpy()
