import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from aelib import optim
from aelib.models import Autoencoder, Judge
from aelib.optim import COURSE, MUON_SCALES, ORIGINAL, KernelMuon, Recipe, orthogonalised


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
    kernels = optim.make_optimizers(model, COURSE)[1].param_groups
    kernels = [kernel for group in kernels for kernel in group["params"]]
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


@pytest.mark.parametrize(
    ("model", "count"), [(Autoencoder(4), 9), (Autoencoder(0), 7), (Judge(), 3)]
)
def test_muon_takes_every_weight_but_the_first_and_adam_the_rest(model, count):
    adam, muon = optim.make_optimizers(model, COURSE)
    taken, rest = ([p for g in o.param_groups for p in g["params"]] for o in (muon, adam))
    assert len(taken) == count
    assert len({id(p) for p in (*taken, *rest)}) == len(taken) + len(rest)
    assert sum(p.numel() for p in (*taken, *rest)) == sum(p.numel() for p in model.parameters())


def test_a_shared_weight_is_moved_once_and_a_frozen_one_not_at_all():
    first, shared, frozen = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)
    frozen.requires_grad_(False)
    model = nn.Sequential(first, shared, shared, first, frozen)
    adam, muon = optim.make_optimizers(model, COURSE)
    assert [p is shared.weight for g in muon.param_groups for p in g["params"]] == [True]
    assert len(adam.param_groups[0]["params"]) == 3, "the first weight and two biases"


def test_without_muon_adam_takes_everything():
    model = Autoencoder(4)
    (adam,) = optim.make_optimizers(model, ORIGINAL)
    assert len(adam.param_groups[0]["params"]) == len(list(model.parameters()))
    assert adam.defaults["weight_decay"] == 1e-5


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0}, {"adam_lr": 0.0}, {"adam_lr": float("nan")}, {"muon_lr": 0.0},
        {"muon_lr": -0.1}, {"warmup": 0.0}, {"warmup": 1.0}, {"warmup": 1.5},
    ],
)  # fmt: skip
def test_a_recipe_that_cannot_work_is_refused(wrong):
    with pytest.raises(ValueError, match="must be above 0"):
        Recipe(**({"epochs": 1, "batch_size": 8, "adam_lr": 1e-3} | wrong))


@settings(deadline=None)
@given(total=st.integers(2, 5000), warmup=st.floats(0.01, 0.99))
def test_one_cycle_rises_and_falls_between_zero_and_one(total, warmup):
    factors = [optim.learning_rate_factor(s, total, warmup) for s in (0, total // 2, total - 1)]
    assert all(0 < factor <= 1 for factor in factors)
    peak = max(optim.learning_rate_factor(s, total, warmup) for s in range(min(total, 200)))
    assert factors[2] <= peak and optim.learning_rate_factor(0, total, None) == 1
