"""Checkerboards: where they come from, by counting, and how strong they are, by a score.

Nothing here needs a trained model. Source: notebook 4.
"""

from __future__ import annotations

import torch
from torch import Tensor

from aelib.checks import IMAGE_SIZE, Images, drawings_of, one_of, whole_number


def coverage(size: int, kernel: int, stride: int) -> Tensor:
    """Return how many stamps cover each pixel of a transposed convolution's line, (n,).

    It makes n = (size - 1) * stride + kernel pixels of `size`, as long as no padding cuts some
    of them off. In two dimensions the count is the product of the counts of row and column.
    Raises ValueError for what is no whole number from 1 up, and for a kernel smaller than the
    stride, which leaves pixels that nobody draws.
    Source: Dumoulin and Visin 2016, arXiv:1603.07285.
    """
    size, kernel = whole_number("size", size, 1), whole_number("kernel", kernel, 1)
    stride = whole_number("stride", stride, 1)
    if kernel < stride:
        raise ValueError(
            f"the kernel must be at least as large as the stride, got {kernel} and {stride}: "
            "between the stamps would lie pixels that nobody draws"
        )
    counts = torch.zeros((size - 1) * stride + kernel, dtype=torch.long)
    for start in range(0, stride * size, stride):
        counts[start : start + kernel] += 1
    return counts


# --- The score ------------------------------------------------------------------------


def checkerboard_score(images: Images, period: int = 2) -> float:
    """Return how far a grid of `period` pixels stands out in images (N, 1, S, S).

    The mean power spectrum of the images is read along the lines, in both directions,
    where a pattern that repeats every `period` pixels puts its power, and divided by what
    lies two lines beside them. About 1: nothing stands out. Handwriting, which has little
    power that high, scores 0.5 to 1; below the handwriting's own score the finest details
    are missing. Brightness and contrast cancel out.

    period: 2 for the grid of a last layer with stride 2, 4 for that of the layer before.
    Raises ValueError for another period, for a side S that is not a multiple of it and
    larger than twice it, and for images that are not finite or have no fine detail at all.

    Source: notebook 4; the artefact: Odena et al. 2016, doi:10.23915/distill.00003.
    """
    period = one_of("period", period, (2, 4))
    images = drawings_of(images, any_size=True).detach()
    square = len(images) and images.shape[2] == images.shape[3]
    if not square or images.shape[2] % period or images.shape[2] <= 2 * period:
        raise ValueError(
            f"need square images (N, 1, S, S) with S a multiple of {period} and more than "
            f"{2 * period}, got {tuple(images.shape)}"
        )
    # A part at a time: a spectrum needs many times the memory of its image.
    waves = (torch.fft.fft2(part.double()) for part in images[:, 0].split(1000))
    power = sum(part.abs().square().sum(0) for part in waves)
    grid = len(power) // period
    on = _frequency_lines(len(power), {grid, -grid})
    beside = _frequency_lines(len(power), {sign * grid + by for sign in (1, -1) for by in (-2, 2)})
    reference = power[beside & ~on].mean()
    if not reference > 1e-12 * power.amax():
        raise ValueError(
            "these images have no fine detail at all: there is nothing to compare with"
        )
    return (power[on].mean() / reference).item()


def _frequency_lines(size: int, places: set[int]) -> Tensor:
    chosen = torch.zeros(size, dtype=torch.bool)
    chosen[[place % size for place in places]] = True
    return chosen[:, None] | chosen[None, :]


def by_phase(images: Images, period: int = 2) -> Tensor:
    """Return the mean of the pixels (N, 1, 28, 28) at each phase of a grid, (period, period).

    The pixel in row y and column x has the phase (y mod period, x mod period). A decoder
    that enlarges by two draws the four phases of period 2 with different weights. Given the
    squared errors of its drawings, unequal means show a grid in the error, given the errors
    themselves a grid that is too dark and too light in turns, both in plain units of ink.
    Unlike `checkerboard_score` it misses a pattern whose sign changes from image to image.

    Floats of any finite range are taken. Raises ValueError for what are no images, for a
    period that 28 cannot be divided by, and if there is no image.
    """
    period = whole_number("period", period, 1)
    images = drawings_of(images)
    if IMAGE_SIZE % period or not len(images):
        raise ValueError(
            f"need images, and a period that divides {IMAGE_SIZE}; got {len(images)} and {period}"
        )
    count = IMAGE_SIZE // period
    cells = images[:, 0].double().unflatten(2, (count, period)).unflatten(1, (count, period))
    return cells.mean((0, 1, 3))
