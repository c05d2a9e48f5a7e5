"""What the views of the explorer need, packed: models, digits, PCA, and what real digits do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from aelib import detection, metrics, zoo
from aelib.baselines import LinearAutoencoder
from aelib.checks import whole_number
from aelib.data import DIGITS, Digits, load_mnist
from aelib.experiments import JUDGE, LATENT_DIMS, UP_DIMS
from aelib.models import UPSAMPLING
from aelib.packing import pack_array, pack_images, pack_model

FORM = 1  # of a payload; the same number stands in explorer.js
EACH = 20  # test digits of each kind to take
REAL = 2000  # test images from which the errors of real digits come
POINTS = 3000  # in the plane
QUANTILES = torch.linspace(0, 1, 41)
FINE_QUANTILES = torch.linspace(0, 1, 201)
ALLOWED = tuple(percent / 100 for percent in range(1, 51))  # false alarms
CODE_DIMS = tuple(d for d in LATENT_DIMS if 1 <= d <= 10)
TestScores = Mapping[int, Mapping[str, Tensor]]

# View: the models that it offers, in the order in which they are packed.
MODELS: dict[str, tuple[str, ...]] = {
    "draw": (),
    "latent": tuple(f"latent/{d}" for d in LATENT_DIMS),
    "plane": ("latent/2",),
    "code": tuple(f"latent/{d}" for d in CODE_DIMS),
    "morph": ("latent/2", "latent/8", "latent/16"),
    "alarms": tuple(f"digit/{digit}" for digit in DIGITS),
    "stamp": (),
    "decoders": tuple(f"up/{kind}/{d}" for d in UP_DIMS for kind in UPSAMPLING),
}
VIEWS = tuple(MODELS)
PADLESS = ("stamp",)  # these look at no drawing


def needs(
    views: Sequence[str],
    dims: Sequence[int] | None = None,
    test_scores: TestScores | None = None,
) -> dict[str, Any]:
    """Return what some views need, as plain dicts, lists, numbers and strings.

    views: of `VIEWS`; with none there is only the drawing pad.
    dims: the latent dimensions to offer, where a view has a choice; all if None.
    test_scores: for "alarms", every score of all test images by each digit's model, as
        `detection.all_scores` gives them, if they are at hand; else they are computed, which
        takes about a minute.

    Raises ValueError for an unknown view and for a dimension that no view offers, and
    ModelMissingError for a model that has not been trained.
    """
    unknown = [view for view in views if view not in VIEWS]
    if unknown:
        raise ValueError(f"views must be of {', '.join(VIEWS)}; got {unknown}")
    names = _names(views, dims)
    result: dict[str, Any] = {"form": FORM, "views": list(views)}
    if views and set(views) <= set(PADLESS):
        return result
    result |= {
        "models": {name: _model(name) for name in (JUDGE, *names)},
        "digits": _digits(),
    }
    if {"draw", "latent"} & set(views):
        result["pca"] = _pca()
    if "latent" in views:
        result["errors"] = _errors(tuple(_dims_of(names)))
    if "plane" in views:
        result["plane"] = _plane()
    if {"latent", "plane", "code"} & set(views):
        codes = [f"latent/{d}" for d in _dims_of(names) if d in CODE_DIMS]
        result["codes"] = {name: _code_quantiles(name) for name in codes}
    if "alarms" in views:
        result["alarms"] = _alarms(test_scores)
    return result


def _names(views: Sequence[str], dims: Sequence[int] | None) -> list[str]:
    names = list(dict.fromkeys(name for view in views for name in MODELS[view]))
    if dims is None:
        return names
    offered = {int(name.rpartition("/")[2]) for name in names if not name.startswith("digit/")}
    chosen = {whole_number("each of dims", d) for d in dims}
    if not chosen or not chosen <= offered:
        raise ValueError(f"dims must be of {sorted(offered)} for these views, got {list(dims)}")
    return [n for n in names if n.startswith("digit/") or int(n.rpartition("/")[2]) in chosen]


def _dims_of(names: Sequence[str]) -> list[int]:
    return sorted(int(name.removeprefix("latent/")) for name in names if name.startswith("latent/"))


# Everything below is the same for every explorer of a run, so it is made once.


class Held(NamedTuple):
    """The images that the course's recipe does not train on."""

    val: Digits
    test: Digits


@lru_cache(1)
def held_out() -> Held:
    """Those of MNIST, without the training images, which take most of its memory."""
    _, val, test = load_mnist()
    return Held(val, test)


@lru_cache(1)
def _chosen() -> Tensor:
    """Five hundred validation images, by which the bits of a packed weight are chosen."""
    return held_out().val[::10].floats()


@lru_cache(maxsize=64)
def _model(name: str) -> dict[str, Any]:
    model = zoo.judge() if name == JUDGE else zoo.load(name)
    return pack_model(model, _chosen())


@lru_cache(1)
def _digits() -> dict[str, Any]:
    """The first test images of each digit, in the order of the digits."""
    test = held_out().test
    chosen = torch.cat([(test.labels == digit).nonzero()[:EACH, 0] for digit in DIGITS])
    ink = torch.quantile(test.floats().mean((1, 2, 3)), torch.tensor([0.05, 0.95]))
    labels = test.labels[chosen].tolist()
    return {"images": pack_images(test.images[chosen]), "labels": labels, "ink": ink.tolist()}


@lru_cache(1)
def _linear() -> LinearAutoencoder:
    return LinearAutoencoder(load_mnist().train)


@lru_cache(1)
def _pca() -> dict[str, Any]:
    linear = _linear()
    return {"mean": pack_array(linear.mean, 12), "components": pack_array(linear.components, 12)}


def _quantiles(values: Tensor, shares: Tensor = QUANTILES) -> Tensor:
    return torch.quantile(values.double(), shares.double(), dim=0)


@lru_cache(4)
def _errors(dims: tuple[int, ...]) -> dict[str, Any]:
    """How large the errors of real test digits are: quantiles (dims, digits, quantiles)."""
    test, linear = held_out().test[:REAL], _linear()
    images = test.floats()

    def spread(errors: Tensor) -> Tensor:
        return torch.stack([_quantiles(errors[test.labels == digit]) for digit in DIGITS])

    own, straight = [], []
    for d in dims:
        drawn = metrics.reconstruct(zoo.load(f"latent/{d}"), images)
        own.append(spread(metrics.mse_per_image(drawn, images)))
        straight.append(spread(metrics.mse_per_image(linear.reconstruct(images, d), images)))
    packed = {"autoencoder": pack_array(torch.stack(own), 16)}
    return {"dims": list(dims), "PCA": pack_array(torch.stack(straight), 16)} | packed


@lru_cache(maxsize=16)
def _code_quantiles(name: str) -> dict[str, Any]:
    """Where the codes of real test digits lie: quantiles (numbers of a code, quantiles)."""
    codes = metrics.encode(zoo.load(name), held_out().test.images)
    return pack_array(_quantiles(codes).T, 16)


@lru_cache(1)
def _plane() -> dict[str, Any]:
    test = held_out().test[:POINTS]
    codes = metrics.encode(zoo.load("latent/2"), test.floats())
    return {"points": pack_array(codes, 10), "labels": test.labels.tolist()}


def _alarms(test_scores: TestScores | None) -> dict[str, Any]:
    """The ten detectors of notebook 3: known codes, validation scores, what is flagged.

    "quantiles" are of each model's scores of its own digit's validation images, (10, scores,
    quantiles), "limits" (10, scores, false alarms allowed) the thresholds that these images
    give, both as decimal logarithms; "flagged" (10, scores, allowed, 10) counts the test
    images of each digit above them.
    """
    names = (*detection.SCORES, detection.WITH_CODE)
    train, test = load_mnist().train, held_out().test
    known, quantiles, limits, flagged = [], [], [], []
    for digit in DIGITS:
        usual, on_val, on_test = _detector(digit, train.only(digit), test_scores)
        known.append(
            {"scaling": pack_array(usual.scaling, 16), "codes": pack_array(usual.scaled, 8)}
        )
        cuts = [[detection.threshold(on_val[name], share) for share in ALLOWED] for name in names]
        quantiles.append(torch.stack([_quantiles(on_val[n], FINE_QUANTILES) for n in names]))
        limits.append(cuts)
        counts = [
            [detection.flagged_per_digit(on_test[name], test.labels, cut) for cut in row]
            for name, row in zip(names, cuts, strict=True)
        ]
        flagged.append(torch.stack([torch.stack(row) for row in counts]))
    return {
        "scores": list(names),
        "allowed": list(ALLOWED),
        "known": known,
        "quantiles": pack_array(torch.stack(quantiles).log10(), 16),
        "limits": pack_array(torch.tensor(limits, dtype=torch.float64).log10(), 16),
        "flagged": pack_array(torch.stack(flagged), 11),
        "counts": test.counts().tolist(),
    }


def _detector(
    digit: int, known: Digits, test_scores: TestScores | None
) -> tuple[detection.CodeDistance, Mapping[str, Tensor], Mapping[str, Tensor]]:
    """Return a digit's usual codes, its scores of its own validation images, and of the test."""
    val, test = held_out()
    detector = detection.Detector(zoo.load(f"digit/{digit}"), known.images)
    on_val = detector.scores(val.only(digit).images)
    if test_scores is not None:
        return detector.usual, on_val, test_scores[digit]
    return detector.usual, on_val, detector.scores(test.images)
