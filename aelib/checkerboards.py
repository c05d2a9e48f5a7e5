"""Checkerboards: where they come from, and how strong they are. Source: notebook 4."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def coverage(size: int, kernel: int, stride: int) -> Tensor:
    """Return how many stamps cover each pixel of a transposed convolution's line, (n,).

    It makes n = (size - 1) * stride + kernel pixels of `size`, unless padding cuts some off. In two
    dimensions the counts of row and column are multiplied (Dumoulin and Visin, arXiv:1603.07285).
    """
    counts = torch.zeros((size - 1) * stride + kernel, dtype=torch.long)
    for start in range(0, stride * size, stride):
        counts[start : start + kernel] += 1
    return counts


def checkerboard_score(images: Tensor, period: int = 2) -> float:
    """Return how far a grid of `period` pixels stands out in images (N, 1, S, S).

    The mean power spectrum of the images is read along the lines, in both directions, where a
    pattern that repeats every `period` pixels puts its power, and divided by what lies two lines
    beside them. About 1: nothing stands out. Handwriting, which has little power that high, scores
    0.5 to 1; below its own score the finest details are missing. Brightness and contrast cancel.

    period: 2 for the grid of a last layer with stride 2, 4 for that of the layer before; ValueError
    if it does not divide S. Images without any fine detail have the score NaN.
    Source: notebook 4; the artefact: Odena et al. 2016, doi:10.23915/distill.00003.
    """
    # A part at a time: a spectrum needs many times the memory of its image.
    waves = (torch.fft.fft2(part.double()) for part in images.detach()[:, 0].split(1000))
    power: Tensor = sum(part.abs().square().sum(0) for part in waves)  # (S, S)
    grid = len(power) // period
    if grid * period != len(power):
        raise ValueError(f"the period must divide {len(power)}, got {period}")
    on = _lines(len(power), {grid, -grid})
    beside = _lines(len(power), {sign * grid + by for sign in (1, -1) for by in (-2, 2)})
    reference = power[beside & ~on].mean()
    return (power[on].mean() / reference).item() if reference > 1e-12 * power.amax() else math.nan


def _lines(size: int, places: set[int]) -> Tensor:
    chosen = torch.zeros(size, dtype=torch.bool)
    chosen[[place % size for place in places]] = True
    return chosen[:, None] | chosen


def by_phase(images: Tensor, period: int = 2) -> Tensor:
    """Return the mean of the pixels (N, 1, S, S) at each phase of a grid, (period, period).

    The pixel in row y and column x has the phase (y mod period, x mod period). A decoder that
    enlarges by two draws the four phases of period 2 with different weights. Given the squared
    errors of its drawings, unequal means show a grid in the error; given the errors themselves, a
    grid that is too dark and too light in turns. Both are in plain units of ink. Unlike
    `checkerboard_score` it misses a pattern whose sign changes from image to image.
    """
    cells = images[:, 0].double().unflatten(2, (-1, period)).unflatten(1, (-1, period))
    return cells.mean((0, 1, 3))
