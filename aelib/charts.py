"""Charts of the course: of digits, of training and errors, of detectors, of checkerboards.

As in `plotting`, each draws into the Axes that it is given, or makes some, and returns them. Lines
differ in dashes or markers as well as in colour; where these run out, they begin again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import matplotlib as mpl
import matplotlib.patheffects
import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from aelib import plotting
from aelib.data import DIGITS
from aelib.plotting import DIGIT_COLORS, MEAN_COLOR, MODEL_COLOR, PCA_COLOR, axes_or_new
from aelib.training import History

MARKERS = ("o", "s", "^", "D", "v")
DASHES: tuple[Any, ...] = ("-", "--", "-.", (0, (1, 1)))
PHASE_COLORS = ("#fdb863", "#b3cde3", "#ccebc5", "#decbe4")  # light: black letters stand on them
BAR_COLOR = "#aab4c3"  # of no model and no digit
LOWEST_SCORE = 0.05  # a perfect 0 has no place on a logarithmic axis


def plain_ticks(ax: Axes) -> None:
    """Write the ticks of a logarithmic y axis as plain decimals, e.g. 0.02."""
    ax.yaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
    ax.yaxis.set_minor_formatter(mpl.ticker.NullFormatter())


def bars_per_digit(
    values: Sequence[float] | Tensor,
    ylabel: str,
    reference: tuple[str, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw one bar per digit, and a reference line with a name."""
    ax = axes_or_new(ax, (5, 2.8))
    ax.bar(DIGITS, values, color=BAR_COLOR)
    ax.grid(axis="x", visible=False)
    ax.set(xlabel="digit", ylabel=ylabel, xticks=DIGITS)
    if reference:
        ax.axhline(reference[1], color=MEAN_COLOR, ls="--", lw=1.2, label=reference[0])
        ax.margins(y=0.2)
        ax.legend(loc="upper right")
    return ax


def dots_per_digit(values: Mapping[int, Tensor], xlabel: str, ax: Axes | None = None) -> Axes:
    """Draw one row per digit, and in it a mark for each latent dimension, joined by a line.

    values: latent dimension to (seeds, 10); the mark is the mean, the bar through it the range.
    """
    ax = axes_or_new(ax, (4, 4))
    means = torch.stack([seeds.mean(0) for seeds in values.values()])
    ax.hlines(DIGITS, means.amin(0), means.amax(0), color="#bbbbbb", lw=1, zorder=1)
    looks = cycle(zip("oo^", ("white", None, None), strict=True))
    for (marker, fill), (d, seeds) in zip(looks, values.items(), strict=False):
        ax.hlines(DIGITS, seeds.amin(0), seeds.amax(0), color="black", lw=3, alpha=0.4, zorder=2)
        for digit, color in zip(DIGITS, DIGIT_COLORS, strict=True):
            ax.plot(seeds[:, digit].mean(), digit, marker, c=color, mfc=fill or color, ms=7)
        ax.plot([], [], marker, c="black", mfc=fill or "black", label=f"d = {d}")
    ax.set(xlabel=xlabel, yticks=DIGITS, ylim=(9.6, -0.6), xlim=(0, None))
    ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(5, prune="upper"))  # not into the next panel
    ax.grid(axis="y", visible=False)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, columnspacing=1, handletextpad=0.2)
    return ax


def histograms_per_digit(
    values: Tensor, labels: Tensor, xlabel: str, ax: Axes | None = None, bins: int = 100
) -> Axes:
    """Draw one histogram per digit of values (N,), each in a row of its own height."""
    ax, values = axes_or_new(ax, (7, 4.4)), values.double()
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

    series: name to values (10, seeds), each with a marker of its own. NaN leaves a model out.
    """
    ax = axes_or_new(ax, (7, 3.2))
    looks = zip(cycle(DIGIT_COLORS), cycle(MARKERS), series.items(), strict=False)
    for number, (color, marker, (name, values)) in enumerate(looks):
        place = np.arange(len(DIGITS)) + 0.3 * (number - (len(series) - 1) / 2)
        marks: dict[str, Any] = {"ms": 5, "alpha": 0.7, "label": name, "color": color}
        ax.plot(np.repeat(place, values.shape[1]), values.flatten().numpy(), marker, **marks)
        ax.hlines(values.mean(1).numpy(), place - 0.13, place + 0.13, color="black", lw=1.2)
    ax.grid(axis="x", visible=False)
    ax.set(xlabel="model", ylabel=ylabel, xticks=DIGITS, ylim=(0, None))
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return ax


def scatter_codes(
    codes: Tensor, labels: Tensor, title: str = "", ax: Axes | None = None, bare: bool = False
) -> Axes:
    """Draw codes (N, 2) as points in the colours of their digits, named near their medians.

    The axes hold the middle 98 % of either number, and a little more, so that a few distant
    points do not squeeze the others. bare: for small panels, without ticks, names and legend.
    """
    ax, codes = axes_or_new(ax, (5, 4.6)), codes.float()
    # Mixed order, else the last digit covers the others; fixed, so the picture is too.
    order = torch.randperm(len(codes), generator=torch.Generator().manual_seed(0))
    colors = np.array(DIGIT_COLORS)[labels[order]]
    x, y = codes[order].T.numpy()
    # Hard edges in small panels: a figure of many weighs half as much.
    ax.scatter(x, y, c=colors, s=10 if bare else 3, alpha=0.6, lw=0, antialiased=not bare)
    low, high = torch.quantile(codes, torch.tensor([0.01, 0.99]), dim=0)
    halo = [mpl.patheffects.withStroke(linewidth=3, foreground="white")]
    digits = labels.unique().tolist()
    medians = torch.stack([codes[labels == digit].median(0).values for digit in digits])
    places = low + (high - low) * _apart((medians - low) / (high - low), 0.13 if bare else 0.08)
    for digit, (x, y) in zip(digits, places.tolist(), strict=True):
        ax.text(x, y, str(digit), weight="bold", ha="center", va="center", path_effects=halo)
        ax.plot([], [], "o", color=DIGIT_COLORS[digit], label=str(digit))
    (left, bottom), (right, top) = low - (high - low) / 10, high + (high - low) / 10
    ax.set(title=title, xlim=(float(left), float(right)), ylim=(float(bottom), float(top)))
    if bare:
        ax.set(xticks=[], yticks=[])
    else:
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1), handletextpad=0, borderpad=0)
        ax.set(xlabel="$z_1$", ylabel="$z_2$")
    return ax


def _apart(places: Tensor, least: float) -> Tensor:
    """Push places (N, 2) apart until hardly any two are nearer than `least`."""
    for _ in range(100):
        gaps = places[:, None] - places
        lengths = gaps.norm(dim=2, keepdim=True).clamp(min=1e-6)
        places = places + (gaps / lengths * (least - lengths).clamp(min=0)).sum(1) / 4
    return places


def matrix(
    values: Tensor, title: str = "", labels: tuple[str, str] = ("", ""), ax: Axes | None = None
) -> Axes:
    """Draw a (10, 10) matrix over digits with the numbers written in its cells.

    labels: what the rows and the columns are.
    """
    ax, most = axes_or_new(ax, (5.6, 5)), float(values.max())
    ax.imshow(values.numpy(), cmap="Blues", vmin=0, vmax=most)
    for row in DIGITS:
        for column in DIGITS:
            value = float(values[row, column])
            number = f"{value:.2f}".removeprefix("0")
            color = "white" if value > 0.6 * most else "black"
            ax.text(column, row, number, ha="center", va="center", fontsize=8, color=color)
    ax.grid(False)
    ax.set(title=title, ylabel=labels[0], xlabel=labels[1], xticks=DIGITS, yticks=DIGITS)
    return ax


def small_matrix(values: Tensor, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw a (10, 10) matrix of shares in [0, 1] over digits, without numbers: dark is 1."""
    ax = axes_or_new(ax, (2, 2))
    ax.imshow(values.numpy(), cmap="Blues", vmin=0, vmax=1)
    ax.set(title=title, xticks=DIGITS, yticks=DIGITS)
    ax.tick_params(length=0, labelsize=7)
    ax.grid(False)
    return ax


def losses(histories: Mapping[str, History], ax: Axes | None = None) -> Axes:
    """Draw validation loss (line) and training loss (dashed) against epochs."""
    ax = axes_or_new(ax, (6.5, 3.6))
    looks = zip(cycle(DIGIT_COLORS), cycle(MARKERS), histories.items(), strict=False)
    for color, marker, (name, history) in looks:
        x = range(1, history.epochs + 1)
        style: dict[str, Any] = {"color": color, "marker": marker, "ms": 4}
        ax.plot(x, history.val_loss, label=f"{name}, validation", **style)
        ax.plot(x, history.train_loss, "--", lw=1, mfc="white", label=f"{name}, training", **style)
    ax.set(xlabel="epochs", ylabel="mean squared error", yscale="log")
    plain_ticks(ax)
    ax.legend()
    return ax


def error_by_dim(
    dims: Sequence[int],
    errors: Sequence[Tensor],
    baselines: Mapping[str, tuple[Sequence[int], Sequence[float]]] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw error against latent dimension: mean over seeds, each seed, and baselines.

    errors: the seeds' for each of dims. baselines: name to (dims, errors), of one dim a level.
    """
    ax = axes_or_new(ax, (7, 4))
    looks = cycle(((MEAN_COLOR, ":"), (PCA_COLOR, "--"), (DIGIT_COLORS[2], "-.")))
    for (color, style), (name, (at, values)) in zip(looks, (baselines or {}).items(), strict=False):
        if len(at) == 1:
            ax.axhline(float(values[0]), color=color, ls=style, label=name)
        else:
            ax.plot(at, values, style, color=color, marker="s", ms=3.5, label=name)
    means = [seeds.mean() for seeds in errors]
    ax.plot(dims, means, "-o", color=MODEL_COLOR, label="autoencoder, mean of seeds")
    every = np.repeat(dims, [len(seeds) for seeds in errors])
    ax.plot(every, torch.cat([*errors]), ".", color="black", ms=2.5, zorder=3)
    ax.set(xlabel="latent dimension d", ylabel="mean squared error (test)", yscale="log")
    plain_ticks(ax)
    ax.legend()
    return ax


def redrawn_points(points: Tensor, redrawn: Mapping[str, Tensor]) -> list[Axes]:
    """Draw points (N, 2) of a plane and what is left of them, one panel for each way.

    redrawn: name to (N, 2), the same points redrawn. A thin line joins each point to its
    redrawing; the title names the mean squared error. PCA has its own colour.
    """
    axes = plotting.panels(len(redrawn), (4 * len(redrawn), 3), sharex=True, sharey=True)
    for ax, (name, drawn) in zip(axes, redrawn.items(), strict=True):
        color = PCA_COLOR if name == "PCA" else MODEL_COLOR
        pairs = torch.stack([points, drawn], 1).numpy()
        ax.add_collection(mpl.collections.LineCollection(list(pairs), color="#bbbbbb", lw=0.7))
        ax.plot(*points.T.numpy(), ".", color="#888888", ms=3, label="points")
        ax.plot(*drawn.T.numpy(), "o", color=color, ms=2.5, label="redrawn")
        error = float((points - drawn).square().mean())
        ax.set_title(f"{name}: mean squared error {error:.4f}", loc="left")
        ax.set_aspect("equal")
        ax.legend(loc="upper left", markerscale=2)
    return axes


def roc_curves(curves: Mapping[str, tuple[Tensor, Tensor]], ax: Axes | None = None) -> Axes:
    """Draw ROC curves: strangers caught against false alarms, one line per name.

    One that is named after a digit has its colour. Guessing would follow the diagonal.
    """
    ax = axes_or_new(ax, (5, 4.4))
    of_digits = dict(zip(map(str, DIGITS), DIGIT_COLORS, strict=True))
    looks = zip(cycle(DIGIT_COLORS), cycle(DASHES), curves.items(), strict=False)
    for color, dashes, (name, (false_alarms, caught)) in looks:
        ax.plot(false_alarms, caught, color=of_digits.get(name, color), ls=dashes, label=name)
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
    """
    ax = axes_or_new(ax, (4.4, 2.8))
    scores = scores.clamp(min=1e-9)  # 0 has no place on a logarithmic axis
    low, high = torch.aminmax(scores)
    edges = np.geomspace(low.item(), torch.maximum(high, 1.1 * low).item(), 60).tolist()
    filled: dict[str, Any] = {"label": "normal", "color": DIGIT_COLORS[0], "alpha": 0.6}
    hatched = {"label": "strangers", "edgecolor": DIGIT_COLORS[1], "fill": False, "hatch": "////"}
    for part, look in ((scores[normal], filled), (scores[~normal], hatched | {"lw": 0})):
        ax.hist(part.numpy(), edges, weights=np.full(len(part), 1 / len(part)), **look)
    ax.axvline(limit, color="black", ls="--", lw=1.2, label="threshold")
    ax.set(title=title, xlabel="score", ylabel="share of images", xscale="log")
    # Below the axes, where there are no bars.
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.24), ncols=3, columnspacing=1)
    return ax


def coverage(counts: Tensor, ax: Axes | None = None) -> Axes:
    """Draw how many stamps cover each pixel: of a line, (n,), as bars; of an image in its cells."""
    ax = axes_or_new(ax, (4, 2.6))
    if counts.ndim == 1:
        ax.bar(range(len(counts)), counts.numpy(), width=0.9, color=MODEL_COLOR)
        ax.yaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
        ax.grid(axis="x", visible=False)
        ax.set(xlabel="output pixel", ylabel="stamps", xticks=[])
    else:
        ax.imshow(counts.numpy(), cmap="Blues", vmin=0, vmax=1.6 * float(counts.max()))
        _write_in_cells(ax, [[str(count) for count in row] for row in counts.tolist()])
    return ax


def phases(places: Tensor, title: str = "", ax: Axes | None = None, stamp: int = 0) -> Axes:
    """Draw cells (rows, columns) in the colour and with the letter of their phase, 0 to 3.

    stamp: the side of a square frame, two cells down and to the right; 0 draws none.
    """
    ax = axes_or_new(ax, (2, 2))
    ax.imshow(places.numpy(), cmap=mpl.colors.ListedColormap(PHASE_COLORS), vmin=0, vmax=3)
    _write_in_cells(ax, [["ABCD"[place] for place in row] for row in places.tolist()])
    if stamp:
        ax.add_patch(mpl.patches.Rectangle((0.5, 0.5), stamp, stamp, fill=False, lw=2.5))
    ax.set_title(title)
    return ax


def _write_in_cells(ax: Axes, words: Sequence[Sequence[str]]) -> None:
    for row, line in enumerate(words):
        for column, word in enumerate(line):
            ax.text(column, row, word, ha="center", va="center", fontsize=9)
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    ax.spines[:].set_visible(False)


def score_by_step(
    curves: Mapping[str, tuple[Sequence[int], Tensor]],
    references: Mapping[str, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a score against training steps, both on logarithmic axes; step 0 has a place, too.

    curves: name to (steps, values), values (seeds, len(steps)): the line is the mean, the band
    reaches from the lowest to the highest; what is below 0.05 is drawn there. references: levels.
    """
    ax = axes_or_new(ax, (7, 4))
    looks = zip(cycle(DIGIT_COLORS), cycle(DASHES), cycle(MARKERS), curves.items(), strict=False)
    for color, dashes, marker, (name, (steps, values)) in looks:
        drawn = values.clamp(min=LOWEST_SCORE).numpy()
        inside = mpl.colors.to_rgba(color, 0.12)  # where bands overlap, edges tell whose they are
        band: dict[str, Any] = {"facecolor": inside, "edgecolor": color, "lw": 0.7}
        ax.fill_between(steps, drawn.min(0), drawn.max(0), **band)
        ax.plot(steps, drawn.mean(0), ls=dashes, marker=marker, ms=3.5, color=color, label=name)
    for name, value in (references or {}).items():
        ax.axhline(value, color=MEAN_COLOR, ls="--", lw=1.2, label=name)
    ax.set_xscale("symlog", linthresh=5)  # up to step 5 as on a ruler
    ax.set_xticks([0, 10, 100, 1000], ["0", "10", "100", "1000"])
    first = min(steps[0] for steps, _ in curves.values())
    ax.set(xlim=(0.9 * first - 0.5, None), yscale="log")
    ax.set(xlabel="training steps", ylabel="checkerboard score")
    plain_ticks(ax)
    ax.legend(loc="upper right", handlelength=3.5)
    return ax


def power_map(power: Tensor, title: str = "", ax: Axes | None = None) -> Axes:
    """Show mean power by spatial frequency, (28, 28), on a logarithmic scale of greys.

    Low frequencies lie in the corners, the highest, of period 2, on lines 14; dark is strong.
    """
    ax = axes_or_new(ax, (3.6, 3.4))
    ax.imshow(power.log10().numpy(), cmap="Greys")
    ax.set(title=title, xticks=[0, 14, 27], yticks=[0, 14, 27])
    ax.set(xlabel="waves across (14: the most)", ylabel="waves down")
    ax.grid(False)
    return ax
