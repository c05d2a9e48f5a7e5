"""How fast the course is, measured in one run: `python -m aelib benchmark`.

What is compared takes turns, so that a noisy machine hurts both sides alike; times, ratios and
memory are medians over the turns. Only each notebook runs once, and each epoch count that
`quality` tries. Times alone say little on another machine.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode

import aelib
from aelib.data import Splits, batches, join, load_mnist, torchvision_mnist
from aelib.experiments import course_recipe
from aelib.explorer import VIEWS
from aelib.files import check_writable, expanded, read_if_there, write_atomically
from aelib.models import Autoencoder
from aelib.optim import COURSE, ORIGINAL, make_optimizers
from aelib.tables import table
from aelib.training import evaluate, seeded
from aelib.workshop import book, latency
from aelib.workshop.batch_last import faster_forward
from aelib.workshop.memory import peak_megabytes
from aelib.workshop.running import fit_to_the_end, one_thread

ROOT = Path(__file__).parents[2]
TURNS = 3
LATENT_DIM = 16
ORIGINAL_QUALITY = 0.0079  # its test MSE at d = 16, on images in [0, 1] (notebook 2)
MOST_EPOCHS = 6
IMAGE_COUNTS = (5_000, 20_000, 60_000)

Rows = dict[str, list[Any]]
Result = tuple[list[str], Rows]


def benchmark(sections: Iterable[str] = (), json_file: Path | None = None) -> dict[str, Any]:
    """Measure the sections, print a table after each, and return all that was measured.

    sections: names of `SECTIONS`; none means all, which takes about a quarter of an hour.
    json_file: where to write the result as well, after each section. The other sections that
        this machine has measured and written there are kept; what another one has is replaced
        only when all sections are measured.

    Raises AelibError for a section that is not there, for a folder in place of the file, and
    for another machine's file that would lose sections; FileError if the file cannot be
    written. All of this comes before the first section.
    """
    chosen = list(sections) or list(SECTIONS)
    unknown = [name for name in chosen if name not in SECTIONS]
    if unknown:
        raise aelib.AelibError(
            f"there is no section {', '.join(unknown)}; there are: {', '.join(SECTIONS)}"
        )
    json_file = None if json_file is None else expanded(json_file)
    measured = _begin(json_file, whole=set(SECTIONS) <= set(chosen))
    with one_thread():  # as each process of a sweep works
        for name in chosen:
            print(f"{name}: {_first_line(SECTIONS[name])}", flush=True)
            try:
                columns, rows = SECTIONS[name]()
            except latency.NoBrowserError as reason:
                print(f"skipped: {reason}\n", flush=True)
            else:
                print(table(rows, columns, ".3g"), end="\n\n", flush=True)
                measured["sections"][name] = {"columns": columns, "rows": rows}
            if json_file is not None:  # after each, so that a stop loses one section at most
                write_atomically(json_file, (json.dumps(measured, indent=1) + "\n").encode())
    return measured


def _begin(json_file: Path | None, whole: bool) -> dict[str, Any]:
    """Return a benchmark to add sections to: of this machine, with what the file has of it.

    whole: whether all sections are to be measured, which replaces what others have written.
    Raises AelibError or FileError if the file could not be written, or may not.
    """
    machine = _machine()
    fresh = {"machine": machine, "sections": {}}
    if json_file is None:
        return fresh
    if json_file.is_dir():
        raise aelib.AelibError(f"{json_file} is a folder: give the name of a file, e.g. in it")
    check_writable(json_file.parent)
    raw = read_if_there(json_file, "Give the name of another file")
    if raw is None:
        return fresh
    try:
        before = json.loads(raw)
        there, sections = dict(before["machine"]), dict(before["sections"])
    except (ValueError, KeyError, TypeError, RecursionError):
        there, sections = {}, {}
    other = [
        f"{name} {there.get(name)} there, {machine[name]} here"
        for name in machine
        if name != "load" and there.get(name) != machine[name]
    ]
    if not other:  # of two loads the reader wants to know the heavier one
        loads = [load for load in (there.get("load"), machine["load"]) if load is not None]
        return {"machine": machine | {"load": max(loads, default=None)}, "sections": sections}
    if whole:
        return fresh
    raise aelib.AelibError(
        f"{json_file} would lose its other sections, as this machine did not measure them "
        f"({'; '.join(other)}): give the name of another file, or measure all sections"
    )


def _machine() -> dict[str, Any]:
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": _load(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "aelib": aelib.__version__,
    }


def answers_in_turns(works: Mapping[str, Callable[[], Any]], turns: int) -> dict[str, list[Any]]:
    """Return what each work returned, in turn after turn."""
    answers: dict[str, list[Any]] = {name: [] for name in works}
    for _ in range(turns):
        for name, work in works.items():
            answers[name].append(work())
    return answers


def in_turns(works: Mapping[str, Callable[[], Any]], turns: int = TURNS) -> dict[str, list[float]]:
    """Return the seconds that each work took, in turn after turn."""

    def timed(work: Callable[[], Any]) -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return answers_in_turns({name: partial(timed, work) for name, work in works.items()}, turns)


def _processor() -> str:
    """Return the name of the processor, as far as the system tells it."""
    with suppress(OSError):  # only Linux has this file
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _load() -> float | None:
    """Return how many processes want to compute just now; Windows does not tell."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def _first_line(section: Callable[[], Result]) -> str:
    return (section.__doc__ or "").splitlines()[0]


def _median(values: Iterable[float | None]) -> float | None:
    """Return the median, or None if there is nothing to measure on this system."""
    found = [value for value in values if value is not None]
    return statistics.median(found) if found else None


def _ratio(first: list[float], second: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(first, second, strict=True))


# --- Sections -------------------------------------------------------------------------


def loading() -> Result:
    """One pass over the 60,000 training images in batches of 128."""
    from torchvision import transforms

    splits = load_mnist()
    usual = DataLoader(torchvision_mnist(True, transforms.ToTensor()), 128, shuffle=True)
    full, order = join(splits.train, splits.val), torch.Generator().manual_seed(0)

    def run(passes: Iterable[Any]) -> None:
        for _ in passes:
            pass

    seconds = in_turns(
        {"DataLoader": lambda: run(usual), "batches": lambda: run(batches(full, 128, order))}
    )
    rows: Rows = {
        name: [statistics.median(each), _ratio(each, seconds["batches"])]
        for name, each in seconds.items()
    }
    return ["seconds", "times batches"], rows


def quality() -> Result:
    """Time to the original's quality, a test MSE of 0.0079 with 16 numbers, on one thread.

    The original's loop is measured for one epoch and multiplied by its fifty. The course's
    recipe is measured whole, with the fewest epochs that reach the quality.
    """
    splits = load_mnist()
    for epochs in range(1, MOST_EPOCHS + 1):
        reached = evaluate(_trained(splits, epochs), splits.test)
        if reached <= ORIGINAL_QUALITY:
            break
    course = partial(_trained, splits, epochs)
    seconds = in_turns({"original": _original_epoch(), "course": course})
    own, others = (statistics.median(seconds[name]) for name in ("course", "original"))
    others *= ORIGINAL.epochs
    times = ORIGINAL.epochs * _ratio(seconds["original"], seconds["course"])
    return ["epochs", "seconds", "test MSE", "times the course's"], {
        "the original's loop": [ORIGINAL.epochs, others, None, times],
        "the course's recipe": [epochs, own, reached, 1.0],
    }


def sweep() -> Result:
    """The models of d = 1 to 10: the original's loop, and the course's recipes in two processes.

    Of either side one epoch is measured, in turns, and multiplied by all the epochs.
    """
    original = _original_epoch()
    with joblib.Parallel(n_jobs=2) as work:
        works = {"original": original, "course": lambda: _epochs_at_once(work, 1, 10)}
        _epochs_at_once(work, 1, 10, images=1000)  # starts the processes
        seconds = in_turns(works)
    dims, jobs = range(1, 11), 2
    epochs = sum(course_recipe(d).epochs for d in dims) / jobs
    own = epochs * statistics.median(seconds["course"])
    others = len(dims) * ORIGINAL.epochs * statistics.median(seconds["original"])
    return ["epochs", "minutes", "times the course's"], {
        "the original's loop": [len(dims) * ORIGINAL.epochs, others / 60, others / own],
        "the course's recipes, two at once": [int(epochs * jobs), own / 60, 1.0],
    }


def step() -> Result:
    """Where a training step of the course's recipe goes: 128 images, 16 numbers, one thread."""
    with seeded(0):
        model = Autoencoder(LATENT_DIM)
    forward, optimizers = faster_forward(model) or model, make_optimizers(model, COURSE)
    few = load_mnist().train[: 128 * 40]
    parts = dict.fromkeys(("batch", "forward and backward", "optimisers"), 0.0)
    for x, _ in batches(few, 128):  # once to warm up
        F.mse_loss(forward(x), x).backward()
    steps, clock = 0, time.perf_counter()

    def lap(part: str) -> None:
        nonlocal clock
        now = time.perf_counter()
        parts[part] += now - clock
        clock = now

    clock = time.perf_counter()
    for x, _ in batches(few, 128):
        lap("batch")
        model.zero_grad()
        F.mse_loss(forward(x), x).backward()
        lap("forward and backward")
        for optimizer in optimizers:
            optimizer.step()
        lap("optimisers")
        steps += 1
    whole = sum(parts.values())
    rows: Rows = {
        name: [1000 * seconds / steps, 100 * seconds / whole] for name, seconds in parts.items()
    }
    rows["whole step"] = [1000 * whole / steps, 100.0]
    limit = _flops(model) / _matrix_product_speed()
    rows["its arithmetic at the speed of a matrix product"] = [
        1000 * limit,
        100 * limit * steps / whole,
    ]
    return ["milliseconds", "% of the step"], rows


def growth() -> Result:
    """How an epoch's time and the peak memory grow, each in a process of its own.

    The memory is that of the whole process. The libraries and MNIST, which each loads whole
    before it takes so many images, are most of it.
    """
    works = {
        f"d = {latent_dim}, {count:,} images": partial(_numbers, _ONE_EPOCH, latent_dim, count)
        for latent_dim in (2, 32)
        for count in IMAGE_COUNTS
    }
    for name, workers in WORKERS.items():
        if workers != "dask" or importlib.util.find_spec("distributed"):
            works[f"two epochs, {name}"] = partial(_numbers, _TWO_EPOCHS, workers)
    return ["seconds", "MB"], {
        name: [_median(column) for column in zip(*answers, strict=True)]
        for name, answers in answers_in_turns(works, TURNS).items()
    }


def start() -> Result:
    """What importing costs beside torch, and the first cell of each notebook."""
    imports = {
        "torch": "import torch",
        "aelib, as notebook 2 imports it": _first_cell(2).replace("plotting.use_style()", ""),
    }
    codes = imports | {f"first cell of notebook {n}": _first_cell(n) for n in range(1, 5)}
    works = {name: partial(_python, code) for name, code in codes.items()}
    return ["seconds"], {
        name: [statistics.median(seconds)] for name, seconds in in_turns(works).items()
    }


def notebooks() -> Result:
    """Each notebook from start to end, and the peak memory of its kernel."""
    rows: Rows = {path.name: _numbers(_RUN_NOTEBOOK, path) for path in _notebook_paths()}
    return ["seconds", "MB"], rows


def explorer() -> Result:
    """From a pointer event to the explorer's pictures, in a browser that has one core."""
    latency.browser_path()  # without a browser nothing need be built
    views = [view for view in VIEWS if view != "stamp"]  # where nothing is drawn
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "explorer.html"
        page.write_bytes(book.explorer_page())
        found = latency.explorer_latency(page, views)
    return ["median, ms", "95th percentile, ms", "goal, ms"], {
        view: [times["median"], times["p95"], latency.GOALS.get(view, latency.GOAL)]
        for view, times in found.items()
    }


SECTIONS: dict[str, Callable[[], Result]] = {
    section.__name__: section
    for section in (loading, quality, sweep, step, growth, start, notebooks, explorer)
}


# --- What they are made of ------------------------------------------------------------


def _original_epoch() -> Callable[[], None]:
    """Return one epoch of the original's loop: torchvision, DataLoader, Adam; then all tests."""
    from torchvision import transforms

    loaders = [
        DataLoader(torchvision_mnist(train, transforms.ToTensor()), 128, shuffle=train)
        for train in (True, False)
    ]
    with seeded(0):
        model = Autoencoder(LATENT_DIM)
    adam = torch.optim.Adam(model.parameters(), lr=ORIGINAL.adam_lr, weight_decay=1e-5)

    def epoch() -> None:
        for x, _ in loaders[0]:
            adam.zero_grad()
            F.mse_loss(model(x), x).backward()
            adam.step()
        with torch.no_grad():
            for x, _ in loaders[1]:
                F.mse_loss(model(x), x)

    return epoch


def _trained(splits: Splits, epochs: int) -> nn.Module:
    """Return a model trained with the course's recipe in so many epochs."""
    with seeded(0):
        model = Autoencoder(LATENT_DIM)
    recipe = replace(COURSE, epochs=epochs)
    fit_to_the_end("the course's recipe", model, splits.train, splits.val, recipe)
    return model


def _flops(model: nn.Module) -> int:
    counter = FlopCounterMode(display=False)
    with counter:
        model(torch.zeros(128, 1, 28, 28)).sum().backward()
    return counter.get_total_flops()


def _matrix_product_speed(size: int = 1024) -> float:
    """Return how many floating point operations a second a large matrix product reaches."""
    a, b = torch.rand(2, size, size)
    a @ b
    seconds = in_turns({"product": lambda: a @ b}, turns=10)["product"]
    return 2 * size**3 / min(seconds)


def _one_epoch(latent_dim: int, count: int) -> tuple[float, float | None]:
    torch.set_num_threads(1)
    splits = load_mnist()
    full = join(splits.train, splits.val)[:count]
    with seeded(0):
        model = Autoencoder(latent_dim)
    recipe = replace(COURSE, epochs=1)
    start = time.perf_counter()
    fit_to_the_end("one epoch", model, full, splits.val[:100], recipe)
    return time.perf_counter() - start, peak_megabytes()


def _epochs_at_once(work: Any, *dims: int, images: int = 55_000) -> None:
    work(joblib.delayed(_one_epoch)(d, images) for d in dims)


def _numbers(code: str, *arguments: object) -> list[float | None]:
    """Return the seconds and megabytes that code prints in a process of its own.

    Windows has no megabytes.
    """
    answer = [float(word) for word in _python(code, *map(str, arguments)).split()]
    return [answer[0], answer[1] if len(answer) > 1 else None]


def two_epochs(workers: str) -> None:
    """Train two models for an epoch, and print the seconds and the workers' peak memory.

    workers: "1" or "2" processes, or "dask": two of a cluster on this machine. Starting them is
    left out. The memory is that of all workers together.
    """
    cluster: Any = nullcontext()
    if workers == "dask":
        from distributed import Client, LocalCluster

        cluster = Client(LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None))
    with cluster:
        backend = {"backend": "dask"} if workers == "dask" else {"n_jobs": int(workers)}
        with joblib.parallel_config(**backend), joblib.Parallel() as work:
            _epochs_at_once(work, LATENT_DIM, LATENT_DIM, images=1000)
            start = time.perf_counter()
            done = work(joblib.delayed(_epoch_here)(LATENT_DIM, 55_000) for _ in range(2))
            seconds = time.perf_counter() - start
    peaks = {process: peak for process, peak in done if peak is not None}
    print(seconds, sum(peaks.values()) if peaks else "")


def _epoch_here(latent_dim: int, count: int) -> tuple[int, float | None]:
    return os.getpid(), _one_epoch(latent_dim, count)[1]


WORKERS = {"one process": "1", "two processes": "2", "two Dask workers": "dask"}
_ONE_EPOCH = """
import sys
from aelib.workshop.benchmark import _one_epoch
print(*(value for value in _one_epoch(int(sys.argv[1]), int(sys.argv[2])) if value is not None))
"""
# The guard is for the processes that Dask starts, which read the calling module.
_TWO_EPOCHS = """
import sys
from aelib.workshop.benchmark import two_epochs
if __name__ == "__main__":
    two_epochs(sys.argv[1])
"""
# What its kernel has held, only the kernel itself can tell.
_RUN_NOTEBOOK = """
import sys, time, nbformat
from pathlib import Path
from nbclient import NotebookClient
path = Path(sys.argv[1])
notebook = nbformat.read(path, as_version=4)
ask = "from aelib.workshop.memory import peak_megabytes; print(peak_megabytes() or '')"
notebook.cells.append(nbformat.v4.new_code_cell(ask))
start = time.perf_counter()
place = {"metadata": {"path": str(path.parent)}}
NotebookClient(notebook, timeout=600, kernel_name="python3", resources=place).execute()
print(time.perf_counter() - start, notebook.cells[-1].outputs[0].text)
"""


def _notebook_paths() -> list[Path]:
    folder = ROOT / "notebooks"
    paths = sorted(folder.glob("*.ipynb"))
    if not paths:
        raise aelib.AelibError(
            f"there are no notebooks in {folder}: this section needs the repository, not the "
            "installed package"
        )
    return paths


def _first_cell(number: int) -> str:
    cells = json.loads(_notebook_paths()[number - 1].read_text(encoding="utf-8"))["cells"]
    return "".join(next(cell["source"] for cell in cells if cell["cell_type"] == "code"))


def _python(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(f"a measured process failed:\n{done.stderr[-2000:]}")
    return done.stdout
