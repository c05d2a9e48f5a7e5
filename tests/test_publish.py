import json

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook

from aelib import publish

CELLS = [
    "import sys, time\nprint('one'); sys.stdout.flush(); time.sleep(0.01); print('two')",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
    "from aelib import widgets\nimport torch\n"
    "png = widgets.picture([torch.zeros(1, 1, 28, 28)])\n"
    "widgets.show(widgets.frame_slider([png, png], ['a', 'b'], 'page'), png, 'two pages')",
]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    path = tmp_path_factory.mktemp("notebooks") / "small.ipynb"
    cells = [new_code_cell(source, id=f"cell-{n}") for n, source in enumerate(CELLS)]
    cells[1].metadata["alt"] = "a rising line"
    nbformat.write(new_notebook(cells=cells), path)
    publish.execute(path)
    return path


def test_executing_twice_changes_nothing(published):
    before = published.read_bytes()
    publish.execute(published)
    assert published.read_bytes() == before


def test_what_is_published_is_complete_and_valid(published):
    notebook = nbformat.read(published, as_version=4)
    nbformat.validate(notebook)
    first, second, third = notebook.cells
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3]
    assert len(first.outputs) == 1 and first.outputs[0].text == "one\ntwo\n"
    assert second.outputs[0].metadata["image/png"]["alt"] == "a rising line"
    state = notebook.metadata.widgets[publish.WIDGET_STATE]["state"]
    view = third.outputs[0].data["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] in state
    assert sorted(state) == [f"{n:032x}" for n in range(len(state))]
    referred = json.dumps(state)
    assert all(name in state for name in publish.re.findall(r"IPY_MODEL_([0-9a-f]{32})", referred))


def test_a_failing_cell_leaves_the_file_alone(tmp_path):
    path = tmp_path / "broken.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("1 / 0", id="only")]), path)
    before = path.read_bytes()
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        publish.execute(path)
    assert path.read_bytes() == before


FEW = ("latent2", "autoencoder_architecture", "number3", "test_2", "checkerboard_score")


def test_every_figure_of_the_originals_name_is_made():
    promised = {
        "autoencoder_architecture", "latent", "latent2", "latent5", "latent10", "zero_one",
        "0_1_2", "0_1_6", "test_2", "transpose_16", "unpooling_16", "transpose_2", "unpooling_2",
        *(f"number{digit}" for digit in range(10)),
    }  # fmt: skip
    assert promised <= set(publish.FIGURES)


def test_figures_are_written_and_the_same_each_time(tmp_path, monkeypatch):
    chosen = {name: publish.FIGURES[name] for name in FEW}
    monkeypatch.setattr(publish, "FIGURES", chosen)
    first = [path.read_bytes() for path in publish.write_figures(tmp_path)]
    second = [path.read_bytes() for path in publish.write_figures(tmp_path)]
    assert first == second and all(len(png) > 5_000 for png in first)
