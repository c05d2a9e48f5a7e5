import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from aelib import metrics
from aelib.models import (
    UPSAMPLING,
    Autoencoder,
    Decoder,
    Encoder,
    Judge,
    check_images,
    upsampling_block,
)

KINDS = ["transpose", "transpose_k4", "nearest", "bilinear", "pixel_shuffle", "pixel_shuffle_icnr"]


def test_all_kinds_of_the_course_exist():
    assert list(UPSAMPLING) == KINDS


@pytest.mark.parametrize("kind", KINDS)
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


def test_a_numpy_integer_is_a_whole_number():
    assert Autoencoder(np.int64(2)).latent_dim == 2


@pytest.mark.parametrize("wrong", [-1, 1.5, "2", None, True])
def test_a_wrong_latent_dim_says_what_is_allowed(wrong):
    with pytest.raises(ValueError, match="latent_dim must be a whole number from 0"):
        Autoencoder(wrong)


def test_a_wrong_kind_lists_all_kinds():
    with pytest.raises(ValueError) as caught:
        Autoencoder(2, "bicubic")
    assert all(kind in str(caught.value) for kind in KINDS) and "'bicubic'" in str(caught.value)


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (torch.rand(28, 28), "shape"),
        (torch.rand(2, 1, 32, 32), r"\(2, 1, 32, 32\)"),
        (torch.rand(2, 3, 28, 28), "shape"),
        (torch.rand(2, 1, 28, 28).double(), "float32"),
        (torch.zeros(2, 1, 28, 28, dtype=torch.uint8), "to_float"),
        (torch.full((1, 1, 28, 28), 255.0), "255"),
        (np.zeros((2, 1, 28, 28), np.float32), "torch tensor, got ndarray"),
        (torch.full((1, 1, 28, 28), -0.5), r"\[0, 1\]"),
        (torch.full((1, 1, 28, 28), float("nan")), "nan"),
    ],
)
def test_wrong_images_are_named(x, said):
    for model in (Autoencoder(2), Judge()):
        with pytest.raises(ValueError, match=said):
            model(x)


def test_wrong_codes_are_named():
    with pytest.raises(ValueError, match=r"shape \(N, 3\), got \(5, 2\)"):
        Autoencoder(3).decode(torch.zeros(5, 2))
    with pytest.raises(ValueError, match=r"float32 tensor, got torch\.float64"):
        Autoencoder(3).decode(torch.zeros(5, 3).double())


def test_an_offset_moves_the_allowed_range():
    model = Autoencoder(2, offset=0.5)
    model(torch.rand(2, 1, 28, 28) - 0.5)
    with pytest.raises(ValueError, match=r"\[-0.5, 0.5\]"):
        model(torch.ones(2, 1, 28, 28))
    check_images(torch.empty(0, 1, 28, 28))  # no images, nothing wrong


def test_icnr_starts_as_a_nearest_resize_and_plain_pixel_shuffle_does_not():
    x = torch.rand(2, 8, 7, 7)

    def quads_equal(kind):
        y = upsampling_block(kind, 8, 4, 14)(x)
        quads = y.unfold(2, 2, 2).unfold(3, 2, 2).flatten(-2)
        return torch.allclose(quads, quads[..., :1].expand_as(quads), atol=1e-6)

    assert quads_equal("pixel_shuffle_icnr") and not quads_equal("pixel_shuffle")


def test_the_judge_scores_ten_classes():
    assert Judge().eval()(torch.rand(3, 1, 28, 28)).shape == (3, 10)


@pytest.mark.parametrize("offset", [1, 1.0, -0.1, True, "0.5"])
def test_an_offset_leaves_something_to_draw(offset):
    with pytest.raises(ValueError, match="not including, 1"):
        Autoencoder(2, offset=offset)


def test_parts_of_a_network_name_what_they_cannot_take():
    encoder, decoder = Encoder(3), Decoder(3)
    for images in (torch.zeros(2, 1, 28, 28, dtype=torch.uint8), np.zeros((2, 1, 28, 28)), None):
        with pytest.raises(ValueError, match=r"images must be a tensor of torch.float32.*to_float"):
            encoder(images)
    for codes in (torch.zeros(2, 3).double(), [[0.0] * 3]):
        with pytest.raises(ValueError, match=r"codes must be a tensor of torch.float32, as"):
            decoder(codes)
    with pytest.raises(ValueError, match=r"codes must have shape \(N, 3\), got \(2, 4\)"):
        decoder(torch.zeros(2, 4))
    with torch.autocast("cpu", torch.bfloat16):
        assert decoder(encoder(torch.rand(2, 1, 28, 28))).shape == (2, 1, 28, 28)


@pytest.mark.parametrize("wrong", [0, -1, True, 2.0, "2"])
def test_an_upsampling_block_needs_channels(wrong):
    for inputs, outputs in ((wrong, 2), (2, wrong)):
        with pytest.raises(ValueError, match=r"puts must be a whole number from 1 up, got"):
            upsampling_block("nearest", inputs, outputs, 14)


class Running(nn.Module):
    """It keeps a mean of what it sees, in eval mode, too; once in place, once as a new tensor."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(1))
        self.register_buffer("count", torch.zeros(1))

    def forward(self, x):
        self.mean.mul_(0.9).add_(0.1 * x.mean())
        self.count = self.count + 1
        return x - self.mean


def test_looking_leaves_what_a_layer_keeps(few):
    model = Running()
    images = few.floats()
    mean = model.mean
    drawn = metrics.reconstruct(model, images)
    assert torch.equal(drawn, metrics.reconstruct(model, images))
    assert model.mean is mean and mean.item() == model.count.item() == 0
