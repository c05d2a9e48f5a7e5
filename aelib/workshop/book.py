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

from aelib.files import cache_folder, write_atomically
from aelib.workshop.chapter import BookError, Chapter, Output, pixels, plain, read_chapter

PACKAGE = Path(__file__).parents[1]
COURSE = PACKAGE.parent
FRONT = "images/latent_all.png"  # the picture on the first page
CONTENTS = ".book.json"  # which files of a folder are the book's own
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
    kept = cache_folder() / f"explorer-{made_of.hexdigest()[:16]}.html"
    if not kept.exists():
        from aelib import explorer  # and torch with it, which a page from the cache can spare

        print("making the explorer, which takes a minute; it is kept for the next time")
        with tempfile.TemporaryDirectory() as folder:
            page = explorer.page(folder).read_bytes()
        for old in cache_folder().glob("explorer-*.html"):
            old.unlink(missing_ok=True)
        write_atomically(kept, page)
    return kept.read_bytes()


def write_book(
    folder: Path, course: Path = COURSE, explorer: Callable[[], bytes] = explorer_page
) -> list[Path]:
    """Write the reader's edition to `folder`, made if need be, and return its pages.

    Files that an earlier edition left there and that are no longer part of it are removed;
    everything else in the folder is left alone. Nothing is written before all pages are
    ready. Raises BookError if a notebook cannot become a chapter, or if a file in the
    folder that is not the book's has the name of one of its own.
    """
    if folder.exists() and not folder.is_dir():
        raise BookError(f"{folder} is a file; the book needs a folder")
    book = make_book(course, explorer)
    before = _contents(folder)
    strangers = [name for name in book if name not in before and (folder / name).exists()]
    if strangers:
        raise BookError(
            f"{folder} holds {strangers[0]}, which is not the book's and would be lost; "
            "name another folder"
        )
    for name, content in book.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / name, content)
    for name in before - set(book):
        (folder / name).unlink(missing_ok=True)
    write_atomically(folder / CONTENTS, json.dumps(sorted(book)).encode())
    return [folder / name for name in book if name.endswith(".html")]


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


def _contents(folder: Path) -> set[str]:
    """Return the names of the files that an earlier edition wrote to `folder`."""
    try:
        names = json.loads((folder / CONTENTS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return set()
    except ValueError:
        raise BookError(f"{folder / CONTENTS} is broken; name another folder") from None
    return {name for name in names if (folder / name).resolve().is_relative_to(folder.resolve())}
