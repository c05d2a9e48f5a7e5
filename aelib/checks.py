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
from contextlib import suppress
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

Images = Tensor | np.ndarray

IMAGE_SIZE = 28
DIGITS = tuple(range(10))
LARGEST = sys.float_info.max  # of the finite numbers
MASK = 0.01  # of the pixels: as many ones among bytes, and nothing above, are no noise
BRIGHTEST = 16.0  # of drawings without anything below 0; what is above is out of 255
FOR_KEEPING = (torch.uint16, torch.uint32, torch.uint64)  # torch does little else with these
PAPER = -0.2  # in no drawing with paper at 0 does a half lie below that

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
    if _is_bool(value):
        raise wrong
    try:
        number = operator.index(value)
    except (TypeError, ValueError):
        raise wrong from None
    if (low is not None and number < low) or (high is not None and number > high):
        raise wrong
    return number


def one_of(name: str, value: Any, allowed: tuple[int, ...]) -> int:
    """Return `value` as an int; raises ValueError unless it is one of the whole numbers allowed."""
    with suppress(ValueError):
        if whole_number(name, value) in allowed:
            return int(value)
    raise ValueError(f"{name} must be {' or '.join(map(str, allowed))}, got {value!r}")


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

    values: a torch tensor, a NumPy array, or a list of numbers, which may be tensors of one.
    Raises ValueError for anything else, and for a list of numbers with True or False among them.
    """
    if isinstance(values, Tensor):
        return _dense(name, values).detach().cpu()
    kinds = (list, tuple, range, np.ndarray, np.generic)
    if not isinstance(values, kinds):
        raise ValueError(
            f"{name} must be a torch tensor or a NumPy array, got {type(values).__name__}"
        )
    values = _plain(name, values)
    try:
        array = np.asarray(values)
        # NumPy would take True for 1: in a list of indices or of scores it is neither.
        if isinstance(values, list | tuple) and array.dtype != bool and _holds_bool(values):
            raise ValueError("True and False are none")
        if not (array.flags.writeable and array.dtype.isnative):
            array = array.astype(array.dtype.newbyteorder("="))
        return torch.from_numpy(np.ascontiguousarray(array).reshape(array.shape))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers in equal rows: {error}") from None


def unmasked(name: str, values: Any) -> None:
    """Raise ValueError for a masked array of NumPy, whose mask would be lost."""
    if isinstance(values, np.ma.MaskedArray):
        raise ValueError(
            f"{name} must not be a masked array, whose mask would be lost: give the numbers "
            "that count, e.g. with .compressed() or .filled(0)"
        )


def _plain(name: str, values: Any) -> Any:
    """Return arrays and lists as they are, but with plain numbers in the place of tensors."""
    unmasked(name, values)
    if isinstance(values, Tensor):
        return _dense(name, values).tolist()
    if isinstance(values, list | tuple):
        return [_plain(name, value) for value in values]
    return values


def _holds_bool(values: Any) -> bool:
    if isinstance(values, list | tuple):
        return any(map(_holds_bool, values))
    return _is_bool(values)


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool) or str(getattr(value, "dtype", "")) in ("bool", "torch.bool")


def _dense(name: str, tensor: Tensor) -> Tensor:
    if tensor.is_meta:
        raise ValueError(f"{name} must hold numbers, got a tensor on the device meta, without any")
    if tensor.layout != torch.strided:
        raise ValueError(f"{name} must be a dense tensor, got {tensor.layout}; use .to_dense()")
    if tensor.is_quantized or (tensor.is_floating_point() and tensor.itemsize < 2):
        remedy = ".dequantize()" if tensor.is_quantized else ".float()"
        raise ValueError(
            f"{name} must be of a type to compute with, got {tensor.dtype}; {remedy} gives one"
        )
    return tensor


def numbers_of(
    name: str,
    values: Any,
    *shape: int | str,
    nan: bool = False,
    low: float = -math.inf,
    high: float = math.inf,
) -> Tensor:
    """Return real, finite numbers as float64 of a shape, e.g. ("seeds", 10).

    shape: how long each axis is; a word names one that may have any length but 0.
    nan: whether NaN is taken, too. Raises ValueError for another shape, for what are complex
    numbers or True and False, and if one is NaN, infinite, or outside `low` to `high`.
    """
    tensor = as_tensor(name, values)
    fits = [
        length > 0 if isinstance(wanted, str) else length == wanted
        for wanted, length in zip(shape, tensor.shape, strict=False)
    ]
    if tensor.ndim != len(shape) or not all(fits):
        wanted = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
        raise ValueError(f"{name} must have shape ({wanted}), got {tuple(tensor.shape)}")
    if tensor.dtype == torch.bool:
        raise ValueError(f"{name} must be numbers, got {tensor.dtype}")
    if tensor.dtype in FOR_KEEPING:
        tensor = tensor.double()
    known = tensor.nan_to_num(0.0, math.inf, -math.inf) if nan else tensor
    _all_finite(f"numbers in {name}", known)
    _all_within(f"number in {name}", known, low, high)
    return tensor.double()


def _all_within(name: str, tensor: Tensor, low: float, high: float) -> None:
    outside = tensor[(tensor < low) | (tensor > high)]
    if len(outside):
        allowed = _range(low, min(high, LARGEST), False, False)
        raise ValueError(f"each {name} must {allowed}, got {outside[0].item():g}")


def finite(name: str, values: Any, length: int | None = None, low: float = -math.inf) -> Tensor:
    """Return a list of numbers, e.g. the scores of N images, as a tensor of shape (N,).

    Raises ValueError for another shape or length, for complex numbers, and if one of them is
    NaN, infinite, or below `low`.
    """
    tensor = as_tensor(name, values)
    if tensor.ndim != 1 or (length is not None and len(tensor) != length):
        wanted = "(N,)" if length is None else f"({length},)"
        raise ValueError(f"{name} must have shape {wanted}, got {tuple(tensor.shape)}")
    if tensor.dtype in FOR_KEEPING:
        tensor = tensor.double()
    _all_finite(name, tensor)
    _all_within(f"of {name}", tensor, low, math.inf)
    return tensor


def _all_finite(name: str, tensor: Tensor) -> None:
    if tensor.is_complex():
        raise ValueError(f"{name} must be real, got {tensor.dtype}")
    if not (tensor.numel() and tensor.dtype.is_floating_point):
        return
    # The least and the largest are NaN if any number is: one pass, and nothing as large is made.
    if all(end.isfinite() for end in torch.aminmax(tensor.detach())):
        return
    bad = int((~tensor.isfinite()).count_nonzero())
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


def codes_of(
    codes: Any, latent_dim: int | None = None, name: str = "codes", empty: bool = True
) -> Tensor:
    """Return codes as float32 (N, d).

    empty: whether codes of no numbers, d = 0, are taken. Raises ValueError for another shape,
    for whole numbers, and if one is NaN or infinite.
    """
    tensor = as_tensor(name, codes)
    if tensor.ndim != 2 or (latent_dim is not None and tensor.shape[1] != latent_dim):
        wanted = "d" if latent_dim is None else latent_dim
        raise ValueError(f"{name} must have shape (N, {wanted}), got {tuple(tensor.shape)}")
    if not (empty or tensor.shape[1]):
        raise ValueError(f"{name} must hold one number or more each, got d = 0: all are the same")
    if not tensor.dtype.is_floating_point:
        raise ValueError(f"{name} must be floats, got {tensor.dtype}")
    tensor = tensor.float()  # in which the largest of float64 are infinite
    _all_finite(f"numbers in {name}", tensor)
    return tensor


# --- Images ---------------------------------------------------------------------------


def to_float(images: Any) -> Tensor:
    """Return images as float32 (N, 1, 28, 28) in [0, 1], in memory of their own.

    images: uint8 from 0 to 255 or floats from 0 to 1, (N, 28, 28) or (N, 1, 28, 28), torch
        or NumPy. Floats are not divided again.
    Raises ValueError for another shape, type or range, for NaN, and for a mask of 0 and 1 in
    uint8, which would all but vanish.
    """
    return own_floats(images_of(images))


def own_floats(images: Tensor) -> Tensor:
    """Return images that were checked before as `to_float` does; a part is not checked again.

    A dark picture with noise is a mask to `to_float`, unless it comes with brighter ones.
    """
    images = images.unsqueeze(1) if images.ndim == 3 else images
    if images.dtype == torch.uint8:
        return images.float().div_(255)
    return images.to(torch.float32, copy=True)


def floats_of(images: Any) -> Tensor:
    """Return what `to_float` returns, without a copy where none is needed: only to be read."""
    tensor = images_of(images)
    return own_floats(tensor) if tensor.dtype == torch.uint8 else tensor.float()


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
        _no_mask(tensor, "images")
        return tensor
    if not tensor.dtype.is_floating_point:
        raise ValueError(_wrong_type(tensor, "images"))
    _check_range(tensor, 0.0)
    return tensor


def _no_mask(images: Tensor, name: str) -> None:
    """Raise ValueError for bytes that are a mask: 1 for ink, which is next to nothing of 255.

    A black picture has only 0s, and one that is black but for some noise has few 1s.
    """
    if not images.numel() or int(images.amax()) != 1:
        return
    if float(images.count_nonzero()) >= MASK * images.numel():
        raise ValueError(
            f"{name} must be uint8 from 0 to 255, but these hold only 0 and 1, of 255 next to "
            "nothing; if 1 is full ink, convert them with .float()"
        )


def _tensor_of(images: Any, name: str = "images") -> Tensor:
    if isinstance(images, Tensor):
        return _dense(name, images)
    if not isinstance(images, np.ndarray):
        raise ValueError(
            f"{name} must be a torch tensor or a NumPy array, got {type(images).__name__}"
        )
    return as_tensor(name, images)


def _wrong_type(tensor: Tensor, name: str) -> str:
    remedy = "if these are from 0 to 255, convert them with .to(torch.uint8)"
    if tensor.dtype == torch.bool:
        remedy = "if True is ink, convert them with .float()"
    return f"{name} must be uint8 from 0 to 255 or floats from 0 to 1, got {tensor.dtype}; {remedy}"


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
        _no_mask(tensor, name)
        return own_floats(tensor)
    if not tensor.dtype.is_floating_point:
        raise ValueError(_wrong_type(tensor, name))
    _all_finite(f"pixels of {name}", tensor)
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def ink_of(images: Any, name: str = "images", offset: bool = False) -> Tensor:
    """Return what `drawings_of` does, of drawings in which 0 is paper and 1 is full ink.

    They may leave [0, 1], as PCA's do, and those of a network without a last sigmoid do much
    more. offset: whether a constant may have been subtracted, so that paper lies below 0.
    Raises ValueError as `drawings_of` does, for floats from 0 to 255, and for paper below 0.
    """
    drawings = drawings_of(images, name)
    if not drawings.numel():
        return drawings
    low, high = (value.item() for value in torch.aminmax(drawings.detach()))
    said = f"{name} must have paper at 0 and full ink at 1, got values from {low:g} to {high:g}"
    if low >= 0 and high > BRIGHTEST:
        raise ValueError(f"{said}: {RANGES[-1][-1]}")
    # Most of any picture is paper, and a half of it tells more than what is darkest.
    if not offset and 2 * int((drawings < PAPER).count_nonzero()) > drawings.numel():
        raise ValueError(
            f"{said}, half of them below {PAPER}: if paper is -0.5, add 0.5, if it is -1, add 1 "
            "and divide by 2; if these are drawings that leave [0, 1] so far, clamp(0, 1) cuts them"
        )
    return drawings


def same_shape(reconstructions: Tensor, images: Tensor) -> None:
    """Raise ValueError unless both have the same shape: broadcasting would hide it."""
    if reconstructions.shape != images.shape:
        raise ValueError(
            f"reconstructions {tuple(reconstructions.shape)} and images {tuple(images.shape)} "
            "must have the same shape"
        )
