"""What strokes a picture is made of: closed loops, straightness, error by quarter.

These measures are simple on purpose. Notebook 3 first tries them on real digits, whose
answers everybody knows, and only then uses them on what a model has drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from aelib.checks import (
    DIGITS,
    IMAGE_SIZE,
    Images,
    drawings_of,
    floats_of,
    numbers_of,
    real_number,
    whole_number,
)

INK = 0.5  # from here up a pixel counts as ink
INKS = (0.25, 0.375, 0.5)  # a drawing is fainter than what it draws: what if less is ink?
SMALLEST_LOOP = 3  # pixels of paper that make a hole
HALF = IMAGE_SIZE // 2
QUARTERS = ("top left", "top right", "bottom left", "bottom right")


def has_loop(images: Images, ink: float = INK) -> Tensor:
    """Return whether ink encloses paper in each image (N, 1, 28, 28), shape (N,), bool.

    Pixels of `ink` and more are ink; a hole is at least three connected pixels of paper
    that no path through paper connects with the border. Raises ValueError for what are no
    images, see `checks`, and unless ink lies above 0 and up to 1.
    """
    ink = real_number("ink", ink, 0, 1, open_low=True)
    holes = [_encloses_paper(image) for image in (floats_of(images)[:, 0] >= ink).numpy()]
    return torch.tensor(holes, dtype=torch.bool)


def _encloses_paper(ink: np.ndarray) -> bool:
    from scipy import ndimage  # imported here: few need it

    # A frame of paper around the picture joins everything that touches the border.
    regions, count = ndimage.label(~np.pad(ink, 1))
    sizes = np.bincount(regions.ravel(), minlength=count + 1)
    sizes[[0, regions[0, 0]]] = 0  # the ink, and the paper outside
    return bool((sizes >= SMALLEST_LOOP).any())


def breadth(images: Images) -> Tensor:
    """Return how far the ink lies from its own main axis, in pixels, shape (N,).

    The root mean square distance, weighted by ink, from the straight line that fits the
    ink of an image (N, 1, 28, 28) best. A straight stroke has little more than half of its
    pen's radius, a ring has 0.7 of its radius. Raises ValueError for an image without ink, and
    for what are no images, see `checks`.
    """
    ink = floats_of(images)[:, 0]
    empty = int((ink.sum((1, 2)) <= 0).sum())
    if empty:
        raise ValueError(f"{empty} of {len(ink)} images hold no ink")
    return torch.cat([_breadth(part.double()) for part in ink.split(1000)])


def _breadth(ink: Tensor) -> Tensor:
    weights = ink / ink.sum((1, 2), keepdim=True)
    place = torch.arange(IMAGE_SIZE, dtype=torch.float64)
    down, across = weights.sum(2), weights.sum(1)
    mean_y, mean_x = down @ place, across @ place
    var_y = down @ place**2 - mean_y**2
    var_x = across @ place**2 - mean_x**2
    both = torch.einsum("nyx,y,x->n", weights, place, place) - mean_y * mean_x
    # The smaller eigenvalue of the 2 x 2 covariance of where the ink is.
    middle, spread = (var_y + var_x) / 2, ((var_y - var_x) / 2).hypot(both)
    return (middle - spread).clamp(min=0).sqrt()


def by_quarter(images: Images) -> Tensor:
    """Return the mean of the squared values in each quarter of images, shape (N, 4).

    The quarters of 14 x 14 pixels are in the order of `QUARTERS`. Floats of any finite range
    are taken, e.g. differences. Raises ValueError for what are no images, see `checks`.
    """
    blocks = drawings_of(images)[:, 0].square().unflatten(1, (2, HALF)).unflatten(3, (2, HALF))
    return blocks.mean((2, 4)).flatten(1)


# --- Whose drawings are better, over the recorded runs --------------------------------

Region = Mapping[int, Sequence[int]]  # some digits, and of each some of the four quarters


def wrong_in_region(errors: Tensor, ink: Tensor, region: Region) -> Tensor:
    """Return what share of the ink in a region each one-digit model draws wrong.

    errors: (10, seeds, 10, 4), the squared error by model, seed, digit and quarter; ink:
    (10, 4), the squared ink of the real digits there. Returns (10, seeds); NaN for the
    models that know a digit of the region, for whom it is no test.
    Raises ValueError for other shapes, for numbers that are negative, NaN or infinite, for a region
    without a quarter or without ink, with a quarter that does not exist or is there twice, and
    for one with all ten digits, that leaves no model.
    """
    errors, ink, places = *_errors_and_ink(errors, ink), _places(region)
    if not float(sum(ink[place] for place in places)) > 0:
        raise ValueError(f"there is no ink in the region {dict(region)}")
    wrong = torch.stack([errors[:, :, digit, quarter] for digit, quarter in places]).sum(0)
    share = wrong / sum(ink[place] for place in places)
    share[[digit for digit, _ in places]] = torch.nan
    return share


def relative_to_usual(errors: Tensor, ink: Tensor, region: Region) -> Tensor:
    """Return `wrong_in_region` as a multiple of what each model draws wrong elsewhere.

    A model that draws all strangers badly also draws the region badly. Elsewhere means the
    whole pictures of the digits that are neither in the region nor the model's own. Below 1:
    better there than it usually is. Shapes and errors as for `wrong_in_region`; ValueError also
    for a region with nine digits, that leaves a model no strangers elsewhere, and where there is no
    ink or nothing drawn wrong elsewhere.
    """
    errors, ink = _errors_and_ink(errors, ink)
    there = {digit for digit, _ in _places(region, most=len(DIGITS) - 2)}
    usual = []
    for own in DIGITS:
        others = [digit for digit in DIGITS if digit not in (own, *there)]
        usual.append(errors[own][:, others].sum((1, 2)) / ink[others].sum())
    level = torch.stack(usual)
    if not bool((level.isfinite() & (level > 0)).all()):
        raise ValueError("outside the region there is no ink, or a model draws nothing wrong there")
    return wrong_in_region(errors, ink, region) / level


def _errors_and_ink(errors: Tensor, ink: Tensor) -> tuple[Tensor, Tensor]:
    count, parts = len(DIGITS), len(QUARTERS)
    return (
        numbers_of("errors", errors, count, "seeds", count, parts, low=0),
        numbers_of("ink", ink, count, parts, low=0),
    )


def _places(region: Region, most: int = len(DIGITS) - 1) -> list[tuple[int, int]]:
    if not isinstance(region, Mapping) or any(not hasattr(q, "__iter__") for q in region.values()):
        raise ValueError(
            f"a region must map digits to quarters, e.g. {{2: (0, 1)}}, got {region!r}"
        )
    places = [
        (whole_number("digit", digit, 0, 9), whole_number("quarter", quarter, 0, 3))
        for digit, quarters in region.items()
        for quarter in quarters
    ]
    if not places:
        raise ValueError("a region needs at least one quarter of one digit")
    if len(set(places)) < len(places):
        raise ValueError(f"a region must name each quarter once, got {dict(region)}")
    count = len({digit for digit, _ in places})
    if count > most:
        raise ValueError(f"a region may have up to {most} digits here, got {count}")
    return places
