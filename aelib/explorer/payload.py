"""What the views of the explorer need, packed: models, digits, PCA, and what real digits do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aelib import detection, hangul, metrics, zoo
from aelib.data import DIGITS, Digits, load_mnist
from aelib.explorer.packing import describe_untrained, pack_array, pack_model
from aelib.models import UPSAMPLING

DIGITS_EACH = 20  # test digits of each kind to take
LETTERS_EACH = 4  # drawings of each letter
ERROR_IMAGES = 2000  # test images from which the errors of real digits come
PLANE_POINTS = 1000  # with their pictures
TRAINED_ON, TRIED_ON = 3000, 500  # images of the network that learns in the page
FALSE_ALARMS = tuple(percent / 100 for percent in range(1, 51))
TestScores = Mapping[int, Mapping[str, Tensor]]

# View: the models that it offers, in the order in which they are packed.
MODELS: dict[str, tuple[str, ...]] = {
    "draw": (),
    "latent": tuple(f"latent/{d}" for d in zoo.LATENT_DIMS),
    "plane": ("latent/2",),
    "machine": (
        *(f"latent/{d}" for d in zoo.LATENT_DIMS if 1 <= d <= 16),
        *(f"up/nearest/{d}" for d in zoo.UP_DIMS),
    ),
    "morph": ("latent/2", "latent/8", "latent/16"),
    "alarms": tuple(f"digit/{digit}" for digit in DIGITS),
    "stamp": (),
    "decoders": tuple(f"up/{kind}/{d}" for d in zoo.UP_DIMS for kind in UPSAMPLING),
    "train": (),
    "letters": tuple(f"hangul/{name}" for name in ("giyeok", "nieun", "mieum", "siot", "ieung")),
}
VIEWS = tuple(MODELS)


def payload_of(
    views: Sequence[str],
    dims: Sequence[int] | None = None,
    test_scores: TestScores | None = None,
) -> dict[str, Any]:
    """Return what some views need, as plain dicts, lists, numbers and strings.

    views: of `VIEWS`; with none there is only the drawing pad. dims: the latent dimensions to
    offer, where a view has a choice. test_scores: for "alarms", every score of all test images by
    each digit's model (`Detector.scores`) if they are at hand; to compute them takes half a minute.
    """
    result: dict[str, Any] = {"views": list(views)}
    if list(views) == ["stamp"]:  # it looks at no drawing
        return result
    names = list(dict.fromkeys(name for view in views for name in names_of(view, dims)))
    result["models"] = {name: pack_model(model(name)) for name in (zoo.JUDGE, *names)}
    result["digits"] = _digits()
    if {"draw", "latent"} & set(views):
        packed = {"mean": linear().mean, "components": linear().components}
        result["pca"] = {name: pack_array(values, 12) for name, values in packed.items()}
    if "latent" in views:
        result["errors"] = _errors(tuple(dims_of(names)))
    if "plane" in views:
        result["plane"] = _levels(splits().test[:PLANE_POINTS], 3)
        result["plane"]["points"] = pack_array(plane()[0], 14)
    if {"latent", "plane", "machine"} & set(views):
        shown = [name for name in names if name in MODELS["machine"]]
        result["codes"] = {name: _code_quantiles(name) for name in shown}
    if "train" in views:
        train, _, test = splits()
        few, tried = train[:TRAINED_ON], test[:TRIED_ON]
        result["train"] = {"train": _levels(few, 4), "test": _levels(tried, 4)}
        result["train"]["layers"] = describe_untrained()
        rounded = {k: [np.round(way, 1).tolist() for way in v] for k, v in hangul.STROKES.items()}
        result["train"]["letters"] = rounded
        result["train"]["printed"] = [printed for _, printed, _ in hangul.ROWS]
    if "letters" in views:
        result["letters"] = _letters()
    if "alarms" in views:
        result["alarms"] = _alarms(test_scores) if test_scores else _computed_alarms()
    return result


def names_of(view: str, dims: Sequence[int] | None = None) -> list[str]:
    """Return the models that a view offers, those of some latent dimensions if it has a choice."""
    chosen = zoo.LATENT_DIMS if dims is None or view == "alarms" else dims
    if view == "letters":
        return list(MODELS[view])
    return [name for name in MODELS[view] if int(name.rpartition("/")[2]) in chosen]


def dims_of(names: Sequence[str]) -> list[int]:
    """Return the latent dimensions of the models latent/d among some names, rising."""
    return sorted(int(name.removeprefix("latent/")) for name in names if name.startswith("latent/"))


# --- What is the same for every explorer of a run, so it is made once -----------------------


splits = cache(load_mnist)


@cache
def model(name: str) -> Any:
    """Return a shipped model, or the judge."""
    return zoo.load(name)


@cache
def linear() -> metrics.LinearAutoencoder:
    """Return PCA of the training images."""
    return metrics.LinearAutoencoder(splits().train)


@cache
def plane() -> tuple[Tensor, Tensor]:
    """Return the codes of test images in the plane of latent/2, (N, 2), and their labels."""
    test = splits().test[:PLANE_POINTS]
    return metrics.encode(model("latent/2"), test.images), test.labels


@cache
def _digits() -> dict[str, Any]:
    """The first test images of each digit, in the order of the digits; how much ink is usual."""
    test = splits().test
    chosen = torch.cat([(test.labels == digit).nonzero()[:DIGITS_EACH, 0] for digit in DIGITS])
    ink = torch.quantile(test.floats().mean((1, 2, 3)), torch.tensor([0.05, 0.95]))
    images = pack_array(test.images[chosen], 8) | {"step": 1 / 255}
    return {"images": images, "labels": test.labels[chosen].tolist(), "ink": ink.tolist()}


def _levels(digits: Digits, bits: int) -> dict[str, Any]:
    """Return images in a few levels of grey, which nobody sees, and their labels."""
    levels = ((2**bits - 1) * digits.floats()[:, 0]).round().int()
    return {"images": pack_array(levels, bits), "labels": digits.labels.tolist()}


def _quantiles(values: Tensor, count: int) -> Tensor:
    return torch.quantile(values.double(), torch.linspace(0, 1, count).double(), dim=0)


@cache
def _errors(dims: tuple[int, ...]) -> dict[str, Any]:
    """How large the errors of real test digits are: quantiles (dims, digits, quantiles)."""
    test = splits().test[:ERROR_IMAGES]
    images = test.floats()

    def spread(drawn: Tensor) -> Tensor:
        errors = metrics.mse_per_image(drawn, images)
        return torch.stack([_quantiles(errors[test.labels == digit], 41) for digit in DIGITS])

    own = [spread(metrics.reconstruct(model(f"latent/{d}"), images)) for d in dims]
    straight = [spread(linear().reconstruct(images, d)) for d in dims]
    packed = {"autoencoder": own, "PCA": straight}
    return {"dims": list(dims)} | {k: pack_array(torch.stack(v), 16) for k, v in packed.items()}


@cache
def _code_quantiles(name: str) -> dict[str, Any]:
    """Where the codes of real test digits lie: quantiles (numbers of a code, quantiles)."""
    codes = metrics.encode(model(name), splits().test.images)
    return pack_array(_quantiles(codes, 41).T, 16)


@cache
def letters() -> list[Tensor]:
    """Return of each letter what each stroke covers in some test drawings, (N, strokes, 28, 28)."""
    return [hangul.draw(name, LETTERS_EACH, hangul.TEST)[1] for name in hangul.NAMES]


def _letters() -> dict[str, Any]:
    """The letters to take, and how many strokes of which each model knows."""
    known: dict[str, dict[str, int]] = {}
    for base in (name.partition("/")[2] for name in MODELS["letters"]):
        own = hangul.STROKES[base]
        akin = [name for name, strokes in hangul.STROKES.items() if strokes[: len(own)] == own]
        known[base] = dict.fromkeys(akin, len(own))
    covers = torch.cat([of.flatten(0, 1) for of in letters()])
    return {
        "names": list(hangul.NAMES),
        "strokes": [of.shape[1] for of in letters()],
        "each": LETTERS_EACH,
        "covers": pack_array(covers, 8) | {"step": 1 / 255},
        "known": known,
    }


def _alarms(test_scores: TestScores | None) -> dict[str, Any]:
    """The ten detectors of notebook 3: known codes, validation scores, what is flagged.

    "quantiles" (10, scores, quantiles) are of each model's scores of its own digit's validation
    images, "limits" (10, scores, false alarms allowed) their thresholds, both as decimal
    logarithms; "flagged" (10, scores, allowed, 10) counts the test images of each digit above.
    """
    names = (*detection.SCORES, detection.WITH_CODE)
    train, val, test = splits()
    known, quantiles, limits, flagged = [], [], [], []
    for digit in DIGITS:
        detector = detection.Detector(model(f"digit/{digit}"), train.only(digit).images)
        own, usual = detector.scores(val.only(digit).images), detector.usual
        on_test = test_scores[digit] if test_scores else detector.scores(test.images)
        scaling, codes = pack_array(usual.scaling, 16), pack_array(usual.scaled, 8)
        known.append({"scaling": scaling, "codes": codes})
        quantiles += [_quantiles(own[name], 201) for name in names]
        for name in names:
            cuts = [detection.threshold(own[name], share) for share in FALSE_ALARMS]
            limits.append(torch.tensor(cuts, dtype=torch.float64))
            flagged += [detection.flagged_per_digit(on_test[name], test.labels, c) for c in cuts]
    by_model = (len(DIGITS), len(names))
    counts = torch.stack(flagged).view(*by_model, len(FALSE_ALARMS), len(DIGITS))
    return {
        "scores": list(names),
        "allowed": list(FALSE_ALARMS),
        "known": known,
        "quantiles": pack_array(torch.stack(quantiles).view(*by_model, -1).log10(), 16),
        "limits": pack_array(torch.stack(limits).view(*by_model, -1).log10(), 16),
        "flagged": pack_array(counts, 11),
        "counts": test.counts().tolist(),
    }


_computed_alarms = cache(lambda: _alarms(None))
