"""What each view shows where no script runs: one picture, and the same in words.

A still is drawn by the models, and the PCA, of the payload that it stands for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from aelib import charts, checkerboards, detection, metrics, plotting
from aelib.data import DIGITS
from aelib.explorer import payload
from aelib.explorer.packing import unpack_array
from aelib.models import UPSAMPLING

Still = tuple[bytes, str]
SIZES = (0, 1, 2, 4, 8, 16, 32)  # enough rows where there are more models


def still_of(content: Mapping[str, Any]) -> Still:
    """Return a PNG of the first view of a payload, and the same in words."""
    return STILLS[content["views"][0]](content)


def examples() -> Tensor:
    """Return the first test image of each digit, (10, 1, 28, 28)."""
    test = payload.splits().test
    return test[test.first_of_each()].floats()


def _grid(rows: Mapping[str, Tensor]) -> bytes:
    return plotting.small_png(plotting.image_grid(rows, [str(digit) for digit in DIGITS]))


def _pca(sizes: Sequence[int]) -> dict[str, Tensor]:
    return {f"PCA, {k}": payload.linear().reconstruct(examples(), k).clamp(0, 1) for k in sizes}


def _draw(_: Mapping[str, Any]) -> Still:
    return _grid({"a test digit": examples()} | _pca((0, 2, 8, 32))), (
        "Ten test digits, and what PCA draws of them with 0, 2, 8 and 32 numbers: with 0 always "
        "the mean image, with 32 nearly the digits."
    )


def _latent(content: Mapping[str, Any]) -> Still:
    dims = payload.dims_of(list(content["models"])[1:])
    dims = dims if len(dims) <= len(SIZES) else list(SIZES)
    rows = {"a test digit": examples()}
    for d in dims:
        rows[f"d = {d}"] = metrics.reconstruct(payload.model(f"latent/{d}"), examples())
    return _grid(rows | _pca((2, 8, 32))), (
        f"Ten test digits, and what the autoencoders with {_listed(dims)} numbers draw of them: "
        "the more numbers, the more like the digit; with 0 it is always the mean image. Below, "
        "PCA with 2, 8 and 32: blurred, with 32 nearly the digits."
    )


def _listed(numbers: Sequence[int]) -> str:
    *most, last = [str(number) for number in numbers]
    return f"{', '.join(most)} and {last}" if most else last


def _plane(content: Mapping[str, Any]) -> Still:
    points, labels = unpack_array(content["plane"]["points"]), content["plane"]["labels"]
    return plotting.small_png(charts.scatter_codes(points.float(), torch.tensor(labels))), (
        f"The codes of {len(labels):,} test digits in the plane of d = 2, one colour a digit."
    )


def _code(content: Mapping[str, Any]) -> Still:
    d = payload.dims_of(list(content["models"])[1:])[-1]
    model, steps = payload.model(f"latent/{d}"), torch.linspace(-1, 1, 9)
    code = metrics.encode(model, examples()[2:3])
    spread = metrics.encode(model, payload.splits().val.images).std(0)
    rows = {}
    for number in range(d):
        codes = code.repeat(len(steps), 1)
        codes[:, number] += 2 * spread[number] * steps
        rows[f"number {number + 1}"] = metrics.decode(model, codes)
    return plotting.small_png(plotting.image_grid(rows)), (
        f"What happens to a 2 when each number of its code (of {d}) is changed, a row for each, "
        "from two standard deviations below to two above."
    )


def _morph(content: Mapping[str, Any]) -> Still:
    images, share = examples(), torch.linspace(0, 1, 9)[:, None]
    dims = payload.dims_of(list(content["models"])[1:])
    rows = {}
    for d in dims:
        model = payload.model(f"latent/{d}")
        start, end = metrics.encode(model, images[[3, 8]])
        rows[f"code, d = {d}"] = metrics.decode(model, start + share * (end - start))
    share = share[:, :, None, None]
    rows["pixel by pixel"] = images[3] + share * (images[8] - images[3])
    return plotting.small_png(plotting.image_grid(rows)), (
        f"From a 3 to an 8 in nine steps: through codes of {_listed(dims)} numbers, where every "
        "step is a digit or nearly one, and pixel by pixel, where one fades into the other."
    )


def _alarms(content: Mapping[str, Any]) -> Still:
    seven, score = examples()[7:8], "blurred share"
    drawn = torch.cat([metrics.reconstruct(payload.model(f"digit/{k}"), seven) for k in DIGITS])
    strange = detection.anomaly_scores(drawn, seven.expand_as(drawn))[score]
    alarms = content["alarms"]
    at = alarms["scores"].index(score), alarms["allowed"].index(detection.FALSE_ALARMS)
    limits = 10 ** unpack_array(alarms["limits"])[:, *at]
    calm = [str(k) for k in DIGITS if strange[k] <= limits[k]]
    columns = ["input", *(f"{k}\n{'passes' if str(k) in calm else 'flags'}" for k in DIGITS)]
    above, below = plotting.panels(2, (8.4, 1.9), rows=2)
    plotting.image_grid({"drawn by model": torch.cat([seven, drawn])}, columns, ax=above)
    # Beside the input there is no error.
    plotting.error_grid({"error": torch.cat([seven - seven, drawn - seven])}, ax=below)
    return plotting.small_png(above), (
        "A 7, what each of the ten one-digit models draws of it, and the error maps. By the "
        f"blurred share it passes as normal for model {' and '.join(calm)}; the others flag it."
    )


def _stamp(_: Mapping[str, Any]) -> Still:
    line, square = plotting.panels(2, (6.4, 2.6), gridspec_kw={"width_ratios": (2, 1)})
    counts = checkerboards.coverage(5, 3, 2)
    charts.coverage(counts, line)
    charts.coverage(torch.outer(counts, counts), square)
    return plotting.small_png(line), (
        "How many stamps of a kernel of 3 with stride 2 cover each pixel: along a line one and two "
        "by turns, in two dimensions one, two and four."
    )


def _decoders(content: Mapping[str, Any]) -> Still:
    d = 2 if "up/transpose/2" in content["models"] else 16
    rows = {
        kind: metrics.reconstruct(payload.model(f"up/{kind}/{d}"), examples())
        for kind in UPSAMPLING
    }
    return _grid({"a test digit": examples()} | rows), (
        f"Ten test digits, and what six autoencoders with {d} numbers draw of them, which differ "
        "in how their decoders up-sample."
    )


STILLS = {
    "draw": _draw,
    "latent": _latent,
    "plane": _plane,
    "code": _code,
    "morph": _morph,
    "alarms": _alarms,
    "stamp": _stamp,
    "decoders": _decoders,
}
