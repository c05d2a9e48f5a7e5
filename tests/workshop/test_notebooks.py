import base64
import io

import nbformat
import numpy as np
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image

from aelib.__main__ import main
from aelib.files import FileError
from aelib.workshop import notebooks

CELLS = [
    "import sys, time\nprint('one'); sys.stdout.flush(); time.sleep(0.01); print('two')",
    "import matplotlib.pyplot as plt\nfrom aelib import plotting\nplotting.use_style()\n"
    "plt.plot([1, 2])\nplt.show()",
    "import ipywidgets\nfrom aelib import widgets\nimport torch\n"
    "still = widgets.picture([torch.zeros(1, 1, 28, 28)])\n"
    "widgets.live(ipywidgets.IntSlider(), still, 'a white page')",
]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    path = tmp_path_factory.mktemp("notebooks") / "small.ipynb"
    cells = [new_code_cell(source, id=f"cell-{n}") for n, source in enumerate(CELLS)]
    cells[1].metadata["alt"] = "a rising line"
    nbformat.write(new_notebook(cells=cells), path)
    notebooks.execute(path)
    return path


def test_executing_twice_changes_nothing(published):
    before = published.read_bytes()
    notebooks.execute(published)
    assert published.read_bytes() == before


def test_a_picture_that_looks_the_same_stays_as_it_was(published, tmp_path):
    """As after a run on another processor, which draws some pixels a grey level lighter."""
    notebook = nbformat.read(published, as_version=4)
    path = tmp_path / "small.ipynb"
    data = notebook.cells[1].outputs[0].data
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    pixels = np.asarray(picture.convert("RGB")).copy()
    pixels[5, 5] -= 1
    changed = io.BytesIO()
    Image.fromarray(pixels).save(changed, "PNG")
    data["image/png"] = base64.b64encode(changed.getvalue()).decode()
    path.write_text(notebooks.dump(notebook), encoding="utf-8")
    before = path.read_bytes()
    notebooks.execute(path)
    assert path.read_bytes() == before


def test_a_figure_is_crisp_and_small(published):
    """Twice the pixels, the width for which they are meant beside them, and a palette."""
    output = nbformat.read(published, as_version=4).cells[1].outputs[0]
    picture = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
    about = output.metadata["image/png"]
    assert abs(picture.width - 2 * about["width"]) <= 2
    assert abs(picture.height - 2 * about["height"]) <= 2
    assert picture.width > 1000 and picture.mode == "P"


def test_what_is_published_is_complete_and_valid(published):
    notebook = nbformat.read(published, as_version=4)
    nbformat.validate(notebook)
    first, second, third = notebook.cells
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3]
    assert len(first.outputs) == 1 and first.outputs[0].text == "one\ntwo\n"
    assert second.outputs[0].metadata["image/png"]["alt"] == "a rising line"
    still, request = third.outputs
    assert still.metadata["image/png"]["alt"] == "a white page"
    assert list(request.data) == ["text/plain"] and "Run this cell" in request.data["text/plain"]
    assert "widgets" not in notebook.metadata


def test_a_failing_cell_leaves_the_file_alone(tmp_path):
    path = tmp_path / "broken.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("1 / 0", id="only")]), path)
    before = path.read_bytes()
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        notebooks.execute(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"cells": 3}', b"\xff\xfe", b"PK\x03\x04"]
)
def test_a_file_that_is_no_notebook_is_named_in_one_line(content, tmp_path, capsys):
    path = tmp_path / "broken.ipynb"
    path.write_bytes(content)
    assert main(["notebooks", str(path)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"aelib: {path} is not a notebook: ") and said.count("\n") == 1
    assert path.read_bytes() == content


def test_a_notebook_in_the_home_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    with pytest.raises(notebooks.NotebookError, match="No such file") as caught:
        notebooks.execute("~/none.ipynb")
    assert str(tmp_path / "none.ipynb") in str(caught.value)


def test_a_place_that_cannot_be_written_is_said_before_executing(published, monkeypatch):
    def protected(folder):
        raise FileError(f"{folder} could not be written")

    monkeypatch.setattr(notebooks, "check_writable", protected)
    monkeypatch.setattr(notebooks, "NotebookClient", None)  # is not reached
    with pytest.raises(FileError, match="could not be written"):
        notebooks.execute(published)
