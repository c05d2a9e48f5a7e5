"""MNIST as three splits in memory, and `as_images`, the door through which all images come.

The four files of MNIST travel with the package (see aelib/mnist/README.md), so nothing here
touches the network. Source: notebook 1.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import platformdirs
import torch
from torch import Tensor
from torch.utils.data import Dataset

from aelib import AelibError
from aelib.prepare import SIDE
from aelib.prepare import cut as cut
from aelib.prepare import prepare as prepare

Images = Tensor | np.ndarray

DIGITS, CLASSES = tuple(range(10)), 14  # there are fourteen letters of Hangul
PACKED_FOLDER = Path(__file__).parent / "mnist"

FILES = {  # with the SHA-256 of each as shipped
    "train-images-idx3-ubyte": "0b367032e93c5d0cea0925647cfdb18614af8ee15f83e6f2fc2ad904a6835971",
    "train-labels-idx1-ubyte": "1787548bbe0bff1ec2ecdc0ef292b02df999e2d1a6002d27500982c652b17203",
    "t10k-images-idx3-ubyte": "1a1a05eab793c14bb050b398624a11b0ffd1a2953baed553b1b9bd079e2a20be",
    "t10k-labels-idx1-ubyte": "b91679a0acfe4ba0e50a2437a903084cba1f5f92592b016a25a7dfd00455798b",
}

FULL, MOST = 0.9, 0.7  # of MNIST's pixels 9 % are full ink, of its negative 82 %
MASK = 0.01  # of the pixels: of a mask so many are 1, and none is more
BRIGHTEST = 16.0  # of drawings with nothing below 0; what is above is out of 255
PAPER = -0.2  # in no drawing with paper at 0 does a half lie below that


def as_images(images: Images) -> Tensor:
    """Return images as float32 (N, 1, 28, 28) in [0, 1], 0 is paper, in memory of their own.

    images: uint8 from 0 to 255 or floats from 0 to 1, (N, 28, 28) or (N, 1, 28, 28), torch or
        NumPy. Floats are not divided again. No gradient passes.
    What takes images calls this once, and trusts them from then on.
    Raises ValueError for another shape, type or range, for NaN, and for bytes that are a mask.
    """
    return _own_floats(_checked(images))


def as_drawings(images: Images) -> Tensor:
    """Return what `as_images` does, of drawings that may leave [0, 1] a little, as PCA's do."""
    return _own_floats(_checked(images, drawn=True))


def _checked(images: Images, drawn: bool = False) -> Tensor:
    """Return images (N, 1, 28, 28) as they are, if they are images or, else, drawings."""
    x = images.detach() if isinstance(images, Tensor) else torch.tensor(images)
    x = x.unsqueeze(1) if x.ndim == 3 else x
    if x.shape[1:] != (1, SIDE, SIDE):
        raise ValueError(
            f"images must have shape (N, 28, 28) or (N, 1, 28, 28), got {tuple(x.shape)}: for "
            "one give images[None], for flat rows images.reshape(-1, 1, 28, 28), for other sizes "
            "and colors aelib.data.prepare(picture)"
        )
    if not x.numel():
        return x
    low, high = (end.item() for end in x.aminmax())
    if x.dtype == torch.uint8:  # a black picture with noise has few ones
        right = high != 1 or int(x.count_nonzero()) < MASK * x.numel()
    elif drawn:  # most of any picture is paper, and a half of it tells more than what is darkest
        half = 2 * int((x < PAPER).count_nonzero()) > x.numel()
        right = math.isfinite(low + high) and (low < 0 or high <= BRIGHTEST) and not half
    else:
        right = low >= 0 and high <= 1  # NaN is neither
    if not (right and (x.dtype == torch.uint8 or x.is_floating_point())):
        raise ValueError(
            "images must be uint8 from 0 to 255, or floats with paper at 0 and ink at 1, got "
            f"{x.dtype} from {low:g} to {high:g}. Divide floats up to 255 by 255; add 0.5 to those "
            "from -0.5; add 1 to those from -1 and halve them; clamp(0, 1) cuts a little too much. "
            "Give whole numbers up to 255 .to(torch.uint8), a mask of 0 and 1 .float()"
        )
    full = x > FULL * (255 if x.dtype == torch.uint8 else 1)
    if not drawn and int(full.count_nonzero()) > MOST * x.numel():
        raise ValueError("most pixels are ink: paper must be 0. Give 1 - images, or 255 - bytes")
    return x


def _own_floats(images: Tensor) -> Tensor:
    # Of images that were checked: a dark one among others is no mask, alone it would be.
    if images.dtype == torch.uint8:
        return images.float().div_(255)
    return images.to(torch.float32, copy=True)


@dataclass(frozen=True, eq=False)
class Digits:
    """Images of handwritten digits with their labels, in memory.

    images: (N, 28, 28), uint8 from 0 (paper) to 255 (full ink), as MNIST has them; or floats
        from 0 to 1, kept as float32. A channel axis (N, 1, 28, 28) is dropped.
    labels: whole numbers from 0 to 9, for letters of Hangul to 13, (N,); kept as int64.

    digits[5], digits[:100], digits[mask] and digits[indices] are Digits again, which torch's
    DataLoader cannot put together: `batches` makes batches of tensors.
    Raises ValueError for images that `as_images` refuses, and for labels that do not fit.
    """

    images: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        images, labels = _checked(self.images).cpu().squeeze(1), torch.as_tensor(self.labels).cpu()
        fit = labels.shape == (len(images),) and not labels.is_floating_point()
        if not fit or not ((labels >= 0) & (labels < CLASSES)).all():
            raise ValueError(
                f"labels must be one whole number from 0 to 9 for each of the {len(images):,} "
                f"images (to 13 for letters), got {labels.dtype} of shape {tuple(labels.shape)}"
            )
        # The class is frozen, so that nobody swaps one without the other.
        kept = images if images.dtype == torch.uint8 else images.float()
        vars(self).update(images=kept, labels=labels.long())

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int | slice | Tensor | np.ndarray | list[int]) -> Digits:
        """Return the part at `index`: a number, a slice, a list, a mask or indices."""
        part = object.__new__(Digits)  # what it holds was checked when the whole was made
        images, labels = self.images[index], self.labels[index]
        vars(part).update(images=images.reshape(-1, SIDE, SIDE), labels=labels.reshape(-1))
        return part

    def only(self, *digits: int) -> Digits:
        """Return the subset that shows one of `digits`, e.g. `train.only(0, 1)`."""
        return self[torch.isin(self.labels, torch.tensor(digits))]

    def thinned(self, digit: int, keep_every: int) -> Digits:
        """Return a copy in which only every `keep_every`-th image of `digit` is left."""
        keep = self.labels != digit
        keep[torch.nonzero(~keep).flatten()[::keep_every]] = True
        return self[keep]

    def first_of_each(self) -> Tensor:
        """Return where the first image of each digit that there is stands, shape (10,)."""
        return torch.stack([(self.labels == k).nonzero()[0, 0] for k in self.labels.unique()])

    def floats(self) -> Tensor:
        """Return the images as float32 in [0, 1], shape (N, 1, 28, 28), in memory of their own."""
        return _own_floats(self.images.unsqueeze(1))

    def counts(self) -> Tensor:
        """Return how many images there are of each digit, shape (10,), or of each letter, (14,)."""
        return torch.bincount(self.labels, minlength=len(DIGITS))


class Splits(NamedTuple):
    """Three parts, of MNIST 55,000 to train, 5,000 to choose, 10,000 to report."""

    train: Digits
    val: Digits
    test: Digits


def join(*parts: Digits) -> Digits:
    """Return all images of `parts` as one, in order."""
    images = [part.images for part in parts]
    if len({part.dtype for part in images}) > 1:  # bytes from 0 to 255 beside floats from 0 to 1
        images = [part.floats().squeeze(1) for part in parts]
    return Digits(torch.cat(images), torch.cat([part.labels for part in parts]))


def batches(
    digits: Digits, batch_size: int, generator: torch.Generator | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield (images, labels): float32 (B, 1, 28, 28) in [0, 1], and int64 (B,).

    With a generator the order is shuffled by it, else it is the order of `digits`.
    The last batch may be smaller. Notebook 1 times this against a DataLoader.
    """
    order = None if generator is None else torch.randperm(len(digits), generator=generator)
    for start in range(0, len(digits), batch_size):
        place = slice(start, start + batch_size)
        part = digits[place if order is None else order[place]]
        # Copies, which a reader may change without changing the set.
        yield part.floats(), part.labels.clone()


def load_mnist() -> Splits:
    """Return MNIST as train (55,000), val (5,000) and test (10,000) images in memory.

    The split is fixed and stratified, without random numbers: the training images are sorted by
    digit, in their original order within a digit, and every twelfth goes to validation.
    Raises AelibError if a file is missing or altered.
    """
    whole = _digits("train")
    held_out = torch.zeros(len(whole), dtype=torch.bool)
    held_out[torch.argsort(whole.labels, stable=True)[::12]] = True  # 60,000 / 12 = 5,000
    return Splits(whole[~held_out], whole[held_out], _digits("t10k"))


def _digits(part: str) -> Digits:
    images, labels = _unpacked(f"{part}-images-idx3-ubyte"), _unpacked(f"{part}-labels-idx1-ubyte")
    pixels = torch.frombuffer(images, dtype=torch.uint8, offset=16).view(-1, SIDE, SIDE)
    return Digits(pixels, torch.frombuffer(labels, dtype=torch.uint8, offset=8))


def _unpacked(name: str) -> bytearray:
    path = PACKED_FOLDER / f"{name}.gz"
    packed = path.read_bytes() if path.exists() else b""
    if hashlib.sha256(packed).hexdigest() != FILES[name]:
        raise AelibError(f"{path} is missing or altered: 'git checkout -- aelib/mnist' restores it")
    return bytearray(gzip.decompress(packed))


def torchvision_mnist(train: bool = True, transform: Callable | None = None) -> Dataset[Any]:
    """Return torchvision's own MNIST, whose images pass `transform`, without a download."""
    from torchvision.datasets import MNIST  # imported here: it costs a second, few need it

    for name in FILES:  # torchvision reads files that are not packed
        target, content = cache_folder() / "MNIST" / "raw" / name, _unpacked(name)
        if not target.exists() or target.read_bytes() != content:
            write(target, content)
    return MNIST(cache_folder(), train=train, transform=transform, download=False)


def cache_folder() -> Path:
    """Return the folder for unpacked files and unfinished runs; AELIB_CACHE names another."""
    chosen = os.environ.get("AELIB_CACHE") or platformdirs.user_cache_dir("aelib", False)
    return Path(chosen).expanduser().absolute()


def write(path: Path, content: bytes | bytearray) -> None:
    """Write a file so that nobody ever sees half of it: under another name first, then its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    temporary.write_bytes(content)
    os.replace(temporary, path)
