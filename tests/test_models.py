import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from aelib.models import UPSAMPLING, Autoencoder, Judge, looking_at, upsampling_block

KINDS = ["transpose", "transpose_k4", "nearest", "bilinear", "pixel_shuffle", "pixel_shuffle_icnr"]


def test_all_kinds_of_the_course_exist():
    assert list(UPSAMPLING) == KINDS


@pytest.mark.parametrize("kind", [*KINDS, "nearest_k5"])
@settings(max_examples=4, deadline=None)
@given(latent_dim=st.integers(0, 40), count=st.integers(1, 3))
def test_shapes_and_range_hold_for_every_kind_and_size(kind, latent_dim, count):
    model = Autoencoder(latent_dim, kind).eval()
    x = torch.rand(count, 1, 28, 28)
    z = model.encode(x)
    drawn = model.decode(z)
    assert z.shape == (count, latent_dim)
    assert drawn.shape == x.shape and drawn.min() >= 0 and drawn.max() <= 1
    assert torch.equal(model(x), drawn)


def test_the_layer_sizes_are_the_originals():
    model = Autoencoder(16)
    shapes = [tuple(p.shape) for name, p in model.named_parameters() if name.endswith("weight")]
    assert shapes == [
        (8, 1, 3, 3), (16, 8, 3, 3), (16,), (32, 16, 3, 3), (128, 288), (16, 128),
        (128, 16), (288, 128), (32, 16, 3, 3), (16,), (16, 8, 3, 3), (8,), (8, 1, 3, 3),
    ]  # fmt: skip


def test_no_numbers_in_the_code_means_one_picture_for_all():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = Autoencoder(0).eval()
    drawn = model(torch.rand(3, 1, 28, 28))
    assert torch.equal(drawn[0], drawn[1])
    drawn.sum().backward()


def test_models_are_plain_modules():
    x = torch.rand(2, 1, 28, 28)
    with torch.autocast("cpu", torch.bfloat16):
        assert Autoencoder(3)(x).shape == x.shape
    assert Autoencoder(3).double()(x.double()).dtype == torch.float64


@pytest.mark.parametrize("size", [14, 15])
@pytest.mark.parametrize("kind", KINDS)
def test_a_block_doubles(kind, size):
    x = torch.rand(2, 8, 7, 7)  # 7 -> 14 as in the network, and 7 -> 15 as its 3 -> 7
    assert upsampling_block(kind, 8, 4, size)(x).shape == (2, 4, size, size)


def test_icnr_starts_as_a_nearest_resize_and_plain_pixel_shuffle_does_not():
    x = torch.rand(2, 8, 7, 7)

    def quads_equal(kind):
        y = upsampling_block(kind, 8, 4, 14)(x)
        quads = y.unfold(2, 2, 2).unfold(3, 2, 2).flatten(-2)
        return torch.allclose(quads, quads[..., :1].expand_as(quads), atol=1e-6)

    assert quads_equal("pixel_shuffle_icnr") and not quads_equal("pixel_shuffle")


def test_the_judge_scores_ten_classes():
    assert Judge().eval()(torch.rand(3, 1, 28, 28)).shape == (3, 10)


def test_looking_leaves_modes_and_statistics_as_they_were():
    model = Autoencoder(2).train()
    model.decoder[6].eval()  # a layer of which only a reader knows why
    before = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [layer.training for layer in model.modules()]
    with looking_at(model) as device:
        assert device == torch.device("cpu") and not any(m.training for m in model.modules())
        assert not model(torch.rand(4, 1, 28, 28)).requires_grad
    assert [layer.training for layer in model.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_modes_come_back_after_an_error_too_and_a_model_may_have_no_numbers():
    model = nn.Sequential(nn.ReLU()).train()
    with pytest.raises(RuntimeError), looking_at(model) as device:
        assert device == torch.device("cpu")
        raise RuntimeError
    assert model.training
