import math

import pytest
import torch
from torch import nn

from aelib import optim
from aelib.models import Autoencoder, Judge
from aelib.optim import COURSE, MUON_SCALES, KernelMuon, orthogonalised


def with_gradients(model, x):
    model(x).square().mean().backward()
    return model


@pytest.mark.parametrize("scale", list(MUON_SCALES))
def test_a_step_is_that_of_torchs_muon(scale, monkeypatch):
    # torch computes the direction in bfloat16; here in float32, to compare to the last digits.
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.float)  # as torch < 2.15 does it
    monkeypatch.setattr(torch, "bfloat16", torch.float32)
    torch.manual_seed(0)
    model = with_gradients(Autoencoder(4), torch.rand(16, 1, 28, 28))
    kernels = optim._muon_kernels(model)
    matrices = [nn.Parameter(kernel.detach().flatten(1).clone()) for kernel in kernels]
    for matrix, kernel in zip(matrices, kernels, strict=True):
        matrix.grad = kernel.grad.flatten(1).clone()
    ours = KernelMuon(kernels, lr=0.1, scale=scale)
    torchs = torch.optim.Muon(matrices, lr=0.1, weight_decay=0.0, adjust_lr_fn=scale)
    before = [kernel.detach().flatten(1).clone() for kernel in kernels]
    for _ in range(2):  # the second has momentum
        ours.step()
        torchs.step()
    for kernel, matrix, start in zip(kernels, matrices, before, strict=True):
        moved, expected = kernel.flatten(1) - start, matrix - start
        assert (moved - expected).norm() < 1e-4 * expected.norm()


def test_torchs_own_rounding_is_all_that_differs():
    torch.manual_seed(0)
    ours, torchs = (nn.Parameter(torch.zeros(32, 144)) for _ in range(2))
    ours.grad = torchs.grad = torch.randn(32, 144)
    KernelMuon([ours], 0.1, "original").step()
    torch.optim.Muon([torchs], 0.1, weight_decay=0.0).step()
    assert (ours - torchs).norm() < 0.02 * torchs.norm()


def test_it_moves_the_kernels_themselves_along_an_orthogonal_direction():
    torch.manual_seed(0)
    conv = nn.Conv2d(2, 4, 3)
    before = conv.weight.detach().clone()
    with_gradients(conv, torch.rand(1, 2, 8, 8))
    KernelMuon([conv.weight], lr=0.1, scale="match_rms_adamw").step()
    singular = torch.linalg.svdvals((conv.weight - before).flatten(1))
    expected = 0.1 * 0.2 * math.sqrt(18)
    assert 0.6 * expected < singular.min() and singular.max() < 1.3 * expected


def test_the_layout_in_memory_makes_no_difference():
    torch.manual_seed(0)
    x, steps = torch.rand(4, 8, 9, 9), []
    start = nn.Conv2d(8, 16, 3).state_dict()
    for layout in (torch.contiguous_format, torch.channels_last):
        conv = nn.Conv2d(8, 16, 3)
        conv.load_state_dict(start)
        conv.to(memory_format=layout)
        assert conv.weight.is_contiguous(memory_format=layout)
        with_gradients(conv, x)
        KernelMuon([conv.weight], lr=0.1, scale="original").step()
        steps.append(conv.weight.detach() - start["weight"])
    assert steps[0].abs().max() > 0.001
    assert torch.allclose(*steps, atol=1e-5)


def test_a_kernel_does_not_feel_who_shares_its_stack():
    torch.manual_seed(0)
    alone, other = (nn.Linear(6, 5) for _ in range(2))
    twin = nn.Linear(6, 5)
    twin.load_state_dict(alone.state_dict())
    for layer in (alone, twin, other):
        with_gradients(layer, torch.ones(3, 6))
    KernelMuon([alone.weight], 0.1, "original").step()
    KernelMuon([other.weight, twin.weight], 0.1, "original").step()
    assert torch.allclose(alone.weight, twin.weight, atol=1e-6)


@pytest.mark.parametrize("shape", [(8, 9), (16, 72), (128, 32), (32, 32)])
def test_singular_values_become_about_one_and_directions_stay(shape):
    torch.manual_seed(0)
    u, _, v = torch.linalg.svd(torch.randn(shape), full_matrices=False)
    values = torch.logspace(0, -2, len(v))
    found = orthogonalised(((u * values) @ v)[None])[0]
    singular = torch.linalg.svdvals(found)
    assert singular.min() > 0.5 and singular.max() < 1.3
    along = u.T @ found @ v.T
    assert torch.allclose(along, along.diagonal().diag(), atol=1e-4)


def test_a_gradient_of_zeros_moves_nothing():
    layer = nn.Linear(3, 3)
    layer.weight.grad = torch.zeros(3, 3)
    before = layer.weight.detach().clone()
    KernelMuon([layer.weight], 0.1, "original").step()
    assert torch.equal(layer.weight, before)


def test_a_kernel_without_gradient_is_said():
    with pytest.raises(ValueError, match="no kernel has a gradient"):
        KernelMuon([nn.Linear(3, 3).weight], 0.1, "original").step()


def test_a_scale_that_does_not_exist_lists_those_that_do():
    with pytest.raises(ValueError, match="match_rms_adamw, original; got 'loud'"):
        KernelMuon([nn.Linear(3, 3).weight], 0.1, "loud")


@pytest.mark.parametrize(
    ("model", "count"), [(Autoencoder(4), 9), (Autoencoder(0), 7), (Judge(), 3)]
)
def test_muon_takes_every_weight_but_the_first_and_adam_the_rest(model, count):
    adam, muon = optim.make_optimizers(model, COURSE)
    taken, rest = ([p for g in o.param_groups for p in g["params"]] for o in (muon, adam))
    assert len(taken) == count
    assert len({id(p) for p in (*taken, *rest)}) == len(taken) + len(rest)
    assert sum(p.numel() for p in (*taken, *rest)) == sum(p.numel() for p in model.parameters())
