"""What the original claims, in our own words, beside what was measured: a table for RESULTS.md.

The numbers come from the records. What a verdict rests on is held by tests/claims/test_readme.py.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from torch import Tensor

from aelib import zoo
from aelib.data import DIGITS, Splits, join
from aelib.intervals import Interval, unpaired_difference, verdicts
from aelib.models import UPSAMPLING

QUOTED = (0.21219929, 0.21273543)  # the original's losses at 16 numbers: transposed, resize
MIDDLE = (15, 85)  # per cent of the line that one number is: what lies here is no end
LONGER = "longer/transpose/16"  # has the time of a resize or of a pixel shuffle
FAINT = 1.15  # the checkerboard score of real digits under a board of ± 1 %, which nobody sees

# A row: the claim | what was measured | the verdict | where it is told.
ROWS = """
Zeros are not especially frequent. | {zeros:,} zeros, a mean of {count:,} | right | 1.3

A longer code gives better pictures. | the error falls at every step, from {none:.4f} with no number
to {most:.4f} with 32 | right, up to 32 | 2.8

With a tiny code 0 and 1 are clear, the others are not. | one number: 0 and 1 are the two best read
in {best} of {pairs} pairs of run and judge, but 6 and 9 are read, too | right about the two | 2.9

It is not because they are frequent. | they are not; but with a tenth of the zeros left {scarce:.0f}
in 100 are read right | right, and yet number matters | 2.9

0 and 1 differ so much that little room is enough. | in the plane at least {told:.1f} % of them are
told apart; but in {inside} of {runs} runs the ones lie in the middle of the line, and {read:.0f} %
or more are read all the same | told apart: right; that this is the reason: not shown | 2.9, 2.11

In the plane of two numbers 2 lies with 1, and 6 with 0. | they overlap by {ours[2][1]:.2f} and
{ours[6][0]:.2f}; in the original's range by {own[2][1]:.2f} and {own[6][0]:.2f}, where the 2
overlaps more with the 8, by {own[2][8]:.2f} | not confirmed | 2.11

Two numbers hold a round and a straight feature. | in the plane 0, 1, 2 and 6 have a place of
their own, 4 and 9 share one, 3, 5, 7 and 8 partly | half right, a matter of judgement | 2.11

The weights of the best epoch are kept. | a second name is no copy: the last are kept, and the
lowest test loss is printed | mended | 2.5

The losses {quoted[0]:.4f} (transposed) and {quoted[1]:.4f} (resize): slightly better. |
{share:.0f} % of both is a floor; above it {above[0]:.4f} and {above[1]:.4f} | hidden by the floor;
one run each | 1.6

At 16 numbers the transposed decoder is better. | the error of resize against it: {error_16}; at
equal time {equal_time}; in the original's own protocol {protocol} | not confirmed | 4.7

At two numbers it draws 3 and 6 much better. | the error of resize against it: {errors[3]} (3),
{errors[6]} (6); what is read right, in points: {reads[3]} (3), {reads[6]} (6) | not confirmed | 4.8

It extracts features better. | 16 numbers, digits told from the code, resize against it in points:
{features[0]} by neighbours, {features[1]} by a linear classifier | not confirmed | 4.8

Early in training it draws a checkerboard, which vanishes. | so it does; with this course's recipe
none shows after one epoch in {clean} of {all} runs, of all six kinds | right | 4.4 to 4.6

That resizing is recommended is no reason to use it. | here checkerboards are none | right, and well
asked | 4.7

A model of one digit draws others from the features that it knows. | where strokes are known, on
drawn letters: it draws more of them than of added ones, in all eight pairs; so does PCA | right,
for drawn letters | 3.7

Five remarks on the strokes that one-digit models draw well. | the one on the 3 is confirmed by
every measure; see below | one of five | 3.7

The 9 model restores the circles of 0 and 8. | in the upper loop of the 8 it is the best of nine,
just ahead of the 3 model | for the 8 likely right | 3.6
"""


def rows(splits: Splits) -> list[str]:
    """Return the rows of the table, with their numbers."""
    written = ROWS.format_map(numbers(splits)).strip().split("\n\n")
    return [" ".join(row.split()) for row in written]


def numbers(splits: Splits) -> dict[str, Any]:
    """Return the numbers that the table names, from the data and from the records."""
    counts = join(splits.train, splits.val).counts()
    floor = float((splits.test.floats() - 0.5).clamp(max=0).square().mean())
    read = zoo.values("latent/1", "confusion_per_judge")
    read = read.diagonal(dim1=2, dim2=3) / read.sum(3)
    best = read.topk(2, -1).indices.sort(-1).values.flatten(0, 1).tolist()
    # Only newer runs say where on the line a digit lies.
    places = {n: run.get("place_per_digit") for n, run in enumerate(zoo.results("latent/1"))}
    known = {n: place[1] for n, place in places.items() if place}
    inside = [n for n, place in known.items() if MIDDLE[0] < place < MIDDLE[1]]
    scores = [zoo.watched(f"up/{kind}/{d}") for kind in UPSAMPLING for d in zoo.UP_DIMS]
    after = [score for steps, runs in scores for score in runs[:, steps.index(430)].tolist()]
    return _in_words(floor) | {
        "zeros": counts[0].item(),
        "count": counts.sum().item() // len(DIGITS),
        "none": zoo.values("latent/0", "test_mse").mean().item(),
        "most": zoo.values("latent/32", "test_mse").mean().item(),
        "best": best.count([0, 1]),
        "pairs": len(best),
        "scarce": 100 * zoo.values("scarce/tenth", "read_right_per_digit")[:, 0].mean().item(),
        "told": 100 * min(run["knn_subsets"]["0 1"] for run in zoo.results("latent/2")),
        "inside": len(inside),
        "runs": len(known),
        "read": 100 * read[inside, :, 1].min().item(),
        "ours": zoo.values("latent/2", "class_overlap").mean(0).tolist(),
        "own": zoo.values("original/transpose/2", "class_overlap").mean(0).tolist(),
        "quoted": QUOTED,
        "share": 100 * floor / QUOTED[0],
        "above": [loss - floor for loss in QUOTED],
        "clean": sum(score < FAINT for score in after),
        "all": len(after),
    }


def _in_words(floor: float) -> dict[str, Any]:
    """Return the comparisons of resize with transposed convolution, each with its word.

    A word allows for all comparisons of its table in notebook 4 (Holm), as it does there.
    """
    protocol = {}
    for d in zoo.UP_DIMS:
        runs = (f"original/{kind}/{d}" for kind in ("nearest", "transpose"))
        protocol[d] = in_percent(*(zoo.values(run, "val_loss").amin(1) - floor for run in runs))
    digits, codes = (3, 6), ("knn_accuracy", "probe_accuracy")
    errors = against_transpose("test_mse_per_digit", (2,), digits)
    reads = against_transpose("read_right_per_digit", (2,), digits)
    found = {key: against_transpose(key) for key in codes}
    features = {(key, *at): gap for key, gaps in found.items() for at, gap in gaps.items()}
    return {
        "equal_time": at_equal_time()["nearest"],
        "error_16": _said(against_transpose("test_mse"), ("nearest", 16), 3, " %"),
        "protocol": _said(protocol, 16, 3, " %"),
        "errors": {n: _said(errors, ("nearest", 2, n), 3, " %") for n in digits},
        "reads": {n: _said(reads, ("nearest", 2, n), 2) for n in digits},
        "features": [_said(features, (key, "nearest", 16), 1) for key in codes],
    }


def against_transpose(
    key: str, dims: tuple[int, ...] = zoo.UP_DIMS, digits: tuple[int, ...] = ()
) -> dict[tuple, Interval]:
    """Return how far other kinds lie above `transpose`, by kind, dimension and digit, if asked.

    Errors in %, shares in points.
    """
    by: list[Any] = [list(UPSAMPLING)[1:], dims, *([digits] if digits else [])]
    gaps = {}
    for kind, d, *digit in product(*by):
        first, base = (zoo.values(f"up/{one}/{d}", key)[:, *digit] for one in (kind, "transpose"))
        points = unpaired_difference(100 * first, 100 * base)
        gaps[kind, d, *digit] = in_percent(first, base) if key.startswith("test_mse") else points
    return gaps


def in_percent(first: Tensor, base: Tensor) -> Interval:
    """Return how far errors (seeds,) lie above others, in % of these."""
    return unpaired_difference(100 * first / base.mean(), 100 * base / base.mean())


def at_equal_time() -> dict[str, str]:
    """Return how far slower kinds lie above `transpose` trained for as long, in words."""
    base, slower = zoo.values(LONGER, "test_mse"), ("nearest", "pixel_shuffle")
    gaps = {kind: in_percent(zoo.values(f"up/{kind}/16", "test_mse"), base) for kind in slower}
    return {kind: _said(gaps, kind, 3, " %") for kind in gaps}


def _said(gaps: dict, name: object, margin: float, unit: str = "") -> str:
    word = verdicts(gaps, margin)[name]
    return f"{gaps[name]:+.1f}{unit}, {word}".replace("-", "−")
