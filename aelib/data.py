"""MNIST as three splits held in memory, and as torchvision's data set for teaching.

The four files of MNIST travel with the package (see aelib/mnist/README.md), so
nothing here touches the network. Source: notebook 1.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import platformdirs
import torch
from torch import Tensor

if TYPE_CHECKING:
    from torchvision.datasets import MNIST as TorchvisionMNIST  # noqa: N811

PACKED_FOLDER = Path(__file__).parent / "mnist"
CACHE_VARIABLE = "AELIB_CACHE"
IMAGE_SIZE = 28
DIGITS = tuple(range(10))

# Of every twelve training images of a digit, one is kept for validation: 60,000 / 12 = 5,000.
VALIDATION_STEP = 12


class Checksums(NamedTuple):
    """SHA-256 sums of one file of the data set: as shipped (gzip) and unpacked."""

    packed: str
    unpacked: str


FILES = {
    "train-images-idx3-ubyte": Checksums(
        "0b367032e93c5d0cea0925647cfdb18614af8ee15f83e6f2fc2ad904a6835971",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    "train-labels-idx1-ubyte": Checksums(
        "1787548bbe0bff1ec2ecdc0ef292b02df999e2d1a6002d27500982c652b17203",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    "t10k-images-idx3-ubyte": Checksums(
        "1a1a05eab793c14bb050b398624a11b0ffd1a2953baed553b1b9bd079e2a20be",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    "t10k-labels-idx1-ubyte": Checksums(
        "b91679a0acfe4ba0e50a2437a903084cba1f5f92592b016a25a7dfd00455798b",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
}


class DataError(RuntimeError):
    """A file of the data set is missing, truncated or altered."""


@dataclass(frozen=True)
class Digits:
    """Images of handwritten digits with their labels, in memory.

    images: uint8, shape (N, 28, 28), 0 is paper and 255 is full ink.
    labels: int64, shape (N,), values 0 to 9.
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: slice | Tensor | list[int]) -> Digits:
        """Return the images and labels at `index`: a slice, a list, a mask or indices."""
        return Digits(self.images[index], self.labels[index])

    def only(self, *digits: int) -> Digits:
        """Return the subset that shows one of `digits`, e.g. `train.only(0, 1)`.

        Raises ValueError if a digit is not one of 0 to 9, or if nothing is left.
        """
        wrong = [digit for digit in digits if digit not in DIGITS]
        if wrong or not digits:
            raise ValueError(f"digits must be one or more of 0 to 9, got {list(digits)}")
        subset = self[torch.isin(self.labels, torch.tensor(digits))]
        if not len(subset):
            raise ValueError(f"no image of digit {list(digits)} among these {len(self)}")
        return subset

    def thinned(self, digit: int, keep_every: int) -> Digits:
        """Return a copy in which only every `keep_every`-th image of `digit` is left."""
        if digit not in DIGITS or keep_every < 1:
            raise ValueError(
                f"need a digit of 0 to 9 and keep_every >= 1, got {digit} and {keep_every}"
            )
        keep = torch.ones(len(self), dtype=torch.bool)
        positions = torch.nonzero(self.labels == digit).flatten()
        keep[positions] = False
        keep[positions[::keep_every]] = True
        return self[keep]

    def floats(self) -> Tensor:
        """Return the images as float32 in [0, 1], shape (N, 1, 28, 28)."""
        return to_float(self.images)

    def counts(self) -> Tensor:
        """Return how many images there are of each digit, shape (10,)."""
        return torch.bincount(self.labels, minlength=len(DIGITS))


class Splits(NamedTuple):
    """The three parts of MNIST: 55,000 to train, 5,000 to choose, 10,000 to report."""

    train: Digits
    val: Digits
    test: Digits


def to_float(images: Tensor) -> Tensor:
    """Turn uint8 images (N, 28, 28) into float32 (N, 1, 28, 28) in [0, 1]."""
    return images.unsqueeze(1).float().div_(255)


def load_mnist() -> Splits:
    """Return MNIST as train (55,000), val (5,000) and test (10,000) images in memory.

    The split is fixed and stratified: the training images are sorted by digit, in
    their original order within a digit, and every twelfth goes to validation. No
    random numbers are involved, so it is the same everywhere.

    Raises DataError if a file is missing, truncated or altered.
    """
    full = _load_part("train")
    by_digit = torch.argsort(full.labels, stable=True)
    held_out = torch.zeros(len(full), dtype=torch.bool)
    held_out[by_digit[::VALIDATION_STEP]] = True
    return Splits(train=full[~held_out], val=full[held_out], test=_load_part("t10k"))


def join(*parts: Digits) -> Digits:
    """Return all images of `parts` as one, in order."""
    return Digits(
        torch.cat([part.images for part in parts]), torch.cat([part.labels for part in parts])
    )


def batches(
    digits: Digits, batch_size: int, generator: torch.Generator | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield (images, labels): float32 (B, 1, 28, 28) in [0, 1], and int64 (B,).

    With a generator the order is shuffled by it, else it is the order of `digits`.
    The last batch may be smaller. Notebook 1 times this against a DataLoader.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    if not len(digits):
        raise ValueError("there is nothing to make batches of: the set of digits is empty")
    order = torch.randperm(len(digits), generator=generator) if generator else None
    for start in range(0, len(digits), batch_size):
        chosen = slice(start, start + batch_size)
        if order is not None:
            chosen = order[chosen]
        yield to_float(digits.images[chosen]), digits.labels[chosen]


def torchvision_mnist(
    train: bool = True, transform: Callable[..., Any] | None = None
) -> TorchvisionMNIST:
    """Return torchvision's own MNIST data set on the shipped files, without a download.

    transform: what torchvision applies to each PIL image, e.g. `ToTensor()`.
    Raises DataError if a file is missing, truncated or altered.
    """
    from torchvision.datasets import MNIST  # imported here: it costs a second, few need it

    return MNIST(unpack_mnist(), train=train, transform=transform, download=False)


def cache_folder() -> Path:
    """Return the per-user folder for unpacked files and unfinished training runs.

    The environment variable AELIB_CACHE, if set, names another folder.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("aelib", False))


def unpack_mnist() -> Path:
    """Write the four raw files into the cache if they are not there, and return the root.

    The result is a `root` for torchvision's MNIST. Every file is verified, whether
    it was just written or found. Raises DataError on a file that does not match.
    """
    root = cache_folder()
    for name, sums in FILES.items():
        target = root / "MNIST" / "raw" / name
        if not target.exists():
            write_atomically(target, _read_packed(name))
        _verify(target, target.read_bytes(), sums.unpacked, "delete it, it is unpacked anew")
    return root


def write_atomically(target: Path, content: bytes) -> None:
    """Write `content` to `target` so that nobody ever sees half of it.

    The bytes go to a temporary file beside the target, which then takes its name
    in one step. Two processes may do this at once: the last one wins.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        # mkstemp makes the file private; give it the usual permissions of a new file.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        _replace(Path(temporary), target)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _replace(temporary: Path, target: Path) -> None:
    for pause in (0.05, 0.2, 1.0, None):
        try:
            os.replace(temporary, target)
        except PermissionError:
            # Windows refuses to replace a file that another process is reading. If that
            # process has just written the same bytes, there is nothing left to do.
            if target.exists() and target.read_bytes() == temporary.read_bytes():
                return
            if pause is None:
                raise
            time.sleep(pause)
        else:
            return


def _load_part(part: str) -> Digits:
    images = _parse_idx(_read_packed(f"{part}-images-idx3-ubyte"), header=16)
    labels = _parse_idx(_read_packed(f"{part}-labels-idx1-ubyte"), header=8)
    return Digits(images.view(-1, IMAGE_SIZE, IMAGE_SIZE), labels.long())


def _parse_idx(raw: bytes, header: int) -> Tensor:
    return torch.from_numpy(np.frombuffer(raw, np.uint8, offset=header).copy())


def _read_packed(name: str) -> bytes:
    path = PACKED_FOLDER / f"{name}.gz"
    remedy = "restore it with 'git checkout -- aelib/mnist', or clone the repository again"
    if not path.exists():
        raise DataError(f"{path} is missing: {remedy}")
    packed = path.read_bytes()
    _verify(path, packed, FILES[name].packed, remedy)
    return gzip.decompress(packed)


def _verify(path: Path, content: bytes, expected: str, remedy: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise DataError(
            f"{path} is not the file it should be ({len(content):,} bytes): "
            f"its SHA-256 is {found}, expected {expected}. Remedy: {remedy}."
        )
