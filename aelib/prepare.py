"""A reader's own picture, prepared as MNIST's makers prepared theirs.

The ink goes into a box of 20 x 20 pixels, and the box onto 28 x 28 so that the ink's centre of
mass lies in the middle. The drawing pad does the same with strokes.
Source: LeCun et al. 1998, doi:10.1109/5.726791.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import scipy  # which loads scipy.ndimage at its first use
import torch
from PIL import Image, ImageOps
from torch import Tensor

SIDE = 28
BOX = 20
PEN = 2.6  # pixels of the 28; MNIST's strokes are about that thick
THIN = 2.0  # pixels; a pen thinner than that makes a stranger of too many digits
CLEAR = 0.2  # from here up ink is certainly ink
SPECK = 0.02  # of the largest piece; a smaller one is dirt on the paper
LEAST_CONTRAST = 0.1  # of the whole range; below that a picture counts as empty
LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


def prepare(picture: Any, paper: str | None = None) -> Tensor:
    """Return a picture of one handwritten digit as MNIST has it: float32 (1, 1, 28, 28) in [0, 1].

    picture: a file, a PIL image, a NumPy array or a tensor, of any size: grey (H, W), or with a
        first or last axis of 1, 3 (RGB) or 4 (RGBA) channels; bytes, or floats in [0, 1].
    paper: "light" or "dark", what the digit is drawn on; None finds out by the rim.

    A pen thinner than MNIST's is made as thick, since a thin one makes a stranger of any digit
    (notebook 1). Raises ValueError for a picture without ink, or of another shape or range.
    """
    ink = _thickened(_cropped(_ink(_tones(picture, paper), paper)))
    return torch.from_numpy(_placed(ink))[None, None]


def _tones(picture: Any, paper: str | None) -> np.ndarray:
    """Return a picture as brightness, (H, W) float64 in [0, 1]."""
    if isinstance(picture, str | os.PathLike):
        picture = Image.open(os.path.expanduser(picture))
    if isinstance(picture, Image.Image):
        # A phone saves the picture as its sensor lies, and in the EXIF data how it was held.
        picture = ImageOps.exif_transpose(picture)
        if picture.mode not in ("L", "RGB", "RGBA", "1", "F", "I", "I;16"):
            picture = picture.convert("RGBA")
    array = np.asarray(picture.detach().cpu() if isinstance(picture, Tensor) else picture)
    array = array[0] if array.ndim == 4 and len(array) == 1 else array
    array = array[..., None] if array.ndim == 2 else array
    if array.ndim == 3 and array.shape[-1] not in (1, 3, 4):
        array = np.moveaxis(array, 0, -1)  # the channels came first
    if array.ndim != 3 or array.shape[-1] not in (1, 3, 4):
        raise ValueError(f"not the shape of one picture, grey, RGB or RGBA: {array.shape}")
    full = np.iinfo(array.dtype).max if array.dtype.kind == "u" else 1
    values = array.astype(np.float64) / full
    if not (values.min() >= 0 and values.max() <= 1):  # written so that NaN fails too
        raise ValueError("a picture must hold uint8, or floats from 0 to 1")
    grey = values[..., 0] if values.shape[-1] == 1 else values[..., :3] @ LUMA
    alpha = values[..., 3] if values.shape[-1] == 4 else 1.0  # what is transparent shows the paper
    return alpha * grey + (1 - alpha) * (paper != "dark")


def _ink(tones: np.ndarray, paper: str | None) -> np.ndarray:
    """Return how much ink there is at each pixel, 0 to 1; the strongest tone is full ink.

    The rim shows the paper: what varies as little as the rim does (noise, shadows) is no ink.
    """
    rim, width = np.ones(tones.shape, bool), max(1, min(tones.shape) // 20)
    rim[width:-width, width:-width] = False
    around, middle = tones[rim], (tones.min() + tones.max()) / 2
    paper = paper or ("light" if np.median(around) > middle else "dark")
    # Ink may reach the rim: paper is what of it is light, or dark.
    around = around[(around > middle) == (paper == "light")]
    level = float(np.median(around)) if around.size else float(paper == "light")
    strength = (level - tones) if paper == "light" else (tones - level)
    noise = float(np.quantile(np.abs(around - level), 0.9)) if around.size else 0.0
    strongest = float(strength.max())
    if strongest - noise < LEAST_CONTRAST:
        span = f"{tones.min():.2f} to {tones.max():.2f}"
        raise ValueError(f"no ink on {paper} paper: the picture's tones, from 0 to 1, are {span}")
    return np.clip((strength - noise) / (strongest - noise), 0, 1)


def _cropped(ink: np.ndarray) -> np.ndarray:
    """Return the part of a picture that holds the digit: without the paper, and without specks."""
    regions, _ = scipy.ndimage.label(ink > CLEAR, np.ones((3, 3)))
    sizes = np.bincount(regions.ravel())
    sizes[0] = 0  # the paper
    digit = np.isin(regions, np.flatnonzero(sizes >= SPECK * sizes.max()))
    near = scipy.ndimage.binary_dilation(digit, iterations=max(1, max(ink.shape) // 100))
    ink = np.where(near, ink, 0)
    rows, columns = (np.flatnonzero(ink.any(axis)) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _thickened(ink: np.ndarray) -> np.ndarray:
    """Return ink whose pen will be as thick as MNIST's once its box is 20 pixels."""
    # Enough pixels to grow by parts of one of the 28.
    fine = scipy.ndimage.zoom(ink, max(1, round(120 / max(ink.shape))), order=1)
    inside = scipy.ndimage.distance_transform_edt(np.pad(fine >= 0.5, 1))
    # In a long stroke the mean distance to its edge is a quarter of its thickness.
    thickness = 4 * inside[inside > 0].mean() - 1
    if thickness >= THIN * max(fine.shape) / BOX:
        return ink
    # The box grows with the pen: afterwards so many of these pixels make one of the 28.
    pixel = max(max(fine.shape) - thickness, 1) / (BOX - PEN)
    grow = (PEN * pixel - thickness) / 2
    fine = np.pad(fine, int(np.ceil(grow)) + 1)
    outside = scipy.ndimage.distance_transform_edt(fine < 0.5)
    return np.maximum(np.clip(grow + 1 - outside, 0, 1), fine)


def _placed(ink: np.ndarray) -> np.ndarray:
    """Return ink on 28 x 28: its longer side 20 pixels, its centre of mass in the middle.

    Cut at whole pixels of the picture and resampled once: what has the right size stays sharp.
    """
    side = max(ink.shape) * SIDE / BOX
    padded = np.pad(ink.astype(np.float32), int(np.ceil(side)))
    # The middle is that of pixel 14 of 0 to 27, where MNIST's centres of mass lie.
    middle = side / 2 + 0.5 * side / SIDE
    top, left = (round(place + 0.5 - middle) for place in scipy.ndimage.center_of_mass(padded))
    method = Image.Resampling.BOX if side >= SIDE else Image.Resampling.BILINEAR
    window = (left, top, left + side, top + side)
    return np.asarray(Image.fromarray(padded).resize((SIDE, SIDE), method, window)).clip(0, 1)
