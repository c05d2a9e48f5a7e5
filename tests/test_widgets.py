import io

import pytest
import torch
from PIL import Image

from aelib import metrics, widgets
from aelib.models import Autoencoder


def opened(png):
    return Image.open(io.BytesIO(png))


def test_a_picture_is_dark_ink_on_white():
    image = torch.zeros(1, 1, 28, 28)
    image[0, 0, 0, 0] = 1
    png = opened(widgets.picture([image], scale=3))
    assert png.size == (84, 84)
    assert png.getpixel((0, 0)) == 0 and png.getpixel((3, 0)) == 255


def test_comparison_frames_hold_originals_above_reconstructions():
    top, below = torch.ones(3, 1, 28, 28), torch.zeros(3, 1, 28, 28)
    frames = widgets.comparison_frames(top, [below, top])
    assert len(frames) == 2
    first = opened(frames[0])
    assert first.getpixel((5, 5)) == 0 and first.getpixel((5, first.height - 5)) == 255


def test_plane_frames_follow_the_two_coordinates():
    model = Autoencoder(2).eval()
    across, up = torch.tensor([-3.0, 0.0, 3.0]), torch.tensor([-1.0, 1.0])
    frames = widgets.plane_frames(model, across, up)
    assert len(frames) == 2 and len(frames[0]) == 3
    expected = widgets.picture([metrics.decode(model, torch.tensor([[3.0, -1.0]]))], 4)
    assert frames[0][2] == expected


def test_a_slider_turns_pages_in_the_browser():
    frames = [widgets.picture([torch.full((1, 1, 28, 28), v)]) for v in (0.0, 0.5, 1.0)]
    box = widgets.frame_slider(frames, ["a", "b", "c"], "page", start=1)
    slider, stack = box.children
    assert slider.index == 1 and stack.selected_index == 1
    assert slider.options == ("a", "b", "c")
    assert [child.value for child in stack.children] == frames
    with pytest.raises(ValueError, match="label for each frame"):
        widgets.frame_slider(frames, ["a"], "page")


def test_the_plane_has_a_page_for_every_point():
    frames = [[bytes([10 * i + j]) for j in range(3)] for i in range(2)]
    first, second, stack = widgets.plane_explorer(frames, ["l", "m", "r"], ["low", "high"]).children
    assert [[page.value for page in row.children] for row in stack.children] == frames
    assert first.options == ("l", "m", "r") and second.options == ("low", "high")
    assert stack.selected_index == second.index
    with pytest.raises(ValueError, match="2 rows of 3"):
        widgets.plane_explorer(frames[:1], ["l", "m", "r"], ["low", "high"])


def test_show_has_a_picture_and_words_for_viewers_without_widgets(monkeypatch):
    shown = {}
    monkeypatch.setattr(
        widgets, "display", lambda data, raw, metadata: shown.update(data=data, metadata=metadata)
    )
    png = widgets.picture([torch.zeros(1, 1, 28, 28)])
    box = widgets.frame_slider([png], ["a"], "page")
    widgets.show(box, png, "one white page")
    assert shown["data"]["text/plain"] == "one white page"
    assert shown["data"]["image/png"] and shown["metadata"]["image/png"]["alt"] == "one white page"
    assert "application/vnd.jupyter.widget-view+json" in shown["data"]


def test_a_live_widget_leaves_a_still_and_a_sentence(monkeypatch):
    shown = []
    monkeypatch.setattr(widgets, "display", lambda data, **options: shown.append((data, options)))
    png = widgets.picture([torch.zeros(1, 1, 28, 28)])
    widgets.live(widgets.ipywidgets.IntSlider(), png, "one white page")
    (still, options), (widget, _) = shown
    assert still["image/png"] and options["metadata"]["image/png"]["alt"] == "one white page"
    assert widget["text/plain"] == widgets.ASK_TO_RUN
    assert "application/vnd.jupyter.widget-view+json" in widget


def test_a_scatter_frame_is_a_small_png():
    frame = widgets.scatter_frame(torch.randn(500, 2), torch.arange(500) % 10)
    assert frame.startswith(b"\x89PNG") and len(frame) < 20_000


LIMITS = {"1 %": 0.4, "5 %": 0.2, "50 %": 0.05}


def test_a_verdict_says_at_which_threshold_an_image_is_reported(monkeypatch):
    said = []
    monkeypatch.setattr(widgets.ImageDraw.ImageDraw, "text", lambda *a, **k: said.append(a[2]))
    image = torch.zeros(1, 28, 28)
    for score in (0.5, 0.3, 0.2, 0.01):
        widgets.verdict_frame(image, image, score, LIMITS)
    assert [text for text in said if "score" in text] == [
        "score 0.5: reported from 1 % allowed on",
        "score 0.3: reported from 5 % allowed on",
        "score 0.2: reported from 50 % allowed on",
        "score 0.01: passes everywhere",
    ]


def test_a_verdict_shows_input_drawing_and_signed_error():
    image, drawn = torch.zeros(1, 28, 28), torch.zeros(1, 28, 28)
    image[:, :14], drawn[:, 14:] = 1, 1
    frame = opened(widgets.verdict_frame(image, drawn, 0.1, LIMITS, scale=5)).convert("RGB")
    assert frame.getpixel((70, 20)) == (0, 0, 0) and frame.getpixel((222, 20)) == (255, 255, 255)
    missing, invented = frame.getpixel((374, 20)), frame.getpixel((374, 120))
    assert missing[2] > missing[0] and invented[0] > invented[2], "blue is missing, red invented"


def test_the_score_bar_grows_and_changes_colour_at_the_laxest_threshold():
    image, row = torch.zeros(1, 28, 28), 5 * 28 + 16

    def bar(score):
        frame = opened(widgets.verdict_frame(image, image, score, LIMITS)).convert("RGB")
        return [x for x in range(frame.width) if frame.getpixel((x, row))[2] < 250], frame

    (passing, first), (reported, second) = bar(0.04), bar(0.3)
    assert len(passing) < len(reported)
    assert first.getpixel((5, row))[2] > first.getpixel((5, row))[0], "blue: passes"
    assert second.getpixel((5, row))[0] > second.getpixel((5, row))[2], "orange: reported"


def test_an_alarm_frame_counts_strangers_and_false_alarms(monkeypatch):
    titles = []
    real = widgets.alarms_per_digit
    monkeypatch.setattr(
        widgets,
        "alarms_per_digit",
        lambda shares, normal, title: titles.append((shares, title)) or real(shares, normal, title),
    )
    scores, labels = torch.tensor([1.0, 3.0, 3.0, 0.0]), torch.tensor([2, 2, 5, 5])
    widgets.alarm_frame(scores, labels, 2, 2.0)
    shares, title = titles[0]
    assert shares[2] == 0.5 and shares[5] == 0.5
    assert "reports 1 of 2 strangers" in title and "1 of 2 normal images" in title


def test_the_detector_explorer_links_three_sliders():
    verdicts = [[bytes([10 * m + i]) for i in range(2)] for m in range(3)]
    alarms = [[bytes([100 + 10 * m + t]) for t in range(4)] for m in range(3)]
    box = widgets.detector_explorer(verdicts, alarms, list("abc"), list("01"), list("wxyz"))
    model, image, view, limit, report = box.children
    assert [len(slider.options) for slider in (model, image, limit)] == [3, 2, 4]
    assert [[page.value for page in row.children] for row in view.children] == verdicts
    assert [[page.value for page in row.children] for row in report.children] == alarms
    assert report.children[0].selected_index == limit.index
    with pytest.raises(ValueError, match="3 rows of 2"):
        widgets.detector_explorer(verdicts[:2], alarms, list("abc"), list("01"), list("wxyz"))


def test_a_coverage_frame_is_drawn_for_every_kernel_and_stride():
    frames = {(k, s): widgets.coverage_frame(k, s) for k, s in ((3, 2), (4, 2), (2, 3))}
    assert len(set(frames.values())) == 3
    assert all(opened(frame).format == "PNG" for frame in frames.values())
    for wrong in ((0, 2), (3, 0)):
        with pytest.raises(ValueError, match="from 1 up, got 0"):
            widgets.coverage_frame(*wrong)


def test_a_verdict_needs_thresholds_that_fall():
    image = torch.zeros(1, 28, 28)
    for wrong in ({}, {"1 %": 0.0}, {"1 %": 0.1, "5 %": 0.2}):
        with pytest.raises(ValueError, match="thresholds must be above 0 and falling"):
            widgets.verdict_frame(image, image, 0.1, wrong)
