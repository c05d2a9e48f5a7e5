"""A run that did not go to its end: nobody takes its numbers for results."""

from concurrent.futures.process import BrokenProcessPool

import joblib
import pytest

from aelib import AelibError, training
from aelib.data import Splits
from aelib.files import cache_folder
from aelib.models import Autoencoder
from aelib.optim import Recipe
from aelib.workshop import benchmark, figures, running, sweep, tuning


@pytest.fixture
def small(few, tmp_path, monkeypatch):
    """Two hundred images in the place of MNIST, a trial of one epoch, and a cache of its own."""
    splits = Splits(few, few, few)
    for module in (benchmark, sweep):
        monkeypatch.setattr(module, "load_mnist", lambda: splits)
    monkeypatch.setattr(tuning, "COMPARED", [("transpose", 2)])
    monkeypatch.setattr(tuning, "TRIALS", {2: (1, (5,))})
    monkeypatch.setenv("AELIB_CACHE", str(tmp_path))
    return splits


TRAINERS = {
    "tune": tuning.measure_step_sizes,
    "figures": lambda splits: figures.draw_early(figures.Studio(splits)),
    "benchmark, whole": lambda splits: benchmark._trained(splits, 1),
    "benchmark, an epoch": lambda splits: benchmark._one_epoch(2, 100),
    "train": lambda splits: sweep.train_run(
        "latent/2", 0, cache_folder() / "checkpoints", splits, measure=False
    ),
}


@pytest.mark.parametrize("trainer", TRAINERS)
def test_ctrl_c_is_never_taken_for_a_result(trainer, small, monkeypatch):
    def interrupted(run):
        raise KeyboardInterrupt

    monkeypatch.setattr(training._Run, "epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        TRAINERS[trainer](small)


@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_run_that_diverged_is_never_taken_for_a_result(trainer, small, monkeypatch):
    def diverge(run):
        run.history.stopped = "non-finite loss"

    monkeypatch.setattr(training._Run, "epoch", diverge)
    with pytest.raises(running.DivergedError, match="non-finite loss after 0 epochs"):
        TRAINERS[trainer](small)


def test_a_trial_that_was_interrupted_keeps_the_states_of_the_others(small, monkeypatch):
    epoch, trained = training._Run.epoch, []

    def interrupted_in_the_second(run):
        trained.append(run)
        if len(trained) == 2:
            raise KeyboardInterrupt
        epoch(run)

    monkeypatch.setattr(training._Run, "epoch", interrupted_in_the_second)
    with pytest.raises(KeyboardInterrupt):
        tuning.measure_step_sizes(small)
    assert tuning._state_file("transpose", 2, 0.5, 5).exists()
    (found,) = tuning.measure_step_sizes(small)
    assert len(trained) == 4, "the first was finished"
    assert all(0 < error < 1 for errors in found["val_mse"].values() for error in errors)


def test_no_state_is_left_of_a_run_that_diverged(few, tmp_path):
    model, state = Autoencoder(2), tmp_path / "run.state"

    def spoil(history):
        assert state.exists()
        model.encoder[0].weight.data.fill_(float("nan"))

    with pytest.raises(running.DivergedError, match=r"^mine: non-finite loss after 1 epochs$"):
        running.fit_to_the_end(
            *("mine", model, few, few, Recipe(3, 50, 1e-3), state), after_epoch=spoil
        )
    assert not state.exists()


@pytest.mark.parametrize("in_order", [True, False])
def test_workers_end_with_their_parent_and_a_broken_pool_is_one_line(in_order, monkeypatch):
    asked = {}

    def broken(**options):
        asked.update(options)

        def work(tasks):
            yield from ()
            raise BrokenProcessPool("signal 9")

        return work

    monkeypatch.setattr(joblib, "Parallel", broken)
    with pytest.raises(AelibError, match="for want of memory") as caught:
        list(running.at_once(2, [], in_order))
    assert caught.value.__cause__ is None and "\n" not in str(caught.value)
    assert asked["initializer"] is running._end_with_parent
