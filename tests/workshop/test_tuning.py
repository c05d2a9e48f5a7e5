import math

import pytest
import torch

from aelib import training
from aelib.data import Splits
from aelib.workshop import tuning


def test_every_step_size_is_tried_with_every_seed(splits, monkeypatch):
    monkeypatch.setattr(tuning, "COMPARED", [("nearest_k5", 2)])
    monkeypatch.setattr(tuning, "TRIALS", {2: (1, (5, 6))})
    few = Splits(splits.train[::200], splits.val[::50], splits.test[::100])
    threads = torch.get_num_threads()
    (found,) = tuning.measure_step_sizes(few)
    assert torch.get_num_threads() == threads
    assert (found["kind"], found["latent_dim"], found["epochs"]) == ("nearest_k5", 2, 1)
    errors = [error for seeds in found["val_mse"].values() for error in seeds]
    assert list(found["val_mse"]) == ["0.5", "1.0", "2.0"]
    assert len(set(errors)) == 6 and all(math.isfinite(error) for error in errors)
    assert tuning.measure_step_sizes(few) == [found], "the same again"


def test_what_was_interrupted_goes_on(splits, monkeypatch):
    monkeypatch.setattr(tuning, "COMPARED", [("transpose", 2)])
    monkeypatch.setattr(tuning, "TRIALS", {2: (1, (5,))})
    few = Splits(splits.train[::200], splits.val[::50], splits.test[::100])
    train_an_epoch, trained = training._Run.epoch, []

    def stop_at_the_third(run):
        trained.append(run)
        if len(trained) == 3:
            raise RuntimeError("stopped")
        train_an_epoch(run)

    monkeypatch.setattr(training._Run, "epoch", stop_at_the_third)
    with pytest.raises(RuntimeError, match="stopped"):
        tuning.measure_step_sizes(few)
    tuning.measure_step_sizes(few)
    assert len(trained) == 4, "two were finished, the third was begun again"
