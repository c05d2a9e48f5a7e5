"""Figures about detectors: ROC curves, how scores are spread, what is reported.

Like `plotting`: each draws into the Axes it is given, or makes one, and returns it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from aelib.data import DIGITS
from aelib.detection import both_kinds
from aelib.plotting import DIGIT_COLORS, MEAN_COLOR, axes_or_new, bars_per_digit


def roc_curves(curves: Mapping[str, tuple[Tensor, Tensor]], ax: Axes | None = None) -> Axes:
    """Draw ROC curves: strangers caught against false alarms, one line per name.

    With ten curves each has the colour of its digit. Guessing would follow the diagonal.
    Raises ValueError for more than ten.
    """
    if len(curves) > len(DIGIT_COLORS):
        raise ValueError(f"there are colours for {len(DIGIT_COLORS)} curves, got {len(curves)}")
    ax = axes_or_new(ax, (5, 4.4))
    for color, (name, (false_alarms, caught)) in zip(DIGIT_COLORS, curves.items(), strict=False):
        ax.plot(false_alarms, caught, color=color, label=name, lw=1.5)
    ax.plot([0, 1], [0, 1], ":", color=MEAN_COLOR, lw=1)
    ax.set(xlabel="false alarms", ylabel="strangers caught", xlim=(-0.01, 1), ylim=(0, 1.01))
    ax.legend(loc="lower right", ncols=2)
    return ax


def score_histogram(
    scores: Tensor, normal: Tensor, limit: float, title: str = "", ax: Axes | None = None
) -> Axes:
    """Draw how the scores (N,) of normal images and of strangers are spread, and a threshold.

    normal: (N,), bool. The heights are shares of each group; scores are on a logarithmic
    axis, since strangers often score a hundred times what is normal.
    """
    ax = axes_or_new(ax, (4.4, 2.8))
    both_kinds(scores, normal)
    scores = scores.clamp(min=1e-9)  # 0 has no place on a logarithmic axis
    low, high = torch.aminmax(scores)
    high = torch.maximum(high, 1.1 * low)
    edges = np.geomspace(low.item(), high.item(), 60)
    for name, color, part in (
        ("normal", DIGIT_COLORS[0], scores[normal]),
        ("strangers", DIGIT_COLORS[1], scores[~normal]),
    ):
        weights = np.full(len(part), 1 / len(part))
        ax.hist(part.numpy(), edges, weights=weights, color=color, alpha=0.6, label=name)
    ax.axvline(limit, color="black", ls="--", lw=1.2, label="threshold")
    ax.set(title=title, xlabel="score", ylabel="share of images", xscale="log")
    ax.legend()
    return ax


def alarms_per_digit(shares: Tensor, normal: int, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw which share of each digit's images (10,) a detector reports.

    The bar of its own digit is hatched: there every report is a false alarm.
    Raises ValueError if `normal` is no digit.
    """
    if normal not in DIGITS:
        raise ValueError(f"normal must be a digit of 0 to 9, got {normal}")
    ax = bars_per_digit(shares, "share reported", ax=axes_or_new(ax, (5, 2.6)))
    ax.containers[-1][normal].set(hatch="////", fill=False, edgecolor=DIGIT_COLORS[normal])
    ax.set(ylim=(0, 1), title=title)
    return ax
