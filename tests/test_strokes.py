import math

import pytest
import torch

from aelib import metrics, strokes


def ring(radius=8, width=2.0):
    place = torch.arange(28) - 13.5
    distance = (place[:, None] ** 2 + place[None, :] ** 2).sqrt()
    return ((distance - radius).abs() <= width / 2).float()[None, None]


def bar(angle=0.0):
    place = torch.arange(28) - 13.5
    y, x = torch.meshgrid(place, place, indexing="ij")
    along = x * math.sin(angle) + y * math.cos(angle)
    beside = x * math.cos(angle) - y * math.sin(angle)
    return ((along.abs() <= 9) & (beside.abs() <= 1)).float()[None, None]


def test_a_ring_has_a_loop_until_it_is_cut():
    assert strokes.has_loop(ring()).item()
    cut = ring()
    cut[..., 13:15, 14:] = 0
    assert not strokes.has_loop(cut).item()
    assert not strokes.has_loop(bar()).item()
    faint = [bool(strokes.has_loop(0.3 * ring(), ink)) for ink in strokes.INKS]
    assert faint == [True, False, False]


def test_a_loop_that_touches_the_border_counts_and_a_pinhole_does_not():
    frame = torch.zeros(1, 1, 28, 28)
    frame[..., :16, :] = 1
    pinhole = frame.clone()
    frame[..., 10:14, 10:14] = 0
    assert strokes.has_loop(frame).item()
    pinhole[..., 10, 10:12] = 0
    assert not strokes.has_loop(pinhole).item()
    pinhole[..., 10, 12] = 0
    assert strokes.has_loop(pinhole).item(), "three pixels of paper are a hole"


def test_real_digits_have_the_loops_that_everybody_knows(splits):
    test = splits.test
    found = metrics.mean_per_digit(strokes.has_loop(test.floats()).double(), test.labels)
    assert (found[[0, 6, 8, 9]] > 0.7).all() and (found[[1, 3, 5, 7]] < 0.05).all()


def test_breadth_depends_on_neither_angle_nor_darkness_but_needs_ink():
    straight = strokes.breadth(torch.cat([bar(angle) for angle in (0, 0.5, 1.2, 2.2)]))
    assert straight.max() < 0.8
    for ink in (1, 0.1):
        assert strokes.breadth(ink * ring()).item() == pytest.approx(8 / math.sqrt(2), rel=0.03)
    assert strokes.breadth(torch.zeros(1, 1, 28, 28)).isnan()


def test_quarters_are_where_their_names_say():
    image = torch.zeros(1, 1, 28, 28)
    image[..., :14, 14:] = 1
    found = dict(zip(strokes.QUARTERS, strokes.by_quarter(image)[0].tolist(), strict=True))
    assert found == {"top left": 0, "top right": 1, "bottom left": 0, "bottom right": 0}


def test_images_of_a_wrong_range_are_refused():
    for measure in (strokes.has_loop, strokes.breadth):
        with pytest.raises(ValueError, match=r"(?i)divide"):
            measure(255 * ring())


def test_a_region_is_no_test_for_models_that_know_it_and_the_level_of_a_model_cancels():
    """Errors of ten models: each one its own level, model 3 half of it in one quarter of the 2."""
    ink = torch.full((10, 4), 0.5)
    level = torch.arange(1.0, 11.0)[:, None, None, None] / 20
    errors = (level * ink).expand(10, 2, 10, 4).clone()
    errors[3, :, 2, 1] /= 2
    wrong = strokes.wrong_in_region(errors, ink, {2: [1], 9: [0, 3]})
    assert wrong.shape == (10, 2)
    assert wrong[[2, 9]].isnan().all() and wrong[[0, 1, 3, 4, 5, 6, 7, 8]].isfinite().all()
    assert wrong[0] == pytest.approx(torch.full((2,), 1 / 20))
    assert wrong[3] == pytest.approx(torch.full((2,), 4 / 20 * (0.5 + 2) / 3))
    relative = strokes.relative_to_usual(errors, ink, {2: [1]})
    assert relative[[0, 1, 4, 9]] == pytest.approx(torch.ones(4, 2))
    assert relative[3] == pytest.approx(torch.full((2,), 0.5))
