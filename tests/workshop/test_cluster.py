"""A sweep on a real Dask scheduler and two worker processes with folders of their own."""

import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import CancelledError
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("distributed", reason="Dask is not installed (the extra 'dask')")

from distributed import KilledWorker
from distributed.comm.core import CommClosedError

import aelib
from aelib import AelibError, zoo
from aelib.workshop import cluster as workshop_cluster
from aelib.workshop import sweep

TESTS = Path(__file__).parents[1]


@pytest.fixture
def cluster(tmp_path):
    """Start a scheduler and workers; return a function from their settings to the address."""
    running = []

    def start(*arguments, **variables):
        environment = os.environ | {"PYTHONPATH": str(TESTS.parent), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-W", "ignore", "-m", "dask", *arguments]
        with (tmp_path / f"{len(running)}.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=tmp_path, env=environment | variables, stdout=log, stderr=log
            )
        running.append(process)
        return process

    def go(threads=1, **variables):
        where = tmp_path / "scheduler.json"
        start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
              "--scheduler-file", str(where))  # fmt: skip
        wait_for(where.exists)
        for number in range(2):
            cache = tmp_path / f"worker{number}"
            cache.mkdir()
            start("worker", "--scheduler-file", str(where), "--nthreads", str(threads),
                  "--no-nanny", "--no-dashboard", "--local-directory", str(cache),
                  "--preload", str(TESTS / "dask_preload.py"),
                  AELIB_CACHE=str(cache), **variables)  # fmt: skip
        address = json.loads(where.read_text())["address"]
        wait_for(lambda: workers(address) == 2)
        return address

    yield go
    for process in running:
        process.kill()
        process.wait()


def wait_for(condition, seconds=90):
    for _ in range(10 * seconds):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("the cluster did not start")


def workers(address):
    from distributed import Client

    with Client(address, timeout=30, set_as_default=False) as client:
        return len(client.scheduler_info(n_workers=-1)["workers"])


def run(folder, cache, *command):
    """Run a command of aelib on the tiny zoo, in a process of its own."""
    return subprocess.run(
        [sys.executable, str(TESTS / "tiny_zoo.py"), str(folder), *command],
        env=os.environ | {"PYTHONPATH": str(TESTS.parent), "AELIB_CACHE": str(cache)},
        capture_output=True,
        text=True,
        timeout=300,
    )


def outcome(folder, cache):
    """What must not depend on where a run was trained."""
    records = [json.loads(path.read_text()) for path in sorted(folder.rglob("seed*.json"))]
    weights = [p.read_bytes() for root in (folder, cache) for p in sorted(root.rglob("seed*.pt"))]
    decisive = ("name", "seed", "val_loss", "weights_sha256", "settings")
    return [[record[key] for key in decisive] for record in records], weights


def test_two_workers_give_what_one_process_gives_also_if_one_of_them_dies(cluster, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    caches = tmp_path / "cache here", tmp_path / "cache there"
    assert run(here, caches[0], "train").returncode == 0
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    died = tmp_path / "one has died"
    address = cluster(AELIB_TEST_DIE_ONCE=str(died), TMPDIR=str(temporary))
    done = run(there, caches[1], "train", "--dask", address)
    assert done.returncode == 0, done.stderr
    assert "4 runs trained" in done.stdout
    assert died.exists()
    assert outcome(here, caches[0]) == outcome(there, caches[1])
    assert len(outcome(there, caches[1])[0]) == 4
    # The workers keep nothing of a finished run.
    left = [path for path in tmp_path.glob("worker*/**/*.pt")]
    assert not left
    assert not list(temporary.glob("aelib*")), "the one that died has left something"


def test_workers_with_several_threads_are_refused_with_the_remedy(cluster, tmp_path):
    done = run(tmp_path / "there", tmp_path / "cache", "train", "--dask", cluster(threads=2))
    assert done.returncode == 1
    assert "dask worker --nthreads 1" in done.stderr
    assert "Traceback" not in done.stderr


def test_workers_of_another_version_are_refused_with_both_versions(cluster, tmp_path):
    address = cluster(AELIB_TEST_VERSION="0.9.0")
    done = run(tmp_path / "there", tmp_path / "cache", "train", "--dask", address)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert re.search(
        rf"the worker at tcp://\S+ has aelib 0.9.0, torch \S+, python \S+: install there what is "
        rf"here, aelib {re.escape(aelib.__version__)}, torch",
        done.stderr,
    ), done.stderr
    assert not list(tmp_path.glob("there/**/*.json"))


@pytest.mark.parametrize(
    ("there", "same"),
    [
        ({}, True),
        ({"torch": "2.14.1+cpu", "python": "3.11.1", "machine": "another"}, True),
        ({"torch": "2.14.0"}, False),
        ({"python": "3.12.7"}, False),
        ({"aelib": "1.0.0"}, False),
    ],
)
def test_what_counts_as_another_version(there, same, monkeypatch):
    here = {"python": "3.11.7", "torch": "2.14.1", "aelib": "1.1.0", "machine": "mine"}
    monkeypatch.setattr(sweep, "versions", lambda: here)
    client = SimpleNamespace(run=lambda function: {"tcp://a": here, "tcp://b": here | there})
    if same:
        workshop_cluster._check_versions(client)
    else:
        with pytest.raises(AelibError, match=r"tcp://b has .*install there what is here, aelib"):
            workshop_cluster._check_versions(client)


def test_workers_without_this_aelib_are_refused():
    def fails(function):
        raise ModuleNotFoundError("No module named 'aelib'")

    with pytest.raises(AelibError, match=r"cannot tell its versions \(ModuleNotFoundError: No mod"):
        workshop_cluster._check_versions(SimpleNamespace(run=fails))


def test_a_bug_on_a_worker_costs_its_run_and_is_named(monkeypatch, caplog):
    def buggy(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(sweep, "train_run", buggy)
    found = workshop_cluster.train_there("latent/1", 0, ())
    assert isinstance(found, AelibError)
    assert "latent/1, seed 0 failed on a worker" in str(found) and "RuntimeError: a bug" in str(
        found
    )
    assert "Traceback" in caplog.text, "its log has more"


def altered(finished, **values):
    entry = json.loads(finished.record) | values
    return finished._replace(record=zoo.record_text(entry))


def test_what_a_worker_sends_is_written_only_if_it_is_what_the_table_says(tmp_path, monkeypatch):
    good, other = (workshop_cluster.read(f"latent/{d}", 0, zoo.CHECKPOINTS) for d in (1, 2))
    settings = json.loads(good.record)["settings"]
    sent = {
        "has other settings than this table": altered(good, settings=settings | {"noise": 0.5}),
        "is the record of latent/2, seed 0": other,
        "came with other weights": good._replace(weights=other.weights),
        "is damaged": good._replace(record=good.record[:-99]),
    }
    done = [(("latent/1", 0), finished) for finished in (*sent.values(), good)]
    monkeypatch.setattr(
        workshop_cluster.joblib, "Parallel", lambda **options: lambda runs: iter(done)
    )
    monkeypatch.setattr(workshop_cluster, "read", lambda *run: None)
    results = workshop_cluster.results([("latent/1", 0)], tmp_path)
    for said, result in zip(sent, results, strict=False):
        assert isinstance(result, AelibError) and said in str(result)
        assert not zoo.record_file("latent/1", 0, tmp_path).exists()
    assert next(results)["name"] == "latent/1"
    assert zoo.is_trained("latent/1", 0, tmp_path)


def test_no_scheduler_is_said_in_one_line(tmp_path, monkeypatch):
    from aelib import AelibError
    from aelib.workshop import cluster as module

    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.5)
    with pytest.raises(AelibError, match=r"no Dask scheduler answers at tcp://127.0.0.1:1:"):
        module.train(["judge"], "tcp://127.0.0.1:1", tmp_path)


@pytest.mark.parametrize("what", ["killed", "cancelled", "closed"])
def test_a_cluster_that_gives_up_is_said_and_keeps_what_was_finished(what, tmp_path, monkeypatch):
    class Killed(KilledWorker):
        def __init__(self):
            Exception.__init__(self, "latent/2 killed four workers.")

        __str__ = Exception.__str__

    given_up = {
        "killed": Killed(),
        "cancelled": CancelledError("latent/2"),
        "closed": CommClosedError("the scheduler is gone"),
    }[what]

    def done():
        yield ("latent/1", 0), ValueError("first")
        raise given_up

    monkeypatch.setattr(workshop_cluster.joblib, "Parallel", lambda **options: lambda runs: done())
    monkeypatch.setattr(workshop_cluster, "read", lambda *run: None)
    results = list(workshop_cluster.results([("latent/1", 0), ("latent/2", 0)], tmp_path))
    assert str(results[0]) == "first", "what came before counts"
    assert isinstance(results[1], AelibError) and len(results) == 2
    assert str(given_up) in str(results[1]) and "same command goes on" in str(results[1])
