import json
from pathlib import Path

import pytest

from aelib import zoo
from aelib.workshop import readme

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
FOUND = {"a": "| 1 |\n|---|\n| \\1 |", "b": "| 2 |"}
START = "<!-- {}: written by python -m aelib figures -->"


def page(a, b):
    return f"Words.\n\n{START.format('a')}{a}<!-- end -->\n\n{START.format('b')}{b}<!-- end -->\n"


def test_the_readmes_tables_are_those_that_the_command_writes(splits):
    assert readme.with_tables(README, readme.tables(splits)) == README, (
        "the tables of README are not those of the records; run: python -m aelib figures"
    )


def test_tables_are_written_between_their_markers_and_only_there():
    written = page(f"\n\n{FOUND['a']}\n\n", f"\n\n{FOUND['b']}\n\n")
    assert readme.with_tables(page("", "\nold\n"), FOUND) == written
    assert readme.with_tables(written, FOUND) == written


@pytest.mark.parametrize("text", ["", page("", "").replace("b:", "c:"), page("", "") * 2])
def test_a_readme_without_the_right_markers_is_refused(text):
    with pytest.raises(ValueError, match="exactly once"):
        readme.with_tables(text, FOUND)


def test_a_file_is_written_in_place(tmp_path, monkeypatch):
    monkeypatch.setattr(readme, "tables", lambda splits: FOUND)
    path = tmp_path / "README.md"
    path.write_text(page("", ""), encoding="utf-8")
    readme.write_tables(path, None)
    assert FOUND["a"] in path.read_text(encoding="utf-8")


RECORDED = json.loads((zoo.CHECKPOINTS / readme.BENCHMARK).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "content",
    ["", json.dumps(RECORDED)[:-200], "null", "[]", '{"machine": {}, "sections": {}}',
     json.dumps(RECORDED | {"sections": {"loading": RECORDED["sections"]["loading"]}}),
     json.dumps(RECORDED | {"machine": 3})],
    ids=["empty", "truncated", "null", "a list", "bare", "one section", "no machine"],
)  # fmt: skip
def test_a_benchmark_that_makes_no_table_is_named_with_its_command(content, tmp_path, monkeypatch):
    monkeypatch.setattr(zoo, "CHECKPOINTS", tmp_path)
    path = tmp_path / readme.BENCHMARK
    with pytest.raises(zoo.ModelMissingError, match="python -m aelib benchmark --json"):
        readme.benchmark_table()
    path.write_text(content)
    with pytest.raises(zoo.RecordError, match="python -m aelib benchmark --json") as caught:
        readme.benchmark_table()
    assert str(path) in str(caught.value)
