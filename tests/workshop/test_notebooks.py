import base64
import io

import nbformat
import numpy as np
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image

from aelib.__main__ import main
from aelib.workshop import notebooks
from aelib.workshop.notebooks import TOLERANCE, look_same

CELLS = [
    "import sys, time\nprint('one'); sys.stdout.flush(); time.sleep(0.01); print('two')",
    "import matplotlib.pyplot as plt\nfrom aelib import plotting\nplotting.use_style()\n"
    "plt.plot([1, 2])\nplt.show()",
    "from aelib import explorer\nexplorer.explore('stamp')",
    "explorer.Pad()",
]
GREY = np.full((20, 30, 3), 100, np.uint8)


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def opened(data):
    return Image.open(io.BytesIO(base64.b64decode(data["image/png"])))


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    path = tmp_path_factory.mktemp("notebooks") / "small.ipynb"
    cells = [new_code_cell(source, id=f"cell-{n}") for n, source in enumerate(CELLS)]
    cells[0].metadata["jupyter"] = {"outputs_hidden": True}
    cells[1].metadata["alt"] = "a rising line"
    nbformat.write(new_notebook(cells=cells), path)
    notebooks.execute(path)
    return path


def test_what_is_published_is_light_and_as_lab_would_write_it(published):
    notebook = nbformat.read(published, as_version=4)
    nbformat.validate(notebook)
    printed, figure, explored, pad = (cell.outputs for cell in notebook.cells)
    assert len(printed) == 1 and printed[0].text == "one\ntwo\n"
    assert notebook.cells[0].metadata.collapsed is True
    assert notebook.metadata.language_info.file_extension == ".py"
    assert figure[0].metadata["image/png"]["alt"] == "a rising line"
    picture, about = opened(figure[0].data), figure[0].metadata["image/png"]
    assert abs(picture.width - 2 * about["width"]) <= 2, "crisp: twice the pixels"
    assert picture.width > 1000 and picture.mode == "P", "small: few colours"
    for still, note in (explored, pad):
        assert set(still.data) == {"text/plain", "image/png"} and still.metadata["image/png"]["alt"]
        assert "un this cell" in str(note.data) and len(note.data) == 1
    assert explored[0].metadata.explorer == {"views": ["stamp"]}


def test_executing_again_changes_nothing_even_where_some_pixels_differ(published):
    notebook = nbformat.read(published, as_version=4)
    data = notebook.cells[1].outputs[0].data
    pixels = np.asarray(opened(data).convert("RGB")).copy()
    pixels[5, 5] -= 1
    data["image/png"] = base64.b64encode(png(pixels)).decode()
    published.write_text(notebooks.dump(notebook), encoding="utf-8")
    notebooks.execute(published)
    assert published.read_text(encoding="utf-8") == notebooks.dump(notebook)


def test_a_failing_cell_and_a_file_that_is_no_notebook_stay_as_they_are(tmp_path, capsys):
    path = tmp_path / "broken.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("1 / 0", id="only")]), path)
    before = path.read_bytes()
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        notebooks.execute(path)
    assert path.read_bytes() == before
    for content in (b"{", b"[]", b'{"cells": 3}', b"\xff\xfe"):
        path.write_bytes(content)
        assert main(["notebooks", str(path)]) == 1
        said = capsys.readouterr().err
        assert f"{path} is not a notebook" in said and said.count("\n") == 1


def test_pictures_look_the_same_where_no_eye_sees_a_difference():
    point = GREY.copy()
    point[3, 3] += TOLERANCE
    assert look_same(png(GREY), png(point)) and not look_same(png(GREY), png(GREY[:-1]))
    point[3, 3] += 1
    assert not look_same(png(GREY), png(point)) and not look_same(png(GREY), png(GREY + 2))
