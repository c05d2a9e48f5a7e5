"""Published pictures: small, and kept as they are where a new one looks the same.

Another processor or another version draws some pixels a grey level lighter. Who makes the
published things again should find in the diff only what changed.
"""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from aelib.files import write_atomically

if TYPE_CHECKING:
    from nbformat import NotebookNode

# Of 255 grey levels: about one per cent, which no eye sees beside another picture.
TOLERANCE = 3
# How every PNG begins, in base64. So one pattern finds a picture wherever a notebook holds one:
# as an output of its own, in a data URI inside HTML, in the state of a widget.
PNG = re.compile(r"iVBORw0KGgo[A-Za-z0-9+/\n]*={0,2}")


def look_same(old: bytes, new: bytes) -> bool:
    """Return whether two PNG files have one size, and no channel differs by more than TOLERANCE.

    A file that is no picture looks like no other.
    """
    try:
        first, second = (
            np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"), np.int16) for png in (old, new)
        )
    except (OSError, SyntaxError, ValueError):  # what Pillow raises for a broken file
        return False
    return first.shape == second.shape and int(np.abs(first - second).max()) <= TOLERANCE


def slim(png: bytes) -> bytes:
    """Return a PNG of at most 256 colours that looks the same, or `png` if that is smaller.

    A figure of the course has few colours. With a palette it takes fewer bytes, which pays for
    twice the pixels. Up to 256 colours nothing changes at all; of more, those that are next to
    each other become one. A picture that one can see through is left as it is.
    """
    opened = Image.open(io.BytesIO(png))
    if opened.convert("RGBA").getchannel("A").getextrema() != (255, 255):
        return png
    picture = opened.convert("RGB")
    few = picture.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    few.save(buffer, "PNG", optimize=True)
    return min(png, buffer.getvalue(), key=len)


def write_picture(path: Path, png: bytes) -> None:
    """Write a PNG file, unless the one that is there looks the same."""
    if not (path.exists() and look_same(path.read_bytes(), png)):
        write_atomically(path, png)


def keep_pictures(old: NotebookNode, new: NotebookNode) -> None:
    """Put the pictures of `old` into the executed notebook `new` where they look the same.

    Cells are matched by their id, pictures by their place in the cell's outputs, or in the
    state of the notebook's widgets.
    """
    before = {cell.id: cell for cell in old.cells}
    for cell in new.cells:
        if cell.id in before and "outputs" in cell:
            cell.outputs = _kept(before[cell.id].get("outputs"), cell.outputs)
    if "widgets" in new.metadata:
        new.metadata.widgets = _kept(old.metadata.get("widgets"), new.metadata.widgets)


def _kept(old: Any, new: Any) -> Any:
    """Return `new` with those pictures of `old` that look the same at the same place."""
    if isinstance(new, dict) and isinstance(old, dict):
        return type(new)({key: _kept(old.get(key), value) for key, value in new.items()})
    if isinstance(new, list) and isinstance(old, list) and len(new) == len(old):
        return [_kept(a, b) for a, b in zip(old, new, strict=True)]
    if isinstance(new, str) and isinstance(old, str) and new != old:
        return _kept_in_text(old, new)
    return new


def _kept_in_text(old: str, new: str) -> str:
    pictures = PNG.findall(old)
    if len(pictures) != len(PNG.findall(new)):
        return new
    committed = iter(pictures)

    def choose(found: re.Match[str]) -> str:
        picture = next(committed)
        same = look_same(base64.b64decode(picture), base64.b64decode(found.group()))
        return picture if same else found.group()

    return PNG.sub(choose, new)
