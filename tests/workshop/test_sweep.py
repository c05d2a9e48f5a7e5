import os
import re
import shutil
import time

import pytest
import torch

from aelib import AelibError, zoo
from aelib.data import Splits
from aelib.optim import Recipe
from aelib.workshop import experiments, records, sweep
from aelib.workshop.experiments import Experiment

TINY = Recipe(epochs=2, batch_size=50, adam_lr=5e-3, muon_lr=0.02, warmup=0.2)
TABLE = {
    "judge": Experiment("judge", TINY, seeds=(0, 1)),
    "tiny/2": Experiment("tiny/2", TINY, 2, seeds=(0, 1)),
    "secret/1": Experiment("secret/1", TINY, 1, seeds=(0,), shipped=False),
}


def live_in(folder, few, monkeypatch):
    """Have a zoo of three experiments on two hundred images, in a folder of its own."""
    monkeypatch.setattr(zoo, "CHECKPOINTS", folder / "checkpoints")
    monkeypatch.setenv("AELIB_CACHE", str(folder / "cache"))
    monkeypatch.setattr(experiments, "EXPERIMENTS", dict(TABLE))
    monkeypatch.setattr(experiments, "load_mnist", lambda: Splits(few, few, few))


@pytest.fixture(scope="module")
def trained(few, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as monkeypatch:
        live_in(folder, few, monkeypatch)
        done = sweep.train()
    first = [("judge", 0), ("judge", 1)]
    assert done == [*first, ("tiny/2", 0), ("secret/1", 0), ("tiny/2", 1)], "seed by seed"
    return folder


@pytest.fixture
def small(trained, few, tmp_path, monkeypatch):
    """The trained zoo, in a copy of the test's own."""
    shutil.copytree(trained, tmp_path / "zoo")
    live_in(tmp_path / "zoo", few, monkeypatch)
    return tmp_path / "zoo"


def change(monkeypatch, **settings):
    line = Experiment(**(vars(TABLE["tiny/2"]) | settings))
    monkeypatch.setitem(experiments.EXPERIMENTS, "tiny/2", line)
    return line


def decisive(name, seed):
    return {k: value for k, value in zoo.record(name, seed).items() if "seconds" not in k}


def test_what_is_there_is_not_trained_again(small):
    assert sweep.missing() == sweep.train() == []
    record = zoo.record_file("tiny/2").read_text()
    assert re.search(r'\n "val_loss": \[ [\d.]+, [\d.]+ \],\n', record), "a list has a line"


def test_weights_ship_in_half_precision_but_variances(small):
    state = torch.load(zoo.weights_file("tiny/2", 0), weights_only=True)
    kinds = {name.rsplit(".", 1)[1]: value.dtype for name, value in state.items()}
    assert kinds["weight"] == kinds["bias"] == torch.float16
    assert kinds["running_var"] == torch.float32  # it can be larger than a half can hold


@pytest.mark.parametrize("damage", ["no record", "a broken record", "no weights"])
def test_what_is_not_there_whole_is_trained_again_to_the_same_record(damage, small):
    record, before = zoo.record_file("tiny/2", 0), decisive("tiny/2", 0)
    if damage == "a broken record":
        record.write_text(record.read_text()[:100])
    else:
        (record if damage == "no record" else zoo.weights_file("tiny/2", 0)).unlink()
    assert sweep.train(["tiny/2"]) == [("tiny/2", 0)]
    assert decisive("tiny/2", 0) == before


def test_other_settings_count_as_missing_and_a_watched_run_records_its_looks(small, monkeypatch):
    state = records.state_file(TABLE["tiny/2"], 0)
    for settings in ({"recipe": Recipe(1, 50, 1e-3)}, {"noise": 0.1}, {"watched": True}):
        line = change(monkeypatch, **settings)
        assert sweep.missing() == [("tiny/2", 0), ("tiny/2", 1)]
        assert records.state_file(line, 0) != state
    assert sweep.train() == [("tiny/2", 0), ("tiny/2", 1)]
    assert [step for step, _ in zoo.record("tiny/2", 0)["watched"]] == [0, 4, 5, 8]
    assert sweep.missing() == []


def test_a_run_that_diverges_is_named_and_leaves_no_record(small, monkeypatch):
    change(monkeypatch, recipe=Recipe(2, 50, adam_lr=1e30), watched=True)
    with pytest.raises(AelibError, match="tiny/2, seed 0: non-finite loss after 0 epochs"):
        sweep.train()
    assert sweep.missing() == [("tiny/2", 0), ("tiny/2", 1)]


def test_measuring_later_completes_what_was_only_trained(small):
    before = decisive("tiny/2", 1)
    zoo.record_file("tiny/2", 1).unlink()
    assert sweep.train(measure=False) == [("tiny/2", 1)]
    assert "test_mse" not in zoo.record("tiny/2", 1)
    records.measure_again(["tiny/2"])
    assert decisive("tiny/2", 1) == before


def test_train_first_clears_what_killed_processes_left(small):
    old, young = small / "cache/.a.part", small / "checkpoints/tiny/.b.part"
    for path in (state := records.state_file(TABLE["tiny/2"], 0), old, young):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    os.utime(old, (time.time() - 2, time.time() - 2))
    assert sweep.train() == []
    assert not state.exists() and not old.exists() and young.exists(), "somebody may be writing it"
