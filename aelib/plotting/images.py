"""Pictures of pictures: grids of images and of differences, and what a decoder draws.

Ink is dark on light paper. What has a sign is red above zero and blue below it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor, nn

from aelib.checks import IMAGE_SIZE, drawings_of, finite, ink_of
from aelib.metrics import decode
from aelib.plotting.style import SIGN_COLORS, axes_or_new

CELL = 0.62  # inches that one 28 x 28 picture takes in a grid
GAP = 2  # pixels of paper between two pictures
PITCH = IMAGE_SIZE + GAP  # pixels from one picture to the next
CENTRE = (IMAGE_SIZE - 1) / 2


def montage(rows: Sequence[Tensor]) -> np.ndarray:
    """Return rows of images as one array in [0, 1], 1 is ink, with paper between them.

    rows: images, see `checks`, all rows as many. Values outside [0, 1] are clipped.
    Raises ValueError for other rows, those of another range (0 to 255, -0.5 to 0.5, ...)
    included, for rows that differ in length, and if there are none.
    """
    return _joined([ink_of(row) for row in rows])


def _joined(rows: Sequence[Tensor]) -> np.ndarray:
    pictures = [row.detach().float()[:, 0] for row in rows]
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
    Raises ValueError as `montage` does, and unless there are as many columns as images in a row.
    """
    labels = list(rows) if isinstance(rows, Mapping) else [""] * len(rows)
    images = rows.values() if isinstance(rows, Mapping) else rows
    return _grid([ink_of(row) for row in images], labels, columns, title, ax)


def _grid(
    images: Sequence[Tensor],
    labels: Sequence[str],
    columns: Sequence[str],
    title: str,
    ax: Axes | None,
) -> Axes:
    joined = _joined(images)
    across, down, columns = len(images[0]), len(images), list(columns)
    if len(columns) not in (0, across):
        raise ValueError(f"there are {across} images in a row but {len(columns)} columns")
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
    images = drawings_of(images).detach()
    scale = images.abs().flatten(1).amax(1).clamp_min(1e-12)[:, None, None, None]
    return error_grid({"": images / scale}, columns, title, ax)


def error_grid(
    rows: Mapping[str, Tensor], columns: Sequence[str] = (), title: str = "", ax: Axes | None = None
) -> Axes:
    """Show rows of differences, drawing minus original, (N, 1, 28, 28) in [-1, 1].

    Red is ink that was invented, blue is ink that is missing, white is right. Raises ValueError as
    `image_grid` does, for differences of images from 0 to 255, too.
    """
    differences = [drawings_of(row).detach() for row in rows.values()]
    for row in differences:
        ink_of(row.abs(), "differences")
    ax = _grid(differences, list(rows), columns, title, ax)
    # What is below 0 is clipped, so each sign is drawn alone.
    plus, minus = _joined(differences), _joined([-row for row in differences])
    ax.images[0].set_data(plus - minus)
    ax.images[0].set(cmap=SIGN_COLORS, clim=(-1, 1))
    return ax


def stretched(images: Tensor) -> Tensor:
    """Return images (N, 1, 28, 28), each spread over the whole range from paper to ink.

    It makes visible what is faint. An image without any contrast becomes paper.
    """
    images = drawings_of(images).detach()
    low, high = (
        limit(images.flatten(1), 1)[:, None, None, None] for limit in (torch.amin, torch.amax)
    )
    return (images - low) / (high - low).clamp_min(1e-12)


def decoded_plane(model: Any, across: Tensor, up: Tensor, ax: Axes | None = None) -> Axes:
    """Show what a decoder draws at a grid of codes: columns at `across`, rows at `up`.

    model: anything whose `decode` takes codes (N, 2). across and up are (n,) and (m,),
    in rising order; the second coordinate points up. Ticks name every third value.
    """
    if isinstance(model, type) or not hasattr(model, "decode"):
        raise ValueError(f"model must have a method decode, got {model!r}")
    across, up = finite("across", across).float(), finite("up", up).float()
    grid = torch.stack(torch.meshgrid(across, up.flip(0), indexing="xy"), -1)
    is_network = isinstance(model, nn.Module)
    rows = [decode(model, row) if is_network else model.decode(row) for row in grid]
    ax = image_grid(rows, ax=axes_or_new(ax, (6.6, 6.6)))
    for axis, values in ((ax.xaxis, across), (ax.yaxis, up.flip(0))):
        places = range(0, len(values), 3)
        axis.set_ticks([PITCH * n + CENTRE for n in places], [f"{values[n]:z.1f}" for n in places])
    ax.xaxis.tick_bottom()
    ax.set(xlabel="$z_1$", ylabel="$z_2$")
    return ax
