from pathlib import Path

import pytest

from aelib import publish, sweep, zoo
from aelib.__main__ import main


def test_list_shows_every_experiment_and_how_far_it_is(capsys):
    assert main(["list", "latent/1*"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == zoo.match("latent/1*")
    assert all("of 5 seeds" in line for line in lines)


def test_train_passes_its_patterns_and_jobs_on(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(sweep, "train", lambda patterns, jobs: asked.append((patterns, jobs)) or [])
    assert main(["train", "latent/*", "judge", "--jobs", "2"]) == 0
    assert asked == [(["latent/*", "judge"], 2)]
    assert "nothing to do" in capsys.readouterr().out


def test_a_wrong_pattern_is_an_error_in_words(capsys):
    assert main(["train", "nothing/*"]) == 1
    said = capsys.readouterr().err
    assert "no experiment matches 'nothing/*'" in said and "Traceback" not in said


def test_ctrl_c_says_that_nothing_is_lost(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(sweep, "train", interrupted)
    assert main(["train"]) == 130
    assert "goes on" in capsys.readouterr().err


def test_notebooks_executes_those_that_are_named(monkeypatch, tmp_path):
    done = []
    monkeypatch.setattr(publish, "execute", done.append)
    assert main(["notebooks", str(tmp_path / "a.ipynb")]) == 0
    assert done == [tmp_path / "a.ipynb"]
    assert main(["notebooks"]) == 0
    assert [path.stem for path in done[1:]] == [
        "1_dataset",
        "2_latent_dimension",
        "3_digit_features",
        "4_up_pooling",
    ]


def test_figures_writes_to_images(monkeypatch):
    folders = []
    monkeypatch.setattr(publish, "write_figures", lambda folder: folders.append(folder) or [])
    assert main(["figures"]) == 0
    assert folders[0].name == "images"


def test_without_a_command_the_usage_is_shown(capsys):
    with pytest.raises(SystemExit):
        main([])
    assert "COMMAND" in capsys.readouterr().err


def test_baselines_and_costs_are_recorded_by_their_commands(monkeypatch, capsys, tmp_path):
    for name in ("baselines", "costs"):
        monkeypatch.setattr(sweep, f"record_{name}", lambda name=name: tmp_path / f"{name}.json")
        assert main([name]) == 0
        assert capsys.readouterr().out == f"{name}.json\n"


def test_measure_goes_on_after_a_run_that_it_cannot_measure(monkeypatch, capsys):
    done = []

    def measured(name, seed, splits):
        done.append(name)
        if name == "latent/1":
            raise RuntimeError("not the file that was recorded")

    monkeypatch.setattr(sweep, "measure_run", measured)
    monkeypatch.setattr(zoo, "weights_file", lambda name, seed: a_path(seed == 0))
    assert main(["measure", "latent/[12]"]) == 1
    assert done == ["latent/1", "latent/2"]
    out = capsys.readouterr()
    assert "measured latent/2, seed 0" in out.out and "skipped latent/2, seed 1" in out.out
    assert "latent/1, seed 0: not the file" in out.err


def a_path(there):
    return Path(__file__) if there else Path("nowhere")
