import json

import pytest
import torch

from aelib import AelibError, zoo
from aelib.models import UPSAMPLING
from aelib.optim import Recipe
from aelib.workshop.experiments import (
    COMPARED,
    EXPERIMENTS,
    JUDGE,
    UP_STEPS,
    course_recipe,
    experiment,
    match,
    scaled,
)

TINY = Recipe(epochs=2, batch_size=50, adam_lr=5e-3, muon_lr=0.02, warmup=0.2)


def test_six_kinds_share_encoder_order_and_recipe_but_for_the_step_size():
    for d in zoo.UP_DIMS:
        lines = [experiment(f"up/{kind}/{d}") for kind in UPSAMPLING]
        for kind, line in zip(UPSAMPLING, lines, strict=True):
            assert line.recipe == scaled(course_recipe(d), UP_STEPS.get((kind, d), 1))
        assert [line.upsampling for line in lines] == list(UPSAMPLING)
        assert all(line.seeds == zoo.SEEDS for line in lines)
        encoders = [line.build(3).encoder.state_dict() for line in lines]
        for other in encoders[1:]:
            assert all(torch.equal(other[key], value) for key, value in encoders[0].items())


def test_the_step_sizes_are_those_with_the_lowest_error_recorded():
    tried = {(one["kind"], one["latent_dim"]): one["val_mse"] for one in zoo.measured("step_sizes")}
    assert list(tried) == list(COMPARED) and set(UP_STEPS) < set(COMPARED)
    for line, errors in tried.items():
        assert len(errors) == 3
        assert UP_STEPS.get(line, 1) == float(min(errors, key=lambda f: sum(errors[f]))), line


def test_a_scaled_recipe_takes_larger_steps_and_changes_nothing_else():
    twice = scaled(TINY, 2)
    assert (twice.adam_lr, twice.muon_lr) == (1e-2, 0.04)
    adam = Recipe(epochs=2, batch_size=50, adam_lr=5e-3, warmup=0.2)
    assert scaled(adam, 0.5) == Recipe(epochs=2, batch_size=50, adam_lr=2.5e-3, warmup=0.2)


def test_one_digit_models_see_one_digit_only_and_scarce_ones_fewer_zeros(splits):
    train, val = experiment("digit/7").digits(splits)
    assert set(train.labels.tolist()) == set(val.labels.tolist()) == {7}
    whole = splits.train.counts()
    for name, share in (("half", 2), ("quarter", 4), ("tenth", 10)):
        train, val = experiment(f"scarce/{name}").digits(splits)
        counts = train.counts()
        assert abs(counts[0] - whole[0] / share) < 1 and counts[1:].equal(whole[1:])
        assert val is splits.val


def test_patterns_choose_experiments():
    assert match("latent/1") == ["latent/1"]
    assert match("original/*/2") == ["original/transpose/2", "original/nearest/2"]
    assert match() == list(EXPERIMENTS)
    with pytest.raises(AelibError, match=r"no experiment matches 'latnt/.*latent/16"):
        match("latnt/*")


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_every_seed_of_every_experiment_is_recorded_with_these_settings(name):
    line = experiment(name)
    assert [entry["seed"] for entry in zoo.results(name)] == list(line.seeds)
    for entry in zoo.results(name):
        assert entry["settings"] == json.loads(json.dumps(line.settings()))
        assert entry["command"] == f"python -m aelib train {name}"
        assert len(entry["val_loss"]) == len(entry["seconds"]) == line.recipe.epochs
        assert {"python", "torch", "aelib"} <= set(entry["versions"])
        if line.letters:
            assert len(entry["wrong_per_letter"]) == len(entry["test_mse_per_letter"]) == 14
        elif name != JUDGE:
            assert entry["checkerboard"] > 0 and entry["checkerboard_4"] > 0
            assert len(entry["test_mse_per_digit"]) == 10


def test_what_ships_is_what_the_table_says():
    assert set(zoo.names()) == {name for name, line in EXPERIMENTS.items() if line.shipped}
