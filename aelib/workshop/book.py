"""The reader's edition: the course as pages without Python or a network, in two languages.

nbconvert turns each executed notebook into a page, with the blocks in `book_template`. Nothing
is computed anew but what the explorers need, which come alive. Every page works by double click
and from any static host.
"""

from __future__ import annotations

import base64
import html
import re
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import nbformat
from jinja2 import BaseLoader
from nbconvert import HTMLExporter
from nbconvert.preprocessors import ExtractOutputPreprocessor
from nbformat import NotebookNode

from aelib import AelibError, explorer
from aelib.workshop import translate
from aelib.workshop.translate import Words

COURSE = Path(__file__).parents[2]
TEMPLATES = Path(__file__).parent / "book_template"
FRONT = ("latent", (0, 1, 2, 4, 8, 16))  # the explorer on the first page, and its latent dimensions
PAGES = [name.removesuffix(".md") for name in translate.PAGES if name != "README.md"]
PICTURES = "pictures"  # the folder of all pictures in the book
OURS = "<code>python -m aelib book</code>"  # stands at the foot of each page

README_ROW = re.compile(
    r"^\| *\[[^]]+\]\(notebooks/(?P<name>\w+)\.ipynb\) *\| *(?P<question>[^|]+?) *\|"
    r" *(?P<time>[^|]+?) *\|",
    re.MULTILINE,
)
CAPTION = re.compile(r"\*(?!\*)(?P<words>.+?)\*(?:\n\n|\n?\Z)", re.DOTALL)
# What names a chapter or a section, outside of what is no prose or leads somewhere already.
NAMED = re.compile(
    r"<(a|h[1-6]|pre|code|script|style|title|svg|nav|head)\b.*?</\1>|<[^>]*>"
    r"|(?:\b[Nn]otebook|노트북) (?P<notebook>[1-9])\b(?!\.)"
    r"|\b[Ss]ection (?P<section>[1-9]\.\d+)\b|\b(?P<part>[1-9]\.\d+)절",
    re.DOTALL,
)
PLACE = re.compile(r'(href="[\w.]*#)([^"]+)')
HEADING = r'<h{} id="[^"]+">(?P<title>.*?)<a class="anchor-link" href="(?P<link>[^"]+)"'

# What Markdown becomes in the book, beyond what nbconvert makes of it: what speaks of running cells
# goes; links lead to pages, or to nowhere where the book has none; headings have JupyterLab's
# addresses; tables scroll by themselves; no number leaves its % behind.
MENDED: tuple[tuple[str, Any], ...] = (
    (r"<!-- *run *-->.*?<!-- */run *-->", ""),
    (r'href="(?:notebooks/)?(\w+)\.ipynb', r'href="\1.html'),
    (r'href="(?:\.\./)?book/', 'href="'),
    (r'href="(?:\.\./)?README\.md', 'href="index.html'),
    (rf'href="(?:\.\./)?({"|".join(PAGES)})\.md', lambda page: f'href="{page[1].lower()}.html'),
    (r'<a href="(?!#|https?:|[\w.]+\.html)[^"]*">(.*?)</a>', r'<span class="file">\1</span>'),
    (r'src="images/', f'src="{PICTURES}/'),
    (r'(?<=<h[1-6] id=")[^"]+', lambda id_: html.escape(unquote(html.unescape(id_[0])))),
    (r"<table>", '<div class="table"><table>'),
    (r"</table>", "</table></div>"),
    (r"<p>(?=<strong>Predict)", '<p class="predict">'),
    (r"(?<=\d) (?=%)", "\N{NO-BREAK SPACE}"),
)


@dataclass(frozen=True)
class Chapter:
    """A notebook as a chapter: HTML of its text, and what the contents and first page list."""

    name: str
    text: str
    title: str
    sections: list[tuple[str, str]]  # link and HTML of each heading of level 2
    question: str = ""
    time: str = ""
    language: str = "en"

    @property
    def page(self) -> str:
        """The name of the chapter's file."""
        return page_name(self.name.lower(), self.language)


def page_name(name: str, language: str) -> str:
    """Return the name of a page's file: the Korean ones stand beside the others."""
    return f"{name}.html" if language == "en" else f"{name}.{language}.html"


def write_book(folder: str | Path) -> list[Path]:
    """Write the reader's edition to `folder`, made if need be, and return its pages.

    Other files in the folder stay, pictures that an earlier edition left there, too.
    Raises AelibError if the folder holds somebody else's pages, and outside the course's folder.
    """
    folder = Path(folder).expanduser()
    first = folder / "index.html"
    if first.exists() and OURS not in first.read_text(encoding="utf-8", errors="replace"):
        raise AelibError(f"{first} is not the book's and would be lost: name another folder")
    book = make_book()  # whole, before anything is written
    (folder / PICTURES).mkdir(parents=True, exist_ok=True)
    for name, content in book.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in book if name.endswith(".html")]


def make_book() -> dict[str, bytes]:
    """Return the files of the reader's edition by name, the first page first."""
    if not translate.english_notebooks():
        raise AelibError(f"{COURSE} holds no notebooks: run this in the course's own folder")
    korean = translate.words_of(translate.read_catalogue())
    live: dict[str, str] = {}  # explorers, which take a while to make, for both languages
    book = _edition("en", {}, live) | _edition("ko", korean, live)
    return book | {name: (TEMPLATES / name).read_bytes() for name in ("book.css", "book.js")}


def _edition(language: str, words: Words, live: dict[str, str]) -> dict[str, bytes]:
    """Return the pages of one language, and the pictures, which they share."""
    exporter, files = _exporter(words), {}
    readme = translate.in_korean((COURSE / "README.md").read_text(encoding="utf-8"), words)
    rows = {row["name"]: row.groupdict() for row in README_ROW.finditer(readme)}

    def made(path: Path) -> Chapter:
        text, pictures = _exported(exporter, path, words, live)
        files.update(pictures)
        row = rows.get(path.stem, {"name": path.stem})
        return replace(_chapter(text, row), language=language)

    chapters = [made(path) for path in translate.english_notebooks()]
    others = [made(COURSE / name) for name in translate.PAGES if name != "README.md"]
    names = ["index", "explorer", *(each.name.lower() for each in (*chapters, *others))]
    moved = re.compile(rf'(?<=href=")({"|".join(names)})\.html')
    places = translate.headings(words) if words else {}

    def finished(name: str, text: str) -> bytes:
        text = _linked(text, chapters)
        if words:  # explorers in these pages say what they say in Korean
            text = moved.sub(lambda found: page_name(found[1], language), text)
            text = PLACE.sub(lambda found: found[1] + places.get(found[2], found[2]), text)
            text = text.replace("</head>", translate.script_words(words) + "</head>", 1)
        return text.replace("TWIN", page_name(name, "ko" if language == "en" else "en"), 1).encode()

    def page(template: str, name: str, **content: Any) -> bytes:
        about = {"chapters": chapters, "others": others, "repository": _repository()}
        about |= {"language": language, "twin": "TWIN"}
        made = exporter.environment.get_template(template).render(about, **content)
        return finished(name, str(made))

    view, dims = FRONT
    for name, make in (
        ("index", lambda: explorer.explore(view, dims=dims).html()),
        ("explorer", explorer.page),
    ):
        if name not in live:
            live[name] = make()
    if words:
        live = {**live} | {
            name: translate.still_to_korean(live[name], words) for name in ("index", "explorer")
        }
    front = page("front.html.j2", "index", live=live["index"])
    book = {page_name("index", language): front}
    around = zip([None, *chapters], chapters, [*chapters[1:], None], strict=False)
    for before, chapter, after in around:
        about = {"chapter": chapter, "before": before, "after": after}
        book[chapter.page] = page("chapter.html.j2", chapter.name.lower(), **about)
    for other in others:
        about = {"chapter": other, "before": None, "after": chapters[0]}
        book[other.page] = page("chapter.html.j2", other.name.lower(), **about)
    # The explorer stands by itself elsewhere; here it has a way back.
    way_back = page("way_back.html.j2", "explorer").decode()
    alone = live["explorer"].replace("<body>", way_back, 1)
    if words:
        alone = translate.template_in_korean(alone, lambda text: words.get(text, text))
        alone = alone.replace('<html lang="en">', f'<html lang="{language}">', 1)
        alone = alone.replace("</head>", translate.script_words(words) + "</head>", 1)
    return book | {page_name("explorer", language): alone.encode()} | files


def _linked(text: str, chapters: list[Chapter]) -> str:
    """Return a page on which "notebook 2" and "section 2.9" lead there, where they did not yet."""
    pages = {chapter.name[0]: chapter.page for chapter in chapters}
    for chapter in chapters:
        for at, title in chapter.sections:
            pages[plain(title).split(" ")[0]] = chapter.page + at

    def link(found: re.Match[str]) -> str:
        page = pages.get(found["section"] or found["part"] or found["notebook"])
        return f'<a href="{page}">{found[0]}</a>' if page else found[0]

    return NAMED.sub(link, text)


def _repository() -> str:
    """Return the address of the course's repository, as pyproject.toml has it, or nothing."""
    project = tomllib.loads((COURSE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project.get("urls", {}).get("Repository", ""))


class _Said(BaseLoader):
    """Templates from where they are, with their texts in another language."""

    def __init__(self, loader: BaseLoader, words: Words) -> None:
        self.loader, self.words = loader, words

    def get_source(self, environment: Any, template: str) -> Any:
        """Return what Jinja asks of a loader."""
        source, *about = self.loader.get_source(environment, template)
        if (TEMPLATES / template).exists():
            source = translate.template_in_korean(source, lambda text: self.words.get(text, text))
        return source, *about


def _exporter(words: Words) -> HTMLExporter:
    """Return nbconvert's exporter with the book's blocks, which keeps pictures as files."""
    exporter = HTMLExporter(
        template_name="basic",
        template_file="notebook.html.j2",
        extra_template_paths=[str(TEMPLATES)],
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        filters={"mended": mended, "plain": plain},
    )
    exporter.register_preprocessor(ExtractOutputPreprocessor(), enabled=True)
    exporter.environment.loader = _Said(exporter.environment.loader, words)
    return exporter


def _exported(
    exporter: HTMLExporter, path: Path, words: Words, live: dict[str, str]
) -> tuple[str, dict[str, bytes]]:
    """Return a notebook as HTML, and the pictures that it shows by their address."""
    files: dict[str, bytes] = {}
    if path.suffix == ".md":
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r'(?:src|srcset)="images/([^"]+)"', text):
            files[f"{PICTURES}/{name}"] = (COURSE / "images" / name).read_bytes()
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])
    else:
        notebook = nbformat.read(path, as_version=4)
    enliven(notebook, live)
    translate.to_korean(notebook, words)
    caption(notebook)
    fold(notebook, words.get(translate.SOLUTION, translate.SOLUTION))
    about = {"unique_key": path.stem, "output_files_dir": PICTURES}
    text, resources = exporter.from_notebook_node(notebook, about)
    if path.suffix == ".md":  # headings have GitHub's addresses there
        text = re.sub(r'(<h\d id="|class="anchor-link" href="#)([^"]+)', _as_github, text)
    pictures = resources["outputs"] or {}
    return text, files | {Path(name).as_posix(): content for name, content in pictures.items()}


def _as_github(found: re.Match[str]) -> str:
    return found[1] + re.sub(r"[^\w-]", "", unquote(html.unescape(found[2])).lower())


def _chapter(text: str, row: dict[str, str]) -> Chapter:
    first = re.search(HEADING.format(1), text)
    title = first["title"] if first else row["name"]
    sections = [(found["link"], found["title"]) for found in re.finditer(HEADING.format(2), text)]
    return Chapter(text=text, title=title, sections=sections, **row)


def enliven(notebook: NotebookNode, live: dict[str, str]) -> None:
    """Put live explorers in the place of their stills, and drop the words that stood for them.

    live: those that were made already, by their stills; new ones are added.
    """
    for cell in notebook.cells:
        if "outputs" in cell:
            cell.outputs = [o for o in cell.outputs if not _about(o).get("explorer_note")]
        for output in cell.get("outputs", []):
            if options := _about(output).get("explorer"):
                png, alt = output.data.pop("image/png"), output.metadata["image/png"]["alt"]
                key = f"{options} {png}"  # cells of two notebooks may have one id
                if key not in live:
                    views, still = options.pop("views"), base64.b64decode(png)
                    live[key] = explorer.html(*views, still=still, alt=alt, **options)
                output.data["text/html"] = live[key]


def _about(output: NotebookNode) -> dict[str, Any]:
    return output.get("metadata", {})


def caption(notebook: NotebookNode) -> None:
    """Give pictures the captions that stand below them: a paragraph in italics."""
    for cell, below in zip(notebook.cells, notebook.cells[1:], strict=False):
        shown = [kind for output in cell.get("outputs", []) for kind in output.get("data", {})]
        found = CAPTION.match(below.source) if below.cell_type == "markdown" else None
        if found and {"image/png", "text/html"} & set(shown):
            upright = re.compile(r"\*(\s+)(.+?)(\s+)\*")  # what stood out of the italics now is
            cell.metadata.caption = upright.sub(r"\1*\2*\3", found["words"])
            below.source = below.source[found.end() :]


def fold(notebook: NotebookNode, solution: str) -> None:
    """Mark the first and the last cell of each solution, which is named by its exercise."""
    exercise = ""
    solves = ["solution" in cell.metadata.get("tags", []) for cell in notebook.cells]
    around = zip([False, *solves], notebook.cells, solves, [*solves[1:], False], strict=False)
    for before, cell, now, after in around:
        if now:
            cell.metadata.pop("jupyter", None)  # folded once is enough
            cell.metadata.solution = "" if before else f"{solution} {exercise}".strip()
            cell.metadata.solved = not after
        elif cell.cell_type == "markdown":
            exercise = [exercise, *re.findall(r"^\*\*(\d+)\.", cell.source, re.MULTILINE)][-1]


def mended(text: str) -> str:
    """Return HTML made of Markdown as the book wants it."""
    for pattern, new in MENDED:
        text = re.sub(pattern, new, text, flags=re.DOTALL)
    return text


def plain(text: str) -> str:
    """Return HTML without its tags; what is special in HTML stays escaped."""
    return re.sub(r"<[^>]+>", "", text)
