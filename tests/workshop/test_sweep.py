import json
import math
import os
from concurrent.futures.process import BrokenProcessPool

import joblib
import pytest
import torch

from aelib import AelibError, metrics, zoo
from aelib.experiments import Experiment
from aelib.models import Autoencoder
from aelib.optim import Recipe
from aelib.workshop import running, sweep
from aelib.zoo import ModelMissingError

TINY = Recipe(epochs=2, batch_size=50, adam_lr=5e-3, muon_lr=0.02, warmup=0.2)


@pytest.fixture
def small(tmp_path, monkeypatch, few):
    """A zoo of three experiments on two hundred images, in a folder of its own."""
    table = {
        "judge": Experiment("judge", TINY, seeds=(0, 1)),
        "tiny/2": Experiment("tiny/2", TINY, 2, seeds=(0, 1)),
        "secret/1": Experiment("secret/1", TINY, 1, seeds=(0,), shipped=False),
    }
    monkeypatch.setattr(zoo, "EXPERIMENTS", table)
    monkeypatch.setenv("AELIB_CACHE", str(tmp_path / "cache"))
    parts = type("Splits", (), {"train": few, "val": few, "test": few})
    monkeypatch.setattr(sweep, "load_mnist", lambda: parts)
    return tmp_path / "checkpoints"


def run(folder, *patterns):
    return sweep.train(patterns, folder=folder, progress=False)


def test_train_makes_what_is_missing_and_only_that(small):
    done = run(small, "tiny/*")
    assert set(done) == {("judge", 0), ("judge", 1), ("tiny/2", 0), ("tiny/2", 1)}
    assert isinstance(zoo.load("tiny/2", small), Autoencoder)
    assert [entry["seed"] for entry in zoo.results("tiny/2", small)] == [0, 1]
    assert run(small, "tiny/*") == []
    zoo.record_file("tiny/2", 1, small).unlink()
    assert set(run(small)) == {("tiny/2", 1), ("secret/1", 0)}
    assert run(small) == []


def test_two_jobs_at_once_train_everything(small):
    # Threads instead of processes, so that the workers see the small table.
    with joblib.parallel_config(backend="threading"):
        done = sweep.train(["tiny/2", "secret/1"], jobs=2, folder=small)
    assert len(done) == 5 and sweep.missing(folder=small) == []


def test_jobs_are_processes_of_their_own(small, monkeypatch, capsys):
    run(small, "judge")
    capsys.readouterr()

    def which_process(name, seed, folder, progress, measure):
        import os

        assert not progress
        return {"name": name, "seed": seed, "test_mse": os.getpid(), "seconds": [60]}

    monkeypatch.setattr(sweep, "_worker", which_process)
    sweep.train(["tiny/2"], jobs=2, folder=small, progress=False)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and all("tiny/2" in line and "1.0 min" in line for line in lines)
    assert not any(f"test_mse {os.getpid()}." in line for line in lines)


def test_the_first_seed_of_a_shipped_model_and_all_judges_are_in_the_package(small):
    run(small)
    found = sorted(path.relative_to(small).as_posix() for path in small.rglob("*.pt"))
    assert found == ["judge/seed0.pt", "judge/seed1.pt", "tiny/2/seed0.pt"]
    assert zoo.names() == ["judge", "tiny/2"]


def test_a_changed_recipe_is_trained_again(small, monkeypatch):
    run(small, "tiny/2")
    changed = Experiment("tiny/2", Recipe(1, 50, 1e-3), 2, seeds=(0, 1))
    monkeypatch.setitem(zoo.EXPERIMENTS, "tiny/2", changed)
    assert not zoo.is_trained("tiny/2", 0, small)
    assert run(small, "tiny/2") == [("tiny/2", 0), ("tiny/2", 1)]


def test_an_interrupted_sweep_goes_on_where_it_stopped(small, monkeypatch):
    run(small, "judge")
    calls = []

    def interrupted_after_one_epoch(history):
        calls.append(history.epochs)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep.train_run("tiny/2", 0, small, after_epoch=interrupted_after_one_epoch)
    assert calls == [1]
    assert not zoo.is_trained("tiny/2", 0, small) and sweep.state_file("tiny/2", 0).exists()
    resumed = sweep.train_run("tiny/2", 0, small)
    assert not sweep.state_file("tiny/2", 0).exists()
    zoo.record_file("tiny/2", 0, small).unlink()
    straight = sweep.train_run("tiny/2", 0, small)
    assert resumed["val_loss"] == straight["val_loss"]
    assert resumed["weights_sha256"] == straight["weights_sha256"]


def test_a_kill_between_weights_and_record_counts_as_missing(small, monkeypatch):
    run(small, "judge")
    monkeypatch.setattr(sweep, "_write_record", lambda *_: (_ for _ in ()).throw(SystemExit))
    with pytest.raises(SystemExit):
        sweep.train_run("tiny/2", 0, small)
    assert zoo.weights_file("tiny/2", 0, small).exists()
    assert not zoo.is_trained("tiny/2", 0, small)


def test_a_broken_record_counts_as_missing(small):
    run(small, "tiny/2")
    path = zoo.record_file("tiny/2", 0, small)
    path.write_text(path.read_text()[:100])
    assert run(small, "tiny/2") == [("tiny/2", 0)]


def test_altered_weights_are_refused(small):
    run(small, "tiny/2")
    path = zoo.weights_file("tiny/2", 0, small)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(RuntimeError, match="SHA-256") as caught:
        zoo.load("tiny/2", small)
    assert str(path) in str(caught.value)


def test_weights_that_were_deleted_are_trained_again(small):
    run(small, "tiny/2")
    zoo.weights_file("tiny/2", 0, small).unlink()
    assert run(small, "tiny/2") == [("tiny/2", 0)]


def test_a_missing_model_says_how_to_make_it(small):
    with pytest.raises(ModelMissingError, match="python -m aelib train tiny/2"):
        zoo.load("tiny/2", small)
    with pytest.raises(ModelMissingError, match="python -m aelib train judge"):
        sweep.train_run("tiny/2", 0, small)


def test_measuring_again_gives_the_same_values(small):
    run(small)
    before = zoo.record("secret/1", 0, small)
    path = zoo.record_file("secret/1", 0, small)
    path.write_bytes(zoo.record_text(before | {"test_mse": 99}))
    after = sweep.measure_run("secret/1", 0, small)
    assert after["test_mse"] == before["test_mse"]


def test_shipped_weights_are_halves(small):
    run(small, "tiny/2")
    state = torch.load(zoo.weights_file("tiny/2", 0, small), weights_only=True)
    kinds = {name.rsplit(".", 1)[1]: value.dtype for name, value in state.items()}
    assert kinds["weight"] == kinds["bias"] == torch.float16
    assert kinds["running_var"] == torch.float32  # it can be larger than a half can hold


def test_jobs_must_be_positive(small):
    with pytest.raises(ValueError, match="jobs"):
        sweep.train(["tiny/2"], jobs=0, folder=small)


def test_a_run_that_diverges_leaves_no_record(small, monkeypatch):
    run(small, "judge")
    wild = Experiment("tiny/2", Recipe(2, 50, adam_lr=1e30), 2, seeds=(0,))
    monkeypatch.setitem(zoo.EXPERIMENTS, "tiny/2", wild)
    with pytest.raises(running.DivergedError, match="tiny/2, seed 0: non-finite loss"):
        run(small)
    assert not zoo.record_file("tiny/2", 0, small).exists()
    assert not sweep.state_file("tiny/2", 0).exists()
    assert zoo.is_trained("secret/1", 0, small), "the others were trained all the same"


def test_a_watched_run_that_diverges_is_reported_in_the_same_way(small, monkeypatch):
    run(small, "judge")
    wild = Recipe(2, 50, adam_lr=1e30)
    monkeypatch.setitem(
        zoo.EXPERIMENTS, "tiny/2", Experiment("tiny/2", wild, 2, seeds=(0,), watched=True)
    )
    monkeypatch.setattr(sweep, "FIRST_STEPS", (0, 1))
    with pytest.raises(running.DivergedError, match="tiny/2, seed 0: non-finite loss"):
        run(small, "tiny/2")


def test_a_watched_experiment_without_its_looks_counts_as_missing(small, monkeypatch):
    run(small)
    unwatched_state = sweep.state_file("tiny/2", 0)
    watched = Experiment("tiny/2", TINY, 2, seeds=(0, 1), watched=True)
    monkeypatch.setitem(zoo.EXPERIMENTS, "tiny/2", watched)
    assert sweep.state_file("tiny/2", 0) != unwatched_state, "it cannot go on from that"
    assert sweep.missing(["tiny/2"], small) == [("tiny/2", 0), ("tiny/2", 1)]
    run(small, "tiny/2")
    assert sweep.missing(["tiny/2"], small) == []
    assert [step for step, _ in zoo.history("tiny/2", 0, small).watched] == [0, 4, 5, 8]


def test_a_look_at_which_there_was_nothing_to_score_is_recorded_as_none(small, monkeypatch):
    run(small, "judge")
    watched = Experiment("tiny/2", TINY, 2, seeds=(0,), watched=True)
    monkeypatch.setitem(zoo.EXPERIMENTS, "tiny/2", watched)
    monkeypatch.setattr(sweep, "reconstruct", lambda model, images: torch.zeros_like(images))
    run(small, "tiny/2")
    assert zoo.is_trained("tiny/2", 0, small)
    assert zoo.record("tiny/2", 0, small)["watched"][0] == [0, None]
    assert math.isnan(zoo.history("tiny/2", 0, small).watched[0][1])
    assert zoo.watched("tiny/2", small)[1].isnan().all()


def test_a_process_that_is_ended_from_outside_is_said_in_one_line(tmp_path, monkeypatch):
    def ended(runs):
        raise BrokenProcessPool("signal 9")
        yield

    monkeypatch.setattr(sweep.joblib, "Parallel", lambda **options: ended)
    (result,) = sweep._results_here([("latent/1", 0)], tmp_path, 2, False, False)
    assert isinstance(result, AelibError) and "for want of memory" in str(result)


def test_training_without_measuring_is_completed_by_measuring(small):
    done = sweep.train(["tiny/2"], folder=small, progress=False, measure=False)
    assert done == [("tiny/2", 0), ("tiny/2", 1)], "no judge is needed"
    entry = zoo.record("tiny/2", 1, small)
    assert "test_mse" not in entry and len(entry["val_loss"]) == TINY.epochs
    assert run(small, "judge") == [("judge", 0), ("judge", 1)]
    measured = sweep.measure_run("tiny/2", 1, small)
    assert measured["test_mse"] > 0
    assert {key: measured[key] for key in entry} == entry | {"versions": measured["versions"]}


def test_a_judge_whose_weights_are_gone_is_trained_again(small):
    run(small)
    zoo.weights_file("judge", 1, small).unlink()
    assert run(small, "tiny/2") == []
    zoo.record_file("tiny/2", 0, small).unlink()
    assert run(small, "tiny/2") == [("tiny/2", 0), ("judge", 1)]


def test_records_hold_a_list_on_a_line(small):
    run(small, "tiny/2")
    text = zoo.record_file("tiny/2", 0, small).read_text()
    line = next(line for line in text.splitlines() if "val_loss" in line)
    assert line.endswith("],") and line.count(",") == TINY.epochs
    assert json.loads(text)["confusion_per_judge"][0][0][0] >= 0


def test_every_judge_reads_every_drawing(small, few):
    run(small)
    for entry in (*zoo.results("tiny/2", small), zoo.record("secret/1", 0, small)):
        counts = torch.tensor(entry["confusion_per_judge"], dtype=torch.float64)
        assert counts.shape == (2, 10, 10)
        assert (counts.sum((1, 2)) == len(few)).all()
        assert torch.allclose(counts.mean(0), torch.tensor(entry["confusion"]).double(), atol=0.051)
    judges = zoo.judges(small)
    drawn = metrics.reconstruct(zoo.load_seed("tiny/2", 1, small), few.floats())
    for judge, counts in zip(
        judges, zoo.record("tiny/2", 1, small)["confusion_per_judge"], strict=True
    ):
        read = metrics.read_digits(judge, drawn)
        assert metrics.confusion(few.labels, read).tolist() == counts


@pytest.mark.parametrize(
    ("save", "measure"),
    [
        (sweep.save_baselines, "measure_baselines"),
        (sweep.save_costs, "measure_step_costs"),
        (sweep.save_comparisons, "measure_comparisons"),
        (sweep.save_step_sizes, "measure_step_sizes"),
    ],
)
def test_a_place_that_cannot_be_written_is_said_before_measuring(
    save, measure, tmp_path, monkeypatch
):
    def measured(*arguments, **options):
        raise AssertionError("measured in vain")

    monkeypatch.setattr(sweep, measure, measured)
    monkeypatch.setattr(zoo, "load_seed", lambda *arguments: None)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="could not be written"):
        save(folder=tmp_path / "file")
