import subprocess
import sys
from pathlib import Path

import pytest

from aelib import AelibError, zoo
from aelib.__main__ import main
from aelib.workshop import figures, notebooks, readme, sweep


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


def test_listing_needs_nothing_of_the_workshop():
    script = (
        "import sys; from aelib.__main__ import main; main(['list', 'judge']);"
        "assert 'aelib.workshop' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_ctrl_c_says_that_nothing_is_lost(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(sweep, "train", interrupted)
    assert main(["train"]) == 130
    assert "goes on" in capsys.readouterr().err


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
