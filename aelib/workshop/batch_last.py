"""The same autoencoder, faster on a CPU: a forward pass for training with the batch last.

PyTorch's convolutions are made for wide layers. Ours have 1 to 32 channels, and most of
a training step goes into moving data around them. If the batch is the last axis, so that
an array is (channels, height, width, N), each tap of a strided kernel is a plain strided
copy of long rows, and the arithmetic is one matrix product per layer. Measured side by
side on one core, a training step takes about two thirds of the time.

Nothing is approximated. `BatchLast` reads the weights of an ordinary `Autoencoder`,
returns what it returns to rounding error, and leaves gradients and batch-norm statistics
in the same places; a test holds them equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from aelib.models import Autoencoder

STRIDE = 2


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread in the block: two processes of one beat one process of two."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class BatchLast:
    """Calls an autoencoder in training mode on images (N, 1, 28, 28), batch-last inside.

    Use `supports` first: only convolutions with stride 2, transposed or not, and nearest
    resize with convolution are known here.
    """

    def __init__(self, model: Autoencoder) -> None:
        self.model = model
        self.offset = model.offset

    @property
    def training(self) -> bool:
        """Whether the model is in training mode."""
        return self.model.training

    @staticmethod
    def supports(model: nn.Module) -> TypeGuard[Autoencoder]:
        """Return whether every layer of `model` can be run with the batch last."""
        return isinstance(model, Autoencoder) and all(
            _is_known(layer) for layer in (*model.encoder, *model.decoder)
        )

    def __call__(self, x: Tensor) -> Tensor:
        """Return the reconstructions (N, 1, 28, 28), as the model does in training mode."""
        h = x.permute(1, 2, 3, 0).contiguous()
        for layer in (*self.model.encoder, *self.model.decoder):
            h = _apply(layer, h)
        return h.permute(3, 0, 1, 2)


def _is_known(layer: nn.Module) -> bool:
    if isinstance(layer, nn.Sequential):
        resize = layer[0]
        return isinstance(resize, nn.Upsample) and resize.mode == "nearest"
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
        return layer.stride == (STRIDE, STRIDE) and layer.kernel_size[0] == layer.kernel_size[1]
    simple = (nn.BatchNorm2d, nn.ReLU, nn.Sigmoid, nn.Flatten, nn.Unflatten, nn.Linear)
    return isinstance(layer, simple)


def _apply(layer: nn.Module, h: Tensor) -> Tensor:
    match layer:
        case nn.Conv2d():
            return _StridedConv.apply(h, layer.weight, layer.bias, int(layer.padding[0]))
        case nn.ConvTranspose2d():
            kernel, padding = layer.kernel_size[0], int(layer.padding[0])
            size = STRIDE * (h.shape[1] - 1) - 2 * padding + kernel + layer.output_padding[0]
            return _TransposedConv.apply(h, layer.weight, layer.bias, padding, size)
        case nn.Sequential():
            return _nearest_and_conv(layer, h)
        case nn.BatchNorm2d():
            # One image with very many pixels: the statistics of a channel are the same.
            return layer(h.reshape(1, len(h), -1, 1)).view(h.shape)
        case nn.Flatten():
            return h.reshape(-1, h.shape[-1])
        case nn.Unflatten():
            return h.view(*layer.unflattened_size, h.shape[-1])
        case nn.Linear():
            return torch.addmm(layer.bias[:, None], layer.weight, h)
    return layer(h)


def _nearest_and_conv(block: nn.Sequential, h: Tensor) -> Tensor:
    """Nearest resize and convolution, as one transposed convolution where it doubles.

    A pixel that is copied to a 2x2 square and then met by a 3x3 kernel leaves the trace of
    a 4x4 kernel, the sum of the small one at four places; a 5x5 kernel that of a 6x6 one.
    """
    resize, conv = block
    assert isinstance(resize, nn.Upsample) and isinstance(conv, nn.Conv2d)
    if resize.size != STRIDE * h.shape[1]:
        # 3 to 7 copies some pixels twice and some three times: left to PyTorch.
        return block(h.permute(3, 0, 1, 2)).permute(1, 2, 3, 0).contiguous()
    small = conv.weight.transpose(0, 1).flip(2, 3)
    places = ((0, 1, 0, 1), (1, 0, 0, 1), (0, 1, 1, 0), (1, 0, 1, 0))
    kernel = torch.stack([F.pad(small, place) for place in places]).sum(0)
    return _TransposedConv.apply(h, kernel, conv.bias, int(conv.padding[0]), resize.size)


def _taps(array: Tensor, kernel: int, size: int) -> Any:
    """Yield (i, j, view): the pixels (C, size, size, N) that tap (i, j) of a kernel meets."""
    last = STRIDE * (size - 1) + 1
    for i in range(kernel):
        for j in range(kernel):
            yield i, j, array[:, i : i + last : STRIDE, j : j + last : STRIDE]


def _gather(array: Tensor, kernel: int, size: int) -> Tensor:
    """Return what every tap meets, one row per tap and channel: (k * k * C, size^2 * N)."""
    channels, batch = array.shape[0], array.shape[-1]
    columns = array.new_empty(kernel, kernel, channels, size, size, batch)
    for i, j, met in _taps(array, kernel, size):
        columns[i, j] = met
    return columns.view(kernel * kernel * channels, -1)


def _scatter(columns: Tensor, kernel: int, size: int, shape: tuple[int, ...]) -> Tensor:
    """Add each tap's row back where `_gather` took it from, in zeros of (C, H, W, N)."""
    array = columns.new_zeros(shape)
    columns = columns.view(kernel, kernel, shape[0], size, size, shape[-1])
    for i, j, met in _taps(array, kernel, size):
        met += columns[i, j]
    return array


def _pad(array: Tensor, padding: int) -> Tensor:
    return F.pad(array, (0, 0, *(padding,) * 4)) if padding else array


def _crop(array: Tensor, padding: int) -> Tensor:
    return array[:, padding:-padding, padding:-padding] if padding else array


class _StridedConv(torch.autograd.Function):
    """nn.Conv2d with stride 2: gather what the taps meet, then one matrix product."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, padding: int) -> Tensor:
        outputs, kernel = weight.shape[0], weight.shape[2]
        size = (x.shape[1] + 2 * padding - kernel) // STRIDE + 1
        columns = _gather(_pad(x, padding), kernel, size)
        matrix = weight.permute(0, 2, 3, 1).reshape(outputs, -1)
        ctx.save_for_backward(columns, matrix)
        ctx.sizes = (x.shape, padding, kernel, size)
        return torch.addmm(bias[:, None], matrix, columns).view(outputs, size, size, -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        columns, matrix = ctx.saved_tensors
        (channels, height, _, batch), padding, kernel, size = ctx.sizes
        grad = grad.reshape(len(grad), -1)
        grad_x = None
        if ctx.needs_input_grad[0]:
            padded = (channels, height + 2 * padding, height + 2 * padding, batch)
            grad_x = _crop(_scatter(matrix.T @ grad, kernel, size, padded), padding)
        grad_weight = (grad @ columns.T).view(-1, kernel, kernel, channels).permute(0, 3, 1, 2)
        return grad_x, grad_weight, grad.sum(1), None


class _TransposedConv(torch.autograd.Function):
    """nn.ConvTranspose2d with stride 2: the backward pass of `_StridedConv`, run forward."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, padding: int, size: int
    ) -> Tensor:
        inputs, outputs, kernel = weight.shape[:3]
        matrix = weight.permute(2, 3, 1, 0).reshape(-1, inputs)
        flat = x.reshape(inputs, -1)
        padded = (outputs, size + 2 * padding, size + 2 * padding, x.shape[-1])
        ctx.save_for_backward(flat, matrix)
        ctx.sizes = (x.shape, padding, kernel)
        drawn = _crop(_scatter(matrix @ flat, kernel, x.shape[1], padded), padding)
        return drawn + bias[:, None, None, None]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        flat, matrix = ctx.saved_tensors
        shape, padding, kernel = ctx.sizes
        columns = _gather(_pad(grad, padding), kernel, shape[1])
        grad_weight = (flat @ columns.T).view(len(flat), kernel, kernel, -1).permute(0, 3, 1, 2)
        grad_bias = grad.reshape(len(grad), -1).sum(1)
        return (matrix.T @ columns).view(shape), grad_weight, grad_bias, None, None
