import pytest

from aelib import training, zoo
from aelib.data import Splits, cache_folder
from aelib.workshop import tuning


def test_every_step_size_is_tried_and_what_was_interrupted_goes_on(few, tmp_path, monkeypatch):
    monkeypatch.setattr(tuning, "COMPARED", [("nearest_k5", 2)])
    monkeypatch.setattr(tuning, "TRIALS", {2: (1, (5, 6))})
    monkeypatch.setattr(tuning, "load_mnist", lambda: Splits(few, few, few))
    monkeypatch.setattr(zoo, "CHECKPOINTS", tmp_path)
    monkeypatch.setenv("AELIB_CACHE", str(tmp_path / "cache"))
    epoch, begun = training._Run.epoch, []

    def interrupted_in_the_third(run, *given):
        begun.append(run)
        if len(begun) == 3:
            raise KeyboardInterrupt
        return epoch(run, *given)

    monkeypatch.setattr(training._Run, "epoch", interrupted_in_the_third)
    with pytest.raises(KeyboardInterrupt):
        tuning.save_step_sizes(jobs=1)
    tuning.save_step_sizes(jobs=1)
    assert len(begun) == 7, "two were finished, the third was begun again"
    (found,) = zoo.measured("step_sizes")
    assert (found["kind"], found["latent_dim"], found["epochs"]) == ("nearest_k5", 2, 1)
    assert list(found["val_mse"]) == ["0.5", "1.0", "2.0"]
    errors = [error for seeds in found["val_mse"].values() for error in seeds]
    assert len(set(errors)) == 6 and all(0 < error < 1 for error in errors)
    assert not list(cache_folder().glob("tune/*"))
