"""Executing the course's notebooks so that a second time changes nothing."""

from __future__ import annotations

import base64
import copy
import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from aelib import AelibError
from aelib.files import check_writable, expanded, write_atomically
from aelib.workshop.pictures import keep_pictures, slim

CELL_TIMEOUT = 300
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
# Progress bars are for people who wait, not for the published page.
QUIET = {"TQDM_DISABLE": "1"}


class NotebookError(AelibError):
    """A file that is not the notebook that it should be; the message names it."""


def read(path: Path) -> NotebookNode:
    """Return a notebook, in the format of today.

    Raises NotebookError for a file that cannot be read or that is none.
    """
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except OSError as error:
        raise NotebookError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, LookupError, TypeError, AttributeError, nbformat.ValidationError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise NotebookError(
            f"{path} is not a notebook: {reason}. Restore it, or name another"
        ) from None
    return notebook


def execute(path: Path) -> None:
    """Execute a notebook in place so that a second time changes nothing.

    Nothing that depends on the moment is stored: no timestamps, no widgets, stream outputs
    in one piece. A cell's metadata entry "alt" becomes the text alternative of its pictures.
    A picture that looks the same as the one that was there stays as it was. If a cell fails
    the file is left as it was and nbclient's CellExecutionError says which; what is no
    notebook raises NotebookError.
    """
    path = expanded(path)
    notebook = read(path)
    check_writable(path.parent)  # fail now, not after a minute
    committed = copy.deepcopy(notebook)
    before = {name: os.environ.get(name) for name in QUIET}
    os.environ.update(QUIET)
    try:
        client = NotebookClient(
            notebook,
            timeout=CELL_TIMEOUT,
            kernel_name="python3",
            record_timing=False,
            extra_arguments=["--log-level=ERROR"],
            resources={"metadata": {"path": str(path.parent)}},
        )
        client.execute()
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    tidy(notebook)
    keep_pictures(committed, notebook)
    write_atomically(path, dump(notebook).encode())


def tidy(notebook: NotebookNode) -> None:
    """Make an executed notebook fit to be published, in place.

    What depends on the moment goes, and so does what needs a running kernel: the views and
    the saved state of widgets. Pictures get their text alternatives, and few colours.
    """
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata.pop("execution", None)
            cell.outputs = _joined_streams(cell.outputs)
            for output in cell.outputs:
                _describe(output, cell.metadata.get("alt"))
                _slim(output)
                # A widget without its kernel is an error message; its still stands beside it.
                output.get("data", {}).pop(WIDGET_VIEW, None)
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {
                "display_name": "Python 3 (ipykernel)",
                "language": "python",
                "name": "python3",
            },
            "language_info": {"name": "python"},
        }
    )


def dump(notebook: NotebookNode) -> str:
    """Return a notebook as the text of its file, as JupyterLab would save it."""
    return nbformat.writes(notebook) + "\n"


def _joined_streams(outputs: list[NotebookNode]) -> list[NotebookNode]:
    joined: list[NotebookNode] = []
    for output in outputs:
        last = joined[-1] if joined else None
        is_stream = output.output_type == "stream"
        if is_stream and last and last.output_type == "stream" and last.name == output.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined


def _describe(output: NotebookNode, alt: str | None) -> None:
    if alt and "image/png" in output.get("data", {}):
        about = output.setdefault("metadata", NotebookNode())
        about.setdefault("image/png", NotebookNode())["alt"] = alt


def _slim(output: NotebookNode) -> None:
    if png := output.get("data", {}).get("image/png"):
        output.data["image/png"] = base64.b64encode(slim(base64.b64decode(png))).decode()
