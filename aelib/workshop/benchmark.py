"""How fast the course is, beside the usual way: `python -m aelib benchmark`.

What is compared takes turns, so that a noisy machine hurts both sides alike.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import statistics
import sys
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from subprocess import check_output
from tempfile import TemporaryDirectory
from time import perf_counter
from timeit import timeit
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torchvision.transforms import ToTensor

from aelib import explorer
from aelib.data import batches, join, load_mnist, torchvision_mnist, write
from aelib.explorer.packing import describe_untrained
from aelib.intervals import table
from aelib.models import UPSAMPLING, Autoencoder
from aelib.optim import COURSE, ORIGINAL, Recipe
from aelib.training import evaluate, fit, seeded
from aelib.workshop import NOTEBOOKS
from aelib.workshop.batch_last import one_thread
from aelib.workshop.experiments import Experiment
from aelib.workshop.records import versions
from aelib.workshop.sweep import fit_to_the_end

TURNS = 3
TIMED = Experiment("timed", replace(COURSE, epochs=1), 16)
ORIGINAL_QUALITY = 0.0079  # its test MSE at d = 16, on images in [0, 1] (notebook 2)
Rows = dict[str, list[Any]]


def benchmark(json_file: Path | None = None) -> None:
    """Measure all sections, which takes some minutes, and print a table after each.

    json_file: where to write the result as well. README shows what is in aelib/checkpoints.
    """
    measured: dict[str, Any] = {"machine": _machine(), "sections": {}}
    with one_thread():  # as each process of a sweep works
        for section, columns in SECTIONS.items():
            print(f"{section.__name__}: {section.__doc__}")
            rows = section()
            print(table(rows, columns, ".3g"), end="\n\n")
            measured["sections"][section.__name__] = {"columns": columns, "rows": rows}
    if json_file is not None:
        write(json_file, (json.dumps(measured, indent=1) + "\n").encode())


def _machine() -> dict[str, Any]:
    processor = platform.processor() or platform.machine()
    with suppress(OSError, TypeError):  # only Linux has this file
        processor = re.search("model name.*: (.*)", Path("/proc/cpuinfo").read_text())[1]  # type: ignore[index]
    # How many processes want to compute; Windows does not tell.
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    return {"processor": processor, "cores": os.cpu_count(), "load": load} | versions()


def in_turns(usual: Callable[[], Any], own: Callable[[], Any]) -> tuple[float, float, float]:
    """Return the median seconds of two works that take turns, and the median of their ratio."""
    seconds = [(timeit(usual, number=1), timeit(own, number=1)) for _ in range(TURNS)]
    theirs, ours = map(statistics.median, zip(*seconds, strict=True))
    return theirs, ours, statistics.median(a / b for a, b in seconds)


def usual(train: bool) -> Iterable[Any]:
    """Return the images as the original and most others load them."""
    return DataLoader(torchvision_mnist(train, ToTensor()), 128, shuffle=train)


def loading() -> Rows:
    """One pass over the 60,000 training images in batches of 128."""
    loader, splits, order = usual(True), load_mnist(), torch.Generator().manual_seed(0)
    own = partial(batches, join(splits.train, splits.val), 128, order)
    theirs, ours, times = in_turns(lambda: deque(loader, 0), lambda: deque(own(), 0))
    return {"DataLoader": [theirs, times], "batches": [ours, 1.0]}


def quality() -> Rows:
    """Time to the original's quality, a test MSE of 0.0079 with 16 numbers, on one thread.

    Of the original's loop one epoch is measured and multiplied by its fifty; the course's recipe
    is measured whole, with the fewest epochs that reach the quality.
    """
    splits, fifty, epochs, reached = load_mnist(), ORIGINAL.epochs, 0, 1.0

    def course() -> nn.Module:
        model = TIMED.build()
        fit_to_the_end("timed", model, *splits[:2], replace(COURSE, epochs=epochs))
        return model

    while reached > ORIGINAL_QUALITY:
        epochs += 1
        reached = evaluate(course(), splits.test)
    theirs, ours, times = in_turns(_original_epoch(), course)
    return {
        "the original's loop": [fifty, fifty * theirs, None, fifty * times],
        "the course's recipe": [epochs, ours, reached, 1.0],
    }


def notebooks() -> Rows:
    """A copy of each notebook, executed from first cell to last, and the memory of its kernel."""
    rows = Rows()
    with TemporaryDirectory() as folder:
        for path in NOTEBOOKS:
            command = [sys.executable, "-c", IN_A_PROCESS, shutil.copy(path, folder)]
            start = perf_counter()
            kilobytes = int(check_output(command))
            rows[path.stem] = [perf_counter() - start, kilobytes / 1000]
    return rows


# A process's children are its kernel alone; their memory is told in kilobytes.
IN_A_PROCESS = """
import resource, sys
from pathlib import Path
from aelib.workshop import notebooks
notebooks.execute(Path(sys.argv[1]))
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def page() -> Rows:
    """Training in the explorer's page beside `fit`: Adam and batches of 64, d = 2 and 16.

    It needs Playwright and a Chromium, as the tests do.
    """
    from playwright.sync_api import sync_playwright

    train, val, _ = load_mnist()
    data = train[: 64 * PAGE_STEPS], val[:64], Recipe(1, 64, adam_lr=1e-2, warmup=0.1)
    rows = Rows()
    with sync_playwright() as playwright:
        path = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
        sheet = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"]).new_page()
        layers = f"const layers = {json.dumps(describe_untrained())};"
        script = explorer.joined("trainee.js") + layers + IN_PAGE
        sheet.set_content(f'<script type="module">{script}</script>')
        sheet.wait_for_function("typeof steps === 'function'")
        for kind, d in product(UPSAMPLING, (2, 16)):
            with seeded(0):
                model = Autoencoder(d, kind)
            learn, plainly = (
                partial(sheet.evaluate, "(asked) => steps(...asked)", [d, kind, simd, count])
                for simd, count in ((True, PAGE_STEPS), (False, 4))
            )
            learn()
            theirs, ours, times = in_turns(partial(fit, model, *data, progress=False), learn)
            pictures = 64 * PAGE_STEPS
            speeds = [pictures / theirs, pictures / ours, 64 * 4 / timeit(plainly, number=1)]
            rows[f"{kind}, d = {d}"] = [*speeds, times]
    return rows


# The same pictures every time: what they show costs nothing.
IN_PAGE = """
globalThis.steps = (latentDim, upsampling, simd, count) => {
  const trainee = new Trainee(layers, { latentDim, upsampling }, { simd });
  const pictures = Float32Array.from({ length: BATCH * PIXELS }, Math.random);
  for (let n = 0; n < count; n++) {
    trainee.show(pictures, [...Array(BATCH).keys()]);
    [...trainee.step(0.001)];
  }
};
"""
PAGE_STEPS = 60

SECTIONS: dict[Callable[[], Rows], list[str]] = {  # with the names of their columns
    loading: ["seconds", "times batches"],
    quality: ["epochs", "seconds", "test MSE", "times the course's"],
    notebooks: ["seconds", "MB"],
    page: ["fit: images/s", "the page: images/s", "in plain loops: images/s", "times fit"],
}


def _original_epoch() -> Callable[[], None]:
    """Return one epoch of the original's loop: torchvision, DataLoader, Adam; then all tests."""
    train, test, model = usual(True), usual(False), TIMED.build()
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
