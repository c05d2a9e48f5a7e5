"""The benchmark: what it counts, without looking at a clock."""

import json

from aelib.workshop import benchmark


def test_works_take_turns_and_one_disturbance_does_not_count(monkeypatch):
    calls, seconds = [], iter([2, 1, 2, 1, 90, 1])
    monkeypatch.setattr(benchmark, "timeit", lambda work, number: work() or next(seconds))
    found = benchmark.in_turns(lambda: calls.append("usual"), lambda: calls.append("own"))
    assert calls == ["usual", "own"] * 3
    assert found == (2, 1, 2)


def test_sections_are_printed_and_written(tmp_path, monkeypatch, capsys):
    def small():
        """A small section."""
        return {"something": [1.2345]}

    monkeypatch.setattr(benchmark, "SECTIONS", {small: ["seconds"]})
    benchmark.benchmark(tmp_path / "result.json")
    out = capsys.readouterr().out
    assert "small: A small section." in out and "1.23" in out
    written = json.loads((tmp_path / "result.json").read_text())
    assert written["sections"] == {"small": {"columns": ["seconds"], "rows": small()}}
    assert {"processor", "cores", "load", "python", "torch"} <= set(written["machine"])
