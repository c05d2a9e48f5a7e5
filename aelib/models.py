"""The convolutional autoencoder of the course, its up-sampling blocks, and the judge.

The layer sizes are those of the tutorial that this course rebuilds: three strided
convolutions with 8, 16 and 32 channels, a linear layer of 128, and their mirror
image. Notebook 2 writes the same network in one cell; a test holds the two equal.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Integral

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aelib.data import DIGITS, IMAGE_SIZE

CHANNELS = (1, 8, 16, 32)  # from the image inwards
SIZES = (28, 14, 7, 3)  # height and width at the same places
HIDDEN = 128
FEATURES = CHANNELS[-1] * SIZES[-1] ** 2  # 288, the flattened innermost feature maps


class PixelShuffleUp(nn.Module):
    """Sub-pixel convolution: a 3x3 convolution to 4 maps per output, woven into one.

    Maps (N, C, s, s) to (N, out, size, size), where size is 2s or 2s + 1: an odd size
    is one row and one column of a grid that is a pixel larger than the input's. With
    icnr=True the four maps of an output start equal, so the untrained block is a
    nearest resize and shows no checkerboard.

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


def _nearest(inputs: int, outputs: int, size: int) -> nn.Module:
    return nn.Sequential(nn.Upsample(size), nn.Conv2d(inputs, outputs, 3, padding=1))


def _bilinear(inputs: int, outputs: int, size: int) -> nn.Module:
    resize = nn.Upsample(size, mode="bilinear", align_corners=False)
    return nn.Sequential(resize, nn.Conv2d(inputs, outputs, 3, padding=1))


def _pixel_shuffle(inputs: int, outputs: int, size: int) -> nn.Module:
    return PixelShuffleUp(inputs, outputs, size, icnr=False)


def _pixel_shuffle_icnr(inputs: int, outputs: int, size: int) -> nn.Module:
    return PixelShuffleUp(inputs, outputs, size, icnr=True)


# Each makes a block from (input channels, output channels, output size).
UPSAMPLING: dict[str, Callable[[int, int, int], nn.Module]] = {
    "transpose": _transpose,
    "transpose_k4": _transpose_k4,
    "nearest": _nearest,
    "bilinear": _bilinear,
    "pixel_shuffle": _pixel_shuffle,
    "pixel_shuffle_icnr": _pixel_shuffle_icnr,
}


def upsampling_block(kind: str, inputs: int, outputs: int, size: int) -> nn.Module:
    """Return a block that maps (N, inputs, s, s) to (N, outputs, size, size).

    kind: one of `UPSAMPLING`; size: 2s or, from 3 to 7, 2s + 1.
    Raises ValueError for an unknown kind and for a size that nothing can be doubled to.
    """
    if kind not in UPSAMPLING:
        raise ValueError(f"upsampling must be one of {', '.join(UPSAMPLING)}; got {kind!r}")
    if size < 2:
        raise ValueError(f"size must be at least 2, got {size}")
    return UPSAMPLING[kind](inputs, outputs, size)


class Encoder(nn.Sequential):
    """Images (N, 1, 28, 28) to codes (N, latent_dim)."""

    def __init__(self, latent_dim: int) -> None:
        _, first, second, third = CHANNELS
        super().__init__(
            nn.Conv2d(1, first, kernel_size=3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(first, second, kernel_size=3, stride=2, padding=1),
            nn.BatchNorm2d(second),
            nn.ReLU(),
            nn.Conv2d(second, third, kernel_size=3, stride=2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(FEATURES, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, latent_dim),
        )


class Decoder(nn.Sequential):
    """Codes (N, latent_dim) to images (N, 1, 28, 28) in [0, 1]."""

    def __init__(self, latent_dim: int, upsampling: str = "transpose") -> None:
        _, first, second, third = CHANNELS
        super().__init__(
            nn.Linear(latent_dim, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, FEATURES),
            nn.ReLU(),
            nn.Unflatten(1, (third, SIZES[3], SIZES[3])),
            upsampling_block(upsampling, third, second, SIZES[2]),
            nn.BatchNorm2d(second),
            nn.ReLU(),
            upsampling_block(upsampling, second, first, SIZES[1]),
            nn.BatchNorm2d(first),
            nn.ReLU(),
            upsampling_block(upsampling, first, 1, SIZES[0]),
            nn.Sigmoid(),
        )


class Autoencoder(nn.Module):
    """An encoder and a decoder with a bottleneck of `latent_dim` numbers between them.

    latent_dim: 0 or more. With 0 nothing passes the bottleneck: the decoder draws one
        picture for everybody, and the best one is the mean image.
    upsampling: how the decoder grows its feature maps, one of `UPSAMPLING`.
    offset: what is subtracted from images in [0, 1] before they enter. It is 0, except
        for `original/*`, which copies the original tutorial's range [-0.5, 0.5].

    Raises ValueError for a latent_dim or an upsampling that is not allowed.
    """

    def __init__(self, latent_dim: int, upsampling: str = "transpose", offset: float = 0.0) -> None:
        super().__init__()
        whole = isinstance(latent_dim, Integral) and not isinstance(latent_dim, bool)
        if not whole or latent_dim < 0:
            raise ValueError(f"latent_dim must be a whole number from 0 up, got {latent_dim!r}")
        self.latent_dim = int(latent_dim)
        self.upsampling = upsampling
        self.offset = offset
        with _empty_layers_allowed():
            self.encoder = Encoder(latent_dim)
            self.decoder = Decoder(latent_dim, upsampling)

    def encode(self, x: Tensor) -> Tensor:
        """Return the codes (N, latent_dim) of images (N, 1, 28, 28).

        The images are float32 in [0, 1], less `offset`. Raises ValueError for another
        shape, type or range.
        """
        check_images(x, self.offset)
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """Return the images (N, 1, 28, 28) in [0, 1] that the codes (N, latent_dim) mean.

        Raises ValueError for codes of another shape or type.
        """
        if not isinstance(z, Tensor) or z.dtype != torch.float32:
            found = getattr(z, "dtype", type(z).__name__)
            raise ValueError(f"codes must be a float32 tensor, got {found}")
        if z.ndim != 2 or z.shape[1] != self.latent_dim:
            raise ValueError(f"codes must have shape (N, {self.latent_dim}), got {tuple(z.shape)}")
        return self.decoder(z)

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstructions of images: `decode(encode(x))`."""
        return self.decode(self.encode(x))


class Judge(nn.Module):
    """A digit classifier, trained on real images, that reads the course's reconstructions.

    Maps images (N, 1, 28, 28) in [0, 1] to class scores (N, 10).
    Raises ValueError for images of another shape, type or range.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 32, kernel_size=5, stride=2, padding=2),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.Conv2d(32, 64, kernel_size=3, padding=1),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 64, kernel_size=3, padding=1),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.classify = nn.Sequential(
            nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 3 * 3, len(DIGITS))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the class scores (N, 10)."""
        check_images(x)
        return self.classify(self.features(x))


def check_images(x: Tensor, offset: float = 0.0) -> None:
    """Raise ValueError unless x is float32, (N, 1, 28, 28), and in [0, 1] less `offset`."""
    expected = (1, IMAGE_SIZE, IMAGE_SIZE)
    if not isinstance(x, Tensor):
        raise ValueError(f"images must be a torch tensor, got {type(x).__name__}")
    if x.ndim != 4 or tuple(x.shape[1:]) != expected:
        raise ValueError(
            f"images must have shape (N, 1, {IMAGE_SIZE}, {IMAGE_SIZE}), got {tuple(x.shape)}"
        )
    if x.dtype != torch.float32:
        raise ValueError(f"images must be float32, got {x.dtype}; aelib.data.to_float converts")
    if not len(x):
        return
    low, high = (value.item() for value in torch.aminmax(x))
    # Written so that NaN fails too: every comparison with NaN is false.
    if not (low >= -offset and high <= 1 - offset):
        raise ValueError(
            f"images must lie in [{0 - offset:g}, {1 - offset:g}], "
            f"got values from {low:g} to {high:g}"
        )


@contextmanager
def _empty_layers_allowed() -> Iterator[None]:
    # latent_dim = 0 makes layers without weights on purpose; torch warns that it has
    # nothing to initialise there.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Initializing zero-element tensors")
        yield
