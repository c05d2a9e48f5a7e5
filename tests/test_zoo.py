import hashlib
import json
import math
import pickle
import shutil

import pytest
import torch

from aelib import AelibError, hangul, metrics, zoo
from aelib.models import Judge


@pytest.fixture
def checkpoints(tmp_path, monkeypatch):
    """A folder of its own with two runs of latent/2, and a cache of its own."""
    folder = tmp_path / "checkpoints"
    shutil.copytree(zoo.CHECKPOINTS / "latent" / "2", folder / "latent" / "2")
    for seed in (2, 3, 4):
        (folder / "latent" / "2" / f"seed{seed}.json").unlink()
    monkeypatch.setattr(zoo, "CHECKPOINTS", folder)
    monkeypatch.setenv("AELIB_CACHE", str(tmp_path / "cache"))
    return folder


@pytest.mark.parametrize("name", zoo.names())
def test_every_shipped_model_loads_and_does_what_its_record_says(name, splits):
    model, entry, part = zoo.load(name), zoo.record(name), splits.test[::20]
    if name.startswith("hangul/"):
        label, letters = entry["settings"]["only"], hangul.load_hangul().test
        part = letters[::10] if label is None else letters.only(label)
        if label is not None:
            entry["test_mse"] = entry["test_mse_per_letter"][label]
    assert not model.training
    if isinstance(model, Judge):
        assert (metrics.read_digits(model, part.images) == part.labels).double().mean() > 0.98
        return
    x = part.floats() - model.offset
    error = metrics.mse_per_image(metrics.reconstruct(model, part.images), x).mean().item()
    assert error == pytest.approx(entry["test_mse"], rel=0.1)
    assert metrics.encode(model, part.images).shape == (len(part), model.latent_dim)


def test_five_judges_read_and_differ():
    weights = [judge.classify[-1].weight for judge in zoo.judges()]
    assert len(weights) == 5 and not torch.equal(weights[0], weights[1])
    assert torch.equal(weights[2], zoo.judge(2).classify[-1].weight)


def test_an_untrained_model_is_that_of_its_seed_and_leaves_torchs_random_numbers():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    first, again, other = (zoo.untrained("up/nearest_k5/16", seed) for seed in (3, 3, 4))
    zoo.load("latent/2")
    assert torch.equal(torch.rand(3), expected)
    first, again, other = (model.encoder[0].weight for model in (first, again, other))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert zoo.untrained("original/transpose/1").offset == 0.5


def test_the_checkpoints_stay_small():
    sizes = [path.stat().st_size for path in zoo.CHECKPOINTS.rglob("*") if path.is_file()]
    assert sum(sizes) <= 15 * 2**20


def test_values_stack_the_seeds():
    found = zoo.values("latent/3", "test_mse_per_digit")
    assert found.shape == (5, 10) and found.dtype == torch.float64
    assert found[3].tolist() == zoo.record("latent/3", 3)["test_mse_per_digit"]
    assert [entry["seed"] for entry in zoo.results("latent/3")] == list(zoo.SEEDS)
    assert zoo.history("latent/3", 1).best_loss == min(zoo.record("latent/3", 1)["val_loss"])


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: zoo.load("latent/17"), r"no 'latent/17'; there are: latent/0, .*latent/16"),
        (lambda: zoo.load("latent/16", 7), r"latent/16 has seeds \[0, 1, 2, 3, 4\], not 7"),
        (lambda: zoo.values("latent/8", "beauty"), "latent/8 has no 'beauty'; it has: .*test_mse"),
        (lambda: zoo.measured("beauty"), r"beauty.json is missing .*python -m aelib baselines"),
    ],
)
def test_what_there_is_not_is_answered_with_what_there_is(ask, said):
    with pytest.raises(AelibError, match=said):
        ask()


def test_weights_that_are_not_kept_or_not_those_recorded_say_how_they_are_made(checkpoints):
    with pytest.raises(AelibError, match=r"not kept here; delete .*seed1\.json and run: "):
        zoo.load("latent/2", 1)
    cached = zoo.weights_file("latent/2", 1)
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"something else")
    with pytest.raises(AelibError, match=r"seed1\.pt is not what was recorded"):
        zoo.load("latent/2", 1)
    zoo.record_file("latent/2", 1).write_text('{"seed": 1')
    with pytest.raises(AelibError, match=r"seed1.json is missing or damaged; git checkout -- "):
        zoo.results("latent/2")
    assert zoo.names() == ["latent/2"]


def test_altered_weights_are_named_with_their_remedy_and_never_run(checkpoints):
    path, record = zoo.weights_file("latent/2", 0), zoo.record_file("latent/2", 0)
    good, entry = path.read_bytes(), json.loads(record.read_text())
    for content in (b"", good[:-1], bytes(len(good)), good[:999] + b"x" + good[1000:]):
        path.write_bytes(content)
        with pytest.raises(AelibError, match=r"seed0\.pt .*git checkout -- .*train latent/2"):
            zoo.load("latent/2")
    # Not even if the record says that they belong there.
    attack = pickle.dumps(Attack(), protocol=2)
    path.write_bytes(attack)
    record.write_text(json.dumps(entry | {"weights_sha256": hashlib.sha256(attack).hexdigest()}))
    with pytest.raises(pickle.UnpicklingError):
        zoo.load("latent/2")


class Attack:
    def __reduce__(self):
        return pytest.fail, ("it was run",)


def test_a_look_that_found_nothing_to_score_is_nan(checkpoints):
    entry = zoo.record("latent/2", 1) | {"watched": [[0, None], [5, 1.5]]}
    zoo.record_file("latent/2", 1).write_text(json.dumps(entry))
    (step, nothing), other = zoo.history("latent/2", 1).watched
    assert step == 0 and math.isnan(nothing) and other == (5, 1.5)
