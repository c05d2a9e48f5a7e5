"""What strokes a picture is made of: closed loops, straightness, error by quarter.

These measures are simple on purpose. Notebook 3 first tries them on real digits, whose
answers everybody knows, and only then uses them on what a model has drawn.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from aelib.data import IMAGE_SIZE
from aelib.models import check_images

INK = 0.5  # from here up a pixel counts as ink
SMALLEST_LOOP = 3  # pixels of paper that make a hole
HALF = IMAGE_SIZE // 2
QUARTERS = ("top left", "top right", "bottom left", "bottom right")


def has_loop(images: Tensor) -> Tensor:
    """Return whether ink encloses paper in each image (N, 1, 28, 28), shape (N,), bool.

    Pixels of 0.5 and more are ink; a hole is at least three connected pixels of paper
    that no path through paper connects with the border. Raises ValueError unless the
    images are float32 in [0, 1].
    """
    check_images(images)
    holes = [_encloses_paper(image) for image in (images[:, 0] >= INK).numpy()]
    return torch.tensor(holes, dtype=torch.bool)


def _encloses_paper(ink: np.ndarray) -> bool:
    # A frame of paper around the picture joins everything that touches the border.
    regions, count = ndimage.label(~np.pad(ink, 1))
    sizes = np.bincount(regions.ravel(), minlength=count + 1)
    sizes[[0, regions[0, 0]]] = 0  # the ink, and the paper outside
    return bool((sizes >= SMALLEST_LOOP).any())


def breadth(images: Tensor) -> Tensor:
    """Return how far the ink lies from its own main axis, in pixels, shape (N,).

    The root mean square distance, weighted by ink, from the straight line that fits the
    ink of an image (N, 1, 28, 28) best. A straight stroke has little more than half of its
    pen's radius, a ring has 0.7 of its radius. Raises ValueError for an image without ink, and
    unless the images are float32 in [0, 1].
    """
    check_images(images)
    weights = images[:, 0].double()
    total = weights.sum((1, 2))
    if not bool((total > 0).all()):
        raise ValueError(f"{int((total <= 0).sum())} of {len(images)} images hold no ink")
    weights = weights / total[:, None, None]
    place = torch.arange(IMAGE_SIZE, dtype=torch.float64)
    down, across = weights.sum(2), weights.sum(1)
    mean_y, mean_x = down @ place, across @ place
    var_y = down @ place**2 - mean_y**2
    var_x = across @ place**2 - mean_x**2
    both = torch.einsum("nyx,y,x->n", weights, place, place) - mean_y * mean_x
    # The smaller eigenvalue of the 2 x 2 covariance of where the ink is.
    middle, spread = (var_y + var_x) / 2, ((var_y - var_x) / 2).hypot(both)
    return (middle - spread).clamp(min=0).sqrt()


def by_quarter(images: Tensor) -> Tensor:
    """Return the mean of the squared values in each quarter of images, shape (N, 4).

    The quarters of 14 x 14 pixels are in the order of `QUARTERS`.
    """
    blocks = images[:, 0].square().unflatten(1, (2, HALF)).unflatten(3, (2, HALF))
    return blocks.mean((2, 4)).flatten(1)
