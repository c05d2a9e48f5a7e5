"""The explorer's Python side; its browser's side is in tests/browser."""

import json
import re

import numpy as np
import pytest
import torch

from aelib import explorer, files, zoo
from aelib.detection import WITH_CODE
from aelib.explorer.needs import ALLOWED, MODELS, _detector, needs
from aelib.packing import unpack_array

PNG = b"\x89PNG fake"


def test_what_a_view_needs_is_plain_and_no_more_than_it_needs():
    content = needs(["plane"])
    assert json.loads(json.dumps(content)) == content
    assert set(content["models"]) == {"judge", "latent/2"}
    assert content["views"] == ["plane"]
    assert "models" not in needs(["stamp"])


def test_test_digits_are_twenty_of_each(splits):
    digits = needs([])["digits"]
    assert digits["labels"] == [digit for digit in range(10) for _ in range(20)]
    images = unpack_array(digits["images"])
    first = splits.test.images[splits.test.first_of_each()]
    assert torch.allclose(images[::20], first.double() / 255)


def test_dims_choose_among_models():
    assert set(needs(["code"], dims=(2, 4))["models"]) == {"judge", "latent/2", "latent/4"}
    with pytest.raises(ValueError, match=r"dims must be of \[1, 2, .* got \[11\]"):
        needs(["code"], dims=[11])
    with pytest.raises(ValueError, match=r"got \[\]"):
        needs(["code"], dims=[])


def test_an_unknown_view_is_said():
    with pytest.raises(ValueError, match=r"views must be of draw, latent, .* got \['nonsense'\]"):
        explorer.explore("draw", "nonsense")
    with pytest.raises(ValueError, match="name one or more views of draw, latent"):
        explorer.explore()


def test_a_missing_model_is_said(monkeypatch):
    def missing(name):
        raise zoo.ModelMissingError(f"{name} is not there")

    monkeypatch.setattr(zoo, "load", missing)
    with pytest.raises(zoo.ModelMissingError, match="latent/32 is not there"):
        needs(["latent"], dims=[32])


def test_what_is_flagged_is_what_the_detectors_record(splits):
    usual, on_val, on_test = _detector(3, splits.train.only(3), None)
    recorded = zoo.record("digit/3", 0)["detector"][WITH_CODE]
    limit = torch.quantile(on_val[WITH_CODE], 0.95, interpolation="higher")
    assert limit.item() == pytest.approx(recorded["threshold"], rel=1e-4)
    assert int((on_test[WITH_CODE] > limit).sum()) == pytest.approx(
        sum(recorded["flagged_per_digit"]), abs=10
    )
    assert usual.scaled.shape[1] == len(usual.scaling)


def test_alarms_count_what_given_scores_exceed(splits):
    scores = {
        digit: dict.fromkeys(("mse", "share", "blurred share", WITH_CODE), torch.ones(10_000))
        for digit in range(10)
    }
    alarms = needs(["alarms"], test_scores=scores)["alarms"]
    flagged = unpack_array(alarms["flagged"]).round().long()
    limits = 10 ** unpack_array(alarms["limits"])
    assert flagged.shape == (10, 4, len(ALLOWED), 10)
    everybody = splits.test.counts()
    assert torch.equal(flagged[0, 0, 0], everybody * int(limits[0, 0, 0] < 1))
    assert alarms["scores"][-1] == WITH_CODE
    # More false alarms allowed, lower limits.
    assert (limits.diff(dim=2) <= 1e-9).all()


def test_an_explorer_has_a_still_for_whoever_runs_no_scripts():
    shown = explorer.explore("stamp")
    data, metadata = shown._repr_mimebundle_()
    assert set(data) == {"text/plain", "text/html", "image/png"}
    assert data["text/plain"] == metadata["image/png"]["alt"] == shown.alt
    html = data["text/html"]
    assert html.index("<img") < html.index("<script")
    assert f'alt="{shown.alt}"' in html
    assert html.count("</script>") == html.count("<script")
    assert not re.search(r"""(src|href)=["']?https?:""", html)


@pytest.mark.parametrize("view", MODELS)
def test_every_view_has_a_small_still_and_words_for_it(view):
    still, alt = explorer.STILLS[view]()
    assert still.startswith(b"\x89PNG") and len(still) < 60_000
    assert len(alt) > 60 and alt.endswith(".")


def test_a_page_goes_to_the_home_folder_and_is_never_half_there(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setattr(explorer, "needs", lambda views, **_: needs(["stamp"]))
    path = explorer.page("~/pages")
    assert path == tmp_path / "pages" / "explorer.html"
    before = path.read_bytes()

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        explorer.page("~/pages")
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_said_before_the_models_are_packed(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine")
    monkeypatch.setattr(explorer, "needs", lambda *_, **__: pytest.fail("it packed"))
    with pytest.raises(files.FileError, match="file"):
        explorer.page(tmp_path / "file")


def test_frames_need_a_label_and_a_text_each():
    shown = explorer.frames([PNG, PNG], ["0", "50"], "step", "Ten digits.")
    assert shown.content["frames"]["alts"] == ["Ten digits. step: 0.", "Ten digits. step: 50."]
    assert shown.still == PNG
    with pytest.raises(ValueError, match="got 1 and 1 for 2"):
        explorer.frames([PNG, PNG], ["0"], "step", "Ten digits.")
    with pytest.raises(ValueError, match="start must be a whole number from 0 to 1, got 2"):
        explorer.frames([PNG, PNG], ["0", "1"], "step", "x", start=2)
    with pytest.raises(ValueError, match="got 0 and 0 for 0"):
        explorer.frames([], [], "step", "x")


def test_frames_are_written_whatever_kind_of_number_they_come_with():
    shown = explorer.frames([PNG, PNG], [np.int64(0), 5], "step", "Ten digits.", start=np.int64(1))
    assert json.loads(json.dumps(shown.content))["frames"]["start"] == 1
    assert shown.content["frames"]["labels"] == ["0", "5"] and shown.html()
    for start in (True, 0.0, "0"):
        with pytest.raises(ValueError, match="start must be a whole number from 0 to 1, got"):
            explorer.frames([PNG, PNG], ["0", "1"], "step", "x", start=start)


def test_a_picture_that_is_no_png_is_refused_before_it_is_shown():
    with pytest.raises(ValueError, match=r"each picture must be a PNG as bytes, got str"):
        explorer.frames([PNG, "a.png"], ["0", "1"], "step", "x")
    with pytest.raises(ValueError, match=r"still must be a PNG as bytes, got str"):
        explorer.explore("stamp", still="a.png", alt="x")


def test_a_dimension_is_a_whole_number():
    one = set(needs(["code"], dims=[torch.tensor(2)])["models"])
    assert one == set(needs(["code"], dims=[2])["models"])
    for dims in ([True], [2.0]):
        with pytest.raises(ValueError, match="each of dims must be a whole number, got"):
            needs(["code"], dims=dims)


def test_the_pad_hands_over_what_was_drawn():
    pad = explorer.Pad()
    with pytest.raises(ValueError, match="the pad is empty: draw a digit"):
        _ = pad.image
    pad.pixels = [0.5] * 784
    assert pad.image.shape == (1, 1, 28, 28) and pad.image.dtype == torch.float32
    assert float(pad.image.mean()) == 0.5


def test_the_module_asks_nothing_of_other_machines():
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(|import .* from|https?://(?!www\.w3\.org)",
                         explorer.module())  # fmt: skip
