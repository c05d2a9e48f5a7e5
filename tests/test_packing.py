import numpy as np
import pytest
import torch
from packed import inflated, unpack_array, unpack_integers
from torch import nn

from aelib import metrics, zoo
from aelib.explorer import packing
from aelib.explorer.payload import MODELS
from aelib.models import UPSAMPLING


@torch.no_grad()
def unpacked(model):
    """The model with the weights that the browser reads from the packed bytes, float32."""
    packed, again = packing.pack_model(model), packing.folded(model)
    layers = [layer for layer in again.modules() if isinstance(layer, packing.WEIGHTED)]
    channels = sum(len(layer.bias) for layer in layers)
    count = sum(layer.weight.numel() for layer in layers)
    content = inflated(packed["data"])
    floats = torch.from_numpy(np.frombuffer(content, "<f4", 2 * channels).copy())
    whole = unpack_integers(content[8 * channels :], count, packed["bits"])
    integers = torch.from_numpy(whole - 2 ** (packed["bits"] - 1)).double()
    for layer in layers:
        weight, outputs = packing.output_first(layer), len(layer.bias)
        scale, layer.bias[:], floats = floats.split([outputs, outputs, len(floats) - 2 * outputs])
        own, integers = integers.split([weight.numel(), len(integers) - weight.numel()])
        weight.copy_(own.view(weight.shape) * packing._each(scale.double(), layer))
    return again.float()


@pytest.mark.parametrize("bits", [5, 12])
def test_an_array_comes_back_within_half_a_step(bits):
    values = torch.randn(7, 11, generator=torch.Generator().manual_seed(0))
    packed = packing.pack_array(values, bits)
    again = unpack_array(packed)
    assert again.shape == values.shape
    assert (again - values).abs().max() <= packed["step"] / 2 + 1e-9
    whole = torch.tensor([[3, 1135], [0, 77]])
    assert torch.equal(unpack_array(packing.pack_array(whole, 11)).long(), whole)


def test_what_no_integer_and_no_browser_knows_is_said():
    with pytest.raises(ValueError, match="not finite"):
        packing.pack_array(torch.tensor([1.0, torch.nan]), 8)
    with pytest.raises(ValueError, match="no layer Tanh"):
        packing.describe(nn.Sequential(nn.Tanh()))


@pytest.mark.parametrize("kind", list(UPSAMPLING))
def test_a_folded_model_computes_the_same_without_batch_norms(kind, splits):
    model, images = zoo.load(f"up/{kind}/2"), splits.val[:50].floats()
    folded = packing.folded(model)
    assert not [m for m in folded.modules() if isinstance(m, nn.BatchNorm2d)]
    with torch.inference_mode():
        drawn = folded.decoder(folded.encoder(images.double()))
    assert torch.allclose(drawn.float(), metrics.reconstruct(model, images), atol=1e-5)


@pytest.mark.parametrize("name", sorted({name for names in MODELS.values() for name in names}))
def test_the_browser_draws_and_encodes_as_aelib_does(name, splits):
    """The bits are a rule: here every model of the explorer is held to what it is to achieve."""
    model, images = zoo.load(name), splits.val[::10].floats()
    again, exact = unpacked(model), packing.folded(model).float()
    with torch.inference_mode():
        codes, theirs = exact.encoder(images), again.encoder(images)
        drawn = (exact.decoder(codes) - again.decoder(theirs)).abs()
    assert (drawn > 0.01).double().mean() <= 0.001
    if model.latent_dim:
        astray = ((codes - theirs).abs() > 0.01 * codes.std(0)).double().mean(0)
        assert (astray <= 0.001).all()


def test_the_judge_reads_as_aelibs(splits):
    images, judge = splits.val[::10].floats(), zoo.judge()
    with torch.inference_mode():
        difference = judge(images).softmax(1) - unpacked(judge)(images).softmax(1)
    assert difference.abs().max() <= 0.01
