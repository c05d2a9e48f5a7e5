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


def test_a_loop_that_touches_the_border_counts_and_a_pinhole_does_not():
    frame = torch.ones(1, 1, 28, 28)
    frame[..., 10:14, 10:14] = 0
    assert strokes.has_loop(frame).item()
    pinhole = torch.ones(1, 1, 28, 28)
    pinhole[..., 10, 10:12] = 0
    assert not strokes.has_loop(pinhole).item()
    pinhole[..., 10, 12] = 0
    assert strokes.has_loop(pinhole).item(), "three pixels of paper are a hole"


def test_real_digits_have_the_loops_that_everybody_knows(splits):
    test = splits.test
    found = metrics.mean_per_digit(strokes.has_loop(test.floats()).double(), test.labels)
    assert (found[[0, 6, 8, 9]] > 0.7).all() and (found[[1, 3, 5, 7]] < 0.05).all()


def test_breadth_does_not_depend_on_the_angle():
    straight = strokes.breadth(torch.cat([bar(angle) for angle in (0, 0.5, 1.2, 2.2)]))
    assert straight.max() < 0.8
    assert strokes.breadth(ring()).item() == pytest.approx(8 / math.sqrt(2), rel=0.03)


def test_breadth_does_not_depend_on_how_dark_the_ink_is_but_needs_some():
    assert strokes.breadth(0.1 * ring()) == pytest.approx(strokes.breadth(ring()).item())
    with pytest.raises(ValueError, match="1 of 2 images hold no ink"):
        strokes.breadth(torch.cat([ring(), torch.zeros(1, 1, 28, 28)]))


def test_quarters_are_where_their_names_say():
    image = torch.zeros(1, 1, 28, 28)
    image[..., :14, 14:] = 1
    found = dict(zip(strokes.QUARTERS, strokes.by_quarter(image)[0].tolist(), strict=True))
    assert found == {"top left": 0, "top right": 1, "bottom left": 0, "bottom right": 0}
    x = torch.rand(3, 1, 28, 28)
    assert torch.allclose(strokes.by_quarter(x).mean(1), x.square().flatten(1).mean(1))


def test_images_of_a_wrong_range_are_refused():
    for measure in (strokes.has_loop, strokes.breadth):
        with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
            measure(255 * ring())
