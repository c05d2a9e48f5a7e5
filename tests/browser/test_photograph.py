"""Photographs in the page: the same digits as in Python, a choice of several, words for mishaps."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image, ImageDraw

from aelib.prepare import cut

from .pages import STROKES

INSIDE = """
globalThis.prepared = async (letters) => {
  const bytes = Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
  const { tones } = await tonesOf(new File([bytes], "a.png"));
  return cut(tones).digits.map((digit) => [
    [digit.left, digit.top, digit.left + digit.ink.width, digit.top + digit.ink.height],
    [...digit.image],
  ]);
};
"""
GIVE = """(element, [kind, letters]) => {
  const bytes = Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
  const all = new DataTransfer();
  all.items.add(new File([bytes], 'photo.png', { type: 'image/png' }));
  const how = { bubbles: true, composed: true, dataTransfer: all, clipboardData: all };
  const Kind = kind === 'paste' ? ClipboardEvent : DragEvent;
  element.dispatchEvent(new Kind(kind, how));
}"""


def seven(size=200, pen=20, ink=0, paper=255, mode="L"):
    sheet = Image.new(mode, (size, int(1.3 * size)), paper)
    path = [(0.2 * size, 0.15 * size), (0.7 * size, 0.15 * size), (0.4 * size, 0.85 * size)]
    ImageDraw.Draw(sheet).line(path, ink, pen, "curve")
    return np.array(sheet)


def pictures(splits):
    """What is met in photographs, as small pictures."""
    one = np.pad(np.zeros((40, 6), np.uint8), ((30, 30), (48, 46)), constant_values=255)
    foot, box, window = one.copy(), one.copy(), one.copy()
    foot[:8, :20] = 0
    box[[0, 1, 2, -3, -2, -1]] = box[:, [0, 1, 2, -3, -2, -1]] = 0
    window[10:20, 10:90] = window[10:90, [10, 11, 88, 89]] = window[88:90, 10:90] = 90
    touched = box.copy()
    touched[2:98, 48:54] = 0
    table = np.pad(one, 12, constant_values=40)
    across = np.add.outer(np.arange(260), np.arange(200)) / 458
    noise = np.random.default_rng(0).normal(0, 4, across.shape)
    dim = seven(ink=60, paper=220)
    faint = seven(400, 6).astype(float)
    faint[200:] = 255 - 0.35 * (255 - faint[200:])
    ink = 255 - splits.test[:10].images.numpy().repeat(3, 1).repeat(3, 2)
    page = np.pad(np.vstack([np.hstack(ink[:5]), np.hstack(ink[5:])]), 20, constant_values=255)
    ruled = page.copy()
    ruled[60::40] = np.minimum(page[60::40], 215)
    tiny = 255 - splits.test.images[0].numpy()[4:24, 4:24].reshape(10, 2, 10, 2).mean((1, 3))
    found = {"one": one, "foot": foot, "box": box, "window": window, "touched": touched}
    found |= {"table": table, "dark foot": 255 - foot, "dark table": 255 - table}
    found |= {"soft": dim * (1 - 0.6 * across) + noise, "hard": dim * (1 - 0.6 * (across > 0.5))}
    found |= {"thin": seven(400, 6), "faint": faint, "page": page, "ruled": ruled, "tiny": tiny}
    found |= {"colour": seven(mode="RGB", ink=(40, 40, 160), paper=(250, 240, 210))}
    found |= {"clear": seven(mode="RGBA", ink=(255, 255, 255, 255), paper=(0, 0, 0, 0))}
    return {name: picture.clip(0, 255).astype(np.uint8) for name, picture in found.items()}


def encoded(picture, kind="PNG"):
    Image.fromarray(picture).save(file := io.BytesIO(), kind)
    return file.getvalue()


def choose(on, content, name="photo.png", kind="image/png"):
    file = {"name": name, "mimeType": kind, "buffer": content}
    on.page.locator("input[type=file]").first.set_input_files(file)


def test_a_photograph_is_prepared_as_in_python(show, content, splits):
    on = show(content | {"views": ["draw"]}, more=INSIDE)
    for name, picture in pictures(splits).items():
        file = encoded(picture)
        found = on.page.evaluate("prepared", base64.b64encode(file).decode())
        images, boxes = cut(file)
        assert [tuple(box) for box, _ in found] == boxes, name
        drawn = np.array([image for _, image in found]).reshape(images.shape)
        assert np.abs(drawn - images.numpy()).max() < 1e-4, name


def test_of_several_digits_one_is_chosen_and_each_step_is_seen(visit, whole, splits):
    on = visit(whole)
    page = pictures(splits)["page"]
    page[:6, :30] = 0  # a neighbour's foot
    choose(on, encoded(page))
    on.says("There are 10. Which one?")
    labels = splits.test.labels[:10].tolist()
    on.says(f"The judge reads {labels[0]}")
    on.page.get_by_role("button", name="Which one?, 8").click()
    on.says(f"The judge reads {labels[7]}")
    seen = on.ink("5")  # of a red from 255, paper, to 21, ink
    assert np.abs(255 - 234 * cut(page)[0][7].flatten().numpy() - seen).max() <= 1
    on.says(re.compile("darker than its paper; red is left out"))
    on.says(re.compile("its pen, of .* is thick enough"))
    on.draw(STROKES[1])  # it may be drawn upon
    assert on.ink("5") != seen
    on.press("Undo")
    on.press("Undo")
    on.says(f"The judge reads {labels[0]}")
    on.press("Clear")
    assert not on.page.get_by_text("Which one?").is_visible()


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_a_picture_may_be_dropped_or_pasted(visit, whole, kind):
    on = visit(whole)
    target = on.page.locator("canvas.pad" if kind == "drop" else "body")
    target.evaluate(GIVE, [kind, base64.b64encode(encoded(seven())).decode()])
    on.says("The judge reads 7")


def test_a_phone_offers_its_camera(visit, whole):
    phone = {"has_touch": True, "is_mobile": True, "viewport": {"width": 390, "height": 844}}
    on = visit(whole, **phone)
    assert on.page.get_by_role("button", name="Camera").is_visible()
    with on.page.expect_file_chooser():
        on.press("Photo")  # beside the pen
    photo = encoded(seven(1500, 150), "JPEG")
    choose(on, photo, "7.jpg", "image/jpeg")
    on.says("The judge reads 7")
    on.says("1500 × 1950 pixels, of which 2 × 2 became one")
    assert on.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_what_is_no_photograph_of_a_digit_is_said_and_the_drawing_stays(visit, whole):
    on = visit(whole)
    on.draw(STROKES[7])
    on.says("The judge reads 7")
    choose(on, b"some words", "list.txt", "text/plain")
    on.says("list.txt cannot be read as a picture. JPEG and PNG can.")
    choose(on, b"\0\0\0\x18ftypheic", "IMG_1.HEIC", "image/heic")
    on.says(re.compile("IMG_1.HEIC is HEIC, .*Most Compatible"))
    choose(on, encoded(np.full((30, 30), 255, np.uint8)))
    on.says("No ink stands out from this paper.")
    on.page.evaluate(
        """globalThis.createImageBitmap = async () => ({ width: 20000, height: 6000 })"""
    )
    choose(on, encoded(seven()))
    on.says("photo.png has 120 million pixels. Make it smaller")
    on.says("The judge reads 7")
