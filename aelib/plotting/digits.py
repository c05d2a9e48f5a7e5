"""What differs from digit to digit: a colour, a row or a column for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.patheffects
import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from aelib.checks import DIGITS, codes_of, finite, labels_of, numbers_of, real_number, whole_number
from aelib.plotting.style import DIGIT_COLORS, MARKERS, MEAN_COLOR, axes_or_new, check_looks


def bars_per_digit(
    values: Sequence[float] | Tensor,
    ylabel: str,
    reference: tuple[str, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw one bar per digit, in the digits' colours, and a reference line with a name.

    Raises ValueError unless the values are ten numbers, and the reference is another.
    """
    values = numbers_of("values", values, len(DIGITS))
    height = real_number("the reference", reference[1]) if reference else 0.0
    ax = axes_or_new(ax, (5, 2.8))
    ax.bar(DIGITS, np.asarray(values), color=DIGIT_COLORS)
    ax.set_xticks(DIGITS)
    ax.grid(axis="x", visible=False)
    ax.set(xlabel="digit", ylabel=ylabel)
    if reference:
        ax.axhline(height, color=MEAN_COLOR, ls="--", lw=1.2, label=reference[0])
        ax.margins(y=0.2)
        ax.legend(loc="upper right")
    return ax


def dots_per_digit(values: Mapping[int, Tensor], xlabel: str, ax: Axes | None = None) -> Axes:
    """Draw one row per digit, and in it a mark for each latent dimension, joined by a line.

    values: latent dimension to (seeds, 10), 0 or more; the mark is the mean, the bar through it
    the range. Raises ValueError for others, and unless there are one to three dimensions.
    """
    looks = tuple(zip("oo^", ("white", None, None), strict=True))
    check_looks("marks", len(looks), "dimensions", len(values))
    if not values:
        raise ValueError("there are no values to draw")
    values = {
        d: numbers_of(f"d = {d}", each, "seeds", len(DIGITS), low=0) for d, each in values.items()
    }
    ax = axes_or_new(ax, (4, 4))
    means = torch.stack([seeds.mean(0) for seeds in values.values()])
    ax.hlines(DIGITS, means.amin(0), means.amax(0), color="#bbbbbb", lw=1, zorder=1)
    for (marker, fill), (d, seeds) in zip(looks, values.items(), strict=False):
        ax.hlines(DIGITS, seeds.amin(0), seeds.amax(0), color="black", lw=3, alpha=0.4, zorder=2)
        for digit in DIGITS:
            color = DIGIT_COLORS[digit]
            ax.plot(seeds[:, digit].mean(), digit, marker, c=color, mfc=fill or color, ms=7)
        ax.plot([], [], marker, c="black", mfc=fill or "black", label=f"d = {d}")
    ax.set(xlabel=xlabel, yticks=DIGITS, ylim=(9.6, -0.6), xlim=(0, None))
    ax.grid(axis="y", visible=False)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, columnspacing=1, handletextpad=0.2)
    return ax


def histograms_per_digit(
    values: Tensor, labels: Tensor, xlabel: str, ax: Axes | None = None, bins: int = 100
) -> Axes:
    """Draw one histogram per digit of values (N,), each in a row of its own height.

    Raises ValueError for no values, labels of another number, and for fewer bins than one.
    """
    bins = whole_number("bins", bins, 1)
    labels = labels_of(labels)
    values = finite("values", values, len(labels)).double()
    if not len(values):
        raise ValueError("there are no values to draw")
    ax = axes_or_new(ax, (7, 4.4))
    span = (float(values.min()), float(values.max()))
    for digit in DIGITS:
        heights, edges = np.histogram(values[labels == digit].numpy(), bins, span)
        top = 0.9 * heights / max(heights.max(), 1) - digit
        ax.stairs(top, edges, baseline=-digit, fill=True, color=DIGIT_COLORS[digit])
    ax.set(xlabel=xlabel, ylabel="digit", xlim=span)
    ax.set_yticks([-digit for digit in DIGITS], [str(digit) for digit in DIGITS])
    ax.grid(False)
    return ax


def seeds_per_model(series: Mapping[str, Tensor], ylabel: str, ax: Axes | None = None) -> Axes:
    """Draw what was measured of the ten one-digit models: a mark per seed, a line at the mean.

    series: name to values (10, seeds), 0 or more, each with a marker of its own. NaN leaves a model
    out. Raises ValueError for other values, and for more series than there are markers.
    """
    check_looks("markers", len(MARKERS), "series", len(series))
    series = {
        name: numbers_of(name, values, len(DIGITS), "seeds", nan=True, low=0)
        for name, values in series.items()
    }
    ax = axes_or_new(ax, (7, 3.2))
    for number, (name, values) in enumerate(series.items()):
        place = np.arange(len(DIGITS)) + 0.3 * (number - (len(series) - 1) / 2)
        marks: dict[str, Any] = {"ms": 5, "alpha": 0.7, "label": name}
        marks["color"] = DIGIT_COLORS[number]
        ax.plot(
            np.repeat(place, values.shape[1]), values.flatten().numpy(), MARKERS[number], **marks
        )
        ax.hlines(values.mean(1).numpy(), place - 0.13, place + 0.13, color="black", lw=1.2)
    ax.set_xticks(DIGITS)
    ax.grid(axis="x", visible=False)
    ax.set(xlabel="model", ylabel=ylabel, ylim=(0, None))
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return ax


def scatter_codes(
    codes: Tensor, labels: Tensor, title: str = "", ax: Axes | None = None, bare: bool = False
) -> Axes:
    """Draw codes (N, 2) as points in the colours of their digits, named at their medians.

    The axes hold the middle 98 % of either number, and a little more, so that a few distant
    points do not squeeze the others. bare: for small panels, without ticks, names and legend.
    Raises ValueError for codes of another shape or none, numbers that are NaN or infinite, and
    labels of another number.
    """
    codes, labels = codes_of(codes, 2), labels_of(labels)
    if len(codes) != len(labels):
        raise ValueError(f"there are {len(codes)} codes but {len(labels)} labels")
    if not len(codes):
        raise ValueError("there are no codes to draw")
    ax = axes_or_new(ax, (5, 4.6))
    # Mixed order, else the last digit covers the others; fixed, so the picture is too.
    order = torch.randperm(len(codes), generator=torch.Generator().manual_seed(0))
    colors = np.array(DIGIT_COLORS)[labels[order]]
    x, y = codes[order].T.numpy()
    ax.scatter(x, y, c=colors, s=10 if bare else 3, alpha=0.6, lw=0)
    halo = [mpl.patheffects.withStroke(linewidth=3, foreground="white")]
    for digit in labels.unique().tolist():
        x, y = codes[labels == digit].median(0).values.tolist()
        ax.text(x, y, str(digit), weight="bold", ha="center", va="center", path_effects=halo)
        ax.plot([], [], "o", color=DIGIT_COLORS[digit], label=str(digit))
    low, high = torch.quantile(codes.float(), torch.tensor([0.01, 0.99]), dim=0)
    (left, bottom), (right, top) = low - (high - low) / 10, high + (high - low) / 10
    ax.set(title=title, xlim=(float(left), float(right)), ylim=(float(bottom), float(top)))
    if bare:
        ax.set(xticks=[], yticks=[])
    else:
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1), handletextpad=0, borderpad=0)
        ax.set(xlabel="$z_1$", ylabel="$z_2$")
    return ax


def matrix(
    values: Tensor, title: str = "", labels: tuple[str, str] = ("", ""), ax: Axes | None = None
) -> Axes:
    """Draw a (10, 10) matrix over digits with the numbers written in its cells.

    labels: what the rows and the columns are.
    """
    values = numbers_of("values", values, len(DIGITS), len(DIGITS))
    ax = axes_or_new(ax, (5.6, 5))
    ax.imshow(np.asarray(values), cmap="Blues", vmin=0, vmax=float(values.max()))
    for row in DIGITS:
        for column in DIGITS:
            value = float(values[row, column])
            number = f"{value:.2f}"
            ax.text(
                column,
                row,
                number[1:] if number.startswith("0.") else number,
                ha="center",
                va="center",
                fontsize=8,
                color="white" if value > 0.6 * float(values.max()) else "black",
            )
    ax.set_xticks(DIGITS)
    ax.set_yticks(DIGITS)
    ax.grid(False)
    ax.set(title=title, ylabel=labels[0], xlabel=labels[1])
    return ax


def small_matrix(values: Tensor, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw a (10, 10) matrix of shares in [0, 1] over digits, without numbers: dark is 1.

    Raises ValueError for another shape, and for what are no such shares.
    """
    values = numbers_of("values", values, len(DIGITS), len(DIGITS), low=0, high=1)
    ax = axes_or_new(ax, (2, 2))
    ax.imshow(np.asarray(values), cmap="Blues", vmin=0, vmax=1)
    ax.set_xticks(DIGITS)
    ax.set_yticks(DIGITS)
    ax.tick_params(length=0, labelsize=7)
    ax.grid(False)
    ax.set_title(title)
    return ax
