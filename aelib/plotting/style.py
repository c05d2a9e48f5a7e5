"""The look that all figures share, and the Axes that they are drawn into."""

from __future__ import annotations

import io
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from IPython import get_ipython
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler
from matplotlib_inline.config import InlineBackend
from PIL import Image

from aelib.checks import whole_number

# Ten colours that stay apart under the common colour blindnesses, one per digit. Source:
# Petroff 2021, Accessible color sequences for data visualization, arXiv:2107.02270.
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
    count, rows = whole_number("count", count, 1), whole_number("rows", rows, 1)
    if count % rows:
        raise ValueError(f"{count} panels do not fill {rows} rows of equal length")
    figure = plt.figure(figsize=size, layout="constrained")
    return list(figure.subplots(rows, count // rows, squeeze=False, **options).flat)


def check_looks(looks: str, most: int, what: str, count: int) -> None:
    """Raise ValueError for more things than can be told apart: the rest would not be drawn."""
    if count > most:
        raise ValueError(f"there are {looks} for {most} {what}, got {count}")


def plain_ticks(ax: Axes) -> None:
    """Write the ticks of a logarithmic y axis as plain decimals, e.g. 0.02."""
    ax.yaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
    ax.yaxis.set_minor_formatter(mpl.ticker.NullFormatter())


def figure_png(ax: Axes) -> bytes:
    """Return the figure of an Axes as a PNG."""
    buffer = io.BytesIO()
    figure_of(ax).savefig(buffer, format="png", bbox_inches="tight", metadata={"Software": None})
    return buffer.getvalue()


def small_png(ax: Axes, colors: int = 64) -> bytes:
    """Return the figure of an Axes as a PNG of so many colours, 1 to 256, and close it."""
    colors = whole_number("colors", colors, 1, 256)
    picture = Image.open(io.BytesIO(figure_png(ax))).convert("RGB")
    plt.close(figure_of(ax))
    packed = io.BytesIO()
    picture.quantize(colors, dither=Image.Dither.NONE).save(packed, "png", optimize=True)
    return packed.getvalue()
