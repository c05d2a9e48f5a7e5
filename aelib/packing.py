"""Models and numbers packed for the browser: small, and plain enough to be read by hand.

A packed model is a description of its layers and one string: its weights as integers of
few bits with a scale for each output channel, deflated, in base64. The batch norms are
gone: each is folded into the convolution before it. `aelib/explorer/explorer.js` reads it.
"""

from __future__ import annotations

import base64
import copy
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from aelib.checks import as_tensor, whole_number
from aelib.models import Autoencoder, Judge, PixelShuffleUp

BITS = range(11, 17)  # of a weight; fewer miss the goal with every model of the course
# What the browser draws may differ from what aelib draws by this much, in 99.9 % of the
# pixels: 0.01; and codes by 1 % of their spread. On other images than those that choose the
# bits it may be more, so less is asked of these.
PIXEL_GOAL, CODE_GOAL, BEYOND = 0.008, 0.008, 0.0003
WEIGHTED = nn.Conv2d | nn.ConvTranspose2d | nn.Linear
Layer = tuple[dict[str, Any], Any]  # what it is, and who holds its weights


# --- Numbers --------------------------------------------------------------------------


def deflated(content: bytes) -> str:
    """Return bytes deflated (zlib) and in base64."""
    return base64.b64encode(zlib.compress(content, 9)).decode()


def pack_integers(values: np.ndarray, bits: int) -> bytes:
    """Return unsigned integers below 2**bits as bytes: the upper 8 bits of all, then the rest.

    The upper bytes of weights repeat a lot and deflate well; the lower bits are noise, and
    follow without gaps, the first bit of a value first. With 8 bits or fewer there is no rest.
    """
    flat = values.astype(np.uint32).ravel()
    low = max(bits - 8, 0)
    upper = (flat >> low).astype(np.uint8)
    rest = (flat[:, None] >> np.arange(low - 1, -1, -1, dtype=np.uint32)) & 1
    return upper.tobytes() + np.packbits(rest.astype(np.uint8)).tobytes()


def unpack_integers(packed: bytes, count: int, bits: int) -> np.ndarray:
    """Return the `count` integers that `pack_integers` has packed."""
    low = max(bits - 8, 0)
    values = np.frombuffer(packed, np.uint8, count).astype(np.int64) << low
    if low:
        rest = np.unpackbits(np.frombuffer(packed, np.uint8, offset=count), count=count * low)
        values += rest.reshape(count, low).astype(np.int64) @ (1 << np.arange(low - 1, -1, -1))
    return values


def pack_array(values: Tensor, bits: int) -> dict[str, Any]:
    """Return numbers of any shape, between their least and their largest, in `bits` bits each.

    Whole numbers whose range fits into the bits are packed without loss. The result has
    "shape", "bits", "low", "step" and "data"; a number is low + step * integer.
    Raises ValueError for numbers that are not finite, or for bits outside 1 to 16.
    """
    bits = whole_number("bits", bits, 1, 16)
    values = as_tensor("values", values)
    if not bool(values.double().isfinite().all()):
        raise ValueError("cannot pack numbers that are not finite")
    exact = values.double().numpy()
    low, high = (float(exact.min()), float(exact.max())) if exact.size else (0.0, 0.0)
    whole = not values.dtype.is_floating_point and high - low < 2**bits
    step = 1.0 if whole else (high - low) / (2**bits - 1) or 1.0
    integers = np.rint((exact - low) / step)
    return {
        "shape": list(values.shape),
        "bits": bits,
        "low": low,
        "step": step,
        "data": deflated(pack_integers(integers, bits)),
    }


def unpack_array(packed: dict[str, Any]) -> Tensor:
    """Return the numbers of `pack_array` again, rounded as they were packed, float64."""
    count = int(np.prod(packed["shape"]))
    content = zlib.decompress(base64.b64decode(packed["data"]))
    integers = torch.from_numpy(unpack_integers(content, count, packed["bits"]))
    return (packed["low"] + packed["step"] * integers.double()).view(packed["shape"])


def pack_images(images: Tensor) -> dict[str, Any]:
    """Return uint8 images (N, 28, 28) packed without loss, as `pack_array` does.

    Raises ValueError for images of another type.
    """
    images = as_tensor("images", images)
    if images.dtype != torch.uint8:
        raise ValueError(f"images must be uint8, got {images.dtype}")
    packed = {"shape": list(images.shape), "bits": 8, "low": 0.0, "step": 1 / 255}
    return packed | {"data": deflated(images.numpy().tobytes())}


# --- Models ---------------------------------------------------------------------------


def folded(model: nn.Module) -> nn.Module:
    """Return a copy of a model, in float64 and eval mode, whose batch norms do nothing.

    In eval mode a batch norm multiplies each channel and adds to it, which the convolution
    before it can do as well.
    """
    model = copy.deepcopy(model).double().eval()
    for chain in [module for module in model.modules() if isinstance(module, nn.Sequential)]:
        for place, norm in enumerate(chain):
            if isinstance(norm, nn.BatchNorm2d):
                _fold(chain[place - 1], norm)
                chain[place] = nn.Identity()
    return model


@torch.no_grad()
def _fold(before: nn.Module, norm: nn.BatchNorm2d) -> None:
    assert norm.running_mean is not None and norm.running_var is not None
    layer = _weighted(before)
    factor = norm.weight / (norm.running_var + norm.eps).sqrt()
    shift = norm.bias - norm.running_mean * factor
    if isinstance(before, PixelShuffleUp):  # four maps of the convolution make one of these
        factor, shift = factor.repeat_interleave(4), shift.repeat_interleave(4)
    weight = _output_first(layer)
    weight.mul_(factor.view(-1, *[1] * (weight.ndim - 1)))
    layer.bias.mul_(factor).add_(shift)


def _weighted(block: nn.Module) -> Any:
    """Return the one layer with weights of a block that may resize or weave as well."""
    found = [layer for layer in block.modules() if isinstance(layer, WEIGHTED)]
    assert len(found) == 1
    return found[0]


def _output_first(layer: Any) -> Tensor:
    """Return a view of a layer's weights whose first axis is the output channel."""
    weight = layer.weight.detach()
    return weight.transpose(0, 1) if isinstance(layer, nn.ConvTranspose2d) else weight


def _scales(weight: Tensor, bits: int) -> Tensor:
    """Return for each output channel what one step of its integers is worth, (channels,)."""
    if not weight.numel():
        return torch.ones(len(weight))
    largest = weight.abs().flatten(1).amax(1)
    steps = largest / (2 ** (bits - 1) - 1)
    return torch.where(steps > 0, steps, torch.ones_like(steps)).float()


@torch.no_grad()
def rounded(model: nn.Module, bits: int) -> nn.Module:
    """Return a copy of a folded model with the weights that the browser will have, float32."""
    model = copy.deepcopy(model)
    for layer in model.modules():
        if isinstance(layer, WEIGHTED):
            weight = _output_first(layer)
            scale = _scales(weight, bits).double().view(-1, *[1] * (weight.ndim - 1))
            weight.copy_((weight / scale).round() * scale)
    return model.float()


def describe(chain: nn.Module) -> list[Layer]:
    """Return a chain of layers in plain words, each with the module that holds its weights.

    Raises ValueError for a layer that the browser does not know.
    """
    return [layer for module in chain.children() for layer in _describe(module)]


def _describe(module: nn.Module) -> Iterator[Layer]:
    match module:
        case nn.Conv2d():
            padding = int(module.padding[0])
            yield _convolution("convolution", module, [padding, padding]), module
        case nn.ConvTranspose2d():
            padding, extra = int(module.padding[0]), int(module.output_padding[0])
            layer = _convolution("transposed convolution", module, [padding, padding - extra])
            yield layer, module
        case PixelShuffleUp():
            # An odd size is cut from a grid that needs one more row and column to grow from.
            last = 1 + module.size % 2
            yield _convolution("convolution", module.conv, [1, last]), module.conv
            yield {"kind": "pixel shuffle", "size": module.size}, None
        case nn.Linear():
            sizes = {"inputs": module.in_features, "outputs": module.out_features}
            yield {"kind": "linear", **sizes}, module
        case nn.Upsample():
            yield {"kind": module.mode, "size": module.size}, None
        case nn.MaxPool2d():
            yield {"kind": "largest of 2 x 2"}, None
        case nn.ReLU():
            yield {"kind": "relu"}, None
        case nn.Sigmoid():
            yield {"kind": "sigmoid"}, None
        case nn.Sequential():
            yield from describe(module)
        case nn.Flatten() | nn.Unflatten() | nn.Identity() | nn.Dropout():
            pass  # the numbers stay as they are, in the same order
        case _:
            raise ValueError(f"the browser has no layer {type(module).__name__}")


def _convolution(kind: str, layer: Any, padding: list[int]) -> dict[str, Any]:
    return {
        "kind": kind,
        "inputs": layer.in_channels,
        "outputs": layer.out_channels,
        "kernel": layer.kernel_size[0],
        "stride": layer.stride[0],
        "padding": padding,  # before the first row and column, and after the last
    }


def pack_model(model: nn.Module, images: Tensor, bits: int | None = None) -> dict[str, Any]:
    """Return an autoencoder or the judge, packed.

    images: (N, 1, 28, 28) in [0, 1]; with them the fewest bits are found that keep what is
    drawn within the goals of this module. bits: of a weight, if they are known.

    The result has "parts", lists of layers (an autoencoder's are "encoder" and "decoder",
    the judge's is "classifier"), "bits", "offset", and "data": for each layer that has
    weights, in order, its scales and biases as float32; then the integers of all weights,
    output channel first, moved up by half their range so that none is negative.
    Raises ValueError for another model, and for images that are too few to judge by.
    """
    if not isinstance(model, Autoencoder | Judge):
        raise ValueError(f"can pack an Autoencoder or the Judge, got {type(model).__name__}")
    exact = folded(model)
    bits = fewest_bits(exact, images) if bits is None else whole_number("bits", bits, 2, 16)
    parts = _parts(exact)
    layers = [layer for part in parts.values() for _, layer in part if layer is not None]
    floats, integers = [], []
    for layer in layers:
        weight = _output_first(layer)
        scale = _scales(weight, bits)
        steps = weight / scale.double().view(-1, *[1] * (weight.ndim - 1))
        floats += [scale, layer.bias.detach().float()]
        integers.append(steps.round().flatten())
    middle = 2 ** (bits - 1)
    content = torch.cat(floats).numpy().astype("<f4").tobytes()
    content += pack_integers((torch.cat(integers) + middle).numpy(), bits)
    return {
        "parts": {name: [words for words, _ in part] for name, part in parts.items()},
        "bits": bits,
        "offset": getattr(model, "offset", 0.0),
        "data": deflated(content),
    }


def _parts(model: nn.Module) -> dict[str, list[Layer]]:
    if isinstance(model, Autoencoder):
        return {"encoder": describe(model.encoder), "decoder": describe(model.decoder)}
    return {"classifier": describe(model)}


def fewest_bits(exact: nn.Module, images: Tensor) -> int:
    """Return the fewest bits with which a folded model keeps the goals on `images`.

    For an autoencoder: pixels and codes. For the judge: the shares that it gives the digits.
    The largest number there is if none is enough. Raises ValueError for fewer than 100 images.
    """
    if len(images) < 100:
        raise ValueError(f"need at least 100 images to choose the bits by, got {len(images)}")
    enough = (bits for bits in BITS if within_goals(exact, rounded(exact, bits), images))
    return next(enough, BITS[-1])


@torch.inference_mode()
def within_goals(exact: nn.Module, other: Any, images: Tensor) -> bool:
    """Return whether a model draws and encodes as a folded one does."""
    reference: Any = copy.deepcopy(exact).float()
    if not isinstance(exact, Autoencoder):
        difference = reference(images).softmax(1) - other(images).softmax(1)
        return bool(difference.abs().max() <= PIXEL_GOAL)
    x = images - exact.offset
    codes, theirs = reference.encode(x), other.encode(x)
    drawn = (reference.decode(codes) - other.decode(theirs)).abs().flatten()
    beyond = (drawn > PIXEL_GOAL).double().mean()
    spread = codes.std(0) if exact.latent_dim else 1.0
    astray = ((codes - theirs).abs() > CODE_GOAL * spread).double()
    return bool(beyond <= BEYOND) and bool((astray.mean(0) <= BEYOND).all())
