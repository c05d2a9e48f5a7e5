import io

import pytest
import torch
from PIL import Image

from aelib import widgets
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
    expected = widgets.picture([widgets.walk(model, torch.tensor([[3.0, -1.0]]))], 4)
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
