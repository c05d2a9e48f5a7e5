"""What strokes a picture is made of: closed loops, straightness, error by quarter.

These measures are simple on purpose. Notebook 3 first tries them on real digits, whose
answers everybody knows, and only then uses them on what a model has drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from aelib.data import DIGITS, SIDE, Images, as_images

INK = 0.5  # from here up a pixel counts as ink
INKS = (0.25, 0.375, 0.5)  # a drawing is fainter than what it draws: what if less is ink?
SMALLEST_LOOP = 3  # pixels of paper that make a hole
CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])  # pixels that touch,
WITHIN = np.stack([0 * CROSS, CROSS, 0 * CROSS])  # but not those of another picture
HALF = SIDE // 2
QUARTERS = ("top left", "top right", "bottom left", "bottom right")


def has_loop(images: Images, ink: float = INK) -> Tensor:
    """Return whether ink encloses paper in each image (N, 1, 28, 28), shape (N,), bool.

    A hole is at least three connected pixels of paper, of less than `ink`, that no path through
    paper connects with the border.
    """
    from scipy import ndimage  # imported here: few need it

    # A frame of paper around each picture joins everything that touches the border.
    paper = ~np.pad((as_images(images)[:, 0] >= ink).numpy(), [(0, 0), (1, 1), (1, 1)])
    regions, _ = ndimage.label(paper, WITHIN)  # (N, 30, 30), of all pictures at once
    sizes = np.bincount(regions.ravel(), minlength=1)
    sizes[[0, *regions[:, 0, 0]]] = 0  # the ink, and the paper outside
    return torch.from_numpy((sizes[regions] >= SMALLEST_LOOP).any((1, 2)))


def breadth(images: Images) -> Tensor:
    """Return how far the ink lies from its own main axis, in pixels, shape (N,).

    The root mean square distance, weighted by ink, from the straight line that fits an image's
    ink best; NaN without ink. A stroke has little over half of its pen's radius, a ring 0.7 of its.
    """
    return torch.cat([_breadth(part[:, 0].double()) for part in as_images(images).split(1000)])


def _breadth(ink: Tensor) -> Tensor:
    weights = ink / ink.sum((1, 2), keepdim=True)
    place = torch.arange(SIDE, dtype=torch.float64)
    down, across = weights.sum(2), weights.sum(1)
    mean_y, mean_x = down @ place, across @ place
    var_y, var_x = down @ place**2 - mean_y**2, across @ place**2 - mean_x**2
    both = torch.einsum("nyx,y,x->n", weights, place, place) - mean_y * mean_x
    # The smaller eigenvalue of the 2 x 2 covariance of where the ink is.
    middle, spread = (var_y + var_x) / 2, ((var_y - var_x) / 2).hypot(both)
    return (middle - spread).clamp(min=0).sqrt()


def by_quarter(images: Tensor) -> Tensor:
    """Return the mean square in each quarter, see `QUARTERS`, of images or differences, (N, 4)."""
    blocks = images[:, 0].square().unflatten(1, (2, HALF)).unflatten(3, (2, HALF))
    return blocks.mean((2, 4)).flatten(1)


# --- Whose drawings are better, over the recorded runs --------------------------------

Region = Mapping[int, Sequence[int]]  # some digits, and of each some of the four quarters


def wrong_in_region(errors: Tensor, ink: Tensor, region: Region) -> Tensor:
    """Return what share of the ink in a region each one-digit model draws wrong, (10, seeds).

    errors: (10, seeds, 10, 4), the squared error by model, seed, digit and quarter. ink: (10, 4),
    of the real digits. NaN for the models that know a digit of the region: it is no test.
    """
    errors, ink = errors.double(), ink.double()
    places = [(digit, quarter) for digit, quarters in region.items() for quarter in quarters]
    wrong = torch.stack([errors[:, :, digit, quarter] for digit, quarter in places]).sum(0)
    share = wrong / sum(ink[place] for place in places)
    share[list(region)] = torch.nan
    return share


def relative_to_usual(errors: Tensor, ink: Tensor, region: Region) -> Tensor:
    """Return `wrong_in_region` as a multiple of what each model draws wrong elsewhere.

    A model that draws all strangers badly also draws the region badly. Elsewhere: the pictures of
    the digits that are neither in the region nor the model's own. Below 1: better than usual.
    """
    errors, ink, usual = errors.double(), ink.double(), []
    for own in DIGITS:
        others = [digit for digit in DIGITS if digit not in (own, *region)]
        usual.append(errors[own][:, others].sum((1, 2)) / ink[others].sum())
    return wrong_in_region(errors, ink, region) / torch.stack(usual)
