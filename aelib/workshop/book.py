"""The reader's edition: the course as pages that need neither Python nor a network.

Every page works by double click and from any static host. The pages are drawn from the
executed notebooks; nothing is computed anew.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from aelib.files import (
    cache_folder,
    check_writable,
    expanded,
    read_if_there,
    write_atomically,
)
from aelib.workshop.chapter import BookError, Chapter, Output, pixels, plain, read_chapter

PACKAGE = Path(__file__).parents[1]
COURSE = PACKAGE.parent
FRONT = "images/latent_all.png"  # the picture on the first page
# Which files of a folder are the book's own, each with its checksum: so nothing is removed or
# written over but what the book has written.
CONTENTS = ".book.json"
SHARED = ("book.css", "book.js")
README_ROW = re.compile(
    r"^\| *\[[^]]+\]\(notebooks/(?P<name>\w+)\.ipynb\) *\| *(?P<question>[^|]+?) *\|"
    r"(?: *(?P<time>[^|]+?) *\|)?",
    re.MULTILINE,
)

# The explorer is one file that stands by itself. In the book it leads back, too, and has
# the colours that the reader chose there.
WAY_BACK = """<body>
<script>
try { document.documentElement.className = localStorage.getItem("theme") ?? ""; } catch {}
</script>
<nav aria-label="The course"><a href="index.html">Autoencoders, measured</a></nav>"""


@dataclass(frozen=True)
class Entry:
    """A chapter as the first page lists it."""

    chapter: Chapter
    question: str
    time: str


def explorer_page() -> bytes:
    """Return `explorer.html`, from the cache if nothing that it is made of has changed."""
    made_of = hashlib.sha256()
    for pattern in ("*.py", "explorer/*.*", "checkpoints/**/*.pt"):
        for path in sorted(PACKAGE.glob(pattern)):
            made_of.update(path.read_bytes())
    kept = cache_folder() / f"explorer-{made_of.hexdigest()[:16]}.page"
    page = _read_kept(kept)
    if page is None:
        from aelib import explorer  # and torch with it, which a page from the cache can spare

        print("making the explorer, which takes a minute; it is kept for the next time")
        check_writable(kept.parent)
        with tempfile.TemporaryDirectory() as folder:
            page = explorer.page(folder).read_bytes()
        for old in cache_folder().glob("explorer-*"):
            old.unlink(missing_ok=True)
        write_atomically(kept, f"{_digest(page)}\n".encode() + page)
    return page


def _read_kept(path: Path) -> bytes | None:
    """Return what is kept below its checksum; None if there is none, or if it was damaged."""
    raw = read_if_there(path, "Delete it: it is made anew")
    digest, _, page = (raw or b"").partition(b"\n")
    return page if digest == _digest(page).encode() else None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_book(
    folder: Path, course: Path = COURSE, explorer: Callable[[], bytes] = explorer_page
) -> list[Path]:
    """Write the reader's edition to `folder`, made if need be, and return its pages.

    Files that an earlier edition left there and that are no longer part of it are removed;
    everything else in the folder is left alone, and so is what was changed since. Nothing is
    written before all pages are ready. Raises NotebookError or BookError if a notebook cannot
    become a chapter, and BookError if a file in the folder that is not as the book left it has
    the name of one of its own.
    """
    folder = expanded(folder)
    if folder.exists() and not folder.is_dir():
        raise BookError(f"{folder} is a file; the book needs a folder")
    before = _contents(folder)
    book = make_book(course, explorer)
    now = {name: _digest(content) for name, content in book.items()}
    strangers = [
        name
        for name in book
        if (folder / name).exists() and not _is_one_of(folder / name, before.get(name), now[name])
    ]
    if strangers:
        raise BookError(
            f"{folder} holds {strangers[0]}, which is not the book's, or was changed since, and "
            "would be lost; move it away, or name another folder"
        )
    for name, content in book.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / name, content)
    for name in before.keys() - now.keys():
        if _is_within(folder / name, folder) and _is_one_of(folder / name, before[name]):
            (folder / name).unlink()
    write_atomically(folder / CONTENTS, json.dumps(now, indent=1, sort_keys=True).encode())
    return [folder / name for name in book if name.endswith(".html")]


def _is_one_of(path: Path, *digests: str | None) -> bool:
    """Return whether a path is a file with one of these SHA-256 sums."""
    return path.is_file() and _digest(path.read_bytes()) in digests


def _is_within(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def make_book(course: Path, explorer: Callable[[], bytes]) -> dict[str, bytes]:
    """Return the files of the reader's edition by name, the first page first."""
    notebooks = sorted((course / "notebooks").glob("*.ipynb"))
    if not notebooks:
        raise BookError(f"{course} holds no notebooks; the book is built in the course's folder")
    chapters = [read_chapter(path, {other.name for other in notebooks}) for path in notebooks]
    readme = (course / "README.md").read_text(encoding="utf-8")
    rows = {row["name"]: row for row in README_ROW.finditer(readme)}
    entries = []
    for chapter in chapters:
        row = rows.get(chapter.name)
        question, time = row.group("question", "time") if row else ("", "")
        entries.append(Entry(chapter, question, time or ""))
    front = (course / FRONT).read_bytes()
    pages = _templates()
    book = {
        "index.html": pages.get_template("index.html.j2").render(
            entries=entries, chapters=chapters, chapter=None, front=_front(readme, front)
        )
    }
    for number, chapter in enumerate(chapters):
        book[chapter.page] = pages.get_template("chapter.html.j2").render(
            chapter=chapter,
            chapters=chapters,
            before=chapters[number - 1] if number else None,
            after=chapters[number + 1] if number + 1 < len(chapters) else None,
        )
    made = {name: page.encode() for name, page in book.items()}
    made["explorer.html"] = explorer().replace(b"<body>", WAY_BACK.encode(), 1)
    for chapter in chapters:
        made |= chapter.files
    for name in SHARED:
        made[name] = (files("aelib.workshop") / "book_template" / name).read_bytes()
    made[f"pictures/{Path(FRONT).name}"] = front
    return made


def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("aelib.workshop", "book_template"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    templates.filters["plain"] = plain
    return templates


def _front(readme: str, picture: bytes) -> Output:
    """Return the first page's picture with its text alternative, as README has it."""
    found = re.search(rf'<img [^>]*src="{re.escape(FRONT)}"[^>]*alt="(?P<alt>[^"]+)"', readme)
    if not found:
        raise BookError(f"README.md does not show {FRONT} with a text alternative")
    address = f"pictures/{Path(FRONT).name}"
    return Output("picture", address, unescape(found["alt"]), *pixels(picture))


def _contents(folder: Path) -> dict[str, str]:
    """Return the files that an earlier edition wrote to `folder`: name and SHA-256 sum."""
    path = folder / CONTENTS
    try:
        found = json.loads(read_if_there(path, "Name another folder") or b"{}")
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise BookError(
            f"{path} is not the list of files that this version writes: if the folder is the "
            "book's, delete the folder, else name another one"
        )
    return found
