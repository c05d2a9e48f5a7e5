import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aelib import intervals


@settings(deadline=None)
@given(st.lists(st.floats(-10, 10), min_size=2, max_size=8), st.floats(-5, 5))
def test_a_paired_difference_sees_only_the_difference(values, shift):
    a = np.array(values)
    result = intervals.paired_difference(a + shift, a)
    assert result.low <= result.mean <= result.high
    assert result.mean == pytest.approx(shift, abs=1e-9)


def test_a_paired_difference_has_the_t_interval():
    result = intervals.paired_difference([1, 2, 3, 4, 5], [0, 0, 0, 0, 0])
    # 2.776 is the 97.5 % point of t with 4 degrees of freedom.
    assert result.high - result.mean == pytest.approx(2.776 * math.sqrt(2.5 / 5), rel=1e-3)
    assert result.low > 0
    unclear = intervals.paired_difference([1, -1.1, 0.3], [0, 0, 0])
    assert unclear.low < 0 < unclear.high
    with pytest.raises(ValueError, match="equal length"):
        intervals.paired_difference([1, 2], [1, 2, 3])


def test_the_word_for_an_interval_depends_on_zero_and_on_the_margin():
    assert intervals.Interval(2.0, 1.0, 3.0).verdict(margin=10) == "higher"
    assert intervals.Interval(-2.0, -3.0, -1.0).verdict() == "lower"
    near = intervals.Interval(0.1, -0.9, 1.1)
    assert near.verdict() == "undecided"
    assert near.verdict(margin=1.0) == "undecided"
    assert near.verdict(margin=1.1) == "level"
    with pytest.raises(ValueError, match="margin must be above 0, got -1"):
        near.verdict(margin=-1)


def test_holm_raises_the_bar_and_the_first_that_fails_takes_the_rest_along():
    p = {"a": 0.04, "b": 0.001, "c": 0.03, "d": 0.012}
    family = {name: intervals.Interval(-1.0, -2.0, -0.1, p=value) for name, value in p.items()}
    # 0.05 / 4 for b, 0.05 / 3 for d, 0.05 / 2 for c, which fails, and so a fails with it.
    assert intervals.holm(family) == {"a": False, "b": True, "c": False, "d": True}
    words = intervals.verdicts(family, margin=3)
    assert words == {"a": "level", "b": "lower", "c": "level", "d": "lower"}
    assert intervals.verdicts(family)["c"] == "undecided"


def test_p_is_that_of_the_t_test():
    result = intervals.paired_difference([1, 2, 3, 4, 5], [0, 0, 0, 0, 0])
    t = 3 / math.sqrt(2.5 / 5)  # 4.243 with 4 degrees of freedom: p = 0.0132
    assert t == pytest.approx(4.243, abs=1e-3)
    assert result.p == pytest.approx(0.0132, abs=1e-4)
    assert intervals.one_sample_difference([1, 2, 3, 4, 5], 0) == result
    # An interval that ends exactly at zero belongs to p = 5 %.
    edge = intervals.paired_difference(np.array([1, 2, 3, 4, 5]) - result.low, [0] * 5)
    assert edge.low == pytest.approx(0, abs=1e-9)
    assert edge.p == pytest.approx(0.05)


def test_a_difference_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="finite"):
        intervals.paired_difference([1, math.nan], [0, 0])
    with pytest.raises(ValueError, match="at least 2"):
        intervals.one_sample_difference([1], 0)


def test_an_interval_is_written_with_its_ends():
    assert f"{intervals.Interval(0.1, -0.25, 0.4):+.1f}" == "+0.1 [-0.2, +0.4]"


def test_images_widen_the_interval_of_seeds():
    rng = np.random.default_rng(0)
    seeds = rng.normal(1.0, 0.1, 5)
    images = rng.normal(0.0, 30.0, 10_000)
    both = intervals.seeds_and_images(seeds, images)
    alone = intervals.one_sample_difference(seeds, 0)
    assert both.mean == pytest.approx(alone.mean)
    error = math.sqrt(seeds.var(ddof=1) / 5 + images.var(ddof=1) / 10_000)
    assert 1.96 * error < (both.high - both.low) / 2 < 2.1 * error, "many images, so nearly normal"
    without = intervals.seeds_and_images(seeds, np.zeros(10_000))
    assert (without.low, without.high) == pytest.approx((alone.low, alone.high))


def test_the_interval_of_seeds_and_images_covers_what_it_should():
    # Known truth: 95 of 100 intervals must hold it. Binomial spread of 400 tries: 1.1 points.
    rng, held = np.random.default_rng(1), 0
    for _ in range(400):
        pull = rng.normal(0, 1, 200)
        seeds = 3 + pull.mean() + rng.normal(0, 0.1, 5)
        interval = intervals.seeds_and_images(seeds, pull - pull.mean())
        held += interval.low < 3 < interval.high
    assert 0.91 < held / 400 < 0.985


def test_rank_and_difference_to_the_best_other():
    values = [[1.0, 1.1, 0.9], [0.5, 0.4, 0.6], [2.0, 2.1, 2.2], [0.0, 0.0, 0.0]]
    found = intervals.rank(values, 0, [1, 2])
    assert (found.place, found.among, found.best_other) == (2, 3, 1)
    assert found.difference == intervals.paired_difference(values[0], values[1])
    first = intervals.rank(values, 1, [0, 2])
    assert (first.place, first.best_other) == (1, 0) and first.difference.high < 0
    values[3] = [math.nan] * 3
    assert intervals.rank(values, 0, [1, 2]) == found, "whoever takes no part may be NaN"
    with pytest.raises(ValueError, match="3 of 9 numbers in values are NaN"):
        intervals.rank(values, 0, [1, 3])


@pytest.mark.parametrize("others", [[], [0, 1], [1, 1]])
def test_rank_needs_others(others):
    with pytest.raises(ValueError, match="others must be one or more rows but 0"):
        intervals.rank([[1.0, 2.0], [2.0, 3.0]], 0, others)


def test_only_the_rows_that_are_compared_must_be_numbers():
    values = np.array([[1.0, 2.0], [2.0, 3.0], [np.nan, np.nan]])
    assert intervals.rank(values, 0, [1]).place == 1
    for own, others in ((2, [0, 1]), (0, [1, 2])):
        with pytest.raises(ValueError, match="NaN or infinite"):
            intervals.rank(values, own, others)


NAN = math.nan


@pytest.mark.parametrize(
    ("low", "mean", "high"), [(NAN, NAN, NAN), (1, NAN, 2), (NAN, 1, 2), (None, 1, 2), (1, 5, 2)]
)
def test_no_word_is_said_of_an_interval_that_is_none(low, mean, high):
    wrong = intervals.Interval(mean, low, high, 0.01)
    for speak in (wrong.verdict, lambda margin: intervals.verdicts({"a": wrong}, margin)):
        for margin in (None, 1):
            with pytest.raises(ValueError, match=r"of an interval must be a number|hold its mean"):
                speak(margin)
    wide = intervals.Interval(0, -math.inf, math.inf)
    assert wide.verdict(1) == "undecided"


def test_a_margin_that_cannot_be_is_refused_whatever_the_interval():
    clear = intervals.Interval(2.0, 1.0, 3.0, 0.001)
    for margin in (NAN, -1, "1"):
        for speak in (clear.verdict, lambda margin: intervals.verdicts({"a": clear}, margin)):
            with pytest.raises(ValueError, match="margin must be above 0"):
                speak(margin)


def test_an_imaginary_part_is_not_dropped():
    with pytest.raises(ValueError, match="must be real"):
        intervals.paired_difference(np.array([1 + 1j, 2]), [0, 0])
