"""MNIST as three splits held in memory, and as torchvision's data set for teaching.

The four files of MNIST travel with the package (see aelib/mnist/README.md), so
nothing here touches the network. Source: notebook 1.
"""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from aelib import AelibError
from aelib.checks import DIGITS as DIGITS
from aelib.checks import IMAGE_SIZE as IMAGE_SIZE
from aelib.checks import as_tensor, images_of, labels_of, own_floats, whole_number
from aelib.checks import to_float as to_float
from aelib.files import cache_folder, read_if_there, write_atomically
from aelib.prepare import prepare as prepare

if TYPE_CHECKING:
    from torchvision.datasets import MNIST as TorchvisionMNIST  # noqa: N811

PACKED_FOLDER = Path(__file__).parent / "mnist"

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


class DataError(AelibError, RuntimeError):
    """A file of the data set is missing, truncated or altered."""


@dataclass(frozen=True, eq=False)
class Digits:
    """Images of handwritten digits with their labels, in memory.

    images: (N, 28, 28), uint8 from 0 (paper) to 255 (full ink), as MNIST has them; or floats
        from 0 to 1, which are kept as float32. A channel axis (N, 1, 28, 28) is dropped.
    labels: whole numbers from 0 to 9, shape (N,); kept as int64. Images that no label
        belongs to may have any, e.g. `torch.zeros(N, dtype=torch.long)`.

    Both may be torch tensors or NumPy arrays. Nothing here changes them, but they are not
    copied either: what you do to them afterwards shows here.
    Raises ValueError, which names what is wrong, for anything else.
    """

    images: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        images = images_of(self.images).cpu().squeeze(1)
        if images.dtype != torch.uint8:
            images = images.float()
        # The class is frozen, so that nobody swaps one without the other.
        object.__setattr__(self, "images", images)
        object.__setattr__(self, "labels", labels_of(self.labels, len(images)))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int | slice | Tensor | np.ndarray | list[int]) -> Digits:
        """Return the images and labels at `index`: a number, a slice, a list, a mask or indices.

        The result is Digits whatever the index; a number gives a set of one. Slices share
        memory with the whole, as slices of tensors do, unless they run backwards.
        """
        place = _place(index, len(self))
        part = object.__new__(Digits)  # what it holds was checked when the whole was made
        vars(part).update(images=self.images[place], labels=self.labels[place])
        return part

    def __iter__(self) -> Iterator[Digits]:
        """Yield one image at a time, as Digits. `batches` is what training wants."""
        return (self[place] for place in range(len(self)))

    def only(self, *digits: int) -> Digits:
        """Return the subset that shows one of `digits`, e.g. `train.only(0, 1)`.

        Raises ValueError if a digit is not one of 0 to 9, or if nothing is left.
        """
        if not digits:
            raise ValueError("only needs one or more digits from 0 to 9, got none")
        wanted = [whole_number("digits", digit, 0, 9) for digit in digits]
        subset = self[torch.isin(self.labels, torch.tensor(wanted))]
        if not len(subset):
            raise ValueError(f"no image of digit {wanted} among these {len(self)}")
        return subset

    def thinned(self, digit: int, keep_every: int) -> Digits:
        """Return a copy in which only every `keep_every`-th image of `digit` is left."""
        digit = whole_number("digit", digit, 0, 9)
        keep_every = whole_number("keep_every", keep_every, 1)
        keep = torch.ones(len(self), dtype=torch.bool)
        positions = torch.nonzero(self.labels == digit).flatten()
        keep[positions] = False
        keep[positions[::keep_every]] = True
        return self[keep]

    def first_of_each(self) -> Tensor:
        """Return where the first image of each digit stands, shape (10,).

        Of the test set these are the course's examples. Raises ValueError if a digit is missing.
        """
        missing = [digit for digit in DIGITS if not bool((self.labels == digit).any())]
        if missing:
            raise ValueError(f"no image of digit {missing} among these {len(self)}")
        return torch.stack([(self.labels == digit).int().argmax() for digit in DIGITS])

    def floats(self) -> Tensor:
        """Return the images as float32 in [0, 1], shape (N, 1, 28, 28), in memory of their own."""
        return own_floats(self.images)

    def counts(self) -> Tensor:
        """Return how many images there are of each digit, shape (10,)."""
        return torch.bincount(self.labels, minlength=len(DIGITS))


def check_digits(name: str, digits: Any) -> Digits:
    """Return `digits`; raises ValueError, which says how to make them, unless they are Digits."""
    if not isinstance(digits, Digits):
        raise ValueError(
            f"{name} must be Digits, got {type(digits).__name__}; Digits(images, labels) makes them"
        )
    return digits


def _place(index: Any, count: int) -> slice | Tensor:
    """Return an index that keeps the first axis, from whatever a reader may write."""
    said = f"an index must be a whole number, a slice, a mask or a list of them, got {index!r}"
    if isinstance(index, slice):
        # Backwards torch does not go; range knows the places.
        chosen = range(count)[index]
        return index if chosen.step > 0 else torch.tensor(chosen, dtype=torch.long)
    if isinstance(index, (bool, str, tuple)) or index is None:
        raise TypeError(said)
    if not isinstance(index, (list, np.ndarray, Tensor)) or np.ndim(index) == 0:
        try:
            place = whole_number("an index", index)
        except ValueError:
            raise TypeError(said) from None
        if not -count <= place < count:
            raise IndexError(f"there is no image {place} among these {count}")
        return slice(place % count, place % count + 1)
    try:
        places = as_tensor("an index", index)
    except ValueError as error:
        raise TypeError(f"{said}: {error}") from None
    if not places.numel():
        places = places.long()
    if places.ndim != 1 or places.dtype.is_floating_point or places.dtype.is_complex:
        raise TypeError(said)
    if places.dtype == torch.bool and len(places) != count:
        raise IndexError(f"a mask of {len(places)} does not fit {count} images")
    # torch would take uint8 for a mask.
    return places if places.dtype == torch.bool else places.long()


class Splits(NamedTuple):
    """The three parts of MNIST: 55,000 to train, 5,000 to choose, 10,000 to report."""

    train: Digits
    val: Digits
    test: Digits


def load_mnist() -> Splits:
    """Return MNIST as train (55,000), val (5,000) and test (10,000) images in memory.

    The split is fixed and stratified: the training images are sorted by digit, in
    their original order within a digit, and every twelfth goes to validation. No
    random numbers are involved, so it is the same everywhere.

    Raises DataError if a file is missing, truncated or altered, FileError if it cannot be read.
    """
    labels, test_labels = _labels("train"), _labels("t10k")
    held_out = torch.zeros(len(labels), dtype=torch.bool)
    held_out[torch.argsort(labels, stable=True)[::VALIDATION_STEP]] = True
    train, val = _images("train", ~held_out, held_out)
    (test,) = _images("t10k", torch.ones(len(test_labels), dtype=torch.bool))
    return Splits(
        Digits(train, labels[~held_out]), Digits(val, labels[held_out]), Digits(test, test_labels)
    )


def join(*parts: Digits) -> Digits:
    """Return all images of `parts` as one, in order. Raises ValueError if there are no parts."""
    if not parts:
        raise ValueError("there is nothing to join: give at least one set of digits")
    images = [check_digits("each part", part).images for part in parts]
    if len({part.dtype for part in images}) > 1:  # bytes from 0 to 255 beside floats from 0 to 1
        images = [part.floats()[:, 0] for part in parts]
    return Digits(torch.cat(images), torch.cat([part.labels for part in parts]))


def batches(
    digits: Digits, batch_size: int, generator: torch.Generator | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield (images, labels): float32 (B, 1, 28, 28) in [0, 1], and int64 (B,).

    With a generator the order is shuffled by it, else it is the order of `digits`.
    The last batch may be smaller. Notebook 1 times this against a DataLoader.
    Raises ValueError for a batch_size below 1, no digits, or another kind of generator; for
    what are no Digits, too.
    """
    batch_size = whole_number("batch_size", batch_size, 1)
    if not len(check_digits("digits", digits)):
        raise ValueError("there is nothing to make batches of: the set of digits is empty")
    if not (generator is None or isinstance(generator, torch.Generator)):
        raise ValueError(
            f"generator must be a torch.Generator or None, got {generator!r}; "
            "torch.Generator().manual_seed(0) makes one from a seed"
        )
    # The checks above run when this is called; the batches are made as they are asked for.
    return _batches(digits, batch_size, generator)


def _batches(
    digits: Digits, batch_size: int, generator: torch.Generator | None
) -> Iterator[tuple[Tensor, Tensor]]:
    order = torch.randperm(len(digits), generator=generator) if generator else None
    for start in range(0, len(digits), batch_size):
        chosen: slice | Tensor = slice(start, start + batch_size)
        if order is not None:
            chosen = order[chosen]
        # Copies, which a reader may change without changing the set.
        yield own_floats(digits.images[chosen]), digits.labels[chosen].clone()


def torchvision_mnist(
    train: bool = True, transform: Callable[..., Any] | None = None
) -> TorchvisionMNIST:
    """Return torchvision's own MNIST data set on the shipped files, without a download.

    transform: what torchvision applies to each PIL image, e.g. `ToTensor()`.
    Raises DataError if a file is missing, truncated or altered.
    """
    from torchvision.datasets import MNIST  # imported here: it costs a second, few need it

    return MNIST(unpack_mnist(), train=train, transform=transform, download=False)


def unpack_mnist() -> Path:
    """Write the four raw files into the cache if they are not there, and return the root.

    The result is a `root` for torchvision's MNIST. Every file is verified, whether
    it was just written or found. Raises DataError on a file that does not match.
    """
    root = cache_folder()
    for name, sums in FILES.items():
        target, remedy = root / "MNIST" / "raw" / name, "delete it, it is unpacked anew"
        content = read_if_there(target, f"Remedy: {remedy}")
        if content is None:
            content = gzip.decompress(_packed(name))
            write_atomically(target, content)
        _verify(target, content, sums.unpacked, remedy)
    return root


def _labels(part: str) -> Tensor:
    content = gzip.decompress(_packed(f"{part}-labels-idx1-ubyte"))
    return torch.from_numpy(np.frombuffer(content, np.uint8, offset=8).astype(np.int64))


def _images(part: str, *masks: Tensor) -> list[Tensor]:
    """Return the images of a file that each mask picks out.

    A thousand are unpacked at a time, so that little more is in memory than what is returned.
    """
    size = (IMAGE_SIZE, IMAGE_SIZE)
    found = [torch.empty(int(mask.sum()), *size, dtype=torch.uint8) for mask in masks]
    empty = list(found)  # what of each is still to be filled
    with gzip.open(io.BytesIO(_packed(f"{part}-images-idx3-ubyte"))) as file:
        file.read(16)  # the header
        for thousand in zip(*(mask.split(1000) for mask in masks), strict=True):
            content = bytearray(file.read(len(thousand[0]) * IMAGE_SIZE**2))
            images = torch.frombuffer(content, dtype=torch.uint8).view(-1, *size)
            for place, mask in enumerate(thousand):
                chosen = images[mask]
                empty[place][: len(chosen)] = chosen
                empty[place] = empty[place][len(chosen) :]
    return found


def _packed(name: str) -> bytes:
    """Return a file as it is shipped, verified."""
    path = PACKED_FOLDER / f"{name}.gz"
    remedy = "restore it with 'git checkout -- aelib/mnist', or clone the repository again"
    packed = read_if_there(path, f"Remedy: {remedy}")
    if packed is None:
        raise DataError(f"{path} is missing: {remedy}")
    _verify(path, packed, FILES[name].packed, remedy)
    return packed


def _verify(path: Path, content: bytes, expected: str, remedy: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise DataError(
            f"{path} is not the file it should be ({len(content):,} bytes): "
            f"its SHA-256 is {found}, expected {expected}. Remedy: {remedy}."
        )
