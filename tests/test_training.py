import functools
import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from aelib import AelibError, metrics, training
from aelib.models import Autoencoder, Judge
from aelib.optim import ORIGINAL, Recipe
from aelib.training import Watch, evaluate, fit, seeded

NOT_HIDDEN = {"disable": False}
SHORT = Recipe(epochs=3, batch_size=50, adam_lr=5e-3, muon_lr=0.02, warmup=0.2)


def built(seed=0, **options):
    with seeded(seed):
        return Autoencoder(4, **options)


def weights(model):
    return torch.cat([value.flatten().double() for value in model.state_dict().values()])


def test_a_small_real_run_learns(splits):
    train, val = splits.train[::25], splits.val[::5]
    model = built()
    baseline = (val.floats() - train.floats().mean(0)).square().mean().item()
    history = fit(model, train, val, replace(SHORT, epochs=4), progress=False)
    assert history.epochs == 4 and history.stopped is None
    assert history.best_loss < 0.85 * baseline
    assert history.train_loss[-1] < history.train_loss[0]
    adam = Recipe(2, 50, ORIGINAL.adam_lr, weight_decay=ORIGINAL.weight_decay)
    history = fit(built(offset=0.5), train, val, adam, progress=False)
    floor = (val.floats() - 0.5).clamp(max=0).square().mean().item()
    assert floor < history.val_loss[-1] < history.val_loss[0]


def test_a_network_of_ones_own_trains(few):
    flat = nn.Sequential(nn.Flatten(), nn.Linear(784, 784), nn.Unflatten(1, (1, 28, 28)))
    history = fit(flat, few, few, Recipe(2, 50, 1e-3), progress=False)
    assert history.val_loss[1] < history.val_loss[0]
    with pytest.raises(ValueError, match=r"makes \(50, 784\) of images \(50, 1, 28, 28\)"):
        fit(flat[:2], few, few, Recipe(1, 50, 1e-3), progress=False)
    with pytest.raises(ValueError, match=r"makes \(50, 1, 1, 1\) of images"):  # which broadcasts
        fit(nn.Conv2d(1, 1, 28), few, few, Recipe(1, 50, 1e-3), progress=False)


def test_the_same_seed_gives_the_same_weights_and_leaves_other_random_numbers_alone(few):
    judges, loss = [], training.classification_loss
    for number, seed in enumerate((3, 3, 4)):
        with seeded(0):
            judges.append(Judge())  # which has dropout
        torch.manual_seed(number)  # what happened before must not matter
        expected = torch.rand(3)
        torch.manual_seed(number)
        fit(judges[-1], few, few, SHORT, seed=seed, loss=loss, progress=False)
        assert torch.equal(torch.rand(3), expected)
    first, again, other = map(weights, judges)
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_the_best_weights_are_a_copy_and_come_back(few, monkeypatch):
    model, losses, seen = built(), iter([0.5, 0.1, 0.9]), []

    def scripted(model, digits, loss):
        seen.append(weights(model))
        return next(losses)

    monkeypatch.setattr(training, "evaluate", scripted)
    history = fit(model, few, few, SHORT, progress=False)
    assert history.best_epoch == 1 and history.best_loss == 0.1
    assert torch.equal(weights(model), seen[1])
    assert not torch.equal(seen[1], seen[2])
    assert not model.training and next(model.parameters()).device.type == "cpu"


class Stumbling:
    """A loss that works for some steps and then does something else."""

    def __init__(self, steps, then, loss=training.reconstruction_loss):
        self.left, self.then, self.loss = steps, then, loss

    def __call__(self, model, x, labels):
        value = self.loss(model, x, labels)
        # Evaluation calls this too, without gradients; only steps count.
        if torch.is_grad_enabled():
            self.left -= 1
            if self.left < 0:
                return self.then(value)
        return value


def interrupt(value):
    raise KeyboardInterrupt


def test_a_loss_that_is_not_finite_stops_with_the_best_weights(few):
    model, twin = built(), built()
    broken = Stumbling(6, lambda value: value * float("nan"))
    history = fit(model, few, few, SHORT, loss=broken, progress=False)
    assert history.stopped == "non-finite loss" and history.epochs == 1
    history = fit(twin, few, few, SHORT, progress=False, loss=Stumbling(4, interrupt))
    assert history.stopped == "interrupted" and history.epochs == 1
    assert torch.equal(weights(model), weights(twin))
    assert evaluate(model, few) == pytest.approx(history.best_loss, rel=1e-4)
    nn.init.constant_(model.encoder[0].bias, math.nan)
    with pytest.raises(FloatingPointError, match="nan"):
        evaluate(model, few)


@pytest.mark.parametrize("loss", [training.reconstruction_loss, training.denoising_loss(0.3)])
def test_an_interrupted_run_goes_on_to_the_same_weights(few, tmp_path, loss):
    whole, resumed, state = built(), built(seed=9), tmp_path / "new" / "run.state"
    watch = Watch(lambda model: 1.0, (0, 3, 4, 7, 12))
    options = {"seed": 2, "progress": False, "watch": watch}
    expected = fit(whole, few, few, SHORT, loss=loss, **options)
    for steps, epochs in ((2, 0), (6, 1), (2, 1)):  # what it starts from is of no account
        first = fit(
            built(), few, few, SHORT, loss=Stumbling(steps, interrupt, loss), state_file=state,
            **options,
        )  # fmt: skip
        assert first.epochs == epochs and first.stopped == "interrupted"
    for _ in range(2):  # of a finished run nothing is left to do
        history = fit(resumed, few, few, SHORT, loss=loss, state_file=state, **options)
        assert history.val_loss == expected.val_loss and history.watched == expected.watched
        assert torch.equal(weights(resumed), weights(whole))
    assert list(state.parent.iterdir()) == [state]


OTHER = {
    "recipe": lambda few: {"recipe": Recipe(1, 50, 2e-3)},
    "seed": lambda few: {"seed": 1},
    "val": lambda few: {"val": few[1:]},
    "labels": lambda few: {"train": type(few)(few.images, few.labels.flip(0))},
    "network": lambda few: {"model": Autoencoder(5)},
    "damage": lambda few: {},
}


@pytest.mark.parametrize("change", OTHER)
def test_a_state_of_another_run_is_refused(few, tmp_path, change):
    state, recipe = tmp_path / "run.state", Recipe(1, 50, 1e-3)
    given = {"model": built(), "train": few, "val": few, "recipe": recipe, "seed": 0}
    fit(**given, progress=False, state_file=state)
    if change == "damage":
        state.write_bytes(state.read_bytes()[:-100])
    given |= {"model": built()} | OTHER[change](few)
    before, content = weights(given["model"]), state.read_bytes()
    with pytest.raises(AelibError, match=r"run\.state is .*: delete it, or give another"):
        fit(**given, progress=False, state_file=state)
    assert torch.equal(weights(given["model"]), before) and state.read_bytes() == content


def test_no_code_in_a_state_is_run(few, tmp_path):
    state = tmp_path / "run.state"
    torch.save({"owner": print, "model": functools.partial(state.unlink)}, state)
    with pytest.raises(AelibError, match="not the state of a training run"):
        fit(built(), few, few, SHORT, progress=False, state_file=state)


def test_progress_shows_epochs_and_losses(few, capsys, monkeypatch):
    # conftest hides bars through tqdm's environment variable; here it is shown all the same.
    shown = functools.partial(training.tqdm)
    monkeypatch.setattr(training, "tqdm", lambda **options: shown(**options | NOT_HIDDEN))
    fit(built(), few, few, Recipe(2, 50, 1e-3), progress=True)
    shown = capsys.readouterr().err
    assert "2/2" in shown and "val=" in shown and "train=" in shown


def test_watching_sees_the_steps_it_asks_for_and_changes_nothing(few):
    modes = []

    def look(model):
        modes.append(model.training)
        return metrics.mse_per_image(model(few.floats()), few.floats()).mean()

    plain, watched = built(), built()
    fit(plain, few, few, SHORT, progress=False)
    history = fit(watched, few, few, SHORT, progress=False, watch=Watch(look, (0, 3, 12)))
    assert torch.equal(weights(plain), weights(watched))
    assert [steps for steps, _ in history.watched] == [0, 3, 12]
    assert history.watched[0][1] > history.watched[-1][1]
    assert not any(modes), "measured in eval mode"


def test_noise_enters_in_training_only_and_tiny_numbers_count_as_they_did_before(few):
    echo, x, loss = nn.Identity(), few.floats(), training.denoising_loss(0.3)
    assert loss(echo.train(), x, few.labels) > 0.01 and loss(echo.eval(), x, few.labels) == 0
    for before in (True, False):
        torch.set_flush_denormal(before)
        fit(built(), few, few, Recipe(1, 50, 1e-3), progress=False)
        assert bool(torch.tensor(1e-39) * 1 == 0) == before
