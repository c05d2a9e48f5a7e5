"""The convolutional autoencoder of the course, its up-sampling blocks, and the judge.

The layers are those of the tutorial that this course rebuilds; notebook 2 writes the same network
in one cell. They are plain PyTorch, for float32 images (N, 1, 28, 28) in [0, 1] as `as_images`
makes them, and check nothing: called by hand with another range, they draw nonsense. For images of
another size or in color, change the sizes in notebook 2's cell.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Makes a block from (input channels, output channels, output size).
Block = Callable[[int, int, int], nn.Module]


class PixelShuffleUp(nn.Module):
    """Sub-pixel convolution: a 3x3 convolution to 4 maps per output, woven into one.

    Maps (N, inputs, s, s) to (N, outputs, size, size), where size is 2s or 2s + 1: an odd size is
    cut out of the picture of a grid that is a pixel larger. With icnr=True the four maps of an
    output start equal, so the untrained block is a nearest resize and shows no checkerboard.
    Source: Shi et al. 2016, arXiv:1609.05158; ICNR: Aitken et al. 2017, arXiv:1707.02937.
    """

    def __init__(self, inputs: int, outputs: int, size: int, icnr: bool) -> None:
        super().__init__()
        self.size = size
        self.conv = nn.Conv2d(inputs, 4 * outputs, kernel_size=3)
        if icnr:
            with torch.no_grad():
                for parameter in self.conv.parameters():
                    parameter.copy_(parameter[::4].repeat_interleave(4, dim=0))

    def forward(self, x: Tensor) -> Tensor:
        """Return the enlarged maps (N, outputs, size, size)."""
        extra = -(-self.size // 2) - x.shape[-1]
        woven = F.pixel_shuffle(self.conv(F.pad(x, (1, 1 + extra, 1, 1 + extra))), 2)
        return woven[..., : self.size, : self.size]


def _transpose(inputs: int, outputs: int, size: int) -> nn.Module:
    # 3 -> 7 fits without padding: (3 - 1) * 2 + 3 = 7. Doubling needs one row more.
    extra = 1 - size % 2
    return nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=extra, output_padding=extra)


def _transpose_k4(inputs: int, outputs: int, size: int) -> nn.Module:
    return nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, output_padding=size % 2)


def _resized(
    inputs: int, outputs: int, size: int, kernel: int = 3, mode: str = "nearest"
) -> nn.Module:
    convolution = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
    return nn.Sequential(nn.Upsample(size, mode=mode), convolution)


UPSAMPLING: dict[str, Block] = {
    "transpose": _transpose,
    "transpose_k4": _transpose_k4,
    "nearest": _resized,
    "bilinear": partial(_resized, mode="bilinear"),
    "pixel_shuffle": partial(PixelShuffleUp, icnr=False),
    "pixel_shuffle_icnr": partial(PixelShuffleUp, icnr=True),
}
# What an experiment compares them with: nearest with 25 weights instead of 9 for two maps.
CONTROLS: dict[str, Block] = {"nearest_k5": partial(_resized, kernel=5)}


def upsampling_block(kind: str, inputs: int, outputs: int, size: int) -> nn.Module:
    """Return a block that maps (N, inputs, s, s) to (N, outputs, size, size).

    kind: one of `UPSAMPLING` or `CONTROLS`; size: 2s, or 2s + 1 as from 3 to 7.
    """
    return (UPSAMPLING | CONTROLS)[kind](inputs, outputs, size)


class Encoder(nn.Sequential):
    """Images (N, 1, 28, 28) to codes (N, latent_dim)."""

    def __init__(self, latent_dim: int) -> None:
        super().__init__(
            nn.Conv2d(1, 8, kernel_size=3, stride=2, padding=1),  # 28 -> 14
            nn.ReLU(),
            nn.Conv2d(8, 16, kernel_size=3, stride=2, padding=1),  # 14 -> 7
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 32, kernel_size=3, stride=2, padding=0),  # 7 -> 3
            nn.ReLU(),
            nn.Flatten(),  # (32, 3, 3) -> 288
            nn.Linear(32 * 3 * 3, 128),  # 288 -> 128
            nn.ReLU(),
            nn.Linear(128, latent_dim),  # 128 -> latent_dim
        )


class Decoder(nn.Sequential):
    """Codes (N, latent_dim) to images (N, 1, 28, 28) in [0, 1]."""

    def __init__(self, latent_dim: int, upsampling: str = "transpose") -> None:
        super().__init__(
            nn.Linear(latent_dim, 128),  # latent_dim -> 128
            nn.ReLU(),
            nn.Linear(128, 32 * 3 * 3),  # 128 -> 288
            nn.ReLU(),
            nn.Unflatten(1, (32, 3, 3)),  # 288 -> (32, 3, 3)
            upsampling_block(upsampling, 32, 16, size=7),  # 3 -> 7
            nn.BatchNorm2d(16),
            nn.ReLU(),
            upsampling_block(upsampling, 16, 8, size=14),  # 7 -> 14
            nn.BatchNorm2d(8),
            nn.ReLU(),
            upsampling_block(upsampling, 8, 1, size=28),  # 14 -> 28
            nn.Sigmoid(),
        )


class Autoencoder(nn.Module):
    """An encoder and a decoder with a bottleneck of `latent_dim` numbers between them.

    latent_dim: with 0 nothing passes: the decoder draws one picture for all, at best the mean.
    upsampling: how the decoder grows its feature maps, one of `UPSAMPLING` or `CONTROLS`.
    offset: what has been subtracted from images in [0, 1] before they enter. It is 0, except
        for `original/*`, which copies the original tutorial's range [-0.5, 0.5].
    """

    def __init__(self, latent_dim: int, upsampling: str = "transpose", offset: float = 0.0) -> None:
        super().__init__()
        self.latent_dim, self.upsampling, self.offset = latent_dim, upsampling, offset
        with warnings.catch_warnings():
            # latent_dim = 0 makes layers without weights on purpose.
            warnings.filterwarnings("ignore", message="Initializing zero-element tensors")
            self.encoder = Encoder(latent_dim)
            self.decoder = Decoder(latent_dim, upsampling)

    def encode(self, x: Tensor) -> Tensor:
        """Return the codes (N, latent_dim) of images (N, 1, 28, 28) in [0, 1], less `offset`."""
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """Return the images (N, 1, 28, 28) in [0, 1] that the codes (N, latent_dim) mean."""
        return self.decoder(z)

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstructions of images: `decode(encode(x))`."""
        return self.decode(self.encode(x))


class Judge(nn.Module):
    """A digit classifier, trained on real images, that reads the course's reconstructions.

    Maps images (N, 1, 28, 28) in [0, 1] to class scores (N, 10).
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 32, kernel_size=5, stride=2, padding=2),  # 28 -> 14
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.Conv2d(32, 64, kernel_size=3, padding=1),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(2),  # 14 -> 7
            nn.Conv2d(64, 64, kernel_size=3, padding=1),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(2),  # 7 -> 3
        )
        self.classify = nn.Sequential(nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 3 * 3, 10))

    def forward(self, x: Tensor) -> Tensor:
        """Return the class scores (N, 10)."""
        return self.classify(self.features(x))


@contextmanager
def looking_at(model: nn.Module) -> Iterator[torch.device]:
    """Have a model in eval mode, without gradients, inside the block; give the device it is on.

    Batch norms keep their statistics, and afterwards each layer is in the mode that it was in.
    """
    modes = [(layer, layer.training) for layer in model.modules()]
    device = (*model.parameters(), *model.buffers(), torch.empty(0))[0].device
    model.eval()
    try:
        with torch.no_grad():
            yield device
    finally:
        for layer, mode in modes:
            layer.training = mode
