import copy

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from scipy import ndimage

from aelib import metrics, zoo
from aelib.data import prepare
from aelib.files import FileError


def seven(size=200, pen=20, ink=0, paper=255, mode="L", at=(0.2, 0.15)):
    """A 7 on a sheet, as a PIL image."""
    sheet = Image.new(mode, (size, int(1.3 * size)), paper)
    x, y = (part * size for part in at)
    path = [(x, y), (x + 0.5 * size, y), (x + 0.2 * size, y + 0.7 * size)]
    ImageDraw.Draw(sheet).line(path, ink, pen, "curve")
    return sheet


def centre(image):
    return ndimage.center_of_mass(image[0, 0].numpy())


def box(image):
    ys, xs = np.nonzero(image[0, 0].numpy() > 0.1)
    return ys.max() - ys.min() + 1, xs.max() - xs.min() + 1


def test_a_drawing_becomes_what_mnist_has():
    image = prepare(seven())
    assert image.shape == (1, 1, 28, 28) and image.dtype == torch.float32
    assert image.min() == 0 and image.max() == pytest.approx(1, abs=0.02)
    assert max(box(image)) in (19, 20, 21)
    assert centre(image) == pytest.approx((14, 14), abs=0.3)
    assert metrics.read_digits(zoo.judge(), image).item() == 7


EXPECTED = prepare(seven())
PICTURES = {
    "array": np.asarray(seven()),
    "tensor": torch.from_numpy(np.array(seven())),
    "uint16": np.asarray(seven()).astype(np.uint16) * 257,
    "floats": np.asarray(seven()) / 255,
    "float32": (np.asarray(seven()) / 255).astype(np.float32),
    "bool": np.asarray(seven()) > 128,
    "light on dark": 255 - np.asarray(seven()),
    "RGB": seven(mode="RGB", ink=(0, 0, 0), paper=(255, 255, 255)),
    "palette": seven().convert("P"),
    "channels first": torch.from_numpy(np.array(seven()))[None].repeat(3, 1, 1),
    "batch of one": torch.from_numpy(np.array(seven()))[None, None],
    "transparent paper": seven(mode="RGBA", ink=(0, 0, 0, 255), paper=(0, 0, 0, 0)),
    "transparent white paper": seven(mode="RGBA", ink=(0, 0, 0, 255), paper=(255, 255, 255, 0)),
    "white ink on nothing": seven(mode="RGBA", ink=(255, 255, 255, 255), paper=(0, 0, 0, 0)),
    "grey on grey": seven(ink=90, paper=200),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_every_kind_of_picture_gives_the_same_digit(kind):
    assert (prepare(PICTURES[kind]) - EXPECTED).abs().max() < 0.02


def test_size_and_place_do_not_matter():
    for size, at in ((90, (0.2, 0.15)), (800, (0.1, 0.5)), (300, (0.4, 0.3))):
        image = prepare(seven(size, size // 10, at=at))
        assert (image - EXPECTED).square().mean() < 0.02


def test_a_file_is_read(tmp_path):
    seven().save(tmp_path / "seven.png")
    assert torch.equal(prepare(tmp_path / "seven.png"), EXPECTED)
    assert torch.equal(prepare(str(tmp_path / "seven.png")), EXPECTED)
    with pytest.raises(FileNotFoundError):
        prepare(tmp_path / "none.png")


def test_test_digits_stay_nearly_as_they_are(splits):
    images = splits.test[:100].floats()
    again = torch.cat([prepare(image, thicken=False) for image in images])
    assert (again - images).square().mean() < 0.001


def test_a_thin_pen_is_made_as_thick_as_mnists(splits):
    thin = prepare(seven(400, 6), thicken=False)
    thick = prepare(seven(400, 6))
    assert thin.mean() < 0.4 * EXPECTED.mean()
    assert thick.mean() == pytest.approx(EXPECTED.mean().item(), rel=0.25)
    assert max(box(thick)) in (19, 20, 21)
    wide = seven(200, 40)
    assert torch.equal(prepare(wide), prepare(wide, thicken=False))


def test_a_photograph_with_shadows_and_dirt_is_read():
    generator = np.random.default_rng(0)
    sheet = np.asarray(seven(400, 30), float) * 0.6 + 20
    sheet = sheet + generator.normal(0, 5, sheet.shape) - np.linspace(0, 25, 400)
    sheet[5:9, 5:9] = 30  # a speck
    image = prepare(sheet.clip(0, 255).astype(np.uint8))
    assert metrics.read_digits(zoo.judge(), image).item() == 7
    assert max(box(image)) in (19, 20, 21)


def test_the_paper_can_be_said():
    ring = Image.new("L", (100, 140), 0)  # a 0 cut out so tightly that its rim is ink
    ImageDraw.Draw(ring).rectangle((25, 25, 75, 115), 255)
    assert prepare(ring)[0, 0, 14, 14] == 1
    image = prepare(ring, paper="light")
    assert image[0, 0, 14, 14] == 0
    assert metrics.read_digits(zoo.judge(), image).item() == 0


@pytest.mark.parametrize("kind", ["array", "tensor", "RGB"])
def test_the_picture_itself_is_not_changed(kind):
    picture = PICTURES[kind]
    before = np.asarray(copy.deepcopy(picture))
    prepare(picture)
    assert np.array_equal(np.asarray(picture), before)


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (np.full((30, 30), 255, np.uint8), "are 1.00 to 1.00"),
        (np.zeros((30, 30)), "empty"),
        (np.random.default_rng(0).uniform(0.50, 0.55, (30, 30)), "empty"),
        (np.zeros((30, 30, 4), np.uint8), "empty"),
        (np.full((30, 30), np.nan), "900 values are not finite"),
        (np.full((30, 30), np.inf), "not finite"),
        (np.zeros((30, 30, 30)), r"1, 3 or 4 channels first or last, got \(30, 30, 30\)"),
        (np.zeros((5, 1, 28, 28)), "one picture"),
        (np.zeros(784), r"got \(784,\)"),
        (np.zeros((2, 3)), "at least 4 x 4"),
        (np.zeros((0, 28)), "at least 4 x 4"),
        (np.eye(28) * 255.0, r"in \[0, 1\], got values from 0 to 255; divide"),
        (-np.eye(28), r"in \[0, 1\]"),
        (np.eye(28, dtype=np.int64), "got int64"),
        (np.eye(28, dtype=complex), "got complex128"),
        ([[0, 1]], "got list"),
        (None, "got NoneType"),
    ],
)
def test_what_cannot_be_a_digit_is_said(picture, words):
    with pytest.raises(ValueError, match=words):
        prepare(picture)


def test_an_unknown_paper_is_said():
    with pytest.raises(ValueError, match=r"paper must be 'light', 'dark' or None .* got 'grey'"):
        prepare(seven(), paper="grey")


@pytest.mark.parametrize("turned", range(1, 9))
def test_a_photo_is_seen_as_it_was_held(turned, tmp_path):
    upright = seven(mode="RGB", ink="black", paper="white")
    turn = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    stored, exif = upright, Image.Exif()
    for step in turn.get(turned, []):
        stored = stored.transpose(step)
    exif[0x0112] = turned
    stored.save(tmp_path / "photo.png", exif=exif)
    assert torch.allclose(prepare(tmp_path / "photo.png"), prepare(upright), atol=0.02)


@pytest.mark.parametrize("mode", ["I", "I;16", "I;16L", "I;16B"])
def test_sixteen_bits_are_read_whatever_their_order(mode, tmp_path):
    pixels = np.asarray(seven()).astype(np.uint16) * 257
    kinds = {"I": np.int32, "I;16B": ">u2"}
    content = pixels.astype(kinds.get(mode, "<u2")).tobytes()
    picture = Image.frombytes(mode, pixels.shape[::-1], content)
    assert torch.equal(prepare(picture), prepare(seven()))
    if mode == "I;16":
        picture.save(tmp_path / "deep.png")
        assert torch.equal(prepare(tmp_path / "deep.png"), prepare(seven()))


def test_whole_numbers_beyond_sixteen_bits_are_refused():
    deep = Image.fromarray(np.full((40, 40), 70_000, np.int32))
    with pytest.raises(ValueError, match="mode I must hold values from 0 to 65535"):
        prepare(deep)


def test_tensors_in_rare_forms_are_read_or_refused_by_name():
    grey = torch.from_numpy(np.asarray(seven()) / 255)
    assert torch.allclose(prepare(grey.bfloat16()), prepare(grey), atol=0.02)
    for other in (grey.to("meta"), grey.to_sparse()):
        with pytest.raises(ValueError, match="a tensor must hold its pixels"):
            prepare(other)


def test_a_file_in_the_home_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))  # what Windows calls it
    seven().save(tmp_path / "seven.png")
    assert torch.equal(prepare("~/seven.png"), EXPECTED)


@pytest.mark.parametrize("kind", ["png", "jpg", "gif", "tif"])
def test_half_a_file_is_named(kind, tmp_path):
    file = tmp_path / f"half.{kind}"
    noise = np.random.default_rng(0).integers(256, size=(99, 99)).astype(np.uint8)
    Image.fromarray(noise).save(file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(FileError, match=rf"half\.{kind} is damaged .*Save it anew"):
        prepare(file)


def test_a_mask_is_not_lost_without_a_word():
    pixels = np.asarray(seven()) / 255
    with pytest.raises(ValueError, match="masked array, whose mask would be lost"):
        prepare(np.ma.masked_array(pixels, pixels > 0.5))
