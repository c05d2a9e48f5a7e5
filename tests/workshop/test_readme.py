from pathlib import Path

import pytest

from aelib.workshop import readme

ROOT = Path(__file__).parents[2]
RESULTS = (ROOT / "RESULTS.md").read_text(encoding="utf-8")
FOUND = {"a": "| 1 |\n|---|\n| \\1 |", "b": "| 2 |"}
START = "<!-- {}: written by python -m aelib figures -->"


def page(a, b):
    return f"Words.\n\n{START.format('a')}{a}<!-- end -->\n\n{START.format('b')}{b}<!-- end -->\n"


def test_the_tables_of_results_are_those_that_the_command_writes(splits):
    assert readme.with_tables(RESULTS, readme.tables(splits)) == RESULTS, (
        "the tables of RESULTS are not those of the records; run: python -m aelib figures"
    )


def test_tables_are_written_between_their_markers_and_only_there():
    written = page(f"\n\n{FOUND['a']}\n\n", f"\n\n{FOUND['b']}\n\n")
    assert readme.with_tables(page("", "\nold\n"), FOUND) == written


@pytest.mark.parametrize("text", ["", page("", "").replace("b:", "c:"), page("", "") * 2])
def test_a_page_without_the_right_markers_is_refused(text):
    with pytest.raises(AssertionError, match="exactly once"):
        readme.with_tables(text, FOUND)
