"""A reader's own picture, prepared as MNIST's makers prepared theirs.

The ink goes into a box of 20 x 20 pixels, and the box onto 28 x 28 so that the ink's centre of
mass lies in the middle. Source: LeCun et al. 1998, doi:10.1109/5.726791. The drawing pad
does the same with strokes (`aelib/explorer/explorer.js`).
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from aelib.checks import unmasked
from aelib.files import FileError

SIDE = 28
BOX = 20
PEN = 2.6  # pixels of the 28; MNIST's strokes are about that thick
THIN = 2.0  # pixels; a pen thinner than that makes a stranger of too many digits
CLEAR = 0.2  # from here up ink is certainly ink
SPECK = 0.02  # of the largest piece; a smaller one is dirt on the paper
LEAST_CONTRAST = 0.1  # of the whole range; below that a picture counts as empty
PAPERS = ("light", "dark")
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def prepare(picture: Any, paper: str | None = None, thicken: bool = True) -> Tensor:
    """Return a picture of one handwritten digit as MNIST has it: float32 (1, 1, 28, 28) in [0, 1].

    picture: a file (~ is the home folder), a PIL image, a NumPy array or a tensor, of any size.
        Arrays and tensors are grey (H, W), with a first or last axis of 1 (grey), 3 (RGB) or 4
        (RGBA) channels, or a batch of one of these; uint8 or uint16 over their whole range, bool,
        or floats in [0, 1]. What is transparent counts as paper.
    paper: "light" or "dark", what the digit is drawn on; None finds out by the rim.
    thicken: whether a pen thinner than MNIST's is made as thick. A thin pen makes a stranger
        of any digit (notebook 1). Thick pens stay as they are.

    The picture itself is not changed. Raises ValueError for what cannot be a digit: another
    shape, values outside their range or not finite, a masked array, a picture of one tone, an
    unknown paper; FileNotFoundError, PIL's UnidentifiedImageError, or FileError for a file that is
    not there, no picture, or damaged.
    """
    if paper is not None and paper not in PAPERS:
        raise ValueError(f"paper must be 'light', 'dark' or None (find out), got {paper!r}")
    ink = _cropped(_ink(_tones(picture), paper))
    if thicken:
        ink = _thickened(ink)
    return torch.from_numpy(_placed(ink))[None, None]


def _tones(picture: Any) -> np.ndarray:
    """Return a picture as brightness, (H, W) float64 in [0, 1]; transparent is NaN."""
    if isinstance(picture, str | os.PathLike):
        picture = _read(os.path.expanduser(picture))
    elif isinstance(picture, Image.Image):
        picture = _array_of(picture)
    elif isinstance(picture, Tensor):
        if picture.is_meta or picture.layout != torch.strided:
            raise ValueError("a tensor must hold its pixels: got one that is sparse, or on meta")
        picture = picture.detach().cpu()
        # Of the shorter floats NumPy knows hardly any.
        picture = (picture.double() if picture.is_floating_point() else picture).numpy()
    elif isinstance(picture, np.ndarray):
        unmasked("a picture", picture)
    else:
        raise ValueError(
            "a picture must be a file, a PIL image, an array or a tensor, "
            f"got {type(picture).__name__}"
        )
    values = _in_range(_channels_last(picture))
    alpha = values[..., 3] if values.shape[-1] == 4 else np.ones(values.shape[:2])
    grey = values[..., 0] if values.shape[-1] == 1 else values[..., :3] @ np.array(LUMA)
    if np.ptp(alpha) > LEAST_CONTRAST and not _has_contrast(grey[alpha > 0.5]):
        # Everything opaque has one tone: the picture is in what is opaque.
        return 1 - alpha
    return np.where(alpha > 0.5, grey, np.nan)


def _read(path: str | bytes) -> np.ndarray:
    try:
        with Image.open(path) as file:
            _load(file)
            return _array_of(file)
    except (OSError, SyntaxError, EOFError) as error:  # which one is up to the format
        if isinstance(error, UnidentifiedImageError) or getattr(error, "filename", None):
            raise  # they name the file
        raise FileError(
            f"{path!s} is damaged and could not be read as a picture: {error}. Save it anew"
        ) from error


def _load(file: Image.Image) -> None:
    try:
        file.load()
    except ValueError as error:  # what pillow 10 says of a TIFF that is cut off
        raise OSError(str(error)) from error


def _array_of(image: Image.Image) -> np.ndarray:
    """Return a PIL image as an array, upright; palettes and rare modes become RGBA first."""
    # A phone saves the picture as its sensor lies, and in the EXIF data how it was held.
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        # Whole numbers of 16 bits, whatever their order of bytes; converted to RGBA they are cut.
        values = np.asarray(image.convert("I"))
        if values.min() < 0 or values.max() > 65535:
            raise ValueError(f"a picture of mode {image.mode} must hold values from 0 to 65535")
        return values.astype(np.uint16)
    if image.mode in ("L", "RGB", "RGBA", "1", "F"):
        return np.asarray(image)
    return np.asarray(image.convert("RGBA"))


def _channels_last(array: np.ndarray) -> np.ndarray:
    shape = array.shape
    if array.ndim == 4 and shape[0] == 1:
        array = array[0]
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim == 3 and array.shape[-1] not in (1, 3, 4) and array.shape[0] in (1, 3, 4):
        array = np.moveaxis(array, 0, -1)
    if array.ndim != 3 or array.shape[-1] not in (1, 3, 4):
        raise ValueError(
            "one picture must have shape (H, W), or 1, 3 or 4 channels first or last, "
            f"got {tuple(shape)}"
        )
    if min(array.shape[:2]) < 4:
        raise ValueError(f"a picture needs at least 4 x 4 pixels, got {tuple(shape)}")
    return array


def _in_range(array: np.ndarray) -> np.ndarray:
    if array.dtype == bool:
        return array.astype(np.float64)
    if array.dtype in (np.uint8, np.uint16):
        return array / np.float64(np.iinfo(array.dtype).max)
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"values must be uint8, uint16, bool or floats, got {array.dtype}")
    values = array.astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError(f"{int((~np.isfinite(values)).sum())} values are not finite")
    if values.min() < 0 or values.max() > 1:
        raise ValueError(
            f"floats must lie in [0, 1], got values from {values.min():g} to {values.max():g}; "
            "divide those of a uint8 picture by 255"
        )
    return values


def _has_contrast(tones: np.ndarray) -> bool:
    return tones.size > 0 and float(np.ptp(tones)) >= LEAST_CONTRAST


def _ink(tones: np.ndarray, paper: str | None) -> np.ndarray:
    """Return how much ink there is at each pixel, 0 to 1.

    The rim shows the paper: its median is no ink, and what varies as little as the rim does
    (noise, shadows) is none either. The strongest tone is full ink.
    """
    rim = np.ones(tones.shape, bool)
    width = max(1, min(tones.shape) // 20)
    rim[width:-width, width:-width] = False
    seen = tones[~np.isnan(tones)]
    if not _has_contrast(seen):
        span = f"{seen.min():.2f} to {seen.max():.2f}" if seen.size else "nothing but transparency"
        raise ValueError(f"the picture is empty: its tones, from 0 to 1, are {span}")
    around, middle = tones[rim & ~np.isnan(tones)], (seen.min() + seen.max()) / 2
    if paper is None:
        level = np.median(around) if around.size else 1 - np.median(seen).round()
        paper = "light" if level > middle else "dark"
    # Ink may reach the rim, and the rim may be transparent: then paper is what is light, or dark.
    around = around[(around > middle) == (paper == "light")]
    if not around.size:
        around = np.array([1.0 if paper == "light" else 0.0])
    level = float(np.median(around))
    sign = -1.0 if paper == "light" else 1.0
    strength = np.nan_to_num(sign * (tones - level), nan=0.0)
    noise = float(np.quantile(np.abs(around - level), 0.9))
    strongest = float(strength.max())
    if strongest - noise < LEAST_CONTRAST:
        raise ValueError(f"there is no ink on {paper} paper in this picture")
    return np.clip((strength - noise) / (strongest - noise), 0, 1)


def _cropped(ink: np.ndarray) -> np.ndarray:
    """Return the part of a picture that holds the digit: without the paper, and without specks."""
    from scipy import ndimage

    regions, _ = ndimage.label(ink > CLEAR, np.ones((3, 3)))
    sizes = np.bincount(regions.ravel())
    sizes[0] = 0
    digit = np.isin(regions, np.flatnonzero(sizes >= SPECK * sizes.max()))
    near = ndimage.binary_dilation(digit, iterations=max(1, max(ink.shape) // 100))
    ink = np.where(near, ink, 0)
    rows, columns = (np.flatnonzero((ink > 0).any(axis)) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _thickened(ink: np.ndarray) -> np.ndarray:
    """Return ink whose pen will be as thick as MNIST's once its box is 20 pixels."""
    from scipy import ndimage

    # Enough pixels to grow by parts of one of the 28.
    fine = ndimage.zoom(ink, max(1, round(120 / max(ink.shape))), order=1)
    inside = ndimage.distance_transform_edt(np.pad(fine >= 0.5, 1))
    # In a long stroke the mean distance to its edge is a quarter of its thickness.
    thickness = 4 * inside[inside > 0].mean() - 1
    if thickness >= THIN * max(fine.shape) / BOX:
        return ink
    # The box grows with the pen: afterwards so many of these pixels make one of the 28.
    pixel = max(max(fine.shape) - thickness, 1) / (BOX - PEN)
    grow = (PEN * pixel - thickness) / 2
    fine = np.pad(fine, int(np.ceil(grow)) + 1)
    outside = ndimage.distance_transform_edt(fine < 0.5)
    return np.maximum(np.clip(grow + 1 - outside, 0, 1), fine)


def _placed(ink: np.ndarray) -> np.ndarray:
    """Return ink on 28 x 28: its longer side 20 pixels, its centre of mass in the middle.

    The window is cut at whole pixels of the picture, so nothing is blurred that has the
    right size already, and one resampling does the rest.
    """
    from scipy import ndimage

    side = max(ink.shape) * SIDE / BOX
    margin = int(np.ceil(side))
    padded = np.pad(ink.astype(np.float32), margin)
    # The middle is that of pixel 14 of 0 to 27, where MNIST's centres of mass lie.
    middle = side / 2 + 0.5 * side / SIDE
    top, left = (round(place + 0.5 - middle) for place in ndimage.center_of_mass(padded))
    method = Image.Resampling.BOX if side >= SIDE else Image.Resampling.BILINEAR
    window = (left, top, left + side, top + side)
    placed = Image.fromarray(padded).resize((SIDE, SIDE), method, box=window)
    return np.asarray(placed).clip(0, 1)
