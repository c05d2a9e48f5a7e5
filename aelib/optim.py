"""Recipes for training, and the optimisers that follow them. Source: notebook 2."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from aelib.checks import LARGEST, real_number, whole_number
from aelib.models import check_weights

# How far Muon goes with a matrix of so many rows and columns, see `Recipe.muon_scale`.
MUON_SCALES: dict[str, Callable[[int, int], float]] = {
    "match_rms_adamw": lambda rows, columns: 0.2 * math.sqrt(max(rows, columns)),
    "original": lambda rows, columns: math.sqrt(max(1, rows / columns)),
}


@dataclass(frozen=True)
class Recipe:
    """How a model is trained.

    epochs, batch_size: passes over the training images, and images per step.
    adam_lr: Adam's (highest) learning rate.
    muon_lr: Muon's highest learning rate; None trains every parameter with Adam.
    muon_scale: how Muon scales the step of a matrix with its shape, torch's adjust_lr_fn:
        "match_rms_adamw" moves each weight as much in large matrices as in small ones,
        "original" moves the weights of large matrices less.
    warmup: None keeps the learning rates constant. Else they rise from zero over this
        share of all steps and then fall back to zero in a straight line.
    weight_decay: Adam's L2 penalty.

    Raises ValueError, which names the setting, for one that cannot be.
    """

    epochs: int
    batch_size: int
    adam_lr: float
    muon_lr: float | None = None
    muon_scale: str = "match_rms_adamw"
    warmup: float | None = None
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), 1))
        numbers = {
            "adam_lr": real_number("adam_lr", self.adam_lr, 0, open_low=True),
            "muon_lr": _or_none("muon_lr", self.muon_lr, "trains everything with Adam"),
            "warmup": _warmup(self.warmup),
            "weight_decay": real_number("weight_decay", self.weight_decay, 0),
        }
        for name, number in numbers.items():
            object.__setattr__(self, name, number)
        _check_scale("muon_scale", self.muon_scale)


def _warmup(value: Any) -> float | None:
    return _or_none("warmup", value, "keeps the learning rates constant", 1, open_high=True)


def _or_none(
    name: str, value: Any, none_means: str, high: float = LARGEST, open_high: bool = False
) -> float | None:
    """Return a number above 0, or None; raises ValueError, which says what None means."""
    try:
        return None if value is None else real_number(name, value, 0, high, True, open_high)
    except ValueError as error:
        raise ValueError(f"{error}; None {none_means}") from None


def _check_scale(name: str, value: Any) -> None:
    if not isinstance(value, str) or value not in MUON_SCALES:
        raise ValueError(f"{name} must be one of {', '.join(MUON_SCALES)}; got {value!r}")


# What the original tutorial does.
ORIGINAL = Recipe(epochs=50, batch_size=128, adam_lr=1e-3, weight_decay=1e-5)
# What the course does: a lower error after as many passes (notebook 2). Half and twice its
# rates are no better on validation images, see `zoo.step_sizes`. Codes of one to six numbers
# are easily thrown about by large steps and want the gentle one; with more, bold steps win.
COURSE = Recipe(epochs=14, batch_size=128, adam_lr=1e-2, muon_lr=0.1, warmup=0.1)
# For the five to six thousand images of one digit: smaller batches, more passes.
ONE_DIGIT = Recipe(24, 64, adam_lr=1e-2, muon_lr=0.1, warmup=0.1)
# Adam alone with the course's schedule. Half and twice its rate end within one per cent of
# it on validation images: they are recorded as adam/half and adam/twice.
SCHEDULED_ADAM = Recipe(epochs=14, batch_size=128, adam_lr=1e-2, warmup=0.1)
GENTLE = Recipe(14, 128, adam_lr=1e-2, muon_lr=0.02, muon_scale="original", warmup=0.1)

MOMENTUM = 0.95
NEWTON_SCHULZ, NEWTON_SCHULZ_STEPS = (3.4445, -4.7750, 2.0315), 5


class KernelMuon(torch.optim.Optimizer):
    """Muon for the weights of linear and convolutional layers: each step is orthogonal.

    A weight is read as a matrix, its first axis against all others. The step is the
    gradient with momentum, turned into the nearest matrix whose singular values are all
    about one, so that no direction is neglected because its gradients happen to be small.

    It is what `torch.optim.Muon` does, which takes matrices only and computes in bfloat16.
    Here it is float32: most of our matrices are too small to gain by bfloat16, and a
    processor without bfloat16 arithmetic takes more than ten times as long for it. Matrices
    of one shape are orthogonalised together. A test holds the two equal.

    kernels: the weights, of two axes or more.
    lr: how far to go; scale: how this depends on a matrix's shape, see `Recipe`.
    Raises ValueError for another scale, and for an lr that is no finite number from 0 up.
    Source: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/; notebook 2.
    """

    def __init__(self, kernels: Sequence[nn.Parameter], lr: float, scale: str) -> None:
        lr = real_number("lr", lr, 0)
        _check_scale("scale", scale)
        same_shape: dict[tuple[int, ...], list[nn.Parameter]] = {}
        for kernel in kernels:
            same_shape.setdefault(kernel.flatten(1).shape, []).append(kernel)
        groups = [{"params": stack} for stack in same_shape.values()]
        super().__init__(groups, {"lr": lr, "scale": scale})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Move every kernel by one step along its orthogonalised gradient."""
        if all(kernel.grad is None for group in self.param_groups for kernel in group["params"]):
            raise ValueError("no kernel has a gradient: call backward before step")
        for group in self.param_groups:
            kernels = group["params"]
            # A layer that the loss does not depend on stays where it is.
            gradients = torch.stack(
                [(torch.zeros_like(k) if k.grad is None else k.grad).flatten(1) for k in kernels]
            )
            state = self.state[kernels[0]]
            if not state:
                state["momentum"] = torch.zeros_like(gradients)
            state["momentum"].lerp_(gradients, 1 - MOMENTUM)
            # Nesterov: look ahead, to where the momentum is about to lead.
            ahead = gradients.lerp(state["momentum"], MOMENTUM)
            rate = group["lr"] * MUON_SCALES[group["scale"]](*ahead.shape[1:])
            for kernel, direction in zip(kernels, orthogonalised(ahead), strict=True):
                kernel.sub_(direction.view_as(kernel), alpha=rate)


def orthogonalised(matrices: Tensor) -> Tensor:
    """Return matrices (N, rows, columns) with all singular values brought near to one.

    Five steps of a Newton-Schulz iteration send each singular value s through the
    polynomial a s + b s^3 + c s^5, which lifts the small ones fast: after it, those that were
    above about 1/500 of the matrix's size lie between 0.7 and 1.2. With X the matrix, a step
    is X -> a X + (b G + c G^2) X, where G = X X^T is the smaller of the two squares.
    Raises ValueError for what is no stack of matrices of floats.
    Source: Jordan et al. 2024, whose coefficients these are.
    """
    if not isinstance(matrices, Tensor) or matrices.ndim != 3 or not matrices.is_floating_point():
        found = getattr(matrices, "dtype", ""), tuple(getattr(matrices, "shape", ()))
        raise ValueError(f"matrices must be a tensor of floats (N, rows, columns), got {found}")
    if matrices.shape[1] > matrices.shape[2]:
        return orthogonalised(matrices.mT).mT
    a, b, c = NEWTON_SCHULZ
    x = matrices / matrices.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x


def make_optimizers(model: nn.Module, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Return the optimisers of a recipe: Adam alone, or Muon and Adam for the rest.

    Muon takes the weights of all linear and convolutional layers but those that read
    the image itself; Adam takes those, the biases and the batch norms.

    Raises ValueError for a model that has nothing to train, or other weights than float32,
    and for a recipe with Muon if the model has no matrix for it.
    """
    if not isinstance(model, nn.Module) or not isinstance(recipe, Recipe):
        raise ValueError(f"need a torch.nn.Module and a Recipe, got {model!r} and {recipe!r}")
    check_weights(model)
    parameters = [p for p in model.parameters() if p.requires_grad and p.numel()]
    if not parameters:
        raise ValueError("the model has no parameters to train: it has none, or all are frozen")
    kernels = _muon_kernels(model) if recipe.muon_lr is not None else []
    if recipe.muon_lr is not None and not kernels:
        raise ValueError(
            f"the recipe's muon_lr is {recipe.muon_lr:g}, but the model has no weight matrix for "
            "Muon: that takes the weights of linear and convolutional layers, but the first "
            "one's. A recipe with muon_lr=None trains everything with Adam"
        )
    taken = {id(kernel) for kernel in kernels}
    rest = [p for p in parameters if id(p) not in taken]
    optimizers: list[torch.optim.Optimizer] = []
    if rest:
        optimizers.append(
            torch.optim.Adam(rest, lr=recipe.adam_lr, weight_decay=recipe.weight_decay, fused=True)
        )
    if kernels and recipe.muon_lr is not None:
        optimizers.append(KernelMuon(kernels, recipe.muon_lr, recipe.muon_scale))
    return optimizers


def _muon_kernels(model: nn.Module) -> list[nn.Parameter]:
    layers = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
    weights = [layer.weight for layer in model.modules() if isinstance(layer, layers)]
    # A weight that two layers share is one; one that is computed from others (weight norm) is
    # no parameter, and those others are Adam's.
    others = list(dict.fromkeys(w for w in weights[1:] if w is not weights[0]))
    return [w for w in others if isinstance(w, nn.Parameter) and w.numel() and w.requires_grad]


def learning_rate_factor(step: int, total: int, warmup: float | None) -> float:
    """Return what the learning rates are multiplied by at a step (0 to total - 1).

    Raises ValueError for another step, and for a warmup that `Recipe` would refuse.
    """
    total = whole_number("total", total, 1)
    step = whole_number("step", step, 0, total - 1)
    warmup = _warmup(warmup)
    if warmup is None:
        return 1.0
    done = (step + 1) / (total + 1)
    return min(done / warmup, (1 - done) / (1 - warmup))
