"""Letters of Hangul: which strokes a model draws that knows one letter only.

The claims, their margins and controls are in `checkpoints/PLAN.md`, which is older than the
models. The intervals count test images as well as seeds, so all models are needed at once:
`python -m aelib letters` writes `checkpoints/hangul.json`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

import torch
from torch import Tensor, nn

from aelib import hangul, metrics
from aelib.hangul import COUNTS, NAMES, STROKES, TEST
from aelib.intervals import unpaired_difference
from aelib.workshop.comparing import BASELINE_DIM, seeds_and_images
from aelib.workshop.experiments import HANGUL_DIMS

# A letter, and one that has all its strokes and more.
PAIRS = [(a, b) for a, b in permutations(NAMES, 2) if STROKES[b][: len(STROKES[a])] == STROKES[a]]
FAMILIES = (
    ("giyeok", "kieuk"),
    ("nieun", "digeut", "tieut", "rieul"),
    ("mieum", "bieup", "pieup"),
    ("siot", "jieut", "chieut"),
    ("ieung", "hieut"),
)
FAINT = 0.15  # what covers a pixel less does not count

Models = Mapping[str, Sequence[nn.Module]]  # of each letter, one per seed


def share_drawn(drawn: Tensor, covers: Tensor) -> Tensor:
    """Return what share of each stroke's own ink a drawing holds, (N, strokes).

    drawn: (N, 1, 28, 28); covers: (N, strokes, 28, 28), float, of the images that were to be
    drawn. A stroke's own pixels are those that no other stroke covers. NaN where it has none.
    """
    seen = covers > FAINT
    own = seen & (seen.sum(1, keepdim=True) == 1)
    return (torch.minimum(drawn, covers) * own).sum((2, 3)) / (covers * own).sum((2, 3))


def measure_letters(models: Models) -> dict[str, Any]:
    """Return all that the claims on strokes rest on, and what PCA reaches on the letters.

    shares: of each model's letter and each letter drawn, the share of every stroke, a mean over
    seeds and images. pairs: of each of `PAIRS` known, added and difference, its interval;
    others, the mean difference of unrelated models, and against_others, an interval; pca, its
    difference; and of the letter without the added strokes larger_adds and base_adds, the ink
    in their place as a share of theirs, with an interval adds. linear: by number of numbers
    PCA's test_mse and knn_accuracy.
    """
    covers = {name: hangul.draw(name, COUNTS[TEST], TEST)[1].float() / 255 for name in NAMES}
    shares = {
        model: {name: _shares(seeds, covers[name]) for name in NAMES}
        for model, seeds in models.items()
    }
    means = {
        model: {name: share.nanmean((0, 1)).tolist() for name, share in of.items()}
        for model, of in shares.items()
    }
    pairs = [_pair(base, larger, models, shares, covers[larger]) for base, larger in PAIRS]
    return {"shares": means, "pairs": pairs, "linear": _linear()}


def _shares(models: Sequence[nn.Module], covers: Tensor) -> Tensor:
    """Return the share of each stroke that each model draws, (seeds, images, strokes)."""
    images = covers.amax(1, keepdim=True)
    drawn = (metrics.reconstruct(model, images) for model in models)
    return torch.stack([share_drawn(each, covers) for each in drawn])


def _pair(
    base: str, larger: str, models: Models, shares: dict[str, dict[str, Tensor]], covers: Tensor
) -> dict[str, Any]:
    known = len(STROKES[base])

    def lost(share: Tensor) -> Tensor:  # (..., images): how much more of what is known is drawn
        return share[..., :known].nanmean(-1) - share[..., known:].nanmean(-1)

    (family,) = (letters for letters in FAMILIES if base in letters)
    ours = shares[base][larger]
    own = lost(ours)  # (seeds, images)
    others = torch.stack([lost(shares[name][larger]) for name in NAMES if name not in family])
    train = hangul.load_hangul().train.only(NAMES.index(base))
    linear = metrics.LinearAutoencoder(train, BASELINE_DIM)
    images = covers.amax(1, keepdim=True)
    by_pca = lost(share_drawn(linear.reconstruct(images, BASELINE_DIM), covers))
    less, more = (_added(models[name], covers, known) for name in (base, larger))
    return {
        "base": base,
        "larger": larger,
        "known": ours[..., :known].nanmean().item(),
        "added": ours[..., known:].nanmean().item(),
        "difference": seeds_and_images(own.nanmean(1), own.nanmean(0)),
        "others": others.nanmean().item(),
        "against_others": unpaired_difference(own.nanmean(1), others.nanmean((0, 2))),
        "pca": by_pca.nanmean().item(),
        "base_adds": less.nanmean().item(),
        "larger_adds": more.nanmean().item(),
        "adds": seeds_and_images(*(more.nanmean(axis) - less.nanmean(axis) for axis in (1, 0))),
    }


def _added(models: Sequence[nn.Module], covers: Tensor, known: int) -> Tensor:
    """Return how much ink models draw in the place of strokes left out, (seeds, images)."""
    input_, left_out = covers[:, :known].amax(1, keepdim=True), covers[:, known:].amax(1)
    place = left_out * (left_out > FAINT) * (input_[:, 0] <= FAINT)
    drawn = torch.stack([metrics.reconstruct(model, input_)[:, 0] for model in models])
    return (drawn * (place > 0)).sum((2, 3)) / place.sum((1, 2))


def _linear() -> dict[str, dict[str, float]]:
    train, _, test = hangul.load_hangul()
    linear, images = metrics.LinearAutoencoder(train, max(HANGUL_DIMS)), test.floats()
    found = {}
    for d in HANGUL_DIMS:
        errors = metrics.mse_per_image(linear.reconstruct(images, d), images)
        found[str(d)] = {"test_mse": errors.double().mean().item()}
        if d:
            known, codes = linear.encode(train.floats(), d), linear.encode(images, d)
            right = metrics.knn_accuracy(known, train.labels, codes, test.labels)
            found[str(d)]["knn_accuracy"] = right
    return found
