"""Training a network of one's own, and going on with a run from its state file."""

import copy
import errno
import importlib.util
import io
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from aelib import files, states, training
from aelib.models import Autoencoder, Decoder, Encoder, Judge
from aelib.optim import Recipe
from aelib.states import StateError
from aelib.training import evaluate, fit, seeded

ROOT = Path(__file__).parent.parent
SHORT = Recipe(epochs=3, batch_size=50, adam_lr=5e-3, muon_lr=0.02, warmup=0.2)
ADAM = replace(SHORT, muon_lr=None)


def built(seed=0, dim=4, **options):
    with seeded(seed):
        return Autoencoder(dim, **options)


def sequential():
    with seeded(0):
        return nn.Sequential(Encoder(4), Decoder(4))


def weights(model):
    return torch.cat([value.flatten().double() for value in model.state_dict().values()])


# --- Networks of one's own ----------------------------------------------------------------


def test_a_sequential_of_encoder_and_decoder_trains_as_ours_does(few):
    own, ours = sequential(), built()
    ours.encoder.load_state_dict(own[0].state_dict())
    ours.decoder.load_state_dict(own[1].state_dict())
    histories = [fit(model, few, few, SHORT, progress=False) for model in (own, ours)]
    assert histories[0].val_loss == histories[1].val_loss
    assert torch.equal(weights(own), weights(ours)) and not own.training


class Viewed(nn.Module):
    """Code of one's own that relies on how numbers lie in memory."""

    def __init__(self):
        super().__init__()
        self.conv, self.linear = nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.Linear(784, 784)
        self.register_buffer("box", torch.zeros(1, 2, 3, 4, 5))  # no four axes

    def forward(self, x):
        return torch.sigmoid(self.linear(self.conv(x).view(len(x), -1))).view_as(x)


def test_a_network_may_view_its_numbers_in_another_shape(few):
    model = Viewed()
    before = evaluate(model, few)
    fit(model, few, few, SHORT, progress=False)
    assert evaluate(model, few) < before


def test_weights_that_share_memory_still_do_after_training(few):
    model = nn.Sequential(*(nn.Conv2d(n, 4, 3, padding=1) for n in (1, 4, 4)), nn.Conv2d(4, 1, 1))
    model[2].weight = nn.Parameter(model[1].weight.data)
    fit(model, few, few, ADAM, progress=False)
    assert torch.equal(model[1].weight, model[2].weight)


class Tied(nn.Module):
    """Linear layers only, and the decoder uses the encoder's own matrix."""

    def __init__(self):
        super().__init__()
        self.inward, self.code = nn.Linear(784, 32), nn.Linear(32, 32)
        self.again = nn.Linear(32, 32)
        self.again.weight = self.code.weight
        self.bias = nn.Parameter(torch.zeros(784))

    def forward(self, x):
        h = self.again(self.code(self.inward(x.flatten(1))))
        return torch.sigmoid(h @ self.inward.weight + self.bias).view_as(x)


def test_muon_takes_each_matrix_of_any_network_once(few):
    with seeded(0):
        model = Tied()
    before = copy.deepcopy(model.state_dict())
    history = fit(model, few, few, SHORT, progress=False)
    assert history.val_loss[-1] < history.val_loss[0]
    assert all(not torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.again.weight is model.code.weight


def normed():
    return nn.Sequential(
        nn.utils.parametrizations.weight_norm(nn.Conv2d(1, 4, 3, padding=1)),
        nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 4, 3, padding=1)),
        nn.Conv2d(4, 4, 3, padding=1),
        nn.Conv2d(4, 1, 1),
        nn.Sigmoid(),
    )


def test_weights_that_are_computed_from_others_are_trained_through_them(few):
    with seeded(0):
        model = normed()
    before = copy.deepcopy(model.state_dict())
    fit(model, few, few, SHORT, progress=False)
    assert all(not torch.equal(value, before[name]) for name, value in model.state_dict().items())


class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(0.5))

    def forward(self, x):
        return (x * self.scale).clamp(0, 1)


def test_muon_without_matrices_is_refused_and_adam_takes_them(few):
    for model in (Scale(), nn.Sequential(nn.Conv2d(1, 1, 3, padding=1))):
        with pytest.raises(
            ValueError, match=r"muon_lr is 0.02, but .* no weight matrix .* muon_lr=None"
        ):
            fit(model, few, few, SHORT, progress=False)
    model = Scale()
    history = fit(model, few, few, ADAM, progress=False)
    assert history.best_loss < history.val_loss[0] or model.scale > 0.5


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (lambda: nn.Identity(), "no parameters to train"),
        (lambda: built().requires_grad_(False), "no parameters to train"),
        (lambda: built().double(), r"float32, got torch.float64"),
        (lambda: built().half(), r"float32, got torch.float16"),
    ],
)
def test_a_model_that_cannot_be_trained_is_named(model, said, few):
    with pytest.raises(ValueError, match=said):
        fit(model(), few, few, ADAM, progress=False)


def test_a_frozen_part_stays_as_it_is(few):
    model = built()
    model.encoder.requires_grad_(False)
    frozen = {name: p.clone() for name, p in model.encoder.named_parameters()}
    moving = weights(model.decoder).clone()
    fit(model, few, few, SHORT, progress=False)
    assert all(torch.equal(p, frozen[name]) for name, p in model.encoder.named_parameters())
    assert not torch.equal(weights(model.decoder), moving)


def test_fit_trains_where_gradients_are_switched_off_around_it(few):
    inside, outside = built(), built()
    with torch.no_grad():
        fit(inside, few, few, SHORT, progress=False)
    fit(outside, few, few, SHORT, progress=False)
    assert torch.equal(weights(inside), weights(outside))


@pytest.mark.parametrize("seed", [np.int64(3), np.uint8(3), torch.tensor(3)])
def test_a_seed_may_be_a_whole_number_of_any_kind(seed, few):
    models = [built(seed), built(3)]
    assert torch.equal(weights(models[0]), weights(models[1]))
    fit(models[0], few, few, SHORT, seed=seed, progress=False)
    fit(models[1], few, few, SHORT, seed=3, progress=False)
    assert torch.equal(weights(models[0]), weights(models[1]))


@pytest.mark.parametrize("seed", [True, 1.0, "1", None, np.float64(2)])
def test_other_seeds_are_refused(seed, few):
    with pytest.raises(ValueError, match="seed must be a whole number"):
        fit(built(), few, few, SHORT, seed=seed, progress=False)
    with pytest.raises(ValueError, match="seed must be a whole number"), seeded(seed):
        pass


@pytest.mark.parametrize("which", ["train", "val"])
def test_images_alone_are_refused_with_what_to_do(which, few):
    given = {"train": few, "val": few} | {which: few.floats()}
    with pytest.raises(ValueError, match=rf"{which} must be Digits, got Tensor.*Digits\(images"):
        fit(built(), given["train"], given["val"], SHORT, progress=False)


def test_a_recipe_by_name_is_refused(few):
    with pytest.raises(ValueError, match="recipe must be a Recipe, got str"):
        fit(built(), few, few, "COURSE", progress=False)


def test_whatever_stops_a_run_leaves_the_best_weights(few):
    model, twin = built(), built()

    def fail(history):
        if history.epochs == 2:
            raise ZeroDivisionError("a callback of one's own")

    with pytest.raises(ZeroDivisionError):
        fit(model, few, few, SHORT, progress=False, after_epoch=fail)
    interrupted = fit(twin, few, few, SHORT, progress=False, after_epoch=interrupt_after(2))
    assert interrupted.stopped == "interrupted"
    assert torch.equal(weights(model), weights(twin)) and not model.training
    assert next(model.parameters()).is_contiguous()


# --- State files --------------------------------------------------------------------------


def interrupt_after(epochs):
    def stop(history):
        if history.epochs == epochs:
            raise KeyboardInterrupt

    return stop


@pytest.fixture
def state(few, tmp_path):
    """The state of a run that was stopped after its first epoch."""
    path = tmp_path / "run.state"
    run = fit(
        built(),
        few,
        few,
        SHORT,
        seed=2,
        progress=False,
        state_file=path,
        after_epoch=interrupt_after(1),
    )
    assert run.stopped == "interrupted"
    return path


def go_on(few, state, model=None, recipe=SHORT, **options):
    return fit(
        model or built(),
        few,
        few,
        recipe,
        **{"seed": 2, "progress": False, "state_file": state} | options,
    )


def test_the_path_may_be_text_and_the_folder_new(few, tmp_path):
    path = tmp_path / "a" / "b" / "run.state"
    fit(built(), few, few, SHORT, progress=False, state_file=str(path))
    assert path.exists()
    again = built(seed=5)
    assert fit(again, few, few, SHORT, progress=False, state_file=str(path)).epochs == 3


def test_the_home_folder_may_be_written_as_a_tilde(few, tmp_path, monkeypatch):
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    fit(built(), few, few, SHORT, progress=False, state_file="~/runs/a.state")
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def halves(few):
    return few[::2]


OTHER_RUNS = {
    "recipe": (dict(recipe=replace(SHORT, epochs=5)), ["recipe.epochs: 3 in the file, 5 now"]),
    "rate": (dict(recipe=replace(SHORT, adam_lr=1e-3)), ["recipe.adam_lr: 0.005 in", "0.001 now"]),
    "optimiser": (dict(recipe=ADAM), ["recipe.muon_lr: 0.02 in the file, None now"]),
    "seed": (dict(seed=3), ["seed: 2 in the file, 3 now"]),
    "size": (dict(model=lambda: built(dim=5)), ["out_features: 4 in the file, 5 now"]),
    "kind": (
        dict(model=lambda: built(upsampling="nearest")),
        ["ConvTranspose2d in the file,", "Sequential now; model.decoder.8"],
    ),
    "offset": (dict(model=lambda: built(offset=0.5)), ["offset: 0.0 in the file, 0.5 now"]),
    "class": (
        dict(model=sequential),
        ["model: aelib.models.Autoencoder in the file,", "Sequential now. Delete"],
    ),
    "loss": (
        dict(loss=training.denoising_loss(0.3)),
        ["loss: aelib.training.reconstruction_loss in", "denoising_loss.<locals>.loss now"],
    ),
    "watch": (
        dict(watch=training.Watch(lambda m: 1.0, (0, 4))),
        ["watch: None in the file, aelib.training.Watch now"],
    ),
}


@pytest.mark.parametrize("what", OTHER_RUNS)
def test_the_state_of_another_run_is_refused_with_both_values(what, few, state):
    options, said = OTHER_RUNS[what]
    model = options.get("model", built)()
    before, kept = state.read_bytes(), weights(model).clone()
    with pytest.raises(StateError, match="belongs to another run") as caught:
        go_on(few, state, **options | {"model": model})
    assert torch.equal(weights(model), kept), "the model is as it was"
    message = str(caught.value)
    assert str(state) in message and "Delete it to start anew" in message
    assert all(part in message for part in said), message
    assert state.read_bytes() == before


@pytest.mark.parametrize("which", ["train", "val"])
@pytest.mark.parametrize("change", ["fewer", "another pixel", "another label", "another order"])
def test_the_state_of_a_run_on_other_images_is_refused(which, change, few, state):
    images, labels = few.images.clone(), few.labels.clone()
    if change == "another pixel":
        images[7, 3, 3] += 1
    elif change == "another label":
        labels[0] = (labels[0] + 1) % 10
    elif change == "another order":
        images, labels = images.flip(0), labels.flip(0)
    other = type(few)(images, labels)[: 150 if change == "fewer" else None]
    given = {"train": few, "val": few} | {which: other}
    with pytest.raises(StateError, match=rf"another run\. {which}: 200 images \w+ in the file, "):
        fit(built(), given["train"], given["val"], SHORT, seed=2, progress=False, state_file=state)


def test_noise_is_part_of_the_loss(few, tmp_path):
    path = tmp_path / "run.state"
    for noise in (0.3, 0.3):
        go_on(few, path, loss=training.denoising_loss(noise))
    with pytest.raises(StateError, match=r"loss\.noise: 0\.3 in the file, 0\.4 now"):
        go_on(few, path, loss=training.denoising_loss(0.4))


# What a reader writes into a cell, and runs again: with something changed, or nothing.
CELL = """
import functools
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from aelib.training import Watch

SCALE = 0.5
LIMITS = {"low": 0.0, "names": {"a", "b"}}

def helper(value):
    return SCALE * value.clamp(min=LIMITS["low"])

def plain(model, x, labels, power=2, *, shift=0.25):
    return helper((model(x) - x).abs() ** power).mean() + shift

def weighted():
    pixels, spread = torch.linspace(0, 1, 784).view(28, 28), np.array([1.0, 2.0])
    judge = nn.Linear(2, 2)
    nn.init.constant_(judge.weight, 0.125)
    def loss(model, x, labels):
        return (pixels * (model(x) - x).square()).mean() * spread[1] * judge.weight.mean()
    return loss

class Object:
    factor = 3.0
    __slots__ = ("power", "__dict__")
    def __init__(self, power):
        self.power, self.scale = power, 0.75
    @property
    def both(self):
        return self.scale * self.factor
    def measured(self, model, x, labels):
        return self.both * (model(x) - x).abs().pow(self.power).mean()
    def __call__(self, model, x, labels):
        return self.measured(model, x, labels)

class Base(nn.Module):
    def finish(self, x):
        return torch.sigmoid(x)

class Mine(Base):
    def __init__(self, p):
        super().__init__()
        self.p, self.between = p, torch.relu
        self.register_buffer("hidden", torch.full((2,), 0.5), persistent=False)
        self.register_buffer("kept", torch.full((2,), 0.25))
        self.first, self.normal, self.last = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(4, 4)
        self.conv = nn.Conv2d(2, 1, 3, padding=2)
        nn.init.constant_(self.first.weight, 0.0625)
        self.first.requires_grad_(False)
    def forward(self, x):
        h = self.normal(self.between(self.first(x))) * self.hidden.mean() * self.kept.mean()
        return super().finish(self.conv(self.p * h))

def look(model):
    return 1.0

watch = Watch(look, (0,))
losses = {
    "plain": plain,
    "partial": functools.partial(plain, power=1),
    "weighted": weighted(),
    "object": Object(1.5),
    "method": Object(1.5).measured,
}
model = Mine(0.1)
"""

CHANGED_LINES = {
    ("plain", "abs() ** power", "abs() ** power * 2"): "loss.<code>",
    ("plain", "power=2, *", "power=3, *"): "loss.power: 2 in the file, 3 now",
    ("plain", "shift=0.25", "shift=0.5"): "loss.shift: 0.25 in the file, 0.5 now",
    ("plain", "SCALE = 0.5", "SCALE = 0.6"): "loss.helper.SCALE: 0.5 in the file, 0.6 now",
    ("plain", "value.clamp", "value.abs().clamp"): "loss.helper.<code>",
    ("plain", '{"low": 0.0', '{"low": 0.1'): "loss.helper.LIMITS: {'low': 0.0",
    ("partial", "plain, power=1", "plain, power=4"): "loss.power: 1 in the file, 4 now",
    ("partial", "shift=0.25", "shift=0.5"): "loss.func.shift: 0.25 in the file, 0.5 now",
    ("weighted", "linspace(0, 1", "linspace(0, 2"): "loss.pixels: float32 (28, 28)",
    ("weighted", "[1.0, 2.0]", "[1.0, 3.0]"): "loss.spread: float64 (2,)",
    ("weighted", "0.125", "0.25"): "loss.judge.weight: float32 (2, 2)",
    ("object", "self.scale = power, 0.75", "self.scale = power, 1.75"): "loss.scale: 0.75 in",
    ("object", "Object(1.5)", "Object(2.5)"): "loss.power: 1.5 in the file, 2.5 now",
    ("object", "factor = 3.0", "factor = 4.0"): "loss.Object.factor: 3.0 in the file, 4.0 now",
    ("object", "self.both * (", "2 * self.both * ("): "loss.Object.measured.<code>",
    ("object", "self.scale * self", "self.scale + self"): "loss.Object.both.fget.<code>",
    ("method", "Object(1.5)", "Object(2.5)"): "loss.self.power: 1.5 in the file, 2.5 now",
    ("plain", "Mine(0.1)", "Mine(0.9)"): "model.p: 0.1 in the file, 0.9 now",
    ("plain", "torch.relu", "torch.tanh"): "model.between: <built-in method relu of",
    ("plain", "torch.relu", "F.gelu"): "model.between: <built-in method relu of",
    ("plain", "torch.full((2,), 0.5)", "torch.full((2,), 0.6)"): "model.hidden: float32 (2,)",
    ("plain", "torch.full((2,), 0.25)", "torch.full((2,), 0.6)"): "model.kept: float32 (2,)",
    ("plain", "0.0625", "0.5"): "model.first.weight: frozen, float32 (2, 1, 3, 3)",
    ("plain", "requires_grad_(False)", "requires_grad_(True)"): "model.first.weight: frozen,",
    ("plain", "self.conv(self.p", "self.conv(2 * self.p"): "model.Mine.forward.<code>",
    ("plain", "torch.sigmoid(x)", "torch.sigmoid(2 * x)"): "model.Mine.Base.finish.<code>",
    ("plain", "return 1.0", "return 2.0"): "watch.measure.<code>",
}


def run_cell(few, state, cell, loss):
    """Do what a notebook does: define everything in __main__, and train for three epochs."""
    namespace = {"__name__": "__main__"}
    with seeded(0):
        exec(compile(cell, "cell", "exec"), namespace)
    return fit(
        *(namespace["model"], few, few, ADAM),
        loss=namespace["losses"][loss],
        watch=namespace["watch"],
        state_file=state,
        progress=False,
    )


@pytest.fixture(scope="module")
def finished(few, tmp_path_factory):
    """The states of runs to their end, one for each loss of the cell."""
    folder = tmp_path_factory.mktemp("cells")
    for loss in ("plain", "partial", "weighted", "object", "method"):
        run_cell(few, folder / loss, CELL, loss)
    return folder


@pytest.mark.parametrize("change", CHANGED_LINES)
def test_an_edited_cell_is_another_run(change, few, finished):
    loss, before, after = change
    assert before in CELL
    with pytest.raises(StateError, match=r"belongs to another run") as caught:
        run_cell(few, finished / loss, CELL.replace(before, after), loss)
    assert CHANGED_LINES[change] in str(caught.value)


@pytest.mark.parametrize("loss", ["plain", "partial", "weighted", "object", "method"])
def test_a_cell_that_is_run_again_goes_on_wherever_it_stands(loss, few, finished):
    moved = "\n\n# Moved.\n" + CELL.replace("h = self", "\n        h = self")
    assert run_cell(few, finished / loss, moved, loss).epochs == 3


# What a loss or a layer may take along without holding it itself.
FAR_CELL = """
import functools, types
from collections import deque
import torch
from torch import nn
from aelib.baselines import LinearAutoencoder
from aelib.data import Digits
from aelib.training import Watch, reconstruction_loss
import mine

noise = torch.rand(20, 28, 28, generator=torch.Generator().manual_seed(1))
numbers = torch.linspace(0, 1, 2000)

def taught():
    teacher = LinearAutoencoder(Digits(noise, torch.zeros(20, dtype=torch.long)), max_dim=2)
    usual = torch.distributions.Normal(torch.full((3,), 0.5), 1.0)
    order = torch.Generator().manual_seed(4)
    kept, named = deque([numbers]), types.SimpleNamespace(numbers=2 * numbers)
    def loss(model, x, labels):
        drawn = model(x) - teacher.reconstruct(x, 2) + kept[0][0] + named.numbers[0]
        return drawn.square().mean() + 0 * usual.mean.sum() + 0 * torch.rand(1, generator=order)
    return loss

@functools.cache
def factor():
    return 0.5

def cached(model, x, labels):
    return factor() * (model(x) - x).square().mean()

@functools.wraps(reconstruction_loss)
def wrapped(model, x, labels):
    return 0.5 * reconstruction_loss(model, x, labels)

def elsewhere(model, x, labels):
    return mine.weigh(model(x) - x).mean()

losses = {"taught": taught(), "cached": cached, "wrapped": wrapped, "elsewhere": elsewhere}
inner = nn.Dropout(0.25)
for _ in range(20):
    inner = nn.Sequential(inner)
model = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), inner, nn.Conv2d(2, 1, 3, padding=1))
model[0].register_forward_hook(lambda layer, given, output: 1.0 * output)
watch = Watch(lambda model: 1.0, (0,))
"""

FAR_CHANGES = {
    ("taught", "manual_seed(1)", "manual_seed(2)"): "loss.teacher._mean",
    ("taught", "torch.full((3,), 0.5)", "torch.full((3,), 0.6)"): "loss.usual.loc",
    ("taught", "manual_seed(4)", "manual_seed(5)"): "loss.order.seed: 4 in the file, 5 now",
    ("taught", "linspace(0, 1, 2000)", "linspace(0, 1, 2000).square()"): "loss.kept: [float32",
    ("taught", "2 * numbers", "2 * numbers.square()"): "loss.named.numbers: float32",
    ("cached", "return 0.5", "return 0.6"): "loss.factor.func.<code>",
    ("wrapped", "return 0.5 * recon", "return 0.6 * recon"): "loss.<code>",
    ("elsewhere", "nn.Dropout(0.25)", "nn.Dropout(0.5)"): ".p: 0.25 in the file, 0.5 now",
    ("elsewhere", "1.0 * output", "2.0 * output"): "model.0._forward_hooks",
}


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A module of one's own; the fixture is what writes it."""

    def write(power):
        path = tmp_path / "mine.py"
        path.write_text(f"def weigh(values):\n    return values.abs() ** {power}\n")
        sys.modules.pop("mine", None)
        specification = importlib.util.spec_from_file_location("mine", path)
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        monkeypatch.setitem(sys.modules, "mine", module)

    write(2)
    return write


@pytest.mark.parametrize("change", FAR_CHANGES)
def test_what_a_loss_takes_along_is_followed(change, few, mine, tmp_path):
    loss, before, after = change
    assert before in FAR_CELL
    assert run_cell(few, tmp_path / "state", FAR_CELL, loss).epochs == 3
    with pytest.raises(StateError, match=r"belongs to another run") as caught:
        run_cell(few, tmp_path / "state", FAR_CELL.replace(before, after), loss)
    assert FAR_CHANGES[change] in str(caught.value)
    assert run_cell(few, tmp_path / "state", "# Again.\n" + FAR_CELL, loss).epochs == 3


def test_a_changed_module_of_your_own_is_another_run(few, mine, tmp_path):
    run_cell(few, tmp_path / "state", FAR_CELL, "elsewhere")
    mine(3)
    with pytest.raises(StateError, match=r"loss\.mine\.weigh\.<code>"):
        run_cell(few, tmp_path / "state", FAR_CELL, "elsewhere")


def test_a_state_of_another_torch_is_refused(few, state, monkeypatch):
    monkeypatch.setattr(states.torch, "__version__", "99.0")
    with pytest.raises(StateError, match=r"torch: \S+ in the file, 99\.0 now"):
        go_on(few, state)


def test_the_run_of_its_own_goes_on_to_the_same_weights(few, state):
    whole, resumed = built(), built(seed=9)  # whatever it starts from, the state decides
    expected = fit(whole, few, few, SHORT, seed=2, progress=False)
    assert go_on(few, state, resumed).val_loss == expected.val_loss
    assert torch.equal(weights(resumed), weights(whole))
    # The same cell once more: the run is finished, and stays as it is.
    assert go_on(few, state, built(seed=7)).val_loss == expected.val_loss


class Stashing(nn.Module):
    """Keeps what it has seen, and counts, as layers of one's own often do."""

    def __init__(self):
        super().__init__()
        self.inner, self.steps, self.seen, self.setting = built(), 0, [], 0.5
        self.frozen = nn.BatchNorm2d(1).requires_grad_(False)

    def forward(self, x):
        self.steps += 1
        self.code = self.inner.encode(x)
        self.seen.append(float(self.frozen(x).mean()))
        return self.inner.decode(self.code)


def test_what_training_itself_changes_makes_no_other_run(few, tmp_path):
    path, whole, model = tmp_path / "run.state", Stashing(), Stashing()
    expected = fit(whole, few, few, SHORT, seed=2, progress=False).val_loss
    counted = []

    def loss(model, x, labels):
        counted.append(len(x))
        if len(counted) == 14:  # Ctrl-C in the middle of the second epoch
            raise KeyboardInterrupt
        return training.reconstruction_loss(model, x, labels)

    assert go_on(few, path, model, loss=loss).epochs == 2
    assert model.steps and model.seen and counted
    content = path.read_bytes()
    # The cell once more, with the same objects; then in a new process, with new ones.
    assert go_on(few, path, model, loss=loss).val_loss == expected
    path.write_bytes(content)
    counted.clear()
    counted.extend([0] * 99)
    assert go_on(few, path, Stashing(), loss=loss).val_loss == expected
    other = Stashing()
    other.setting = 0.6
    with pytest.raises(StateError, match=r"run\. model\.setting: 0\.5 in the file, 0\.6 now\. Del"):
        go_on(few, path, other, loss=loss)


DESCRIBED = """
import sys
from aelib import states, training
from aelib.models import Autoencoder
import torch
cell = sys.stdin.read()
torch.manual_seed(0)
exec(compile(cell, "cell", "exec"))
functions = losses | {"watch": watch, "noisy": training.denoising_loss(0.3)}
for text in states.described(model, **functions).items():
    print(*text)
compiled = torch.compile(plain)
print(*states.described(torch.compile(Autoencoder(2)), loss=compiled).items(), sep="\\n")
"""


def test_another_process_describes_the_same_in_the_same_words():
    words = []
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", DESCRIBED],
            input="\n" * int(seed) + CELL,
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        )
        assert done.returncode == 0, done.stderr
        words.append(done.stdout.splitlines())
    assert words[0] == words[1] and len(words[0]) > 100


def flipped(content, place):
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


DAMAGES = {
    "empty": lambda b: b"",
    "one byte": lambda b: b[:1],
    "half": lambda b: b[: len(b) // 2],
    "without its last byte": lambda b: b[:-1],
    "a byte more": lambda b: b + b"x",
    "zeroed": lambda b: bytes(len(b)),
    "zeroed in the middle": lambda b: b[:4000] + bytes(4000) + b[8000:],
    "a flipped bit in the header": lambda b: flipped(b, 30),
    "a flipped bit in the weights": lambda b: flipped(b, len(b) // 2),
    "a flipped bit at the end": lambda b: flipped(b, len(b) - 1),
    "a text file": lambda b: b"dear diary\n",
    "another torch file": lambda b: b[b.index(b"\n") + 1 :],
    "a picture": lambda b: b"\x89PNG\r\n\x1a\n" + b[:200],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_names_its_file_and_the_remedy(damage, few, state):
    state.write_bytes(DAMAGES[damage](state.read_bytes()))
    model = built()
    before = weights(model).clone()
    with pytest.raises(StateError) as caught:
        go_on(few, state, model)
    message = str(caught.value)
    assert str(state) in message and "Delete it to start anew" in message
    assert "weights_only" not in message and caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert torch.equal(weights(model), before), "the model is as it was"
    state.unlink()  # the remedy works
    assert go_on(few, state, model).epochs == 3


class Attack:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return Path.touch, (Path(self.path),)


def test_code_in_a_state_is_refused_and_never_run(few, state, tmp_path):
    ran = tmp_path / "ran"
    for content in (
        packed({"decisive": {"seed": "2"}, "content": {"model": Attack(ran)}}),
        pickle.dumps(Attack(ran)),
    ):
        state.write_bytes(content)
        with pytest.raises(StateError, match="Delete it") as caught:
            go_on(few, state)
        assert not ran.exists()
        assert "weights_only" not in str(caught.value) and caught.value.__suppress_context__ is (
            content[:5] == b"aelib"
        )


def test_a_state_of_a_newer_format_says_what_to_update(few, state):
    content = state.read_bytes()
    state.write_bytes(content.replace(b"format %d" % states.FORMAT, b"format 99", 1))
    with pytest.raises(StateError, match=r"written by a newer aelib, in format 99.*Update aelib"):
        go_on(few, state)


def test_a_state_of_an_older_format_is_refused_with_what_to_do(few, state):
    content = state.read_bytes()
    state.write_bytes(content.replace(b"format %d" % states.FORMAT, b"format 1", 1))
    with pytest.raises(StateError, match=r"written by an older aelib, in format 1.*Delete it"):
        go_on(few, state)


def packed(content):
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return states._header(states.FORMAT, buffer.getvalue()) + buffer.getvalue()


def read(state):
    return torch.load(io.BytesIO(state.read_bytes().partition(b"\n")[2]), weights_only=True)


FOREIGN = {
    "nothing": lambda whole: {},
    "a list": lambda whole: [],
    "a number for what decides": lambda whole: whole | {"decisive": 3},
    "no content": lambda whole: whole | {"content": {}},
    "a list for content": lambda whole: whole | {"content": [1]},
    "weights of another name": lambda whole: whole | {"content": whole["content"] | {"model": {}}},
    "half of the optimisers": lambda whole: (
        whole | {"content": whole["content"] | {"optimizers": []}}
    ),
    "random numbers that are none": lambda whole: (
        whole | {"content": whole["content"] | {"random": 3}}
    ),
    "best weights that are none": lambda whole: (
        whole | {"content": whole["content"] | {"best": {}}}
    ),
    "losses of text": lambda whole: with_history(whole, train_loss=["a"]),
    "no losses": lambda whole: with_history(whole, val_loss=None),
    "losses that are NaN": lambda whole: with_history(whole, val_loss=[float("nan")]),
    "a best epoch that was not": lambda whole: with_history(whole, best_epoch=99),
    "an end that it did not have": lambda whole: with_history(whole, stopped="tired"),
    "moments of other weights": lambda whole: with_moments(whole, torch.zeros(3)),
}


def with_history(whole, **values):
    content = whole["content"]
    return whole | {"content": content | {"history": content["history"] | values}}


def with_moments(whole, moment):
    whole = copy.deepcopy(whole)
    for kept in whole["content"]["optimizers"][0]["state"].values():
        kept["exp_avg"] = moment
    return whole


@pytest.mark.parametrize("what", FOREIGN)
def test_a_whole_file_with_something_else_in_it_is_named_with_the_remedy(what, few, state):
    state.write_bytes(packed(FOREIGN[what](read(state))))
    model = built(seed=3)
    with pytest.raises(StateError, match=r"something other than .* Delete it to start") as caught:
        go_on(few, state, model)
    assert str(state) in str(caught.value) and caught.value.__suppress_context__
    assert torch.equal(weights(model), weights(built(seed=3))), "the model is as it was"


def test_a_number_of_a_format_that_is_none_is_no_state(few, state):
    state.write_bytes(b"aelib state, format " + b"9" * 6000 + b", " + b"0" * 64 + b"\n")
    with pytest.raises(StateError, match="something else wrote it"):
        go_on(few, state)


def test_a_layer_that_keeps_what_cannot_be_read_again_is_refused_at_once(few, tmp_path):
    class Layer(nn.Conv2d):
        def get_extra_state(self):
            return tmp_path

        def set_extra_state(self, state):
            pass

    model = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), Layer(2, 1, 3, padding=1))
    with pytest.raises(StateError, match="get_extra_state"):
        fit(model, few, few, ADAM, progress=False, state_file=tmp_path / "state")


def test_a_folder_in_the_place_of_a_state_is_named(few, tmp_path):
    with pytest.raises(OSError, match=str(tmp_path)):
        go_on(few, tmp_path)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT])
def test_a_state_that_cannot_be_written_loses_nothing(number, few, tmp_path, monkeypatch):
    path, model, written = tmp_path / "run.state", built(), []
    write = training.write_atomically

    def full(target, content):
        if len(written) == 2:
            raise OSError(number, "no more", str(target))
        written.append(content)
        write(target, content)

    monkeypatch.setattr(training, "write_atomically", full)
    with pytest.raises(OSError, match="no more") as caught:
        go_on(few, path, model)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == written[1] and not model.training
    monkeypatch.setattr(training, "write_atomically", write)
    resumed, whole = built(), built()
    go_on(few, path, resumed)
    fit(whole, few, few, SHORT, seed=2, progress=False)
    assert torch.equal(weights(resumed), weights(whole))


def test_dropout_goes_on_where_it_was(few, tmp_path):
    judges = []
    for stop in (None, 1):
        with seeded(0):
            judges.append(Judge())
        path = tmp_path / f"{stop}.state"
        options = dict(loss=training.classification_loss, state_file=path)
        if stop:
            go_on(few, path, judges[-1], after_epoch=interrupt_after(stop), loss=options["loss"])
        go_on(few, path, judges[-1], loss=options["loss"])
    assert torch.equal(weights(judges[0]), weights(judges[1]))


def test_a_path_that_cannot_be_is_said_before_training(few, tmp_path):
    (tmp_path / "file").write_bytes(b"mine")
    cases = {
        tmp_path / ("x" * 300): "could not be read: File name too long. Give another state_file",
        tmp_path / "file" / "state": "give another path",
        tmp_path: r"could not be read: Is a directory. Give another state_file",
    }
    for path, said in cases.items():
        model = built()
        with pytest.raises(files.FileError, match=said):
            fit(model, few, few, SHORT, progress=False, state_file=path)
        assert torch.equal(weights(model), weights(built())), "not one step was done"
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_a_path_with_spaces_and_hangul_holds_a_state(few, tmp_path):
    path = tmp_path / "두 번째 실험" / "상태 1.pt"
    first = fit(built(), few, few, SHORT, progress=False, state_file=path)
    again = fit(built(seed=1), few, few, SHORT, progress=False, state_file=str(path))
    assert again.val_loss == first.val_loss
