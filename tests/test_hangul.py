import hashlib
import sys

import numpy as np
import pytest
import torch

from aelib import hangul
from aelib.hangul import NAMES, STROKES, draw, load_hangul, neat

FEW = "57699a03c21bdd9fd821881ae28210599303d07df4101624ae0703576a3bfbcf"
SUMS = "466066 608257 415397 559589 732129 733362 713258"
SUMS += " 737565 703739 454134 565359 584757 646110 690576"


@pytest.fixture(scope="module")
def few():
    """Twenty training images of each letter, and what each stroke covers of them."""
    return {name: draw(name, 20) for name in NAMES}


def test_every_machine_draws_the_same(few):
    drawn = torch.cat([images for images, _ in few.values()]).numpy()
    if sys.platform == "linux":
        assert hashlib.sha256(drawn.tobytes()).hexdigest() == FEW
    # Elsewhere sines may differ in their last bit. The sums of the letters were noted on Linux.
    sums = drawn.reshape(len(NAMES), -1).sum(1, dtype=np.int64)
    assert np.abs(sums - np.array(SUMS.split(), int)).max() <= 0.01 * drawn[0].size * 20


def test_every_pixel_knows_its_strokes(few):
    for name, (images, covers) in few.items():
        assert images.dtype == covers.dtype == torch.uint8
        assert covers.shape == (20, len(STROKES[name]), 28, 28)
        assert torch.equal(covers.amax(1), images)
        assert (covers.flatten(2).amax(2) > 200).all(), "no stroke is lost under the others"


def test_letters_are_prepared_as_the_pad_prepares_a_drawing(few):
    place = torch.arange(28) + 0.5
    for images, _ in few.values():
        ink = images.double() / 255
        mass = torch.stack([ink.sum(1) @ place.double(), ink.sum(2) @ place.double()], 1)
        # Of a lopsided letter, such as nieun, the shift may push a tip over the border.
        assert ((mass / ink.sum((1, 2))[:, None] - 14.5).abs() < 0.2).all()
        spans = torch.maximum(*((ink > 0.5).any(axis).sum(1) for axis in (1, 2)))
        assert spans.max() <= 20 and spans.median() >= 19


def test_a_steady_hand_draws_the_table():
    covers = neat("digeut")
    assert covers.shape == (2, 28, 28) and covers.dtype == torch.float32
    across = torch.nonzero(covers[1].amax(0) > 0.5).flatten()
    down = torch.nonzero(covers[1].amax(1) > 0.5).flatten()
    assert len(across) > 15 and len(down) <= 3, "the added stroke is a bar"
    assert torch.equal(neat("15,5 15,90 95,90 | 15,5 90,5"), covers)
    assert neat("5,5 5,5").isfinite().all(), "a dot has no size"


def test_a_letter_of_ones_own():
    images, covers = draw("10,10 90,90 | 90,10 10,90 | ring", 3, seed=7)
    assert images.shape == (3, 28, 28) and covers.shape == (3, 3, 28, 28)
    assert not torch.equal(draw("10,10 90,90 | 90,10 10,90 | ring", 3, seed=8)[0], images)
    for count, seed in ((0, 0), (2.5, 0), (1, -1)):
        with pytest.raises(ValueError, match="count is 1 or more, seed 0 or more: got"):
            draw("nieun", count, seed)


@pytest.mark.parametrize("letter", ["neun", "", "5,5", "5,5 5", "5,5 nan,5", "5,5 9,9 |", "1 2"])
def test_what_is_no_letter_is_said_in_one_line(letter):
    with pytest.raises(ValueError, match=r"no letter .*nieun.* and no strokes like") as error:
        draw(letter, 1)
    assert "\n" not in str(error.value)


def test_the_set_is_drawn_once_and_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("AELIB_CACHE", str(tmp_path))
    monkeypatch.setattr(hangul, "COUNTS", (4, 2, 3))
    train, val, test = load_hangul()
    assert train.counts().tolist() == 14 * [4] and len(val) == 28 and len(test) == 42
    assert torch.equal(test.only(2).images, draw("nieun", 3, seed=2)[0])
    monkeypatch.setattr(hangul, "draw", None)
    assert torch.equal(load_hangul().train.images, train.images)
