import io

import torch
from PIL import Image

from aelib import widgets


def opened(png):
    return Image.open(io.BytesIO(png))


def test_a_picture_is_dark_ink_on_white():
    image = torch.zeros(1, 1, 28, 28)
    image[0, 0, 0, 0] = 1
    png = opened(widgets.picture([image], scale=3))
    assert png.size == (84, 84)
    assert png.getpixel((0, 0)) == 0 and png.getpixel((3, 0)) == 255


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
