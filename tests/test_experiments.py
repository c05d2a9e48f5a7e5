import pytest
import torch

from aelib import zoo
from aelib.experiments import DIGIT_DIM, Experiment
from aelib.models import UPSAMPLING
from aelib.optim import Recipe

TINY = Recipe(epochs=2, batch_size=50, adam_lr=5e-3, muon_lr=0.02, warmup=0.2)


def test_six_kinds_share_encoder_order_and_recipe():
    for d in zoo.UP_DIMS:
        experiments = [zoo.experiment(f"up/{kind}/{d}") for kind in UPSAMPLING]
        assert len({experiment.recipe for experiment in experiments}) == 1
        assert [experiment.upsampling for experiment in experiments] == list(UPSAMPLING)
        assert all(experiment.seeds == zoo.SEEDS for experiment in experiments)
        encoders = [experiment.build(3).encoder.state_dict() for experiment in experiments]
        for other in encoders[1:]:
            assert all(torch.equal(other[key], value) for key, value in encoders[0].items())


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
