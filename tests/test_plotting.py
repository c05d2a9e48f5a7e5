"""`plotting` and `charts`: drawn into the Axes given, upright, in the colours of their digits.

The pictures themselves: README's are compared in workshop/test_figures, a notebook's by eye.
"""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from aelib import charts, plotting
from aelib.models import UPSAMPLING
from aelib.plotting import DIGIT_COLORS
from aelib.training import History

IMAGES, DIGITS = torch.rand(3, 1, 28, 28), torch.arange(20) % 10
HISTORY = History([0.3, 0.2], [0.3, 0.25], [2.0, 3.0], 1)


@pytest.mark.parametrize(
    ("draw", "given"),
    [
        (plotting.error_grid, [{"a": IMAGES - 0.5}]),
        (charts.losses, [{"a": HISTORY}]),
        (charts.error_by_dim, [[1, 2], torch.rand(2, 5)]),
        (charts.matrix, [torch.rand(10, 10)]),
        (charts.coverage, [torch.tensor([1, 2, 1])]),
        (charts.phases, [torch.tensor([[0, 1], [2, 3]])]),
    ],
)
def test_a_figure_is_drawn_into_the_axes_that_are_given(draw, given):
    ax = plt.subplots()[1]
    assert draw(*given, ax=ax) is ax and len(plt.get_fignums()) == 1


def test_montage_puts_images_where_they_belong():
    dark, light = torch.ones(1, 1, 28, 28), torch.zeros(1, 1, 28, 28)
    rows = [torch.cat([dark, light]), torch.cat([light, dark])]
    joined = plotting.montage(rows)
    assert joined.shape == (58, 58)
    assert (joined[:28, :28] == 1).all() and (joined[30:, 30:] == 1).all()
    assert (joined[:28, 30:] == 0).all() and (joined[28:30] == 0).all()
    with pytest.raises(ValueError, match="255"):
        plotting.montage([255 * IMAGES])


def test_an_image_grid_shows_digits_upright_and_dark_on_light():
    image = torch.zeros(1, 1, 28, 28)
    image[..., :5, :] = 1  # ink at the top
    plotting.use_style()
    ax = plotting.image_grid({"a": image}, np.array(["first"]))
    shown = ax.images[0]
    assert ax.yaxis_inverted() or shown.origin == "upper"
    assert shown.cmap(shown.norm(1.0))[:3] == (0, 0, 0)
    assert shown.cmap(shown.norm(0.0))[:3] == (1, 1, 1)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["first"]


def test_what_has_a_sign_is_red_above_zero_blue_below_and_white_where_nothing_is_wrong():
    images = torch.zeros(2, 1, 28, 28)
    images[0, 0, 0, 0], images[1, 0, 0, 0] = -0.2, 0.4
    shown = plotting.signed_grid(images).images[0]
    values = shown.get_array()
    assert values[0, 0] == -1 and values[0, 30] == 1, "each is as strong as can be"
    colors = shown.cmap(shown.norm(values))
    assert tuple(colors[20, 20][:3]) == (1, 1, 1)
    assert colors[0, 0][2] > colors[0, 0][0] and colors[0, 30][0] > colors[0, 30][2]
    assert plotting.error_grid({"a": images}).images[0].get_array().min() == np.float32(-0.2)


def test_the_decoded_plane_has_its_second_axis_upwards_and_no_negative_zero():
    class Corner(torch.nn.Module):
        def decode(self, codes):
            return (codes.sum(1) > 1.9).float()[:, None, None, None].expand(-1, 1, 28, 28)

    steps = torch.tensor([-0.04, 0.25, 0.5, 0.75, 1])
    ax = plotting.decoded_plane(Corner(), steps, steps)
    drawn = np.asarray(ax.images[0].get_array())
    assert drawn[0, -1] == 1 and drawn.sum() == 28 * 28, "ink in the upper right corner only"
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0.0", "0.8"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1.0", "0.2"]


def test_a_digit_has_one_colour_everywhere():
    dots = charts.dots_per_digit({1: torch.rand(3, 10)}, "error").lines[:10]
    rows = charts.histograms_per_digit(torch.rand(20), DIGITS, "rank").patches
    points = charts.scatter_codes(torch.arange(10.0)[:, None].expand(10, 2), DIGITS[:10])
    points = points.collections[0]
    order = torch.tensor(points.get_offsets()[:, 0].tolist()).argsort()  # drawn in mixed order
    for colors in (
        [part.get_facecolor() for part in rows],
        [dot.get_color() for dot in dots],
        points.get_facecolors()[order],
    ):
        assert [plt.matplotlib.colors.to_hex(color) for color in colors] == list(DIGIT_COLORS)


def test_a_digit_is_named_where_most_of_its_points_are_and_a_distant_one_squeezes_none():
    codes = torch.cat([torch.randn(999, 2) - 5, torch.randn(999, 2) + 5])
    codes[0] = 1e4
    ax = charts.scatter_codes(codes, torch.tensor([3] * 999 + [7] * 999), bare=True)
    places = {text.get_text(): text.get_position() for text in ax.texts}
    assert places["3"] == pytest.approx((-5, -5), abs=1)
    assert places["7"] == pytest.approx((5, 5), abs=1)
    assert ax.get_xlim()[1] < 12 and not len(ax.get_xticks())
    labels = torch.arange(100) // 50  # of two digits in one place the names stand beside each other
    ax = charts.scatter_codes(torch.rand(50, 2).repeat(2, 1) + 0.001 * labels[:, None], labels)
    (x, y), (other_x, other_y) = (text.get_position() for text in ax.texts)
    assert abs(x - other_x) + abs(y - other_y) > 0.05


def test_dots_show_the_mean_and_the_range_of_the_seeds():
    values = {0: torch.rand(5, 10), 1: torch.rand(5, 10)}
    ax = charts.dots_per_digit(values, "error")
    dots = [line.get_xdata()[0] for line in ax.lines if len(line.get_xdata()) == 1]
    assert dots == pytest.approx(torch.cat([seeds.mean(0) for seeds in values.values()]).tolist())
    ends = ax.collections[1].get_segments()[3][:, 0]
    assert tuple(ends) == pytest.approx([end.item() for end in values[0][:, 3].aminmax()])


def test_histograms_show_shares_from_end_to_end_and_the_threshold():
    scores = torch.cat([torch.zeros(40), torch.full((50,), 0.1), torch.linspace(0.5, 1, 10)])
    ax = charts.score_histogram(scores, scores < 0.3, 0.3)
    assert ax.get_xscale() == "log" and ax.lines[0].get_xdata()[0] == 0.3
    assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(2), "two groups"
    values = torch.arange(100.0)
    ax = charts.histograms_per_digit(values, values.long() // 10, "rank", bins=10)
    for digit, row in enumerate(ax.patches):
        heights, edges, baseline = row.get_data()
        assert (edges[0], edges[-1]) == (0, 99) and baseline == -digit
        assert [n for n, height in enumerate(heights) if height > -digit] == [digit]


def test_scores_by_step_have_a_band_from_the_lowest_to_the_highest_seed():
    values = torch.tensor([[8.0, 2.0, 0.0], [4.0, 1.0, 0.0]])
    ax = charts.score_by_step({"a": ((0, 10, 20), values)}, {"real": 0.8})
    lowest = charts.LOWEST_SCORE  # where 0 is drawn
    assert ax.lines[0].get_ydata().tolist() == pytest.approx([6.0, 1.5, lowest])
    assert list(ax.lines[0].get_xdata()) == [0, 10, 20] and ax.get_xscale() == "symlog"
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert band.min() == pytest.approx(lowest) and band.max() == 8


def test_curves_are_told_apart_without_colour_and_none_is_left_out():
    ten, curve = torch.rand(10, 2), ((0, 1), torch.rand(2, 2))
    shown = charts.score_by_step(dict.fromkeys(UPSAMPLING, curve)).lines
    assert len({(line.get_linestyle(), line.get_marker()) for line in shown}) == len(UPSAMPLING)
    *lines, guessing = charts.roc_curves(dict.fromkeys(("8", "3", "PCA"), ten.T)).lines
    assert [line.get_color() for line in lines[:2]] == [DIGIT_COLORS[8], DIGIT_COLORS[3]]
    assert len({line.get_linestyle() for line in lines}) == 3
    assert list(guessing.get_xdata()) == list(guessing.get_ydata()) == [0, 1]
    upper, lower = charts.seeds_per_model({"upper": ten, "lower": ten}, "wrong").lines
    assert upper.get_marker() != lower.get_marker()
    assert upper.get_xdata()[2] < 1 < lower.get_xdata()[2], "side by side at the model's place"
    many = "abcdefghijkl"  # more than there are colours
    assert len(charts.losses(dict.fromkeys(many, HISTORY)).lines) >= len(many)
    assert len(charts.score_by_step(dict.fromkeys(many, curve)).lines) >= len(many)
