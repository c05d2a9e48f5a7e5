import json

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from aelib import metrics, packing, zoo
from aelib.models import UPSAMPLING, Autoencoder, Judge


def trained_looking(model, seed=0):
    """A model whose batch norms have something to fold."""
    generator = torch.Generator().manual_seed(seed)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for tensor in (layer.weight.data, layer.running_var):
                tensor.copy_(torch.rand(len(tensor), generator=generator) + 0.5)
            for tensor in (layer.bias.data, layer.running_mean):
                tensor.copy_(torch.randn(len(tensor), generator=generator))
    return model.eval()


@pytest.fixture(scope="module")
def images(splits):
    return splits.val[:200].floats()


@given(st.lists(st.integers(0, 2**13 - 1), max_size=40))
@settings(max_examples=50, deadline=None)
def test_integers_come_back(values):
    import numpy as np

    array = np.array(values, np.int64)
    packed = packing.pack_integers(array, 13)
    assert packing.unpack_integers(packed, len(values), 13).tolist() == values


@pytest.mark.parametrize("bits", [5, 8, 12, 16])
def test_an_array_comes_back_within_half_a_step(bits):
    values = torch.randn(7, 11, generator=torch.Generator().manual_seed(0))
    before = values.clone()
    packed = packing.pack_array(values, bits)
    again = packing.unpack_array(packed)
    assert again.shape == values.shape and torch.equal(values, before)
    assert (again - values).abs().max() <= packed["step"] / 2 + 1e-9


def test_whole_numbers_come_back_exactly():
    values = torch.tensor([[3, 1135], [0, 77]])
    assert torch.equal(packing.unpack_array(packing.pack_array(values, 11)).long(), values)


def test_what_cannot_be_packed_is_said():
    with pytest.raises(ValueError, match="not finite"):
        packing.pack_array(torch.tensor([1.0, torch.nan]), 8)
    with pytest.raises(ValueError, match="1 to 16, got 17"):
        packing.pack_array(torch.ones(3), 17)
    with pytest.raises(ValueError, match=r"uint8, got torch\.float32"):
        packing.pack_images(torch.ones(1, 28, 28))
    with pytest.raises(ValueError, match="an Autoencoder or the Judge, got Linear"):
        packing.pack_model(nn.Linear(2, 2), torch.zeros(100, 1, 28, 28))
    with pytest.raises(ValueError, match=r"at least 100 images .* got 3"):
        packing.pack_model(Judge(), torch.zeros(3, 1, 28, 28))
    with pytest.raises(ValueError, match="no layer Tanh"):
        packing.describe(nn.Sequential(nn.Tanh()))


@pytest.mark.parametrize("kind", list(UPSAMPLING))
def test_a_folded_model_computes_the_same_without_batch_norms(kind, images):
    model = trained_looking(Autoencoder(3, kind))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    folded = packing.folded(model)
    assert not [m for m in folded.modules() if isinstance(m, nn.BatchNorm2d)]
    with torch.inference_mode():
        drawn = folded.decoder(folded.encoder(images.double()))
    assert torch.allclose(drawn.float(), metrics.reconstruct(model, images), atol=1e-5)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_bits_are_as_few_as_the_goals_allow(images):
    exact = packing.folded(zoo.load("latent/2"))
    bits = packing.fewest_bits(exact, images)
    assert packing.within_goals(exact, packing.rounded(exact, bits), images)
    assert not packing.within_goals(exact, packing.rounded(exact, bits - 3), images)


def test_a_packed_model_says_what_its_layers_are(images):
    packed = packing.pack_model(zoo.load("latent/4"), images)
    encoder, decoder = packed["parts"]["encoder"], packed["parts"]["decoder"]
    assert [layer["kind"] for layer in encoder] == [
        "convolution", "relu", "convolution", "relu", "convolution", "relu",
        "linear", "relu", "linear",
    ]  # fmt: skip
    assert encoder[-1] == {"kind": "linear", "inputs": 128, "outputs": 4}
    assert decoder[4] == {"kind": "transposed convolution", "inputs": 32, "outputs": 16,
                          "kernel": 3, "stride": 2, "padding": [0, 0]}  # fmt: skip
    assert decoder[6]["padding"] == [1, 0]  # an output padding of 1 takes one away at the end


def test_weights_come_back_from_the_packed_bytes(images):
    import base64
    import zlib

    import numpy as np

    model = zoo.load("latent/4")
    packed = packing.pack_model(model, images, bits=14)
    content = zlib.decompress(base64.b64decode(packed["data"]))
    first = packed["parts"]["encoder"][0]
    scale, bias = np.frombuffer(content, "<f4", 2 * first["outputs"]).reshape(2, -1)
    outputs = sum(
        layer["outputs"]
        for part in packed["parts"].values()
        for layer in part
        if "outputs" in layer
    )
    count = (len(content) - 8 * outputs) * 8 // 14
    integers = packing.unpack_integers(content[8 * outputs :], count, 14)
    weight = (integers[:72] - 2**13).reshape(8, 9) * scale[:, None]
    exact = model.encoder[0]
    assert np.allclose(weight, exact.weight.detach().flatten(1), atol=float(scale.max()))
    assert np.allclose(bias, exact.bias.detach())


def test_bits_are_whole_numbers_in_range(splits):
    images = splits.val[:100].floats()
    for wrong in (0, -3, 2.5, 40, True):
        with pytest.raises(ValueError, match="bits"):
            packing.pack_model(zoo.load("latent/2"), images, wrong)
        with pytest.raises(ValueError, match="bits"):
            packing.pack_array(torch.rand(3), wrong)
    packed = packing.pack_array(numpy.linspace(0, 1, 3), numpy.int64(8))
    assert json.loads(json.dumps(packed)) == packed
    assert packing.pack_images(splits.test.images[:2].numpy())["shape"] == [2, 28, 28]
