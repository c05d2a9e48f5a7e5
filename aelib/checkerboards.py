"""Checkerboards: where they come from, by counting, and how strong they are, by a score.

Nothing here needs a trained model. Source: notebook 4.
"""

from __future__ import annotations

import torch
from torch import Tensor


def coverage(size: int, kernel: int, stride: int) -> Tensor:
    """Return how many stamps cover each pixel of a transposed convolution's line, (n,).

    It makes n = (size - 1) * stride + kernel pixels of `size`, as long as no padding cuts some
    of them off. In two dimensions the count is the product of the counts of row and column.
    Source: Dumoulin and Visin 2016, arXiv:1603.07285.
    """
    counts = torch.zeros((size - 1) * stride + kernel, dtype=torch.long)
    for start in range(0, stride * size, stride):
        counts[start : start + kernel] += 1
    return counts


def checkerboard_score(images: Tensor, period: int = 2) -> float:
    """Return how far a grid of `period` pixels stands out in images (N, 1, S, S).

    The mean power spectrum of the images is read along the lines, in both directions,
    where a pattern that repeats every `period` pixels puts its power, and divided by what
    lies two lines beside them. About 1: nothing stands out. Handwriting, which has little
    power that high, scores 0.5 to 1; below the handwriting's own score the finest details
    are missing. Brightness and contrast cancel out.

    period: 2 for the grid of a last layer with stride 2, 4 for that of the layer before.
    Raises ValueError for images that are flat or NaN, and for a side that is no multiple of it.
    Source: notebook 4; the artefact: Odena et al. 2016, doi:10.23915/distill.00003.
    """
    # A part at a time: a spectrum needs many times the memory of its image.
    waves = (torch.fft.fft2(part.double()) for part in images.detach()[:, 0].split(1000))
    power = torch.stack([part.abs().square().sum(0) for part in waves]).sum(0)  # (S, S)
    grid, rest = divmod(len(power), period)
    on = _frequency_lines(len(power), {grid, -grid})
    beside = _frequency_lines(len(power), {sign * grid + by for sign in (1, -1) for by in (-2, 2)})
    reference = power[beside & ~on].mean()
    if rest or not reference > 1e-12 * power.amax():
        raise ValueError(
            f"no score of {tuple(images.shape)} for a period of {period}: the images have no fine "
            "detail at all or hold NaN, or their side is no multiple of the period"
        )
    return (power[on].mean() / reference).item()


def _frequency_lines(size: int, places: set[int]) -> Tensor:
    chosen = torch.zeros(size, dtype=torch.bool)
    chosen[[place % size for place in places]] = True
    return chosen[:, None] | chosen[None, :]


def by_phase(images: Tensor, period: int = 2) -> Tensor:
    """Return the mean of the pixels (N, 1, S, S) at each phase of a grid, (period, period).

    The pixel in row y and column x has the phase (y mod period, x mod period). A decoder
    that enlarges by two draws the four phases of period 2 with different weights. Given the
    squared errors of its drawings, unequal means show a grid in the error, given the errors
    themselves a grid that is too dark and too light in turns, both in plain units of ink.
    Unlike `checkerboard_score` it misses a pattern whose sign changes from image to image.
    """
    cells = images[:, 0].double().unflatten(2, (-1, period)).unflatten(1, (-1, period))
    return cells.mean((0, 1, 3))
