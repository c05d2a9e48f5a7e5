"""One look for all figures of the course.

Every function draws into the Axes it is given, or makes one, and returns it. Digits are
upright, dark ink on light paper; a digit has the same colour everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.patheffects
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler
from torch import Tensor, nn

from aelib.checks import DIGITS, IMAGE_SIZE, codes_of, drawings_of, finite, labels_of
from aelib.metrics import decode
from aelib.training import History

# Ten colours that stay apart under the common colour blindnesses, one per digit.
DIGIT_COLORS = tuple(mpl.colors.to_hex(c) for c in mpl.color_sequences["petroff10"])
STYLE = {
    "axes.prop_cycle": cycler(color=DIGIT_COLORS),
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
# What has a sign: blue is below zero (missing ink), red above (invented ink), white is zero.
SIGN_COLORS = mpl.colors.LinearSegmentedColormap.from_list(
    "sign",
    ("#08519c", "white", "#b2182b"),
    N=257,  # odd, so that the middle is exactly white
)
MODEL_COLOR, PCA_COLOR, MEAN_COLOR = DIGIT_COLORS[0], DIGIT_COLORS[1], "#555555"
# Lines that stay apart without colour.
MARKERS = ("o", "s", "^", "D", "v")
DASHES: tuple[Any, ...] = ("-", "--", "-.", (0, (1, 1)))
LOWEST_SCORE = 0.05  # a perfect 0 has no place on a logarithmic axis
CELL = 0.62  # inches that one 28 x 28 picture takes in a grid
GAP = 2  # pixels of paper between two pictures
PITCH = IMAGE_SIZE + GAP  # pixels from one picture to the next
CENTRE = (IMAGE_SIZE - 1) / 2


def use_style() -> None:
    """Give every figure that follows the look of the course."""
    plt.style.use(STYLE)


def axes_or_new(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return `ax`, or the Axes of a new figure of `size` inches if it is None."""
    return ax if ax is not None else plt.subplots(figsize=size, layout="constrained")[1]


def figure_of(ax: Axes) -> Figure:
    """Return the figure that holds an Axes; raises ValueError if it was removed from it."""
    figure = ax.get_figure(root=True)
    if figure is None:
        raise ValueError("these Axes belong to no figure any more")
    return figure


def panels(
    count: int, size: tuple[float, float] = (10, 3.4), rows: int = 1, **options: Any
) -> list[Axes]:
    """Return `count` Axes in one figure of `size` inches, side by side in one or more rows.

    Raises ValueError unless the rows can be equally long.
    """
    if rows < 1 or count % rows:
        raise ValueError(f"{count} panels do not fill {rows} rows of equal length")
    figure = plt.figure(figsize=size, layout="constrained")
    return list(figure.subplots(rows, count // rows, squeeze=False, **options).flat)


# --- Pictures -------------------------------------------------------------------------


def montage(rows: Sequence[Tensor]) -> np.ndarray:
    """Return rows of images as one array in [0, 1], 1 is ink, with paper between them.

    rows: images, see `checks`, all rows as many. Values outside [0, 1] are clipped.
    Raises ValueError for other rows, for rows that differ in length, and if there are none.
    """
    pictures = [drawings_of(row).detach().float()[:, 0] for row in rows]
    if len({len(picture) for picture in pictures}) != 1:
        found = [len(picture) for picture in pictures]
        raise ValueError(f"all rows need the same length, and there must be rows; got {found}")
    if not len(pictures[0]):
        raise ValueError("the rows are empty: there are no images to show")
    padded = torch.nn.functional.pad(torch.stack(pictures), (0, GAP, 0, GAP))
    joined = padded.permute(0, 2, 1, 3).reshape(len(rows) * PITCH, -1)
    return joined[:-GAP, :-GAP].clamp(0, 1).numpy()


def image_grid(
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
    joined = montage(images)  # checks the rows, too
    across, down = len(images[0]), len(images)
    ax = axes_or_new(ax, (CELL * across + 0.3 + 0.075 * max(map(len, labels)), CELL * down + 0.4))
    ax.imshow(joined, vmin=0, vmax=1, interpolation="nearest")
    centres = np.arange(max(across, down)) * PITCH + CENTRE
    ax.set_yticks(centres[:down] if any(labels) else [], labels if any(labels) else [])
    ax.set_xticks(centres[:across] if columns else [], columns)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.grid(False)
    ax.spines[:].set_visible(False)
    ax.set_title(title)
    return ax


def signed_grid(
    images: Tensor, columns: Sequence[str] = (), title: str = "", ax: Axes | None = None
) -> Axes:
    """Show one row of pictures whose values have a sign, (N, 1, 28, 28): blue - to red +.

    Each is scaled by its largest value, so that all can be seen.
    """
    scale = images.abs().flatten(1).amax(1).clamp_min(1e-12)[:, None, None, None]
    return error_grid({"": images / scale}, columns, title, ax)


def error_grid(
    rows: Mapping[str, Tensor], columns: Sequence[str] = (), title: str = "", ax: Axes | None = None
) -> Axes:
    """Show rows of differences, drawing minus original, (N, 1, 28, 28) in [-1, 1].

    Red is ink that was invented, blue is ink that is missing, white is right.
    """
    ax = image_grid(rows, columns, title, ax)
    # `montage` clips what is below 0, so each sign is drawn alone.
    plus, minus = montage(list(rows.values())), montage([-row for row in rows.values()])
    ax.images[0].set_data(plus - minus)
    ax.images[0].set(cmap=SIGN_COLORS, clim=(-1, 1))
    return ax


def mark_cells(ax: Axes, cells: Tensor, color: str = DIGIT_COLORS[1]) -> Axes:
    """Draw a frame around the pictures of an `image_grid` where `cells` (rows, columns) is true."""
    for row, column in torch.nonzero(cells).tolist():
        left, top = (PITCH * place - (GAP + 1) / 2 for place in (column, row))
        frame = mpl.patches.Rectangle((left, top), PITCH, PITCH, fill=False, ec=color, lw=2)
        ax.add_patch(frame)
    return ax


def decoded_plane(model: Any, across: Tensor, up: Tensor, ax: Axes | None = None) -> Axes:
    """Show what a decoder draws at a grid of codes: columns at `across`, rows at `up`.

    model: anything whose `decode` takes codes (N, 2). across and up are (n,) and (m,),
    in rising order; the second coordinate points up. Ticks name every third value.
    """
    across, up = finite("across", across).float(), finite("up", up).float()
    grid = torch.stack(torch.meshgrid(across, up.flip(0), indexing="xy"), -1)
    is_network = isinstance(model, nn.Module)
    rows = [decode(model, row) if is_network else model.decode(row) for row in grid]
    ax = image_grid(rows, ax=axes_or_new(ax, (6.6, 6.6)))
    for axis, values in ((ax.xaxis, across), (ax.yaxis, up.flip(0))):
        places = range(0, len(values), 3)
        axis.set_ticks([PITCH * n + CENTRE for n in places], [f"{values[n]:.1f}" for n in places])
    ax.xaxis.tick_bottom()
    ax.set(xlabel="$z_1$", ylabel="$z_2$")
    return ax


# --- Curves ---------------------------------------------------------------------------


def losses(
    histories: Mapping[str, History], ax: Axes | None = None, against: str = "epochs"
) -> Axes:
    """Draw validation loss (line) and training loss (dashed), one marker a run.

    against: "epochs", or "seconds" of training. Raises ValueError for anything else.
    """
    if against not in ("epochs", "seconds"):
        raise ValueError(f"against must be epochs or seconds, got {against!r}")
    ax = axes_or_new(ax, (6.5, 3.6))
    for color, marker, (name, history) in zip(
        DIGIT_COLORS, MARKERS, histories.items(), strict=False
    ):
        x = np.cumsum(history.seconds if against == "seconds" else np.ones(history.epochs))
        style: dict[str, Any] = {"color": color, "marker": marker, "ms": 4}
        ax.plot(x, history.val_loss, label=f"{name}, validation", **style)
        ax.plot(x, history.train_loss, "--", lw=1, mfc="white", label=f"{name}, training", **style)
    ax.set(xlabel=against, ylabel="mean squared error", yscale="log")
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
    ax.plot(
        dims, errors.mean(1).numpy(), "-o", color=MODEL_COLOR, label="autoencoder, mean of seeds"
    )
    ax.plot(
        np.repeat(dims, errors.shape[1]),
        errors.flatten().numpy(),
        ".",
        color="black",
        ms=2.5,
        zorder=3,
    )
    ax.set(xlabel="latent dimension d", ylabel="mean squared error (test)", yscale="log")
    plain_ticks(ax)
    ax.legend()
    return ax


def dots_per_digit(values: Mapping[int, Tensor], xlabel: str, ax: Axes | None = None) -> Axes:
    """Draw one row per digit, and in it a mark for each latent dimension, joined by a line.

    values: latent dimension to (seeds, 10); the mark is the mean, the bar through it the range.
    """
    ax = axes_or_new(ax, (4, 4))
    means = torch.stack([seeds.mean(0) for seeds in values.values()])
    ax.hlines(DIGITS, means.amin(0), means.amax(0), color="#bbbbbb", lw=1, zorder=1)
    for marker, fill, (d, seeds) in zip("oo^", ("white", None, None), values.items(), strict=False):
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
    """Draw one histogram per digit of values (N,), each in a row of its own height."""
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

    series: name to values (10, seeds), each with a marker of its own. NaN leaves a model out.
    Raises ValueError for more series than there are markers.
    """
    if len(series) > len(MARKERS):
        raise ValueError(f"there are markers for {len(MARKERS)} series, got {len(series)}")
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
    codes: Tensor, labels: Tensor, title: str = "", ax: Axes | None = None, bare: bool = False
) -> Axes:
    """Draw codes (N, 2) as points in the colours of their digits, named at their medians.

    The axes hold the middle 98 % of either number, and a little more, so that a few distant
    points do not squeeze the others. bare: for small panels, without ticks, names and legend.
    Raises ValueError for codes of another shape, numbers that are NaN or infinite, and labels
    of another number.
    """
    codes, labels = codes_of(codes, 2), labels_of(labels)
    if len(codes) != len(labels):
        raise ValueError(f"there are {len(codes)} codes but {len(labels)} labels")
    ax = axes_or_new(ax, (5, 4.6))
    # Mixed order, else the last digit covers the others; fixed, so the picture is too.
    order = torch.randperm(len(codes), generator=torch.Generator().manual_seed(0))
    colors = np.array(DIGIT_COLORS)[labels[order]]
    x, y = codes[order].T.numpy()
    ax.scatter(x, y, c=colors, s=6 if bare else 3, alpha=0.6, lw=0)
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


def redrawn_points(points: Tensor, redrawn: Mapping[str, Tensor]) -> list[Axes]:
    """Draw points (N, 2) of a plane and what is left of them, one panel for each way.

    redrawn: name to (N, 2), the same points redrawn. A thin line joins each point to its
    redrawing; the title names the mean squared error.
    """
    axes = panels(len(redrawn), (4.6 * len(redrawn), 3.6), sharex=True, sharey=True)
    for ax, color, (name, drawn) in zip(axes, DIGIT_COLORS, redrawn.items(), strict=False):
        pairs = torch.stack([points, drawn], 1).numpy()
        ax.add_collection(mpl.collections.LineCollection(list(pairs), color="#bbbbbb", lw=0.7))
        ax.plot(*points.T.numpy(), ".", color="#888888", ms=3, label="points")
        ax.plot(*drawn.T.numpy(), "o", color=color, ms=2.5, label="redrawn")
        error = float((points - drawn).square().mean())
        ax.set_title(f"{name}: mean squared error {error:.4f}", loc="left")
        ax.set_aspect("equal")
        ax.legend(loc="upper left", markerscale=2)
    return axes


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


def coverage(counts: Tensor, ax: Axes | None = None) -> Axes:
    """Draw how many stamps cover each pixel: of a line, (n,), as bars; of an image as an image."""
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
    seeds, the band reaches from the lowest to the highest. references: horizontal lines.
    Scores below 0.05 are drawn at 0.05.
    """
    ax = axes_or_new(ax, (7, 4))
    for color, (name, (steps, values)) in zip(DIGIT_COLORS, curves.items(), strict=False):
        at, drawn = np.maximum(np.asarray(steps), 1), values.clamp(min=LOWEST_SCORE).numpy()
        ax.fill_between(at, drawn.min(0), drawn.max(0), color=color, alpha=0.15, lw=0)
        ax.plot(at, drawn.mean(0), "-o", ms=3, color=color, label=name)
    for name, value in (references or {}).items():
        ax.axhline(value, color=MEAN_COLOR, ls="--", lw=1.2, label=name)
    ax.set(xscale="log", yscale="log", xlabel="training steps", ylabel="checkerboard score")
    plain_ticks(ax)
    ax.legend(ncols=2)
    return ax


def stretched(images: Tensor) -> Tensor:
    """Return images (N, 1, 28, 28), each spread over the whole range from paper to ink.

    It makes visible what is faint. An image without any contrast becomes paper.
    """
    low, high = (
        limit(images.flatten(1), 1)[:, None, None, None] for limit in (torch.amin, torch.amax)
    )
    return (images - low) / (high - low).clamp_min(1e-12)


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
