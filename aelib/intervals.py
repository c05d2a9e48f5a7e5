"""Statistics over seeds and images: differences with their intervals, and the words for them."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from aelib.checks import as_tensor, finite, numbers_of, real_number, whole_number

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

    def verdict(self, margin: float | None = None) -> str:
        """Return the word for this interval.

        "lower" or "higher": it excludes zero. "level": it lies within ± margin, which is
        stated before anybody looks. "undecided": neither.

        Raises ValueError for a margin that is not above zero, and for an interval with NaN or
        without its mean in it: neither excludes zero, nor does it hold it.
        """
        otherwise = _level_or_undecided(self, margin)  # which checks both
        if self.low > 0 or self.high < 0:
            return "lower" if self.mean < 0 else "higher"
        return otherwise

    def __format__(self, spec: str) -> str:
        return f"{self.mean:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"


def paired_difference(first: Any, second: Any) -> Interval:
    """Return the mean of first - second, paired by seed, with its 95 % t interval.

    Both hold one finite number per seed. Raises ValueError unless they have the same length
    of at least two.
    """
    a, b = _numbers("first", first), _numbers("second", second)
    if a.shape != b.shape or a.ndim != 1 or len(a) < 2:
        raise ValueError(
            f"need two lists of equal length, at least 2; got shapes {a.shape} and {b.shape}"
        )
    return _mean_interval(a - b)


def one_sample_difference(values: Any, constant: float) -> Interval:
    """Return the mean of values - constant with its 95 % t interval.

    For a comparison with something that has no seeds, such as PCA or real digits: only the
    spread of one side enters. Raises ValueError for fewer than two values.
    """
    a, constant = _numbers("values", values), real_number("constant", constant)
    if a.ndim != 1 or len(a) < 2:
        raise ValueError(f"need a list of at least 2 values, got shape {a.shape}")
    return _mean_interval(a - constant)


def seeds_and_images(differences: Any, influence: Any) -> Interval:
    """Return the mean of differences with a 95 % interval that counts images as well as seeds.

    Other seeds would give other models, other test images another mean. The two are
    independent, so their variances add up.

    differences: (seeds,), the difference of two measures, paired by seed.
    influence: (images,), how much each test image pulls the mean difference up or down, as
        `detection.auroc_influence` gives it for either measure: their difference, averaged
        over the seeds. Its mean is zero.
    Raises ValueError for fewer than two of either, and for what is NaN or infinite.
    Source: Welch 1947, doi:10.1093/biomet/34.1-2.28, for the degrees of freedom.
    """
    a, b = _numbers("differences", differences), _numbers("influence", influence)
    if a.ndim != 1 or b.ndim != 1 or min(len(a), len(b)) < 2:
        raise ValueError(
            f"need two lists of at least two values; got shapes {a.shape} and {b.shape}"
        )
    parts = np.array([a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)])
    total = float(parts.sum())
    freedom = total**2 / float((parts**2 / [len(a) - 1, len(b) - 1]).sum()) if total else 1.0
    return _t_interval(float(a.mean()), math.sqrt(total), freedom)


def holm(intervals: Mapping[Name, Interval]) -> dict[Name, bool]:
    """Return which of a family of differences stand together, at 5 % for all of them.

    The smallest p is held to 5 % divided by the number of comparisons, the next to 5 %
    divided by one less, and so on; the first that fails takes the rest along.
    Raises ValueError for an interval without a p.
    Source: Holm 1979, https://www.jstor.org/stable/4615733; notebook 4.
    """
    for name, interval in intervals.items():
        real_number(f"p of {name!r}", interval.p, 0, 1)
    stands, standing = {}, True
    for rank, name in enumerate(sorted(intervals, key=lambda name: intervals[name].p)):
        standing = standing and intervals[name].p <= (1 - CONFIDENCE) / (len(intervals) - rank)
        stands[name] = standing
    return {name: stands[name] for name in intervals}


def verdicts(intervals: Mapping[Name, Interval], margin: float | None = None) -> dict[Name, str]:
    """Return the words for a table of intervals, as `Interval.verdict` has them.

    "lower" and "higher" are said only of differences that stand after Holm's correction.
    Raises ValueError as `holm` and `Interval.verdict` do.
    """
    stands = holm(intervals)
    return {
        name: interval.verdict(margin) if stands[name] else _level_or_undecided(interval, margin)
        for name, interval in intervals.items()
    }


def _level_or_undecided(interval: Interval, margin: float | None) -> str:
    low, mean, high = (
        real_number(f"the {name} of an interval", getattr(interval, name), -math.inf, math.inf)
        for name in ("low", "mean", "high")
    )
    if not low <= mean <= high:
        raise ValueError(f"an interval must hold its mean, got {mean} and {low} to {high}")
    if margin is None:
        return "undecided"
    margin = real_number("margin", margin, 0, open_low=True)
    return "level" if max(-low, high) <= margin else "undecided"


def _numbers(name: str, values: Any) -> np.ndarray:
    numbers = as_tensor(name, values)
    finite(f"numbers in {name}", numbers.flatten())
    return numbers.double().numpy()


class Rank(NamedTuple):
    """The place of one among several, 1 is the lowest, and its difference to the best other."""

    place: int
    among: int
    best_other: int
    difference: Interval


def rank(values: Any, own: int, others: Sequence[int]) -> Rank:
    """Return the place of one model among others by its mean over seeds; lower is better.

    values: (models, seeds). own and others: row numbers. The difference is own - best
    other, paired by seed: its interval must exclude zero for "the best" to be more than
    luck, and even then it says so of this best other only.
    Raises ValueError if own is among the others, one of them is there twice, or there are none,
    and for a row that is not there or holds numbers that are NaN or infinite. Rows that are not
    compared may be NaN: models for whom it is no contest.
    """
    values = numbers_of("values", values, "models", "seeds", nan=True).numpy()
    own = whole_number("own", own, 0, len(values) - 1)
    others = [whole_number("others", other, 0, len(values) - 1) for other in others]
    if own in others or not others or len(set(others)) < len(others):
        raise ValueError(f"others must be one or more rows but {own}, each once, got {others}")
    numbers_of("values", values[[own, *others]], "models", "seeds")  # finite, in these rows
    means = values.mean(1)
    best = min(others, key=lambda other: means[other])
    place = 1 + sum(bool(means[other] < means[own]) for other in others)
    return Rank(place, 1 + len(others), best, paired_difference(values[own], values[best]))


def _mean_interval(differences: np.ndarray) -> Interval:
    if not np.isfinite(differences).all():
        raise ValueError(f"the differences must be finite numbers, got {differences.tolist()}")
    error = float(differences.std(ddof=1)) / math.sqrt(len(differences))
    return _t_interval(float(differences.mean()), error, len(differences) - 1)


def _t_interval(mean: float, error: float, freedom: float) -> Interval:
    from scipy import stats  # imported here: half a second that few need

    if error == 0:
        return Interval(mean, mean, mean, 1.0 if mean == 0 else 0.0)
    low, high = stats.t.interval(CONFIDENCE, freedom, loc=mean, scale=error)
    p = 2 * stats.t.sf(abs(mean) / error, freedom)
    return Interval(mean, float(low), float(high), float(p))
