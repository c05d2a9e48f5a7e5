import functools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from aelib import baselines, metrics, optim, training
from aelib.models import Autoencoder, Judge
from aelib.optim import ORIGINAL, Recipe
from aelib.training import History, evaluate, fit, seeded

NOT_HIDDEN = {"disable": False}
SHORT = Recipe(epochs=3, batch_size=50, adam_lr=5e-3, muon_lr=0.02, warmup=0.2)


def built(seed=0, **options):
    with seeded(seed):
        return Autoencoder(4, **options)


def weights(model):
    return torch.cat([value.flatten().double() for value in model.state_dict().values()])


@pytest.mark.parametrize("upsampling", ["transpose", "nearest"])
def test_a_small_real_run_learns(splits, upsampling):
    train, val = splits.train[::25], splits.val[::5]
    model = built(upsampling=upsampling)
    mean_image = baselines.mean_image(train)
    baseline = (val.floats() - mean_image).square().mean().item()
    recipe = Recipe(epochs=4, batch_size=50, adam_lr=5e-3, muon_lr=0.02, warmup=0.2)
    history = fit(model, train, val, recipe, progress=False)
    assert history.epochs == 4 and history.stopped is None
    assert history.best_loss < 0.85 * baseline
    assert history.train_loss[-1] < history.train_loss[0]


def test_the_originals_recipe_learns_too(splits):
    recipe = Recipe(2, 50, ORIGINAL.adam_lr, weight_decay=ORIGINAL.weight_decay)
    model = built(offset=0.5)
    history = fit(model, splits.train[::25], splits.val[::5], recipe, progress=False)
    floor = (splits.val[::5].floats() - 0.5).clamp(max=0).square().mean().item()
    assert floor < history.val_loss[-1] < history.val_loss[0]


def test_the_same_seed_gives_the_same_weights_bit_for_bit(few):
    models = [built() for _ in range(2)]
    for number, model in enumerate(models):
        torch.manual_seed(number)  # what happened before must not matter
        fit(model, few, few, SHORT, seed=3, progress=False)
    assert torch.equal(weights(models[0]), weights(models[1]))
    other = built()
    fit(other, few, few, SHORT, seed=4, progress=False)
    assert not torch.equal(weights(models[0]), weights(other))


def test_dropout_follows_the_seed_and_leaves_other_random_numbers_alone(few):
    judges = []
    for number in range(2):
        with seeded(0):
            judges.append(Judge())
        torch.manual_seed(number)
        expected = torch.rand(3)
        torch.manual_seed(number)
        fit(judges[-1], few, few, SHORT, loss=training.classification_loss, progress=False)
        assert torch.equal(torch.rand(3), expected)
    assert torch.equal(weights(judges[0]), weights(judges[1]))


def test_the_best_weights_are_a_copy_and_come_back(few, monkeypatch):
    model = built()
    losses = iter([0.5, 0.1, 0.9])
    seen = []

    def scripted(model, digits, loss):
        seen.append(weights(model))
        return next(losses)

    monkeypatch.setattr(training, "_mean_loss", scripted)
    history = fit(model, few, few, SHORT, progress=False)
    assert history.best_epoch == 1 and history.best_loss == 0.1
    assert torch.equal(weights(model), seen[1])
    assert not torch.equal(seen[1], seen[2])
    assert not model.training and next(model.parameters()).device.type == "cpu"


class Stumbling:
    """A loss that works for some steps and then does something else."""

    def __init__(self, steps, then):
        self.left, self.then = steps, then

    def __call__(self, model, x, labels):
        value = training.reconstruction_loss(model, x, labels)
        # Evaluation calls this too, without gradients; only steps count.
        if torch.is_grad_enabled():
            self.left -= 1
            if self.left < 0:
                return self.then(value)
        return value


def test_a_loss_that_is_not_finite_stops_with_the_best_weights(few):
    model, twin = built(), built()
    broken = Stumbling(6, lambda value: value * float("nan"))
    history = fit(model, few, few, SHORT, loss=broken, progress=False)
    assert history.stopped == "non-finite loss" and history.epochs == 1
    fit(twin, few, few, SHORT, progress=False, loss=Stumbling(4, _interrupt))
    assert torch.equal(weights(model), weights(twin))
    assert math.isfinite(evaluate(model, few))


def _interrupt(value):
    raise KeyboardInterrupt


def test_ctrl_c_returns_what_there_is(few):
    model = built()
    history = fit(model, few, few, SHORT, loss=Stumbling(9, _interrupt), progress=False)
    assert history.stopped == "interrupted" and history.epochs == 2
    assert evaluate(model, few) == pytest.approx(history.best_loss, rel=1e-4)


def test_an_interrupted_run_goes_on_to_the_same_weights(few, tmp_path):
    whole, parts, state = built(), built(), tmp_path / "run.state"
    expected = fit(whole, few, few, SHORT, seed=2, progress=False)
    first = fit(
        parts, few, few, SHORT, seed=2, progress=False, state_file=state,
        loss=Stumbling(6, _interrupt),
    )  # fmt: skip
    assert first.epochs == 1
    resumed = built(seed=9)  # whatever it starts from, the state decides
    history = fit(
        resumed, few, few, SHORT, seed=2, progress=False, state_file=state,
        loss=Stumbling(99, _interrupt),
    )  # fmt: skip
    assert history.val_loss == expected.val_loss
    assert torch.equal(weights(resumed), weights(whole))


def test_nothing_to_train_on_is_said(few):
    with pytest.raises(ValueError, match="train holds no images"):
        fit(built(), few[:0], few, SHORT, progress=False)
    with pytest.raises(ValueError, match="val holds no images"):
        fit(built(), few, few[:0], SHORT, progress=False)


def test_images_that_are_not_digits_train_as_well(noise):
    history = fit(built(), noise, noise, Recipe(1, 4, 1e-3), progress=False)
    assert history.epochs == 1


def test_progress_shows_epochs_and_losses(few, capsys, monkeypatch):
    # conftest hides bars through tqdm's environment variable; here it is shown all the same.
    shown = functools.partial(training.tqdm)
    monkeypatch.setattr(training, "tqdm", lambda **options: shown(**options | NOT_HIDDEN))
    fit(built(), few, few, Recipe(2, 50, 1e-3), progress=True)
    shown = capsys.readouterr().err
    assert "2/2" in shown and "val=" in shown and "train=" in shown


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"batch_size": 0}, {"warmup": 0.0}, {"warmup": 1.5}]
)
def test_a_recipe_that_cannot_work_is_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        Recipe(**({"epochs": 1, "batch_size": 8, "adam_lr": 1e-3} | wrong))


@settings(deadline=None)
@given(total=st.integers(2, 5000), warmup=st.floats(0.01, 0.99))
def test_one_cycle_rises_and_falls_between_zero_and_one(total, warmup):
    factors = [optim.learning_rate_factor(s, total, warmup) for s in (0, total // 2, total - 1)]
    assert all(0 < factor <= 1 for factor in factors)
    peak = max(optim.learning_rate_factor(s, total, warmup) for s in range(min(total, 200)))
    assert factors[2] <= peak and optim.learning_rate_factor(0, total, None) == 1


def test_a_history_without_epochs_has_no_best():
    assert History().best_loss == math.inf and History().epochs == 0


def test_evaluate_restores_the_mode(few):
    model = built().train()
    evaluate(model, few)
    assert model.training


def test_steps_may_come_from_a_generator(few):
    watch = training.Watch(lambda model: 1.0, (step for step in (0, 4, 12)))
    history = fit(built(), few, few, SHORT, progress=False, watch=watch)
    assert [steps for steps, _ in history.watched] == [0, 4, 12]
    assert watch == training.Watch(watch.measure, [0, 4, 12]), "the same again"


def test_watching_sees_the_steps_it_asks_for_and_changes_nothing(few, tmp_path):
    modes = []

    def look(model):
        modes.append(model.training)
        return metrics.mse_per_image(model(few.floats()), few.floats()).mean()

    plain, watched = built(), built()
    fit(plain, few, few, SHORT, progress=False)
    history = fit(watched, few, few, SHORT, progress=False, watch=training.Watch(look, (0, 3, 12)))
    assert torch.equal(weights(plain), weights(watched))
    assert [steps for steps, _ in history.watched] == [0, 3, 12]
    assert history.watched[0][1] > history.watched[-1][1]
    assert not any(modes), "measured in eval mode"


def test_what_was_watched_survives_an_interruption(few, tmp_path):
    watch = training.Watch(lambda model: 1.0, (0, 4, 8, 12))

    def stop(history):
        if history.epochs == 2:
            raise KeyboardInterrupt

    state = tmp_path / "run.state"
    model = built()
    fit(model, few, few, SHORT, progress=False, state_file=state, after_epoch=stop, watch=watch)
    history = fit(built(), few, few, SHORT, progress=False, state_file=state, watch=watch)
    assert [steps for steps, _ in history.watched] == [0, 4, 8, 12]


def test_noise_enters_in_training_only_and_the_goal_stays_clean(few):
    seen = []

    class Echo(nn.Module):
        def forward(self, x):
            seen.append(x)
            return x

    model, x = Echo(), few.floats()
    loss = training.denoising_loss(0.3)
    with seeded(0):
        noisy = loss(model.train(), x, few.labels)
        clean = loss(model.eval(), x, few.labels)
    assert noisy > 0.01 and clean == 0
    assert seen[0].min() >= 0 and seen[0].max() <= 1
    assert torch.equal(seen[1], x)


def test_a_look_that_draws_random_numbers_changes_nothing(few):
    def train(watch):
        model = built()
        fit(model, few, few, SHORT, loss=training.denoising_loss(0.3), progress=False, watch=watch)
        return weights(model)

    careless = training.Watch(lambda model: torch.rand(3).sum(), (0, 2, 5))
    assert torch.equal(train(None), train(careless))
    assert not torch.equal(train(None), weights(built()))


def test_looks_before_an_interruption_are_not_repeated(few, tmp_path):
    calls = []

    def look(model):
        calls.append(1)
        if len(calls) == 3:  # in the middle of the second epoch
            raise KeyboardInterrupt
        return 1.0

    watch, state = training.Watch(look, (2, 5, 7)), tmp_path / "run.state"
    fit(built(), few, few, SHORT, progress=False, state_file=state, watch=watch)
    history = fit(built(), few, few, SHORT, progress=False, state_file=state, watch=watch)
    assert [steps for steps, _ in history.watched] == [2, 5, 7]


def test_noise_cannot_be_negative():
    with pytest.raises(ValueError, match="noise must be 0 or more"):
        training.denoising_loss(-0.1)


@pytest.mark.parametrize("noise", [float("inf"), float("nan"), -1, True])
def test_noise_is_a_finite_amount(noise):
    with pytest.raises(ValueError, match="noise must be 0 or more"):
        training.denoising_loss(noise)


def test_a_device_by_number_is_a_gpu(few):
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(ValueError, match="device must be one that torch has here, got 0"):
        fit(built(), few, few, Recipe(1, 50, 1e-3), device=0, progress=False)
