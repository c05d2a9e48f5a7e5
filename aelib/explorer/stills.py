"""What each view shows where no script runs: one picture, and the same in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import torch
from torch import Tensor

from aelib import checkerboards, detection, metrics, plotting, zoo
from aelib.baselines import LinearAutoencoder
from aelib.data import DIGITS
from aelib.explorer.needs import held_out
from aelib.models import UPSAMPLING

Still = tuple[bytes, str]


@lru_cache(1)
def _examples() -> Tensor:
    """The first test image of each digit."""
    test = held_out().test
    return test[test.first_of_each()].floats()


def _grid(rows: Mapping[str, Tensor]) -> bytes:
    return plotting.small_png(plotting.image_grid(rows, [str(digit) for digit in DIGITS]))


def _draw() -> Still:
    images = _examples()
    linear = LinearAutoencoder(held_out().val, 32)
    rows = {"a test digit": images}
    rows |= {f"PCA, {k}": linear.reconstruct(images, k).clamp(0, 1) for k in (0, 2, 8, 32)}
    return _grid(rows), (
        "Ten test digits, and what PCA draws of them with 0, 2, 8 and 32 numbers: with 0 always "
        "the mean image, with 32 nearly the digits."
    )


def _latent() -> Still:
    images = _examples()
    dims = (0, 1, 2, 4, 8, 16, 32)
    rows = {f"d = {d}": metrics.reconstruct(zoo.load(f"latent/{d}"), images) for d in dims}
    linear = LinearAutoencoder(held_out().val, 32)
    rows |= {f"PCA, {k}": linear.reconstruct(images, k).clamp(0, 1) for k in (2, 8, 32)}
    return _grid({"a test digit": images} | rows), (
        "Ten test digits, and what the autoencoders with 0, 1, 2, 4, 8, 16 and 32 numbers draw of "
        "them: with 0 always the mean image, and the more numbers, the more like the digit. Below, "
        "PCA with 2, 8 and 32: blurred, with 32 nearly the digits."
    )


def _plane() -> Still:
    test = held_out().test[:3000]
    codes = metrics.encode(zoo.load("latent/2"), test.images)
    ax = plotting.scatter_codes(codes, test.labels)
    return plotting.small_png(
        ax
    ), "The codes of 3,000 test digits in the plane of d = 2, one colour a digit."


def _code() -> Still:
    model, image = zoo.load("latent/10"), _examples()[2:3]
    code = metrics.encode(model, image)
    steps = torch.linspace(-1, 1, 9)
    spread = metrics.encode(model, held_out().val.images).std(0)
    rows = {}
    for number in range(10):
        codes = code.repeat(len(steps), 1)
        codes[:, number] += 2 * spread[number] * steps
        rows[f"number {number + 1}"] = metrics.decode(model, codes)
    return plotting.small_png(plotting.image_grid(rows)), (
        "What happens to a 2 when each of the ten numbers of its code is changed, a row for each, "
        "from two standard deviations below to two above."
    )


def _morph() -> Still:
    images, share = _examples(), torch.linspace(0, 1, 9)[:, None]
    rows = {}
    for d in (2, 16):
        model = zoo.load(f"latent/{d}")
        start, end = metrics.encode(model, images[[3, 8]])
        rows[f"code, d = {d}"] = metrics.decode(model, start + share * (end - start))
    share = share[:, :, None, None]
    rows["pixel by pixel"] = images[3] + share * (images[8] - images[3])
    return plotting.small_png(plotting.image_grid(rows)), (
        "From a 3 to an 8 in nine steps: through the codes of two and of sixteen numbers, where "
        "every step is a digit or nearly one, and pixel by pixel, where one fades into the other."
    )


def _alarms() -> Still:
    seven, score = _examples()[7:8], "blurred share"
    drawn = torch.cat([metrics.reconstruct(zoo.load(f"digit/{k}"), seven) for k in DIGITS])
    strange = detection.anomaly_scores(drawn, seven.expand_as(drawn), score)
    limits = [zoo.record(f"digit/{k}", 0)["detector"][score]["threshold"] for k in DIGITS]
    words = ["flags" if s > limit else "passes" for s, limit in zip(strange, limits, strict=True)]
    above, below = plotting.panels(2, (8.4, 1.9), rows=2)
    blank = torch.zeros_like(seven)  # beside the input there is no error
    columns = ["input", *(f"{k}\n{word}" for k, word in zip(DIGITS, words, strict=True))]
    plotting.image_grid({"drawn by model": torch.cat([seven, drawn])}, columns, ax=above)
    plotting.error_grid({"error": torch.cat([blank, drawn - seven])}, ax=below)
    calm = [str(k) for k, word in zip(DIGITS, words, strict=True) if word == "passes"]
    return plotting.small_png(above), (
        "A 7, what each of the ten one-digit models draws of it, and the error maps. By the "
        f"blurred share it passes as normal for model {' and '.join(calm)}; the others flag it."
    )


def _stamp() -> Still:
    line, square = plotting.panels(2, (6.4, 2.6), gridspec_kw={"width_ratios": (2, 1)})
    counts = checkerboards.coverage(5, 3, 2)
    plotting.coverage(counts, line)
    plotting.coverage(torch.outer(counts, counts), square)
    return plotting.small_png(line), (
        "How many stamps of a kernel of 3 with stride 2 cover each pixel: along a line one and two "
        "by turns, in two dimensions one, two and four."
    )


def _decoders() -> Still:
    images = _examples()
    rows = {kind: metrics.reconstruct(zoo.load(f"up/{kind}/2"), images) for kind in UPSAMPLING}
    return _grid({"a test digit": images} | rows), (
        "Ten test digits, and what six autoencoders with two numbers draw of them, which differ in "
        "how their decoders up-sample."
    )


STILLS: dict[str, Callable[[], Still]] = {
    "draw": _draw,
    "latent": _latent,
    "plane": _plane,
    "code": _code,
    "morph": _morph,
    "alarms": _alarms,
    "stamp": _stamp,
    "decoders": _decoders,
}
