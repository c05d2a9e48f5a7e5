"""The Korean edition: made from the English texts and a gettext catalogue, `notebooks/ko/ko.po`.

The English block is the key of its translation. So a block that changes has none until somebody
has looked at it; the catalogue then keeps the old one beside it, marked fuzzy. Code and outputs
are taken over as they are, so nothing is executed twice.
"""

from __future__ import annotations

import copy
import difflib
import html
import itertools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import polib
from nbformat import NotebookNode

from aelib import AelibError, explorer
from aelib.data import write
from aelib.workshop import COURSE, NOTEBOOKS
from aelib.workshop.notebooks import dump

KOREAN = COURSE / "notebooks" / "ko"
CATALOGUE = KOREAN / "ko.po"
PAGES = ("README.md", "RESULTS.md", "TROUBLESHOOTING.md")  # README.md becomes README.ko.md
TEMPLATES = Path(__file__).parent / "book_template"

FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
# Between blocks: a blank line, or the start of a table's row or of a list's item.
BETWEEN = re.compile(r"(\n\s*\n|\n(?=\||[-*] |\d+\. ))")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
SAID = re.compile(r"(?<!`)\bsay`((?:[^`\\]|\\.)*)`")
VALUE = re.compile(r"\$\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}")  # ${...}, with braces in braces
# In a page's template texts stand between scripts, tags and statements, and in some attributes.
MARKUP = re.compile(
    r"(<script.*?</script>|<style.*?</style>|<!--.*?-->|\{#.*?#\}|<[^>]*>|\{%.*?%\})", re.DOTALL
)
ATTRIBUTE = re.compile(r'((?:aria-label|title)=")([^"{]+)(?=")')
ALT = re.compile(r'(?<=\balt=")[^"]+')
SOLUTION, STILL = "Solution", "A still of the explorer"  # what `book` calls them
# What a translation must take over as it is, each as often as it stands in the English block.
KEPT = {
    "code": re.compile(r"`[^`]+`"),
    "formulas": re.compile(r"\$[^$]+\$"),
    "links": LINK,
    "tags": re.compile(r"</?[a-z][^>]*>"),
    "placeholders": re.compile(r"\{\d+\}|\{\{.*?\}\}"),
    "numbers": re.compile(r"\d+(?:[.,]\d+)*"),
}
NOT_PROSE = re.compile(r"`[^`]*`|\$[^$]*\$|\]\([^)]*\)|<[^>]*>|https?:\S+")

Texts = dict[str, list[str]]  # the places of each English text, in reading order
Words = dict[str, str]  # the translation of each English text


def translate() -> None:
    """Bring the catalogue up to date, write the Korean edition, and print what it still lacks."""
    catalogue = updated(read_catalogue(), english_texts())
    write(CATALOGUE, str(catalogue).encode())
    for path, content in korean_files(words_of(catalogue)).items():
        write(path, content.encode())
    for line in lacking(catalogue):
        print(line)


def read_catalogue() -> polib.POFile:
    """Return the catalogue; AelibError names the line where it is damaged."""
    try:
        return polib.pofile(CATALOGUE.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise AelibError(f"{CATALOGUE.relative_to(COURSE)} cannot be read: {error}") from None


def words_of(catalogue: polib.POFile) -> Words:
    """Return the translations that may be shown: no fuzzy ones, none that lost something."""
    return {entry.msgid: entry.msgstr for entry in catalogue if not flaws(entry)}


def flaws(entry: polib.POEntry) -> list[str]:
    """Return what is wrong with an entry of the catalogue, in words."""
    if not entry.msgstr:
        return ["has no translation"]
    if entry.fuzzy:
        return [f"is translated as it was before: {entry.previous_msgid or '?'}"]
    return [
        f"has other {what} in its translation"
        for what, kept in KEPT.items()
        if Counter(kept.findall(entry.msgid)) != Counter(kept.findall(entry.msgstr))
    ]


def lacking(catalogue: polib.POFile) -> list[str]:
    """Return one line for each flaw: where the English block stands, what is wrong, the block."""
    return [
        f"{entry.occurrences[0][0]} {flaw}: {' '.join(entry.msgid.split())[:120]}"
        for entry in catalogue
        for flaw in flaws(entry)
    ]


def updated(catalogue: polib.POFile, english: Texts) -> polib.POFile:
    """Return a catalogue of these texts, with all translations of the old one that still hold.

    A text that is new gets the translation of one that went, if they are alike, marked fuzzy.
    """
    old = {entry.msgid: entry for entry in catalogue}
    gone = [text for text, entry in old.items() if text not in english and entry.msgstr]
    fresh = polib.POFile(wrapwidth=98)
    fresh.metadata = {"Language": "ko", "Content-Type": "text/plain; charset=UTF-8"}
    for text, places in english.items():
        entry = copy.copy(old.get(text)) or polib.POEntry(msgid=text)
        entry.occurrences = [(place, "") for place in places]
        alike = [] if text in old else difflib.get_close_matches(text, gone, n=1, cutoff=0.7)
        if alike:
            entry.msgstr, entry.flags = old[alike[0]].msgstr, ["fuzzy"]
            entry.previous_msgid = alike[0]
        fresh.append(entry)
    return fresh


# --- The English texts ----------------------------------------------------------------


def english_texts() -> Texts:
    """Return every text that the Korean edition needs."""
    texts: Texts = {}
    for place, found in _english():
        for text in found:
            texts.setdefault(text, []).append(place)
    return texts


def _english() -> Iterator[tuple[str, Iterable[str]]]:
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, as_version=4).cells:
            parts = blocks(cell.source) if cell.cell_type == "markdown" else []
            alts = [_picture(output).get("alt") for output in cell.get("outputs", [])]
            place = f"notebooks/{path.name}#{cell.id}"
            yield place, [*filter(is_prose, parts), *filter(None, alts)]
    for name in PAGES:
        page = (COURSE / name).read_text(encoding="utf-8")
        yield name, [*filter(is_prose, blocks(page)), *ALT.findall(page)]
    yield "aelib/explorer/__init__.py", [explorer.ALIVE]
    yield "aelib/workshop/book.py", [SOLUTION, STILL]
    yield from _spoken()
    for path in (explorer.FOLDER / "explorer.html", *sorted(TEMPLATES.glob("*.j2"))):
        found = template_texts(path.read_text(encoding="utf-8"))
        yield path.relative_to(COURSE).as_posix(), found


def _spoken() -> Iterator[tuple[str, list[str]]]:
    """Yield of each of the explorer's modules its place and the texts in its say`...`."""
    for path in sorted(explorer.FOLDER.rglob("*.js")):
        yield path.relative_to(COURSE).as_posix(), said(path.read_text(encoding="utf-8"))


def _picture(output: NotebookNode) -> Any:
    """Return what an output says of its picture: its text alternative, and its size."""
    return output.get("metadata", {}).get("image/png", {})


def blocks(markdown: str) -> list[str]:
    """Return the blocks of a Markdown text: paragraphs, rows of tables, items of lists."""
    return [part for part, is_block in _parts(markdown) if is_block]


def _parts(markdown: str) -> Iterator[tuple[str, bool]]:
    """Yield a text in pieces that join to it again, and of each whether it is a block."""
    for i, outside in enumerate(FENCE.split(markdown)):
        for k, part in enumerate([outside] if i % 2 else BETWEEN.split(outside)):
            start = len(part) - len(part.lstrip("\n"))
            end = len(part.rstrip("\n"))
            yield from ((part[:start], False), (part[start:end], i % 2 == k % 2 == 0))
            yield part[max(start, end) :], False


def is_prose(block: str) -> bool:
    """Return whether a block has words to translate beside code, formulas, tags and links."""
    return bool(re.search(r"[A-Za-z]{2}", NOT_PROSE.sub("", block)))


def said(script: str) -> list[str]:
    """Return the texts in a module's say`...`, each value as {0}, {1} ..."""

    def bare(template: str) -> str:
        values = itertools.count()
        text = VALUE.sub(lambda _: f"{{{next(values)}}}", template)
        text = text.replace("\\`", "`").replace("\\\n", "")
        return re.sub(r"\\u\{?([0-9a-fA-F]{4,5})\}?", lambda code: chr(int(code[1], 16)), text)

    return list(map(bare, SAID.findall(script)))


def template_texts(template: str) -> list[str]:
    """Return what a page's template says."""
    texts: dict[str, str] = {}
    template_in_korean(template, lambda text: texts.setdefault(text, text))
    return list(texts)


def template_in_korean(template: str, said: Callable[[str], str]) -> str:
    """Return a page, or its template, with each of its texts as `said` has it."""

    def piece(text: str) -> str:
        bare = " ".join(text.split())
        if not re.search("[A-Za-z]{2}", re.sub(r"\{\{.*?\}\}|&\w+;", "", bare)):
            return text
        return re.sub(r"^(\s*).*?(\s*)$", lambda m: m[1] + said(bare) + m[2], text, flags=re.DOTALL)

    def tag(text: str) -> str:
        if re.match(r"<(script|style|!)|\{", text):
            return text
        return ATTRIBUTE.sub(lambda found: found[1] + said(found[2]), text)

    parts = enumerate(MARKUP.split(template))
    return "".join(tag(part) if i % 2 else piece(part) for i, part in parts)


# --- The Korean ones ------------------------------------------------------------------


def korean_files(words: Words) -> dict[Path, str]:
    """Return the files of the Korean edition: notebooks, and pages beside the English ones."""
    places, files = headings(words), {}
    for path in NOTEBOOKS:
        notebook = nbformat.read(path, as_version=4)
        to_korean(notebook, words, places)
        files[KOREAN / path.name] = dump(notebook)
    for name in PAGES:
        text = in_korean((COURSE / name).read_text(encoding="utf-8"), words)
        files[COURSE / name.replace(".md", ".ko.md")] = relinked(text, places)
    return files


def to_korean(notebook: NotebookNode, words: Words, places: Words | None = None) -> None:
    """Put the texts of a notebook into Korean, in place; with `places` its links, too."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            text = in_korean(cell.source, words)
            cell.source = relinked(text, places, deeper=True) if places else text
        pictures = [_picture(output) for output in cell.get("outputs", [])]
        for output, picture in zip(cell.get("outputs", []), pictures, strict=True):
            if shown := output.get("data", {}).get("text/html"):
                output.data["text/html"] = still_to_korean(shown, words, picture.get("alt"))
        for about in (cell.metadata, *pictures):
            if "alt" in about:
                about["alt"] = words.get(about["alt"], about["alt"])


def still_to_korean(shown: str, words: Words, alt: str | None = None) -> str:
    """Return an explorer as HTML with its still, of which `alt` speaks, in Korean."""
    shown = shown.replace(explorer.ALIVE, words.get(explorer.ALIVE, explorer.ALIVE))
    if alt is None:  # of a page of its own: what the still shows is made anew and has no name
        return re.sub(r'(?<=" alt=")[^"]+', html.escape(words.get(STILL, STILL)), shown, count=1)
    return shown.replace(html.escape(alt), html.escape(words.get(alt, alt)))


def in_korean(markdown: str, words: Words) -> str:
    """Return a Markdown text with those of its blocks in Korean that have a translation."""
    parts = (words.get(part, part) if block else part for part, block in _parts(markdown))
    return ALT.sub(lambda alt: words.get(alt[0], alt[0]), "".join(parts))


def relinked(text: str, places: Words, deeper: bool = False) -> str:
    """Return a text whose links lead to the Korean texts.

    places: what `headings` returns. deeper: whether the text lies in the folder `ko`.
    """

    def to(link: re.Match[str]) -> str:
        address, mark, place = link[1].partition("#")
        if address.removeprefix("../") in PAGES:
            address = address.replace(".md", ".ko.md")
        elif not deeper and address.endswith(".ipynb"):
            address = address.replace("notebooks/", "notebooks/ko/")
        address = address.replace("book/explorer.html", "book/explorer.ko.html")
        if deeper and address.startswith("../"):
            address = "../" + address
        return f"]({address}{mark}{places.get(place, place)})"

    return LINK.sub(to, text)


def headings(words: Words) -> dict[str, str]:
    """Return the address of each heading of the course in Korean, by the English one."""
    texts = [c.source for p in NOTEBOOKS for c in nbformat.read(p, 4).cells]
    texts += [(COURSE / name).read_text(encoding="utf-8") for name in PAGES]
    found = [heading for text in texts for heading in HEADING.finditer(text)]
    pairs = [(h[1], re.sub("^#+ +", "", words.get(h[0], h[0]))) for h in found]
    return {make(h): make(korean) for make in (slug, github_slug) for h, korean in pairs}


def github_slug(heading: str) -> str:
    """Return the address that GitHub gives a heading."""
    return re.sub(r"[^\w-]", "", slug(heading).lower())


def slug(heading: str) -> str:
    """Return the address that JupyterLab gives a heading."""
    return re.sub(r"[`*]", "", heading).strip().replace(" ", "-")


def script_words(words: Words) -> str:
    """Return the script that lets the explorers of a page speak Korean (`explorer/words.js`)."""
    known = {text: words[text] for _, found in _spoken() for text in found if text in words}
    packed = json.dumps(known, ensure_ascii=False).replace("</", "<\\/")
    return f"<script>globalThis.aelibWords = {packed}</script>"
