import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt

from aelib import detector_plots, drawing, plotting
from aelib.models import UPSAMPLING, Autoencoder
from aelib.training import History


def test_montage_puts_images_where_they_belong():
    dark, light = torch.ones(1, 1, 28, 28), torch.zeros(1, 1, 28, 28)
    joined = plotting.montage([torch.cat([dark, light]), torch.cat([light, dark])], gap=2)
    assert joined.shape == (58, 58)
    assert (joined[:28, :28] == 1).all() and (joined[30:, 30:] == 1).all()
    assert (joined[:28, 30:] == 0).all() and (joined[28:30] == 0).all()
    assert plotting.montage([torch.full((1, 1, 28, 28), 7.0)]).max() == 1
    with pytest.raises(ValueError, match="same length"):
        plotting.montage([dark, torch.cat([dark, dark])])


def test_a_plate_shows_digits_upright_and_dark_on_light():
    image = torch.zeros(1, 1, 28, 28)
    image[..., :5, :] = 1  # ink at the top
    plotting.use_style()
    ax = plotting.plate({"a": image})
    ax.figure.canvas.draw()
    shown = ax.images[0]
    assert ax.yaxis_inverted() or shown.origin == "upper"
    assert shown.cmap(shown.norm(1.0))[:3] == (0, 0, 0)
    assert shown.cmap(shown.norm(0.0))[:3] == (1, 1, 1)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a"]


def test_a_signed_plate_keeps_the_sign():
    images = torch.zeros(2, 1, 28, 28)
    images[0, 0, 0, 0], images[1, 0, 0, 0] = -0.2, 0.4
    values = plotting.signed_plate(images).images[0].get_array()
    assert values[0, 0] == -1 and values[0, 30] == 1


def test_a_digit_has_one_colour_everywhere():
    assert len(set(plotting.DIGIT_COLORS)) == 10
    ax = plotting.bars_per_digit(range(10), "ink", ("mean", 4.5))
    bars = [bar.get_facecolor() for bar in ax.patches]
    lines = plotting.lines_per_digit([0, 1], torch.rand(2, 3, 10), "error").lines
    assert [plt.matplotlib.colors.to_hex(color) for color in bars] == list(plotting.DIGIT_COLORS)
    assert [line.get_color() for line in lines] == list(plotting.DIGIT_COLORS)


def test_every_function_draws_into_the_axes_it_is_given():
    ax = plt.subplots()[1]
    history = History([0.3, 0.2], [0.3, 0.25], [1.0, 1.0], 1)
    assert plotting.losses({"run": history}, ax) is ax
    assert plotting.error_by_dim([1, 2], torch.rand(2, 5), {"mean": ((0,), (0.5,))}, ax) is ax
    assert plotting.scatter_codes(torch.rand(20, 2), torch.arange(20) % 10, ax=ax) is ax
    assert plotting.matrix(torch.rand(10, 10), ax=ax) is ax
    assert plotting.bars_per_digit(range(10), "x", ax=ax) is ax


def test_scatter_points_have_the_colours_of_their_own_labels():
    codes = torch.stack([torch.arange(10.0), torch.arange(10.0)], 1)
    ax = plotting.scatter_codes(codes, torch.arange(10))
    points = ax.collections[0]
    for (x, _), color in zip(points.get_offsets(), points.get_facecolors(), strict=True):
        assert plt.matplotlib.colors.to_hex(color) == plotting.DIGIT_COLORS[int(x)]


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


@pytest.mark.parametrize("kind", UPSAMPLING)
def test_the_architecture_is_read_from_the_model(kind):
    model = Autoencoder(7, kind)
    shapes = [stage.shape for stage in drawing.trace(model)]
    assert shapes[0] == shapes[-1] == (1, 28, 28) and (7,) in shapes
    assert shapes[1:4] == [(8, 14, 14), (16, 7, 7), (32, 3, 3)]
    assert model.training  # as it was
    texts = [text.get_text() for text in drawing.architecture(model).texts]
    assert "7" in texts and "code" in texts


def test_an_error_plate_is_white_where_nothing_is_wrong():
    error = torch.zeros(1, 1, 28, 28)
    error[..., 0, 0], error[..., 0, 1] = 0.5, -0.5
    shown = plotting.error_plate({"a": error}).images[0]
    colors = shown.cmap(shown.norm(shown.get_array()))
    assert tuple(colors[20, 20][:3]) == (1, 1, 1)
    assert colors[0, 0][0] > colors[0, 0][2] and colors[0, 1][2] > colors[0, 1][0]


def test_marked_cells_are_framed_where_they_are():
    ax = plotting.plate([torch.zeros(3, 1, 28, 28)] * 2)
    cells = torch.zeros(2, 3, dtype=torch.bool)
    cells[1, 2] = True
    (frame,) = plotting.mark_cells(ax, cells).patches
    assert frame.get_x() < 60 < frame.get_x() + frame.get_width()
    assert frame.get_y() < 30 < frame.get_y() + frame.get_height()


def test_scores_by_step_have_a_band_from_the_lowest_to_the_highest_seed():
    values = torch.tensor([[8.0, 2.0], [4.0, 1.0]])
    ax = plotting.score_by_step({"a": ((0, 10), values)}, {"real": 0.8})
    assert ax.lines[0].get_ydata().tolist() == [6.0, 1.5]
    assert ax.lines[0].get_xdata().tolist() == [1, 10], "step 0 has a place on a log axis"
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert band.min() == 1 and band.max() == 8
    assert {text.get_text() for text in ax.get_legend().get_texts()} == {"a", "real"}


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


def test_overlaps_multiply_in_two_dimensions():
    line, square = plotting.panels(2)
    plotting.overlaps(torch.tensor([1, 2, 1]), line, square)
    assert square.images[0].get_array().tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]


def test_a_score_of_zero_is_drawn_at_the_bottom():
    ax = plotting.score_by_step({"a": ((0, 10), torch.tensor([[0.0, 1.0]]))})
    assert ax.lines[0].get_ydata()[0] == plotting.LOWEST_SCORE
