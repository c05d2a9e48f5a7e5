"""The explorer: your own digit in the course's models, alive wherever scripts run.

The models travel with it, packed, and run in the browser: `explorer.js`, which is worth
reading. `explore` shows views in a notebook, `frames` a slider over given pictures,
`Pad` hands a drawing to Python, `page` makes one file that opens by double click.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import torch
import traitlets
from torch import Tensor

from aelib.checks import whole_number
from aelib.explorer.needs import VIEWS as VIEWS
from aelib.explorer.needs import TestScores, needs
from aelib.explorer.stills import STILLS
from aelib.files import check_writable, expanded, write_atomically

FOLDER = Path(__file__).parent
SIDE = 28
ALIVE = (
    "This is a still. It comes alive where scripts run: in a notebook after you have run this "
    "cell or trusted the notebook, and in the course's pages."
)


class Explorer:
    """An explorer as a cell's output: alive in HTML, with a still where no script runs."""

    def __init__(self, content: dict[str, Any], still: bytes, alt: str) -> None:
        """content: what `explorer.js` mounts; still: a PNG; alt: the still in words."""
        _check_png("still", still)
        self.content, self.still, self.alt = content, still, alt

    def html(self) -> str:
        """Return the explorer as HTML that needs nothing else: still, payload, script."""
        return f"{host(self.content, self.still, self.alt)}\n{script()}"

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        bundle = {
            "text/plain": self.alt,
            "text/html": self.html(),
            "image/png": base64.b64encode(self.still).decode(),
        }
        return bundle, {"image/png": {"alt": self.alt}}


def explore(
    *views: str,
    dims: Sequence[int] | None = None,
    test_scores: TestScores | None = None,
    still: bytes | None = None,
    alt: str | None = None,
) -> Explorer:
    """Return an explorer with one view, or with several as tabs, on one drawing.

    views, dims, test_scores: see `needs`. still: a PNG for where no script runs, and
    alt what it shows in words; by default one that fits the first view.
    Raises ValueError for an unknown view or dimension and for a still that is no bytes,
    ModelMissingError for a missing model.
    """
    if not views:
        raise ValueError(f"name one or more views of {', '.join(VIEWS)}")
    content = needs(views, dims, test_scores)
    if still is None or alt is None:
        still, alt = STILLS[views[0]]()
    return Explorer(content, still, alt)


def frames(
    pictures: Sequence[bytes],
    labels: Sequence[str],
    name: str,
    alts: Sequence[str] | str,
    start: int = 0,
    still: bytes | None = None,
) -> Explorer:
    """Return a slider over pictures that no model can draw in the browser.

    pictures: PNGs. labels: the slider's values in words, one a picture. name: what the slider
    turns. alts: what each picture shows; one text serves them all, followed by the label.
    still: for where no script runs; by default the picture at `start`.
    Raises ValueError unless there are as many labels and alts as pictures, and a start among them,
    and for pictures that are no bytes.
    """
    labels = [str(label) for label in labels]
    if isinstance(alts, str):
        alts = [f"{alts} {name}: {label}." for label in labels]
    if not len(pictures) == len(labels) == len(alts) or not pictures:
        raise ValueError(
            "need a label and a text for each picture, got "
            f"{len(labels)} and {len(alts)} for {len(pictures)}"
        )
    start = whole_number("start", start, 0, len(pictures) - 1)
    for picture in pictures:
        _check_png("each picture", picture)
    content = {
        "frames": {
            "name": str(name),
            "labels": labels,
            "pictures": [base64.b64encode(picture).decode() for picture in pictures],
            "alts": [str(alt) for alt in alts],
            "start": start,
        }
    }
    return Explorer(content, pictures[start] if still is None else still, alts[start])


def _check_png(name: str, picture: Any) -> None:
    if not isinstance(picture, bytes):
        raise ValueError(
            f"{name} must be a PNG as bytes, got {type(picture).__name__}; "
            "widgets.picture makes one of images"
        )


def style() -> str:
    """Return the explorer's style sheet."""
    return (FOLDER / "explorer.css").read_text(encoding="utf-8")


def module() -> str:
    """Return the explorer's ES module."""
    return (FOLDER / "explorer.js").read_text(encoding="utf-8")


def host(content: dict[str, Any], still: bytes, alt: str) -> str:
    """Return the HTML element that waits for `script`: a still, and the payload.

    The still comes first and needs no style: it is what untrusted notebooks and pages
    without scripts show.
    """
    packed = json.dumps(content | {"style": style()}, separators=(",", ":")).replace("</", "<\\/")
    picture = base64.b64encode(still).decode()
    return (
        '<div data-aelib="waiting">'
        f'<img src="data:image/png;base64,{picture}" alt="{html.escape(alt)}">'
        f"<p>{ALIVE}</p>"
        f'<script type="application/json">{packed}</script>'
        "</div>"
    )


def script() -> str:
    """Return the script element that brings all waiting explorers of a document to life."""
    return f'<script type="module">\n{module()}\nmountWaiting();\n</script>'


def page(folder: str | Path, test_scores: TestScores | None = None) -> Path:
    """Write `explorer.html`, one file with all views that opens by double click, to a folder.

    Returns its path. folder: ~ in it means the home folder. test_scores: see `needs`.
    Raises FileError if it cannot be written, and ModelMissingError for a missing model.
    """
    target = expanded(folder) / "explorer.html"
    check_writable(target.parent)  # fail now, not after a minute
    content = needs(VIEWS, test_scores=test_scores) | {"page": True}
    still, alt = STILLS["latent"]()
    template = (FOLDER / "explorer.html").read_text(encoding="utf-8")
    text = template.replace("<!-- explorer -->", f"{host(content, still, alt)}\n{script()}")
    write_atomically(target, text.encode())
    return target


class Pad(anywidget.AnyWidget):
    """A drawing pad in a notebook, whose drawing arrives in Python as `image`.

    It needs a running kernel: after a notebook has been reopened, run its cell again.
    """

    _esm = module()
    payload = traitlets.Dict().tag(sync=True)
    sheet = traitlets.Unicode().tag(sync=True)  # "style" means something else to ipywidgets
    pixels = traitlets.List(traitlets.Float()).tag(sync=True)

    def __init__(self) -> None:
        super().__init__(payload=needs([]), sheet=style())

    @property
    def image(self) -> Tensor:
        """The drawing, prepared as MNIST is: float32 (1, 1, 28, 28) in [0, 1].

        Raises ValueError while nothing is drawn.
        """
        if not self.pixels:
            raise ValueError("the pad is empty: draw a digit, or take a test digit, first")
        return torch.tensor(self.pixels, dtype=torch.float32).view(1, 1, SIDE, SIDE).clamp(0, 1)
