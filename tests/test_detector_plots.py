import pytest
import torch

from aelib import detector_plots, plotting


def test_the_detectors_own_digit_is_hatched():
    ax = detector_plots.alarms_per_digit(torch.linspace(0, 1, 10), 3)
    assert [bool(bar.get_hatch()) for bar in ax.patches] == [d == 3 for d in range(10)]
    with pytest.raises(ValueError, match="digit of 0 to 9, got -1"):
        detector_plots.alarms_per_digit(torch.linspace(0, 1, 10), -1)


def test_a_histogram_shows_shares_and_the_threshold():
    scores = torch.cat([torch.full((90,), 0.1), torch.linspace(0.5, 1, 10)])
    ax = detector_plots.score_histogram(scores, scores < 0.3, 0.3)
    assert ax.get_xscale() == "log"
    assert max(bar.get_height() for bar in ax.patches) == pytest.approx(1)
    assert ax.lines[0].get_xdata()[0] == 0.3
    assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(2), "two groups"
    assert {bar.get_hatch() for bar in ax.patches} == {None, "////"}, "told apart without colour"
    zeros = torch.tensor([0.0, 0.0, 1.0])
    ax = detector_plots.score_histogram(zeros, zeros < 0.5, 0.5)
    assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(2), "zeros count too"
    with pytest.raises(ValueError, match="normal images and strangers"):
        detector_plots.score_histogram(zeros, zeros < 2, 0.5)


def test_roc_curves_have_the_diagonal_of_guessing():
    curve = torch.tensor([0.0, 0.5, 1.0]), torch.tensor([0.0, 0.9, 1.0])
    ax = detector_plots.roc_curves({"8": curve})
    assert ax.lines[0].get_label() == "8" and len(ax.lines) == 2
    assert list(ax.lines[1].get_xdata()) == list(ax.lines[1].get_ydata()) == [0, 1]


def test_roc_curves_are_told_apart_by_colour_and_by_dashes():
    curve = torch.tensor([0.0, 1.0]), torch.tensor([0.0, 1.0])
    ax = detector_plots.roc_curves({"8": curve, "3": curve, "PCA": curve})
    digits = [line.get_color() for line in ax.lines[:2]]
    assert digits == [plotting.DIGIT_COLORS[8], plotting.DIGIT_COLORS[3]]
    assert len({line.get_linestyle() for line in ax.lines[:3]}) == 3
