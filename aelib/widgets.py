"""Explorers that slide without a kernel: every frame is drawn beforehand.

A slider here is linked in the browser to a stack of pictures, so it works in JupyterLab,
in exported HTML and, as a still picture, on GitHub. The functions that make frames are
plain functions of models and numbers.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import display
from matplotlib.axes import Axes
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from aelib import plotting
from aelib.checkerboards import coverage
from aelib.data import DIGITS
from aelib.detection import flagged_per_digit
from aelib.detector_plots import alarms_per_digit
from aelib.metrics import decode
from aelib.models import Autoencoder
from aelib.plotting import DIGIT_COLORS, MODEL_COLOR, SIGN_COLORS, figure_of, montage

ALARM_COLOR = DIGIT_COLORS[1]
ASK_TO_RUN = "Run this cell: here a slider appears that calls Python."
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
    figure_of(ax).savefig(buffer, format="png", bbox_inches="tight", metadata={"Software": None})
    return buffer.getvalue()


def comparison_frames(originals: Tensor, reconstructions: Sequence[Tensor]) -> list[bytes]:
    """Return one frame per set of reconstructions: the originals above it."""
    return [picture([originals, drawn]) for drawn in reconstructions]


def plane_frames(
    model: Autoencoder, across: Tensor, up: Tensor, scale: int = 4
) -> list[list[bytes]]:
    """Return a frame for each point of a plane: frames[i][j] is at (across[j], up[i])."""
    return [
        [
            picture([image[None]], scale)
            for image in decode(model, torch.stack([across, y.expand(len(across))], 1))
        ]
        for y in up
    ]


def coverage_frame(kernel: int, stride: int, size: int = 5) -> bytes:
    """Return how often the stamps of a transposed convolution cover each pixel, as a PNG.

    Left the counts along a line of `size` inputs, right the same in two dimensions. A kernel
    smaller than the stride leaves gaps, and the picture says so instead. Raises ValueError
    for a size, kernel or stride below 1.
    """
    gaps = 1 <= kernel < stride
    counts = None if gaps else coverage(size, kernel, stride)
    line, square = plotting.panels(2, (6.4, 2.6), gridspec_kw={"width_ratios": (2, 1)})
    if counts is not None:
        plotting.coverage(counts, line)
        plotting.coverage(torch.outer(counts, counts), square)
    else:
        for ax in (line, square):
            ax.set_axis_off()
        line.text(0, 0.5, "kernel smaller than stride:\nsome pixels are drawn by nobody")
    frame = figure_png(line)
    plt.close(figure_of(line))
    return _small_png(Image.open(io.BytesIO(frame)).convert("RGB"))


def verdict_frame(
    image: Tensor, drawn: Tensor, score: float, limits: Mapping[str, float], scale: int = 5
) -> bytes:
    """Return a detector's view of one image as a PNG.

    From left to right the image, what the model drew, and the error map: red is invented
    ink, blue is missing ink. Below, on a logarithmic scale, a bar for the score, with the
    thresholds as lines, and the verdict in words. image and drawn: (1, 28, 28) in [0, 1].
    limits: thresholds by the false alarms that they allow, from the strictest, the highest,
    to the laxest. Raises ValueError for thresholds that are not above 0 or not falling.
    """
    values = list(limits.values())
    if not values or not min(values) > 0 or values != sorted(values, reverse=True):
        raise ValueError(f"the thresholds must be above 0 and falling, got {values}")
    difference = np.asarray(drawn[0] - image[0])
    panels = [_paper(np.asarray(image[0])), _paper(np.asarray(drawn[0])), _red_blue(difference)]
    side, gap, below = 28 * scale, 12, 76
    canvas = Image.new("RGB", (3 * side + 2 * gap, side + below), "white")
    for number, panel in enumerate(panels):
        enlarged = Image.fromarray(panel).resize((side, side), Image.Resampling.NEAREST)
        canvas.paste(enlarged, (number * (side + gap), 0))
    pen, low, high = ImageDraw.Draw(canvas), values[-1] / 8, values[0] * 8

    def place(value: float) -> float:
        share = math.log(max(value, low) / low) / math.log(high / low)
        return min(share, 1) * (canvas.width - 1)

    reported_by = [allowed for allowed, limit in limits.items() if score > limit]
    color = ALARM_COLOR if reported_by else MODEL_COLOR
    pen.rectangle((0, side + 10, place(score), side + 22), fill=color)
    for limit in values:
        pen.line((place(limit), side + 6, place(limit), side + 26), fill="black", width=2)
    small, normal = ImageFont.load_default(12), ImageFont.load_default(15)
    names = list(limits)
    for allowed in {names[0], names[-1]}:
        pen.text((place(limits[allowed]), side + 28), allowed, "black", small, anchor="ma")
    verdict = f"reported from {reported_by[0]} allowed on" if reported_by else "passes everywhere"
    pen.text((0, side + 50), f"score {score:.3g}: {verdict}", "black", normal)
    return _small_png(canvas)


def alarm_frame(scores: Tensor, labels: Tensor, normal: int, limit: float) -> bytes:
    """Return what a threshold catches as a PNG: the share of each digit that is reported.

    scores and labels: (N,), of test images; normal: the detector's own digit.
    """
    counts = torch.bincount(labels, minlength=len(DIGITS))
    found = flagged_per_digit(scores, labels, limit)
    strangers = int(found.sum() - found[normal])
    title = (
        f"reports {strangers:,} of {int(counts.sum() - counts[normal]):,} strangers\n"
        f"and {int(found[normal])} of {int(counts[normal]):,} normal images (hatched)"
    )
    ax = alarms_per_digit(found / counts.clamp(min=1), normal, title)
    frame = figure_png(ax)
    plt.close(figure_of(ax))
    return _small_png(Image.open(io.BytesIO(frame)).convert("RGB"))


def _paper(image: np.ndarray) -> np.ndarray:
    grey = (255 * (1 - image.clip(0, 1))).round().astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _red_blue(difference: np.ndarray) -> np.ndarray:
    colors = SIGN_COLORS((difference.clip(-1, 1) + 1) / 2)
    return (255 * colors[..., :3]).round().astype(np.uint8)


def _small_png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.quantize(48, dither=Image.Dither.NONE).save(buffer, "png", optimize=True)
    return buffer.getvalue()


def scatter_frame(codes: Tensor, labels: Tensor) -> bytes:
    """Return codes (N, 2) in the colours of their digits as a PNG of few colours."""
    ax = plotting.scatter_codes(codes, labels, ax=plotting.axes_or_new(None, (4.2, 4)), bare=True)
    frame = figure_png(ax)
    plt.close(figure_of(ax))
    return _small_png(Image.open(io.BytesIO(frame)).convert("RGB"))


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
    frames: Sequence[Sequence[bytes]],
    across: Sequence[str],
    up: Sequence[str],
    sliders: tuple[str, str] = ("z1", "z2"),
) -> ipywidgets.VBox:
    """Return two sliders, for the columns and the rows of a grid of frames.

    frames[i][j] is shown at across[j], up[i]. Raises ValueError for another number of frames.
    """
    _grid_of(frames, len(up), len(across))
    first = _slider(across, sliders[0], len(across) // 2)
    second = _slider(up, sliders[1], len(up) // 2)
    return ipywidgets.VBox([first, second, _stack_of_stacks(frames, second, first)])


def detector_explorer(
    verdicts: Sequence[Sequence[bytes]],
    alarms: Sequence[Sequence[bytes]],
    models: Sequence[str],
    inputs: Sequence[str],
    limits: Sequence[str],
) -> ipywidgets.VBox:
    """Return three sliders for a set of detectors: which one, what it sees, how strict it is.

    verdicts[m][i] shows model m on input i, alarms[m][t] what it reports at limit t.
    Raises ValueError if there are not as many frames as labels.
    """
    _grid_of(verdicts, len(models), len(inputs))
    _grid_of(alarms, len(models), len(limits))
    model, image, limit = (
        _slider(models, "model", 0),
        _slider(inputs, "input", 0),
        _slider(limits, "allowed", len(limits) // 2),
    )
    view, report = _stack_of_stacks(verdicts, model, image), _stack_of_stacks(alarms, model, limit)
    return ipywidgets.VBox([model, image, view, limit, report])


def _grid_of(frames: Sequence[Sequence[bytes]], down: int, across: int) -> None:
    if len(frames) != down or any(len(row) != across for row in frames):
        found = [len(row) for row in frames]
        raise ValueError(f"need {down} rows of {across} frames, got rows of {found}")


def _stack_of_stacks(
    frames: Sequence[Sequence[bytes]],
    outer: ipywidgets.SelectionSlider,
    inner: ipywidgets.SelectionSlider,
) -> ipywidgets.Stack:
    """Return pictures of which one slider chooses the row and another one the place in it."""
    rows = [
        ipywidgets.Stack([_image(frame) for frame in row], selected_index=inner.index)
        for row in frames
    ]
    for row in rows:
        ipywidgets.jslink((inner, "index"), (row, "selected_index"))
    stack = ipywidgets.Stack(rows, selected_index=outer.index)
    ipywidgets.jslink((outer, "index"), (stack, "selected_index"))
    return stack


def show(widget: ipywidgets.Widget, fallback: bytes, alt: str) -> None:
    """Display a widget, with a PNG for viewers that cannot run it, described by `alt`."""
    bundle = widget._repr_mimebundle_()
    bundle["text/plain"] = alt
    bundle["image/png"] = base64.b64encode(fallback).decode()
    display(bundle, raw=True, metadata={"image/png": {"alt": alt}})


def live(widget: ipywidgets.Widget, still: bytes, alt: str) -> None:
    """Display a widget that calls Python, and before it, as an output of its own, a still.

    Only a running kernel moves such a widget. So the published notebook keeps the still, a PNG
    described by `alt`, and the sentence that says what to do.
    """
    png = base64.b64encode(still).decode()
    display({"text/plain": alt, "image/png": png}, raw=True, metadata={"image/png": {"alt": alt}})
    display(widget._repr_mimebundle_() | {"text/plain": ASK_TO_RUN}, raw=True)


def _slider(labels: Sequence[str], name: str, start: int) -> ipywidgets.SelectionSlider:
    return ipywidgets.SelectionSlider(
        options=list(labels), index=start, description=name, layout=FULL_WIDTH
    )


def _image(frame: bytes) -> ipywidgets.Image:
    return ipywidgets.Image(value=frame, format="png")
