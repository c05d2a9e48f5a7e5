"""One notebook as a chapter of the reader's edition: its text, code, outputs and pictures."""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from html import escape, unescape
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import mistune
from matplotlib.textpath import TextPath
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from aelib import AelibError
from aelib.workshop.notebooks import read

# The first of these that an output has is shown. A widget is not among them: without a
# running Python it is dead, so its picture stands for it.
SHOWN = ("text/html", "image/svg+xml", "image/png", "image/jpeg", "text/plain")
WIDGET = "application/vnd.jupyter.widget-view+json"
SUFFIXES = {"image/svg+xml": ".svg", "image/png": ".png", "image/jpeg": ".jpg"}
PICTURES = {".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp"}
CAPTION = re.compile(r"\*Figure [^*]+(?:\*[^*]+\*[^*]*)*\*(?=\n\n|\n?\Z)")
ANSI = re.compile(r"\x1b\[[0-9;]*m")


class BookError(AelibError):
    """A notebook cannot become a chapter; the message names the notebook and the cell."""


@dataclass(frozen=True)
class Section:
    """A heading of a chapter, as its contents list it; `title` is HTML."""

    level: int
    title: str
    id: str

    @property
    def link(self) -> str:
        """The heading's address within its page."""
        return "#" + quote(self.id)


@dataclass(frozen=True)
class Output:
    """What a cell shows: "text", "html", a "picture" with its alternative and size, or a
    "widget" that needs a running Python and has no picture."""

    kind: str
    content: str
    alt: str = ""
    width: int | None = None
    height: int | None = None


@dataclass
class Block:
    """A stretch of a chapter: "text" (HTML), "code" with its outputs, or a "solution"."""

    kind: str
    html: str = ""
    outputs: list[Output] = field(default_factory=list)
    caption: str = ""
    source_hidden: bool = False
    outputs_hidden: bool = False
    label: str = ""
    blocks: list[Block] = field(default_factory=list)


@dataclass
class Chapter:
    """A notebook, rendered: its blocks, its headings, and the files that it needs beside it."""

    name: str
    blocks: list[Block] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The chapter's heading, as HTML."""
        return self.sections[0].title

    @property
    def page(self) -> str:
        """The name of the chapter's file."""
        return f"{self.name}.html"


def read_chapter(path: Path, notebooks: Collection[str]) -> Chapter:
    """Return the notebook at `path` as a chapter.

    Links to one of `notebooks` (file names) become links to their pages. Raises NotebookError
    if the file is no notebook, and BookError if it was not executed, a cell has failed, a
    picture lacks its text alternative, or a link or picture leads nowhere.
    """
    return _Reader(path, notebooks).chapter(read(path))


class _Reader:
    """Turns the cells of one notebook into blocks, collecting headings and files."""

    def __init__(self, path: Path, notebooks: Collection[str]) -> None:
        self.path, self.notebooks = path, notebooks
        self.result = Chapter(path.stem)
        self.number = 0  # of the cell at hand, for messages
        self.cell = NotebookNode()
        self.markdown = mistune.create_markdown(
            renderer=_Renderer(self), plugins=["table", "strikethrough", "math"]
        )

    def chapter(self, notebook: NotebookNode) -> Chapter:
        blocks = list(self.blocks(notebook.cells))
        levels = [section.level for section in self.result.sections]
        if levels[:1] != [1] or levels.count(1) > 1:
            raise BookError(
                f"{self.path.name} must begin with its title, its one heading of level 1"
            )
        self.result.blocks = list(_with_solutions(blocks))
        return self.result

    def blocks(self, cells: list[NotebookNode]) -> Iterator[Block]:
        """Yield a block for each cell; the caption of a picture joins the picture."""
        pictured: Block | None = None
        for self.number, self.cell in enumerate(cells):
            source = self.cell.source
            if self.cell.cell_type == "markdown":
                caption = CAPTION.match(source)
                if caption and pictured:
                    pictured.caption = self.inline(caption.group().strip("*"))
                    source = source[caption.end() :]
                if source.strip():
                    yield self.marked(Block("text", self.html(source)))
                pictured = None
            elif self.cell.cell_type == "code" and source.strip():
                block = self.code()
                pictured = (
                    block if any(o.kind in ("picture", "html") for o in block.outputs) else None
                )
                yield block

    def code(self) -> Block:
        """Return the cell at hand, a code cell, as a block."""
        cell = self.cell
        if cell.execution_count is None:
            raise self.error("has not been run; `python -m aelib notebooks` runs them all")
        hidden = cell.metadata.get("jupyter", {})
        block = Block("code", highlighted(cell.source, "python"))
        block.outputs = list(self.outputs())
        block.source_hidden = bool(hidden.get("source_hidden"))
        block.outputs_hidden = bool(hidden.get("outputs_hidden"))
        return self.marked(block)

    def marked(self, block: Block) -> Block:
        """Mark a block as part of a solution if its cell is tagged so."""
        if "solution" in self.cell.metadata.get("tags", []):
            block.label = "Solution"
        return block

    def outputs(self) -> Iterator[Output]:
        for output in self.cell.outputs:
            if output.output_type == "error":
                raise self.error(f"failed when it was run: {output.ename}: {output.evalue}")
            if output.output_type == "stream":
                yield Output("text", ANSI.sub("", output.text))
                continue
            data = output.data
            kind = next((kind for kind in SHOWN if kind in data), None)
            if kind in (None, "text/plain") and WIDGET in data:
                yield Output("widget", "")
            elif kind is None:
                continue  # nothing that a page could show
            elif kind == "text/plain":
                yield Output("text", data[kind])
            elif kind == "text/html":
                yield Output("html", data[kind])
            else:
                yield self.picture(kind, data[kind], output.get("metadata", {}).get(kind, {}))

    def picture(self, kind: str, data: str, about: dict[str, Any]) -> Output:
        alt = about.get("alt") or self.cell.metadata.get("alt")
        if not alt:
            raise self.error('shows a picture without a text alternative (metadata "alt")')
        svg = kind == "image/svg+xml"
        content = data.encode() if svg else base64.b64decode(data)
        width, height = (None, None) if svg else pixels(content)
        if width and height and about.get("width"):  # twice the pixels, for sharp screens
            height = round(height * about["width"] / width)
            width = round(about["width"])
        count = sum(name.endswith(tuple(SUFFIXES.values())) for name in self.result.files)
        address = self.keep(f"{self.path.stem}-{count + 1:02}{SUFFIXES[kind]}", content)
        return Output("picture", address, alt, width, height)

    def keep(self, name: str, content: bytes) -> str:
        """Keep a picture as a file of the book and return its address."""
        address = f"pictures/{name}"
        if self.result.files.setdefault(address, content) != content:
            raise self.error(f"uses a second picture named {name}")
        return address

    # --- Markdown

    def html(self, source: str) -> str:
        return str(self.markdown(source))

    def inline(self, source: str) -> str:
        return self.html(source).strip().removeprefix("<p>").removesuffix("</p>")

    def link(self, address: str) -> str | None:
        """Return where a link of the notebook leads in the book; None: only in the course."""
        path, hash_, anchor = address.partition("#")
        if not path or re.match(r"[a-z]+:", path, re.IGNORECASE):
            return address
        target = (self.path.parent / unquote(path)).resolve()
        if target.name in self.notebooks and target.parent == self.path.parent.resolve():
            return f"{target.stem}.html{hash_}{anchor}"
        if not target.exists():
            raise self.error(f"links to {path}, which is not there")
        if target.name == "README.md" and target.parent == self.path.parent.resolve().parent:
            return "index.html"
        return self.keep(target.name, target.read_bytes()) if _is_picture(target) else None

    def source(self, address: str) -> str:
        """Return where a picture of the notebook's text lies in the book."""
        kind, _, name = address.partition(":")
        if kind == "data":
            return address
        if kind == "attachment":
            files = self.cell.get("attachments", {}).get(unquote(name))
            if not files:
                raise self.error(f"shows the attachment {name}, which is not there")
            return self.keep(unquote(name), base64.b64decode(next(iter(files.values()))))
        target = (self.path.parent / unquote(address)).resolve()
        if re.match(r"https?:", address) or not (target.is_file() and _is_picture(target)):
            raise self.error(f"shows {address}, which is not a picture in this folder")
        return self.keep(target.name, target.read_bytes())

    def error(self, what: str) -> BookError:
        return BookError(f"{self.path.name}, cell {self.number} (from 0) {what}")


class _Renderer(mistune.HTMLRenderer):
    """Markdown as the book wants it: headings with addresses, links within the book."""

    def __init__(self, reader: _Reader) -> None:
        super().__init__(escape=False)
        self.reader = reader

    def text(self, text: str) -> str:
        return re.sub(r"(?<=\d) (?=%)", "\N{NO-BREAK SPACE}", super().text(text))

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        # JupyterLab's addresses, so that a link to a section works there and here.
        base = re.sub(r"\s", "-", plain(text))
        taken = {section.id for section in self.reader.result.sections}
        names = (f"{base}-{number}" if number > 1 else base for number in range(1, 1000))
        section = Section(level, text, next(name for name in names if name not in taken))
        self.reader.result.sections.append(section)
        return f'<h{level} id="{escape(section.id)}">{text}</h{level}>\n'

    def paragraph(self, text: str) -> str:
        kind = "predict" if text.startswith("<strong>Predict") else None
        kind = "caption" if text.startswith("<em>Figure ") else kind
        return f'<p class="{kind}">{text}</p>\n' if kind else f"<p>{text}</p>\n"

    def link(self, text: str, url: str, title: str | None = None) -> str:
        address = self.reader.link(url)
        if address is None:
            return f'<span class="file">{text}</span>'
        return super().link(text, address, title)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        if not text.strip():
            raise self.reader.error(f"shows {url} without a text alternative")
        return super().image(text, self.reader.source(url), title)

    def inline_html(self, html: str) -> str:
        def moved(found: re.Match[str]) -> str:
            name, mark, address = found.groups()
            new = self.reader.source(address) if name == "src" else self.reader.link(address)
            return f"{name}={mark}{new or '#'}{mark}"

        if re.search(r"<img\b(?![^>]*\balt=)", html):
            raise self.reader.error("shows a picture without a text alternative (alt=)")
        return re.sub(r"\b(src|href)=([\"'])(.*?)\2", moved, html)

    def block_html(self, html: str) -> str:
        return self.inline_html(html) + "\n"

    def block_code(self, code: str, info: str | None = None) -> str:
        return highlighted(code, (info or "text").split()[0])

    def table(self, text: str) -> str:
        return f'<div class="table"><table>\n{text}</table></div>\n'

    def inline_math(self, text: str) -> str:
        try:
            return formula(text)
        except ValueError as error:
            reason = str(error).strip().rpartition("\n")[2]
            raise self.reader.error(f"holds a formula, {text}, that fails: {reason}") from None

    def block_math(self, text: str) -> str:
        return f'<p class="formula">{self.inline_math(text.strip())}</p>\n'


def plain(html: str) -> str:
    """Return the words of a piece of HTML."""
    return unescape(re.sub(r"<[^>]+>", "", html))


def highlighted(code: str, language: str) -> str:
    """Return code as HTML whose parts are marked with Pygments' short class names."""
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        lexer = get_lexer_by_name("text")
    parts = highlight(code.strip("\n"), lexer, HtmlFormatter(nowrap=True))
    return f'<pre class="code"><code>{parts.rstrip()}</code></pre>\n'


def formula(latex: str, size: int = 100) -> str:
    """Return a formula as SVG in the text's colour, set by Matplotlib's mathtext.

    Raises ValueError if mathtext does not know a command.
    """
    count = {"M": 1, "L": 1, "Q": 2, "C": 3, "Z": 0}
    path = TextPath((0, 0), f"${latex}$", size=size)
    steps = []
    for points, code in path.iter_segments(curves=True, simplify=False):
        letter = {1: "M", 2: "L", 3: "Q", 4: "C", 79: "Z"}[int(code)]
        numbers = points[: 2 * count[letter]].reshape(-1, 2) * (1, -1)
        steps.append(letter + " ".join(f"{x:.0f},{y:.0f}" for x, y in numbers))
    box = path.get_extents()
    view = f"{box.x0:.0f} {-box.y1:.0f} {box.width:.0f} {box.height:.0f}"
    style = f"height:{box.height / size:.2f}em;vertical-align:{box.y0 / size:.2f}em"
    return (
        f'<svg class="math" role="img" aria-label="{escape(latex)}" viewBox="{view}" '
        f'style="{style}"><path d="{"".join(steps)}"/></svg>'
    )


def _with_solutions(blocks: list[Block]) -> Iterator[Block]:
    """Yield the blocks, those of a solution gathered in one that is named by its exercise."""
    exercise = ""
    for solves, group in groupby(blocks, key=lambda block: bool(block.label)):
        members = list(group)
        if solves:
            label = f"Solution {exercise}".strip()
            for block in members:  # folded once is enough
                block.source_hidden = block.outputs_hidden = False
            yield Block("solution", label=label, blocks=members)
        else:
            yield from members
            numbers = re.findall(r"<p><strong>(\d+)\.", "".join(block.html for block in members))
            exercise = numbers[-1] if numbers else ""


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURES


def pixels(content: bytes) -> tuple[int, int] | tuple[None, None]:
    """Return width and height of a PNG, which stand in its first bytes."""
    if content[:8] != b"\x89PNG\r\n\x1a\n":
        return None, None
    width, height = struct.unpack(">II", content[16:24])
    return width, height
