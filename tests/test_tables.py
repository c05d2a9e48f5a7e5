import pytest
import torch

from aelib.intervals import Interval
from aelib.tables import plus_minus, table


def test_names_stand_left_and_numbers_right_under_their_columns():
    rows = {"mean image": [0.0675, 12], "PCA": [0.05, 1234]}
    assert table(rows, ["error", "n"], [".3f", ","], "method").splitlines() == [
        "method      error      n",
        "mean image  0.068     12",
        "PCA         0.050  1,234",
    ]


def test_formats_go_by_all_by_column_or_by_row():
    rows = {"a": [0.5, 0.25], "b": [1, 2]}
    assert table(rows, "xy", ".2f").splitlines()[1:] == ["a  0.50  0.25", "b  1.00  2.00"]
    assert table(rows, "xy", [".1f", ".0%"]).splitlines()[1:] == ["a  0.5   25%", "b  1.0  200%"]
    assert table(rows, "xy", {"a": ".2f", "b": "d"}).splitlines()[2] == "b     1     2"


def test_a_cell_may_be_a_tensor_an_interval_a_word_or_nothing():
    rows = {"a": [torch.tensor(0.25), Interval(0.1, -0.2, 0.4), "level", None]}
    last = table(rows, ["t", "i", "w", "n"], ["+.2f", "+.1f", ".1f", ".1f"]).splitlines()[1]
    assert last == "a  +0.25  +0.1 [-0.2, +0.4]  level"


def test_rows_and_formats_must_fit_the_columns():
    with pytest.raises(ValueError, match="row 'a' has 1 cells for 2 columns"):
        table({"a": [1]}, "xy")
    with pytest.raises(ValueError, match="a format for each of 2 columns, got 1"):
        table({"a": [1, 2]}, "xy", [".1f"])
    with pytest.raises(ValueError, match="row 'a' has no format"):
        table({"a": [1, 2]}, "xy", {"b": ".1f"})


def test_plus_minus_gives_mean_and_standard_deviation():
    assert plus_minus(torch.tensor([1.0, 2.0, 3.0]), ".1f") == "2.0 ± 1.0"
    assert plus_minus(torch.tensor([-1.0, 1.0]), "+.2f") == "+0.00 ± 1.41"
    assert plus_minus(torch.tensor([0.5]), ".2f") == "0.50"
