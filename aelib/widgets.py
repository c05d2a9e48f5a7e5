"""Explorers that slide without a kernel: every frame is drawn beforehand.

A slider here is linked in the browser to a stack of pictures, so it works in JupyterLab,
in exported HTML and, as a still picture, on GitHub. The functions that make frames are
plain functions of models and numbers.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import ipywidgets
import numpy as np
import torch
from IPython.display import display
from matplotlib.axes import Axes
from PIL import Image
from torch import Tensor

from aelib.models import Autoencoder
from aelib.plotting import montage

FULL_WIDTH = ipywidgets.Layout(width="520px")


# --- Frames ---------------------------------------------------------------------------


def picture(rows: Sequence[Tensor], scale: int = 2) -> bytes:
    """Return rows of images (N, 1, 28, 28) in [0, 1] as a PNG, dark ink on white."""
    pixels = (255 * (1 - montage(rows))).round().astype(np.uint8)
    image = Image.fromarray(pixels)
    image = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    image.save(buffer, "png", optimize=True)
    return buffer.getvalue()


def figure_png(ax: Axes) -> bytes:
    """Return the figure of an Axes as a PNG."""
    buffer = io.BytesIO()
    ax.figure.savefig(buffer, format="png", bbox_inches="tight", metadata={"Software": None})
    return buffer.getvalue()


def comparison_frames(originals: Tensor, reconstructions: Sequence[Tensor]) -> list[bytes]:
    """Return one frame per set of reconstructions: the originals above it."""
    return [picture([originals, drawn]) for drawn in reconstructions]


def walk(model: Autoencoder, codes: Tensor) -> Tensor:
    """Return what a decoder draws at each of the codes (N, latent_dim)."""
    with torch.inference_mode():
        return model.decode(codes)


def plane_frames(
    model: Autoencoder, across: Tensor, up: Tensor, scale: int = 4
) -> list[list[bytes]]:
    """Return a frame for each point of a plane: frames[i][j] is at (across[j], up[i])."""
    return [
        [
            picture([image[None]], scale)
            for image in walk(model, torch.stack([across, y.expand(len(across))], 1))
        ]
        for y in up
    ]


# --- Widgets --------------------------------------------------------------------------


def frame_slider(
    frames: Sequence[bytes], labels: Sequence[str], name: str, start: int = 0
) -> ipywidgets.VBox:
    """Return a slider over `labels` with the frame of the chosen one below it.

    Raises ValueError if there are not as many labels as frames.
    """
    if len(frames) != len(labels) or not frames:
        raise ValueError(f"need a label for each frame, got {len(labels)} for {len(frames)}")
    slider = _slider(labels, name, start)
    stack = ipywidgets.Stack([_image(frame) for frame in frames], selected_index=start)
    ipywidgets.jslink((slider, "index"), (stack, "selected_index"))
    return ipywidgets.VBox([slider, stack])


def plane_explorer(
    frames: Sequence[Sequence[bytes]], across: Sequence[str], up: Sequence[str]
) -> ipywidgets.VBox:
    """Return two sliders, one per coordinate, with what the decoder draws there."""
    if len(frames) != len(up) or any(len(row) != len(across) for row in frames):
        raise ValueError(f"need {len(up)} rows of {len(across)} frames")
    first = _slider(across, "z1", len(across) // 2)
    second = _slider(up, "z2", len(up) // 2)
    rows = [
        ipywidgets.Stack([_image(frame) for frame in row], selected_index=first.index)
        for row in frames
    ]
    for row in rows:
        ipywidgets.jslink((first, "index"), (row, "selected_index"))
    stack = ipywidgets.Stack(rows, selected_index=second.index)
    ipywidgets.jslink((second, "index"), (stack, "selected_index"))
    return ipywidgets.VBox([first, second, stack])


def show(widget: ipywidgets.Widget, fallback: bytes, alt: str) -> None:
    """Display a widget, with a PNG for viewers that cannot run it, described by `alt`."""
    bundle = widget._repr_mimebundle_()
    bundle["text/plain"] = alt
    bundle["image/png"] = base64.b64encode(fallback).decode()
    display(bundle, raw=True, metadata={"image/png": {"alt": alt}})


def _slider(labels: Sequence[str], name: str, start: int) -> ipywidgets.SelectionSlider:
    return ipywidgets.SelectionSlider(
        options=list(labels), index=start, description=name, layout=FULL_WIDTH
    )


def _image(frame: bytes) -> ipywidgets.Image:
    return ipywidgets.Image(value=frame, format="png")
