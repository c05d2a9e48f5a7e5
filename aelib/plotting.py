"""One look for all figures, and pictures of pictures: grids of images and of differences.

Every function draws into the Axes that it is given, or makes one, and returns it. Digits are
upright, dark ink on light paper; a digit has the same colour everywhere. What has a sign is red
above zero and blue below it. Curves, bars and matrices are in `charts`.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython import get_ipython
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler
from matplotlib_inline.config import InlineBackend
from PIL import Image
from torch import Tensor, nn

from aelib.data import SIDE, as_drawings
from aelib.metrics import decode
from aelib.models import Autoencoder

# Ten colours that stay apart under the common colour blindnesses, one per digit. Source:
# Petroff 2021, Accessible color sequences for data visualization, arXiv:2107.02270.
DIGIT_COLORS = tuple(mpl.colors.to_hex(c) for c in mpl.color_sequences["petroff10"])
MODEL_COLOR, PCA_COLOR, MEAN_COLOR = DIGIT_COLORS[0], DIGIT_COLORS[1], "#555555"
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
# Blue is below zero (missing ink), red above (invented ink); zero, in the middle, exactly white.
SIGN_COLORS = mpl.colors.LinearSegmentedColormap.from_list(
    "sign", ("#08519c", "white", "#b2182b"), N=257
)
CELL = 0.62  # inches that one 28 x 28 picture takes in a grid
GAP = 2  # pixels of paper between two pictures
PITCH = SIDE + GAP  # pixels from one picture to the next
CENTRE = (SIDE - 1) / 2


def use_style() -> None:
    """Give every figure that follows the look of the course, crisp on a notebook's screen."""
    plt.style.use(STYLE)
    shell = get_ipython()
    if shell is not None:
        # Twice the pixels, and the width for which they are meant beside them.
        InlineBackend.instance(parent=shell).figure_formats = {"retina"}


def axes_or_new(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return `ax`, or the Axes of a new figure of `size` inches if it is None."""
    return ax if ax is not None else plt.subplots(figsize=size, layout="constrained")[1]


def panels(
    count: int, size: tuple[float, float] = (10, 3.4), rows: int = 1, **options: Any
) -> list[Axes]:
    """Return `count` Axes in one figure of `size` inches, side by side in one or more rows."""
    figure = plt.figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, math.ceil(count / rows), squeeze=False, **options)
    return list(axes.flat)[:count]


def figure_png(ax: Axes) -> bytes:
    """Return the figure of an Axes as a PNG."""
    buffer = io.BytesIO()
    figure = cast(Figure, ax.figure)
    figure.savefig(buffer, format="png", bbox_inches="tight", metadata={"Software": None})
    return buffer.getvalue()


def small_png(ax: Axes, colors: int = 64) -> bytes:
    """Return the figure of an Axes as a PNG of so many colours, 1 to 256, and close it."""
    picture = Image.open(io.BytesIO(figure_png(ax))).convert("RGB")
    plt.close(cast(Figure, ax.figure))
    packed = io.BytesIO()
    picture.quantize(colors, dither=Image.Dither.NONE).save(packed, "png", optimize=True)
    return packed.getvalue()


def montage(rows: Sequence[Tensor]) -> np.ndarray:
    """Return rows of images as one array in [0, 1], 1 is ink, with paper between them.

    rows: what `data.as_drawings` takes, each as many. Values outside [0, 1] are clipped.
    """
    return _joined([as_drawings(row) for row in rows])


def _joined(rows: Sequence[Tensor], low: float = 0.0) -> np.ndarray:
    """Return rows of equally many pictures (N, 1, 28, 28) as one, clipped to [low, 1]."""
    pictures = torch.stack([row.detach()[:, 0] for row in rows])
    padded = nn.functional.pad(pictures, (0, GAP, 0, GAP))
    joined = padded.permute(0, 2, 1, 3).reshape(len(rows) * PITCH, -1)
    return joined[:-GAP, :-GAP].clamp(low, 1).numpy()


def image_grid(
    rows: Mapping[str, Tensor] | Sequence[Tensor],
    columns: Sequence[str] = (),
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Show rows of images, e.g. originals above their reconstructions.

    rows: what `montage` takes, as a mapping from row labels or a sequence.
    columns: labels above the columns.
    """
    labels = list(rows) if isinstance(rows, Mapping) else [""] * len(rows)
    joined = montage(list(rows.values() if isinstance(rows, Mapping) else rows))
    return _grid(joined, labels, columns, title, ax)


def _grid(
    joined: np.ndarray, labels: list[str], columns: Sequence[str], title: str, ax: Axes | None
) -> Axes:
    down, across = ((length + GAP) // PITCH for length in joined.shape)
    ax = axes_or_new(ax, (CELL * across + 0.3 + 0.075 * max(map(len, labels)), CELL * down + 0.4))
    ax.imshow(joined, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    centres = np.arange(max(across, down)) * PITCH + CENTRE
    ax.set_yticks(centres[:down] if any(labels) else [], labels if any(labels) else [])
    ax.set_xticks(centres[:across] if len(columns) else [], columns)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.grid(False)
    ax.spines[:].set_visible(False)
    ax.set_title(title)
    return ax


def error_grid(
    rows: Mapping[str, Tensor], columns: Sequence[str] = (), title: str = "", ax: Axes | None = None
) -> Axes:
    """Show rows of differences, drawing minus original, (N, 1, 28, 28) in [-1, 1].

    Red is ink that was invented, blue is ink that is missing, white is right.
    """
    ax = _grid(_joined(list(rows.values()), low=-1), list(rows), columns, title, ax)
    ax.images[-1].set(cmap=SIGN_COLORS, clim=(-1, 1))
    return ax


def signed_grid(
    images: Tensor, columns: Sequence[str] = (), title: str = "", ax: Axes | None = None
) -> Axes:
    """Show one row of pictures whose values have a sign, (N, 1, 28, 28): blue - to red +.

    Each is scaled by its largest value, so that all can be seen.
    """
    scale = images.abs().amax((1, 2, 3), keepdim=True).clamp_min(1e-12)
    return error_grid({"": images / scale}, columns, title, ax)


def stretched(images: Tensor) -> Tensor:
    """Return images (N, 1, 28, 28), each spread over the whole range from paper to ink.

    It makes visible what is faint. An image without any contrast becomes paper.
    """
    low, high = images.amin((1, 2, 3), keepdim=True), images.amax((1, 2, 3), keepdim=True)
    return (images - low) / (high - low).clamp_min(1e-12)


def decoded_plane(model: Autoencoder, across: Tensor, up: Tensor, ax: Axes | None = None) -> Axes:
    """Show what a decoder draws at a grid of codes: columns at `across`, rows at `up`.

    across and up are (n,) and (m,), in rising order; the second coordinate of a code points up.
    Ticks name every third value.
    """
    grid = torch.stack(torch.meshgrid(across, up.flip(0), indexing="xy"), -1)
    ax = image_grid([decode(model, row) for row in grid], ax=axes_or_new(ax, (6.6, 6.6)))
    for axis, values in ((ax.xaxis, across), (ax.yaxis, up.flip(0))):
        places = range(0, len(values), 3)
        axis.set_ticks([PITCH * n + CENTRE for n in places], [f"{values[n]:z.1f}" for n in places])
    ax.xaxis.tick_bottom()
    ax.set(xlabel="$z_1$", ylabel="$z_2$")
    return ax
