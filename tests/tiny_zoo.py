"""aelib's command line on a zoo of four runs that take a second, in a folder of its own.

    python tests/tiny_zoo.py FOLDER train --jobs 2

For tests of what happens to whole processes. FOLDER gets the checkpoints; the cache is where
AELIB_CACHE says. `python tests/tiny_zoo.py FOLDER die SEED TRIALS` trains the same zoo in
TRIALS processes, each of which is killed at a random write, and then in one that is not.
"""

import functools
import os
import random
import signal
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

EPOCHS = 4


def install(folder):
    """Put the tiny zoo in the place of the course's, in this process."""
    import torch

    from aelib import data, zoo
    from aelib.experiments import EXPERIMENTS, Experiment
    from aelib.optim import Recipe
    from aelib.workshop import sweep

    tiny = Recipe(EPOCHS, 50, adam_lr=5e-3, muon_lr=0.02, warmup=0.2)
    EXPERIMENTS.clear()
    for line in (
        Experiment("judge", tiny, seeds=(0,)),
        Experiment("tiny/2", tiny, 2, seeds=(0, 1)),
        Experiment("secret/1", tiny, 1, seeds=(0,), shipped=False),
    ):
        EXPERIMENTS[line.name] = line
    whole = data.load_mnist().train
    chosen = [torch.nonzero(whole.labels == digit)[:20, 0] for digit in range(10)]
    few = whole[torch.cat(chosen)]
    sweep.load_mnist = lambda: SimpleNamespace(train=few, val=few, test=few)
    zoo.record_file.__defaults__ = zoo.weights_file.__defaults__ = (folder,)
    zoo.is_trained.__defaults__ = (folder,)
    return sweep


def _train_in_a_killed_child(sweep, folder, chance):
    """Fork a process that trains until, at some write, it is killed; return whether it was."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        child = os.fork()
    if not child:
        # The moments at which a write can be cut off: before, in the middle, before it counts.
        for name in ("fsync", "replace", "unlink"):
            setattr(os, name, _deadly(getattr(os, name), chance))
        sweep.train(folder=folder, progress=False)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def _deadly(function, chance):
    @functools.wraps(function)
    def call(*arguments, **options):
        if chance.random() < 0.08:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)

    return call


def main():
    """Run one command of aelib, or `die`."""
    # Who starts the tests in the background of a shell hands on that Ctrl-C is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder, command = Path(sys.argv[1]), sys.argv[2]
    sweep = install(folder)
    if command == "die":
        seed, trials = int(sys.argv[3]), int(sys.argv[4])
        killed = [
            _train_in_a_killed_child(sweep, folder, random.Random(f"{seed} {trial}"))
            for trial in range(trials)
        ]
        sweep.train(folder=folder, progress=False)
        print("killed", sum(killed))
        return 0
    worker, train = sweep._worker, sweep.train

    def tiny_worker(*arguments):  # is pickled with this file, so that workers do the same
        install(folder)
        return worker(*arguments)

    sweep._worker = tiny_worker
    sweep.train = functools.partial(train, folder=folder)
    if "--dask" in sys.argv:
        from aelib.workshop import cluster

        sweep.train = train
        cluster.train = functools.partial(cluster.train, folder=folder)
    from aelib.__main__ import main as aelib_main

    return aelib_main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
