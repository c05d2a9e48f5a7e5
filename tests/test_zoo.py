import json
import os

import joblib
import pytest
import torch

from aelib import detection, measuring, metrics, sweep, zoo
from aelib.models import UPSAMPLING, Autoencoder, Judge
from aelib.optim import Recipe
from aelib.zoo import CHECKPOINTS, Experiment, ModelMissingError

TINY = Recipe(epochs=2, batch_size=50, adam_lr=5e-3, muon_lr=0.02, warmup=0.2)


def test_the_promised_models_are_shipped():
    promised = ["judge", *(f"latent/{d}" for d in (*range(11), 12, 16, 24, 32))]
    promised += [f"digit/{digit}" for digit in range(10)]
    promised += [f"up/{kind}/{d}" for kind in UPSAMPLING for d in (2, 16)]
    promised += [f"original/{kind}/{d}" for kind in ("transpose", "nearest") for d in (2, 16)]
    assert set(promised) <= set(zoo.names())


@pytest.mark.parametrize("name", zoo.names())
def test_every_shipped_model_loads_and_does_what_its_record_says(name, splits):
    model, entry = zoo.load(name), zoo.record(name, 0)
    assert not model.training
    assert zoo.is_trained(name, 0), "the record does not fit the table"
    part = splits.test[::20]
    if isinstance(model, Judge):
        assert measuring.accuracy(model, part) > 0.98
        return
    x = part.floats() - model.offset
    error = metrics.mse_per_image(metrics.reconstruct(model, part.floats()), x).mean().item()
    assert error == pytest.approx(entry["test_mse"], rel=0.1)
    assert model.encode(x).shape == (len(part), model.latent_dim)


@pytest.mark.parametrize("name", list(zoo.EXPERIMENTS))
def test_every_seed_of_every_experiment_is_recorded(name):
    for seed, entry in zip(zoo.find(name).seeds, zoo.results(name), strict=True):
        assert zoo.is_trained(name, seed), "the record does not fit the table"
        assert (entry["name"], entry["seed"]) == (name, seed)
        assert len(entry["val_loss"]) == len(entry["seconds"]) == zoo.find(name).recipe.epochs
        assert entry["command"] == f"python -m aelib train {name}"
        assert {"python", "torch", "aelib"} <= set(entry["versions"])
        if name != zoo.JUDGE:
            assert entry["checkerboard"] > 0 and entry["checkerboard_4"] > 0
            assert len(entry["test_mse_per_digit"]) == 10
    assert zoo.history(name).epochs == zoo.find(name).recipe.epochs


def test_the_checkpoints_stay_small():
    sizes = [path.stat().st_size for path in CHECKPOINTS.rglob("*") if path.is_file()]
    assert sum(sizes) <= 10_000_000


def test_figures_stack_the_seeds():
    assert zoo.figures("latent/2", "test_mse_per_digit").shape == (5, 10)


def test_patterns_choose_experiments():
    assert zoo.match("latent/1") == ["latent/1"]
    assert zoo.match("original/*/2") == ["original/transpose/2", "original/nearest/2"]
    assert zoo.match() == list(zoo.EXPERIMENTS)
    with pytest.raises(ValueError, match="no experiment matches 'latnt/"):
        zoo.match("latnt/*")


def test_an_unknown_name_lists_what_there_is():
    with pytest.raises(ValueError, match=r"'latent/17'.*latent/16"):
        zoo.load("latent/17")


# --- Making, in a small zoo of its own --------------------------------------------------


@pytest.fixture
def small(tmp_path, monkeypatch, few):
    """A zoo of three experiments on two hundred images, in a folder of its own."""
    table = {
        "judge": Experiment("judge", TINY, seeds=(0,)),
        "tiny/2": Experiment("tiny/2", TINY, 2, seeds=(0, 1)),
        "secret/1": Experiment("secret/1", TINY, 1, seeds=(0,), shipped=False),
    }
    monkeypatch.setattr(zoo, "EXPERIMENTS", table)
    monkeypatch.setattr(zoo, "ALIASES", {"other/2": "tiny/2"})
    monkeypatch.setenv("AELIB_CACHE", str(tmp_path / "cache"))
    parts = type("Splits", (), {"train": few, "val": few, "test": few})
    monkeypatch.setattr(sweep, "load_mnist", lambda: parts)
    return tmp_path / "checkpoints"


def run(folder, *patterns):
    return sweep.train(patterns, folder=folder, progress=False)


def test_train_makes_what_is_missing_and_only_that(small):
    assert run(small, "tiny/*") == [("judge", 0), ("tiny/2", 0), ("tiny/2", 1)]
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
    assert len(done) == 4 and sweep.missing(folder=small) == []


def test_jobs_are_processes_of_their_own(small, monkeypatch, capsys):
    run(small, "judge")
    capsys.readouterr()

    def which_process(name, seed, folder, counter):
        import os

        with counter.open("ab") as file:
            file.write(b"..")
        return {"name": name, "seed": seed, "test_mse": os.getpid(), "seconds": [60]}

    monkeypatch.setattr(sweep, "_worker", which_process)
    sweep.train(["tiny/2"], jobs=2, folder=small, progress=False)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and all("tiny/2" in line and "1.0 min" in line for line in lines)
    assert not any(f"test_mse {os.getpid()}." in line for line in lines)


def test_only_the_first_seed_of_a_shipped_model_is_in_the_package(small):
    run(small)
    found = sorted(path.relative_to(small).as_posix() for path in small.rglob("*.pt"))
    assert found == ["judge/seed0.pt", "tiny/2/seed0.pt"]
    assert zoo.names() == ["judge", "tiny/2", "other/2"]


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


def test_measuring_again_gives_the_same_figures(small):
    run(small)
    before = zoo.record("secret/1", 0, small)
    path = zoo.record_file("secret/1", 0, small)
    path.write_text(json.dumps(before | {"test_mse": 99}))
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
    with pytest.raises(sweep.DivergedError, match="tiny/2, seed 0: non-finite loss"):
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
    with pytest.raises(sweep.DivergedError, match="tiny/2, seed 0: non-finite loss"):
        run(small, "tiny/2")


# --- One experiment, two names ----------------------------------------------------------


def test_a_run_has_one_record_whatever_it_is_called(small):
    run(small, "judge")
    assert sweep.state_file("other/2", 0) == sweep.state_file("tiny/2", 0)
    assert sweep.train_run("other/2", 0, small)["name"] == "tiny/2"
    assert run(small, "other/*") == [("tiny/2", 1)]
    assert {entry["name"] for entry in zoo.results("other/2", small)} == {"tiny/2"}
    assert sweep.measure_run("other/2", 1, small)["name"] == "tiny/2"


def test_up_transpose_and_latent_are_one_model_under_two_names():
    for d in zoo.UP_DIMS:
        alias, name = f"up/transpose/{d}", f"latent/{d}"
        assert alias in zoo.names() and name in zoo.names()
        assert zoo.find(alias) is zoo.find(name)
        assert zoo.record(alias, 1) == zoo.record(name, 1)
        x = torch.rand(2, 1, 28, 28)
        assert torch.equal(zoo.load(alias)(x), zoo.load(name)(x))
    assert zoo.match("up/transpose/*") == ["latent/2", "latent/16"]
    assert len(zoo.match("latent/16", "up/transpose/16")) == 1


def test_six_kinds_share_encoder_order_and_recipe():
    for d in zoo.UP_DIMS:
        experiments = [zoo.find(f"up/{kind}/{d}") for kind in UPSAMPLING]
        assert len({experiment.recipe for experiment in experiments}) == 1
        assert [experiment.upsampling for experiment in experiments] == list(UPSAMPLING)
        assert all(experiment.seeds == zoo.SEEDS for experiment in experiments)
        encoders = [experiment.build(3).encoder.state_dict() for experiment in experiments]
        for other in encoders[1:]:
            assert all(torch.equal(other[key], value) for key, value in encoders[0].items())


def test_watched_runs_have_a_figure_for_every_look():
    for kind in UPSAMPLING:
        for seed in zoo.SEEDS:
            experiment = zoo.find(f"up/{kind}/16")
            steps = [step for step, _ in zoo.history(f"up/{kind}/16", seed).watched]
            assert steps[: len(sweep.FIRST_STEPS)] == list(sweep.FIRST_STEPS)
            assert len(steps) == len(sweep.FIRST_STEPS) + experiment.recipe.epochs


def test_a_watched_experiment_without_its_figures_counts_as_missing(small, monkeypatch):
    run(small)
    unwatched_state = sweep.state_file("tiny/2", 0)
    watched = Experiment("tiny/2", TINY, 2, seeds=(0, 1), watched=True)
    monkeypatch.setitem(zoo.EXPERIMENTS, "tiny/2", watched)
    assert sweep.state_file("tiny/2", 0) != unwatched_state, "it cannot go on from that"
    assert sweep.missing(["tiny/2"], small) == [("tiny/2", 0), ("tiny/2", 1)]
    run(small, "tiny/2")
    assert sweep.missing(["tiny/2"], small) == []
    assert [step for step, _ in zoo.history("tiny/2", 0, small).watched] == [0, 4, 5, 8]


# --- One digit --------------------------------------------------------------------------


def test_one_digit_models_see_one_digit_only(splits):
    for digit in range(10):
        train, val = zoo.find(f"digit/{digit}").digits(splits)
        assert set(train.labels.tolist()) == set(val.labels.tolist()) == {digit}
        assert zoo.find(f"digit/{digit}").latent_dim == zoo.DIGIT_DIM == 16


def test_a_digit_that_does_not_exist_is_named(splits):
    with pytest.raises(ValueError, match=r"no model 'digit/10'.*digit/9"):
        zoo.load("digit/10")
    with pytest.raises(ValueError, match="only must be a digit of 0 to 9, got 10"):
        Experiment("wrong", TINY, 2, only=10)


def test_settings_that_exclude_each_other_are_refused():
    for wrong in ({"offset": 0.5, "only": 3}, {"thinned": 1, "only": 3}):
        with pytest.raises(ValueError, match="of offset, thinned and only one"):
            Experiment("wrong", TINY, 2, **wrong)
    with pytest.raises(ValueError, match="offset excludes noise"):
        Experiment("wrong", TINY, 2, offset=0.5, noise=0.1)


def test_a_figure_that_was_not_recorded_is_named():
    with pytest.raises(ModelMissingError, match="latent/8 has no 'beauty' recorded; it has:"):
        zoo.figures("latent/8", "beauty")


def test_detectors_are_recorded_for_every_seed():
    for digit in range(10):
        for entry in zoo.results(f"digit/{digit}"):
            assert set(entry["detector"]) == {*detection.SCORES, detection.WITH_CODE}


def test_an_older_record_has_the_defaults_of_newer_settings(small):
    run(small)
    path = zoo.record_file("tiny/2", 0, small)
    entry = json.loads(path.read_text())
    for setting in zoo.DEFAULTS:
        del entry["settings"][setting]
    path.write_text(json.dumps(entry))
    assert zoo.is_trained("tiny/2", 0, small)
    entry["settings"]["only"] = 3
    path.write_text(json.dumps(entry))
    assert not zoo.is_trained("tiny/2", 0, small)


def test_figures_without_training_say_how_they_are_made(tmp_path):
    with pytest.raises(ModelMissingError, match="python -m aelib baselines"):
        zoo.one_class_baselines(tmp_path)
    with pytest.raises(ModelMissingError, match="python -m aelib costs"):
        zoo.step_costs(tmp_path)
    sweep.record_costs(tmp_path)
    assert set(zoo.step_costs(tmp_path)) == set(UPSAMPLING)
    assert len(zoo.one_class_baselines()) == 10
