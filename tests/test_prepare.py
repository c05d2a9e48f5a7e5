import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from scipy import ndimage

from aelib import metrics, zoo
from aelib.data import cut, prepare


def seven(size=200, pen=20, ink=0, paper=255, mode="L", at=(0.2, 0.15)):
    """A 7 on a sheet, as a PIL image."""
    sheet = Image.new(mode, (size, int(1.3 * size)), paper)
    x, y = (part * size for part in at)
    path = [(x, y), (x + 0.5 * size, y), (x + 0.2 * size, y + 0.7 * size)]
    ImageDraw.Draw(sheet).line(path, ink, pen, "curve")
    return sheet


def stroke(*others, size=100):
    """A 1 on white paper, and whatever else is dark: slices of rows and columns."""
    sheet = np.full((size, size), 255, np.uint8)
    for dark in ((slice(30, 70), slice(48, 54)), *others):
        sheet[dark] = 0
    return sheet


def read(image):
    return metrics.read_digits(zoo.judge(), image).tolist()


def box(image):
    ys, xs = np.nonzero(image[0, 0].numpy() > 0.1)
    return max(ys.max() - ys.min() + 1, xs.max() - xs.min() + 1)


def test_a_drawing_becomes_what_mnist_has():
    image = prepare(seven())
    assert image.shape == (1, 1, 28, 28) and image.dtype == torch.float32
    assert image.min() == 0 and image.max() == pytest.approx(1, abs=0.02)
    assert box(image) in (19, 20, 21)
    assert ndimage.center_of_mass(image[0, 0].numpy()) == pytest.approx((14, 14), abs=0.3)
    assert read(image) == [7]


EXPECTED = prepare(seven())
PIXELS = np.asarray(seven())
FILE = io.BytesIO()
seven().save(FILE, "PNG")
PICTURES = {
    "tensor": torch.from_numpy(PIXELS.copy()),
    "sixteen bits": PIXELS.astype(np.uint16) * 257,
    "floats": PIXELS / 255,
    "bool": PIXELS > 128,
    "mask of 0 and 1": (PIXELS > 128).astype(np.uint8),
    "from -1 to 1": PIXELS / 127.5 - 1,
    "from 0 to 16": PIXELS / 255 * 16,
    "light on dark": 255 - PIXELS,
    "RGB": seven(mode="RGB", ink=(0, 0, 0), paper=(255, 255, 255)),
    "channels first": torch.from_numpy(PIXELS.copy())[None].repeat(3, 1, 1),
    "transparent paper": seven(mode="RGBA", ink=(0, 0, 0, 255), paper=(0, 0, 0, 0)),
    "grey on grey": seven(ink=90, paper=200),
    "bytes": FILE.getvalue(),
    "an upload": ({"name": "seven.png", "content": memoryview(FILE.getvalue())},),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_every_kind_of_picture_gives_the_same_digit(kind):
    assert (prepare(PICTURES[kind]) - EXPECTED).abs().max() < 0.05


def test_a_file_is_read_as_the_photo_was_held(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the sensor lay on its side
    stored = seven(mode="RGB", ink="black", paper="white").transpose(Image.Transpose.ROTATE_90)
    stored.save(tmp_path / "photo.png", exif=exif)
    with open(tmp_path / "photo.png", "rb") as opened:
        for picture in (tmp_path / "photo.png", str(tmp_path / "photo.png"), opened):
            assert torch.allclose(prepare(picture), EXPECTED, atol=0.05)
    (tmp_path / "IMG_1.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    with pytest.raises(ValueError, match=r"HEIC.*JPEG"):
        prepare(tmp_path / "IMG_1.HEIC")


def test_size_and_place_do_not_matter():
    for size, at in ((90, (0.2, 0.15)), (800, (0.1, 0.5)), (3000, (0.4, 0.3))):
        image = prepare(seven(size, size // 10, at=at))
        assert (image - EXPECTED).square().mean() < 0.02


def test_test_digits_stay_nearly_as_they_are(splits):
    images = splits.test[:100].floats()
    again = torch.cat([prepare(image) for image in images])
    assert (again - images).square().mean() < 0.01


def test_thin_and_faint_pens_are_made_as_thick_as_mnists():
    for pen, ink in ((3, 0), (6, 0), (12, 0), (6, 170)):
        thick = prepare(seven(400, pen, ink))
        assert thick.mean() == pytest.approx(EXPECTED.mean().item(), rel=0.3)
        assert box(thick) in (19, 20, 21)


EDGES = [(slice(0, 3), slice(None)), (slice(-3, None), slice(None))]
EDGES += [(slice(None), slice(0, 3)), (slice(None), slice(-3, None))]


@pytest.mark.parametrize("others", [[], [(slice(0, 8), slice(0, 20))], EDGES])
def test_a_neighbours_foot_and_a_printed_box_are_left_out(others):
    assert read(prepare(stroke(*others))) == [1]


def test_a_sheet_on_a_dark_table_in_falling_light_is_read():
    sheet = np.asarray(seven(400, 30), float) * np.linspace(1, 0.4, 400)
    assert read(prepare(sheet.astype(np.uint8))) == [7]
    shadow = np.where(np.arange(400) < 190, 1, 0.6) * np.asarray(seven(400, 30), float)
    assert read(prepare(shadow.astype(np.uint8))) == [7]
    table = np.full((640, 500), 40, np.uint8)
    table[60:580, 50:450] = np.asarray(seven(400, 30))
    assert read(prepare(table)) == [7]


def test_several_digits_are_named_and_cut_in_reading_order():
    page = np.full((300, 400), 255, np.uint8)
    for row, column in ((20, 30), (30, 160), (25, 290), (170, 100)):
        page[row : row + 100, column : column + 77] = np.asarray(seven(200, 20).resize((77, 100)))
    page[40:110, 320:328] = 0  # the third of the upper row is another one
    page[25:125, 290:319] = page[25:125, 330:367] = 255
    with pytest.raises(ValueError, match=r"4 things in this picture, at .*cut"):
        prepare(page)
    images, boxes = cut(page)
    assert read(images) == [7, 7, 1, 7]
    assert [left // 100 for left, *_ in boxes] == [0, 1, 3, 1]


def test_the_paper_can_be_said():
    assert read(prepare(255 - PIXELS, paper="dark")) == [7]
    with pytest.raises(ValueError, match="'light', 'dark' or None"):
        prepare(PIXELS, paper="grey")


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (np.full((30, 30), 255, np.uint8), "no ink"),
        (np.random.default_rng(0).uniform(0.50, 0.55, (30, 30)), "no ink"),
        (np.full((30, 30), np.nan), "tones from nan to nan"),
        (np.eye(28) * 1e6, "could mean several things"),
        (np.zeros((30, 30, 30)), r"got ndarray \(30, 30, 30\)"),
    ],
)
def test_what_cannot_be_a_digit_is_said(picture, words):
    with pytest.raises(ValueError, match=words):
        prepare(picture)
