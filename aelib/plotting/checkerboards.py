"""Where checkerboards come from and go to: stamps, the score, the spectrum.

The measures themselves are in `aelib.checkerboards`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from aelib.checks import IMAGE_SIZE, as_tensor, numbers_of, real_number
from aelib.plotting.style import (
    DASHES,
    DIGIT_COLORS,
    MARKERS,
    MEAN_COLOR,
    MODEL_COLOR,
    axes_or_new,
    check_looks,
    plain_ticks,
)

LOWEST_SCORE = 0.05  # a perfect 0 has no place on a logarithmic axis


def coverage(counts: Tensor, ax: Axes | None = None) -> Axes:
    """Draw how many stamps cover each pixel: of a line, (n,), as bars; of an image as an image.

    Raises ValueError for counts of another shape, or below 0.
    """
    counts = as_tensor("counts", counts)
    counts = numbers_of("counts", counts, *("rows", "columns")[: max(counts.ndim, 1)], low=0)
    ax = axes_or_new(ax, (4, 2.6))
    if counts.ndim == 1:
        ax.bar(range(len(counts)), counts.numpy(), width=0.9, color=MODEL_COLOR)
        ax.yaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
        ax.grid(axis="x", visible=False)
        ax.set(xlabel="output pixel", ylabel="stamps", xticks=[])
    else:
        ax.imshow(counts.numpy(), vmin=0, interpolation="nearest")
        ax.set(xticks=[], yticks=[])
        ax.grid(False)
    return ax


def score_by_step(
    curves: Mapping[str, tuple[Sequence[int], Tensor]],
    references: Mapping[str, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a score against training steps, both on logarithmic axes; step 0 stands at 1.

    curves: name to (steps, values), values (seeds, len(steps)): the line is the mean of the
    seeds, the band reaches from the lowest to the highest. Lines differ in dashes and markers
    as well as in colour. references: horizontal lines. Scores below 0.05 are drawn at 0.05.
    Raises ValueError for values of another shape, for what is below 0 or no number, and for more
    curves than there are colours.
    """
    check_looks("colours", len(DIGIT_COLORS), "curves", len(curves))
    curves = {
        name: (
            numbers_of(f"steps of {name}", steps, "steps", low=0).tolist(),
            numbers_of(name, values, "seeds", len(steps), low=0),
        )
        for name, (steps, values) in curves.items()
    }
    lines = {name: real_number(name, value) for name, value in (references or {}).items()}
    ax = axes_or_new(ax, (7, 4))
    looks = zip(DIGIT_COLORS, cycle(DASHES), cycle(MARKERS), strict=False)
    for (color, dashes, marker), (name, (steps, values)) in zip(
        looks, curves.items(), strict=False
    ):
        at, drawn = np.maximum(np.asarray(steps), 1), values.clamp(min=LOWEST_SCORE).numpy()
        ax.fill_between(at, drawn.min(0), drawn.max(0), color=color, alpha=0.15, lw=0)
        ax.plot(at, drawn.mean(0), ls=dashes, marker=marker, ms=3.5, color=color, label=name)
    for name, value in lines.items():
        ax.axhline(value, color=MEAN_COLOR, ls="--", lw=1.2, label=name)
    ax.set(xscale="log", yscale="log", xlabel="training steps", ylabel="checkerboard score")
    plain_ticks(ax)
    ax.legend(loc="upper right", handlelength=3.5)
    return ax


def power_map(power: Tensor, title: str = "", ax: Axes | None = None) -> Axes:
    """Show mean power by spatial frequency, (28, 28), on a logarithmic scale of greys.

    Low frequencies lie in the corners, the highest, of period 2, on lines 14; dark is strong.
    Raises ValueError for another shape, and for power below 0.
    """
    power = numbers_of("power", power, IMAGE_SIZE, IMAGE_SIZE, low=0)
    ax = axes_or_new(ax, (3.6, 3.4))
    ax.imshow(power.log10().numpy(), cmap="Greys")
    ax.set(title=title, xticks=[0, 14, 27], yticks=[0, 14, 27])
    ax.set(xlabel="waves across (14: the most)", ylabel="waves down")
    ax.grid(False)
    return ax
