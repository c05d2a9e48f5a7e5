"""The benchmark: what it counts, without looking at a clock."""

import json

import pytest
import torch

from aelib import AelibError
from aelib.models import Autoencoder
from aelib.workshop import benchmark, book, latency


def test_works_take_turns():
    calls = []
    seconds = benchmark.in_turns({n: lambda n=n: calls.append(n) for n in ("a", "b")}, turns=3)
    assert calls == ["a", "b"] * 3
    assert {name: len(each) for name, each in seconds.items()} == {"a": 3, "b": 3}


def test_a_ratio_is_the_median_over_turns_so_that_one_disturbance_does_not_count():
    assert benchmark._ratio([2.0, 2.0, 90.0], [1.0, 1.0, 1.0]) == 2.0


def test_the_arithmetic_of_a_step_is_counted():
    # 128 images through one linear layer of 10 x 20, forward, and twice that backward.
    layer = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 20))
    forward = 2 * 128 * 784 * 20
    # The first layer needs no gradient for its input: one product backward, not two.
    assert benchmark._flops(layer) == 2 * forward
    assert benchmark._flops(Autoencoder(16)) > 10 * forward


def test_sections_are_printed_and_written(tmp_path, monkeypatch, capsys):
    def small():
        """A small section."""
        return ["seconds"], {"something": [1.2345]}

    monkeypatch.setitem(benchmark.SECTIONS, "small", small)
    file = tmp_path / "result.json"

    def stopped():
        """One that is stopped."""
        raise KeyboardInterrupt

    monkeypatch.setitem(benchmark.SECTIONS, "stopped", stopped)
    with pytest.raises(KeyboardInterrupt):
        benchmark.benchmark(["small", "stopped"], file)
    out = capsys.readouterr().out
    assert "small: A small section." in out
    assert "1.23" in out
    written = json.loads(file.read_text())
    assert written["sections"]["small"]["rows"] == {"something": [1.2345]}
    assert written["machine"]["torch"] == torch.__version__


def test_an_unknown_section_is_named_and_nothing_is_measured():
    with pytest.raises(AelibError, match="no section speed; there are: loading"):
        benchmark.benchmark(["speed"])


def test_where_a_step_goes_adds_up():
    columns, rows = benchmark.step()
    assert columns == ["milliseconds", "% of the step"]
    parts = [rows[name][1] for name in ("batch", "forward and backward", "optimisers")]
    assert sum(parts) == pytest.approx(100)


def test_the_first_cell_of_a_notebook_imports_aelib():
    assert "from aelib import" in benchmark._first_cell(2)


def test_the_explorer_is_skipped_in_words_where_there_is_no_browser(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(latency, "BROWSERS", ("no-such-browser",))
    monkeypatch.setattr(benchmark, "SECTIONS", {"explorer": benchmark.explorer})
    measured = benchmark.benchmark(json_file=tmp_path / "result.json")
    assert "skipped: none of the browsers no-such-browser is installed" in capsys.readouterr().out
    assert measured["sections"] == {}
    assert json.loads((tmp_path / "result.json").read_text())["sections"] == {}


def test_the_explorer_is_skipped_without_playwright(monkeypatch):
    monkeypatch.setattr(latency.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(latency.NoBrowserError, match="Playwright"):
        benchmark.explorer()


def test_the_explorer_has_a_row_a_view_and_its_goal(monkeypatch):
    def found(page, views):
        assert page.read_bytes() == b"a page" and "stamp" not in views
        return {view: {"median": 1.0, "p95": 2.0} for view in views}

    monkeypatch.setattr(latency, "browser_path", lambda: "a browser")
    monkeypatch.setattr(latency, "explorer_latency", found)
    monkeypatch.setattr(book, "explorer_page", lambda: b"a page")
    columns, rows = benchmark.explorer()
    assert columns == ["median, ms", "95th percentile, ms", "goal, ms"]
    assert rows["latent"] == [1.0, 2.0, 16.0] and rows["alarms"] == [1.0, 2.0, 50.0]


def test_seconds_and_memory_are_read_where_there_is_memory_to_read():
    assert benchmark._numbers_of("1.5 20\n") == [1.5, 20.0]
    assert benchmark._numbers_of("1.5\n") == [1.5, None]
