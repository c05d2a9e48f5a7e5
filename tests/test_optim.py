import pytest
import torch
from torch import nn

from aelib import optim
from aelib.models import Autoencoder, Judge
from aelib.optim import COURSE, MUON_SCALES, ORIGINAL, KernelMuon, Recipe


@pytest.mark.parametrize("scale", list(MUON_SCALES))
def test_a_step_is_that_of_torchs_muon(scale, monkeypatch):
    # torch computes the direction in bfloat16; here in float32, to compare to the last digits.
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.float)  # as torch < 2.15 does it
    monkeypatch.setattr(torch, "bfloat16", torch.float32)
    torch.manual_seed(0)
    model = Autoencoder(4)
    model(torch.rand(16, 1, 28, 28)).square().mean().backward()
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


def test_the_layout_in_memory_makes_no_difference():
    torch.manual_seed(0)
    gradient, steps = torch.randn(16, 8, 3, 3), []
    for layout in (torch.contiguous_format, torch.channels_last):
        kernel = nn.Parameter(torch.zeros(16, 8, 3, 3).to(memory_format=layout))
        kernel.grad = gradient.to(memory_format=layout)
        KernelMuon([kernel], lr=0.1, scale="original").step()
        steps.append(kernel.detach())
    assert steps[0].abs().max() > 0.001 and torch.allclose(*steps, atol=1e-5)
    kernel.grad.zero_()
    KernelMuon([kernel], lr=0.1, scale="original").step()
    assert torch.equal(kernel, steps[1]), "a gradient of zeros moves nothing"


@pytest.mark.parametrize(("model", "count"), [(Autoencoder(4), 9), (Judge(), 3)])
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
    [{"epochs": 0}, {"adam_lr": float("nan")}, {"muon_lr": 0.0}, {"warmup": 0.0}, {"warmup": 1.0}],
)
def test_a_recipe_that_cannot_work_is_refused(wrong):
    with pytest.raises(ValueError, match="must be above 0"):
        Recipe(**({"epochs": 1, "batch_size": 8, "adam_lr": 1e-3} | wrong))


@pytest.mark.parametrize(("total", "warmup"), [(2, 0.01), (100, 0.2)])
def test_one_cycle_rises_and_falls_between_zero_and_one(total, warmup):
    factors = [optim.learning_rate_factor(step, total, warmup) for step in range(total)]
    assert all(0 < factor <= 1 for factor in factors) and factors[-1] < max(factors)
    assert optim.learning_rate_factor(0, total, None) == 1
