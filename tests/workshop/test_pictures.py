import base64
import io

import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from aelib.workshop.pictures import TOLERANCE, keep_pictures, look_same, slim, write_picture

GREY = np.full((20, 30, 3), 100, np.uint8)


def png(pixels, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", **options)
    return file.getvalue()


def shifted(levels):
    """The grey picture with one value in one pixel raised."""
    pixels = GREY.copy()
    pixels[7, 11, 1] += levels
    return png(pixels)


def text(picture):
    return base64.b64encode(picture).decode()


OLD, CLOSE, FAR = png(GREY), shifted(TOLERANCE), shifted(TOLERANCE + 1)
OTHER = png(255 - GREY)


def test_a_picture_looks_the_same_within_the_tolerance_only():
    assert look_same(OLD, CLOSE) and look_same(CLOSE, OLD)
    assert not look_same(OLD, FAR) and not look_same(FAR, OLD)
    assert look_same(OLD, png(GREY, compress_level=0)), "other bytes, the same pixels"


def test_a_slim_picture_of_few_colours_is_smaller_and_the_same():
    palette = np.random.default_rng(0).integers(0, 256, (200, 3), np.uint8)
    pixels = palette[np.random.default_rng(1).integers(0, 200, (60, 80))]
    slimmed = slim(png(pixels))
    assert len(slimmed) < len(png(pixels))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(slimmed)).convert("RGB")), pixels)


def test_a_slim_picture_of_many_colours_still_looks_right():
    pixels = np.asarray(Image.linear_gradient("L").resize((300, 200)))
    pixels = np.dstack([pixels, pixels[:, ::-1], 255 - pixels]).astype(np.uint8)  # thousands
    slimmed = np.asarray(Image.open(io.BytesIO(slim(png(pixels)))).convert("RGB"), np.int16)
    assert np.abs(slimmed - pixels).max() <= 16


def test_other_sizes_and_no_pictures_never_look_the_same():
    assert not look_same(OLD, png(GREY[:-1]))
    assert not look_same(OLD, png(GREY.transpose(1, 0, 2)))
    for broken in (b"", b"no picture", OLD[: len(OLD) // 2]):
        assert not look_same(broken, OLD) and not look_same(OLD, broken)


def test_transparency_counts():
    clear = np.dstack([GREY, np.full(GREY.shape[:2], 255 - TOLERANCE - 1, np.uint8)])
    assert not look_same(OLD, png(clear))


@pytest.mark.parametrize(("new", "kept"), [(CLOSE, True), (FAR, False)])
def test_a_committed_file_stays_where_the_new_one_looks_the_same(tmp_path, new, kept):
    path = tmp_path / "figure.png"
    write_picture(path, OLD)
    assert path.read_bytes() == OLD
    write_picture(path, new)
    assert path.read_bytes() == (OLD if kept else new)


def notebook(*cells):
    """A notebook of cells, each given as its id and the data of its one output."""
    return new_notebook(
        cells=[
            new_code_cell(id=name, outputs=[new_output("display_data", data)])
            for name, data in cells
        ]
    )


def outputs(book):
    return {cell.id: cell.outputs[0].data for cell in book.cells}


def test_a_notebook_keeps_what_looks_the_same_in_the_cell_of_the_same_id():
    old = notebook(("a", {"image/png": text(OLD)}), ("b", {"image/png": text(OTHER)}))
    new = notebook(
        ("new", {"image/png": text(CLOSE)}),
        ("b", {"image/png": text(CLOSE)}),
        ("a", {"image/png": text(CLOSE), "text/plain": "said anew"}),
    )
    keep_pictures(old, new)
    assert outputs(new) == {
        "new": {"image/png": text(CLOSE)},
        "b": {"image/png": text(CLOSE)},
        "a": {"image/png": text(OLD), "text/plain": "said anew"},
    }
    assert outputs(old)["a"] == {"image/png": text(OLD)}


def page(first, second, word="words"):
    source = "data:image/png;base64,"
    return f'<p>{word}</p><img src="{source}{text(first)}"><img src="{source}{text(second)}">'


def test_each_picture_inside_html_is_kept_by_itself_and_the_words_are_new():
    old, new = (
        notebook(("a", {"text/html": page(OLD, OLD)})),
        notebook(("a", {"text/html": page(CLOSE, FAR, "other words")})),
    )
    keep_pictures(old, new)
    assert outputs(new)["a"]["text/html"] == page(OLD, FAR, "other words")


def test_where_the_number_of_pictures_changed_all_are_new():
    old = notebook(("a", {"text/html": page(OLD, OLD)}))
    new = notebook(("a", {"text/html": page(CLOSE, CLOSE) + page(CLOSE, CLOSE)}))
    wanted = outputs(new)["a"]["text/html"]
    keep_pictures(old, new)
    assert outputs(new)["a"]["text/html"] == wanted


def test_pictures_in_the_state_of_widgets_are_kept():
    def with_state(picture):
        book = notebook()
        buffer = {"data": text(picture), "encoding": "base64", "path": ["value"]}
        book.metadata["widgets"] = {"state": {"0": {"buffers": [buffer]}}}
        return book

    old, new = with_state(OLD), with_state(CLOSE)
    keep_pictures(old, new)
    assert new.metadata.widgets == old.metadata.widgets
    fresh = with_state(CLOSE)
    keep_pictures(notebook(), fresh)
    assert fresh.metadata.widgets == with_state(CLOSE).metadata.widgets


def test_a_picture_that_one_can_see_through_stays_as_it_is():
    pixels = np.random.default_rng(0).choice(np.array([0, 90, 200], np.uint8), (100, 100, 4))
    assert slim(png(pixels)) == png(pixels)
