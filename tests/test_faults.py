"""What can go wrong with a whole process: a second call ends with the bits of an undisturbed one.

Nothing stays behind.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TINY = Path(__file__).with_name("tiny_zoo.py")
CLOCK = ("seconds", "measuring_seconds")  # what two records of one run may differ in

posix = pytest.mark.skipif(os.name == "nt", reason="signals and forks of POSIX")


class Place:
    """A folder for checkpoints, and one for the cache."""

    def __init__(self, root):
        self.root, self.cache = root, root / "cache"

    def start(self, *arguments, before=()):
        command = [*before, sys.executable, TINY, self.root / "checkpoints", *arguments]
        own = {"PYTHONPATH": str(ROOT), "AELIB_CACHE": str(self.cache)}
        how = {"text": True, "env": os.environ | own, "start_new_session": True}
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how)

    def run(self, *arguments, **options):
        process = self.start(*arguments, **options)
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0, err
        return out

    def outcome(self):
        """Return every file with its content, but for what depends on the clock."""
        found = {}
        for path in sorted(path for path in self.root.rglob("*") if path.is_file()):
            content = path.read_bytes()
            if path.suffix == ".json":
                content = {k: v for k, v in json.loads(content).items() if k not in CLOCK}
            found[path.relative_to(self.root).as_posix()] = content
        return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("undisturbed"))
    place.run("train")
    found = place.outcome()
    assert sorted(found) == [
        *(f"cache/weights/{name}/seed{seed}.pt" for name, seed in (("secret/1", 0), ("tiny/2", 1))),
        *(f"checkpoints/{name}" for name in ("judge/seed0.json", "judge/seed0.pt")),
        "checkpoints/secret/1/seed0.json",
        *(f"checkpoints/tiny/2/{name}" for name in ("seed0.json", "seed0.pt", "seed1.json")),
    ]
    return found


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def wait_for(condition, process=None):
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.02)


def group_lives(group):
    with suppress(ProcessLookupError):
        os.killpg(group, 0)
        return True


@posix
def test_kills_at_random_writes_end_with_the_same_bits(place, undisturbed):
    assert int(place.run("die").split()[-1]) >= 3, "hardly anything was killed"
    place.run("train")  # clears what the last one left
    assert place.outcome() == undisturbed


@posix
def test_a_kill_of_two_jobs_ends_with_the_same_bits(place, undisturbed):
    process = place.start("train", "--jobs", "2")
    wait_for(lambda: list((place.cache / "runs").glob("tiny*.state")), process)
    process.kill()  # the parent alone
    # The workers hold the pipes, too: this ends when they have noticed that they are alone.
    process.communicate(timeout=60)
    wait_for(lambda: not group_lives(process.pid))
    place.run("train")
    assert place.outcome() == undisturbed, "something stays behind"
    assert not list(Path("/dev/shm").glob(f"*_{process.pid}_*")), "something stays in memory"


@posix
def test_ctrl_c_says_one_line_and_loses_nothing(place, undisturbed):
    process = place.start("train", "--jobs", "2")
    wait_for(lambda: list((place.cache / "runs").glob("tiny*.state")), process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: everyone gets it
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "aelib: stopped; train and tune go on from here" in err and "Traceback" not in err
    wait_for(lambda: not group_lives(process.pid))
    place.run("train")
    assert place.outcome() == undisturbed


def test_two_sweeps_at_once_do_no_harm(place, undisturbed):
    other = place.start("train")
    place.run("train")
    _, err = other.communicate(timeout=240)
    assert other.returncode == 0, err
    assert place.outcome() == undisturbed


OFFLINE = ["unshare", "--user", "--map-root-user", "--net"]


def test_nothing_needs_a_network(place, undisturbed):
    if not shutil.which("unshare") or subprocess.run([*OFFLINE, "true"]).returncode:
        pytest.skip("needs unshare and its permission")
    place.run("train", "--jobs", "2", before=OFFLINE)
    assert place.outcome() == undisturbed
