"""What the original remarks on five digits' strokes, put to the test on MNIST, for RESULTS.md.

Nobody knows which pixel of a handwritten digit belongs to which stroke, so these are detours:
closed loops, breadth, and the error in regions of other digits. Letters of Hangul, whose strokes
are known, gave the answer (`letters`).
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from aelib import intervals, strokes, zoo
from aelib.data import DIGITS, Splits
from aelib.metrics import mean_per_digit

TOP, BOTTOM, WHOLE, TOP_RIGHT = [0, 1], [2, 3], [0, 1, 2, 3], [1]
REGIONS: dict[str, tuple[int, dict[int, list[int]]]] = {
    "the 0 model: round strokes": (0, {6: BOTTOM, 8: WHOLE, 9: TOP}),
    "the 1 model: straight strokes": (1, {4: BOTTOM, 7: BOTTOM, 9: BOTTOM}),
    "the 3 model: the round part of 2": (3, {2: TOP}),
    "the 7 model: the bent line": (7, {2: TOP_RIGHT, 3: TOP_RIGHT, 9: TOP_RIGHT}),
    "the 9 model: the circles of 0 and 8": (9, {0: WHOLE, 8: TOP}),
}
MEASURES = ((strokes.wrong_in_region, 0.02), (strokes.relative_to_usual, 0.05))  # with margins
LEVEL = 0.05  # the margin for letters
OPEN = [1, 3, 4, 5, 7]  # digits without a loop


def markdown(header: str, rows: Iterable[str]) -> str:
    """Return a table in Markdown, of rows whose cells are divided by " | "."""
    lines = [header, " | ".join(["---"] * (header.count("|") + 1)), *rows]
    return "\n".join(f"| {line} |" for line in lines)


def contest(shares: Tensor, model: int) -> tuple[int, int, int, intervals.Interval]:
    """Return a model's place, among how many, the best other one, and the difference to it."""
    means = shares.mean(1)  # NaN for models that know a digit of the region
    others = [m for m in DIGITS if m != model and not means[m].isnan()]
    best = min(others, key=lambda m: float(means[m]))
    place = 1 + int((means < means[model]).sum())
    gap = intervals.unpaired_difference(shares[model], shares[best])
    return place, len(others) + 1, best, gap


def regions(splits: Splits) -> list[str]:
    """Return a row for each remark: what of its region is drawn wrong, by both measures."""
    by_quarter = strokes.by_quarter(splits.test.floats())
    ink = torch.stack([by_quarter[splits.test.labels == digit].mean(0) for digit in DIGITS])
    errors, rows = per_model("by_quarter"), {name: name for name in REGIONS}
    for measure, margin in MEASURES:
        found = {name: contest(measure(errors, ink, at), m) for name, (m, at) in REGIONS.items()}
        words = intervals.verdicts({name: gap for name, (*_, gap) in found.items()}, margin)
        for name, (place, count, best, gap) in found.items():
            rows[name] += f" | {place} of {count} | {gap:+.2f} to model {best}, {words[name]}"
    return list(rows.values())


def shapes(splits: Splits) -> list[str]:
    """Return rows on loops and lines: what, of which model or digits, at three limits for ink."""
    images, labels = splits.test.floats(), splits.test.labels
    closed = [strokes.has_loop(images, ink).double() for ink in strokes.INKS]
    real = torch.stack([mean_per_digit(found, labels) for found in closed])
    loops = per_model("loops").mean(1)  # (model, limit for ink, input), mean of the five seeds
    shares = {f"model {m}": loops[m] for m in (0, 2, 6, 8, 9)} | {"the digits themselves": real}
    return [
        " | ".join([name, *(f"{100 * share:.0f} %" for share in found[:, OPEN].mean(1))])
        for name, found in shares.items()
    ]


def towards_a_line(splits: Splits) -> Tensor:
    """Return how far each model's strangers go from their own breadth to a 1's, (10, seeds)."""
    real = mean_per_digit(strokes.breadth(splits.test.floats()), splits.test.labels)
    breadth, found = per_model("breadth"), []
    for model in DIGITS:
        strangers = [digit for digit in DIGITS if digit not in (1, model)]
        before, drawn = real[strangers].mean(), breadth[model][:, strangers].mean(1)
        found.append((before - drawn) / (before - real[1]))
    return torch.stack(found)


def per_model(key: str) -> Tensor:
    """Return a recorded value of the ten one-digit models, (10, seeds, ...)."""
    return torch.stack([zoo.values(f"digit/{digit}", key) for digit in DIGITS])


def known_strokes() -> str:
    """Return the part of RESULTS.md on letters: the claims of checkpoints/PLAN.md, pair by pair."""
    pairs, rows = zoo.measured("hangul")["pairs"], []
    gaps = {
        key: [intervals.Interval(*pair[key]) for pair in pairs]
        for key in ("difference", "adds", "against_others")
    }
    words = {k: intervals.verdicts(dict(enumerate(v)), LEVEL) for k, v in gaps.items()}
    for n, pair in enumerate(pairs):
        more, back = (f"{gaps[key][n]:+.2f}, {words[key][n]}" for key in ("difference", "adds"))
        rows.append(
            f"{pair['base']} in {pair['larger']} | {pair['known']:.2f} | {pair['added']:.2f} | "
            f"{more} | {gaps['against_others'][n]:+.2f} | {pair['pca']:+.2f} | "
            f"{pair['base_adds']:.2f} | {pair['larger_adds']:.2f} | {back}"
        )
    header = " | known | added | difference | to unrelated models | PCA | put back: base"
    return markdown(f"{header} | put back: larger | difference", rows)


def text(splits: Splits) -> str:
    """Return the part of RESULTS.md on the remarks."""
    line = towards_a_line(splits).mean(1)
    others = [float(line[m]) for m in DIGITS if m != 1]
    header = " | place | share drawn wrong | place | divided by the model's usual share"
    parts = (
        markdown(header, regions(splits)),
        "Share of the drawings of 1, 3, 4, 5 and 7 that close a loop:",
        markdown("".join(f" | ink from {ink}" for ink in strokes.INKS), shapes(splits)),
        f"Breadth: strangers drawn by the 1 model go {100 * line[1]:.0f} % of the way from "
        f"their own to that of a 1; by other models {100 * min(others):.0f} to "
        f"{100 * max(others):.0f} %.",
    )
    return "\n\n".join(parts)
