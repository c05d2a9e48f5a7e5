"""Detectors: ROC curves, and how scores are spread on the two sides of a threshold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from aelib.checks import DIGITS, finite, numbers_of, real_number
from aelib.detection import both_kinds
from aelib.plotting.style import DASHES, DIGIT_COLORS, MEAN_COLOR, axes_or_new, check_looks


def roc_curves(curves: Mapping[str, tuple[Tensor, Tensor]], ax: Axes | None = None) -> Axes:
    """Draw ROC curves: strangers caught against false alarms, one line per name.

    A curve that is named after a digit has that digit's colour. Neighbours differ in their
    dashes as well. Guessing would follow the diagonal. Raises ValueError for more than ten, and
    for what are no shares from 0 to 1.
    """
    check_looks("colours", len(DIGIT_COLORS), "curves", len(curves))
    checked = {}
    for name, (false_alarms, caught) in curves.items():
        across = numbers_of(f"false alarms of {name}", false_alarms, "N", low=0, high=1)
        up = numbers_of(f"caught by {name}", caught, len(across), low=0, high=1)
        checked[name] = (across, up)
    ax = axes_or_new(ax, (5, 4.4))
    digits = [str(digit) for digit in DIGITS]
    for number, (name, (false_alarms, caught)) in enumerate(checked.items()):
        color = DIGIT_COLORS[digits.index(name) if name in digits else number]
        dashes = DASHES[number % len(DASHES)]
        ax.plot(false_alarms.numpy(), caught.numpy(), color=color, ls=dashes, label=name)
    ax.plot([0, 1], [0, 1], ":", color=MEAN_COLOR, lw=1)
    ax.set(xlabel="false alarms", ylabel="strangers caught", xlim=(-0.01, 1), ylim=(0, 1.01))
    ax.legend(loc="lower right", ncols=1 + len(curves) // 6, handlelength=3.5)
    return ax


def score_histogram(
    scores: Tensor, normal: Tensor, limit: float, title: str = "", ax: Axes | None = None
) -> Axes:
    """Draw how the scores (N,) of normal images and of strangers are spread, and a threshold.

    normal: (N,), bool. The heights are shares of each group; scores are on a logarithmic
    axis, since strangers often score a hundred times what is normal. Strangers are hatched.
    Raises ValueError as `detection.auroc` does, and for scores below 0.
    """
    scores, normal = both_kinds(scores, normal)
    finite("scores", scores, low=0)
    limit = real_number("limit", limit, -math.inf, math.inf)
    ax = axes_or_new(ax, (4.4, 2.8))
    scores = scores.clamp(min=1e-9)  # 0 has no place on a logarithmic axis
    low, high = torch.aminmax(scores)
    high = torch.maximum(high, 1.1 * low)
    edges = np.geomspace(low.item(), high.item(), 60).tolist()
    filled: dict[str, Any] = {"color": DIGIT_COLORS[0], "alpha": 0.6}
    hatched: dict[str, Any] = {
        "edgecolor": DIGIT_COLORS[1],
        "fill": False,
        "hatch": "////",
        "lw": 0,
    }
    groups = (("normal", scores[normal], filled), ("strangers", scores[~normal], hatched))
    for name, part, look in groups:
        weights = np.full(len(part), 1 / len(part))
        ax.hist(part.numpy(), edges, weights=weights, label=name, **look)
    ax.axvline(limit, color="black", ls="--", lw=1.2, label="threshold")
    ax.set(title=title, xlabel="score", ylabel="share of images", xscale="log")
    # Below the axes, where there are no bars.
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.24), ncols=3, columnspacing=1)
    return ax
