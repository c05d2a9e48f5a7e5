"""The benchmark: what it counts, without looking at a clock."""

import json
import sys

import nbformat
import pytest
import torch
from nbformat.v4 import new_code_cell, new_notebook

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
    assert benchmark._numbers("print(1.5, 20)") == [1.5, 20.0]
    assert benchmark._numbers("print(1.5, '')") == [1.5, None]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell")
def test_a_notebooks_memory_is_that_of_its_kernel_alone(tmp_path):
    path = tmp_path / "small.ipynb"
    cell = new_code_cell("held = b'x' * 100_000_000", id="only")
    nbformat.write(new_notebook(cells=[cell]), path)
    before = path.read_bytes()
    seconds, megabytes = benchmark._numbers(benchmark._RUN_NOTEBOOK, path)
    assert seconds > 0 and 100 < megabytes < 250, "the process that executes it takes more"
    assert path.read_bytes() == before


def test_growth_takes_turns_and_shows_medians(monkeypatch):
    calls = []

    def numbers(code, *arguments):
        calls.append(arguments)
        return [calls.count(arguments), None if arguments == ("1",) else 100 * len(arguments)]

    monkeypatch.setattr(benchmark, "_numbers", numbers)
    _, rows = benchmark.growth()
    assert len(calls) == 3 * len(rows) and calls[: len(rows)] == calls[len(rows) : 2 * len(rows)]
    assert rows["d = 2, 5,000 images"] == [2, 200] and rows["two epochs, one process"] == [2, None]


def test_the_quality_is_timed_in_turns_with_the_fewest_epochs_that_reach_it(monkeypatch):
    calls = []
    monkeypatch.setattr(benchmark, "_original_epoch", lambda: lambda: calls.append("original"))
    monkeypatch.setattr(benchmark, "_trained", lambda splits, epochs: calls.append(epochs))
    errors = iter((0.01, 0.0079))
    monkeypatch.setattr(benchmark, "evaluate", lambda model, images: next(errors))
    _, rows = benchmark.quality()
    assert calls == [1, 2] + ["original", 2] * 3
    assert rows["the course's recipe"][0] == 2 and rows["the course's recipe"][2] == 0.0079


# --- The file --------------------------------------------------------------------------------


@pytest.fixture
def two_sections(monkeypatch):
    """A benchmark of two sections; returns how often each was measured."""
    measured = {"first": 0, "second": 0}

    def section(name):
        def measure():
            """A section."""
            measured[name] += 1
            return ["times"], {name: [measured[name]]}

        return measure

    monkeypatch.setattr(benchmark, "SECTIONS", {name: section(name) for name in measured})
    return measured


def test_measuring_a_section_keeps_the_others_of_this_machine(tmp_path, two_sections):
    file = tmp_path / "result.json"
    benchmark.benchmark(json_file=file)
    busy = json.loads(file.read_text())
    busy["machine"]["load"] = 1e6
    file.write_text(json.dumps(busy))
    benchmark.benchmark(["second"], file)
    written = json.loads(file.read_text())
    rows = {name: section["rows"] for name, section in written["sections"].items()}
    assert rows == {"first": {"first": [1]}, "second": {"second": [2]}}
    assert written["machine"]["load"] == 1e6, "the first section was measured under that load"


@pytest.mark.parametrize(
    "content", ["", "[1]", "3", "null", '{"machine": 3}', '{"sections": {}}',
                '{"machine": {"torch": "0.4"}, "sections": {"first": {}}}']
)  # fmt: skip
def test_a_file_of_something_else_is_replaced_only_by_a_whole_benchmark(
    content, tmp_path, two_sections
):
    file = tmp_path / "result.json"
    file.write_text(content)
    with pytest.raises(AelibError, match="would lose its other sections") as caught:
        benchmark.benchmark(["first"], file)
    assert str(file) in str(caught.value) and f"{torch.__version__} here" in str(caught.value)
    assert two_sections["first"] == 0 and file.read_text() == content
    benchmark.benchmark(json_file=file)
    assert set(json.loads(file.read_text())["sections"]) == {"first", "second"}


def test_the_file_may_be_in_the_home_folder(tmp_path, two_sections, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    benchmark.benchmark(json_file="~/result.json")
    assert (tmp_path / "result.json").exists()


def test_a_place_that_cannot_be_written_is_said_before_the_first_section(tmp_path, two_sections):
    (tmp_path / "file").write_text("mine")
    for place, said in ((tmp_path, "is a folder"), (tmp_path / "file" / "x", "could not be")):
        with pytest.raises(AelibError, match=said) as caught:
            benchmark.benchmark(json_file=place)
        assert str(tmp_path) in str(caught.value)
    assert two_sections == {"first": 0, "second": 0}
