"""Pictures as people take them: what is in them is read, or it is said what is wrong."""

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from scipy import ndimage

from aelib import metrics, zoo
from aelib.prepare import cut, prepare


def read(picture, **how):
    return metrics.read_digits(zoo.judge(), prepare(picture, **how)).item()


def seven(size=200, pen=20, ink=0, paper=255, mode="L", at=(0.2, 0.15)):
    """A 7 on a sheet, as a PIL image."""
    sheet = Image.new(mode, (size, int(1.3 * size)), paper)
    x, y = (part * size for part in at)
    path = [(x, y), (x + 0.5 * size, y), (x + 0.2 * size, y + 0.7 * size)]
    ImageDraw.Draw(sheet).line(path, ink, pen, "curve")
    return sheet


PIXELS, EXPECTED = np.array(seven()), prepare(seven())
ONE = np.pad(np.zeros((40, 6), np.uint8), ((30, 30), (48, 46)), constant_values=255)


def encoded(image, kind="PNG", **how):
    image.save(file := io.BytesIO(), kind, **how)
    return file.getvalue()


def test_a_drawing_becomes_what_mnist_has():
    assert EXPECTED.shape == (1, 1, 28, 28) and EXPECTED.dtype == torch.float32
    ink = EXPECTED[0, 0].numpy()
    assert ink.min() == 0 and ink.max() == pytest.approx(1, abs=0.02)
    assert max(map(np.ptp, np.nonzero(ink > 0.1))) in (18, 19, 20)
    assert ndimage.center_of_mass(ink) == pytest.approx((14, 14), abs=0.3)
    assert read(seven()) == 7


KINDS = {
    "16 bits": Image.fromarray(PIXELS.astype(np.uint16) * 257),
    "floats": PIXELS / 255,
    "bfloat16": torch.from_numpy(PIXELS / 255).bfloat16(),
    "a mask of 0 and 1": (PIXELS > 128).astype(np.uint8),
    "-1 to 1": PIXELS / 127.5 - 1,
    "0 to 16": PIXELS / 255 * 16,
    "whole numbers": PIXELS.astype(int),
    "light on dark": 255 - PIXELS,
    "RGB": seven(mode="RGB", ink=(0, 0, 0), paper=(255, 255, 255)),
    "channels first": torch.from_numpy(PIXELS)[None].repeat(3, 1, 1),
    "transparent paper": seven(mode="RGBA", ink=(0, 0, 0, 255), paper=(0, 0, 0, 0)),
    "white ink on nothing": seven(mode="RGBA", ink=(255, 255, 255, 255), paper=(0, 0, 0, 0)),
    "BytesIO": io.BytesIO(encoded(seven())),
    "FileUpload": ({"name": "7.png", "content": memoryview(encoded(seven()))},),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_picture_gives_the_same_digit(kind):
    assert (prepare(KINDS[kind]) - EXPECTED).abs().max() < 0.02


def test_a_file_is_read_by_its_path_and_when_open(tmp_path, monkeypatch):
    for home in ("HOME", "USERPROFILE"):  # as Windows calls it
        monkeypatch.setenv(home, str(tmp_path))
    seven().save(tmp_path / "seven.png")
    with open(tmp_path / "seven.png", "rb") as file:
        for picture in (tmp_path / "seven.png", str(tmp_path / "seven.png"), "~/seven.png", file):
            assert torch.equal(prepare(picture), EXPECTED)
    with pytest.raises(FileNotFoundError):
        prepare(tmp_path / "none.png")


def test_a_photo_is_seen_as_it_was_held():
    for note, turn in ((3, "ROTATE_180"), (6, "ROTATE_90"), (8, "ROTATE_270")):
        exif = Image.Exif()
        exif[0x0112] = note
        photo = encoded(seven().transpose(Image.Transpose[turn]), "JPEG", exif=exif)
        assert (prepare(photo) - EXPECTED).abs().mean() < 0.01


def test_what_has_its_size_stays_and_thin_or_faint_strokes_become_mnists(splits):
    images = splits.test[:100].floats()
    again = torch.cat([prepare(image, thicken=False) for image in images])
    assert (again - images).square().mean() < 0.001
    thin = prepare(seven(400, 6))
    assert thin.mean() == pytest.approx(EXPECTED.mean().item(), rel=0.25)
    pale = np.array(seven(400, 6)).astype(float)
    pale[200:] = 255 - 0.35 * (255 - pale[200:])  # the lower half, with hardly any pressure
    assert (prepare(pale) - thin).abs().mean() < 0.02


def test_what_is_around_a_digit_is_left_out():
    foot, box, window = ONE.copy(), ONE.copy(), ONE.copy()
    foot[:8, :20] = 0
    box[[0, 1, 2, -3, -2, -1]] = box[:, [0, 1, 2, -3, -2, -1]] = 0
    window[10:20, 10:90] = window[10:90, [10, 11, 88, 89]] = window[88:90, 10:90] = 90
    touched = box.copy()
    touched[2:98, 48:54] = 0  # a 1 that reaches from line to line
    table = np.pad(ONE, 12, constant_values=40)
    for picture in (ONE, foot, box, window, touched, table, 255 - foot, 255 - table):
        assert read(picture) == 1


@pytest.mark.parametrize("lost", [0.4, 0.6])
def test_paper_has_a_brightness_at_each_place(lost):
    across = np.add.outer(np.arange(260), np.arange(200)) / 458
    noise = np.random.default_rng(0).normal(0, 4, across.shape)
    for shadow in (across, across > 0.5):  # soft and hard
        photo = (np.array(seven(ink=60, paper=220)) * (1 - lost * shadow) + noise).clip(0, 255)
        assert (prepare(photo.astype(np.uint8)) - EXPECTED).abs().mean() < 0.03


def test_several_digits_are_counted_and_cut_in_reading_order(splits):
    digits = splits.test[:10]
    ink = 255 - digits.images.numpy().repeat(3, 1).repeat(3, 2)
    page = np.pad(np.vstack([np.hstack(ink[:5]), np.hstack(ink[5:])]), 20, constant_values=255)
    page[60::40] = np.minimum(page[60::40], 215)  # on ruled paper
    images, boxes = cut(page)
    assert metrics.read_digits(zoo.judge(), images).tolist() == digits.labels.tolist()
    left, top, right, bottom = boxes[6]
    assert 104 <= left < right <= 188 and 104 <= top < bottom <= 188
    for number, part in ((10, page), (3, page[:104, :272]), (2, page[:104, :188])):
        with pytest.raises(ValueError, match=rf"^{number} things .*\(x, y\) = \(\d+, .*data\.cut"):
            prepare(part)


def test_a_large_picture_is_read_as_a_small_one_and_one_that_pillow_fears_is_said(monkeypatch):
    large = seven(1500, 150)
    for picture in (np.array(large), encoded(large, "JPEG")):
        assert (prepare(picture) - EXPECTED).abs().mean() < 0.02
    assert read(np.pad(np.zeros((19_000, 3)), 13, constant_values=1)) == 1
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(ValueError, match=r"decompression bomb.*at most 100 million pixels"):
        prepare(encoded(seven()))


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (np.full((30, 30), 255, np.uint8), "no ink .*from 1.00 to 1.00"),
        (np.random.default_rng(0).normal(0.5, 0.03, (300, 300)), "no ink"),
        (np.full((30, 30), np.nan), "from nan to nan"),
        ((PIXELS / 255 - 0.13) / 0.31, r"from -0.419355 to 2.80645 .*\(x - x.min\(\)\)"),
        (np.zeros(784), r"got ndarray \(784,\)"),
        (None, "got NoneType"),
        (b"\0\0\0\x18ftypheic", "cannot be read .*JPEG or PNG.*HEIC"),
        (encoded(seven())[:200], "cannot be read"),
    ],
)
def test_what_cannot_be_a_digit_is_said(picture, words):
    with pytest.raises(ValueError, match=words):
        prepare(picture)


def test_the_paper_can_be_said():
    ring = np.pad(np.full((112, 72), 255, np.uint8), 14)  # a 0, cut out so that its rim is ink
    assert read(ring, paper="light") == 0
    with pytest.raises(ValueError, match=r"paper must be 'light', 'dark' or None .* got 'grey'"):
        prepare(ring, paper="grey")
