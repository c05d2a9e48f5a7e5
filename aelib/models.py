"""The convolutional autoencoder of the course, its up-sampling blocks, and the judge.

The layer sizes are those of the tutorial that this course rebuilds: three strided
convolutions with 8, 16 and 32 channels, a linear layer of 128, and their mirror
image. Notebook 2 writes the same network in one cell; a test holds the two equal.

Other images. `Autoencoder`, and all functions that take images, are for MNIST: 28 x 28 pixels,
one channel, values from 0 to 1. `aelib.data.prepare` brings a picture into that form. A
network for other images is built of the same parts: for 32 x 32 pixels in three colors

    nn.Sequential(Encoder(16, size=32, colors=3), Decoder(16, size=32, colors=3))

and the plain training loop of notebook 2 trains it on batches of shape (N, 3, 32, 32) in
[0, 1]. A network of your own for MNIST needs less: `training.fit` trains any module that
returns images of the shape it is given.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parameter import is_lazy

from aelib.checks import check_images as check_images
from aelib.checks import real_number, whole_number
from aelib.data import DIGITS, IMAGE_SIZE

CHANNELS = (1, 8, 16, 32)  # from the image inwards
SIZES = (28, 14, 7, 3)  # height and width at the same places
HIDDEN = 128


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


def _nearest_k5(inputs: int, outputs: int, size: int) -> nn.Module:
    return nn.Sequential(nn.Upsample(size), nn.Conv2d(inputs, outputs, 5, padding=2))


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
# What an experiment compares them with: nearest with 25 weights instead of 9 for two maps.
CONTROLS: dict[str, Callable[[int, int, int], nn.Module]] = {"nearest_k5": _nearest_k5}


def upsampling_block(kind: str, inputs: int, outputs: int, size: int) -> nn.Module:
    """Return a block that maps (N, inputs, s, s) to (N, outputs, size, size).

    kind: one of `UPSAMPLING` or `CONTROLS`; size: 2s or, from 3 to 7, 2s + 1.
    Raises ValueError for an unknown kind, for a size that nothing can be doubled to, and for
    numbers of channels below 1.
    """
    known = UPSAMPLING | CONTROLS
    if not isinstance(kind, str) or kind not in known:
        raise ValueError(f"upsampling must be one of {', '.join(known)}; got {kind!r}")
    inputs, outputs = whole_number("inputs", inputs, 1), whole_number("outputs", outputs, 1)
    size = whole_number("size", size, 2)
    return known[kind](inputs, outputs, size)


class Encoder(nn.Sequential):
    """Images (N, colors, size, size) to codes (N, latent_dim); MNIST's are (N, 1, 28, 28).

    Raises ValueError for images of another shape or type than its weights, for a size below 8, and
    for a latent_dim or a number of colors that is not allowed.
    """

    def __init__(self, latent_dim: int, size: int = IMAGE_SIZE, colors: int = 1) -> None:
        _, first, second, third = CHANNELS
        # Each convolution halves the size; what is odd is rounded down, and needs no padding.
        latent_dim, size, colors = _numbers(latent_dim, size, colors)
        halves = [size // 2**times for times in range(4)]
        paddings = [1 - half % 2 for half in halves]
        super().__init__(
            nn.Conv2d(colors, first, kernel_size=3, stride=2, padding=paddings[0]),
            nn.ReLU(),
            nn.Conv2d(first, second, kernel_size=3, stride=2, padding=paddings[1]),
            nn.BatchNorm2d(second),
            nn.ReLU(),
            nn.Conv2d(second, third, kernel_size=3, stride=2, padding=paddings[2]),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(third * halves[3] ** 2, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, latent_dim),
        )
        self.image_shape = (colors, size, size)

    def forward(self, x: Tensor) -> Tensor:
        """Return the codes (N, latent_dim) of images."""
        _as_its_weights("images", x, self)
        if x.ndim != 4 or x.shape[1:] != self.image_shape:
            colors, size, _ = self.image_shape
            raise ValueError(
                f"this encoder is for images (N, {colors}, {size}, {size}), got "
                f"{tuple(x.shape)}; Encoder and Decoder take a size and a number of colors"
            )
        return super().forward(x)


class Decoder(nn.Sequential):
    """Codes (N, latent_dim) to images (N, colors, size, size) in [0, 1].

    Raises ValueError as `Encoder` does, for codes of another shape or type.
    """

    def __init__(
        self,
        latent_dim: int,
        upsampling: str = "transpose",
        size: int = IMAGE_SIZE,
        colors: int = 1,
    ) -> None:
        _, first, second, third = CHANNELS
        latent_dim, size, colors = _numbers(latent_dim, size, colors)
        halves = [size // 2**times for times in range(4)]
        super().__init__(
            nn.Linear(latent_dim, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, third * halves[3] ** 2),
            nn.ReLU(),
            nn.Unflatten(1, (third, halves[3], halves[3])),
            upsampling_block(upsampling, third, second, halves[2]),
            nn.BatchNorm2d(second),
            nn.ReLU(),
            upsampling_block(upsampling, second, first, halves[1]),
            nn.BatchNorm2d(first),
            nn.ReLU(),
            upsampling_block(upsampling, first, colors, halves[0]),
            nn.Sigmoid(),
        )
        self.latent_dim = latent_dim

    def forward(self, z: Tensor) -> Tensor:
        """Return the images of codes."""
        _as_its_weights("codes", z, self)
        if z.ndim != 2 or z.shape[1] != self.latent_dim:
            raise ValueError(f"codes must have shape (N, {self.latent_dim}), got {tuple(z.shape)}")
        return super().forward(z)


def _as_its_weights(name: str, x: Any, layers: nn.Module) -> None:
    """Raise ValueError unless x is a tensor of the type of a network's weights."""
    wanted = next(layers.parameters()).dtype
    found = x.dtype if isinstance(x, Tensor) else kind_of(x)
    # Where torch casts by itself, any floats will do.
    casts = isinstance(x, Tensor) and torch.is_autocast_enabled(x.device.type)
    if found != wanted and not (casts and x.is_floating_point()):
        hint = "; aelib.data.to_float converts" if name == "images" else ""
        raise ValueError(
            f"{name} must be a tensor of {wanted}, as the weights are, got {found}{hint}"
        )


def _numbers(latent_dim: int, size: int, colors: int) -> tuple[int, int, int]:
    return (
        whole_number("latent_dim", latent_dim, 0),
        whole_number("size", size, 8),
        whole_number("colors", colors, 1),
    )


class Autoencoder(nn.Module):
    """An encoder and a decoder with a bottleneck of `latent_dim` numbers between them.

    latent_dim: 0 or more. With 0 nothing passes the bottleneck: the decoder draws one
        picture for everybody, and the best one is the mean image.
    upsampling: how the decoder grows its feature maps, one of `UPSAMPLING`.
    offset: what is subtracted from images in [0, 1] before they enter. It is 0, except
        for `original/*`, which copies the original tutorial's range [-0.5, 0.5].

    Raises ValueError for a latent_dim, an upsampling or an offset that is not allowed.
    """

    offset: float
    encoder: Encoder
    decoder: Decoder

    def __init__(self, latent_dim: int, upsampling: str = "transpose", offset: float = 0.0) -> None:
        super().__init__()
        self.latent_dim = latent_dim = whole_number("latent_dim", latent_dim, 0)
        self.upsampling = upsampling
        self.offset = real_number("offset", offset, 0, 1, open_high=True)
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


@contextmanager
def looking_at(model: Any) -> Iterator[torch.device]:
    """Have a model in eval mode inside the block, and leave no trace of it; give its device.

    No gradients are recorded. Afterwards each layer is in the mode that it was in and has the
    buffers that it had, and random numbers go on as if none had been drawn.
    Raises ValueError for what is no torch.nn.Module, and for weights other than float32.
    """
    if not isinstance(model, nn.Module):
        raise ValueError(f"model must be a torch.nn.Module, got {kind_of(model)}")
    check_weights(model)
    modes = [(layer, layer.training) for layer in model.modules()]
    # A layer of your own may count, or keep a mean, in eval mode, too.
    buffers = [
        (layer, name, buffer, buffer.clone())
        for layer in model.modules()
        for name, buffer in layer._buffers.items()
        if buffer is not None
    ]
    model.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(range(torch.cuda.device_count())):
            yield device_of(model)
    finally:
        for layer, mode in modes:
            layer.training = mode
        for layer, name, buffer, before in buffers:
            layer._buffers[name] = buffer
            if not torch.equal(buffer, before):
                with torch.no_grad():
                    buffer.copy_(before)


def check_weights(model: nn.Module) -> None:
    """Raise ValueError unless a model's weights are float32, as images are, and are there."""
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if is_lazy(tensor):  # a first look would make it, and with it another model
            raise ValueError(
                f"the model's {name} has no shape yet, as a lazy layer leaves it until the first "
                "batch: run one through the model first, model(images)"
            )
        if tensor.is_meta:
            raise ValueError(f"the model is on the device meta: its {name} holds no numbers")
        if tensor.dtype.is_floating_point and tensor.dtype != torch.float32:
            raise ValueError(
                f"the model's weights must be float32, got {tensor.dtype} for {name}; "
                "model.float() makes them so"
            )


def kind_of(thing: Any) -> str:
    """Return what something is, for an error: the name of its type."""
    return f"the class {thing.__name__}" if isinstance(thing, type) else type(thing).__name__


def device_of(model: nn.Module) -> torch.device:
    """Return where a model's numbers are; one without numbers counts as on the CPU."""
    for tensor in (*model.parameters(), *model.buffers()):
        return tensor.device
    return torch.device("cpu")


def offset_of(model: Any) -> float:
    """Return what is subtracted from images before they enter a model: its `offset`, or 0.

    Raises ValueError unless it is a finite number.
    """
    return real_number(
        "the model's offset, which is subtracted from images,", getattr(model, "offset", 0.0)
    )


def redrawn(model: Any, x: Tensor) -> Tensor:
    """Return `model(x)`; raises ValueError unless these are images of the shape of x.

    Else a mean over the difference would be taken of something else, without a word. The model
    gets a copy, since it may change what enters it, and x is what its drawings are held against.
    """
    output = model(x.clone())
    images = isinstance(output, Tensor) and output.dtype.is_floating_point
    if not images or output.shape != x.shape:
        found: Any = tuple(output.shape) if images else getattr(output, "dtype", kind_of(output))
        raise ValueError(
            f"the model must return images of the shape that it is given, {tuple(x.shape)}, "
            f"got {found}; for a model that returns something else, write a loss of your own"
        )
    return output


@contextmanager
def _empty_layers_allowed() -> Iterator[None]:
    # latent_dim = 0 makes layers without weights on purpose; torch warns that it has
    # nothing to initialise there.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Initializing zero-element tensors")
        yield
