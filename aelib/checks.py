"""What functions take, checked in one place: each error names the value and what is allowed.

*Images* means the same everywhere: 28 x 28 pixels, 0 for paper and more for ink, either whole
numbers from 0 to 255 (uint8) or floats from 0 to 1, as a torch tensor or a NumPy array of shape
(N, 28, 28) or (N, 1, 28, 28). `to_float` turns all of these into the one form in which
networks take them. Nothing here changes what it is given.
"""

from __future__ import annotations

import math
import operator
import sys
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

Images = Tensor | np.ndarray

IMAGE_SIZE = 28
DIGITS = tuple(range(10))
LARGEST = sys.float_info.max  # of the finite numbers

# How to get from floats of another range, that one often meets, to [0, 1].
RANGES = (
    (-0.5, 0.5, "add 0.5 to them"),
    (-1, 1, "add 1 to them and divide by 2"),
    (0, 255, "divide them by 255, or convert them with .to(torch.uint8)"),
)


# --- Numbers --------------------------------------------------------------------------


def whole_number(name: str, value: Any, low: int | None = None, high: int | None = None) -> int:
    """Return `value` as an int; NumPy's and torch's whole numbers are taken too.

    Raises ValueError for anything else (True and 2.0 are no whole numbers) and for a number
    below `low` or above `high`.
    """
    allowed = "a whole number"
    if low is not None:
        allowed += f" from {low} {'up' if high is None else f'to {high}'}"
    wrong = ValueError(f"{name} must be {allowed}, got {value!r}")
    if isinstance(value, (bool, np.bool_)) or getattr(value, "dtype", None) == torch.bool:
        raise wrong
    try:
        number = operator.index(value)
    except (TypeError, ValueError):
        raise wrong from None
    if (low is not None and number < low) or (high is not None and number > high):
        raise wrong
    return number


def real_number(
    name: str,
    value: Any,
    low: float = -LARGEST,
    high: float = LARGEST,
    open_low: bool = False,
    open_high: bool = False,
) -> float:
    """Return `value` as a float; numbers of NumPy and tensors of one element are taken too.

    Raises ValueError for anything else (True is no number), for NaN, for a number outside
    `low` to `high`, and for `low` or `high` themselves if they are open. So infinity is
    refused where it is not given as a bound.
    """
    wrong = ValueError(f"{name} must {_range(low, high, open_low, open_high)}, got {value!r}")
    if isinstance(value, Tensor | np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise wrong
    try:
        number = float(value)
    except OverflowError:
        raise wrong from None
    # Written so that NaN fails too: every comparison with NaN is false.
    above = low < number if open_low else low <= number
    below = number < high if open_high else number <= high
    if not (above and below):
        raise wrong
    return number


def _range(low: float, high: float, open_low: bool, open_high: bool) -> str:
    """Say in words what lies between two bounds."""
    if low <= -LARGEST:
        return "be a number" if high > LARGEST else "be a finite number"
    if high >= LARGEST:
        return f"be above {low:g}" if open_low else f"be {low:g} or more"
    if open_high:
        return f"lie {'above' if open_low else 'from'} {low:g} up to, not including, {high:g}"
    return f"lie above {low:g} and up to {high:g}" if open_low else f"lie in {low:g} to {high:g}"


def as_tensor(name: str, values: Any) -> Tensor:
    """Return numbers as a tensor on the CPU, outside any gradient; it may share memory.

    values: a torch tensor, a NumPy array, or a list of numbers.
    Raises ValueError for anything else.
    """
    if isinstance(values, Tensor):
        return _dense(name, values).detach().cpu()
    if isinstance(values, np.ma.MaskedArray):
        raise ValueError(
            f"{name} must not be a masked array, whose mask would be lost: give the numbers "
            "that count, e.g. with .compressed()"
        )
    kinds = (list, tuple, range, np.ndarray, np.generic)
    if not isinstance(values, kinds):
        raise ValueError(
            f"{name} must be a torch tensor or a NumPy array, got {type(values).__name__}"
        )
    try:
        array = np.asarray(values)
        if not (array.flags.writeable and array.dtype.isnative):
            array = array.astype(array.dtype.newbyteorder("="))
        return torch.from_numpy(np.ascontiguousarray(array).reshape(array.shape))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers in equal rows: {error}") from None


def _dense(name: str, tensor: Tensor) -> Tensor:
    if tensor.is_meta:
        raise ValueError(f"{name} must hold numbers, got a tensor on the device meta, without any")
    if tensor.layout != torch.strided:
        raise ValueError(f"{name} must be a dense tensor, got {tensor.layout}; use .to_dense()")
    return tensor


def numbers_of(name: str, values: Any, *shape: int | str, nan: bool = False) -> Tensor:
    """Return real, finite numbers as float64 of a shape, e.g. ("seeds", 10).

    shape: how long each axis is; a word names one that may have any length but 0.
    nan: whether NaN is taken, too. Raises ValueError for another shape, for complex numbers,
    and if one is NaN or infinite.
    """
    tensor = as_tensor(name, values)
    fits = [
        length > 0 if isinstance(wanted, str) else length == wanted
        for wanted, length in zip(shape, tensor.shape, strict=False)
    ]
    if tensor.ndim != len(shape) or not all(fits):
        wanted = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
        raise ValueError(f"{name} must have shape ({wanted}), got {tuple(tensor.shape)}")
    known = tensor.nan_to_num(0.0, math.inf, -math.inf) if nan else tensor
    _all_finite(f"numbers in {name}", known)
    return tensor.double()


def finite(name: str, values: Any, length: int | None = None) -> Tensor:
    """Return a list of numbers, e.g. the scores of N images, as a tensor of shape (N,).

    Raises ValueError for another shape or length, for complex numbers, and if one of them is
    NaN or infinite.
    """
    tensor = as_tensor(name, values)
    if tensor.ndim != 1 or (length is not None and len(tensor) != length):
        wanted = "(N,)" if length is None else f"({length},)"
        raise ValueError(f"{name} must have shape {wanted}, got {tuple(tensor.shape)}")
    _all_finite(name, tensor)
    return tensor


def _all_finite(name: str, tensor: Tensor) -> None:
    if tensor.is_complex():
        raise ValueError(f"{name} must be real, got {tensor.dtype}")
    bad = int((~tensor.isfinite()).sum())
    if bad:
        raise ValueError(f"{bad} of {tensor.numel():,} {name} are NaN or infinite")


def labels_of(labels: Any, count: int | None = None, name: str = "labels") -> Tensor:
    """Return labels as int64, shape (N,).

    Raises ValueError for another shape, for a number of them that is not `count`, and for
    values other than the whole numbers from 0 to 9.
    """
    tensor = as_tensor(name, labels)
    if tensor.ndim != 1:
        raise ValueError(f"{name} must have shape (N,), got {tuple(tensor.shape)}")
    if count is not None and len(tensor) != count:
        raise ValueError(f"there are {count:,} images but {len(tensor):,} {name}")
    if not len(tensor):
        return tensor.long()
    if tensor.dtype == torch.bool or tensor.dtype.is_floating_point or tensor.dtype.is_complex:
        raise ValueError(f"{name} must be whole numbers from 0 to 9, got {tensor.dtype}")
    tensor = tensor.long()
    low, high = (int(value) for value in torch.aminmax(tensor))
    if low < 0 or high > DIGITS[-1]:
        raise ValueError(f"{name} must be digits from 0 to 9, got values from {low} to {high}")
    return tensor


def codes_of(codes: Any, latent_dim: int | None = None, name: str = "codes") -> Tensor:
    """Return codes as float32 (N, d).

    Raises ValueError for another shape, for whole numbers, and if one is NaN or infinite.
    """
    tensor = as_tensor(name, codes)
    if tensor.ndim != 2 or (latent_dim is not None and tensor.shape[1] != latent_dim):
        wanted = "d" if latent_dim is None else latent_dim
        raise ValueError(f"{name} must have shape (N, {wanted}), got {tuple(tensor.shape)}")
    if not tensor.dtype.is_floating_point:
        raise ValueError(f"{name} must be floats, got {tensor.dtype}")
    _all_finite(f"numbers in {name}", tensor)
    return tensor.float()


# --- Images ---------------------------------------------------------------------------


def to_float(images: Any) -> Tensor:
    """Return images as float32 (N, 1, 28, 28) in [0, 1], in memory of their own.

    images: uint8 from 0 to 255 or floats from 0 to 1, (N, 28, 28) or (N, 1, 28, 28), torch
        or NumPy. Floats are not divided again.
    Raises ValueError for another shape, type or range, and for NaN.
    """
    tensor = images_of(images)
    if tensor.dtype == torch.uint8:
        return tensor.float().div_(255)
    return tensor.to(torch.float32, copy=True)


def floats_of(images: Any) -> Tensor:
    """Return what `to_float` returns, without a copy where none is needed: only to be read."""
    tensor = images_of(images)
    return to_float(tensor) if tensor.dtype == torch.uint8 else tensor.float()


def images_of(images: Any) -> Tensor:
    """Return images (N, 1, 28, 28) as they are, uint8 or floats; they may share memory.

    Takes what `to_float` takes, and raises ValueError as it does.
    """
    tensor = _tensor_of(images).detach()
    if tensor.ndim == 3:
        tensor = tensor.unsqueeze(1)
    if tensor.ndim != 4 or tensor.shape[1:] != (1, IMAGE_SIZE, IMAGE_SIZE):
        raise ValueError(_wrong_shape(images))
    if tensor.dtype == torch.uint8:
        return tensor
    if not tensor.dtype.is_floating_point:
        raise ValueError(_wrong_type(tensor, "images"))
    _check_range(tensor, 0.0)
    return tensor


def _tensor_of(images: Any, name: str = "images") -> Tensor:
    if isinstance(images, Tensor):
        return _dense(name, images)
    if not isinstance(images, np.ndarray):
        raise ValueError(
            f"{name} must be a torch tensor or a NumPy array, got {type(images).__name__}"
        )
    return as_tensor(name, images)


def _wrong_type(tensor: Tensor, name: str) -> str:
    return (
        f"{name} must be uint8 from 0 to 255 or floats from 0 to 1, got {tensor.dtype}; "
        "if these are from 0 to 255, convert them with .to(torch.uint8)"
    )


def _wrong_shape(images: Any, name: str = "images", any_size: bool = False) -> str:
    shape, side = tuple(images.shape), IMAGE_SIZE
    size = "H, W" if any_size else f"{side}, {side}"
    said = f"{name} must have shape (N, {size}) or (N, 1, {size}), got {shape}"
    if shape == (side, side):
        return f"{said}: for a single image, give images[None]"
    if len(shape) == 4 and shape[1:] == (side, side, 1):
        return f"{said}: the channel comes second, which images.reshape(-1, 1, 28, 28) gives"
    if len(shape) == 2 and shape[1] == side * side:
        return f"{said}: give images.reshape(-1, 1, {side}, {side})"
    return (
        f"{said}; aelib.data.prepare makes one of a picture of another size or in color, and "
        "help(aelib.models) says what a network for such images needs"
    )


def check_images(x: Any, offset: float = 0.0) -> None:
    """Raise ValueError unless x is float32, (N, 1, 28, 28), and in [0, 1] less `offset`."""
    if not isinstance(x, Tensor):
        raise ValueError(f"images must be a torch tensor, got {type(x).__name__}")
    _dense("images", x)
    if x.ndim != 4 or x.shape[1:] != (1, IMAGE_SIZE, IMAGE_SIZE):
        raise ValueError(_wrong_shape(x).replace(f"(N, {IMAGE_SIZE}, {IMAGE_SIZE}) or ", ""))
    if x.dtype != torch.float32:
        raise ValueError(f"images must be float32, got {x.dtype}; aelib.data.to_float converts")
    _check_range(x, offset)


def _check_range(x: Tensor, offset: float) -> None:
    if not x.numel():
        return
    low, high = (value.item() for value in torch.aminmax(x.detach()))
    # Written so that NaN fails too: every comparison with NaN is false.
    if low >= -offset and high <= 1 - offset:
        return
    said = (
        f"images must lie in [{0 - offset:g}, {1 - offset:g}], got values from {low:g} to {high:g}"
    )
    hints = [
        hint
        for least, most, hint in RANGES
        if least <= low and high <= most and (low < least / 4 or high > 1.5)
    ]
    if low >= -0.1 and high <= 1.1:
        hints = ["clamp(0, 1) cuts off the little that is too much"]
    raise ValueError(f"{said}: {hints[0]}" if hints and not offset else said)


def drawings_of(images: Any, name: str = "images", any_size: bool = False) -> Tensor:
    """Return floats (N, 1, 28, 28) of any finite range, as PCA draws them, only to be read.

    Whole numbers are taken from 0 to 255 (uint8) and come out in [0, 1]. Gradients pass.
    any_size: whether pictures (N, 1, H, W) of another size are taken too.
    Raises ValueError for another shape or type, and if a pixel is NaN or infinite.
    """
    tensor = _tensor_of(images, name)
    if tensor.ndim == 3:
        tensor = tensor.unsqueeze(1)
    size = tensor.shape[2:] if any_size else (IMAGE_SIZE, IMAGE_SIZE)
    if tensor.ndim != 4 or tensor.shape[1:] != (1, *size):
        raise ValueError(_wrong_shape(images, name, any_size))
    if tensor.dtype == torch.uint8:
        return tensor.float().div_(255)
    if not tensor.dtype.is_floating_point:
        raise ValueError(_wrong_type(tensor, name))
    _all_finite(f"pixels of {name}", tensor)
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def same_shape(reconstructions: Tensor, images: Tensor) -> None:
    """Raise ValueError unless both have the same shape: broadcasting would hide it."""
    if reconstructions.shape != images.shape:
        raise ValueError(
            f"reconstructions {tuple(reconstructions.shape)} and images {tuple(images.shape)} "
            "must have the same shape"
        )
