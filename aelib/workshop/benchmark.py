"""How fast the course is, beside the usual way: `python -m aelib benchmark`.

What is compared takes turns, so that a noisy machine hurts both sides alike; times and ratios
are medians over the turns. Times alone say little on another machine.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from aelib.data import Digits, batches, join, load_mnist, torchvision_mnist, write
from aelib.intervals import table
from aelib.models import Autoencoder
from aelib.optim import COURSE, ORIGINAL
from aelib.training import evaluate, seeded
from aelib.workshop.batch_last import one_thread
from aelib.workshop.experiments import course_recipe
from aelib.workshop.records import versions
from aelib.workshop.sweep import fit_to_the_end

TURNS = 3
LATENT_DIM = 16
ORIGINAL_QUALITY = 0.0079  # its test MSE at d = 16, on images in [0, 1] (notebook 2)
Result = tuple[list[str], dict[str, list[Any]]]  # names of the columns, and rows by their names


def benchmark(json_file: Path | None = None) -> None:
    """Measure all sections, which takes some minutes, and print a table after each.

    json_file: where to write the result as well. README shows what is in aelib/checkpoints.
    """
    sections = {}
    with one_thread():  # as each process of a sweep works
        for section in SECTIONS:
            print(f"{section.__name__}: {section.__doc__}")
            columns, rows = section()
            print(table(rows, columns, ".3g"), end="\n\n")
            sections[section.__name__] = {"columns": columns, "rows": rows}
    if json_file is not None:
        measured = {"machine": _machine(), "sections": sections}
        write(json_file, (json.dumps(measured, indent=1) + "\n").encode())


def _machine() -> dict[str, Any]:
    processor = platform.processor() or platform.machine()
    with suppress(OSError, StopIteration):  # only Linux has this file
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        processor = next(line for line in lines if line.startswith("model name"))
    # How many processes wanted to compute; Windows does not tell.
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    about = {"processor": processor.split(":")[-1].strip(), "cores": os.cpu_count(), "load": load}
    return about | versions()


def in_turns(usual: Callable[[], Any], own: Callable[[], Any]) -> tuple[float, float, float]:
    """Return the median seconds of two works that take turns, and the median of their ratio."""
    seconds = [(_seconds(usual), _seconds(own)) for _ in range(TURNS)]
    theirs, ours = map(statistics.median, zip(*seconds, strict=True))
    return theirs, ours, statistics.median(a / b for a, b in seconds)


def _seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def loading() -> Result:
    """One pass over the 60,000 training images in batches of 128."""
    usual, splits, order = _loader(True), load_mnist(), torch.Generator().manual_seed(0)
    full = join(splits.train, splits.val)
    theirs, ours, times = in_turns(
        lambda: deque(usual, maxlen=0), lambda: deque(batches(full, 128, order), maxlen=0)
    )
    return ["seconds", "times batches"], {"DataLoader": [theirs, times], "batches": [ours, 1.0]}


def quality() -> Result:
    """Time to the original's quality, a test MSE of 0.0079 with 16 numbers, on one thread.

    Of the original's loop one epoch is measured and multiplied by its fifty; the course's recipe
    is measured whole, with the fewest epochs that reach the quality.
    """
    splits = load_mnist()
    epochs, reached = 0, 1.0
    while reached > ORIGINAL_QUALITY:
        epochs += 1
        reached = evaluate(_trained(LATENT_DIM, splits.train, splits.val, epochs), splits.test)
    theirs, ours, times = in_turns(
        _original_epoch(), lambda: _trained(LATENT_DIM, splits.train, splits.val, epochs)
    )
    fifty = ORIGINAL.epochs
    return ["epochs", "seconds", "test MSE", "times the course's"], {
        "the original's loop": [fifty, fifty * theirs, None, fifty * times],
        "the course's recipe": [epochs, ours, reached, 1.0],
    }


def sweep() -> Result:
    """The models of d = 1 to 10: the original's loop, and the course's recipes in two processes.

    Of either side one epoch is measured, in turns, and multiplied by all the epochs.
    """
    with joblib.Parallel(n_jobs=2) as work:
        work(joblib.delayed(_one_epoch)(d, 1000) for d in (1, 10))  # starts the processes
        theirs, ours, _ = in_turns(
            _original_epoch(), lambda: work(joblib.delayed(_one_epoch)(d) for d in (1, 10))
        )
    usual, own = 10 * ORIGINAL.epochs, sum(course_recipe(d).epochs for d in range(1, 11))
    minutes = usual * theirs / 60, own / 2 * ours / 60
    return ["epochs", "minutes", "times the course's"], {
        "the original's loop": [usual, minutes[0], minutes[0] / minutes[1]],
        "the course's recipes, two at once": [own, minutes[1], 1.0],
    }


SECTIONS: tuple[Callable[[], Result], ...] = (loading, quality, sweep)


def _loader(train: bool) -> Iterable[Any]:
    from torchvision.transforms import ToTensor

    return DataLoader(torchvision_mnist(train, ToTensor()), 128, shuffle=train)


def _original_epoch() -> Callable[[], None]:
    """Return one epoch of the original's loop: torchvision, DataLoader, Adam; then all tests."""
    train, test = _loader(True), _loader(False)
    with seeded(0):
        model = Autoencoder(LATENT_DIM)
    adam = torch.optim.Adam(model.parameters(), lr=ORIGINAL.adam_lr, weight_decay=1e-5)

    def epoch() -> None:
        for x, _ in train:
            adam.zero_grad()
            F.mse_loss(model(x), x).backward()
            adam.step()
        with torch.no_grad():
            for x, _ in test:
                F.mse_loss(model(x), x)

    return epoch


def _trained(latent_dim: int, train: Digits, val: Digits, epochs: int) -> nn.Module:
    with seeded(0):
        model = Autoencoder(latent_dim)
    fit_to_the_end("the course's recipe", model, train, val, replace(COURSE, epochs=epochs))
    return model


def _one_epoch(latent_dim: int, images: int = 55_000) -> None:
    splits = load_mnist()
    with one_thread():
        _trained(latent_dim, join(splits.train, splits.val)[:images], splits.val[:100], 1)
