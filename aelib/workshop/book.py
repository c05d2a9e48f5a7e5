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
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import nbformat
from jinja2 import FunctionLoader
from nbconvert import HTMLExporter
from nbconvert.preprocessors import ExtractOutputPreprocessor
from nbformat import NotebookNode

from aelib import AelibError, explorer
from aelib.workshop import COURSE, NOTEBOOKS, translate
from aelib.workshop.translate import TEMPLATES, Words

FRONT = ("latent", (0, 1, 2, 4, 8, 16))  # the explorer on the first page, and its latent dimensions
PAGES = [Path(name).stem for name in translate.PAGES if name != "README.md"]
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
    Raises AelibError if the folder holds somebody else's pages.
    """
    first = (folder := Path(folder)) / "index.html"
    if first.exists() and OURS not in first.read_text(encoding="utf-8", errors="replace"):
        raise AelibError(f"{first} is not the book's and would be lost: name another folder")
    view, dims = FRONT
    # Explorers, which take a while to make, for both languages.
    live = {"index": explorer.explore(view, dims=dims).html(), "explorer": explorer.page()}
    korean = translate.words_of(translate.read_catalogue())
    book = _edition("en", {}, live) | _edition("ko", korean, live)
    book |= {name: (TEMPLATES / name).read_bytes() for name in ("book.css", "book.js")}
    (folder / PICTURES).mkdir(parents=True, exist_ok=True)
    for name, content in book.items():
        (folder / name).write_bytes(content)
    pages = [folder / name for name in book if name.endswith(".html")]
    print(f"{len(pages)} pages; open {first}")
    return pages


def _edition(language: str, words: Words, live: dict[str, str]) -> dict[str, bytes]:
    """Return the pages of one language, and the pictures, which they share."""
    exporter = _exporter(words)
    readme = translate.in_korean((COURSE / "README.md").read_text(encoding="utf-8"), words)
    rows = {row["name"]: row.groupdict() for row in README_ROW.finditer(readme)}
    files: dict[str, bytes] = {}

    def made(path: Path) -> Chapter:
        text, pictures = _exported(exporter, path, words, live)
        files.update(pictures)
        title = next(re.finditer(HEADING.format(1), text))["title"]
        sections = [(each["link"], each["title"]) for each in re.finditer(HEADING.format(2), text)]
        row = rows.get(path.stem, {"name": path.stem})
        return Chapter(text=text, title=title, sections=sections, language=language, **row)

    chapters = [made(path) for path in NOTEBOOKS]
    others = [made(COURSE / f"{name}.md") for name in PAGES]
    names = ["index", "explorer", *(each.name.lower() for each in (*chapters, *others))]
    moved = re.compile(rf'(?<=href=")({"|".join(names)})\.html')
    places, script = translate.headings(words), translate.script_words(words) if words else ""
    project = tomllib.loads((COURSE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    known = {"chapters": chapters, "others": others, "language": language, "twin": "TWIN"}
    known["repository"] = project.get("urls", {}).get("Repository", "")

    def page(template: str, name: str, **content: Any) -> str:
        text = exporter.environment.get_template(template).render(known, **content)
        text = moved.sub(lambda found: page_name(found[1], language), _linked(text, chapters))
        text = PLACE.sub(lambda found: found[1] + places.get(found[2], found[2]), text)
        text = text.replace("</head>", f"{script}</head>", 1)  # has explorers speak Korean
        return text.replace("TWIN", page_name(name, "ko" if language == "en" else "en"), 1)

    front, alone = live["index"], live["explorer"]
    if words:
        front, alone = (translate.still_to_korean(shown, words) for shown in (front, alone))
    book = {page_name("index", language): page("front.html.j2", "index", live=front)}
    turns = [*zip([None, *chapters], chapters, [*chapters[1:], None], strict=False)]
    turns += [(None, other, chapters[0]) for other in others]
    for before, chapter, after in turns:
        about = {"chapter": chapter, "before": before, "after": after}
        book[chapter.page] = page("chapter.html.j2", chapter.name.lower(), **about)
    # The explorer stands by itself elsewhere; here it has a way back.
    alone = alone.replace("<body>", page("way_back.html.j2", "explorer"), 1)
    if words:
        alone = translate.template_in_korean(alone, lambda text: words.get(text, text))
        alone = alone.replace('<html lang="en">', f'<html lang="{language}">', 1)
        alone = alone.replace("</head>", f"{script}</head>", 1)
    book[page_name("explorer", language)] = alone
    return {name: text.encode() for name, text in book.items()} | files


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
    environment = exporter.environment
    find = environment.loader.get_source

    def said(template: str) -> Any:
        source, *about = find(environment, template)
        if (TEMPLATES / template).exists():
            source = translate.template_in_korean(source, lambda text: words.get(text, text))
        return source, *about

    environment.loader = FunctionLoader(said)
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
        place = re.compile(r'(?<=<h\d id=")[^"]+|(?<=class="anchor-link" href="#)[^"]+')
        text = place.sub(lambda at: translate.github_slug(unquote(html.unescape(at[0]))), text)
    pictures = resources["outputs"] or {}
    return text, files | {Path(name).as_posix(): content for name, content in pictures.items()}


def enliven(notebook: NotebookNode, live: dict[str, str]) -> None:
    """Put live explorers in the place of their stills, and drop the words that stood for them.

    live: those that were made already, by their stills; new ones are added.
    """
    for cell in notebook.cells:
        outputs = cell.get("outputs", [])
        outputs[:] = [o for o in outputs if not o.get("metadata", {}).get("explorer_note")]
        for output in outputs:
            if options := output.get("metadata", {}).get("explorer"):
                png, alt = output.data.pop("image/png"), output.metadata["image/png"]["alt"]
                key = f"{options} {png}"  # cells of two notebooks may have one id
                if key not in live:
                    views, still = options.pop("views"), base64.b64decode(png)
                    live[key] = explorer.html(*views, still=still, alt=alt, **options)
                output.data["text/html"] = live[key]


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
