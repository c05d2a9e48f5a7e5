"""Executing the course's notebooks so that a second time changes nothing."""

from __future__ import annotations

import base64
import copy
import io
import os
from pathlib import Path

import nbformat
import numpy as np
from nbclient import NotebookClient
from nbconvert.preprocessors import CoalesceStreamsPreprocessor
from nbformat import NotebookNode
from nbformat.v4 import new_output
from PIL import Image

from aelib import AelibError
from aelib.data import write
from aelib.explorer import ALIVE

QUIET = {"TQDM_DISABLE": "1"}  # progress bars are for people who wait
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
# As JupyterLab writes it, but for the version, which is the reader's.
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"} | {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}
GREYS, COLORS = 64, 96  # of a published picture
# Of 255 levels, in any pixel and on average: a point or a letter that moved changes more.
TOLERANCE, MEAN_TOLERANCE = 16, 1.0


def execute_all(paths: list[Path]) -> None:
    """Execute notebooks in place, and say which is at work."""
    for path in paths:
        print(path.name)
        execute(path)


def execute(path: Path) -> None:
    """Execute a notebook in place, and make it fit to be published (see `tidy`).

    If a cell fails, the file is left as it was and nbclient's CellExecutionError says which.
    Raises AelibError for a file that is no notebook.
    """
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except (ValueError, LookupError, TypeError, AttributeError, nbformat.ValidationError):
        raise AelibError(f"{path} is not a notebook: git checkout {path}") from None
    committed = copy.deepcopy(notebook)
    client = NotebookClient(notebook, timeout=300, record_timing=False)
    client.extra_arguments = ["--log-level=ERROR"]
    client.execute(env=os.environ | QUIET, cwd=str(path.parent))
    tidy(notebook)
    keep_pictures(committed, notebook)
    write(path, dump(notebook).encode())


def dump(notebook: NotebookNode) -> str:
    """Return a notebook as the text of its file, as JupyterLab would save it."""
    return nbformat.writes(notebook) + "\n"


def tidy(notebook: NotebookNode) -> None:
    """Make an executed notebook fit to be published, in place.

    What depends on the moment goes, and what is alive: widgets, and explorers, of which the still
    stays, with a sentence that says what to do. Solutions are folded. A cell's metadata entry "alt"
    becomes the text alternative of its pictures.
    """
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": LANGUAGE})
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata.pop("execution", None)
            if "solution" in cell.metadata.get("tags", []):
                hidden = {"outputs_hidden": True, "source_hidden": True}
                cell.metadata.jupyter = nbformat.from_dict(hidden)
            if cell.metadata.get("jupyter", {}).get("outputs_hidden"):
                cell.metadata.collapsed = True  # JupyterLab would add it
            CoalesceStreamsPreprocessor().preprocess_cell(cell, {}, 0)
            cell.outputs = [each for output in cell.outputs for each in _still(output)]
            for output in cell.outputs:
                if png := output.get("data", {}).get("image/png"):
                    output.data["image/png"] = slim(png)
                    if alt := cell.metadata.get("alt"):
                        output.metadata.setdefault("image/png", NotebookNode()).alt = alt


def _still(output: NotebookNode) -> list[NotebookNode]:
    """Return an output without what is alive in it, and what is to be shown below it."""
    data, about = output.get("data", {}), output.get("metadata", {})
    data.pop(WIDGET_VIEW, None)
    if "image/png" in data:
        data.pop("text/html", None)
    sentence, note = {"text/html": f"<p>{ALIVE}</p>"}, {"explorer_note": True}
    below = new_output("display_data", sentence, metadata=note)
    return [output, below] if "explorer" in about else [output]


def slim(png: str) -> str:
    """Return a PNG (in base64) of few colours that looks the same, or `png` if that is smaller."""
    buffer, picture = io.BytesIO(), _picture(png)
    colors = COLORS if np.ptp(np.asarray(picture), axis=2).any() else GREYS
    few = picture.quantize(colors, Image.Quantize.MEDIANCUT, kmeans=3, dither=Image.Dither.NONE)
    few.save(buffer, "PNG", optimize=True)
    return min(png, base64.b64encode(buffer.getvalue()).decode(), key=len)


def _picture(png: str | bytes) -> Image.Image:
    content = base64.b64decode(png) if isinstance(png, str) else png
    return Image.open(io.BytesIO(content)).convert("RGB")


def look_same(old: str | bytes, new: str | bytes) -> bool:
    """Return whether two PNGs, bytes or in base64, have one size and hardly differ."""
    first, second = (np.asarray(_picture(png), np.int16) for png in (old, new))
    difference = np.abs(first - second) if first.shape == second.shape else np.array(255)
    return bool(difference.max() <= TOLERANCE and difference.mean() <= MEAN_TOLERANCE)


def write_picture(path: Path, png: bytes) -> None:
    """Write a PNG file, unless the one that is there looks the same."""
    if not (path.exists() and look_same(path.read_bytes(), png)):
        write(path, png)


def keep_pictures(old: NotebookNode, new: NotebookNode) -> None:
    """Put the pictures of `old` into `new` where they look the same: a diff is what changed."""
    before = {cell.id: cell.get("outputs", []) for cell in old.cells}
    for cell in new.cells:
        for was, now in zip(before.get(cell.id, []), cell.get("outputs", []), strict=False):
            pictures = [output.get("data", {}).get("image/png") for output in (was, now)]
            if all(pictures) and look_same(*pictures):
                now.data["image/png"] = pictures[0]
