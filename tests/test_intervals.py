import math

import numpy as np
import pytest
import torch
from scipy import stats

from aelib import intervals
from aelib.intervals import Interval, plus_minus, table


def test_a_paired_difference_has_the_t_interval_and_its_p():
    values = np.array([1, 2, 3, 4, 5])
    result = intervals.paired_difference(values, [0] * 5)
    # 2.776 is the 97.5 % point of t with 4 degrees of freedom.
    assert result.high - result.mean == pytest.approx(2.776 * math.sqrt(2.5 / 5), rel=1e-3)
    assert result.p == pytest.approx(0.0132, abs=1e-4)  # of t = 4.243 with 4 degrees of freedom
    # An interval that ends exactly at zero belongs to p = 5 %.
    edge = intervals.paired_difference(values - result.low, [0] * 5)
    assert edge.low == pytest.approx(0, abs=1e-9) and edge.p == pytest.approx(0.05)
    for pair in (([1, 2], [1, 2, 3]), ([1, 2, 3], [1]), ([1], [2]), ([[1, 2]], [[1, 2]])):
        with pytest.raises(ValueError, match="equal length, at least 2"):
            intervals.paired_difference(*pair)


def test_an_unpaired_difference_is_welchs():
    first, second = [1.0, 2.5, 3.0, 4.0], [3.0, 2.0, 9.0]
    expected = stats.ttest_ind(first, second, equal_var=False)
    found = intervals.unpaired_difference(first, second)
    assert found.p == pytest.approx(expected.pvalue)
    assert found[1:3] == pytest.approx(expected.confidence_interval())


def test_the_word_for_an_interval_depends_on_zero_and_on_the_margin():
    assert Interval(2.0, 1.0, 3.0).verdict(margin=10) == "higher"
    assert Interval(-2.0, -3.0, -1.0).verdict() == "lower"
    near = Interval(0.1, -0.9, 1.1)
    assert near.verdict() == "undecided"
    assert near.verdict(margin=1.0) == "undecided"
    assert near.verdict(margin=1.1) == "level"


def test_holm_raises_the_bar_and_the_first_that_fails_takes_the_rest_along():
    p = {"a": 0.04, "b": 0.001, "c": 0.03, "d": 0.012}
    family = {name: Interval(-1.0, -2.0, -0.1, p=value) for name, value in p.items()}
    # 0.05 / 4 for b, 0.05 / 3 for d, 0.05 / 2 for c, which fails, and so a fails with it.
    assert intervals.holm(family) == {"a": False, "b": True, "c": False, "d": True}
    words = intervals.verdicts(family, margin=3)
    assert words == {"a": "level", "b": "lower", "c": "level", "d": "lower"}
    assert intervals.verdicts(family)["c"] == "undecided"
    for other in (Interval(0.0, -1.0, 1.0), intervals.paired_difference([1, math.nan], [0, 0])):
        with pytest.raises(ValueError, match="each interval needs its p"):
            intervals.verdicts(family | {"e": other})


def test_names_stand_left_and_numbers_right_under_their_columns():
    rows = {"mean image": [0.0675, 12], "PCA": [0.05, 1234]}
    assert table(rows, ["error", "n"], [".3f", ","], "method").splitlines() == [
        "method      error      n",
        "mean image  0.068     12",
        "PCA         0.050  1,234",
    ]
    rows = {"a": [0.5, 0.25], "b": [1, 2]}
    assert table(rows, "xy", ".2f").splitlines()[1:] == ["a  0.50  0.25", "b  1.00  2.00"]
    assert table(rows, "xy", {"a": ".2f", "b": "d"}).splitlines()[2] == "b     1     2"
    for lines, formats in (({"a": [1]}, ""), ({"a": [1, 2]}, [".1f"])):
        with pytest.raises(ValueError, match="zip"):
            table(lines, "xy", formats)


def test_a_cell_may_be_a_tensor_an_interval_a_word_or_nothing():
    rows = {"a": [torch.tensor(0.25), Interval(0.1, -0.25, 0.4), "level", None]}
    last = table(rows, ["t", "i", "w", "n"], ["+.2f", "+.1f", ".1f", ".1f"]).splitlines()[1]
    assert last == "a  +0.25  +0.1 [-0.2, +0.4]  level"


def test_plus_minus_gives_mean_and_standard_deviation():
    assert plus_minus(torch.tensor([1.0, 2.0, 3.0]), ".1f") == "2.0 ± 1.0"
    assert plus_minus(torch.tensor([-1.0, 1.0]), "+.2f") == "+0.00 ± 1.41"
    assert plus_minus(torch.tensor([0.5]), ".2f") == "0.50"
