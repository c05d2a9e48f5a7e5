import base64
import re
from html import escape
from itertools import pairwise
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from bs4 import BeautifulSoup

from aelib import AelibError, explorer
from aelib.workshop import book

FRONT = "<p>alive: front</p>"
PATHS = sorted((book.COURSE / "notebooks").glob("*.ipynb"))
NOTEBOOKS = {f"{path.stem}.html": nbformat.read(path, as_version=4) for path in PATHS}


def words(text):
    return " ".join(text.split())


@pytest.fixture(scope="module", autouse=True)
def asked():
    """What is asked of the explorer, which is tested elsewhere and gives its place alone here."""
    calls = []

    def html(*views, still, alt, **options):
        calls.append((list(views), still, alt))
        return f'<p><img src="data:," alt="{escape(alt)}">alive: {" ".join(views)}</p>'

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(explorer, "html", html)
        patch.setattr(explorer, "explore", lambda *v, **o: SimpleNamespace(html=lambda: FRONT))
        patch.setattr(explorer, "page", lambda: "<body><h1>Explorer</h1></body>")
        yield calls


@pytest.fixture(scope="module")
def edition(asked, tmp_path_factory):
    """The book of the course, in its folder, and its pages."""
    folder = tmp_path_factory.mktemp("book")
    paths = book.write_book(folder)
    return folder, {p.name: BeautifulSoup(p.read_bytes(), "html.parser") for p in paths}


def test_every_link_leads_somewhere_and_nothing_is_loaded_from_elsewhere(edition):
    folder, pages = edition
    english = {"index.html", "explorer.html", *NOTEBOOKS}
    english |= {f"{name.lower()}.html" for name in book.PAGES}
    assert set(pages) == english | {name.replace(".html", ".ko.html") for name in english}
    for name, page in pages.items():
        for element in page.select("[href], [src]"):
            parts = urlsplit(element.get("href") or element["src"])
            if parts.scheme == "data" or (element.name == "a" and parts.scheme == "https"):
                continue
            target = unquote(parts.path) or name
            assert not parts.scheme and (folder / target).is_file(), f"{name}: {element}"
            if parts.fragment and not target.startswith("explorer"):  # there it says what to show
                assert pages[target].find(id=unquote(parts.fragment)), f"{name}: {element}"
    assert "http" not in (folder / "book.css").read_text(encoding="utf-8")


def test_every_picture_has_a_text_alternative_no_id_stands_twice_headings_come_in_order(edition):
    for name, page in edition[1].items():
        alts = [picture.get("alt", "") for picture in page.select("img")]
        assert all(alts) and not any("No description" in alt for alt in alts), name
        ids = [element["id"] for element in page.select("[id]")]
        assert len(ids) == len(set(ids)), name
        levels = [int(heading.name[1]) for heading in page.select("h1, h2, h3, h4")]
        assert levels[0] == 1 and levels.count(1) == 1, name
        assert all(b <= a + 1 for a, b in pairwise(levels)), name


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_all_that_a_notebook_shows_is_in_its_page_with_explorers_alive(name, edition, asked):
    page, cells = edition[1][name], NOTEBOOKS[name].cells
    text, outputs = words(page.get_text()), [o for cell in cells for o in cell.get("outputs", [])]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert all(words(each.text) in text for each in outputs if each.output_type == "stream")
    assert len(page.select("figure img")) == len(pictures) > 0
    for output in pictures:
        if views := output.metadata.get("explorer", {}).get("views"):
            still, alt = base64.b64decode(output.data["image/png"]), output.metadata["image/png"]
            assert (views, still, alt["alt"]) in asked and f"alive: {' '.join(views)}" in text
    captions = [c.get_text() for c in page.select("figure > figcaption")]
    figures = [cell for cell in cells if cell.source.startswith("*Figure")]
    assert len(figures) == sum(words(caption).startswith("Figure") for caption in captions) > 0


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_solutions_are_folded_by_exercise_and_other_hidden_parts_alone(name, edition):
    page, cells = edition[1][name], NOTEBOOKS[name].cells
    tagged = [cell for cell in cells if "solution" in cell.metadata.get("tags", [])]
    solutions = page.select("details.solution")
    assert sum(len(fold.select(".input")) for fold in solutions) == len(tagged) > 0
    names = [fold.summary.get_text() for fold in solutions]
    assert names == [f"Solution {number}" for number in range(1, len(names) + 1)]
    hidden = [cell.metadata.get("jupyter", {}) for cell in cells if cell not in tagged]
    folds = [fold.summary.get_text() for fold in page.select("details.folded")]
    assert folds.count("The code") == sum(bool(each.get("source_hidden")) for each in hidden)
    assert folds.count("What it shows") == sum(bool(each.get("outputs_hidden")) for each in hidden)
    assert not page.select("details[open]")


def test_the_first_page_has_the_questions_of_the_readme_and_a_pad(edition):
    page, readme = edition[1]["index.html"], (book.COURSE / "README.md").read_text("utf-8")
    questions = [each.get_text() for each in page.select(".chapters p:not(.time)")]
    assert len(questions) == len(NOTEBOOKS) + 1
    assert all(f"| {question} |" in readme for question in questions[:-1])
    assert page.select_one(".live").get_text() == "alive: front"


def test_named_chapters_and_sections_are_links_and_words_for_runners_are_gone():
    chapter = book.Chapter("2_latent", "", "2", [("#29-Digits", "2.9 <i>Digits</i>")])
    rest = "section 2.95; notebook 7</p><a>notebook 2</a><pre>section 2.9</pre>"
    assert book._linked(f"<p>Notebook 2, section 2.9; {rest}", [chapter]) == (
        '<p><a href="2_latent.html">Notebook 2</a>, '
        f'<a href="2_latent.html#29-Digits">section 2.9</a>; {rest}'
    )
    run = "<p>See. <!-- run -->Run this cell.<!-- /run --></p>"
    assert book.mended(run) == "<p>See. </p>"


def test_no_line_of_a_korean_page_is_left_in_english(edition):
    korean = {name: page for name, page in edition[1].items() if ".ko." in name}
    for name, page in korean.items():
        assert page.html is None or page.html["lang"] == "ko"
        for element in page.select("p, li, td, th, h1, h2, h3, h4, summary, figcaption, button"):
            if element.select("p, li, [href*=doi], [href*=arxiv]"):
                continue  # a source keeps its title
            parts = [part for part in element.strings if not part.find_parent(["code", "pre"])]
            text = words("".join(parts))
            text = "" if re.search(r"\((19|20)\d\d\)\. ", text) else text  # a source, too
            english = re.search(r"[A-Za-z]{2,} [a-z]{2,} [A-Za-z]{2,}", text)
            assert not english or re.search("[가-힣]", text), f"{name}: {text}"


def test_somebody_elses_page_is_not_written_over(tmp_path):
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(AelibError, match="name another folder"):
        book.write_book(tmp_path)
    assert (tmp_path / "index.html").read_text() == "mine"
