import math

import pytest
import torch
from torch.nn import functional as F

from aelib import checkerboards
from aelib.checkerboards import checkerboard_score


@pytest.fixture(scope="module")
def digits(splits):
    return splits.test.floats()[:500]


def board(period=2):
    place = torch.arange(28) // (period // 2)
    return ((place[:, None] + place) % 2 * 2 - 1).float()


@pytest.mark.parametrize("period", [2, 4])
def test_the_score_grows_with_an_injected_pattern_of_its_period(digits, period):
    plain, faint, strong = (
        checkerboard_score(digits + strength * board(period), period) for strength in (0, 0.02, 0.1)
    )
    assert strong > faint > plain and strong > 3 * plain
    other = {2: 4, 4: 2}[period]
    kept = checkerboard_score(digits + 0.02 * board(period), other)
    assert kept == pytest.approx(checkerboard_score(digits, other), rel=0.05)


def test_the_score_ignores_shifts_brightness_and_contrast(digits):
    score = checkerboard_score(digits)
    assert checkerboard_score(digits.roll((1, 3), (2, 3))) == pytest.approx(score, rel=1e-6)
    assert checkerboard_score(0.3 * digits + 0.2) == pytest.approx(score, rel=1e-4)


def test_pixels_that_are_copied_have_no_power_at_the_highest_frequency(digits):
    copies = F.interpolate(digits[:, :, ::2, ::2], scale_factor=2)
    assert checkerboard_score(copies) < 1e-9


def test_the_score_is_nan_where_nothing_can_be_told(digits):
    for images in (torch.ones(2, 1, 28, 28), digits * math.nan):
        assert math.isnan(checkerboard_score(images))
    with pytest.raises(ValueError, match="period must divide 28, got 3"):
        checkerboard_score(digits, 3)


@pytest.mark.parametrize(("size", "kernel", "stride"), [(1, 1, 1), (5, 3, 2), (4, 6, 3)])
def test_coverage_is_those_of_a_convolution_with_ones(size, kernel, stride):
    drawn = F.conv_transpose1d(torch.ones(1, 1, size), torch.ones(1, 1, kernel), stride=stride)
    assert checkerboards.coverage(size, kernel, stride).tolist() == drawn[0, 0].tolist()


def test_phases_tell_a_grid_from_plain_noise():
    flat = torch.full((2, 1, 28, 28), 0.3)
    assert checkerboards.by_phase(flat) == pytest.approx(torch.full((2, 2), 0.3))
    flat[:, :, 1::2, ::2] = 0.9
    assert checkerboards.by_phase(flat) == pytest.approx(torch.tensor([[0.3, 0.3], [0.9, 0.3]]))
    assert checkerboards.by_phase(flat, period=4)[3, 2] == pytest.approx(0.9)
