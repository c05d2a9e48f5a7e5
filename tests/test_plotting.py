import io

import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from PIL import Image

from aelib import plotting
from aelib.models import UPSAMPLING
from aelib.training import History


def test_montage_puts_images_where_they_belong():
    dark, light = torch.ones(1, 1, 28, 28), torch.zeros(1, 1, 28, 28)
    joined = plotting.montage([torch.cat([dark, light]), torch.cat([light, dark])])
    assert joined.shape == (58, 58)
    assert (joined[:28, :28] == 1).all() and (joined[30:, 30:] == 1).all()
    assert (joined[:28, 30:] == 0).all() and (joined[28:30] == 0).all()
    assert plotting.montage([torch.full((1, 1, 28, 28), 7.0)]).max() == 1
    with pytest.raises(ValueError, match="same length"):
        plotting.montage([dark, torch.cat([dark, dark])])


def test_an_image_grid_shows_digits_upright_and_dark_on_light():
    image = torch.zeros(1, 1, 28, 28)
    image[..., :5, :] = 1  # ink at the top
    plotting.use_style()
    ax = plotting.image_grid({"a": image})
    ax.figure.canvas.draw()
    shown = ax.images[0]
    assert ax.yaxis_inverted() or shown.origin == "upper"
    assert shown.cmap(shown.norm(1.0))[:3] == (0, 0, 0)
    assert shown.cmap(shown.norm(0.0))[:3] == (1, 1, 1)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a"]


def test_a_signed_grid_keeps_the_sign():
    images = torch.zeros(2, 1, 28, 28)
    images[0, 0, 0, 0], images[1, 0, 0, 0] = -0.2, 0.4
    values = plotting.signed_grid(images).images[0].get_array()
    assert values[0, 0] == -1 and values[0, 30] == 1


def test_a_digit_has_one_colour_everywhere():
    assert len(set(plotting.DIGIT_COLORS)) == 10
    ax = plotting.bars_per_digit(range(10), "ink", ("mean", 4.5))
    bars = [bar.get_facecolor() for bar in ax.patches]
    dots = plotting.dots_per_digit({1: torch.rand(3, 10)}, "error").lines[:10]
    assert [plt.matplotlib.colors.to_hex(color) for color in bars] == list(plotting.DIGIT_COLORS)
    assert [dot.get_color() for dot in dots] == list(plotting.DIGIT_COLORS)


IMAGES = torch.rand(3, 1, 28, 28)
DRAWN = {
    "image_grid": lambda ax: plotting.image_grid([IMAGES], ax=ax),
    "signed_grid": lambda ax: plotting.signed_grid(IMAGES, ax=ax),
    "error_grid": lambda ax: plotting.error_grid({"a": IMAGES - 0.5}, ax=ax),
    "losses": lambda ax: plotting.losses({"a": History([0.3], [0.2], [1.0], 0)}, ax),
    "error_by_dim": lambda ax: plotting.error_by_dim([1, 2], torch.rand(2, 5), ax=ax),
    "bars_per_digit": lambda ax: plotting.bars_per_digit(range(10), "x", ax=ax),
    "scatter_codes": lambda ax: plotting.scatter_codes(
        torch.rand(20, 2), torch.arange(20) % 10, ax=ax
    ),
    "matrix": lambda ax: plotting.matrix(torch.rand(10, 10), ax=ax),
    "coverage": lambda ax: plotting.coverage(torch.tensor([1, 2, 1]), ax),
    "score_by_step": lambda ax: plotting.score_by_step({"a": ((0, 9), torch.rand(2, 2))}, ax=ax),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_is_drawn_into_the_axes_that_are_given(name):
    ax = plt.subplots()[1]
    assert DRAWN[name](ax) is ax and len(plt.get_fignums()) == 1


def test_scatter_points_have_the_colours_of_their_own_labels():
    codes = torch.stack([torch.arange(10.0), torch.arange(10.0)], 1)
    ax = plotting.scatter_codes(codes, torch.arange(10))
    points = ax.collections[0]
    for (x, _), color in zip(points.get_offsets(), points.get_facecolors(), strict=True):
        assert plt.matplotlib.colors.to_hex(color) == plotting.DIGIT_COLORS[int(x)]


def test_a_digit_is_named_where_most_of_its_points_are():
    codes = torch.cat([torch.randn(99, 2) - 5, torch.randn(99, 2) + 5])
    labels = torch.tensor([3] * 99 + [7] * 99)
    ax = plotting.scatter_codes(codes, labels, bare=True)
    places = {text.get_text(): text.get_position() for text in ax.texts}
    assert places["3"] == pytest.approx((-5, -5), abs=1)
    assert places["7"] == pytest.approx((5, 5), abs=1)
    assert ax.get_legend() is None and not len(ax.get_xticks())


def test_a_distant_point_does_not_squeeze_the_others():
    codes = torch.randn(1000, 2)
    codes[0] = 1e4
    ax = plotting.scatter_codes(codes, torch.zeros(1000, dtype=torch.int64))
    assert ax.get_xlim()[1] < 10 and ax.get_ylim()[1] < 10


def test_dots_show_the_mean_and_the_range_of_the_seeds():
    values = {0: torch.rand(5, 10), 1: torch.rand(5, 10)}
    ax = plotting.dots_per_digit(values, "error")
    dots = [line.get_xdata()[0] for line in ax.lines if len(line.get_xdata()) == 1]
    means = torch.cat([seeds.mean(0) for seeds in values.values()])
    assert dots == pytest.approx(means.tolist())
    low, high = ax.collections[1].get_segments()[3][:, 0]
    assert (low, high) == pytest.approx(
        (values[0][:, 3].min().item(), values[0][:, 3].max().item())
    )
    markers = {
        line.get_label(): line.get_markerfacecolor()
        for line in ax.lines
        if len(line.get_xdata()) == 0
    }
    assert markers == {"d = 0": "white", "d = 1": "black"}, "told apart without colour"


def test_histograms_reach_from_end_to_end_in_rows_of_their_own():
    values, labels = torch.arange(100.0), torch.arange(100) // 10
    ax = plotting.histograms_per_digit(values, labels, "rank", bins=10)
    for digit, row in enumerate(ax.patches):
        heights, edges, baseline = row.get_data()
        assert (edges[0], edges[-1]) == (0, 99) and baseline == -digit
        full = [n for n, height in enumerate(heights) if height > -digit]
        assert full == [digit], "the last bin is there as well"


def test_each_point_is_joined_to_its_redrawing():
    points = torch.rand(20, 2)
    axes = plotting.redrawn_points(points, {"all": points, "mean": points.mean(0).expand(20, 2)})
    assert len(axes) == 2 and "0.0000" in axes[0].get_title("left")
    error = (points - points.mean(0)).square().mean().item()
    assert f"{error:.4f}" in axes[1].get_title("left")
    for (start, end), point in zip(axes[1].collections[0].get_segments(), points, strict=True):
        assert start.tolist() == pytest.approx(point.tolist())
        assert end.tolist() == pytest.approx(points.mean(0).tolist())


def test_losses_against_time():
    history = History([0.3, 0.2], [0.3, 0.25], [2.0, 3.0], 1)
    ax = plotting.losses({"a": history, "b": history}, against="seconds")
    assert ax.lines[0].get_xdata().tolist() == [2, 5] and ax.get_xlabel() == "seconds"
    assert len({line.get_marker() for line in ax.lines}) == 2, "told apart without colour"
    with pytest.raises(ValueError, match="epochs or seconds"):
        plotting.losses({"a": history}, against="steps")


def test_panels_fill_their_rows():
    axes = plotting.panels(6, rows=2)
    assert len(axes) == 6 and axes[0].get_gridspec().get_geometry() == (2, 3)
    with pytest.raises(ValueError, match="5 panels do not fill 2 rows"):
        plotting.panels(5, rows=2)


def test_the_decoded_plane_has_its_second_axis_upwards():
    class Corner:
        def decode(self, codes):
            return (codes.sum(1) > 1.9).float()[:, None, None, None].expand(-1, 1, 28, 28)

    steps = torch.linspace(0, 1, 5)
    ax = plotting.decoded_plane(Corner(), steps, steps)
    drawn = np.asarray(ax.images[0].get_array())
    assert drawn[0, -1] == 1 and drawn[-1, -1] == 0  # ink in the upper right corner only
    assert drawn.sum() == 28 * 28
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1.0", "0.2"]


def test_no_tick_of_the_decoded_plane_is_a_negative_zero():
    class Blank:
        def decode(self, codes):
            return torch.zeros(len(codes), 1, 28, 28)

    ax = plotting.decoded_plane(Blank(), torch.tensor([-0.04, 1]), torch.tensor([-1, -0.04]))
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0.0"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0.0"]


def test_an_error_grid_is_white_where_nothing_is_wrong():
    error = torch.zeros(1, 1, 28, 28)
    error[..., 0, 0], error[..., 0, 1] = 0.5, -0.5
    shown = plotting.error_grid({"a": error}).images[0]
    colors = shown.cmap(shown.norm(shown.get_array()))
    assert tuple(colors[20, 20][:3]) == (1, 1, 1)
    assert colors[0, 0][0] > colors[0, 0][2] and colors[0, 1][2] > colors[0, 1][0]


def test_scores_by_step_have_a_band_from_the_lowest_to_the_highest_seed():
    values = torch.tensor([[8.0, 2.0], [4.0, 1.0]])
    ax = plotting.score_by_step({"a": ((0, 10), values)}, {"real": 0.8})
    assert ax.lines[0].get_ydata().tolist() == [6.0, 1.5]
    assert ax.lines[0].get_xdata().tolist() == [1, 10], "step 0 has a place on a log axis"
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert band.min() == 1 and band.max() == 8
    assert {text.get_text() for text in ax.get_legend().get_texts()} == {"a", "real"}


def test_scores_by_step_are_told_apart_without_colour():
    curves = {kind: ((0, 10), torch.ones(2, 2)) for kind in UPSAMPLING}
    looks = {
        (line.get_linestyle(), line.get_marker()) for line in plotting.score_by_step(curves).lines
    }
    assert len(looks) == len(curves)


def test_coverage_is_bars_of_a_line_and_a_picture_of_an_image():
    counts = torch.tensor([1, 2, 1])
    assert [bar.get_height() for bar in plotting.coverage(counts).patches] == [1, 2, 1]
    shown = plotting.coverage(torch.outer(counts, counts)).images[0]
    assert shown.get_array().tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]


def test_a_score_of_zero_is_drawn_at_the_bottom():
    ax = plotting.score_by_step({"a": ((0, 10), torch.tensor([[0.0, 1.0]]))})
    assert ax.lines[0].get_ydata()[0] == plotting.LOWEST_SCORE


def test_stretched_images_span_the_whole_range_and_flat_ones_stay_paper():
    faint = torch.full((2, 1, 28, 28), 0.4)
    faint[0, 0, 3, 4] = 0.41
    shown = plotting.stretched(faint)
    assert shown[0].min() == 0 and shown[0].max() == 1
    assert shown[1].eq(0).all()
    assert faint.max() == pytest.approx(0.41)


def test_a_power_map_shows_a_checkerboard_in_its_middle():
    power = torch.ones(28, 28)
    power[14, 14] = 1e6
    ax = plotting.power_map(power, "with a checkerboard")
    shown = ax.images[0].get_array()
    assert shown.argmax() == 14 * 28 + 14
    assert "with a checkerboard" in (ax.get_title(), ax.get_title(loc="left"))


def test_models_are_shown_by_a_mark_for_each_seed_and_each_series_by_its_own():
    values = torch.arange(20.0).view(10, 2)
    values[8] = torch.nan
    ax = plotting.seeds_per_model({"upper": values, "lower": values + 1}, "wrong")
    upper, lower = ax.lines
    assert upper.get_marker() != lower.get_marker()
    assert upper.get_ydata()[:4].tolist() == [0, 1, 2, 3] and len(upper.get_xdata()) == 20
    assert upper.get_xdata()[2] < 1 < lower.get_xdata()[2], "side by side at the model's place"
    with pytest.raises(ValueError, match="markers for 5 series, got 6"):
        plotting.seeds_per_model(dict.fromkeys("abcdef", values), "wrong")


def test_a_small_png_has_few_colours_and_leaves_no_figure_open():
    ax = plotting.bars_per_digit(range(10), "ink")
    whole = plotting.figure_png(ax)
    small = plotting.small_png(ax, colors=8)
    assert len(small) < len(whole) and not plt.fignum_exists(ax.figure.number)
    with Image.open(io.BytesIO(small)) as picture, Image.open(io.BytesIO(whole)) as original:
        assert picture.size == original.size and len(picture.getcolors()) <= 8


def test_a_histogram_shows_shares_and_the_threshold():
    scores = torch.cat([torch.full((90,), 0.1), torch.linspace(0.5, 1, 10)])
    ax = plotting.score_histogram(scores, scores < 0.3, 0.3)
    assert ax.get_xscale() == "log"
    assert max(bar.get_height() for bar in ax.patches) == pytest.approx(1)
    assert ax.lines[0].get_xdata()[0] == 0.3
    assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(2), "two groups"
    assert {bar.get_hatch() for bar in ax.patches} == {None, "////"}, "told apart without colour"
    zeros = torch.tensor([0.0, 0.0, 1.0])
    ax = plotting.score_histogram(zeros, zeros < 0.5, 0.5)
    assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(2), "zeros count too"
    with pytest.raises(ValueError, match="normal images and strangers"):
        plotting.score_histogram(zeros, zeros < 2, 0.5)


def test_roc_curves_have_the_diagonal_of_guessing():
    curve = torch.tensor([0.0, 0.5, 1.0]), torch.tensor([0.0, 0.9, 1.0])
    ax = plotting.roc_curves({"8": curve})
    assert ax.lines[0].get_label() == "8" and len(ax.lines) == 2
    assert list(ax.lines[1].get_xdata()) == list(ax.lines[1].get_ydata()) == [0, 1]


def test_roc_curves_are_told_apart_by_colour_and_by_dashes():
    curve = torch.tensor([0.0, 1.0]), torch.tensor([0.0, 1.0])
    ax = plotting.roc_curves({"8": curve, "3": curve, "PCA": curve})
    digits = [line.get_color() for line in ax.lines[:2]]
    assert digits == [plotting.DIGIT_COLORS[8], plotting.DIGIT_COLORS[3]]
    assert len({line.get_linestyle() for line in ax.lines[:3]}) == 3


def test_nothing_is_left_out_of_a_figure_because_its_looks_have_run_out():
    history = History([0.3], [0.2], [1.0], 0)
    names, points = "abcdefghijk", torch.rand(3, 2)
    line = ([1, 2], [0.1, 0.2])
    for draw, most in (
        (lambda names: plotting.losses(dict.fromkeys(names, history)), 5),
        (lambda names: plotting.dots_per_digit(dict.fromkeys(names, torch.rand(2, 10)), "x"), 3),
        (lambda names: plotting.redrawn_points(points, dict.fromkeys(names, points)), 10),
        (lambda names: plotting.roc_curves(dict.fromkeys(names, points.T)), 10),
        (lambda names: plotting.seeds_per_model(dict.fromkeys(names, torch.rand(10, 2)), "y"), 5),
        (
            lambda names: plotting.error_by_dim(
                [1, 2], torch.rand(2, 2), dict.fromkeys(names, line)
            ),
            3,
        ),
        (
            lambda names: plotting.score_by_step(dict.fromkeys(names, ([0, 1], torch.rand(2, 2)))),
            10,
        ),
    ):
        draw(names[:most])
        plt.close("all")
        with pytest.raises(ValueError, match=rf"for {most} \w+, got {most + 1}"):
            draw(names[: most + 1])


def test_what_would_lie_outside_the_axes_is_refused():
    ten, normal = torch.rand(10), torch.arange(10) < 5
    for draw in (
        lambda: plotting.roc_curves({"a": (100 * ten.sort().values, ten)}),
        lambda: plotting.small_matrix(100 * torch.eye(10)),
        lambda: plotting.small_matrix(-torch.eye(10)),
        lambda: plotting.dots_per_digit({2: -torch.rand(2, 10) - 1}, "x"),
        lambda: plotting.seeds_per_model({"a": -torch.rand(10, 2) - 1}, "y"),
        lambda: plotting.error_by_dim([1, 2], torch.tensor([[1.0], [-1.0]])),
        lambda: plotting.error_by_dim([1, 2], torch.rand(2, 1), {"a": ([1, 2], [0.1, -0.1])}),
        lambda: plotting.coverage([1, -2, 1]),
        lambda: plotting.score_by_step({"a": ([0, 1], torch.tensor([[1.0, -1.0]]))}),
        lambda: plotting.score_by_step({"a": ([-1, 1], torch.tensor([[1.0, 1.0]]))}),
        lambda: plotting.power_map(-torch.ones(28, 28)),
        lambda: plotting.score_histogram(ten - 1, normal, 0.5),
    ):
        with pytest.raises(ValueError, match=r"must (lie in 0 to 1|be 0 or more), got"):
            draw()


@pytest.mark.parametrize("wrong", [float("nan"), "0.5", True, None])
def test_a_reference_that_is_no_number_draws_no_line(wrong):
    with pytest.raises(ValueError, match="the reference must be a finite number"):
        plotting.bars_per_digit(range(10), "ink", ("mean", wrong))
    with pytest.raises(ValueError, match="real must be a finite number"):
        plotting.score_by_step({"a": ([0, 1], torch.rand(2, 2))}, {"real": wrong})


def test_no_points_are_no_picture():
    with pytest.raises(ValueError, match="no codes to draw"):
        plotting.scatter_codes(torch.zeros(0, 2), torch.zeros(0, dtype=torch.long))
    with pytest.raises(ValueError, match="no values to draw"):
        plotting.dots_per_digit({}, "x")


@pytest.mark.parametrize("wrong", [0, 2.5, True, "2"])
def test_how_many_there_are_is_a_whole_number(wrong):
    ax = plotting.coverage([1, 2, 1])
    for name, draw in (
        ("count", lambda: plotting.panels(wrong)),
        ("rows", lambda: plotting.panels(2, rows=wrong)),
        ("colors", lambda: plotting.small_png(ax, wrong)),
        ("bins", lambda: plotting.histograms_per_digit([0.1], [3], "x", bins=wrong)),
    ):
        with pytest.raises(ValueError, match=f"{name} must be a whole number from 1"):
            draw()


def test_columns_may_be_an_array():
    ax = plotting.image_grid([IMAGES], np.array(["a", "b", "c"]))
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b", "c"]


def test_differences_of_bytes_are_not_drawn_as_full_ink():
    with pytest.raises(ValueError, match=r"differences must have .*divide them by 255"):
        plotting.error_grid({"a": 200 * (IMAGES - 0.5)})
    below = torch.full((1, 1, 28, 28), -0.5)
    assert plotting.error_grid({"a": below}).images[0].get_array().min() == -0.5
