"""Recipes for training, and the optimisers that follow them. Source: notebook 2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Recipe:
    """How a model is trained.

    epochs, batch_size: passes over the training images, and images per step.
    adam_lr: Adam's (highest) learning rate.
    muon_lr: Muon's highest learning rate; None trains every parameter with Adam.
    muon_scale: how Muon scales the step of a matrix with its shape, torch's adjust_lr_fn:
        "match_rms_adamw" moves each weight as much in large matrices as in small ones,
        "original" moves the weights of large matrices less.
    warmup: None keeps the learning rates constant. Else one cycle: they rise from zero
        over this share of all steps and then fall back to zero in a straight line.
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
        if self.epochs < 1 or self.batch_size < 1:
            raise ValueError(
                f"epochs and batch_size must be at least 1, got {self.epochs}, {self.batch_size}"
            )
        if self.warmup is not None and not 0 < self.warmup < 1:
            raise ValueError(f"warmup must lie between 0 and 1 or be None, got {self.warmup}")


# What the original tutorial does.
ORIGINAL = Recipe(epochs=50, batch_size=128, adam_lr=1e-3, weight_decay=1e-5)
# What the course does: a lower error after as many passes (notebook 2). Chosen on
# validation images, seed 0, at 10 epochs. Codes of one to six numbers are easily thrown
# about by large steps and want the gentle one; with more numbers bold steps win.
COURSE = Recipe(epochs=12, batch_size=128, adam_lr=1e-2, muon_lr=0.1, warmup=0.1)
# For the five to six thousand images of one digit: smaller batches, more passes.
ONE_DIGIT = Recipe(24, 64, adam_lr=1e-2, muon_lr=0.1, warmup=0.1)
GENTLE = Recipe(12, 128, adam_lr=1e-2, muon_lr=0.02, muon_scale="original", warmup=0.1)


class KernelMuon(torch.optim.Muon):
    """Muon for weights of any rank.

    torch's Muon wants matrices. A convolution kernel (a, b, k, k) is one if its last
    three axes are read as one. Here each kernel is optimised through such a matrix,
    which is a view of the kernel's own memory: to move one is to move the other.

    Sources: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/; notebook 2.
    """

    def __init__(self, kernels: Sequence[nn.Parameter], lr: float, scale: str) -> None:
        self.kernels = list(kernels)
        self.matrices = [nn.Parameter(_as_matrix(kernel.detach())) for kernel in self.kernels]
        super().__init__(self.matrices, lr=lr, weight_decay=0.0, adjust_lr_fn=scale)

    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Move every kernel by one step along its orthogonalised gradient."""
        for kernel, matrix in zip(self.kernels, self.matrices, strict=True):
            matrix.grad = None if kernel.grad is None else _as_matrix(kernel.grad)
        return super().step(closure)


def _as_matrix(kernel: Tensor) -> Tensor:
    # Channels-last kernels lie in memory as (a, k, k, b). Muon does not care in which
    # order the columns come, so each layout is flattened as it lies: a view, no copy.
    if kernel.ndim == 4 and not kernel.is_contiguous():
        kernel = kernel.permute(0, 2, 3, 1)
    return kernel.reshape(len(kernel), -1)


def make_optimizers(model: nn.Module, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Return the optimisers of a recipe: Adam alone, or Muon and Adam for the rest.

    Muon takes the weights of all linear and convolutional layers but those that read
    the image itself; Adam takes those, the biases and the batch norms.
    """
    parameters = [p for p in model.parameters() if p.requires_grad and p.numel()]
    kernels = _muon_kernels(model) if recipe.muon_lr is not None else []
    taken = {id(kernel) for kernel in kernels}
    rest = [p for p in parameters if id(p) not in taken]
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.Adam(rest, lr=recipe.adam_lr, weight_decay=recipe.weight_decay, fused=True)
    ]
    if kernels:
        optimizers.append(KernelMuon(kernels, recipe.muon_lr, recipe.muon_scale))
    return optimizers


def _muon_kernels(model: nn.Module) -> list[nn.Parameter]:
    layers = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
    weights = [layer.weight for layer in model.modules() if isinstance(layer, layers)]
    first = next(layer.weight for layer in model.modules() if isinstance(layer, nn.Conv2d))
    return [w for w in weights if w is not first and w.numel() and w.requires_grad]


def learning_rate_factor(step: int, total: int, warmup: float | None) -> float:
    """Return what the learning rates are multiplied by at a step (0 to total - 1)."""
    if warmup is None:
        return 1.0
    done = (step + 1) / (total + 1)
    return min(done / warmup, (1 - done) / (1 - warmup))
