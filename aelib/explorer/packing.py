"""Models and numbers packed for the browser: small, and plain enough to be read by hand.

A packed model is a description of its layers and one string: its weights as integers of
few bits with a scale for each output channel, deflated, in base64. The batch norms are
gone: each is folded into the convolution before it. `network.js` reads it.
"""

from __future__ import annotations

import base64
import copy
import zlib
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from aelib.models import Autoencoder, Judge, PixelShuffleUp

WEIGHTED = nn.Conv2d | nn.ConvTranspose2d | nn.Linear
Layer = tuple[dict[str, Any], Any]  # what it is, and who holds its weights
PLAIN: dict[type, str] = {
    nn.Flatten: "flatten",
    nn.MaxPool2d: "largest of 2 x 2",
    nn.ReLU: "relu",
    nn.Sigmoid: "sigmoid",
}


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

    Whole numbers whose range fits into the bits (at most 16) are packed without loss. The result
    has "shape", "bits", "low", "step" and "data"; a number is low + step * integer.
    Raises ValueError for numbers that are not finite, which no integer can stand for.
    """
    exact = values.double().numpy()
    if not np.isfinite(exact).all():
        raise ValueError("cannot pack numbers that are not finite")
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
    """Return uint8 images (N, 28, 28) packed without loss, as `pack_array` does."""
    packed = {"shape": list(images.shape), "bits": 8, "low": 0.0, "step": 1 / 255}
    return packed | {"data": deflated(images.numpy().tobytes())}


# --- Models ---------------------------------------------------------------------------


def bits_of(model: nn.Module) -> int:
    """Return how many bits a weight needs, so that the browser draws what aelib draws.

    The fewer numbers a code has, the more hangs on each. With these, 99.9 % of the pixels are
    within 0.01 of aelib's, and of a code's numbers within 1 % of their spread.
    """
    return {1: 14, 2: 13}.get(getattr(model, "latent_dim", 0), 12)


def folded(model: nn.Module) -> Any:
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
    (layer,) = (each for each in before.modules() if isinstance(each, WEIGHTED))
    factor = norm.weight / (norm.running_var + norm.eps).sqrt()
    shift = norm.bias - norm.running_mean * factor
    if isinstance(before, PixelShuffleUp):  # four maps of the convolution make one of these
        factor, shift = factor.repeat_interleave(4), shift.repeat_interleave(4)
    output_first(layer).mul_(_each(factor, layer))
    assert layer.bias is not None
    layer.bias.mul_(factor).add_(shift)


def output_first(layer: Any) -> Tensor:
    """Return a view of a layer's weights whose first axis is the output channel."""
    weight = layer.weight.detach()
    return weight.transpose(0, 1) if isinstance(layer, nn.ConvTranspose2d) else weight


def _each(values: Tensor, layer: Any) -> Tensor:
    """Return one number an output channel, shaped to multiply the layer's weights."""
    return values.view(-1, *[1] * (layer.weight.ndim - 1))


def describe(module: nn.Module) -> list[Layer]:
    """Return a layer, or a chain of layers, in plain words, each with what holds its weights.

    Raises ValueError for a layer that the browser does not know.
    """
    match module:
        case nn.Conv2d():
            padding = int(module.padding[0])
            return [(_convolution("convolution", module, [padding, padding]), module)]
        case nn.ConvTranspose2d():
            padding, extra = int(module.padding[0]), int(module.output_padding[0])
            kind, around = "transposed convolution", [padding, padding - extra]
            return [(_convolution(kind, module, around), module)]
        case PixelShuffleUp():
            # An odd size is cut from a grid that needs one more row and column to grow from.
            woven = _convolution("convolution", module.conv, [1, 1 + module.size % 2])
            return [(woven, module.conv), ({"kind": "pixel shuffle", "size": module.size}, None)]
        case nn.Linear():
            sizes = {"inputs": module.in_features, "outputs": module.out_features}
            return [({"kind": "linear", **sizes}, module)]
        case nn.Unflatten():
            return [({"kind": "reshape", "shape": list(module.unflattened_size)}, None)]
        case nn.Upsample():
            return [({"kind": module.mode, "size": module.size}, None)]
        case nn.Flatten() | nn.MaxPool2d() | nn.ReLU() | nn.Sigmoid():
            return [({"kind": PLAIN[type(module)]}, None)]
        case nn.Identity() | nn.Dropout():
            return []  # the numbers stay as they are
        case nn.Sequential() | Judge():
            return [layer for each in module.children() for layer in describe(each)]
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


def pack_model(model: Autoencoder | Judge) -> dict[str, Any]:
    """Return an autoencoder or the judge, packed.

    The result has "parts", lists of layers (an autoencoder's are "encoder" and "decoder",
    the judge's is "classifier"), "bits", "offset", and "data": for each layer that has
    weights, in order, its scales and biases as float32; then the integers of all weights,
    output channel first, moved up by half their range so that none is negative.
    Raises ValueError for a layer that the browser does not know.
    """
    exact, bits = folded(model), bits_of(model)
    parts = {"classifier": exact}
    if isinstance(model, Autoencoder):
        parts = {"encoder": exact.encoder, "decoder": exact.decoder}
    described = {name: describe(part) for name, part in parts.items()}
    layers = [layer for part in described.values() for _, layer in part if layer is not None]
    middle = 2 ** (bits - 1)
    floats, integers = [], []
    for layer in layers:
        weight = output_first(layer)
        largest = weight.abs().flatten(1).amax(1) if weight.numel() else torch.zeros(len(weight))
        scale = (largest / (middle - 1)).float()
        scale[scale == 0] = 1.0
        floats += [scale, layer.bias.detach().float()]
        integers.append((weight / _each(scale.double(), layer)).round().flatten())
    content = torch.cat(floats).numpy().astype("<f4").tobytes()
    content += pack_integers((torch.cat(integers) + middle).numpy(), bits)
    return {
        "parts": {name: [words for words, _ in part] for name, part in described.items()},
        "bits": bits,
        "offset": getattr(model, "offset", 0.0),
        "data": deflated(content),
    }
