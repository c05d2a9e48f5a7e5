"""Pictures for sliders, and a slider that calls Python.

What runs in the browser alone is in `explorer`, which also turns these pictures.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import ipywidgets
import numpy as np
from IPython.display import display
from PIL import Image
from torch import Tensor

from aelib import plotting
from aelib.checks import whole_number

ASK_TO_RUN = "Run this cell: here a slider appears that calls Python."


def picture(rows: Sequence[Tensor], scale: int = 2) -> bytes:
    """Return rows of images (N, 1, 28, 28) in [0, 1] as a PNG, dark ink on white."""
    scale = whole_number("scale", scale, 1, 100)
    pixels = (255 * (1 - plotting.montage(rows))).round().astype(np.uint8)
    image = Image.fromarray(pixels)
    image = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    image.save(buffer, "png", optimize=True)
    return buffer.getvalue()


def scatter_frame(codes: Tensor, labels: Tensor) -> bytes:
    """Return codes (N, 2) in the colours of their digits (N,) as a PNG of few colours."""
    ax = plotting.axes_or_new(None, (4.2, 4))
    return plotting.small_png(plotting.scatter_codes(codes, labels, ax=ax, bare=True), 48)


def live(widget: ipywidgets.Widget, still: bytes, alt: str) -> None:
    """Display a widget that calls Python, and before it, as an output of its own, a still.

    Only a running kernel moves such a widget. So the published notebook keeps the still, a PNG
    described by `alt`, and the sentence that says what to do.
    """
    png = base64.b64encode(still).decode()
    display({"text/plain": alt, "image/png": png}, raw=True, metadata={"image/png": {"alt": alt}})
    display(widget._repr_mimebundle_() | {"text/plain": ASK_TO_RUN}, raw=True)
