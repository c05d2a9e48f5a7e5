"""Models and numbers packed for the browser, where `network.js` reads them.

A packed model is a description of its layers and one string: its weights as integers of
few bits with a scale for each output channel, deflated, in base64. The batch norms are
gone: each is folded into the convolution before it.
"""

from __future__ import annotations

import base64
import copy
import zlib
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from aelib.models import UPSAMPLING, Autoencoder, Judge, PixelShuffleUp

WEIGHTED = nn.Conv2d | nn.ConvTranspose2d | nn.Linear
# Of a weight, by the numbers in a code: the fewer they are, the more hangs on each. With these the
# browser draws 99.9 % of the pixels as aelib does to 0.01, and encodes to 1 % of a code's spread.
BITS, BITS_OF = 11, {1: 13, 2: 12}


def _deflated(content: bytes) -> str:
    """Return bytes deflated, with repeats or, where noise only seems to repeat, without."""
    strategies = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY)
    packers = [zlib.compressobj(9, strategy=strategy) for strategy in strategies]
    found = [packer.compress(content) + packer.flush() for packer in packers]
    return base64.b64encode(min(found, key=len)).decode()


def pack_integers(values: np.ndarray, bits: int) -> bytes:
    """Return unsigned integers below 2**bits as bytes: all their upper 8 bits, then all the rest.

    The upper bytes of weights repeat a lot; the lower bits, if there are any, are noise, of which
    deflate packs those of several values into a byte.
    """
    flat, low = values.astype(np.uint16).ravel(), max(bits - 8, 0)
    planes = [flat >> low, flat & (2**low - 1)] if low else [flat]
    return np.stack(planes).astype(np.uint8).tobytes()


def pack_array(values: Tensor, bits: int) -> dict[str, Any]:
    """Return numbers of any shape, between their least and their largest, in `bits` bits each.

    Whole numbers whose range fits into the bits (at most 16) are packed without loss. A number is
    low + step * integer. Raises ValueError for those that are not finite: no integer is.
    """
    exact = values.double().numpy()
    if not np.isfinite(exact).all():
        raise ValueError("cannot pack numbers that are not finite")
    low, high = (float(exact.min()), float(exact.max())) if exact.size else (0.0, 0.0)
    whole = not values.dtype.is_floating_point and high - low < 2**bits
    step = 1.0 if whole else (high - low) / (2**bits - 1) or 1.0
    data = _deflated(pack_integers(np.rint((exact - low) / step), bits))
    return {"shape": list(values.shape), "bits": bits, "low": low, "step": step, "data": data}


def folded(model: nn.Module) -> Any:
    """Return a copy of a model, in float64 and eval mode, without batch norms.

    In eval mode they multiply and add, channel by channel, as the layer before them can do, too.
    """
    model = copy.deepcopy(model).double().eval()
    for chain in [module for module in model.modules() if isinstance(module, nn.Sequential)]:
        for place, norm in enumerate(chain):
            if isinstance(norm, nn.BatchNorm2d):
                _fold(chain[place - 1], norm)
                chain[place] = nn.Identity()
    return model


@torch.no_grad()
def _fold(before: nn.Module, norm: Any) -> None:
    layer: Any = next(each for each in before.modules() if isinstance(each, WEIGHTED))
    factor = norm.weight / (norm.running_var + norm.eps).sqrt()
    shift = norm.bias - norm.running_mean * factor
    if isinstance(before, PixelShuffleUp):  # four maps of the convolution make one of these
        factor, shift = factor.repeat_interleave(4), shift.repeat_interleave(4)
    output_first(layer).mul_(_each(factor, layer))
    layer.bias.mul_(factor).add_(shift)


def output_first(layer: Any) -> Tensor:
    """Return a view of a layer's weights whose first axis is the output channel."""
    weight = layer.weight.detach()
    return weight.transpose(0, 1) if isinstance(layer, nn.ConvTranspose2d) else weight


def _each(values: Tensor, layer: Any) -> Tensor:
    """Return one number an output channel, shaped to multiply the layer's weights."""
    return values.view(-1, *[1] * (layer.weight.ndim - 1))


def describe(module: nn.Module) -> list[tuple[dict[str, Any], Any]]:
    """Return a layer, or a chain of layers, in plain words, each with what holds its weights.

    Raises ValueError for a layer that the browser does not know.
    """
    match module:
        case nn.Conv2d() | nn.ConvTranspose2d():
            kind = "convolution" if isinstance(module, nn.Conv2d) else "transposed convolution"
            sizes = {"inputs": module.in_channels, "outputs": module.out_channels}
            steps = {"kernel": module.kernel_size[0], "stride": module.stride[0]}
            around, extra = int(module.padding[0]), int(module.output_padding[0])
            padding = [around, around - extra]  # before the first row and column, after the last
            return [({"kind": kind, **sizes, **steps, "padding": padding}, module)]
        case PixelShuffleUp():
            # An odd size is cut from a grid that needs one more row and column to grow from.
            woven = describe(module.conv)[0][0] | {"padding": [1, 1 + module.size % 2]}
            return [(woven, module.conv), ({"kind": "pixel shuffle", "size": module.size}, None)]
        case nn.BatchNorm2d():
            return [({"kind": "norm", "channels": module.num_features}, module)]
        case nn.Linear(in_features=inputs, out_features=outputs):
            return [({"kind": "linear", "inputs": inputs, "outputs": outputs}, module)]
        case nn.Unflatten():
            return [({"kind": "reshape", "shape": list(module.unflattened_size)}, None)]
        case nn.Upsample():
            return [({"kind": module.mode, "size": module.size}, None)]
        case nn.MaxPool2d():
            return [({"kind": "largest of 2 x 2"}, None)]
        case nn.Flatten() | nn.ReLU() | nn.Sigmoid():
            return [({"kind": type(module).__name__.lower()}, None)]
        case nn.Identity() | nn.Dropout():
            return []  # the numbers stay as they are
        case nn.Sequential() | Judge():
            return [layer for each in module.children() for layer in describe(each)]
    raise ValueError(f"the browser has no layer {type(module).__name__}")


def pack_model(model: Autoencoder | Judge) -> dict[str, Any]:
    """Return an autoencoder or the judge, packed.

    "parts" are lists of layers, "encoder" and "decoder" or "classifier". "data" is for each layer
    that has weights, in order, its scales and biases as float32; then the integers of all weights,
    output channel first, moved up by half their range so that none is negative.
    """
    exact, bits = folded(model), BITS_OF.get(getattr(model, "latent_dim", 0), BITS)
    parts = {"classifier": exact}
    if isinstance(model, Autoencoder):
        parts = {"encoder": exact.encoder, "decoder": exact.decoder}
    described = {name: describe(part) for name, part in parts.items()}
    middle, floats, integers = 2 ** (bits - 1), [], []
    for layer in [layer for part in described.values() for _, layer in part if layer is not None]:
        weight = output_first(layer)
        largest = weight.abs().flatten(1).amax(1) if weight.numel() else torch.zeros(len(weight))
        scale = (largest / (middle - 1)).float()
        scale[scale == 0] = 1.0
        floats += [scale, layer.bias.detach().float()]
        integers.append((weight / _each(scale.double(), layer)).round().flatten() + middle)
    content = torch.cat(floats).numpy().astype("<f4").tobytes()
    return {
        "parts": {name: [words for words, _ in part] for name, part in described.items()},
        "bits": bits,
        "offset": getattr(model, "offset", 0.0),
        "data": _deflated(content + pack_integers(torch.cat(integers).numpy(), bits)),
    }


def describe_untrained() -> dict[str, Any]:
    """Return the layers of `Autoencoder(1, kind)` for each way of up-sampling.

    Those that learn have their "name" in its state. With another code only the encoder's last and
    the decoder's first layer have other sizes.
    """
    result = {}
    for kind in UPSAMPLING:
        with torch.device("meta"):
            model = Autoencoder(1, kind)
        names = {module: {"name": name} for name, module in model.named_modules()}
        parts = {"encoder": model.encoder, "decoder": model.decoder}
        result[kind] = {
            part: [words | names.get(layer, {}) for words, layer in describe(chain)]
            for part, chain in parts.items()
        }
    return result
