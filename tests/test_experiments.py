import pytest
import torch

from aelib import zoo
from aelib.experiments import COMPARED, DIGIT_DIM, UP_STEPS, Experiment, course_recipe, scaled
from aelib.models import UPSAMPLING
from aelib.optim import Recipe

TINY = Recipe(epochs=2, batch_size=50, adam_lr=5e-3, muon_lr=0.02, warmup=0.2)


def test_six_kinds_share_encoder_order_and_recipe_but_for_the_step_size():
    for d in zoo.UP_DIMS:
        experiments = [zoo.experiment(f"up/{kind}/{d}") for kind in UPSAMPLING]
        for kind, experiment in zip(UPSAMPLING, experiments, strict=True):
            assert experiment.recipe == scaled(course_recipe(d), UP_STEPS.get((kind, d), 1))
        assert [experiment.upsampling for experiment in experiments] == list(UPSAMPLING)
        assert all(experiment.seeds == zoo.SEEDS for experiment in experiments)
        encoders = [experiment.build(3).encoder.state_dict() for experiment in experiments]
        for other in encoders[1:]:
            assert all(torch.equal(other[key], value) for key, value in encoders[0].items())


def test_the_step_sizes_are_those_with_the_lowest_error_recorded():
    tried = {(one["kind"], one["latent_dim"]): one["val_mse"] for one in zoo.step_sizes()}
    assert list(tried) == list(COMPARED) and set(UP_STEPS) < set(COMPARED)
    for line, errors in tried.items():
        assert len(errors) == 3
        assert UP_STEPS.get(line, 1) == min(errors, key=lambda f: sum(errors[f])), line


def test_a_scaled_recipe_takes_larger_steps_and_changes_nothing_else():
    twice = scaled(TINY, 2)
    assert (twice.adam_lr, twice.muon_lr) == (1e-2, 0.04)
    adam = Recipe(epochs=2, batch_size=50, adam_lr=5e-3, warmup=0.2)
    assert scaled(adam, 0.5) == Recipe(epochs=2, batch_size=50, adam_lr=2.5e-3, warmup=0.2)


def test_one_digit_models_see_one_digit_only(splits):
    for digit in range(10):
        train, val = zoo.experiment(f"digit/{digit}").digits(splits)
        assert set(train.labels.tolist()) == set(val.labels.tolist()) == {digit}
        assert zoo.experiment(f"digit/{digit}").latent_dim == DIGIT_DIM == 16


def test_settings_that_exclude_each_other_are_refused():
    for wrong in ({"offset": 0.5, "only": 3}, {"thinned": (1, 2), "only": 3}):
        with pytest.raises(ValueError, match="of offset, thinned and only one"):
            Experiment("wrong", TINY, 2, **wrong)
    with pytest.raises(ValueError, match="offset excludes noise"):
        Experiment("wrong", TINY, 2, offset=0.5, noise=0.1)


def test_only_has_to_be_a_digit():
    with pytest.raises(ValueError, match="only must be a digit of 0 to 9, got 10"):
        Experiment("wrong", TINY, 2, only=10)


def test_scarce_zeros_are_a_half_a_quarter_and_a_tenth(splits):
    whole = splits.train.counts()
    for name, share in (("half", 2), ("quarter", 4), ("tenth", 10)):
        train, val = zoo.experiment(f"scarce/{name}").digits(splits)
        counts = train.counts()
        assert abs(counts[0] - whole[0] / share) < 1 and counts[1:].equal(whole[1:])
        assert val is splits.val


def test_every_experiment_says_what_it_is_for():
    assert all(len(experiment.note) > 20 for experiment in zoo.EXPERIMENTS.values())
