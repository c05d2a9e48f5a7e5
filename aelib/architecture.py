"""A picture of the network, drawn from the model itself: what is shown is what runs."""

from __future__ import annotations

from typing import NamedTuple

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Polygon, Rectangle
from torch import Tensor, nn

from aelib.checks import IMAGE_SIZE
from aelib.models import Autoencoder, PixelShuffleUp, kind_of, looking_at
from aelib.plotting import DIGIT_COLORS, montage

CODE_COLOR, MAP_COLOR = DIGIT_COLORS[1], DIGIT_COLORS[0]
PIXEL = 0.055  # plot units that one pixel of a feature map takes
STEP = 1.75  # plot units from one stage to the next


class Stage(NamedTuple):
    """One array on its way through the network: its shape and how it was made."""

    shape: tuple[int, ...]  # (channels, height, width) or (numbers,)
    made_by: str  # e.g. "conv\n3 x 3 / 2"; empty for the input


def trace(model: Autoencoder) -> list[Stage]:
    """Return the stages of a model, found by sending one blank image through it.

    Raises ValueError for a model without an `encoder` and a `decoder` made of layers.
    """
    if not (hasattr(model, "encoder") and hasattr(model, "decoder")):
        raise ValueError(
            f"need a model with an encoder and a decoder, such as Autoencoder, got {kind_of(model)}"
        )
    stages = [Stage((1, 28, 28), "")]

    def note(layer: nn.Module, _: object, output: Tensor) -> None:
        stages.append(Stage(tuple(output.shape[1:]), _name(layer)))

    named = [layer for layer in (*model.encoder, *model.decoder) if _name(layer)]
    hooks = [layer.register_forward_hook(note) for layer in named]
    try:
        with looking_at(model) as device:
            model(torch.zeros(1, 1, 28, 28, device=device))
    finally:
        for hook in hooks:
            hook.remove()
    return stages


def _name(layer: nn.Module) -> str:
    match layer:
        case nn.Conv2d():
            return f"conv\n{_kernel(layer)}"
        case nn.ConvTranspose2d():
            return f"conv$^T$\n{_kernel(layer)}"
        case nn.Linear():
            return "linear"
        case nn.Unflatten():
            return "reshape"
        case PixelShuffleUp():
            return "pixel\nshuffle"
        case nn.Sequential():
            return "resize\n+ conv"
    return ""


def _kernel(layer: nn.Conv2d | nn.ConvTranspose2d) -> str:
    size = layer.kernel_size[0]
    return f"{size}×{size} / {layer.stride[0]}"


def draw(
    model: Autoencoder, images: tuple[Tensor, Tensor] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw a model from left to right: feature maps as sheets, vectors as bars.

    images: an input and its reconstruction, each (1, 1, 28, 28), to show at both ends.
    Raises ValueError as `trace` does, and for other images than two, as `plotting.montage` takes
    them.
    """
    ends = [montage([image]) for image in images or ()]
    if images is not None and [end.shape for end in ends] != 2 * [(IMAGE_SIZE, IMAGE_SIZE)]:
        raise ValueError("images must be an input and its reconstruction, one image each")
    stages = trace(model)
    code = len([layer for layer in model.encoder if _name(layer)])  # the encoder's last stage
    if ax is None:
        ax = plt.subplots(figsize=(0.78 * len(stages) + 0.4, 2.7), layout="constrained")[1]
    for position, stage in enumerate(stages):
        x = position * STEP
        top = _draw_stage(ax, x, stage, is_code=position == code)
        ax.text(x, -1.35, _size(stage.shape), ha="center", va="top", fontsize=9)
        if stage.made_by:
            ax.annotate(
                "",
                (x - 0.52 * STEP, 0),
                (x - 0.72 * STEP, 0),
                arrowprops={"arrowstyle": "->", "color": "#555555"},
            )
            ax.text(
                x - 0.62 * STEP, 1.42, stage.made_by, ha="center", va="bottom", fontsize=8,
                color="#555555",
            )  # fmt: skip
        if position == code:
            ax.text(x, top + 0.12, "code", ha="center", color=CODE_COLOR, weight="bold")
    for image, x in zip(ends, (0, (len(stages) - 1) * STEP), strict=False):
        half = 14 * PIXEL
        ax.imshow(image, extent=(x - half, x + half, -half, half), vmin=0, vmax=1, zorder=5)
    ax.set(xlim=(-1.0, (len(stages) - 1) * STEP + 1.0), ylim=(-1.9, 2.1), aspect="equal")
    ax.axis("off")
    return ax


def _size(shape: tuple[int, ...]) -> str:
    if len(shape) == 1:
        return str(shape[0])
    channels, height, width = shape
    return f"{height}×{width}\n×{channels}"


def _draw_stage(ax: Axes, x: float, stage: Stage, is_code: bool) -> float:
    """Draw one array around x and return the height of its upper edge."""
    if len(stage.shape) == 1:
        height = max(0.16, 0.9 * stage.shape[0] ** 0.5 / 12)
        color = CODE_COLOR if is_code else MAP_COLOR
        ax.add_patch(Rectangle((x - 0.07, -height), 0.14, 2 * height, fc=color, ec="white"))
        return height
    channels, size, _ = stage.shape
    sheets, half = min(channels, 8), size * PIXEL / 2
    shift = 0.05
    for sheet in reversed(range(sheets)):
        offset = shift * (sheet - (sheets - 1) / 2)
        corners = [(-half, -half), (half, -half), (half, half), (-half, half)]
        ax.add_patch(
            Polygon(
                [(x + a + offset, b + offset) for a, b in corners],
                fc=MAP_COLOR if channels > 1 else "white",
                ec="white" if channels > 1 else "#999999",
                alpha=1.0 if sheet == 0 else 0.45,
                lw=0.8,
            )
        )
    return half
