"""The explorer's Python side; its browser's side is in tests/browser."""

import json
import re

import matplotlib.pyplot as plt
import pytest
import torch
from packed import unpack_array

from aelib import explorer, hangul, zoo
from aelib.detection import SCORES, WITH_CODE
from aelib.explorer import payload
from aelib.explorer.payload import FALSE_ALARMS, MODELS, VIEWS, names_of, payload_of


@pytest.fixture
def loaded(monkeypatch):
    """The names of the models that are loaded from now on; nothing is remembered from before."""
    names = []
    load = zoo.load
    monkeypatch.setattr(zoo, "load", lambda name, seed=0: names.append(name) or load(name, seed))
    for made_once in (payload.model, payload.plane, payload._errors, payload._code_quantiles):
        made_once.cache_clear()
    return names


def test_what_is_shown_is_what_is_loaded(loaded):
    """Two models on show are two models loaded, and the judge; the still is drawn by the same."""
    shown = explorer.explore("latent", dims=(2, 16))
    assert sorted(loaded) == ["judge", "latent/16", "latent/2"]
    assert set(shown.content["models"]) == set(loaded)
    assert "2 and 16 numbers" in shown.alt


def test_what_a_view_needs_is_plain_and_no_more_than_it_needs():
    content = payload_of(["plane"])
    assert json.loads(json.dumps(content)) == content
    assert set(content["models"]) == {"judge", "latent/2"}
    assert payload_of(["stamp"]) == {"views": ["stamp"]}


def test_test_digits_are_twenty_of_each(splits):
    digits = payload_of([])["digits"]
    assert digits["labels"] == [digit for digit in range(10) for _ in range(20)]
    first = splits.test.images[splits.test.first_of_each()]
    assert torch.allclose(unpack_array(digits["images"])[::20], first.double() / 255)


def test_alarms_count_what_given_scores_exceed(splits):
    ones = dict.fromkeys((*SCORES, WITH_CODE), torch.ones(10_000))
    alarms = payload_of(["alarms"], test_scores={digit: ones for digit in range(10)})["alarms"]
    flagged = unpack_array(alarms["flagged"]).round().long()
    limits = 10 ** unpack_array(alarms["limits"])
    assert flagged.shape == (10, len(ones), len(FALSE_ALARMS), 10)
    assert torch.equal(flagged[0, 0, 0], splits.test.counts() * int(limits[0, 0, 0] < 1))
    assert (limits.diff(dim=2) <= 1e-9).all(), "more false alarms allowed, lower limits"
    at = FALSE_ALARMS.index(0.05)
    recorded = [zoo.record(f"digit/{k}")["detector"][WITH_CODE]["threshold"] for k in range(10)]
    assert limits[:, -1, at].tolist() == pytest.approx(recorded, rel=2e-3)


def test_an_explorer_has_a_still_for_whoever_runs_no_scripts():
    shown = explorer.explore("stamp")
    data, metadata = shown._repr_mimebundle_()
    assert data["text/plain"] == metadata["image/png"]["alt"] == shown.alt
    html = data["text/html"]
    assert html.index("<img") < html.index("<script")
    assert f'alt="{shown.alt}"' in html
    assert html.count("</script>") == html.count("<script")
    assert not re.search(r"""(src|href)=["']?https?:""", html)


def test_what_a_notebook_keeps_of_an_explorer_makes_it_again(few):
    clouds = [torch.rand(200, 2), torch.rand(200, 2)]
    for shown in (
        explorer.explore("plane", "machine", dims=(2,), state="test=7"),
        explorer.frames(clouds, few.labels, [0, 50], "step", "Two hundred digits.", start=1),
    ):
        about = json.loads(json.dumps(shown._repr_mimebundle_()[1]["explorer"]))
        again = explorer.html(*about.pop("views"), still=shown.still, alt=shown.alt, **about)
        assert again == shown.html()


@pytest.mark.parametrize("view", sorted(set(MODELS) - {"alarms"}))
def test_every_view_has_a_small_still_in_the_look_of_the_course_and_words_for_it(view):
    plt.rcdefaults()
    still, alt = explorer.still_of(view, names_of(view))
    assert still.startswith(b"\x89PNG") and len(still) < 50_000
    assert len(alt) > 60 and alt.endswith(".")


@pytest.mark.parametrize("view", [*VIEWS, "frames"])
def test_a_view_brings_its_own_modules_and_asks_nothing_of_other_machines(view):
    text = explorer.javascript(view)
    assert not re.search(r"^(import|export)\b", text, re.MULTILINE)
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(|https?://(?!www\.w3\.org)", text)
    assert len(text) < (200_000 if view == "train" else 130_000)  # which brings what it trains


def test_the_pad_hands_over_what_was_drawn_and_shows_what_python_answers():
    pad = explorer.Pad(lambda image, d: {f"d = {d}": image / d}, "d", [2, 4, 0])
    with pytest.raises(ValueError, match="the pad is empty: draw a digit"):
        _ = pad.image
    pad.pixels, pad.choice, pad.asked = [0.5] * 784, 1, 1
    assert pad.image.shape == (1, 1, 28, 28) and float(pad.image.mean()) == 0.5
    assert pad.answered == 1
    assert pad.answer == [{"title": "d = 4", "words": "", "pixels": [0.125] * 784}]
    pad._answer = lambda image, d: {}[d]  # an error of the reader's is said where they look
    pad.asked = 2
    assert pad.answered == 2 and (pad.answer[0]["title"], pad.answer[0]["words"]) == (
        "KeyError",
        "4",
    )


def test_letters_come_with_their_strokes():
    letters = payload_of(["letters"])["letters"]
    covers = unpack_array(letters["covers"]).view(-1, 28, 28)
    assert len(covers) == letters["each"] * sum(letters["strokes"])
    expected = hangul.draw("giyeok", letters["each"], hangul.TEST)[1][:, 0].double() / 255
    assert torch.allclose(covers[: letters["each"]].double(), expected, atol=1e-6)
    assert letters["known"]["nieun"] == {"nieun": 1, "digeut": 1, "tieut": 1}
    assert letters["known"]["siot"] == {"siot": 2, "jieut": 2, "chieut": 2}
