"""Recipes for training, and the optimisers that follow them. Source: notebook 2."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

# How far Muon goes with a matrix of so many rows and columns, see `Recipe.muon_scale`.
MUON_SCALES: dict[str, Callable[[int, int], float]] = {
    "match_rms_adamw": lambda rows, columns: 0.2 * math.sqrt(max(rows, columns)),
    "original": lambda rows, columns: math.sqrt(max(1, rows / columns)),
}


@dataclass(frozen=True)
class Recipe:
    """How a model is trained; ValueError for settings with which nothing moves, or uphill.

    epochs, batch_size: passes over the training images, and images per step.
    adam_lr, muon_lr: the highest learning rates; muon_lr=None trains all parameters with Adam.
    muon_scale: how Muon's step depends on a matrix's shape, torch's adjust_lr_fn: "match_rms_adamw"
        moves weights as much in large matrices as in small ones, "original" moves them less there.
    warmup: the share of steps in which the rates rise from zero, to fall in a straight line to zero
        after it; None keeps them constant.
    weight_decay: Adam's L2 penalty.
    """

    epochs: int
    batch_size: int
    adam_lr: float
    muon_lr: float | None = None
    muon_scale: str = "match_rms_adamw"
    warmup: float | None = None
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        above_zero = (self.epochs, self.adam_lr, self.muon_lr, self.warmup)
        if not all(x is None or x > 0 for x in above_zero) or (self.warmup or 0) >= 1:
            raise ValueError(f"epochs and rates must be above 0, and warmup below 1: {self}")


ORIGINAL = Recipe(epochs=50, batch_size=128, adam_lr=1e-3, weight_decay=1e-5)  # the tutorial's
# What the course does: a lower error after as many passes (notebook 2). Half and twice its rates
# are no better on validation images, see `zoo.measured("step_sizes")`. Codes of one to six numbers
# are easily thrown about by large steps and want the gentle one; with more, bold steps win.
COURSE = Recipe(epochs=14, batch_size=128, adam_lr=1e-2, muon_lr=0.1, warmup=0.1)
ONE_DIGIT = Recipe(24, 64, adam_lr=1e-2, muon_lr=0.1, warmup=0.1)  # for some six thousand images
# Adam alone. Half and twice its rate, adam/half and adam/twice, end within one per cent of it.
SCHEDULED_ADAM = Recipe(epochs=14, batch_size=128, adam_lr=1e-2, warmup=0.1)
GENTLE = Recipe(14, 128, adam_lr=1e-2, muon_lr=0.02, muon_scale="original", warmup=0.1)

MOMENTUM = 0.95


class KernelMuon(torch.optim.Optimizer):
    """Muon for the weights of linear and convolutional layers: each step is orthogonal.

    A weight is read as a matrix, its first axis against all others. The step is the gradient with
    momentum, turned into the nearest matrix whose singular values are all about one, so that no
    direction is neglected because its gradients happen to be small. A test holds it equal to
    `torch.optim.Muon`, which takes matrices only, and computes in bfloat16: by that our small ones
    gain nothing, and some processors are ten times slower. scale: see `Recipe`.
    Source: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/; notebook 2.
    """

    def __init__(self, kernels: Sequence[nn.Parameter], lr: float, scale: str) -> None:
        same_shape: dict[tuple[int, ...], list[nn.Parameter]] = {}
        for kernel in kernels:
            same_shape.setdefault(kernel.flatten(1).shape, []).append(kernel)
        stacks = [{"params": stack} for stack in same_shape.values()]
        super().__init__(stacks, {"lr": lr, "scale": scale})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Move every kernel by one step along its orthogonalised gradient."""
        for group in self.param_groups:
            kernels = group["params"]
            # A layer that the loss does not depend on stays where it is.
            found = [torch.zeros_like(k) if k.grad is None else k.grad for k in kernels]
            gradients = torch.stack([gradient.flatten(1) for gradient in found])
            momentum = self.state[kernels[0]].setdefault("momentum", torch.zeros_like(gradients))
            momentum.lerp_(gradients, 1 - MOMENTUM)
            # Nesterov: look ahead, to where the momentum is about to lead.
            ahead = gradients.lerp(momentum, MOMENTUM)
            rate = group["lr"] * MUON_SCALES[group["scale"]](*ahead.shape[1:])
            for kernel, direction in zip(kernels, orthogonalised(ahead), strict=True):
                kernel.sub_(direction.view_as(kernel), alpha=rate)


def orthogonalised(matrices: Tensor) -> Tensor:
    """Return matrices (N, rows, columns) with all singular values brought near to one.

    Five steps of a Newton-Schulz iteration send each singular value s through the polynomial
    a s + b s^3 + c s^5, which lifts the small ones fast: those that were above about 1/500 of the
    matrix's size end between 0.7 and 1.2. With X the matrix, a step is X -> a X + (b G + c G^2) X,
    where G = X X^T is the smaller of the two squares. Source: Jordan et al. 2024.
    """
    if matrices.shape[1] > matrices.shape[2]:
        return orthogonalised(matrices.mT).mT
    a, b, c = 3.4445, -4.7750, 2.0315  # Jordan's
    x = matrices / matrices.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(5):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x


def make_optimizers(model: nn.Module, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Return the optimisers of a recipe: Adam alone, or Muon and Adam for the rest.

    Muon takes the weights of all linear and convolutional layers but the first, which reads the
    image itself; Adam takes that, the biases and the batch norms.
    """
    layers = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
    weights = [layer.weight for layer in model.modules() if isinstance(layer, layers)]
    for_muon = {id(w) for w in weights if recipe.muon_lr is not None and w is not weights[0]}
    trained = [p for p in model.parameters() if p.requires_grad and p.numel()]
    rest = [p for p in trained if id(p) not in for_muon]
    adam = torch.optim.Adam(rest, recipe.adam_lr, weight_decay=recipe.weight_decay, fused=True)
    if recipe.muon_lr is None:
        return [adam]
    kernels = [p for p in trained if id(p) in for_muon]
    return [adam, KernelMuon(kernels, recipe.muon_lr, recipe.muon_scale)]


def learning_rate_factor(step: int, total: int, warmup: float | None) -> float:
    """Return what the learning rates are multiplied by at a step (0 to total - 1)."""
    if warmup is None:
        return 1.0
    done = (step + 1) / (total + 1)
    return min(done / warmup, (1 - done) / (1 - warmup))
