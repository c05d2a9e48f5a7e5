import base64
import hashlib
import json
import os
import re
from collections import Counter
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, writes

import aelib
from aelib.__main__ import main
from aelib.files import FileError, write_atomically
from aelib.workshop import book
from aelib.workshop.book import BookError, write_book
from aelib.workshop.chapter import formula, highlighted, read_chapter
from aelib.workshop.notebooks import NotebookError

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PICTURE = base64.b64encode(PNG).decode()
README = """
| | the question | reading |
|---|---|---|
| [1 · One](notebooks/1_one.ipynb) | What is one? | 5 min |

<img src="images/latent_all.png" width="560" alt="Ten &quot;digits&quot;.">
"""
WIDGET = "application/vnd.jupyter.widget-view+json"


def stub():
    return b"<!doctype html><html lang='en'><title>e</title><body><h1>Explorer</h1></body></html>"


def code(source="x = 1", outputs=(), **metadata):
    return new_code_cell(source, outputs=list(outputs), execution_count=1, metadata=metadata)


def shown(data, **metadata):
    return new_output("display_data", data, metadata=metadata)


def text(printed):
    return new_output("stream", name="stdout", text=printed)


@pytest.fixture
def course(tmp_path):
    """A course of two small notebooks."""
    root = tmp_path / "course"
    (root / "notebooks").mkdir(parents=True)
    (root / "images").mkdir()
    (root / "images" / "latent_all.png").write_bytes(PNG)
    (root / "README.md").write_text(README, encoding="utf-8")
    write(root, "1_one", code(outputs=[text("hello\n")]))
    write(root, "2_two")
    return root


def write(course, name, *cells, title="# 1 · One"):
    notebook = new_notebook(cells=[new_markdown_cell(title), *cells])
    path = course / "notebooks" / f"{name}.ipynb"
    path.write_text(writes(notebook), encoding="utf-8")
    return path


def page_of(course, *cells):
    """The page of notebook 1 with these cells."""
    write(course, "1_one", *cells)
    return book.make_book(course, stub)["1_one.html"].decode()


class Reader(HTMLParser):
    """What a page refers to, and what refers to it."""

    def __init__(self, page):
        super().__init__()
        self.ids, self.links, self.pictures, self.headings = [], [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if "id" in attrs:
            self.ids.append(attrs["id"])
        if tag == "img":
            self.pictures.append(attrs)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.links += [attrs[name] for name in ("href", "src") if name in attrs]


@pytest.fixture(scope="module")
def edition(tmp_path_factory):
    """The reader's edition of the course itself, without the explorer, as it is quick to make."""
    folder = tmp_path_factory.mktemp("book")
    write_book(folder, explorer=stub)
    return folder


@pytest.fixture(scope="module")
def pages(edition):
    return {path.name: Reader(path.read_text(encoding="utf-8")) for path in edition.glob("*.html")}


# --- The course's own pages -------------------------------------------------------------------


def test_the_book_holds_an_index_every_notebook_and_the_explorer(pages):
    notebooks = (book.COURSE / "notebooks").glob("*.ipynb")
    expected = {"index.html", "explorer.html", *(f"{path.stem}.html" for path in notebooks)}
    assert set(pages) == expected


def test_every_link_leads_somewhere_in_the_folder_or_is_a_reference_to_the_web(edition, pages):
    for name, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme in ("https", "http", "data"):
                continue
            target = unquote(parts.path) or name
            assert (edition / target).is_file(), f"{name} links to {link}"
            if parts.fragment:
                assert unquote(parts.fragment) in pages[target].ids, f"{name} links to {link}"


def test_nothing_on_a_page_is_loaded_from_elsewhere(edition):
    for path in edition.glob("*.html"):
        page = re.sub(r"<a\b[^>]*>", "", path.read_text(encoding="utf-8"))
        assert not re.search(r"<[^>]*\b(src|href)=.https?:", page), path.name
    assert "http" not in (edition / "book.css").read_text(encoding="utf-8")


def test_every_picture_has_a_text_alternative_and_no_id_stands_twice(pages):
    for name, page in pages.items():
        assert all(picture.get("alt") for picture in page.pictures), name
        assert [id_ for id_, count in Counter(page.ids).items() if count > 1] == [], name


def test_every_picture_of_a_notebook_is_in_its_page(edition, pages):
    for path in (book.COURSE / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        outputs = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
        count = sum("image/png" in data or "text/html" in data for data in outputs)
        assert len(pages[f"{path.stem}.html"].pictures) >= count > 0


def test_headings_come_in_order(pages):
    for name, page in pages.items():
        assert page.headings[0] == 1 and page.headings.count(1) == 1, name
        steps = zip(page.headings, page.headings[1:], strict=False)
        assert all(after <= before + 1 for before, after in steps), name


def test_solutions_are_folded_with_their_outputs(edition):
    for path in (book.COURSE / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        solutions = [c for c in cells if "solution" in c["metadata"].get("tags", [])]
        page = (edition / f"{path.stem}.html").read_text(encoding="utf-8")
        # To a string that occurs in none, so that nested details do not end a solution.
        folded = "".join(
            re.findall(r'<details class="solution">.*?(?=<h2|<p><strong>\d)', page, re.S)
        )
        assert folded.count('<pre class="code">') >= len(solutions) > 0
        assert "open" not in re.findall(r"<details([^>]*)>", page)


# --- What becomes of a cell ------------------------------------------------------------------


def test_a_picture_keeps_its_size_and_its_text_alternative(course):
    page = page_of(course, code(outputs=[shown({"image/png": PICTURE})], alt='A "dot".'))
    assert 'alt="A &#34;dot&#34;."' in page and 'width="1" height="1"' in page
    about = {"image/png": {"alt": "Said beside it.", "width": 40, "height": 40}}
    page = page_of(course, code(outputs=[shown({"image/png": PICTURE}, **about)], alt="Not this."))
    assert 'alt="Said beside it." width="40" height="40"' in page


def test_a_caption_joins_the_picture_before_it(course):
    picture = code(outputs=[shown({"image/png": PICTURE})], alt="A dot.")
    caption = new_markdown_cell("*Figure 1.1. A dot of *d* parts, see `x`.*\n\nAnd on it goes.")
    page = page_of(course, picture, caption)
    figure = re.search(r"<figure>.*?</figure>(.*)", page, re.S)
    assert "<figcaption>Figure 1.1. A dot of" in figure.group()
    assert "And on it goes" in figure.group(1) and page.count("Figure 1.1") == 1


def test_html_goes_through_as_it_is_and_comes_before_its_picture(course):
    live = '<div><img src="data:," alt="still"><script type="module">let a = "<b>";</script></div>'
    page = page_of(course, code(outputs=[shown({"text/html": live, "image/png": PICTURE})]))
    assert live in page and "pictures/1_one" not in page


def test_a_widget_falls_back_to_its_picture_and_without_one_to_a_sentence(course):
    widget = {WIDGET: {"model_id": "0"}, "text/plain": "HBox(children=())"}
    page = page_of(course, code(outputs=[shown(widget | {"image/png": PICTURE})], alt="Still."))
    assert 'alt="Still."' in page and "running Python" not in page and "HBox" not in page
    page = page_of(course, code(outputs=[shown(widget)]))
    assert "running Python" in page and "HBox" not in page


def test_printed_text_is_shown_and_not_taken_for_markup(course):
    page = page_of(course, code(outputs=[text("a <b> & \x1b[31mred\x1b[0m\n")]))
    assert '<pre class="output">a &lt;b&gt; &amp; red</pre>' in page


def test_a_solution_is_one_fold_named_by_its_exercise(course):
    page = page_of(
        course,
        new_markdown_cell("**1.** First?\n\n**2.** Second?"),
        new_markdown_cell("Because.", metadata={"tags": ["solution"]}),
        code("y = 2", [text("two\n")], tags=["solution"], jupyter={"source_hidden": True}),
        new_markdown_cell("After."),
    )
    fold = re.search(r'<details class="solution">(.*?)</details>', page, re.S).group(1)
    assert "<summary>Solution 2</summary>" in fold and "Because." in fold and "two" in fold
    assert "After." not in fold


def test_hidden_parts_of_other_cells_are_folded_one_by_one(course):
    page = page_of(course, code("y = 2", [text("two\n")], jupyter={"source_hidden": True}))
    fold = re.search(r'<details class="folded">(.*?)</details>', page, re.S).group(1)
    assert "The code" in fold and "two" not in fold
    page = page_of(course, code("y = 2", [text("two\n")], jupyter={"outputs_hidden": True}))
    fold = re.search(r'<details class="folded">(.*?)</details>', page, re.S).group(1)
    assert "two" in fold and 'class="code"' not in fold


def test_an_answer_to_fold_out_stays_as_it_was_written(course):
    answer = "<details><summary>One answer</summary>The 1.</details>"
    page = page_of(course, new_markdown_cell(f"**Predict.** Which?\n\n{answer}"))
    assert '<p class="predict">' in page and answer in page


def test_links_between_notebooks_lead_to_pages(course):
    links = "[a](2_two.ipynb) [b](2_two.ipynb#2-%C2%B7-Two) [c](../README.md) [d](https://a.b/c)"
    page = page_of(course, new_markdown_cell(f"{links} [e](#here) [f](../notebooks)\n\n## here"))
    for link in ("2_two.html", "2_two.html#2-%C2%B7-Two", "index.html", "https://a.b/c", "#here"):
        assert f'href="{link}"' in page
    assert '<span class="file">f</span>' in page  # no page, so no link


def test_pictures_of_the_text_come_along(course):
    cell = new_markdown_cell(
        '![dots](../images/latent_all.png)\n\n<p><img src="../images/latent_all.png" alt="too"></p>'
        "\n\n![held](attachment:dot.png)",
        attachments={"dot.png": {"image/png": PICTURE}},
    )
    write(course, "1_one", cell)
    made = book.make_book(course, stub)
    assert made["1_one.html"].count(b'src="pictures/latent_all.png"') == 2
    assert made["pictures/dot.png"] == PNG


def test_equal_headings_get_addresses_of_their_own(course):
    page = page_of(course, new_markdown_cell("## A `b`\n\n## A b"))
    assert 'id="A-b"' in page and 'id="A-b-2"' in page
    assert 'href="#A-b-2"' in page


def test_a_formula_is_drawn_and_said():
    drawn = formula(r"\frac{1}{n}\sum x^2")
    assert 'role="img"' in drawn and r'aria-label="\frac{1}{n}\sum x^2"' in drawn
    numbers = [float(n) for n in re.search('viewBox="([^"]+)"', drawn).group(1).split()]
    assert numbers[1] < 0 < numbers[1] + numbers[3]  # it stands on the line, and goes below it


def test_code_of_an_unknown_language_is_shown_plainly():
    assert highlighted("a < b", "klingon") == '<pre class="code"><code>a &lt; b</code></pre>\n'
    assert '<span class="k">' in highlighted("for x in y: pass", "python")


def test_the_first_page_has_the_questions_and_the_picture_of_the_readme(course):
    page = book.make_book(course, stub)["index.html"].decode()
    assert "What is one?" in page and "5 min" in page
    assert 'alt="Ten &#34;digits&#34;."' in page
    (course / "README.md").write_text(README.replace("| [1", "- [1"), encoding="utf-8")
    assert "1 · One" in book.make_book(course, stub)["index.html"].decode()


def test_the_explorer_leads_back_and_is_made_anew_only_when_its_parts_have_changed(
    course, tmp_path, monkeypatch
):
    made = []

    def page(folder):
        made.append(folder)
        target = Path(folder) / "explorer.html"
        target.write_bytes(stub())
        return target

    package = tmp_path / "aelib"
    (package / "explorer").mkdir(parents=True)
    module = package / "explorer" / "__init__.py"
    module.write_text("1")
    monkeypatch.setattr(aelib, "explorer", SimpleNamespace(page=page), raising=False)
    monkeypatch.setattr(book, "PACKAGE", package)
    monkeypatch.setenv("AELIB_CACHE", str(tmp_path / "cache"))
    for _ in range(2):
        page = book.make_book(course, book.explorer_page)["explorer.html"].decode()
        assert '<a href="index.html">' in page and "<h1>Explorer</h1>" in page
    assert len(made) == 1
    module.write_text("2")
    book.explorer_page()
    assert len(made) == 2 and len(list((tmp_path / "cache").glob("explorer-*"))) == 1
    (kept,) = (tmp_path / "cache").glob("explorer-*")
    whole = kept.read_bytes()
    for number, damaged in enumerate((b"", whole[:-1], b"x" + whole, stub()), start=3):
        kept.write_bytes(damaged)
        assert book.explorer_page() == stub() and len(made) == number
        assert kept.read_bytes() == whole


# --- Bad notebooks ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cells, message",
    [
        ([new_code_cell("x = 1")], "cell 1.*has not been run"),
        ([code(outputs=[new_output("error", ename="ValueError", evalue="no", traceback=[])])],
         "cell 1.*failed.*ValueError: no"),
        ([code(outputs=[shown({"image/png": PICTURE})])], "cell 1.*text alternative"),
        ([new_markdown_cell("![](../images/latent_all.png)")], "cell 1.*text alternative"),
        ([new_markdown_cell('<img src="../images/latent_all.png">')], "text alternative"),
        ([new_markdown_cell("[x](9_nine.ipynb)")], "links to 9_nine.ipynb, which is not there"),
        ([new_markdown_cell("![x](no.png)")], "shows no.png"),
        ([new_markdown_cell("![x](https://a.b/c.png)")], "not a picture in this folder"),
        ([new_markdown_cell("![x](attachment:no.png)")], "attachment no.png"),
        ([new_markdown_cell(r"$\nonsense{x}$")], r"cell 1.*formula"),
        ([new_markdown_cell("# A second title")], "one heading of level 1"),
    ],
)  # fmt: skip
def test_a_bad_cell_is_named(course, cells, message):
    write(course, "1_one", *cells)
    with pytest.raises(BookError, match=f"1_one.ipynb.*{message}"):
        book.make_book(course, stub)


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"cells": 3}', b"\xff\xfe", b""])
def test_a_file_that_is_no_notebook_is_named(course, content):
    (course / "notebooks" / "2_two.ipynb").write_bytes(content)
    with pytest.raises(NotebookError, match=r"2_two.ipynb is not a notebook"):
        book.make_book(course, stub)


def test_a_folder_without_notebooks_is_named(tmp_path):
    with pytest.raises(BookError, match="no notebooks"):
        book.make_book(tmp_path, stub)


# --- The folder ------------------------------------------------------------------------------


def test_what_was_in_the_folder_stays_and_what_the_book_no_longer_needs_goes(course, tmp_path):
    folder = tmp_path / "some" / "where"
    picture = code(outputs=[shown({"image/png": PICTURE})], alt="A dot.")
    write(course, "1_one", picture)
    write_book(folder, course, stub)
    (folder / "notes.txt").write_text("mine")
    assert (folder / "pictures" / "1_one-01.png").exists()
    write(course, "1_one")
    write_book(folder, course, stub)
    assert (folder / "notes.txt").read_text() == "mine"
    assert not (folder / "pictures" / "1_one-01.png").exists()


def test_a_file_that_is_not_the_books_is_never_overwritten(course, tmp_path):
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(BookError, match=r"index\.html, which is not the book's"):
        write_book(tmp_path, course, stub)
    assert (tmp_path / "index.html").read_text() == "mine"
    assert not (tmp_path / "1_one.html").exists()
    with pytest.raises(BookError, match="is a file"):
        write_book(tmp_path / "index.html", course, stub)


def test_a_bad_notebook_leaves_the_last_edition_as_it_was(course, tmp_path):
    folder = tmp_path / "book"
    write_book(folder, course, stub)
    before = (folder / "2_two.html").read_bytes()
    write(course, "1_one", new_code_cell("x = 1"))
    write(course, "2_two", title="# New")
    with pytest.raises(BookError):
        write_book(folder, course, stub)
    assert (folder / "2_two.html").read_bytes() == before


def sum_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.skipif(os.name == "nt", reason="makes a symbolic link")
def test_only_what_the_book_wrote_and_nobody_changed_is_ever_removed(course, tmp_path):
    folder, elsewhere = tmp_path / "book", tmp_path / "elsewhere"
    for place in (folder, elsewhere):
        place.mkdir()
    for path in (tmp_path / "outside", elsewhere / "linked", folder / "notes", folder / "changed"):
        path.write_text("mine")
    (folder / "link").symlink_to(elsewhere)
    (folder / "ours").write_text("the book's")
    listed = {
        "../outside": sum_of(tmp_path / "outside"),
        str(tmp_path / "outside"): sum_of(tmp_path / "outside"),
        "link/linked": sum_of(elsewhere / "linked"),
        "changed": hashlib.sha256(b"as it was").hexdigest(),
        "ours": sum_of(folder / "ours"),
        "": "0", ".": "0", "gone": "0", "link": "0",
    }  # fmt: skip
    (folder / book.CONTENTS).write_text(json.dumps(listed))
    write_book(folder, course, stub)
    kept = (tmp_path / "outside", elsewhere / "linked", folder / "notes", folder / "changed")
    assert all(path.read_text() == "mine" for path in kept)
    assert not (folder / "ours").exists()


@pytest.mark.parametrize(
    "listed", ["[1]", "3", "null", '"notes.txt"', '["notes.txt"]', '{"notes.txt": 1}', "{", "\xff"]
)
def test_a_list_that_is_not_the_books_is_refused_before_anything_is_done(listed, course, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / book.CONTENTS).write_text(listed, encoding="latin-1")
    with pytest.raises(BookError, match="delete the folder, else name another") as caught:
        write_book(tmp_path, course, lambda: pytest.fail("it began"))
    assert str(tmp_path / book.CONTENTS) in str(caught.value)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert not (tmp_path / "index.html").exists()


def test_a_page_that_was_changed_since_is_not_written_over(course, tmp_path):
    folder = tmp_path / "book"
    write_book(folder, course, stub)
    (folder / "index.html").write_text("mine")
    with pytest.raises(BookError, match=r"index\.html.*changed since"):
        write_book(folder, course, stub)
    assert (folder / "index.html").read_text() == "mine"


def test_a_build_that_was_killed_is_completed_by_the_next(course, tmp_path, monkeypatch):
    folder = tmp_path / "book"

    def killed(path, content):
        if path.name == "2_two.html":
            raise KeyboardInterrupt
        return write_atomically(path, content)

    with monkeypatch.context() as context:
        context.setattr(book, "write_atomically", killed)
        with pytest.raises(KeyboardInterrupt):
            write_book(folder, course, stub)
    assert (folder / "index.html").exists() and not (folder / book.CONTENTS).exists()
    assert (folder / "2_two.html") in write_book(folder, course, stub)


def test_a_folder_may_begin_with_the_home_folder(course, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(course)
    assert write_book("~/edition", course, stub)[0] == tmp_path / "edition" / "index.html"
    assert not Path("~").exists()
    with pytest.raises(FileError, match="no such home folder"):
        write_book("~nobody-of-that-name/edition", course, stub)


def test_the_same_notebooks_give_the_same_files(course):
    assert book.make_book(course, stub) == book.make_book(course, stub)


def test_a_notebook_becomes_a_chapter_with_its_sections(course):
    path = write(course, "1_one", new_markdown_cell("## A & B\n\n### C"))
    chapter = read_chapter(path, {"1_one.ipynb"})
    assert [(section.level, section.id) for section in chapter.sections] == [
        (1, "1-·-One"),
        (2, "A-&-B"),
        (3, "C"),
    ]
    assert chapter.sections[1].link == "#A-%26-B"


def test_the_command_says_what_to_open_and_what_is_wrong_in_one_line(
    course, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(book, "write_book", partial(write_book, course=course, explorer=stub))
    folder = tmp_path / "book"
    assert main(["book", str(folder)]) == 0
    assert str(folder / "index.html") in capsys.readouterr().out
    write(course, "1_one", new_code_cell("x = 1"))
    assert main(["book", str(folder)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
