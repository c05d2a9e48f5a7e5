"""aelib's command line on a zoo of four runs that take a second, in a folder of its own.

    python tests/tiny_zoo.py FOLDER train --jobs 2

For tests of what happens to whole processes. FOLDER gets the checkpoints; the cache is where
AELIB_CACHE says. `python tests/tiny_zoo.py FOLDER die` trains it in four processes, each of which
is killed at a random write, and then in one that is not.
"""

import functools
import os
import random
import signal
import sys
import warnings
from pathlib import Path

import torch

from aelib import data, zoo
from aelib.__main__ import main
from aelib.optim import Recipe
from aelib.workshop import experiments, sweep
from aelib.workshop.experiments import EXPERIMENTS, Experiment

TINY = Recipe(4, 50, adam_lr=5e-3, muon_lr=0.02, warmup=0.2)
TABLE = (
    Experiment("judge", TINY, seeds=(0,)),
    Experiment("tiny/2", TINY, 2, seeds=(0, 1)),
    Experiment("secret/1", TINY, 1, seeds=(0,), shipped=False),
)
train_run = sweep.train_run


def install(folder):
    """Put the tiny zoo in the place of the course's, in this process."""
    EXPERIMENTS.clear()
    EXPERIMENTS.update({line.name: line for line in TABLE})
    whole = data.load_mnist().train
    few = whole[torch.cat([torch.nonzero(whole.labels == digit)[:20, 0] for digit in range(10)])]
    experiments.load_mnist = lambda: data.Splits(few, few, few)
    zoo.CHECKPOINTS = folder


def die():
    """Train in processes that are killed, then to the end; say how many were."""
    killed = 0
    for trial in range(4):
        with warnings.catch_warnings(action="ignore"):
            child = os.fork()
        if not child:
            chance = random.Random(trial)
            for name in ("replace", "unlink"):  # the moments that make a write count
                setattr(os, name, deadly(getattr(os, name), chance))
            sweep.train()
            os._exit(0)
        killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
    sweep.train()
    print(killed)


def deadly(function, chance):
    """Return a function that kills its process, one time in five."""

    @functools.wraps(function)
    def call(*arguments, **options):
        if chance.random() < 0.2:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)

    return call


if __name__ == "__main__":
    # Who starts the tests in the background of a shell hands on that Ctrl-C is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    FOLDER = Path(sys.argv[1])
    install(FOLDER)
    if sys.argv[2] == "die":
        die()
    else:

        def tiny_run(*arguments, **options):  # is pickled with this file, so that workers do so too
            install(FOLDER)
            return train_run(*arguments, **options)

        sweep.train_run = tiny_run
        sys.exit(main(sys.argv[2:]))
