import copy

import pytest
import torch

from aelib.models import UPSAMPLING, Autoencoder, Judge
from aelib.training import reconstruction_loss
from aelib.workshop.batch_last import BatchLast


@pytest.mark.parametrize("kind", ["transpose", "transpose_k4", "nearest", "nearest_k5"])
@pytest.mark.parametrize("latent_dim", [0, 2, 16])
def test_it_is_the_same_network(kind, latent_dim):
    torch.manual_seed(0)
    plain = Autoencoder(latent_dim, kind)
    fast = copy.deepcopy(plain)
    x = torch.rand(32, 1, 28, 28)
    assert torch.allclose(plain(x), BatchLast(fast)(x), atol=1e-6)
    reconstruction_loss(plain, x, None).backward()
    reconstruction_loss(BatchLast(fast), x, None).backward()
    for (name, a), b in zip(plain.named_parameters(), fast.parameters(), strict=True):
        if a.grad is not None and a.numel():
            assert torch.allclose(a.grad, b.grad, rtol=1e-4, atol=1e-7), name
    for (name, a), b in zip(plain.named_buffers(), fast.buffers(), strict=True):
        assert torch.allclose(a, b, atol=1e-6), name


def test_it_says_what_it_cannot_run():
    able = [kind for kind in UPSAMPLING if BatchLast.supports(Autoencoder(2, kind))]
    assert able == ["transpose", "transpose_k4", "nearest"]
    assert not BatchLast.supports(Judge())
