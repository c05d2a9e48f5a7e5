"""What the course measures with a model: errors, readings, and what its codes know.

Everything here takes tensors and returns tensors or plain numbers; nothing trains. Three
measures have modules of their own: `checkerboards`, `strokes` and `detection`. What a result
is compared with is in `baselines`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from aelib.checks import (
    DIGITS,
    IMAGE_SIZE,
    Images,
    as_tensor,
    codes_of,
    drawings_of,
    finite,
    images_of,
    ink_of,
    labels_of,
    numbers_of,
    own_floats,
    real_number,
    same_shape,
)
from aelib.models import Autoencoder, kind_of, looking_at, offset_of, redrawn

# scikit-learn takes a second to import and is needed by few functions: each imports for
# itself what it uses.
BATCH = 250  # of 1,000 the activations take 100 MB and, as no cache holds them, a fifth more time
READ, LOST = 0.75, 0.25  # of a digit's drawings, to call it read or lost
NEIGHBOURS = 15
ID_NEIGHBOURS = {"TwoNN": 2, "MLE": 20}
PLANE_SUBSETS = ((0, 1), (0, 1, 2), (0, 1, 6), DIGITS)


# --- Errors ---------------------------------------------------------------------------


def mse_per_image(reconstructions: Images, images: Images) -> Tensor:
    """Return the mean squared error of each image, shape (N,).

    Both are images, as `checks` says what those are; floats may leave [0, 1]. Gradients pass.
    Raises ValueError if their numbers differ, for pixels that are NaN or infinite, and for floats
    from 0 to 255.
    """
    reconstructions = ink_of(reconstructions, "reconstructions", offset=True)
    images = ink_of(images, offset=True)
    same_shape(reconstructions, images)
    pairs = zip(reconstructions.split(BATCH), images.split(BATCH), strict=True)
    return torch.cat([(drawn - seen).square().flatten(1).mean(1) for drawn, seen in pairs])


def mean_per_digit(values: Tensor, labels: Tensor) -> Tensor:
    """Return the mean of `values` (N,) over the images of each digit, shape (10,).

    A digit that does not occur gets NaN. Raises ValueError for values that are NaN or
    infinite, and for labels of another number.
    """
    labels = labels_of(labels)
    values = finite("values", values, len(labels))
    sums = torch.zeros(len(DIGITS), dtype=torch.float64).index_add(0, labels, values.double())
    return sums / torch.bincount(labels, minlength=len(DIGITS))


def reconstruct(model: nn.Module, images: Images) -> Tensor:
    """Return a model's reconstructions of images, float32 (N, 1, 28, 28), on the CPU.

    model: any that returns images of the shape that it is given; those of the course draw in
        [0, 1]. It is used in eval mode, and left as it was. One with an `offset` gets the images
        less that offset, as it did in training.
    images: bytes or floats, see `checks`. Raises ValueError for others.
    """
    return _in_parts(model, lambda part: redrawn(model, part), images)


def encode(model: Autoencoder, images: Images) -> Tensor:
    """Return a model's codes (N, latent_dim) of images, on the CPU.

    It is used in eval mode, and left as it was. Raises ValueError for a model without `encode`,
    for one whose codes are not tensors (N, d), and for images that `reconstruct` would not take.
    """
    _needs(model, "encode")
    return _in_parts(model, lambda part: _rows("encode", model.encode(part), part), images)


def _rows(method: str, output: Any, part: Tensor, width: int | None = None) -> Tensor:
    """Return what a model gave for a part; raises ValueError unless it is one row of numbers each.

    Else labels would be read off something that is none, without a word.
    """
    found = tuple(output.shape) if isinstance(output, Tensor) else kind_of(output)
    wanted = (len(part), found[1] if width is None and len(found) == 2 else width)
    if found != wanted or not output.dtype.is_floating_point:
        raise ValueError(
            f"{method} must return a tensor of floats ({len(part)}, {width or 'd'}), got {found}"
            + (f" of {output.dtype}" if found == wanted else "")
        )
    return output


def _in_parts(model: nn.Module, see: Callable[[Tensor], Tensor], images: Images) -> Tensor:
    x = images_of(images)
    with looking_at(model) as device:
        offset = offset_of(model)
        # A batch at a time, of bytes too: all of them as floats would fill the memory.
        return _joined(
            (see(own_floats(part).to(device) - offset).cpu().float() for part in x.split(BATCH)),
            len(x),
        )


def _joined(parts: Iterator[Tensor], count: int) -> Tensor:
    """Return what `torch.cat` would, without holding everything twice."""
    first = next(parts)
    whole = torch.empty(count, *first.shape[1:], dtype=first.dtype)
    start = 0
    for part in itertools.chain((first,), parts):
        if part.shape[1:] != whole.shape[1:]:  # else one number would be repeated to fill a row
            raise ValueError(
                f"the model gives {tuple(whole.shape[1:])} for some images, and "
                f"{tuple(part.shape[1:])} for others"
            )
        whole[start : start + len(part)] = part
        start += len(part)
    return whole


def _needs(model: Any, method: str) -> None:
    if not isinstance(model, nn.Module) or not hasattr(model, method):
        raise ValueError(
            f"{method} needs a model with a method {method}, such as Autoencoder, "
            f"got {kind_of(model)}"
        )


def decode(model: Autoencoder, codes: Tensor) -> Tensor:
    """Return the images (N, 1, 28, 28) in [0, 1] that a model draws at codes (N, latent_dim).

    It is used in eval mode, and left as it was. Raises ValueError for a model without `decode`,
    for one that draws something else, and for codes of another shape or with numbers that are NaN
    or infinite.
    """
    _needs(model, "decode")
    z = codes_of(codes, getattr(model, "latent_dim", None))
    with looking_at(model) as device:
        # Copies, since a model may change what enters it, and these may be the caller's.
        return _joined(
            (
                _drawn(model.decode(part.clone().to(device)), part).cpu().float()
                for part in z.split(BATCH)
            ),
            len(z),
        )


def _drawn(output: Any, part: Tensor) -> Tensor:
    """Return what a model drew at a part of the codes; ValueError unless it is an image each."""
    wanted = (len(part), 1, IMAGE_SIZE, IMAGE_SIZE)
    is_image = isinstance(output, Tensor) and output.dtype.is_floating_point
    if not is_image or output.shape != wanted:
        found: Any = tuple(output.shape) if is_image else getattr(output, "dtype", kind_of(output))
        raise ValueError(f"decode must return images of floats {wanted}, got {found}")
    return output


# --- What somebody else sees in a picture ---------------------------------------------


def read_digits(judge: nn.Module, images: Images) -> Tensor:
    """Return the digit that the judge reads in each image, (N,).

    Images are bytes or floats, see `checks`; values outside [0, 1], as PCA makes them, are
    clipped. The judge is used in eval mode, and left as it was.
    Raises ValueError for images of another shape, for pixels that are NaN or infinite, for floats
    of another range (0 to 255, -0.5 to 0.5, ...), and for a judge that does not score ten digits,
    or gives scores that are no numbers.
    """
    x = ink_of(images).float().clamp(0, 1)
    with looking_at(judge) as device:
        parts = [
            _rows("the judge", judge(part.to(device)), part, len(DIGITS)).cpu()
            for part in x.split(BATCH)
        ]
    scores = torch.cat(parts)
    # The largest of numbers one of which is NaN is any of them.
    if not bool(scores.isfinite().all()):
        raise ValueError("the judge's scores are NaN or infinite: its weights are spoilt")
    return scores.argmax(1)


def confusion(truth: Tensor, read: Tensor) -> Tensor:
    """Return counts (10, 10): row = the true digit, column = what was read.

    Raises ValueError unless both hold as many digits from 0 to 9.
    """
    size = len(DIGITS)
    truth = labels_of(truth, name="true digits")
    read = labels_of(read, name="digits read")
    if len(truth) != len(read):
        raise ValueError(f"there are {len(truth)} true digits but {len(read)} digits read")
    return torch.bincount(truth * size + read, minlength=size * size).view(size, size)


def right_per_digit(confusion: Tensor) -> Tensor:
    """Return the share of each digit that was read as itself: (..., 10, 10) to (..., 10).

    A digit that does not occur, of which the counts are 0, gets NaN. Raises ValueError for another
    shape, and for counts that are negative or no numbers.
    """
    confusion, size = as_tensor("confusion", confusion), len(DIGITS)
    leading = ["..."] * (confusion.ndim - 2)
    numbers_of("confusion", confusion, *leading, size, size, low=0)
    if not confusion.is_floating_point():
        confusion = confusion.long()
    return confusion.diagonal(dim1=-2, dim2=-1) / confusion.sum(-1)


def agreement(right: Tensor, read: float = READ, lost: float = LOST) -> list[str]:
    """Return what all judges say of each digit: "read", "lost", "between" or "disputed".

    right: (seeds, judges, 10), the shares that `right_per_digit` gives. A digit is "read" if
    every judge, on the mean over the seeds, reads at least the share `read` of it right;
    "lost" if every judge reads at most `lost`; "between" if every judge is between the two;
    and else "disputed": then no statement stands that does not say whose reading it is.
    Raises ValueError for another shape, for what are no shares from 0 to 1 (those of a digit that
    does not occur are NaN), and unless 0 <= lost < read <= 1.
    """
    right = numbers_of("right", right, "seeds", "judges", len(DIGITS), low=0, high=1)
    read, lost = real_number("read", read, 0, 1), real_number("lost", lost, 0, 1)
    if not 0 <= lost < read <= 1:
        raise ValueError(f"need 0 <= lost < read <= 1, got {lost} and {read}")
    words = []
    for shares in right.mean(0).T:
        verdicts = {
            "read" if share >= read else "lost" if share <= lost else "between" for share in shares
        }
        words.append(verdicts.pop() if len(verdicts) == 1 else "disputed")
    return words


# --- Codes ----------------------------------------------------------------------------


def knn_accuracy(codes: Tensor, labels: Tensor, test_codes: Tensor, test_labels: Tensor) -> float:
    """Return the share of test codes whose 15 nearest training codes vote for their digit.

    Each axis is first scaled to unit variance, as a plot scales it. Raises ValueError for
    fewer than 15 codes, other labels, and codes that are NaN or infinite, or of no numbers.
    """
    codes, labels, test_codes, test_labels = _codes_and_labels(
        codes, labels, test_codes, test_labels
    )
    if len(codes) < NEIGHBOURS:
        raise ValueError(f"need at least {NEIGHBOURS} codes, got {len(codes)}")
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.preprocessing import StandardScaler

    scale = StandardScaler().fit(codes)
    knn = KNeighborsClassifier(NEIGHBOURS).fit(scale.transform(codes), labels)
    return float(knn.score(scale.transform(test_codes), test_labels))


def _codes_and_labels(codes: Any, labels: Any, test_codes: Any, test_labels: Any) -> list[Tensor]:
    checked: list[Tensor] = []
    for name, these, theirs in (("", codes, labels), ("test ", test_codes, test_labels)):
        z = codes_of(these, checked[0].shape[1] if checked else None, f"{name}codes", empty=False)
        y = labels_of(theirs)
        if len(z) != len(y):
            raise ValueError(f"there are {len(z)} {name}codes but {len(y)} labels")
        if not len(z):
            raise ValueError(f"there are no {name}codes")
        checked += [z, y]
    return checked


def probe_accuracy(codes: Tensor, labels: Tensor, test_codes: Tensor, test_labels: Tensor) -> float:
    """Return the share of test codes that a linear classifier of codes puts to their digit.

    It is a logistic regression on codes scaled to unit variance: what can be read off the
    code with straight cuts (Alain and Bengio 2016, arXiv:1610.01644; notebook 4).
    Raises ValueError as `knn_accuracy` does, and for codes of one digit alone.
    """
    codes, labels, test_codes, test_labels = _codes_and_labels(
        codes, labels, test_codes, test_labels
    )
    if len(labels.unique()) < 2:
        raise ValueError("need codes of at least two digits to tell them apart")
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scale = StandardScaler().fit(codes)
    probe = LogisticRegression(max_iter=1000).fit(scale.transform(codes), labels)
    # A part at a time: codes may be as large as images.
    read = [probe.predict(scale.transform(part)) for part in test_codes.split(BATCH)]
    return float((np.concatenate(read) == test_labels.numpy()).mean())


def class_overlap(codes: Tensor, labels: Tensor) -> Tensor:
    """Return how far each pair of digits shares its place in code space, (10, 10).

    For a pair, as many codes of one digit as of the other; the overlap is the share of
    other-digit codes among each code's 15 nearest neighbours, divided by one half. 0:
    apart; 1: mixed as if shuffled. The diagonal is 1. Axes are scaled to unit variance.
    Raises ValueError for other labels, and unless there are eight codes of each digit.
    """
    from sklearn.preprocessing import StandardScaler

    codes, labels = codes_of(codes, empty=False), labels_of(labels)
    if len(codes) != len(labels):
        raise ValueError(f"there are {len(codes)} codes but {len(labels)} labels")
    counts = torch.bincount(labels, minlength=len(DIGITS))
    needed = NEIGHBOURS // 2 + 1  # so that a pair of digits has 15 neighbours for each code
    if counts.min() < needed:
        digit = int(counts.argmin())
        raise ValueError(
            f"need at least {needed} codes of each digit, got {counts[digit]} of digit {digit}"
        )
    scaled = torch.from_numpy(StandardScaler().fit_transform(codes))
    groups = [scaled[labels == digit] for digit in DIGITS]
    result = torch.ones(len(DIGITS), len(DIGITS))
    for a in DIGITS:
        for b in range(a):
            result[a, b] = result[b, a] = _pair_overlap(groups[a], groups[b])
    return result


def _pair_overlap(a: Tensor, b: Tensor) -> float:
    from sklearn.neighbors import NearestNeighbors

    size = min(len(a), len(b))
    both = torch.cat([a[:size], b[:size]])
    neighbours = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(both)
    found = neighbours.kneighbors(return_distance=False)  # without the code itself
    other = (found >= size) != (np.arange(2 * size) >= size)[:, None]
    return float(2 * other.mean())


def intrinsic_dimension(images: Images, method: str = "TwoNN") -> float:
    """Return an estimate of how many numbers images vary in, near any one of them.

    The more directions there are, the more neighbours lie at nearly the same distance.
    method: "TwoNN" compares the distances of an image's two nearest neighbours, over all
        images but the tenth where they differ most (Facco et al. 2017,
        doi:10.1038/s41598-017-11873-y); "MLE" those of its twenty nearest (Levina and Bickel
        2004, averaged as MacKay and Ghahramani 2005 propose).
    An image that is there twice counts for nothing.
    Raises ValueError for another method, and for too few images that differ.
    """
    from sklearn.neighbors import NearestNeighbors

    if not isinstance(method, str) or method not in ID_NEIGHBOURS:
        raise ValueError(f"method must be TwoNN or MLE, got {method!r}")
    flat, count = drawings_of(images).detach().flatten(1).double().numpy(), ID_NEIGHBOURS[method]
    if len(flat) <= count:
        raise ValueError(f"{method} needs at least {count + 1} images, got {len(flat)}")
    distances, _ = NearestNeighbors(n_neighbors=count).fit(flat).kneighbors()
    distances = distances[distances[:, 0] > 0]
    if len(distances) < 2:
        raise ValueError(f"need images that differ, got {len(flat)} of which hardly any does")
    logarithms = np.log(distances[:, -1:] / distances[:, :-1])
    if not logarithms.any():
        raise ValueError("all neighbours are equally far away: nothing tells the dimension")
    if method == "MLE":
        return float(1 / logarithms.mean())
    # In d dimensions the share of images whose ratio of distances is below r is 1 - r^-d. So
    # -log(1 - share) against log(r) is a straight line through 0, and its slope is d.
    kept = np.sort(logarithms[:, 0])[: int(0.9 * len(logarithms))]
    shares = np.arange(1, len(kept) + 1) / len(logarithms)
    heights = -np.log(1 - shares)
    return float(kept @ heights / (kept @ kept))


def plane_values(
    codes: Tensor, labels: Tensor, test_codes: Tensor, test_labels: Tensor
) -> dict[str, Any]:
    """Return knn_accuracy, knn_subsets (by digits, e.g. "0 1 6") and class_overlap of a plane."""
    codes, labels, test_codes, test_labels = _codes_and_labels(
        codes, labels, test_codes, test_labels
    )
    subsets = {}
    for digits in PLANE_SUBSETS:
        chosen = torch.tensor(digits)
        here, there = torch.isin(labels, chosen), torch.isin(test_labels, chosen)
        subsets[" ".join(map(str, digits))] = knn_accuracy(
            codes[here], labels[here], test_codes[there], test_labels[there]
        )
    return {
        "knn_accuracy": subsets[" ".join(map(str, DIGITS))],
        "knn_subsets": subsets,
        "class_overlap": class_overlap(test_codes, test_labels).tolist(),
    }
