"""Statistics over seeds: differences with their intervals, the words for them, and tables."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from torch import Tensor

CONFIDENCE = 0.95
Name = TypeVar("Name", bound=Hashable)


class Interval(NamedTuple):
    """A mean with its 95 % confidence interval, e.g. of a difference.

    p: how probable a mean at least this far from zero would be if the true one were zero.
    Formatted with a number's format it reads "mean [low, high]": f"{interval:+.2f}".
    """

    mean: float
    low: float
    high: float
    p: float = math.nan

    def verdict(self, margin: float | None = None, stands: bool = True) -> str:
        """Return the word for this interval.

        "lower" or "higher": it excludes zero, and stands in its family, see `holm`. "level": it
        lies within ± margin, which is stated before anybody looks. "undecided": neither.
        """
        if stands and (self.low > 0 or self.high < 0):
            return "lower" if self.mean < 0 else "higher"
        within = margin is not None and max(-self.low, self.high) <= margin
        return "level" if within else "undecided"

    def __format__(self, spec: str) -> str:
        return f"{self.mean:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"


def paired_difference(first: Any, second: Any) -> Interval:
    """Return the mean of first - second, paired by seed, with its 95 % t interval.

    Raises ValueError unless both are lists (seeds,) of one length, of at least two numbers.
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.shape != b.shape or a.ndim != 1 or len(a) < 2:
        raise ValueError(f"need two lists of equal length, at least 2; got {a.shape} and {b.shape}")
    error = float((a - b).std(ddof=1)) / math.sqrt(len(a))
    return t_interval(float((a - b).mean()), error, len(a) - 1)


def unpaired_difference(first: Any, second: Any) -> Interval:
    """Return the mean of first less that of second, (seeds,) each, of runs that share nothing."""
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    return welch(float(a.mean() - b.mean()), a, b)


def welch(mean: float, *parts: np.ndarray) -> Interval:
    """Return the 95 % interval of a mean to which the spreads of several lists add up.

    Source: Welch 1947, doi:10.1093/biomet/34.1-2.28, for the degrees of freedom.
    """
    errors = np.array([values.var(ddof=1) / len(values) for values in parts])
    total, counts = float(errors.sum()), np.array([len(values) - 1 for values in parts])
    freedom = total**2 / float((errors**2 / counts).sum()) if total else 1.0
    return t_interval(mean, math.sqrt(total), freedom)


def t_interval(mean: float, error: float, freedom: float) -> Interval:
    """Return the 95 % t interval of a mean with a standard error and degrees of freedom."""
    from scipy import stats  # imported here: half a second that few need

    if error == 0:
        return Interval(mean, mean, mean, 1.0 if mean == 0 else 0.0)
    low, high = stats.t.interval(CONFIDENCE, freedom, loc=mean, scale=error)
    p = 2 * stats.t.sf(abs(mean) / error, freedom)
    return Interval(mean, float(low), float(high), float(p))


def holm(intervals: Mapping[Name, Interval]) -> dict[Name, bool]:
    """Return which of a family of differences stand together, at 5 % for all of them.

    The smallest p is held to 5 % divided by the number of comparisons, the next to 5 % divided by
    one less, and so on; the first that fails takes the rest along. Raises ValueError for an
    interval without a p: the order of the others would be chance.
    Source: Holm 1979, https://www.jstor.org/stable/4615733; notebook 4.
    """
    if any(math.isnan(interval.p) for interval in intervals.values()):
        raise ValueError("each interval needs its p; one of these has none")
    stands, standing = {}, True
    for rank, name in enumerate(sorted(intervals, key=lambda name: intervals[name].p)):
        standing = standing and intervals[name].p <= (1 - CONFIDENCE) / (len(intervals) - rank)
        stands[name] = standing
    return {name: stands[name] for name in intervals}


def verdicts(intervals: Mapping[Name, Interval], margin: float | None = None) -> dict[Name, str]:
    """Return the words for a table of intervals, as `Interval.verdict` has them.

    "lower" and "higher" are said only of differences that stand after Holm's correction.
    """
    stands = holm(intervals)
    return {name: one.verdict(margin, stands[name]) for name, one in intervals.items()}


def table(
    rows: Mapping[Any, Sequence[Any]],
    columns: Sequence[Any],
    formats: str | Sequence[str] | Mapping[Any, str] = "",
    corner: str = "",
) -> str:
    """Return rows of numbers and words as aligned text, to be printed.

    rows: from a row's name to its cells: a number (a tensor of one element, too), an `Interval`, a
        word, or None, which leaves it empty. columns: what stands above the cells.
    formats: how numbers are written, as after the colon of an f-string, e.g. ".3f" or ".1%":
        one for all cells, one for each column, or a mapping with one for each row.
    """
    lines = [[corner, *map(str, columns)]]
    for name, cells in rows.items():
        specs = formats[name] if isinstance(formats, Mapping) else formats
        specs = [specs] * len(columns) if isinstance(specs, str) else specs
        pairs = zip(cells, specs, strict=True)
        lines.append([str(name), *(_written(cell, spec) for cell, spec in pairs)])
    first, *others = (max(map(len, column)) for column in zip(*lines, strict=True))
    return "\n".join(
        "  ".join([name.ljust(first), *map(str.rjust, cells, others)]).rstrip()
        for name, *cells in lines
    )


def _written(cell: Any, spec: str) -> str:
    if cell is None or isinstance(cell, str):
        return cell or ""
    return format(cell.item() if isinstance(cell, Tensor) else cell, spec)


def plus_minus(values: Tensor, spec: str = ".4f") -> str:
    """Return "mean ± standard deviation" of values (N,), both written as ".4f" says it."""
    mean = format(values.double().mean().item(), spec)
    if len(values) < 2:
        return mean
    return f"{mean} ± {values.double().std().item():{spec.lstrip('+')}}"
