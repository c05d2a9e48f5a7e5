"""Training: `fit`, which keeps the best weights. Notebook 2 writes a plain loop first."""

from __future__ import annotations

import copy
import io
import math
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import joblib
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm.auto import tqdm

from aelib import AelibError
from aelib.data import Digits, batches, write
from aelib.models import looking_at
from aelib.optim import Recipe, learning_rate_factor, make_optimizers

# From a model, images (N, 1, 28, 28) in [0, 1] and labels (N,) to a mean loss.
Loss = Callable[[Any, Tensor, Tensor], Tensor]


@dataclass
class History:
    """What happened in a training run, one entry an epoch; `charts.losses` draws it.

    train_loss is the mean over the epoch's batches while the weights were changing, val_loss is
    measured after it. best_epoch counts from 0. stopped is None for a run that went to its end,
    else "non-finite loss" or "interrupted". watched: (steps done, value) for each look of a Watch.
    """

    train_loss: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    best_epoch: int | None = None
    stopped: str | None = None
    watched: list[tuple[int, float]] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """How many epochs were finished."""
        return len(self.val_loss)

    @property
    def best_loss(self) -> float:
        """The lowest validation loss, or infinity before the first epoch ends."""
        return math.inf if self.best_epoch is None else self.val_loss[self.best_epoch]


@dataclass(frozen=True)
class Watch:
    """What to measure of a model while it is trained, and after how many steps; 0 is untrained.

    measure: from the model, in eval mode, to a number; it should draw no random numbers.
    """

    measure: Callable[[nn.Module], float]
    steps: Collection[int]


def reconstruction_loss(model: Any, x: Tensor, labels: Tensor) -> Tensor:
    """Return the mean squared error of an autoencoder on images (N, 1, 28, 28) in [0, 1].

    One with an `offset` gets, and is compared with, the images less that offset.
    """
    return _error(model, x, x)


def denoising_loss(noise: float) -> Loss:
    """Return the loss of an autoencoder that has to redraw clean images from noisy ones.

    noise: standard deviation of the Gaussian noise added in training, and clipped to [0, 1].
    Source: Vincent et al. 2008, doi:10.1145/1390156.1390294; notebook 3.
    """

    def loss(model: Any, x: Tensor, labels: Tensor) -> Tensor:
        entering = (x + noise * torch.randn_like(x)).clamp(0, 1) if model.training else x
        return _error(model, entering, x)

    return loss


def _error(model: Any, entering: Tensor, goal: Tensor) -> Tensor:
    offset = getattr(model, "offset", 0.0)
    drawn = model(entering - offset if offset else entering)
    if drawn.shape != goal.shape:  # a mean over what broadcasting makes of it would be wrong
        found = f"the model makes {tuple(drawn.shape)} of images {tuple(goal.shape)}"
        raise ValueError(f"{found}: for one that returns something else, write a loss of your own")
    return F.mse_loss(drawn, goal - offset if offset else goal)


def classification_loss(model: Any, x: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy of a classifier from images to scores (N, 10)."""
    return F.cross_entropy(model(x), labels)


def evaluate(model: nn.Module, digits: Digits, loss: Loss = reconstruction_loss) -> float:
    """Return the mean loss over all of `digits`, in eval mode; FloatingPointError if not finite."""
    total = 0.0
    with looking_at(model) as device:
        for x, labels in batches(digits, 250):
            total += loss(model, x.to(device), labels.to(device)).item() * len(labels)
    return _finite(total / len(digits))


def _finite(loss: float) -> float:
    if not math.isfinite(loss):
        raise FloatingPointError(f"the loss is {loss}: the weights are spoilt, or it makes it so")
    return loss


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Fix torch's random numbers inside the block, e.g. to build a model; restore them after it."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield


@contextmanager
def _tiny_numbers_as_zero() -> Iterator[None]:
    # A pixel of plain paper drives the sigmoid's input far below zero, until outputs and gradients
    # are "denormal", smaller than 1e-38. CPUs compute those in slow motion: an epoch of the
    # original's recipe rose from 8 to 25 seconds. Nothing is lost by a zero.
    before = bool(torch.tensor(1e-39) * 1 == 0)  # torch cannot be asked
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def fit(
    model: nn.Module,
    train: Digits,
    val: Digits,
    recipe: Recipe,
    *,
    seed: int = 0,
    loss: Loss = reconstruction_loss,
    device: torch.device | str | None = None,
    progress: bool = True,
    state_file: Path | str | None = None,
    watch: Watch | None = None,
) -> History:
    """Train `model` in place, leave the weights with the lowest loss on `val`, return the History.

    At the end the model is on the CPU and in eval mode. device: None takes a GPU if there is one.
    On a CPU the same seed, initial weights, machine and number of threads give the same weights
    bit for bit; only torch's own random numbers follow the seed and the state, not NumPy's or
    Python's. A loss that is not finite, and Ctrl-C, stop with the best weights so far.

    state_file: where to keep the state after each epoch. If it exists, the run goes on from there,
        to the weights it would have had anyway; AelibError if it is damaged, or of another recipe,
        seed, data or network. It does not know your code: delete it when you change your loss.
    """
    run = _Run(model.to(device or ("cuda" if torch.cuda.is_available() else "cpu")), recipe, seed)
    file = None if state_file is None else Path(state_file).expanduser()
    parts = () if file is None else (train.images, train.labels, val.images, val.labels)
    owner = f"{recipe}, seed {seed}, {joblib.hash([part.numpy() for part in parts])}, {model}"
    # An argument would overrule the environment variable TQDM_DISABLE, so none is given.
    bar = tqdm(total=recipe.epochs, unit="epoch", **({} if progress else {"disable": True}))
    try:
        with bar, seeded(seed), _tiny_numbers_as_zero():
            if file is not None and file.exists():
                run.restore(file, owner)
            while run.history.epochs < recipe.epochs:
                run.epoch(train, val, recipe, loss, watch or Watch(lambda _: 0.0, ()))
                if file is not None:
                    write(file, run.state(owner))
                bar.update(run.history.epochs - bar.n)
                bar.set_postfix(train=run.history.train_loss[-1], val=run.history.val_loss[-1])
    except KeyboardInterrupt:
        run.history.stopped = "interrupted"
    except FloatingPointError:
        run.history.stopped = "non-finite loss"
    finally:
        model.to("cpu").eval().load_state_dict(run.best)
    return run.history


class _Run:
    """What changes in a training run, and what a state file keeps."""

    def __init__(self, model: nn.Module, recipe: Recipe, seed: int) -> None:
        self.model, self.optimizers = model, make_optimizers(model, recipe)
        self.order, self.history = torch.Generator().manual_seed(seed), History()
        self.best = copy.deepcopy(model.state_dict())  # which itself goes on changing

    def epoch(self, train: Digits, val: Digits, recipe: Recipe, loss: Loss, watch: Watch) -> None:
        model, history, start, total = self.model, self.history, time.perf_counter(), 0.0
        device, steps = next(model.parameters()).device, math.ceil(len(train) / recipe.batch_size)
        model.train()
        shuffled = batches(train, recipe.batch_size, self.order)
        for done, (x, labels) in enumerate(shuffled, history.epochs * steps):
            if done == 0:
                self.look(watch, 0)
            factor = learning_rate_factor(done, recipe.epochs * steps, recipe.warmup)
            for group in (g for optimizer in self.optimizers for g in optimizer.param_groups):
                group["lr"] = group.setdefault("initial_lr", group["lr"]) * factor
            model.zero_grad()
            value = loss(model, x.to(device), labels.to(device))
            value.backward()
            # Reading the loss waits for the step; do it before the weights can be spoilt.
            total += _finite(value.item()) * len(labels)
            for optimizer in self.optimizers:
                optimizer.step()
            self.look(watch, done + 1)
        seconds, val_loss = time.perf_counter() - start, evaluate(model, val, loss)
        if val_loss < history.best_loss:
            self.best, history.best_epoch = copy.deepcopy(model.state_dict()), history.epochs
        history.train_loss.append(total / len(train))
        history.val_loss.append(val_loss)
        history.seconds.append(seconds)

    def look(self, watch: Watch, done: int) -> None:
        if done in watch.steps:
            with looking_at(self.model):
                self.history.watched.append((done, float(watch.measure(self.model))))

    def state(self, owner: str) -> bytes:
        state: dict[str, Any] = {"owner": owner, "history": asdict(self.history)}
        state |= {"model": self.model.state_dict(), "best": self.best}
        state |= {"optimizers": [optimizer.state_dict() for optimizer in self.optimizers]}
        state |= {"order": self.order.get_state(), "random": torch.get_rng_state()}
        torch.save(state, buffer := io.BytesIO())
        return buffer.getvalue()

    def restore(self, path: Path, owner: str) -> None:
        remedy, content = "delete it, or give another state_file", path.read_bytes()
        try:  # numbers and text only, so that no code in a file is ever run
            state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
            found = state["owner"]
        except Exception:  # which one is up to the damage, and torch's words tell how to run it
            raise AelibError(f"{path} is not the state of a training run: {remedy}") from None
        if found != owner:
            raise AelibError(f"{path} is of another recipe, seed, data or network: {remedy}")
        self.model.load_state_dict(state["model"])
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        self.order.set_state(state["order"])
        torch.set_rng_state(state["random"])
        self.best, self.history = state["best"], History(**state["history"])
