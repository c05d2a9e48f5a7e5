"""Drawing the figures that README shows, the picture of the network among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Polygon, Rectangle
from torch import Tensor, nn

from aelib import charts, plotting, zoo
from aelib.checkerboards import checkerboard_score
from aelib.data import DIGITS, load_mnist
from aelib.metrics import LinearAutoencoder, encode, mean_image, mse_per_image, reconstruct
from aelib.models import UPSAMPLING, Autoencoder, looking_at
from aelib.optim import ORIGINAL, Recipe
from aelib.workshop import COURSE
from aelib.workshop.moving import write_moving
from aelib.workshop.notebooks import write_picture
from aelib.workshop.readme import write_tables
from aelib.workshop.sweep import WATCHED_IMAGES, fit_to_the_end

EARLY_STEPS = 150  # when digits can be read and the grid is still there
CODE_COLOR, MAP_COLOR = plotting.DIGIT_COLORS[1], plotting.DIGIT_COLORS[0]
PIXEL = 0.055  # plot units that one pixel of a feature map takes
STEP = 1.75  # plot units from one stage of the network to the next


class Studio:
    """What the figures are drawn from: the test images, and the first of each digit."""

    def __init__(self) -> None:
        self.splits = load_mnist()
        self.test = self.splits.test.floats()
        self.examples = self.test[self.splits.test.first_of_each()]


def redrawn(
    names: dict[str, str], first: str = "test digit", columns: Sequence[str] = ()
) -> Callable[[Studio], Axes]:
    """Return what draws the ten example digits above what models of the zoo make of them.

    names: of each model the label of its row.
    """

    def draw(studio: Studio) -> Axes:
        images = studio.examples
        rows = {label: reconstruct(zoo.load(name), images) for name, label in names.items()}
        return plotting.image_grid({first: images} | rows, columns)

    return draw


def plane(*digits: int) -> Callable[[Studio], Axes]:
    """Return what draws the test images of some digits as points in the plane of `latent/2`."""

    def draw(studio: Studio) -> Axes:
        chosen = studio.splits.test.only(*digits)
        return charts.scatter_codes(encode(zoo.load("latent/2"), chosen.floats()), chosen.labels)

    return draw


def draw_error_curve(studio: Studio) -> Axes:
    """Draw test error against latent dimension beside PCA and the mean image."""
    dims, images, train = zoo.LATENT_DIMS, studio.test, studio.splits.train
    pca = LinearAutoencoder(train)
    linear = [mse_per_image(pca.reconstruct(images, d), images).mean().item() for d in dims]
    blank = mse_per_image(mean_image(train).expand_as(images), images).mean().item()
    errors = [zoo.values(f"latent/{d}", "test_mse") for d in dims]
    simple = {"mean image": ((0,), (blank,)), "PCA": (dims, linear)}
    return charts.error_by_dim(dims, errors, simple)


def draw_early(studio: Studio) -> Axes:
    """Draw the example digits after 150 training steps with transposed convolutions."""
    model = zoo.untrained("up/transpose/16")
    short = Recipe(epochs=1, batch_size=128, adam_lr=ORIGINAL.adam_lr)
    few = studio.splits.train[: EARLY_STEPS * short.batch_size]
    fit_to_the_end("the figure of early training", model, few, studio.splits.val, short)
    drawn = reconstruct(model, studio.examples)
    return plotting.image_grid({"test digit": studio.examples, f"{EARLY_STEPS} steps": drawn})


def draw_checkerboards(studio: Studio) -> Axes:
    """Draw the checkerboard score of the six ways of up-sampling while they are trained."""
    curves = {kind: zoo.watched(f"up/{kind}/16") for kind in UPSAMPLING}
    real = checkerboard_score(studio.splits.val[:WATCHED_IMAGES].floats())
    return charts.score_by_step(curves, {"real digits": real})


class Stage(NamedTuple):
    """One array on its way through the network: its shape and how it was made."""

    shape: tuple[int, ...]  # (channels, height, width) or (numbers,)
    made_by: str = ""  # e.g. "conv\n3 x 3 / 2"; empty for the input
    is_code: bool = False


def stages_of(model: Autoencoder) -> list[Stage]:
    """Return the stages of a model, found by sending one blank image through it."""
    with looking_at(model) as device:
        x = torch.zeros(1, 1, 28, 28, device=device)
        stages = [Stage(tuple(x.shape[1:]))]
        for layer in (*model.encoder, *model.decoder):
            x = layer(x)
            if _name(layer):
                is_code = layer is model.encoder[-1]
                stages.append(Stage(tuple(x.shape[1:]), _name(layer), is_code))
    return stages


def _name(layer: nn.Module) -> str:
    """Return what the picture calls a layer; empty for those that it leaves out."""
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
        size, stride = layer.kernel_size[0], layer.stride[0]
        name = "conv" if isinstance(layer, nn.Conv2d) else "conv$^T$"
        return f"{name}\n{size}×{size} / {stride}"
    return {nn.Linear: "linear", nn.Unflatten: "reshape"}.get(type(layer), "")


def draw_network(model: Autoencoder, image: Tensor) -> Axes:
    """Draw a model from left to right, feature maps as sheets, vectors as bars.

    image: (1, 1, 28, 28), shown at the left end, and what the model makes of it at the right.
    """
    stages = stages_of(model)
    width, grey = 0.78 * len(stages) + 0.4, "#555555"
    ax = plotting.axes_or_new(None, (width, 2.7))
    for position, stage in enumerate(stages):
        x = position * STEP
        top = _draw_stage(ax, x, stage)
        size = "×".join(map(str, stage.shape[1:])) + f"\n×{stage.shape[0]}"
        size = size if len(stage.shape) > 1 else str(stage.shape[0])
        ax.text(x, -1.35, size, ha="center", va="top", fontsize=9)
        if stage.made_by:
            ends = (x - 0.52 * STEP, 0), (x - 0.72 * STEP, 0)
            ax.annotate("", *ends, arrowprops={"arrowstyle": "->", "color": grey})
            at = (x - 0.62 * STEP, 1.42)
            ax.text(*at, stage.made_by, ha="center", va="bottom", fontsize=8, color=grey)
        if stage.is_code:
            ax.text(x, top + 0.12, "code", ha="center", color=CODE_COLOR, weight="bold")
    half = 14 * PIXEL
    for end, x in ((image, 0), (reconstruct(model, image), (len(stages) - 1) * STEP)):
        place = (x - half, x + half, -half, half)
        ax.imshow(plotting.montage([end]), extent=place, vmin=0, vmax=1, zorder=5)
    ax.set(xlim=(-1.0, (len(stages) - 1) * STEP + 1.0), ylim=(-1.9, 2.1), aspect="equal")
    ax.axis("off")
    return ax


def _draw_stage(ax: Axes, x: float, stage: Stage) -> float:
    """Draw one array around x and return the height of its upper edge."""
    if len(stage.shape) == 1:
        height = max(0.16, 0.9 * stage.shape[0] ** 0.5 / 12)
        color = CODE_COLOR if stage.is_code else MAP_COLOR
        ax.add_patch(Rectangle((x - 0.07, -height), 0.14, 2 * height, fc=color, ec="white"))
        return height
    channels, size, _ = stage.shape
    fill, edge = (MAP_COLOR, "white") if channels > 1 else ("white", "#999999")
    sheets, half = min(channels, 8), size * PIXEL / 2
    for sheet in reversed(range(sheets)):
        offset = 0.05 * (sheet - (sheets - 1) / 2)
        corners = [(-half, -half), (half, -half), (half, half), (-half, half)]
        shifted = [(x + a + offset, b + offset) for a, b in corners]
        alpha = 1.0 if sheet == 0 else 0.45
        ax.add_patch(Polygon(shifted, fc=fill, ec=edge, alpha=alpha, lw=0.8))
    return half


FIGURES: dict[str, Callable[[Studio], Axes]] = {
    "autoencoder_architecture": lambda studio: draw_network(
        zoo.load("latent/16"), studio.examples[2:3]
    ),
    **{f"latent{d if d > 1 else ''}": redrawn({f"latent/{d}": f"d = {d}"}) for d in (1, 2, 5, 10)},
    "latent_all": redrawn({f"latent/{d}": f"d = {d}" for d in zoo.LATENT_DIMS}),
    "latent_error": draw_error_curve,
    "zero_one": plane(0, 1),
    "0_1_2": plane(0, 1, 2),
    "0_1_6": plane(0, 1, 6),
    "number_all": redrawn({f"digit/{k}": f"model {k}" for k in DIGITS}, "input", "0123456789"),
    "test_2": draw_early,
    "transpose_16": redrawn({"up/transpose/16": "transpose"}),
    "unpooling_16": redrawn({"up/nearest/16": "nearest"}),
    "transpose_2": redrawn({"up/transpose/2": "transpose"}),
    "unpooling_2": redrawn({"up/nearest/2": "nearest"}),
    "checkerboard_score": draw_checkerboards,
}


def write_all() -> None:
    """Write README's figures and its film to images/, and the tables of RESULTS."""
    write_figures(COURSE / "images")
    splits = load_mnist()
    write_moving(COURSE / "images", splits)
    write_tables(COURSE / "RESULTS.md", splits)


def write_figures(folder: Path) -> None:
    """Write the figures to a folder as PNG; one that looks the same as before stays as it is."""
    plotting.use_style()
    studio = Studio()
    for name, draw in FIGURES.items():
        print(f"{name}.png")
        write_picture(folder / f"{name}.png", plotting.figure_png(draw(studio)))
        plt.close()
