import io
import subprocess
import sys
from pathlib import Path

import pytest

from aelib import AelibError, zoo
from aelib import __main__ as command_line
from aelib.__main__ import main
from aelib.workshop import benchmark, book, cluster, figures, notebooks, readme, sweep


def test_list_shows_every_experiment_and_how_far_it_is(capsys):
    assert main(["list", "latent/1*"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == zoo.match("latent/1*")
    assert all("of 5 seeds" in line for line in lines)


def test_train_passes_its_patterns_and_jobs_on(monkeypatch, capsys):
    asked = []

    def train(*arguments, **options):
        asked.append((*arguments, options))
        return []

    monkeypatch.setattr(sweep, "train", train)
    assert main(["train", "latent/*", "judge", "--jobs", "2"]) == 0
    assert main(["train", "--only-train"]) == 0
    assert asked == [(["latent/*", "judge"], 2, {"measure": True}), ([], 1, {"measure": False})]
    assert "nothing to do" in capsys.readouterr().out


def test_a_wrong_pattern_is_an_error_in_words(capsys):
    assert main(["train", "nothing/*"]) == 1
    said = capsys.readouterr().err
    assert "no experiment matches 'nothing/*'" in said and "Traceback" not in said


def test_a_bug_keeps_its_traceback(monkeypatch):
    def buggy(*_, **__):
        raise ValueError("a bug")

    monkeypatch.setattr(sweep, "train", buggy)
    with pytest.raises(ValueError, match="a bug"):
        main(["train"])


def test_jobs_must_be_a_number_from_one_up(capsys):
    for wrong in ("0", "-1", "two"):
        with pytest.raises(SystemExit):
            main(["train", "--jobs", wrong])
        assert f"must be a whole number from 1 up, got '{wrong}'" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--jobs", "2"], ["--only-train"]])
def test_what_a_cluster_would_ignore_is_refused(option, monkeypatch, capsys):
    monkeypatch.setattr(cluster, "train", lambda *_: pytest.fail("it trained"))
    assert main(["train", "--dask", "tcp://there:1", *option]) == 1
    assert f"{option[0]} is for this machine's processes" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["train", "--dask"], ["benchmark", "--json"], ["book"], ["notebooks"]]
)
@pytest.mark.parametrize("blank", ["", " "])
def test_a_variable_that_is_not_set_is_refused(arguments, blank, monkeypatch, capsys):
    for module, name in (
        (cluster, "train"),
        (sweep, "train"),
        (benchmark, "benchmark"),
        (book, "write_book"),
        (notebooks, "execute"),
    ):
        monkeypatch.setattr(module, name, lambda *_, **__: pytest.fail("it was run"))
    with pytest.raises(SystemExit):
        main([*arguments, blank])
    assert "must not be empty; was a variable not set?" in capsys.readouterr().err


def test_listing_needs_nothing_of_the_workshop():
    script = (
        "import sys; from aelib.__main__ import main; main(['list', 'judge']);"
        "assert 'aelib.workshop' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_ctrl_c_says_whether_the_next_call_goes_on(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(sweep, "train", interrupted)
    for name in ("save_step_sizes", "save_costs"):
        monkeypatch.setattr(sweep, name, interrupted)
    assert main(["train"]) == main(["tune"]) == 130
    assert capsys.readouterr().err.count("the same command goes on from here") == 2
    assert main(["costs"]) == 130
    assert "the same command begins anew" in capsys.readouterr().err


def test_notebooks_executes_those_that_are_named(monkeypatch, tmp_path):
    done = []
    monkeypatch.setattr(notebooks, "execute", done.append)
    assert main(["notebooks", str(tmp_path / "a.ipynb")]) == 0
    assert done == [tmp_path / "a.ipynb"]
    assert main(["notebooks"]) == 0
    assert [path.stem for path in done[1:]] == [
        "1_dataset",
        "2_latent_dimension",
        "3_digit_features",
        "4_up_pooling",
    ]


def test_figures_writes_to_images_and_the_tables_of_readme(monkeypatch):
    written = []
    monkeypatch.setattr(figures, "write_figures", lambda folder: written.append(folder) or [])
    monkeypatch.setattr(readme, "write_tables", lambda path, splits: written.append(path))
    assert main(["figures"]) == 0
    assert [path.name for path in written] == ["images", "README.md"]


def test_what_a_missing_library_of_the_course_needs_is_said(monkeypatch, capsys, tmp_path):
    def not_installed(path):
        raise ModuleNotFoundError("No module named 'nbclient'", name="nbclient")

    monkeypatch.setattr(notebooks, "execute", not_installed)
    assert main(["notebooks", str(tmp_path / "a.ipynb")]) == 1
    said = capsys.readouterr().err
    assert "needs nbclient" in said and "pip install -r requirements.txt" in said


def test_without_a_command_the_usage_is_shown(capsys):
    with pytest.raises(SystemExit):
        main([])
    assert "COMMAND" in capsys.readouterr().err


def test_baselines_and_costs_are_recorded_by_their_commands(monkeypatch, capsys, tmp_path):
    for name in ("baselines", "costs"):
        monkeypatch.setattr(sweep, f"save_{name}", lambda name=name: tmp_path / f"{name}.json")
        assert main([name]) == 0
        assert capsys.readouterr().out == f"{name}.json\n"


def test_step_sizes_are_recorded_by_their_command(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sweep, "save_step_sizes", lambda jobs: tmp_path / f"by_{jobs}.json")
    assert main(["tune", "--jobs", "2"]) == 0
    assert capsys.readouterr().out == "by_2.json\n"


def test_measure_goes_on_after_a_run_that_it_cannot_measure(monkeypatch, capsys):
    done = []

    def measured(name, seed, splits):
        done.append(name)
        if name == "latent/1":
            raise AelibError("not the file that was recorded")

    monkeypatch.setattr(sweep, "measure_run", measured)
    monkeypatch.setattr(zoo, "weights_file", lambda name, seed: a_path(seed == 0))
    assert main(["measure", "latent/[12]"]) == 1
    assert done == ["latent/1", "latent/2"]
    out = capsys.readouterr()
    assert "measured latent/2, seed 0" in out.out and "skipped latent/2, seed 1" in out.out
    assert "latent/1, seed 0: not the file" in out.err


def a_path(there):
    return Path(__file__) if there else Path("nowhere")


# --- What is printed -------------------------------------------------------------------------


class Closed(io.StringIO):
    """A pipe that nobody reads."""

    def write(self, text):
        raise BrokenPipeError


def test_a_stop_for_want_of_a_reader_is_no_success_and_needs_no_words(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", Closed())
    assert main(["list", "judge"]) == 0, "a list is read as far as somebody wants"
    monkeypatch.setattr(sweep, "train", lambda *_, **__: [])
    assert main(["train"]) == 128 + 13
    assert capsys.readouterr().err == ""


def test_another_broken_pipe_is_an_error_in_words(monkeypatch, capsys):
    def broken(*_, **__):
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(sweep, "train", broken)
    assert main(["train"]) == 1
    assert "aelib: [Errno 32] Broken pipe" in capsys.readouterr().err


def test_output_that_was_closed_from_the_start_is_done_without(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["list", "judge"]) == 0
    assert main(["list", "nothing"]) == 1


def test_each_line_goes_out_at_once(monkeypatch):
    lines = []

    class Pipe(io.StringIO):
        def flush(self):
            lines.append(self.getvalue())

    monkeypatch.setattr(sys, "stdout", Pipe())
    monkeypatch.setattr(sweep, "train", lambda *_, **__: print("one run") or lines.append("two"))
    main(["train"])
    assert lines[:2] == ["one run\n", "two"]


def test_a_neighbour_of_an_installed_package_is_not_the_course(monkeypatch, tmp_path, capsys):
    (tmp_path / "notebooks").mkdir()  # somebody else's package of this name
    monkeypatch.setattr(command_line, "FOLDER", tmp_path)
    for command in ("notebooks", "figures"):
        assert main([command]) == 1
        assert "installed without it" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["notebooks"]
