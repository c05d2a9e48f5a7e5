import pytest
import torch

from aelib.hangul import NAMES
from aelib.workshop.letters import FAMILIES, PAIRS, share_drawn


def test_the_share_drawn_is_of_pixels_that_one_stroke_has_to_itself():
    covers = torch.zeros(1, 2, 28, 28)
    covers[0, 0, 5, 5:15] = 1.0  # a bar,
    covers[0, 1, 5:15, 5] = 0.8  # and a stem that begins in its first pixel
    covers[0, 1, 20, 20] = 0.1  # too faint to count
    drawn = torch.zeros(1, 1, 28, 28)
    drawn[0, 0, 5, 5] = 1.0  # shared by both: counts for none
    drawn[0, 0, 5, 6:9] = 0.5
    drawn[0, 0, 6:15, 5] = 2.0  # more than there is gives no more than all
    share = share_drawn(drawn, covers)
    assert share[0].tolist() == pytest.approx([3 * 0.5 / 9, 1.0])
    drawn[0, 0, 25] = -1.0  # as PCA may draw: beside the strokes it counts for nothing
    assert torch.equal(share_drawn(drawn, covers), share)
    covers[0, 0] = covers[0, 1]
    assert share_drawn(drawn, covers).isnan().all(), "no stroke has pixels of its own"


def test_each_letter_has_one_family_and_a_larger_one_is_of_its_bases():
    assert sorted(sum(FAMILIES, ())) == sorted(NAMES)
    assert len(PAIRS) == 8
    assert all(any({*pair} <= {*family} for family in FAMILIES) for pair in PAIRS)
