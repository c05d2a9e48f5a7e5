"""What all trainings here share: one that did not go to its end counts for nothing, and several
can be done at once by processes that end with the one that started them.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib
import torch
from torch import nn

from aelib import AelibError
from aelib.data import Digits
from aelib.files import cache_folder, remove
from aelib.optim import Recipe
from aelib.training import History, fit
from aelib.workshop.batch_last import faster_forward


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread in the block: two processes of one beat one process of two."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class DivergedError(AelibError, RuntimeError):
    """The loss of a run did not stay finite, so there is nothing to record."""


def fit_to_the_end(
    name: str,
    model: nn.Module,
    train: Digits,
    val: Digits,
    recipe: Recipe,
    state_file: Path | None = None,
    **options: Any,
) -> History:
    """Do as `fit` does, fast and on the CPU, but return only from a run that went to its end.

    name: what an error calls the run. options: what else `fit` takes.

    Raises KeyboardInterrupt if interrupted (what was done is kept in the state file) and
    DivergedError, without a state file left, if the loss did not stay finite.
    """
    history = fit(
        *(model, train, val, recipe),
        device="cpu",  # so that a record does not depend on who has a GPU
        state_file=state_file,
        forward=faster_forward(model),
        **{"progress": False} | options,
    )
    if history.stopped == "interrupted":
        raise KeyboardInterrupt
    if history.stopped:
        if state_file is not None:
            remove(state_file)
        raise DivergedError(f"{name}: {history.stopped} after {history.epochs} epochs")
    return history


def at_once(jobs: int, tasks: Iterable[Any], in_order: bool = False) -> Iterator[Any]:
    """Yield what tasks, made by `joblib.delayed`, return, done by so many processes.

    in_order: whether in the order of the tasks, or as they are finished.

    Raises AelibError, which says what to do, if a process was ended from outside.
    """
    work = joblib.Parallel(
        n_jobs=jobs,
        return_as="generator" if in_order else "generator_unordered",
        # Else joblib makes a folder in shared memory beforehand, which stays if all are killed.
        temp_folder=cache_folder(),
        initializer=_end_with_parent,  # of processes; threads and a single job need none
        initargs=(os.getpid(),),
    )
    try:
        yield from work(tasks)
    except BrokenProcessPool:
        raise AelibError(
            "a training process was ended from outside, e.g. for want of memory. What was "
            "finished is kept, and the same command goes on from here; with --jobs 1 it needs less"
        ) from None


def _end_with_parent(parent: int) -> None:
    """Have this process, a worker, end when its parent was killed: nobody waits any more.

    What it did is in its state file, and a write that is cut off is cleared by the next.
    """
    if os.name == "nt":  # where a launcher stands between a virtual environment's processes
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
