"""The same sweep on more machines: `python -m aelib train PATTERN --dask ADDRESS`.

The runs go through joblib's Dask backend to the workers of a cluster that is there already.
No folder is shared: a worker gets the judges as bytes, trains in a folder of its own, and
sends the record and the weights back; the caller writes them. A worker that dies costs its
run, which Dask gives to another one.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import joblib

from aelib import AelibError, zoo
from aelib.experiments import JUDGE
from aelib.files import remove, write_atomically
from aelib.workshop import sweep
from aelib.workshop.running import one_thread
from aelib.workshop.sweep import Result, Run
from aelib.zoo import CHECKPOINTS

CONNECT_SECONDS = 10


class Finished(NamedTuple):
    """What a worker sends back of a run: the text of its record, and its packed weights."""

    record: bytes
    weights: bytes


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Let joblib's work inside the block be done by the Dask cluster at `address`.

    address: the scheduler's, e.g. "tcp://host:8786".
    Raises AelibError if Dask is not installed, if nobody answers, if there is no worker, if
    one has another aelib, torch or Python than this process, or if one has several threads:
    training fixes the random numbers of a whole process.
    """
    try:
        from distributed import Client
    except ImportError:
        raise AelibError("--dask needs Dask; run: python -m pip install 'aelib[dask]'") from None
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=True)
    except (OSError, ValueError) as error:
        raise AelibError(f"no Dask scheduler answers at {address}: {error}") from None
    with client:
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        if not workers:
            raise AelibError(f"the scheduler at {address} has no workers; start some first")
        threads = sorted({worker["nthreads"] for worker in workers})
        if threads != [1]:
            raise AelibError(
                f"each worker must have one thread, found workers with {threads}; start them "
                "with: dask worker --nthreads 1"
            )
        _check_versions(client)
        with joblib.parallel_config(backend="dask"):
            yield


def _check_versions(client: Any) -> None:
    """Raise AelibError unless all workers have what this process has."""
    try:
        found = client.run(sweep.versions)
    except Exception as error:  # whatever an installation without this function makes of it
        raise AelibError(
            f"a worker cannot tell its versions ({type(error).__name__}: {error}): {_remedy()}"
        ) from None
    for worker, there in found.items():
        if _decisive(there) != _decisive(sweep.versions()):
            raise AelibError(f"the worker at {worker} has {_in_words(there)}: {_remedy()}")


def _decisive(versions: dict[str, str]) -> list[str]:
    """Return the versions without the parts that leave the outcome alone."""
    minor = versions["python"].rpartition(".")[0]
    return [minor, versions["torch"].partition("+")[0], versions["aelib"]]


def _in_words(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {versions.get(name)}" for name in ("aelib", "torch", "python"))


def _remedy() -> str:
    return f"install there what is here, {_in_words(sweep.versions())}"


def train_there(name: str, seed: int, judges: Sequence[Finished]) -> Finished | Exception:
    """Train and measure a run on a worker; return what is to be written, or what went wrong.

    judges: those that measure, in the order of their seeds; none for a judge's own run.
    """
    try:
        with one_thread(), TemporaryDirectory(prefix="aelib-run-", dir=_own_folder()) as place:
            folder = Path(place)
            for judge_seed, judge in zip(zoo.experiment(JUDGE).seeds, judges, strict=False):
                save(JUDGE, judge_seed, judge, folder)
            sweep.train_run(name, seed, folder)
            finished = read(name, seed, folder)
            kept = zoo.weights_file(name, seed, folder)
            if not kept.is_relative_to(folder):  # in the worker's cache, where nobody looks
                remove(kept)
            return finished
    except (AelibError, OSError) as error:  # the other runs go on
        return error
    except Exception as error:  # here, too; who looks for the fault finds more in the log
        logging.getLogger(__name__).exception("%s, seed %s", name, seed)
        return AelibError(
            f"{name}, seed {seed} failed on a worker, whose log has more: "
            f"{type(error).__name__}: {error}"
        )


def _own_folder() -> str | None:
    """Return this worker's folder, which the next worker clears if it dies; None if it is none."""
    from distributed import get_worker

    try:
        return get_worker().local_directory
    except ValueError:
        return None


def read(name: str, seed: int, folder: Path) -> Finished:
    """Return the files of a finished run."""
    return Finished(
        zoo.record_file(name, seed, folder).read_bytes(),
        zoo.weights_file(name, seed, folder).read_bytes(),
    )


def save(name: str, seed: int, finished: Finished, folder: Path) -> None:
    """Write the files of a finished run; the record comes last, as it says that all is there."""
    write_atomically(zoo.weights_file(name, seed, folder), finished.weights)
    write_atomically(zoo.record_file(name, seed, folder), finished.record)


def train(
    patterns: Iterable[str], address: str, folder: Path = CHECKPOINTS, progress: bool = True
) -> list[Run]:
    """Do as `sweep.train` does, on the Dask cluster at `address`.

    Raises what `connected` and `sweep.train` raise.
    """
    with connected(address):
        return sweep.train(patterns, folder=folder, progress=progress, work=results)


def results(runs: list[Run], folder: Path) -> Iterator[Result]:
    """Have runs trained by the cluster that is connected; yield each record as it is written.

    A run whose worker died is tried again by Dask, three times unless it is told otherwise.
    """
    from distributed import KilledWorker

    seeds = zoo.experiment(JUDGE).seeds if runs[0][0] != JUDGE else ()
    judges = [read(JUDGE, seed, folder) for seed in seeds]
    work = joblib.Parallel(n_jobs=-1, return_as="generator_unordered")
    done = work(joblib.delayed(_named)(run, judges) for run in runs)
    while True:
        try:
            (name, seed), finished = next(done)
        except StopIteration:
            return
        except (KilledWorker, CancelledError, OSError) as error:
            yield AelibError(
                f"the cluster gave up: {error} What was finished is kept, and the same command "
                "goes on from here"
            )
            return
        if isinstance(finished, Finished):
            try:
                check(name, seed, finished)
            except AelibError as error:  # the other runs go on
                yield error
                continue
            save(name, seed, finished, folder)
            yield zoo.record(name, seed, folder)
        else:
            yield finished


def check(name: str, seed: int, finished: Finished) -> None:
    """Raise RecordError or WeightsError unless a worker did what this process's table says."""
    what = f"what a worker sent of {name}, seed {seed}"
    entry = zoo.parse_record(finished.record, name, seed, what, _remedy())
    if not zoo.fits_table(entry):
        wanted = zoo.experiment(name).settings()
        raise zoo.RecordError(
            f"{what} has other settings than this table: {entry['settings']}, not {wanted}. "
            f"Its worker has {_in_words(entry['versions'])}: {_remedy()}"
        )
    if hashlib.sha256(finished.weights).hexdigest() != entry["weights_sha256"]:
        raise zoo.WeightsError(f"{what} came with other weights than it says; train it again")


def _named(run: Run, judges: Sequence[Finished]) -> tuple[Run, Finished | Exception]:
    os.environ.setdefault("TQDM_DISABLE", "1")  # nobody sees a worker's bars
    return run, train_there(*run, judges)
