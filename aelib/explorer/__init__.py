"""The explorer: your own digit in the course's models, which run in the browser (`network.js`).

`explore` shows views in a notebook, `frames` a slider over clouds of points; `html` and `page`
are for pages; `Pad` hands a drawing to Python, which may answer.
"""

from __future__ import annotations

import base64
import html as markup
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import torch
import traitlets
from IPython.display import display
from torch import Tensor

from aelib import charts, plotting
from aelib.data import SIDE
from aelib.explorer.packing import pack_array
from aelib.explorer.payload import VIEWS as VIEWS
from aelib.explorer.payload import TestScores, names_of, payload_of
from aelib.explorer.stills import examples, still_of

FOLDER = Path(__file__).parent
ALIVE = (
    "This is a still. It comes alive where scripts run: in a notebook when you run this cell, "
    "and in the course's pages."
)
CALLS_PYTHON = "This is a still. Run this cell: the pad that appears calls Python."
# Without its kernel a pad is Jupyter's error message: then, and only then, the still is shown.
EITHER = (
    "<style>.jp-OutputArea:has([data-aelib]) .aelib-still, .jp-OutputArea:has(.aelib-still)"
    " .jupyter-widgets:not(:has(*)) { display: none; }</style>"
)
IMPORT = re.compile(r'^import (?:.* from )?"(.+)";\n', re.MULTILINE)
OF_MODULES = re.compile(IMPORT.pattern + r"|^export (?!default)", re.MULTILINE)


class Explorer:
    """An explorer as a cell's output: alive in HTML, with a still where no script runs.

    content: what `mount.js` mounts; still: a PNG; alt: the still in words. options: what `html`
    makes the same explorer of, beside the views.
    """

    def __init__(self, content: dict[str, Any], still: bytes, alt: str, **options: Any) -> None:
        self.content, self.still, self.alt, self.options = content, still, alt, options

    def html(self) -> str:
        """Return the explorer as HTML that needs nothing else: still, payload, script."""
        return host(self.content, self.still, self.alt) + script(*self.content["views"])

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        bundle = {"text/plain": self.alt, "text/html": self.html(), "image/png": _text(self.still)}
        about = {"views": self.content["views"], **self.options}
        return bundle, {"image/png": {"alt": self.alt}, "explorer": about}


def explore(
    *views: str,
    dims: Sequence[int] | None = None,
    test_scores: TestScores | None = None,
    still: bytes | None = None,
    alt: str | None = None,
    state: str = "",
) -> Explorer:
    """Return an explorer with one view, or with several as tabs, on one drawing.

    views, dims, test_scores: see `payload_of`. still: a PNG for where no script runs, alt: the same
    in words; by default of the first view. state: what it shows at first, as it stands in the
    address of `explorer.html` behind the view's name, e.g. "d=2&test=7.1".
    """
    content = payload_of(views, dims, test_scores)
    if still is None or alt is None:
        still, alt = still_of(views[0], names_of(views[0], dims), state)
    options: dict[str, Any] = {} if dims is None else {"dims": list(dims)}
    if state:
        content["state"] = options["state"] = state
    return Explorer(content, still, alt, **options)


def frames(
    clouds: Sequence[Tensor], digits: Tensor, labels: Sequence[Any], name: str, alt: str, start: int
) -> Explorer:
    """Return a slider over clouds of points (N, 2) in the colours of their digits (N,).

    labels: the slider's values, one a cloud. name: what it turns. alt: what a cloud shows.
    """
    points = torch.stack(list(clouds))
    low, high = points.amin((0, 1)), points.amax((0, 1))
    packed = pack_array((points - low) / (high - low), 8)
    alts = [f"{alt} {name}: {label}." for label in labels]
    content = {"name": name, "labels": [str(label) for label in labels], "start": start}
    content |= {"points": packed, "digits": digits.tolist(), "alts": alts}
    ax = charts.scatter_codes(points[start], digits, ax=plotting.panels(1, (4.2, 4))[0], bare=True)
    whole = {"views": ["frames"], "frames": content}
    return Explorer(whole, plotting.small_png(ax), alts[start], frames=content)


def html(*views: str, still: bytes, alt: str, frames: Any = None, **options: Any) -> str:
    """Return an explorer as HTML from its still, and its output's metadata "explorer"."""
    if frames is not None:
        return Explorer({"views": ["frames"], "frames": frames}, still, alt).html()
    return explore(*views, still=still, alt=alt, **options).html()


def page() -> str:
    """Return `explorer.html`, one file with all views that opens by double click."""
    still, alt = still_of("latent", names_of("latent"))
    shown = host(payload_of(VIEWS) | {"page": True}, still, alt) + script(*VIEWS)
    template = (FOLDER / "explorer.html").read_text(encoding="utf-8")
    return template.replace("<!-- explorer -->", shown)


def css() -> str:
    """Return the explorer's style sheet."""
    return (FOLDER / "explorer.css").read_text(encoding="utf-8")


def javascript(*views: str) -> str:
    """Return what some views need of the explorer's ES modules, as one script."""
    return joined("mount.js", *(f"views/{view}.js" for view in views))


def joined(*names: str) -> str:
    """Return modules, each after all that it imports, in one scope and without import lines."""
    texts: dict[Path, str] = {}

    def add(path: Path) -> None:
        if path not in texts:
            text = path.read_text(encoding="utf-8")
            for name in IMPORT.findall(text):
                add((path.parent / name).resolve())
            texts[path] = OF_MODULES.sub("", text)

    for name in names:
        add((FOLDER / name).resolve())
    return "\n".join(texts.values())


def host(content: dict[str, Any], still: bytes, alt: str) -> str:
    """Return the HTML element that waits for `script`: a still, and the payload."""
    more = {"style": css()}
    if "train" in content["views"]:
        more["lesson"] = joined("lesson.js")  # what a worker runs
    packed = json.dumps(content | more, separators=(",", ":")).replace("</", "<\\/")
    data = f'<script type="application/json">{packed}</script>'
    views = " ".join(content["views"])  # a script takes the elements whose views it has
    start = f'<div data-aelib="waiting" data-views="{views}">'
    return f"{start}{_shown(still, alt, ALIVE)}{data}</div>\n"


def _shown(still: bytes, alt: str, sentence: str) -> str:
    image = f'<img src="data:image/png;base64,{_text(still)}" alt="{markup.escape(alt)}">'
    return f"{image}<p>{sentence}</p>"


def _text(png: bytes) -> str:
    return base64.b64encode(png).decode()


def script(*views: str) -> str:
    """Return the script element that brings all waiting explorers of a document to life."""
    return f'<script type="module">\n{javascript(*views)}\nmountWaiting();\n</script>'


class Pad(anywidget.AnyWidget):
    """A drawing pad in a notebook, whose drawing arrives in Python as `image`.

    answer: called with it and the slider's value whenever one of them changes; returns pictures to
    show, (1, 1, 28, 28), by their names. name: what the slider turns; values: what it goes
    through; start: the place of its first. It needs a kernel: run its cell again after reopening.
    """

    _esm = joined("widget.js")
    payload, sheet = traitlets.Dict().tag(sync=True), traitlets.Unicode().tag(sync=True)
    pixels = traitlets.List(traitlets.Float()).tag(sync=True)
    name = traitlets.Unicode().tag(sync=True)
    values, answer = (traitlets.List(traitlets.Any()).tag(sync=True) for _ in range(2))
    # The browser counts what it asks, Python says which question it has answered last.
    choice, asked, answered = (traitlets.Int().tag(sync=True) for _ in range(3))

    def __init__(
        self,
        answer: Callable[[Tensor, Any], Mapping[str, Tensor]] | None = None,
        name: str = "",
        values: Sequence[Any] = (),
        start: int = 0,
    ) -> None:
        said = [str(value) for value in values]
        super().__init__(payload=payload_of([]), sheet=css(), name=name, values=said, choice=start)
        self._answer, self._values = answer or (lambda image, value: {}), values or (None,)

    @property
    def image(self) -> Tensor:
        """The drawing, prepared as MNIST is: float32 (1, 1, 28, 28) in [0, 1].

        Raises ValueError while nothing is drawn.
        """
        if not self.pixels:
            raise ValueError("the pad is empty: draw a digit, or take a test digit, first")
        return torch.tensor(self.pixels, dtype=torch.float32).view(1, 1, SIDE, SIDE).clamp(0, 1)

    @traitlets.observe("asked")
    def _respond(self, _: Any) -> None:
        shown: list[Any] = []
        try:
            pictures = self._answer(self.image, self._values[self.choice]) if self.pixels else {}
            for title, picture in pictures.items():
                shown.append({"title": title, "words": "", "pixels": picture.flatten().tolist()})
        except Exception as error:  # of the reader's own function: said where they look
            blank = [0.0] * SIDE**2
            shown = [{"title": type(error).__name__, "words": str(error), "pixels": blank}]
        with self.hold_sync():
            self.answer, self.answered = shown, self.asked

    def _ipython_display_(self) -> None:
        two = examples()[2:3]
        answer = self._answer(two, self._values[self.choice])
        still = plotting.small_png(plotting.image_grid({"a test digit": two, **answer}))
        alt = f"A test digit 2, and what Python answers: {', '.join(answer) or 'nothing'}."
        shown = f'<div class="aelib-still">{EITHER}{_shown(still, alt, CALLS_PYTHON)}</div>'
        data = {"text/plain": alt, "text/html": shown, "image/png": _text(still)}
        display(data, raw=True, metadata={"image/png": {"alt": alt}})
        alive = {**(self._repr_mimebundle_() or [{}])[0], "text/plain": CALLS_PYTHON}
        display(alive, raw=True, metadata={"explorer_note": True})
