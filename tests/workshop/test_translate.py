"""The Korean edition: complete, faithful in what is no prose, and made from its catalogue."""

import nbformat
import polib
import pytest

from aelib import AelibError
from aelib.workshop import translate


def test_the_catalogue_is_complete_and_takes_over_numbers_code_links_and_tags():
    catalogue = translate.updated(translate.read_catalogue(), translate.english_texts())
    assert not translate.lacking(catalogue), "\n".join(translate.lacking(catalogue))
    known = {entry.msgid for entry in translate.read_catalogue()}
    assert known == {entry.msgid for entry in catalogue}, "python -m aelib translate"


def test_the_korean_files_are_those_that_the_command_writes():
    words = translate.words_of(translate.read_catalogue())
    for path, content in translate.korean_files(words).items():
        assert path.read_text(encoding="utf-8") == content, f"python -m aelib translate: {path}"


@pytest.mark.parametrize("path", translate.NOTEBOOKS, ids=lambda path: path.stem)
def test_a_korean_notebook_has_the_cells_code_and_outputs_of_the_english_one(path):
    english, korean = (nbformat.read(p, 4) for p in (path, translate.KOREAN / path.name))
    assert [cell.id for cell in english.cells] == [cell.id for cell in korean.cells]
    for ours, theirs in zip(english.cells, korean.cells, strict=True):
        if ours.cell_type == "code":
            assert ours.source == theirs.source
            assert [o.get("text") for o in ours.outputs] == [o.get("text") for o in theirs.outputs]
    prose = " ".join(cell.source for cell in korean.cells if cell.cell_type == "markdown")
    assert sum("가" <= mark <= "힣" for mark in prose) > len(prose) / 4


def test_blocks_are_paragraphs_rows_and_items_and_code_is_none():
    text = "# Title\n\nOne\ntwo.\n\n- first\n  goes on\n- second\n\n| a | b |\n|-|-|\n"
    text += "\n```\nx\n\ny\n```"
    found = ["# Title", "One\ntwo.", "- first\n  goes on", "- second", "| a | b |", "|-|-|"]
    assert [block for block in translate.blocks(text) if block] == found
    assert translate.in_korean(text, {"One\ntwo.": "하나"}) == text.replace("One\ntwo.", "하나")
    assert not any(map(translate.is_prose, ("`code` $x_ab$", "<br>", "a [b](c)")))
    assert translate.is_prose("as `it` is")


def test_what_scripts_say_has_numbers_for_values():
    script = "// `say` it: say`plain`; say`${n} of ${f({ a: 1 })}\\u202f%`; essay`no`"
    assert translate.said(script) == ["plain", "{0} of {1}\u202f%"]


@pytest.mark.parametrize(
    ("english", "korean", "flaw"),
    [
        ("a `b` 3", "가 `b` 3", ""),
        ("a", "", "no translation"),
        ("see 0.25", "0.52", "numbers"),
        ("`fit` it", "fit", "code"),
        ("[a](b.md)", "[가](c.md)", "links"),
        ("<b>a</b>", "<b>가", "tags"),
        ("{0} a", "가", "placeholders"),
        ("$d$ a", "d 가", "formulas"),
    ],
)
def test_a_translation_that_lost_something_is_named_and_not_shown(english, korean, flaw):
    entry = polib.POEntry(msgid=english, msgstr=korean, occurrences=[("here#7", "")])
    assert (flaw in translate.flaws(entry)[0]) if flaw else not translate.flaws(entry)
    assert bool(translate.words_of([entry])) != bool(flaw)
    assert all(line.startswith("here#7 ") for line in translate.lacking([entry]))


def test_a_changed_paragraph_shows_english_and_keeps_the_old_translation_for_review():
    old = polib.POFile()
    old.append(polib.POEntry(msgid="A code has two numbers.", msgstr="코드는 수 둘입니다."))
    new = translate.updated(old, {"A code has three numbers.": ["x"], "Other.": ["y"]})
    assert new[0].fuzzy and new[0].previous_msgid == "A code has two numbers."
    assert new[1].msgstr == "" and translate.words_of(new) == {}


def test_links_follow_headings_files_and_folders():
    places = translate.headings({"## Glossary": "## 용어"})
    text = "[a](../README.md) [b](2_latent_dimension.ipynb#Glossary) [c](../aelib/zoo.py)"
    assert translate.relinked(text, places, deeper=True) == (
        "[a](../../README.ko.md) [b](2_latent_dimension.ipynb#용어) [c](../../aelib/zoo.py)"
    )
    beside = "[a](notebooks/1_dataset.ipynb) [b](aelib/mnist/README.md)"
    said = "[a](notebooks/ko/1_dataset.ipynb) [b](aelib/mnist/README.md)"
    assert translate.relinked(beside, places) == said


def test_a_damaged_catalogue_is_said_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(translate, "COURSE", tmp_path)
    monkeypatch.setattr(translate, "CATALOGUE", tmp_path / "ko.po")
    (tmp_path / "ko.po").write_text('<<<<<<< HEAD\nmsgid "a"\nmsgstr "b"\n')
    with pytest.raises(AelibError, match=r"^ko\.po cannot be read.*line 1"):
        translate.read_catalogue()
