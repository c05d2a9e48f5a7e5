"""Training: `fit`, which keeps the best weights, and the History of a run.

Notebook 2 writes a plain loop first and then uses this one.
"""

from __future__ import annotations

import copy
import io
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm.auto import tqdm

from aelib.batch_last import BatchLast
from aelib.data import Digits, batches, write_atomically
from aelib.optim import Recipe, learning_rate_factor, make_optimizers

EVALUATION_BATCH = 1000

# From a model, images (N, 1, 28, 28) in [0, 1] and labels (N,) to a mean loss.
Loss = Callable[[Any, Tensor, Tensor], Tensor]


@dataclass
class History:
    """What happened in a training run, one entry an epoch; `plotting` can draw it.

    train_loss is the mean over the epoch's batches while the weights were changing,
    val_loss is measured after the epoch. best_epoch counts from 0. stopped is None
    for a run that went to its end, else "non-finite loss" or "interrupted".
    watched holds, if `fit` was given a `Watch`, a pair (steps done, figure) for each look.
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


class Watch(NamedTuple):
    """What to measure of a model while it is trained, and when.

    measure: from the model, in eval mode, to a number.
    steps: after how many training steps; 0 is the untrained model.
    """

    measure: Callable[[nn.Module], float]
    steps: Sequence[int]


def reconstruction_loss(model: Any, x: Tensor, labels: Tensor) -> Tensor:
    """Return the mean squared error of an autoencoder on images in [0, 1].

    A model with an `offset` gets, and is compared with, the images less that offset.
    """
    x = x - model.offset if model.offset else x
    return F.mse_loss(model(x), x)


def denoising_loss(noise: float) -> Loss:
    """Return the loss of an autoencoder that has to redraw clean images from noisy ones.

    noise: standard deviation of the Gaussian noise that is added to the images in training,
    0 or more; the result is clipped to [0, 1]. In eval mode the images enter clean.
    Raises ValueError for a negative noise.
    Source: Vincent et al. 2008, doi:10.1145/1390156.1390294; notebook 3.
    """

    if noise < 0:
        raise ValueError(f"noise must be 0 or more, got {noise}")

    def loss(model: Any, x: Tensor, labels: Tensor) -> Tensor:
        entering = (x + noise * torch.randn_like(x)).clamp(0, 1) if model.training else x
        return F.mse_loss(model(entering), x)

    return loss


def classification_loss(model: Any, x: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy of a classifier."""
    return F.cross_entropy(model(x), labels)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Fix torch's random numbers inside the block and restore them after it.

    Build a model inside to get the same initial weights each time.
    """
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield


@contextmanager
def _tiny_numbers_as_zero() -> Iterator[None]:
    # A pixel of plain paper drives the sigmoid's input far below zero, until outputs and
    # gradients are "denormal", smaller than 1e-38. CPUs compute those in slow motion: an
    # epoch of the original's recipe rose from 8 to 25 seconds. Nothing is lost by a zero.
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def best_device() -> torch.device:
    """Return the GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def evaluate(model: nn.Module, digits: Digits, loss: Loss = reconstruction_loss) -> float:
    """Return the mean loss over all of `digits` in eval mode; the mode is restored."""
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    total = 0.0
    with torch.inference_mode():
        for x, labels in batches(digits, EVALUATION_BATCH):
            total += loss(model, x.to(device), labels.to(device)).item() * len(labels)
    model.train(was_training)
    return total / len(digits)


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
    state_file: Path | None = None,
    after_epoch: Callable[[History], None] | None = None,
    watch: Watch | None = None,
) -> History:
    """Train `model` in place, leave the best weights in it, and return the History.

    "Best" is the lowest loss on `val`. The weights are on the CPU and in eval mode at
    the end. On a CPU the same seed, initial weights, machine and number of threads give
    the same weights bit for bit. A loss that is not finite stops the run; Ctrl-C stops it too:
    both leave the best weights so far and say so in `History.stopped`.

    state_file: where to keep the state of the run after each epoch. If the file exists,
        the run goes on from there and ends with the weights it would have had anyway.
    after_epoch: called with the History after each epoch.
    watch: what to measure on the way; it has no influence on the weights.

    Raises ValueError if `train` or `val` is empty.
    """
    for name, digits in (("train", train), ("val", val)):
        if not len(digits):
            raise ValueError(f"{name} holds no images: there is nothing to fit to")
    run = _Run(model, train, val, recipe, seed, loss, torch.device(device or best_device()), watch)
    if state_file is not None and state_file.exists():
        run.restore(state_file)
    # An argument would overrule the environment variable TQDM_DISABLE, so none is given.
    hidden = {} if progress else {"disable": True}
    bar = tqdm(total=recipe.epochs, initial=run.history.epochs, unit="epoch", **hidden)
    try:
        with bar, seeded(seed), _tiny_numbers_as_zero():
            run.continue_random_numbers()
            while run.history.epochs < recipe.epochs and run.history.stopped is None:
                run.epoch()
                if run.history.stopped is not None:
                    break
                if state_file is not None:
                    write_atomically(state_file, run.state())
                if after_epoch is not None:
                    after_epoch(run.history)
                bar.update(run.history.epochs - bar.n)
                bar.set_postfix(run.latest_losses())
    except KeyboardInterrupt:
        run.history.stopped = "interrupted"
    return run.finish()


class _Run:
    """One training run: everything that changes while it goes on."""

    def __init__(
        self,
        model: nn.Module,
        train: Digits,
        val: Digits,
        recipe: Recipe,
        seed: int,
        loss: Loss,
        device: torch.device,
        watch: Watch | None,
    ) -> None:
        self.model = model.to(device)
        self.watch = watch
        # What takes the training steps: the model, or a faster way to call it.
        self.trainee: Any = self.model
        if device.type == "cpu" and BatchLast.supports(model):
            self.trainee = BatchLast(model)
        else:
            # A memory layout, not a change of the network, that convolutions gain by.
            self.model.to(memory_format=torch.channels_last)
        self.train, self.val, self.recipe, self.loss, self.device = train, val, recipe, loss, device
        self.optimizers = make_optimizers(self.model, recipe)
        self.history = History()
        self.best = copy.deepcopy(self.model.state_dict())
        self.order = torch.Generator().manual_seed(seed)
        self.random_state: Tensor | None = None
        self.steps_per_epoch = math.ceil(len(train) / recipe.batch_size)

    def epoch(self) -> None:
        start = time.perf_counter()
        self.model.train()
        total = 0.0
        first_step = self.history.epochs * self.steps_per_epoch
        if first_step == 0:
            self._look(0)
        for step, (x, labels) in enumerate(
            batches(self.train, self.recipe.batch_size, self.order), first_step
        ):
            value = self._step(step, x, labels)
            if not math.isfinite(value):
                self.history.stopped = "non-finite loss"
                return
            total += value * len(labels)
            self._look(step + 1)
        self._record(total / len(self.train), time.perf_counter() - start)

    def _step(self, step: int, x: Tensor, labels: Tensor) -> float:
        factor = learning_rate_factor(
            step, self.recipe.epochs * self.steps_per_epoch, self.recipe.warmup
        )
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group.setdefault("initial_lr", group["lr"])
                group["lr"] = group["initial_lr"] * factor
        self.model.zero_grad()
        value = self.loss(self.trainee, x.to(self.device), labels.to(self.device))
        value.backward()
        # Reading the loss waits for the step; do it before the weights can be spoilt.
        number = value.item()
        if math.isfinite(number):
            for optimizer in self.optimizers:
                optimizer.step()
        return number

    def _look(self, steps_done: int) -> None:
        if self.watch is None or steps_done not in self.watch.steps:
            return
        self.model.eval()
        # Should the measure draw random numbers, training must not notice.
        with torch.inference_mode(), torch.random.fork_rng(range(torch.cuda.device_count())):
            self.history.watched.append((steps_done, float(self.watch.measure(self.model))))
        self.model.train()

    def _record(self, train_loss: float, seconds: float) -> None:
        val_loss = evaluate(self.model, self.val, self.loss)
        if not math.isfinite(val_loss):
            self.history.stopped = "non-finite loss"
            return
        if val_loss < self.history.best_loss:
            # A true copy: the state dict itself would go on changing with the model.
            self.best = copy.deepcopy(self.model.state_dict())
            self.history.best_epoch = self.history.epochs
        self.history.train_loss.append(train_loss)
        self.history.val_loss.append(val_loss)
        self.history.seconds.append(seconds)

    def latest_losses(self) -> dict[str, str]:
        history = self.history
        if not history.epochs:
            return {}
        return {"train": f"{history.train_loss[-1]:.4f}", "val": f"{history.val_loss[-1]:.4f}"}

    def state(self) -> bytes:
        content = {
            "model": self.model.state_dict(),
            "best": self.best,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "order": self.order.get_state(),
            "random": torch.get_rng_state(),
            "history": asdict(self.history),
        }
        buffer = io.BytesIO()
        torch.save(content, buffer)
        return buffer.getvalue()

    def restore(self, state_file: Path) -> None:
        content: dict[str, Any] = torch.load(state_file, map_location="cpu", weights_only=True)
        self.model.load_state_dict(content["model"])
        self.best = content["best"]
        for optimizer, state in zip(self.optimizers, content["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        self.order.set_state(content["order"])
        self.random_state = content["random"]
        self.history = History(**content["history"])

    def continue_random_numbers(self) -> None:
        if self.random_state is not None:
            torch.set_rng_state(self.random_state)

    def finish(self) -> History:
        self.model.load_state_dict(self.best)
        self.model.to("cpu", memory_format=torch.contiguous_format).eval()
        return self.history
