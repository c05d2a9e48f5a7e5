import pytest

from aelib import detection, metrics, zoo
from aelib.models import UPSAMPLING, Judge
from aelib.workshop import measuring, sweep
from aelib.zoo import CHECKPOINTS, ModelMissingError


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
    for seed, entry in zip(zoo.experiment(name).seeds, zoo.results(name), strict=True):
        assert zoo.is_trained(name, seed), "the record does not fit the table"
        assert (entry["name"], entry["seed"]) == (name, seed)
        assert len(entry["val_loss"]) == len(entry["seconds"]) == zoo.experiment(name).recipe.epochs
        assert entry["command"] == f"python -m aelib train {name}"
        assert {"python", "torch", "aelib"} <= set(entry["versions"])
        if name != zoo.JUDGE:
            assert entry["checkerboard"] > 0 and entry["checkerboard_4"] > 0
            assert len(entry["test_mse_per_digit"]) == 10
    assert zoo.history(name).epochs == zoo.experiment(name).recipe.epochs


def test_the_checkpoints_stay_small():
    sizes = [path.stat().st_size for path in CHECKPOINTS.rglob("*") if path.is_file()]
    assert sum(sizes) <= 10 * 2**20


def test_values_stack_the_seeds():
    assert zoo.values("latent/2", "test_mse_per_digit").shape == (5, 10)


def test_patterns_choose_experiments():
    assert zoo.match("latent/1") == ["latent/1"]
    assert zoo.match("original/*/2") == ["original/transpose/2", "original/nearest/2"]
    assert zoo.match() == list(zoo.EXPERIMENTS)
    with pytest.raises(ValueError, match="no experiment matches 'latnt/"):
        zoo.match("latnt/*")


def test_an_unknown_name_lists_what_there_is():
    with pytest.raises(ValueError, match=r"'latent/17'.*latent/16"):
        zoo.load("latent/17")


def test_watched_runs_have_a_value_for_every_look():
    for kind in UPSAMPLING:
        for seed in zoo.SEEDS:
            experiment = zoo.experiment(f"up/{kind}/16")
            steps = [step for step, _ in zoo.history(f"up/{kind}/16", seed).watched]
            assert steps[: len(sweep.FIRST_STEPS)] == list(sweep.FIRST_STEPS)
            assert len(steps) == len(sweep.FIRST_STEPS) + experiment.recipe.epochs


def test_a_digit_that_does_not_exist_is_named(splits):
    with pytest.raises(ValueError, match=r"no model 'digit/10'.*digit/9"):
        zoo.load("digit/10")


def test_a_value_that_was_not_recorded_is_named():
    with pytest.raises(ModelMissingError, match="latent/8 has no 'beauty' recorded; it has:"):
        zoo.values("latent/8", "beauty")


def test_what_is_not_made_of_numbers_is_named():
    with pytest.raises(ValueError, match="'settings' of latent/8 is not made of"):
        zoo.values("latent/8", "settings")


def test_a_folder_may_begin_with_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(zoo.CHECKPOINTS))
    monkeypatch.setenv("USERPROFILE", str(zoo.CHECKPOINTS))
    assert zoo.load("latent/2", "~").latent_dim == 2 and zoo.is_trained("latent/2", 0, "~")
    assert zoo.recipe_costs("~") == zoo.recipe_costs()


def test_detectors_are_recorded_for_every_seed():
    for digit in range(10):
        for entry in zoo.results(f"digit/{digit}"):
            assert set(entry["detector"]) == {*detection.SCORES, detection.WITH_CODE}


def test_values_without_training_say_how_they_are_made(tmp_path):
    with pytest.raises(ModelMissingError, match="python -m aelib baselines"):
        zoo.one_class_baselines(tmp_path)
    with pytest.raises(ModelMissingError, match="python -m aelib costs"):
        zoo.step_costs(tmp_path)
    with pytest.raises(ModelMissingError, match="python -m aelib tune"):
        zoo.step_sizes(tmp_path)
    sweep.save_costs(tmp_path)
    assert set(zoo.step_costs(tmp_path)) == set(UPSAMPLING)
    assert len(zoo.one_class_baselines()) == 10


@pytest.mark.parametrize(
    "content", ["[" * 100_000, '{"seed": 1e999}', '{"seed": ' + "9" * 5000 + "}"]
)
def test_json_of_no_sense_is_a_damaged_record(content, tmp_path):
    path = zoo.record_file("latent/2", 0, tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(zoo.RecordError, match=r"Remedy: delete it") as caught:
        zoo.record("latent/2", 0, tmp_path)
    assert str(path) in str(caught.value)
    assert not zoo.is_trained("latent/2", 0, tmp_path)


def test_a_folder_in_the_place_of_weights_is_named_with_its_remedy(tmp_path):
    path = zoo.weights_file("latent/2", 0, tmp_path)
    path.mkdir(parents=True)
    with pytest.raises(OSError, match=r"Remedy: delete it and the run's record") as caught:
        zoo.load("latent/2", tmp_path)
    assert "does not exist" not in str(caught.value)
