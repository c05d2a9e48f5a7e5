import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from scipy import ndimage

from aelib import metrics, zoo
from aelib.data import prepare


def seven(size=200, pen=20, ink=0, paper=255, mode="L", at=(0.2, 0.15)):
    """A 7 on a sheet, as a PIL image."""
    sheet = Image.new(mode, (size, int(1.3 * size)), paper)
    x, y = (part * size for part in at)
    path = [(x, y), (x + 0.5 * size, y), (x + 0.2 * size, y + 0.7 * size)]
    ImageDraw.Draw(sheet).line(path, ink, pen, "curve")
    return sheet


def box(image):
    ys, xs = np.nonzero(image[0, 0].numpy() > 0.1)
    return max(ys.max() - ys.min() + 1, xs.max() - xs.min() + 1)


def test_a_drawing_becomes_what_mnist_has():
    image = prepare(seven())
    assert image.shape == (1, 1, 28, 28) and image.dtype == torch.float32
    assert image.min() == 0 and image.max() == pytest.approx(1, abs=0.02)
    assert box(image) in (19, 20, 21)
    assert ndimage.center_of_mass(image[0, 0].numpy()) == pytest.approx((14, 14), abs=0.3)
    assert metrics.read_digits(zoo.judge(), image).item() == 7


EXPECTED = prepare(seven())
PIXELS = np.asarray(seven())
PICTURES = {
    "array": PIXELS,
    "tensor": torch.from_numpy(PIXELS.copy()),
    "sixteen bits": PIXELS.astype(np.uint16) * 257,
    "floats": PIXELS / 255,
    "bool": PIXELS > 128,
    "light on dark": 255 - PIXELS,
    "RGB": seven(mode="RGB", ink=(0, 0, 0), paper=(255, 255, 255)),
    "palette": seven().convert("P"),
    "channels first": torch.from_numpy(PIXELS.copy())[None].repeat(3, 1, 1),
    "transparent paper": seven(mode="RGBA", ink=(0, 0, 0, 255), paper=(0, 0, 0, 0)),
    "grey on grey": seven(ink=90, paper=200),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_every_kind_of_picture_gives_the_same_digit_and_stays_as_it_is(kind):
    before = np.asarray(PICTURES[kind]).copy()
    assert (prepare(PICTURES[kind]) - EXPECTED).abs().max() < 0.02
    assert np.array_equal(np.asarray(PICTURES[kind]), before)


def test_a_file_is_read_as_the_photo_was_held(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the sensor lay on its side
    stored = seven(mode="RGB", ink="black", paper="white").transpose(Image.Transpose.ROTATE_90)
    stored.save(tmp_path / "photo.png", exif=exif)
    assert torch.allclose(prepare(tmp_path / "photo.png"), EXPECTED, atol=0.02)


def test_test_digits_stay_nearly_as_they_are(splits):
    images = splits.test[:100].floats()
    again = torch.cat([prepare(image) for image in images])
    assert (again - images).square().mean() < 0.01


def test_a_thin_pen_is_made_as_thick_as_mnists():
    thick = prepare(seven(400, 3, at=(0.4, 0.3)))  # nor does it matter where it stands
    assert thick.mean() == pytest.approx(EXPECTED.mean().item(), rel=0.3)
    assert box(thick) in (19, 20, 21)


def test_a_photograph_with_shadows_and_dirt_is_read():
    generator = np.random.default_rng(0)
    sheet = np.asarray(seven(400, 30), float) * 0.6 + 20
    sheet = sheet + generator.normal(0, 5, sheet.shape) - np.linspace(0, 25, 400)
    sheet[5:9, 5:9] = 30  # a speck
    image = prepare(sheet.clip(0, 255).astype(np.uint8))
    assert metrics.read_digits(zoo.judge(), image).item() == 7
    assert box(image) in (19, 20, 21)


def test_the_paper_can_be_said():
    ring = Image.new("L", (100, 140), 0)  # a 0 cut out so tightly that its rim is ink
    ImageDraw.Draw(ring).rectangle((25, 25, 75, 115), 255)
    assert prepare(ring)[0, 0, 14, 14] == 1
    image = prepare(ring, paper="light")
    assert image[0, 0, 14, 14] == 0
    assert metrics.read_digits(zoo.judge(), image).item() == 0


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (np.full((30, 30), 255, np.uint8), "no ink.* 1.00 to 1.00"),
        (np.zeros((30, 30, 4), np.uint8), "no ink"),
        (np.full((30, 30), np.nan), "floats from 0 to 1"),
        (np.eye(28) * 255.0, "uint8, or floats from 0 to 1"),
        (np.zeros((30, 30, 30)), r"one picture.*\(30, 30, 30\)"),
        (np.zeros(784), "one picture"),
    ],
)
def test_what_cannot_be_a_digit_is_said(picture, words):
    with pytest.raises(ValueError, match=words):
        prepare(picture)
