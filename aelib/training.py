"""Training: `fit`, which keeps the best weights, and the History of a run.

Notebook 2 writes a plain loop first and then uses this one.
"""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm.auto import tqdm

from aelib import states
from aelib.checks import real_number, whole_number
from aelib.data import Digits, batches, check_digits
from aelib.files import check_writable, expanded, write_atomically
from aelib.models import check_weights, kind_of, looking_at, offset_of, redrawn
from aelib.optim import Recipe, learning_rate_factor, make_optimizers

EVALUATION_BATCH = 250
KNOWN_LAYERS = ("torch.nn.", "aelib.")
SEEDS = (-(2**63), 2**63 - 1)  # what fits into the 64 bits of torch's generators

# From a model, images (N, 1, 28, 28) in [0, 1] and labels (N,) to a mean loss.
Loss = Callable[[Any, Tensor, Tensor], Tensor]


@dataclass
class History:
    """What happened in a training run, one entry an epoch; `plotting` can draw it.

    train_loss is the mean over the epoch's batches while the weights were changing,
    val_loss is measured after the epoch. best_epoch counts from 0. stopped is None
    for a run that went to its end, else "non-finite loss" or "interrupted".
    watched holds, if `fit` was given a `Watch`, a pair (steps done, value) for each look.
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
    """What to measure of a model while it is trained, and when.

    measure: from the model, in eval mode, to a number.
    steps: after how many training steps; 0 is the untrained model. They are kept as a tuple.
    Raises ValueError for a measure that cannot be called, and for steps that are no whole numbers
    from 0 up.
    """

    measure: Callable[[nn.Module], float]
    steps: Iterable[int]

    def __post_init__(self) -> None:
        if not callable(self.measure):
            raise ValueError(f"measure must be a function of a model, got {self.measure!r}")
        if not isinstance(self.steps, Iterable):
            raise ValueError(f"steps must be a list of whole numbers, got {self.steps!r}")
        # At once: a generator would be used up by the first look.
        steps = tuple(whole_number("each of the steps", step, 0) for step in self.steps)
        object.__setattr__(self, "steps", steps)


def reconstruction_loss(model: Any, x: Tensor, labels: Tensor) -> Tensor:
    """Return the mean squared error of an autoencoder on images in [0, 1].

    model: any that returns images of the shape that it is given. One with an `offset` gets,
    and is compared with, the images less that offset.
    """
    x = _shifted(model, x)
    return F.mse_loss(redrawn(model, x), x)


def _shifted(model: Any, x: Tensor) -> Tensor:
    offset = offset_of(model)
    return x - offset if offset else x


def denoising_loss(noise: float) -> Loss:
    """Return the loss of an autoencoder that has to redraw clean images from noisy ones.

    noise: standard deviation of the Gaussian noise that is added to the images in training,
    0 or more; the result is clipped to [0, 1]. In eval mode the images enter clean.
    Raises ValueError for a negative noise.
    Source: Vincent et al. 2008, doi:10.1145/1390156.1390294; notebook 3.
    """
    noise = real_number("noise", noise, 0)

    def loss(model: Any, x: Tensor, labels: Tensor) -> Tensor:
        entering = (x + noise * torch.randn_like(x)).clamp(0, 1) if model.training else x
        return F.mse_loss(redrawn(model, _shifted(model, entering)), _shifted(model, x))

    return loss


def classification_loss(model: Any, x: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy of a classifier.

    model: from images to scores (N, C), one for each digit from 0 to C - 1. Raises ValueError
    for another shape, and if there are labels that have no score.
    """
    scores = model(x.clone())
    found = tuple(scores.shape) if isinstance(scores, Tensor) else kind_of(scores)
    classes = int(labels.max()) + 1
    if not isinstance(scores, Tensor) or scores.ndim != 2 or scores.shape[1] < classes:
        raise ValueError(
            f"a classifier must return scores of {classes} digits or more, ({len(x)}, {classes}), "
            f"got {found}: the labels go up to {classes - 1}"
        )
    return F.cross_entropy(scores, labels)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Fix torch's random numbers inside the block and restore them after it.

    Build a model inside to get the same initial weights each time.
    Raises ValueError for a seed that is no whole number of 64 bits.
    """
    seed = whole_number("seed", seed, *SEEDS)
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield


@contextmanager
def _tiny_numbers_as_zero() -> Iterator[None]:
    # A pixel of plain paper drives the sigmoid's input far below zero, until outputs and
    # gradients are "denormal", smaller than 1e-38. CPUs compute those in slow motion: an
    # epoch of the original's recipe rose from 8 to 25 seconds. Nothing is lost by a zero.
    before = bool(torch.tensor(1e-39) * 1 == 0)  # torch cannot be asked
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def best_device() -> torch.device:
    """Return the GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def evaluate(model: nn.Module, digits: Digits, loss: Loss = reconstruction_loss) -> float:
    """Return the mean loss over all of `digits`, in eval mode; the model is left as it was.

    A loss must be a mean over the images that it gets, not a sum: it gets them in batches, whose
    losses are averaged by their number of images.
    Raises ValueError if there are no digits, for a loss that gives something else than a number,
    and if the mean is NaN or infinite.
    """
    mean = _mean_loss(model, digits, loss)
    if not math.isfinite(mean):
        raise ValueError(
            f"the loss on these images is {mean}: what the model returns is NaN or infinite, or "
            "the loss makes it so; a model whose weights are spoilt must be trained anew"
        )
    return mean


def _mean_loss(model: nn.Module, digits: Digits, loss: Loss) -> float:
    total = 0.0
    with looking_at(model) as device:
        for x, labels in batches(digits, EVALUATION_BATCH):
            value = _checked(loss, model, x.to(device), labels.to(device))
            total += value.item() * len(labels)
    return total / len(digits)


def _check_loss(loss: Any) -> None:
    if not callable(loss):
        raise ValueError(f"loss must be a function of model, images and labels, got {loss!r}")


def _checked(loss: Loss, model: Any, x: Tensor, labels: Tensor) -> Tensor:
    """Return a loss; raises ValueError unless it is one number in a tensor."""
    _check_loss(loss)
    value = loss(model, x, labels)
    if not isinstance(value, Tensor) or value.numel() != 1 or value.is_complex():
        found = tuple(value.shape) if isinstance(value, Tensor) else kind_of(value)
        raise ValueError(f"loss must return one number in a tensor, got {found}")
    return value


@torch.inference_mode(False)  # in which nothing can be trained, whatever the caller is in
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
    after_epoch: Callable[[History], None] | None = None,
    watch: Watch | None = None,
    forward: Any = None,
) -> History:
    """Train `model` in place, leave the best weights in it, and return the History.

    model: any module that the loss can use; for the losses here but `classification_loss`,
    one that returns images of the shape that it is given. Muon, if the recipe asks for it,
    takes the weights of its linear and convolutional layers, see `optim.make_optimizers`.

    "Best" is the lowest loss on `val`. The weights are on the CPU and in eval mode at
    the end. On a CPU the same seed, initial weights, machine and number of threads give
    the same weights bit for bit. A loss that is not finite stops the run; Ctrl-C stops it too:
    both leave the best weights so far and say so in `History.stopped`. Whatever else stops
    it, an error of your own callback or a full disk, leaves the best weights too.

    state_file: where to keep the state of the run after each epoch; ~ in it means the home
        folder. If the file exists, the run goes on from there and ends with the weights it
        would have had anyway; if it was finished, nothing is left to do. What the state says
        of recipe, seed, model, loss, watch and images must be what is given here, with the
        code of your own functions and classes and the values they use; only the weights that
        are trained need not be, since those of the state replace them.
    after_epoch: called with the History after each epoch.
    watch: what to measure on the way; it has no influence on the weights.
    forward: what training steps call in place of `model`, to the same effect but faster: it
        has the attributes that the loss asks for, and leaves its gradients in `model`.

    Raises ValueError if `train` or `val` is empty, and for what cannot be trained;
    `states.StateError` for a state_file that is damaged or belongs to another run; and
    `files.FileError` if it cannot be read or written.
    """
    seed = whole_number("seed", seed, *SEEDS)
    _check(model, train, val, recipe)
    _check_options(loss, state_file, after_epoch, watch)
    where = _device(device)
    state_file = None if state_file is None else expanded(state_file, "state_file")
    decisive: dict[str, str] = {}
    functions = {"loss": loss, "forward": forward, "watch": watch}
    saved = None
    if state_file is not None:
        check_writable(state_file.parent)
        decisive = states.decisive_of(model, train, val, recipe, seed, where.type, **functions)
        saved = states.unpack(state_file, decisive)
    run = _Run(model, train, val, recipe, seed, loss, where, watch, forward)
    if state_file is not None and saved is not None:
        decisive, content = saved
        _restore(run, content, state_file)
    # An argument would overrule the environment variable TQDM_DISABLE, so none is given.
    hidden = {} if progress else {"disable": True}
    bar = tqdm(total=recipe.epochs, initial=run.history.epochs, unit="epoch", **hidden)
    try:
        with bar, torch.enable_grad(), seeded(seed), _tiny_numbers_as_zero():
            run.continue_random_numbers()
            while run.history.epochs < recipe.epochs and run.history.stopped is None:
                run.epoch()
                if run.history.stopped is not None:
                    break
                if state_file is not None:
                    now = states.described(model, **functions)
                    decisive = states.without_changes(decisive, now)
                    write_atomically(state_file, states.pack(decisive, run.state()))
                if after_epoch is not None:
                    after_epoch(run.history)
                bar.update(run.history.epochs - bar.n)
                bar.set_postfix(run.latest_losses())
    except KeyboardInterrupt:
        run.history.stopped = "interrupted"
    finally:
        run.finish()
    return run.history


def _restore(run: _Run, content: dict[str, Any], state_file: Path) -> None:
    before = run.best
    try:
        run.restore(content)
    except Exception:
        run.best = before  # of what was read only a part may be in the model
        run.finish()
        raise states.no_state(state_file) from None


def _check(model: Any, train: Any, val: Any, recipe: Any) -> None:
    if not isinstance(model, nn.Module):
        raise ValueError(f"model must be a torch.nn.Module, got {kind_of(model)}")
    check_weights(model)
    if any(p.is_inference() for p in model.parameters()):
        raise ValueError(
            "the model was made inside torch.inference_mode, where weights cannot be trained: "
            "make it outside"
        )
    for name, digits in (("train", train), ("val", val)):
        if not len(check_digits(name, digits)):
            raise ValueError(f"{name} holds no images: there is nothing to fit to")
    if not isinstance(recipe, Recipe):
        raise ValueError(f"recipe must be a Recipe, got {kind_of(recipe)}")


def _check_options(loss: Any, state_file: Any, after_epoch: Any, watch: Any) -> None:
    # What is wrong is said before the first epoch, not after it.
    _check_loss(loss)
    if not (after_epoch is None or callable(after_epoch)):
        raise ValueError(f"after_epoch must be a function or None, got {after_epoch!r}")
    if not (watch is None or isinstance(watch, Watch)):
        raise ValueError(f"watch must be a Watch or None, got {watch!r}")
    if not (state_file is None or isinstance(state_file, str | os.PathLike)):
        raise ValueError(f"state_file must be a path or None, got {state_file!r}")


def _device(device: Any) -> torch.device:
    try:
        where = torch.device(best_device() if device is None else device)
        torch.zeros(1, device=where)
    except (RuntimeError, TypeError, AssertionError, NotImplementedError) as error:
        said = str(error).splitlines()[0]
        raise ValueError(
            f"device must be one that torch has here, got {device!r}: {said}"
        ) from None
    if where.type == "meta":
        raise ValueError("device must be one that computes, got meta")
    return where


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
        forward: Any,
    ) -> None:
        self.model = model.to(device)
        self.watch = watch
        self.forward = forward or self.model
        self.train, self.val, self.recipe, self.loss, self.device = train, val, recipe, loss, device
        self.optimizers = make_optimizers(self.model, recipe)
        self.channels_last = forward is None and _may_have_channels_last(self.model)
        if self.channels_last:
            # A memory layout, not a change of the network, that convolutions gain by.
            self.model.to(memory_format=torch.channels_last)
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
        self._end_epoch(total / len(self.train), time.perf_counter() - start)

    def _step(self, step: int, x: Tensor, labels: Tensor) -> float:
        factor = learning_rate_factor(
            step, self.recipe.epochs * self.steps_per_epoch, self.recipe.warmup
        )
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group.setdefault("initial_lr", group["lr"])
                group["lr"] = group["initial_lr"] * factor
        self.model.zero_grad()
        value = _checked(self.loss, self.forward, x.to(self.device), labels.to(self.device))
        if not value.requires_grad:
            raise ValueError("loss must depend on the weights that are trained: no gradient came")
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
        with looking_at(self.model):
            found = self.watch.measure(self.model)
        try:
            self.history.watched.append((steps_done, float(found)))
        except (TypeError, ValueError, RuntimeError):
            raise ValueError(f"watch.measure must return a number, got {found!r}") from None

    def _end_epoch(self, train_loss: float, seconds: float) -> None:
        val_loss = _mean_loss(self.model, self.val, self.loss)
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

    def state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "best": self.best,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "order": self.order.get_state(),
            "random": torch.get_rng_state(),
            "history": asdict(self.history),
        }

    def restore(self, content: dict[str, Any]) -> None:
        self.best = content["best"]
        for weights in (self.best, content["model"]):
            self.model.load_state_dict(weights)
        for optimizer, state in zip(self.optimizers, content["optimizers"], strict=True):
            optimizer.load_state_dict(state)
            _check_moments(optimizer)
        self.order.set_state(content["order"])
        self.random_state = content["random"]
        torch.Generator().set_state(content["random"])  # to fail now, not when it is used
        self.history = History(**content["history"])
        _check_history(self.history, self.recipe.epochs)

    def continue_random_numbers(self) -> None:
        if self.random_state is not None:
            torch.set_rng_state(self.random_state)

    def finish(self) -> None:
        self.model.load_state_dict(self.best)
        self.model.to("cpu").eval()
        if self.channels_last:
            self.model.to(memory_format=torch.contiguous_format)


def _check_moments(optimizer: torch.optim.Optimizer) -> None:
    """Raise ValueError if Adam's moments are not of its weights: its fused step would crash."""
    for weight, kept in optimizer.state.items():
        for name in ("exp_avg", "exp_avg_sq"):
            if name in kept and kept[name].shape != weight.shape:
                raise ValueError(f"{name} has shape {tuple(kept[name].shape)}")


def _check_history(history: History, most: int) -> None:
    """Raise ValueError unless a history is one of some epochs, but of no more than `most`."""
    lists = history.train_loss, history.val_loss, history.seconds
    finite = all(math.isfinite(number) for numbers in lists for number in numbers)
    if not finite or {len(numbers) for numbers in lists} != {history.epochs}:
        raise ValueError("it has no loss and no time for each epoch")
    best = -1 if history.best_epoch is None else history.best_epoch
    if not 0 <= best < history.epochs <= most or history.stopped is not None:
        raise ValueError("its epochs are not those of a run that goes on")


def _may_have_channels_last(model: nn.Module) -> bool:
    """Return whether the layout of a model's weights may change: not with code of your own.

    That may rely on it, as `view` does; and weights that share memory would be torn apart.
    """
    known = all(type(part).__module__.startswith(KNOWN_LAYERS) for part in model.modules())
    numbers = [n for n in (*model.parameters(), *model.buffers()) if n.numel()]
    places = {number.untyped_storage().data_ptr() for number in numbers}
    return known and len(places) == len(numbers) and all(n.ndim < 5 for n in numbers)
