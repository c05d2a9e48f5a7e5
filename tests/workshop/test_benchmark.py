"""The benchmark: what it counts, without looking at a clock."""

import json

from aelib.workshop import benchmark


def test_works_take_turns_and_one_disturbance_does_not_count(monkeypatch):
    calls, seconds = [], iter([2, 1, 2, 1, 90, 1])
    monkeypatch.setattr(benchmark, "timeit", lambda work, number: work() or next(seconds))
    found = benchmark.in_turns(lambda: calls.append("usual"), lambda: calls.append("own"))
    assert calls == ["usual", "own"] * 3
    assert found == (2, 1, 2)


def test_the_quality_is_timed_with_the_fewest_epochs_that_reach_it(monkeypatch):
    calls, errors = [], iter((0.01, 0.0079))
    monkeypatch.setattr(benchmark, "_original_epoch", lambda: lambda: calls.append("original"))
    monkeypatch.setattr(benchmark, "fit_to_the_end", lambda *given: calls.append(given[-1].epochs))
    monkeypatch.setattr(benchmark, "evaluate", lambda model, images: next(errors))
    rows = benchmark.quality()
    assert calls == [1, 2] + ["original", 2] * 3
    assert rows["the original's loop"][0] == 50 and rows["the course's recipe"][0] == 2


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
