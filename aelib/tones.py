"""Any picture as its tones: a file, its bytes, an upload, a PIL image, an array, a tensor.

`prepare` takes it from here. White is not the same number everywhere, phones turn pictures by a
note in the file, and what is transparent has no tone at all: that is settled here, once.
"""

import io
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps

ENOUGH = 1_000_000  # pixels of a picture; a larger one is made smaller
LUMA = np.array((0.299, 0.587, 0.114), np.float32)  # of red, green and blue; ITU-R BT.601
WHITES = (1, 16, 255, 65535)  # what white may be in an array
SLIGHT = 0.1  # of the whole range: tones that differ less are one


def tones(picture: Any) -> tuple[np.ndarray, float]:
    """Return a picture's brightness, (H, W) float32 from 0 to 1, upright and not too large.

    With it comes how many of the picture's pixels a side became one.
    Raises ValueError for what is no picture, or has tones that could mean several things.
    """
    if isinstance(picture, tuple | list) and len(picture) == 1:
        picture = picture[0]
    if isinstance(picture, dict):  # of ipywidgets' FileUpload
        picture = picture["content"]
    name = "this"
    if isinstance(picture, str | os.PathLike):
        name = os.fspath(picture)
        picture = Path(picture).expanduser().read_bytes()
    if hasattr(picture, "read"):
        picture = picture.read()
    longest = 0
    if isinstance(picture, bytes | bytearray | memoryview):
        picture, longest = _opened(picture, name)
    if isinstance(picture, Image.Image):
        longest = longest or max(picture.size)
        if picture.mode[0] not in "IF":  # whose 16 bits stay
            picture = picture.convert("RGBA" if picture.has_transparency_data else "L")
            picture = picture.reduce(_step(picture.size))
        # A phone saves the picture as its sensor lies, and in the EXIF data how it was held.
        picture = ImageOps.exif_transpose(picture)
    elif isinstance(picture, torch.Tensor):
        picture = picture.detach().cpu()
        picture = picture.float() if picture.is_floating_point() else picture
    values = np.asarray(picture)
    if values.ndim == 4 and len(values) == 1:
        values = values[0]
    if values.ndim == 2:
        values = values[..., None]
    if values.ndim == 3 and values.shape[-1] not in (1, 3, 4):
        values = np.moveaxis(values, 0, -1)
    if values.ndim != 3 or values.shape[-1] not in (1, 3, 4):
        got = f"{type(picture).__name__} {np.shape(picture)}"
        raise ValueError(f"a picture is a file, or (H, W), or has 1, 3 or 4 channels, got {got}")
    low, high = values.min(), values.max()
    black, white = (-1, 1) if low < 0 else (0, next((w for w in WHITES if high <= w), 0))
    if not black <= low <= high <= white:
        cure = "bring them to [0, 1], e.g. by (x - x.min()) / (x.max() - x.min())"
        raise ValueError(f"tones from {low:g} to {high:g} could mean several things: {cure}")
    longest = longest or max(values.shape)
    values = shrunk(values, _step(values.shape))
    values = (values - black) / (white - black)
    grey = values[..., 0] if values.shape[-1] == 1 else values[..., :3] @ LUMA
    if values.shape[-1] == 4:  # transparent is paper
        alpha = values[..., 3]
        opaque = grey[alpha > 0.5]
        if opaque.size and np.ptp(opaque) > SLIGHT:
            grey = alpha * grey + (1 - alpha) * np.median(opaque)
        else:  # one tone: the digit is what is opaque
            grey = 1 - alpha
    return grey, longest / max(grey.shape)


def _opened(content: Any, name: str) -> tuple[Image.Image, int]:
    """Return the picture in a file's bytes, and how many pixels its longer side has there."""
    try:
        image = Image.open(io.BytesIO(content))
        longest = max(image.size)
        image.draft("L", (1000, 1000))  # JPEG only: decodes no more than that needs
        image.load()
        return image, longest
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(
            f"{name} cannot be read as a picture ({error}): save it as JPEG or PNG, of at most 100 "
            "million pixels. iPhones write HEIC until Settings, Camera, Formats is Most Compatible"
        ) from None


def _step(shape: tuple[int, ...]) -> int:
    """Return how many pixels a side are to become one, so that no more than enough are left."""
    return math.ceil(math.sqrt(shape[0] * shape[1] / ENOUGH))


def shrunk(array: np.ndarray, step: int) -> np.ndarray:
    """Return the means of blocks of step x step pixels, float32; band by band, to save memory."""
    if step == 1:
        return array.astype(np.float32)
    bands = (array[y : y + step].mean(0, dtype=np.float32) for y in range(0, len(array), step))
    starts = range(0, array.shape[1], step)
    sums = (np.add.reduceat([band, np.ones_like(band)], starts, axis=1) for band in bands)
    return np.array([total / count for total, count in sums])
