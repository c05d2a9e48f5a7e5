"""What the views of the explorer need, packed: models, digits, PCA, and what real digits do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from aelib import detection, metrics, zoo
from aelib.data import DIGITS, Splits, load_mnist
from aelib.explorer.packing import pack_array, pack_images, pack_model
from aelib.models import UPSAMPLING

DIGITS_EACH = 20  # test digits of each kind to take
ERROR_IMAGES = 2000  # test images from which the errors of real digits come
PLANE_POINTS = 3000
QUANTILES = torch.linspace(0, 1, 41)
FINE_QUANTILES = torch.linspace(0, 1, 201)
FALSE_ALARMS = tuple(percent / 100 for percent in range(1, 51))
CODE_DIMS = tuple(d for d in zoo.LATENT_DIMS if 1 <= d <= 10)
TestScores = Mapping[int, Mapping[str, Tensor]]

# View: the models that it offers, in the order in which they are packed.
MODELS: dict[str, tuple[str, ...]] = {
    "draw": (),
    "latent": tuple(f"latent/{d}" for d in zoo.LATENT_DIMS),
    "plane": ("latent/2",),
    "code": tuple(f"latent/{d}" for d in CODE_DIMS),
    "morph": ("latent/2", "latent/8", "latent/16"),
    "alarms": tuple(f"digit/{digit}" for digit in DIGITS),
    "stamp": (),
    "decoders": tuple(f"up/{kind}/{d}" for d in zoo.UP_DIMS for kind in UPSAMPLING),
}
VIEWS = tuple(MODELS)


def payload_of(
    views: Sequence[str],
    dims: Sequence[int] | None = None,
    test_scores: TestScores | None = None,
) -> dict[str, Any]:
    """Return what some views need, as plain dicts, lists, numbers and strings.

    views: of `VIEWS`; with none there is only the drawing pad.
    dims: the latent dimensions to offer, where a view has a choice; all if None.
    test_scores: for "alarms", every score of all test images by each digit's model, as
        `Detector.scores` gives them, if they are at hand; else they are computed, which
        takes about a minute.
    Raises ValueError for an unknown view, and for dims of which a view offers none.
    """
    if unknown := [view for view in views if view not in VIEWS]:
        raise ValueError(f"views must be of {', '.join(VIEWS)}; got {unknown}")
    names = list(dict.fromkeys(name for view in views for name in _names(view, dims)))
    result: dict[str, Any] = {"views": list(views)}
    if list(views) == ["stamp"]:  # it looks at no drawing
        return result
    result |= {"models": {name: _packed(name) for name in (zoo.JUDGE, *names)}}
    result |= {"digits": _digits()}
    if {"draw", "latent"} & set(views):
        packed = {"mean": linear().mean, "components": linear().components}
        result["pca"] = {name: pack_array(values, 12) for name, values in packed.items()}
    if "latent" in views:
        result["errors"] = _errors(tuple(dims_of(names)))
    if "plane" in views:
        codes = metrics.encode(model("latent/2"), splits().test[:PLANE_POINTS].images)
        labels = splits().test.labels[:PLANE_POINTS]
        result["plane"] = {"points": pack_array(codes, 10), "labels": labels.tolist()}
    if {"latent", "plane", "code"} & set(views):
        small = [f"latent/{d}" for d in dims_of(names) if d in CODE_DIMS]
        result["codes"] = {name: _code_quantiles(name) for name in small}
    if "alarms" in views:
        result["alarms"] = _alarms(test_scores) if test_scores else _computed_alarms()
    return result


def _names(view: str, dims: Sequence[int] | None) -> list[str]:
    offered = MODELS[view]
    if dims is None or not offered or view == "alarms":
        return list(offered)
    chosen = [name for name in offered if int(name.rpartition("/")[2]) in dims]
    if not chosen:
        sizes = sorted({int(name.rpartition("/")[2]) for name in offered})
        raise ValueError(f"{view} offers the dimensions {sizes}; got dims={list(dims)}")
    return chosen


def dims_of(names: Sequence[str]) -> list[int]:
    """Return the latent dimensions of the models latent/d among some names, rising."""
    return sorted(int(name.removeprefix("latent/")) for name in names if name.startswith("latent/"))


# --- What is the same for every explorer of a run, so it is made once -----------------------


@cache
def splits() -> Splits:
    """Return MNIST."""
    return load_mnist()


@cache
def model(name: str) -> Any:
    """Return a shipped model, or the judge."""
    return zoo.judge() if name == zoo.JUDGE else zoo.load(name)


@cache
def linear() -> metrics.LinearAutoencoder:
    """Return PCA of the training images."""
    return metrics.LinearAutoencoder(splits().train)


@cache
def _packed(name: str) -> dict[str, Any]:
    return pack_model(model(name))


@cache
def _digits() -> dict[str, Any]:
    """The first test images of each digit, in the order of the digits; how much ink is usual."""
    test = splits().test
    chosen = torch.cat([(test.labels == digit).nonzero()[:DIGITS_EACH, 0] for digit in DIGITS])
    ink = torch.quantile(test.floats().mean((1, 2, 3)), torch.tensor([0.05, 0.95]))
    labels = test.labels[chosen].tolist()
    return {"images": pack_images(test.images[chosen]), "labels": labels, "ink": ink.tolist()}


def _quantiles(values: Tensor, shares: Tensor = QUANTILES) -> Tensor:
    return torch.quantile(values.double(), shares.double(), dim=0)


@cache
def _errors(dims: tuple[int, ...]) -> dict[str, Any]:
    """How large the errors of real test digits are: quantiles (dims, digits, quantiles)."""
    test = splits().test[:ERROR_IMAGES]
    images = test.floats()

    def spread(drawn: Tensor) -> Tensor:
        errors = metrics.mse_per_image(drawn, images)
        return torch.stack([_quantiles(errors[test.labels == digit]) for digit in DIGITS])

    own = [spread(metrics.reconstruct(model(f"latent/{d}"), images)) for d in dims]
    straight = [spread(linear().reconstruct(images, d)) for d in dims]
    packed = {"autoencoder": own, "PCA": straight}
    return {"dims": list(dims)} | {k: pack_array(torch.stack(v), 16) for k, v in packed.items()}


@cache
def _code_quantiles(name: str) -> dict[str, Any]:
    """Where the codes of real test digits lie: quantiles (numbers of a code, quantiles)."""
    codes = metrics.encode(model(name), splits().test.images)
    return pack_array(_quantiles(codes).T, 16)


@cache
def _detector(digit: int) -> detection.Detector:
    known = splits().train.only(digit).images
    return detection.Detector(model(f"digit/{digit}"), known)


@cache
def _computed_alarms() -> dict[str, Any]:
    test = splits().test.images
    return _alarms({digit: _detector(digit).scores(test) for digit in DIGITS})


def _alarms(test_scores: TestScores) -> dict[str, Any]:
    """The ten detectors of notebook 3: known codes, validation scores, what is flagged.

    "quantiles" are of each model's scores of its own digit's validation images, (10, scores,
    quantiles), "limits" (10, scores, false alarms allowed) the thresholds that these images
    give, both as decimal logarithms; "flagged" (10, scores, allowed, 10) counts the test
    images of each digit above them.
    """
    names = (*detection.SCORES, detection.WITH_CODE)
    val, test = splits().val, splits().test
    known, quantiles, limits, flagged = [], [], [], []
    for digit in DIGITS:
        detector = _detector(digit)
        scaling, codes = (
            pack_array(detector.usual.scaling, 16),
            pack_array(detector.usual.scaled, 8),
        )
        known.append({"scaling": scaling, "codes": codes})
        on_val, on_test = detector.scores(val.only(digit).images), test_scores[digit]
        cuts = [[detection.threshold(on_val[n], share) for share in FALSE_ALARMS] for n in names]
        counts = [
            torch.stack([detection.flagged_per_digit(on_test[n], test.labels, cut) for cut in row])
            for n, row in zip(names, cuts, strict=True)
        ]
        quantiles.append(torch.stack([_quantiles(on_val[n], FINE_QUANTILES) for n in names]))
        limits.append(cuts)
        flagged.append(torch.stack(counts))
    return {
        "scores": list(names),
        "allowed": list(FALSE_ALARMS),
        "known": known,
        "quantiles": pack_array(torch.stack(quantiles).log10(), 16),
        "limits": pack_array(torch.tensor(limits, dtype=torch.float64).log10(), 16),
        "flagged": pack_array(torch.stack(flagged), 11),
        "counts": test.counts().tolist(),
    }
