import pytest
import torch
from torch import nn

from aelib.models import UPSAMPLING, Autoencoder, looking_at, upsampling_block


@pytest.mark.parametrize("kind", [*UPSAMPLING, "nearest_k5"])
def test_shapes_and_range_hold_for_every_kind(kind):
    model, x = Autoencoder(3, kind).eval(), torch.rand(2, 1, 28, 28)
    z = model.encode(x)
    drawn = model.decode(z)
    assert z.shape == (2, 3)
    assert drawn.shape == x.shape and drawn.min() >= 0 and drawn.max() <= 1
    assert torch.equal(model(x), drawn)


def test_no_numbers_in_the_code_means_one_picture_for_all():
    model = Autoencoder(0).eval()
    drawn = model(torch.rand(3, 1, 28, 28))
    assert torch.equal(drawn[0], drawn[1])
    drawn.sum().backward()


def test_icnr_starts_as_a_nearest_resize_and_plain_pixel_shuffle_does_not():
    x = torch.rand(2, 8, 7, 7)

    def quads_equal(kind):
        y = upsampling_block(kind, 8, 4, 14)(x)
        quads = y.unfold(2, 2, 2).unfold(3, 2, 2).flatten(-2)
        return torch.allclose(quads, quads[..., :1].expand_as(quads), atol=1e-6)

    assert quads_equal("pixel_shuffle_icnr") and not quads_equal("pixel_shuffle")


def test_modes_come_back_after_an_error_too_and_a_model_may_have_no_numbers():
    model = nn.Sequential(nn.ReLU()).train()
    with pytest.raises(RuntimeError), looking_at(model) as device:
        assert device == torch.device("cpu")
        raise RuntimeError
    assert model.training
