"""Hygiene of the published notebooks; that they run and print the same is nbval's part."""

import re
from pathlib import Path

import nbformat
import pytest
import torch

from aelib import detection, metrics
from aelib.models import Autoencoder
from aelib.workshop.notebooks import KERNEL, LANGUAGE, WIDGET_VIEW, dump

FOLDER = Path(__file__).parent.parent / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
FRAME = (
    "What you will do",
    "What you will learn",
    "What you need",
    "Time.",
    "**Predict.**",
    "## Recap",
    "## Exercises",
    "## References",
    "doi.org",
)


@pytest.fixture(params=NAMES)
def path(request):
    return FOLDER / f"{request.param}.ipynb"


@pytest.fixture
def notebook(path):
    return nbformat.read(path, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def pictures(cell):
    return [output for output in cell.outputs if "image/png" in output.get("data", {})]


def test_the_file_is_valid_light_and_written_by_the_command(path, notebook):
    nbformat.validate(notebook)
    assert path.stat().st_size < 1_000_000
    text = path.read_text(encoding="utf-8")
    assert dump(notebook) == text
    assert not re.search(r"/(root|home|tmp|work|Users|private)/|[A-Z]:\\\\", text), "of a machine"
    assert notebook.metadata == {"kernelspec": KERNEL, "language_info": LANGUAGE}
    assert WIDGET_VIEW not in text and "PROSE" not in text and "TODO" not in text
    for cell in code(notebook):
        if cell.metadata.get("jupyter", {}).get("outputs_hidden"):
            assert cell.metadata.collapsed, "JupyterLab would change the file"


def test_every_cell_ran_in_order_and_nothing_is_noise(notebook):
    for number, cell in enumerate(code(notebook), 1):
        assert cell.execution_count == number
        shows = "print(" in cell.source or "plotting.p" in cell.source or "show(" in cell.source
        assert cell.outputs or not shows or cell.source.startswith("def "), cell.source
        for output in cell.outputs:
            shown = "explorer" in output.get("metadata", {})  # an explorer is a cell's value
            assert shown or output.output_type in ("stream", "display_data"), cell.source
            assert output.get("name") != "stderr", output.text
        assert not cell.source.rstrip().endswith(";")


def test_cells_are_short_and_few_escape_comparison(notebook):
    assert max(len(cell.source.splitlines()) for cell in code(notebook)) <= 26
    tags = [tag for cell in code(notebook) for tag in cell.metadata.get("tags", [])]
    assert tags.count("nbval-ignore-output") <= 3 and "nbval-skip" not in tags
    assert not any("NBVAL_" in cell.source for cell in code(notebook))


def test_every_figure_is_described_in_words(notebook):
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code" or not pictures(cell):
            continue
        for output in pictures(cell):
            assert len(output.metadata["image/png"]["alt"]) > 20, cell.source
        following = next(c for c in notebook.cells[number:] if c.cell_type == "markdown")
        caption = r"\*(Figure \d|The explorer|The slider|The pad)"
        assert re.match(caption, following.source), cell.source


def test_figures_are_numbered_in_order(notebook, path):
    numbers = re.findall(r"^\*Figure (\d+)\.(\d+)\.", prose(notebook), re.MULTILINE)
    assert numbers == [(path.stem[0], str(n)) for n in range(1, len(numbers) + 1)]
    for mentioned in re.findall(r"Figures? (\d+)\.(\d+)", prose(notebook)):
        assert mentioned in numbers


def test_an_explorer_is_a_still_and_a_sentence_that_says_what_to_do(notebook):
    for cell in code(notebook):
        html = [o.data["text/html"] for o in cell.outputs if "text/html" in o.get("data", {})]
        assert all(len(text) < 500 for text in html), "a payload"
        if re.search(r"explorer\.(explore|frames)\(", cell.source):
            (still, note), (sentence,) = cell.outputs, html
            assert set(still.data) == {"image/png", "text/plain"} and still.metadata.explorer
            assert "run this cell" in sentence and note.metadata.explorer_note


def test_the_frame_of_a_notebook_is_complete(notebook):
    text = prose(notebook)
    assert [part for part in FRAME if part not in text] == []


def test_solutions_are_folded_and_executed(notebook):
    solutions = [cell for cell in code(notebook) if "solution" in cell.metadata.get("tags", [])]
    assert len(solutions) >= 4
    assert prose(notebook).count("<summary>Hint</summary>") == len(solutions)
    for cell in solutions:
        assert cell.metadata.jupyter.source_hidden and cell.outputs
        assert cell.source.startswith("# A solution\n"), "Lab shows a folded cell's first line"


# --- What the notebooks define is what the library does ---------------------------------


def source_with(name, text):
    cells = code(nbformat.read(FOLDER / f"{name}.ipynb", as_version=4))
    return next(cell.source for cell in cells if text in cell.source)


def test_the_network_of_notebook_2_is_the_librarys():
    space = {"nn": torch.nn}
    exec(source_with("2_latent_dimension", "def make_encoder"), space)
    exec(source_with("2_latent_dimension", "def make_decoder"), space)
    for d in (1, 16):
        library = Autoencoder(d).eval()
        written = torch.nn.Sequential(space["make_encoder"](d), space["make_decoder"](d)).eval()
        values = library.state_dict().values()
        written.load_state_dict(dict(zip(written.state_dict(), values, strict=True)))
        x = torch.rand(4, 1, 28, 28)
        assert torch.equal(written(x), library(x))


def test_the_pca_of_notebook_1_is_the_librarys(splits):
    test = splits.test[:1000].floats()
    space = {"torch": torch, "splits": splits}
    exec(source_with("1_dataset", "torch.linalg.eigh"), space)
    exec(source_with("1_dataset", "def pca(").partition("rows = ")[0], space)
    linear = metrics.LinearAutoencoder(splits.train)
    for d in (0, 2, 16):
        assert torch.allclose(space["pca"](test, d), linear.reconstruct(test, d), atol=1e-3)


def test_the_area_under_roc_of_notebook_3_is_the_librarys():
    space = {"torch": torch}
    exec(source_with("3_digit_features", "def area_under_roc"), space)
    scores = torch.randint(0, 9, (200,), generator=torch.Generator().manual_seed(0)).float()
    normal = torch.arange(200) % 3 == 0
    expected = detection.auroc(scores, normal)
    assert space["area_under_roc"](scores, normal) == pytest.approx(expected, abs=1e-9)
