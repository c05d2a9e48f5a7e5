"""One look for all figures of the course.

Every function draws into the Axes it is given, or makes one, and returns it. Digits are
upright, dark ink on light paper; a digit has the same colour everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from aelib.data import DIGITS
from aelib.training import History

STYLE = {
    "figure.dpi": 100,
    "savefig.dpi": 100,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "font.size": 10,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "image.cmap": "gray_r",
}
# Ten colours that stay apart under the common colour blindnesses, one per digit.
DIGIT_COLORS = tuple(mpl.colors.to_hex(c) for c in mpl.color_sequences["petroff10"])
# Errors have a sign: blue is missing ink, red is invented ink, white is right.
ERROR_COLORS = mpl.colors.LinearSegmentedColormap.from_list(
    "error",
    ("#08519c", "white", "#b2182b"),
    N=257,  # odd, so that the middle is exactly white
)
MODEL_COLOR, PCA_COLOR, MEAN_COLOR = DIGIT_COLORS[0], DIGIT_COLORS[1], "#555555"
LOWEST_SCORE = 0.05  # a perfect 0 has no place on a logarithmic axis
CELL = 0.62  # inches that one 28 x 28 picture takes in a plate


def use_style() -> None:
    """Give every figure that follows the look of the course."""
    mpl.rcParams.update(STYLE)
    mpl.rcParams["axes.prop_cycle"] = mpl.cycler(color=DIGIT_COLORS)


def axes_or_new(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return `ax`, or the Axes of a new figure of `size` inches if it is None."""
    return ax if ax is not None else plt.subplots(figsize=size, layout="constrained")[1]


def panels(count: int, size: tuple[float, float] = (10, 3.4), **options: Any) -> list[Axes]:
    """Return `count` Axes side by side in one figure of `size` inches."""
    figure = plt.figure(figsize=size, layout="constrained")
    return list(figure.subplots(1, count, squeeze=False, **options)[0])


# --- Pictures -------------------------------------------------------------------------


def montage(rows: Sequence[Tensor], gap: int = 2) -> np.ndarray:
    """Return rows of images as one array in [0, 1], 1 is ink, with paper between them.

    rows: each (N, 1, 28, 28), all of the same N. Values outside [0, 1] are clipped.
    Raises ValueError if the rows differ in length.
    """
    if len({len(row) for row in rows}) != 1:
        raise ValueError(f"all rows need the same length, got {[len(row) for row in rows]}")
    padded = torch.nn.functional.pad(
        torch.stack([row[:, 0].float() for row in rows]), (0, gap, 0, gap)
    )
    height, width = padded.shape[-2:]
    joined = padded.permute(0, 2, 1, 3).reshape(len(rows) * height, -1)
    assert joined.shape[1] == len(rows[0]) * width
    return joined[: -gap or None, : -gap or None].clamp(0, 1).numpy()


def plate(
    rows: Mapping[str, Tensor] | Sequence[Tensor],
    columns: Sequence[str] = (),
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Show rows of images, e.g. originals above their reconstructions.

    rows: images (N, 1, 28, 28) in [0, 1], as a mapping from row labels or a sequence.
    columns: labels above the columns.
    """
    labels = list(rows) if isinstance(rows, Mapping) else [""] * len(rows)
    images = list(rows.values()) if isinstance(rows, Mapping) else list(rows)
    across, down, gap = len(images[0]), len(images), 2
    ax = axes_or_new(ax, (CELL * across + 0.3 + 0.075 * max(map(len, labels)), CELL * down + 0.4))
    ax.imshow(montage(images, gap), vmin=0, vmax=1, interpolation="nearest")
    centres = np.arange(max(across, down)) * (28 + gap) + 13.5
    ax.set_yticks(centres[:down] if any(labels) else [], labels if any(labels) else [])
    ax.set_xticks(centres[:across] if columns else [], columns)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.grid(False)
    ax.spines[:].set_visible(False)
    ax.set_title(title)
    return ax


def signed_plate(
    images: Tensor, columns: Sequence[str] = (), title: str = "", ax: Axes | None = None
) -> Axes:
    """Show one row of pictures whose values have a sign, (N, 1, 28, 28): blue - to red +."""
    scale = images.abs().flatten(1).amax(1).clamp_min(1e-12)[:, None, None, None]
    ax = plate([images], columns, title, ax)
    ax.images[0].set_data(_signed_montage([images / scale]))
    ax.images[0].set(cmap="RdBu_r", clim=(-1, 1))
    return ax


def error_plate(
    rows: Mapping[str, Tensor], columns: Sequence[str] = (), title: str = "", ax: Axes | None = None
) -> Axes:
    """Show rows of differences, drawing minus original, (N, 1, 28, 28) in [-1, 1].

    Red is ink that was invented, blue is ink that is missing, white is right.
    """
    ax = plate(rows, columns, title, ax)
    ax.images[0].set_data(_signed_montage(list(rows.values())))
    ax.images[0].set(cmap=ERROR_COLORS, clim=(-1, 1))
    return ax


def mark_cells(ax: Axes, cells: Tensor, color: str = DIGIT_COLORS[1]) -> Axes:
    """Draw a frame around the pictures of a plate where `cells` (rows, columns) is true."""
    for row, column in torch.nonzero(cells).tolist():
        corner = (30 * column - 1.5, 30 * row - 1.5)
        ax.add_patch(mpl.patches.Rectangle(corner, 30, 30, fill=False, ec=color, lw=2))
    return ax


def _signed_montage(rows: Sequence[Tensor]) -> np.ndarray:
    # `montage` clips what is below 0, so each sign is drawn alone.
    return montage(rows) - montage([-row for row in rows])


def decoded_plane(model: Any, across: Tensor, up: Tensor, ax: Axes | None = None) -> Axes:
    """Show what a decoder draws at a grid of codes: columns at `across`, rows at `up`.

    model: anything whose `decode` takes codes (N, 2). across and up are (n,) and (m,),
    in rising order; the second coordinate points up. Ticks name every third value.
    """
    grid = torch.stack(torch.meshgrid(across, up.flip(0), indexing="xy"), -1)
    with torch.inference_mode():
        rows = [model.decode(row) for row in grid]
    ax = plate(rows, ax=ax if ax is not None else axes_or_new(None, (6.6, 6.6)))
    for axis, values in ((ax.xaxis, across), (ax.yaxis, up.flip(0))):
        places = range(0, len(values), 3)
        axis.set_ticks([30 * n + 13.5 for n in places], [f"{values[n]:.1f}" for n in places])
    ax.xaxis.tick_bottom()
    ax.set(xlabel="$z_1$", ylabel="$z_2$")
    return ax


# --- Curves ---------------------------------------------------------------------------


def losses(histories: Mapping[str, History], ax: Axes | None = None) -> Axes:
    """Draw validation loss (line) and training loss (dashed) against the epoch."""
    ax = axes_or_new(ax, (6.5, 3.6))
    for color, (name, history) in zip(DIGIT_COLORS, histories.items(), strict=False):
        epochs = np.arange(1, history.epochs + 1)
        ax.plot(epochs, history.val_loss, color=color, label=f"{name}, validation")
        ax.plot(epochs, history.train_loss, "--", color=color, lw=1, label=f"{name}, training")
    ax.set(xlabel="epochs", ylabel="mean squared error", yscale="log")
    plain_ticks(ax)
    ax.legend()
    return ax


def plain_ticks(ax: Axes) -> None:
    """Write the ticks of a logarithmic y axis as plain decimals, e.g. 0.02."""
    ax.yaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
    ax.yaxis.set_minor_formatter(mpl.ticker.NullFormatter())


def error_by_dim(
    dims: Sequence[int],
    errors: Tensor,
    baselines: Mapping[str, tuple[Sequence[int], Sequence[float]]] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw error against latent dimension: mean over seeds, each seed, and baselines.

    errors: (len(dims), seeds). baselines: name to (dims, errors); a single dim makes a
    horizontal line.
    """
    ax = axes_or_new(ax, (7, 4))
    for color, style, (name, (at, values)) in zip(
        (MEAN_COLOR, PCA_COLOR, DIGIT_COLORS[2]),
        (":", "--", "-."),
        (baselines or {}).items(),
        strict=False,
    ):
        if len(at) == 1:
            ax.axhline(values[0], color=color, ls=style, label=name)
        else:
            ax.plot(at, values, style, color=color, marker="s", ms=3.5, label=name)
    ax.plot(dims, errors.mean(1), "-o", color=MODEL_COLOR, label="autoencoder, mean of seeds")
    ax.plot(
        np.repeat(dims, errors.shape[1]), errors.flatten(), ".", color="black", ms=2.5, zorder=3
    )
    ax.set(xlabel="latent dimension d", ylabel="mean squared error (test)", yscale="log")
    plain_ticks(ax)
    ax.legend()
    return ax


def lines_per_digit(
    x: Sequence[float], values: Tensor, ylabel: str, ax: Axes | None = None, legend: bool = True
) -> Axes:
    """Draw one line per digit. values: (len(x), seeds, 10); the band is min to max."""
    ax = axes_or_new(ax, (5, 3.6))
    for digit in DIGITS:
        seeds, color = values[..., digit], DIGIT_COLORS[digit]
        ax.fill_between(x, seeds.amin(1), seeds.amax(1), color=color, alpha=0.15, lw=0)
        ax.plot(x, seeds.mean(1), "-", marker=f"${digit}$", ms=7, color=color, label=str(digit))
    ax.set(xlabel="latent dimension d", ylabel=ylabel)
    if legend:
        ax.legend(title="digit", ncols=2)
    return ax


def bars_per_digit(
    values: Sequence[float] | Tensor,
    ylabel: str,
    reference: tuple[str, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw one bar per digit, in the digits' colours, and a reference line with a name."""
    ax = axes_or_new(ax, (5, 2.8))
    ax.bar(DIGITS, np.asarray(values), color=DIGIT_COLORS)
    ax.set_xticks(DIGITS)
    ax.grid(axis="x", visible=False)
    ax.set(xlabel="digit", ylabel=ylabel)
    if reference:
        ax.axhline(reference[1], color=MEAN_COLOR, ls="--", lw=1.2, label=reference[0])
        ax.margins(y=0.2)
        ax.legend(loc="upper right")
    return ax


# --- The plane of two numbers ---------------------------------------------------------


def scatter_codes(
    codes: Tensor,
    labels: Tensor,
    title: str = "",
    ax: Axes | None = None,
    limits: tuple[Tensor, Tensor] | None = None,
) -> Axes:
    """Draw codes (N, 2) as points in the colours of their digits, named in the legend.

    limits: (low, high), each (2,), for panels that should share their axes.
    """
    ax = axes_or_new(ax, (5, 4.6))
    # Mixed order, else the last digit covers the others; fixed, so the picture is too.
    order = torch.randperm(len(codes), generator=torch.Generator().manual_seed(0))
    colors = np.array(DIGIT_COLORS)[labels[order]]
    ax.scatter(*codes[order].T, c=colors, s=3, alpha=0.6, lw=0)
    for digit in labels.unique().tolist():
        ax.plot([], [], "o", color=DIGIT_COLORS[digit], label=str(digit))
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), handletextpad=0, borderpad=0)
    ax.set(title=title, xlabel="$z_1$", ylabel="$z_2$")
    if limits:
        (left, bottom), (right, top) = (limit.tolist() for limit in limits)
        ax.set(xlim=(left, right), ylim=(bottom, top))
    return ax


def matrix(
    values: Tensor, title: str = "", labels: tuple[str, str] = ("", ""), ax: Axes | None = None
) -> Axes:
    """Draw a (10, 10) matrix over digits with the numbers written in its cells.

    labels: what the rows and the columns are.
    """
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
    """Draw a (10, 10) matrix of shares in [0, 1] over digits, without numbers: dark is 1."""
    ax = axes_or_new(ax, (2, 2))
    ax.imshow(np.asarray(values), cmap="Blues", vmin=0, vmax=1)
    ax.set_xticks(DIGITS)
    ax.set_yticks(DIGITS)
    ax.tick_params(length=0, labelsize=7)
    ax.grid(False)
    ax.set_title(title)
    return ax


# --- Checkerboards --------------------------------------------------------------------


def overlaps(counts: Tensor, line: Axes, square: Axes) -> tuple[Axes, Axes]:
    """Draw how many stamps cover each pixel: counts (n,) as bars, and their product in 2-D."""
    line.bar(range(len(counts)), np.asarray(counts), width=0.9, color=MODEL_COLOR)
    line.yaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
    line.grid(axis="x", visible=False)
    line.set(xlabel="output pixel", ylabel="stamps", xticks=[])
    square.imshow(np.outer(counts.numpy(), counts.numpy()), vmin=0, interpolation="nearest")
    square.set(xticks=[], yticks=[])
    square.grid(False)
    return line, square


def score_by_step(
    curves: Mapping[str, tuple[Sequence[int], Tensor]],
    references: Mapping[str, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a score against training steps, both on logarithmic axes; step 0 stands at 1.

    curves: name to (steps, values), values (seeds, len(steps)): the line is the mean of the
    seeds, the band reaches from the lowest to the highest. references: horizontal lines.
    Scores below 0.05 are drawn at 0.05.
    """
    ax = axes_or_new(ax, (7, 4))
    for color, (name, (steps, values)) in zip(DIGIT_COLORS, curves.items(), strict=False):
        at, values = np.maximum(np.asarray(steps), 1), values.clamp(min=LOWEST_SCORE).numpy()
        ax.fill_between(at, values.min(0), values.max(0), color=color, alpha=0.15, lw=0)
        ax.plot(at, values.mean(0), "-o", ms=3, color=color, label=name)
    for name, value in (references or {}).items():
        ax.axhline(value, color=MEAN_COLOR, ls="--", lw=1.2, label=name)
    ax.set(xscale="log", yscale="log", xlabel="training steps", ylabel="checkerboard score")
    plain_ticks(ax)
    ax.legend(ncols=2)
    return ax
