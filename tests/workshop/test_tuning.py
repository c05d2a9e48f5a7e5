import math

import torch

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
