"""What can go wrong with a whole process: kills, Ctrl-C, full disks, no network, broken files.

Whatever happens, a second call ends with the bits of an undisturbed one, and nothing stays
behind; and what cannot be done is said with its file and its remedy.
"""

import ctypes
import hashlib
import io
import json
import os
import pickle
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from aelib import data, zoo

ROOT = Path(__file__).parent.parent
TINY = Path(__file__).with_name("tiny_zoo.py")

posix = pytest.mark.skipif(os.name == "nt", reason="signals and forks of POSIX")


class Place:
    """A folder for checkpoints, one for the cache, one for temporary files."""

    def __init__(self, root):
        self.root = root
        self.checkpoints, self.cache, self.temporary = (
            root / name for name in ("checkpoints", "cache", "tmp")
        )
        self.temporary.mkdir(parents=True)

    def environment(self):
        return os.environ | {
            "PYTHONPATH": str(ROOT),
            "AELIB_CACHE": str(self.cache),
            "TMPDIR": str(self.temporary),
            "OMP_NUM_THREADS": "1",
            "PYTHONUNBUFFERED": "1",
        }

    def start(self, *arguments, **options):
        return subprocess.Popen(
            [sys.executable, str(TINY), str(self.checkpoints), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(),
            start_new_session=True,
            **options,
        )

    def run(self, *arguments, **options):
        process = self.start(*arguments, **options)
        out, err = process.communicate(timeout=240)
        return process.returncode, out, err

    def files(self):
        return sorted(
            path.relative_to(self.root).as_posix()
            for path in self.root.rglob("*")
            # torch 2.9 writes the latter as it is imported, and loses it if it is killed then.
            if (path.is_file() and not path.name.startswith("_remote_module_non_scriptable"))
            or path.name.startswith(("aelib", "joblib"))  # folders, empty ones too
        )

    def outcome(self):
        """Return everything of the records that does not depend on the clock."""
        found = {}
        for path in sorted(self.checkpoints.rglob("*.json")):
            entry = json.loads(path.read_text())
            for key in ("seconds", "measuring_seconds", "sha256"):
                entry.pop(key, None)
            found[path.relative_to(self.checkpoints).as_posix()] = entry
        for folder in (self.checkpoints, self.cache):
            for path in sorted(folder.rglob("*.pt")):
                found[path.name, path.parent.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found


FINISHED = [
    "cache/weights/secret/1/seed0.pt",
    "cache/weights/tiny/2/seed1.pt",
    *(f"checkpoints/{name}" for name in ("judge/seed0.json", "judge/seed0.pt")),
    "checkpoints/secret/1/seed0.json",
    *(f"checkpoints/tiny/2/{name}" for name in ("seed0.json", "seed0.pt", "seed1.json")),
]


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("undisturbed"))
    code, _, err = place.run("train")
    assert code == 0, err
    assert place.files() == FINISHED
    return place


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


# --- Kills --------------------------------------------------------------------------------


@posix
def test_kills_at_random_writes_end_with_the_same_bits(place, undisturbed):
    code, out, err = place.run("die", "0", "6")
    assert code == 0, err
    assert int(out.split()[-1]) >= 3, "hardly anything was killed"
    assert place.outcome() == undisturbed.outcome()
    assert place.files() == FINISHED, "something stays behind"


@posix
@pytest.mark.parametrize("everyone", [False, True], ids=["the parent alone", "everyone"])
def test_a_kill_of_two_jobs_ends_with_the_same_bits(everyone, place, undisturbed):
    process = place.start("train", "--jobs", "2")
    wait_for(lambda: list((place.cache / "runs").glob("tiny*.state")), process)
    (os.killpg if everyone else os.kill)(process.pid, signal.SIGKILL)
    # The workers hold the pipes, too: this ends when they have noticed that they are alone.
    process.communicate(timeout=60)
    wait_for(lambda: not group_lives(process.pid), seconds=60)
    code, _, err = place.run("train", "--jobs", "2")
    assert code == 0, err
    assert place.outcome() == undisturbed.outcome()
    assert place.files() == FINISHED, "something stays behind"
    assert not list(Path("/dev/shm").glob(f"*_{process.pid}_*")), "something stays in memory"


@posix
@pytest.mark.parametrize("seed", [0, 1])
def test_kills_of_two_jobs_at_random_moments_end_with_the_same_bits(seed, place, undisturbed):
    """A moment is counted in changes of files, so that it is the same on any machine."""
    chance = random.Random(seed)
    killed = 0
    for _ in range(2):
        process = place.start("train", "--jobs", "2")
        ended = not change(place, chance.randint(1, 8), process)
        killed += not ended
        if not ended:
            chance.choice((os.kill, os.killpg))(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)
        wait_for(lambda group=process.pid: not group_lives(group), seconds=60)
    assert killed, "nothing was killed"
    code, _, err = place.run("train", "--jobs", "2")
    assert code == 0, err
    assert place.outcome() == undisturbed.outcome()
    assert place.files() == FINISHED, "something stays behind"


def change(place, count, process):
    """Wait until the files have changed so many times; return whether they did before its end."""
    before = state_of(place)
    while count and process.poll() is None:
        now = state_of(place)
        count -= now != before
        before = now
        time.sleep(0.002)
    return not count


def state_of(place):
    found = set()
    for path in (*place.checkpoints.rglob("*"), *place.cache.rglob("*")):
        with suppress(FileNotFoundError):  # it has just gone
            found.add((path, path.stat().st_mtime_ns, path.stat().st_size))
    return found


def wait_for(condition, process=None, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        if process is not None and process.poll() is not None:
            pytest.fail(f"it ended: {process.communicate()}")
        time.sleep(0.02)


def group_lives(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@posix
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_says_one_line_and_loses_nothing(jobs, place, undisturbed):
    process = place.start("train", "--jobs", jobs)
    wait_for(lambda: list((place.cache / "runs").glob("tiny*.state")), process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: everyone gets it
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "aelib: stopped; the same command goes on from here" in err
    assert "Traceback" not in err
    wait_for(lambda: not group_lives(process.pid))
    code, _, err = place.run("train", "--jobs", jobs)
    assert code == 0, err
    assert place.outcome() == undisturbed.outcome()
    assert place.files() == FINISHED, "something stays behind"


def test_two_trainings_of_one_pattern_at_once_do_no_harm(place, undisturbed):
    both = [place.start("train"), place.start("train")]
    for process in both:
        _, err = process.communicate(timeout=240)
        assert process.returncode == 0, err
    assert place.outcome() == undisturbed.outcome()
    assert place.files() == FINISHED


SHARING = (
    "from aelib import data, explorer\n"
    "print(len(data.torchvision_mnist(train=False)), hash(explorer.explore('plane').html()))"
)


@posix
def test_two_kernels_may_fill_one_cache_at_once(place):
    from jupyter_client.manager import start_new_kernel

    environment = place.environment() | {"PYTHONHASHSEED": "0"}
    kernels = [start_new_kernel(kernel_name="python3", env=environment) for _ in range(2)]
    try:
        asked = [client.execute(SHARING) for _, client in kernels]  # which waits for nothing
        printed = [
            printed_by(client, which) for (_, client), which in zip(kernels, asked, strict=True)
        ]
    finally:
        for manager, client in kernels:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
    assert printed[0].startswith("10000 ") and printed[0] == printed[1]
    kept = [path.name for path in place.cache.rglob("*") if path.is_file()]
    assert sorted(kept) == sorted(data.FILES), "something stays behind"


def printed_by(client, which):
    """Wait for the end of a cell and return what it printed, its error included."""
    printed = ""
    while True:
        message = client.get_iopub_msg(timeout=120)
        if message["parent_header"].get("msg_id") != which:
            continue
        content = message["content"]
        if message["msg_type"] == "stream" and content["name"] == "stdout":
            printed += content["text"]
        elif message["msg_type"] == "error":
            printed += content["evalue"]
        elif content.get("execution_state") == "idle":
            return printed


KERNEL_CELLS = [
    "from aelib import data, training, optim, models\n"
    "few = data.load_mnist().train[:2000]\n"
    "model = models.Autoencoder(2)\n"
    "recipe = optim.Recipe(10_000, 200, adam_lr=1e-3)",
    "history = training.fit(model, few, few[:100], recipe, after_epoch=lambda h: print(h.epochs))",
    "print(history.stopped, history.epochs > 0, model.training)",
]


@posix
def test_ctrl_c_in_a_notebook_leaves_the_best_weights():
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(
        kernel_name="python3", env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    printed = []

    def heard(message):
        if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
            printed.append(message["content"]["text"])
            if len(printed) == 2:
                manager.interrupt_kernel()

    try:
        for cell in KERNEL_CELLS:
            reply = client.execute_interactive(cell, timeout=120, output_hook=heard)
            assert reply["content"]["status"] == "ok", reply["content"]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert printed[-1] == "interrupted True False\n"


# --- Disks --------------------------------------------------------------------------------


def small_files(size):
    def limit():
        import resource  # there is none on Windows

        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


@posix
@pytest.mark.parametrize("size", [100, 40_000])
def test_a_disk_that_is_full_loses_nothing(size, place, undisturbed):
    code, _, err = place.run("train", preexec_fn=small_files(size))
    assert code == 1 and "Traceback" not in err
    assert "could not be written: File too large. Make room there" in err
    assert str(place.root) in err
    assert not [name for name in place.files() if name.endswith(".part")]
    code, _, err = place.run("train")
    assert code == 0, err
    assert place.outcome() == undisturbed.outcome() and place.files() == FINISHED


def without_power():
    """Have root obey permissions as others do, in a process that is about to begin."""
    if os.geteuid() == 0:
        drop, override = 24, 1  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE
        ctypes.CDLL(None).prctl(drop, override, 0, 0, 0)


@pytest.fixture
def protected(tmp_path):
    """A folder in which nobody may write, whoever runs the tests."""
    folder = tmp_path / "protected"
    folder.mkdir()
    folder.chmod(0o555)
    try:
        touched = subprocess.run(
            ["touch", str(folder / "x")], preexec_fn=without_power, capture_output=True
        )
    except subprocess.SubprocessError:  # another system's root
        touched = None
    if touched is None or not touched.returncode:
        pytest.skip("root may write anywhere")
    yield folder
    folder.chmod(0o755)


@posix
@pytest.mark.parametrize("which", ["checkpoints", "cache"])
def test_a_folder_that_is_protected_is_named_before_an_hour_is_lost(which, place, protected):
    setattr(place, which, protected)
    code, _, err = place.run("train", preexec_fn=without_power)
    assert code == 1 and "Traceback" not in err
    assert f"{protected}" in err and "Make the place writable" in err
    assert ("AELIB_CACHE" in err) == (which == "cache")
    assert not list(place.cache.rglob("*.state")), "it trained"


@posix
def test_with_a_protected_home_everything_works_that_keeps_nothing(place, protected):
    environment = place.environment() | {"HOME": str(protected)}
    for name in ("AELIB_CACHE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR"):
        environment.pop(name, None)
    code = (
        "from aelib import data, explorer, metrics, plotting, zoo\n"
        "plotting.use_style()\n"
        "images = data.load_mnist().test[:3].floats()\n"
        "drawn = metrics.reconstruct(zoo.load('latent/16'), images)\n"
        "plotting.image_grid({'a': images, 'b': drawn})\n"
        "explorer.explore('stamp')\n"
        "print(metrics.read_digits(zoo.judge(), drawn).tolist())\n"
        "try: data.torchvision_mnist()\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env=environment, capture_output=True, text=True, preexec_fn=without_power,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    drawn, refused = done.stdout.splitlines()
    assert drawn == "[7, 2, 1]"
    assert refused.startswith(f"FileError {protected}")
    assert "Make the place writable, or name another folder in AELIB_CACHE" in refused


@posix
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_nobody_reads_any_more_ends_it_in_silence(unbuffered):
    listing = subprocess.Popen(
        [sys.executable, "-m", "aelib", "list"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
    )
    with listing:
        assert listing.stdout.readline().startswith("judge")
        listing.stdout.close()
        assert listing.stderr.read() == ""
    assert listing.returncode == 0


@posix
@pytest.mark.parametrize("both", [False, True], ids=["its output", "its errors, too"])
def test_a_sweep_that_nobody_reads_is_stopped_and_goes_on_the_next_time(both, place, undisturbed):
    with place.start("train", "--jobs", "2") as process:
        assert process.stdout.readline().startswith("judge")
        process.stdout.close()
        if both:  # as of `train 2>&1 | head -1`
            process.stderr.close()
        else:
            assert "Traceback" not in process.stderr.read()
    assert process.returncode == 128 + signal.SIGPIPE
    wait_for(lambda: not group_lives(process.pid))
    assert place.outcome() != undisturbed.outcome(), "it was stopped"
    code, _, err = place.run("train", "--jobs", "2")
    assert code == 0, err
    assert place.outcome() == undisturbed.outcome() and place.files() == FINISHED


@posix
@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-"])
def test_closed_output_is_no_error(closed):
    command = f"{shlex.quote(sys.executable)} -m aelib list judge {closed}"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_that_cannot_be_written_is_said():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "aelib", "list", "latent/1"],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("aelib: ") and "No space left" in done.stderr
    assert len(done.stderr.splitlines()) == 1


# --- No network -----------------------------------------------------------------------------

OFFLINE = ["unshare", "--user", "--map-root-user", "--net"]


def can_be_cut_off():
    return (
        shutil.which("unshare")
        and not subprocess.run([*OFFLINE, "true"], capture_output=True).returncode
    )


@pytest.mark.skipif(not can_be_cut_off(), reason="needs unshare and its permission")
def test_nothing_needs_a_network(place, undisturbed):
    code = (
        "from aelib import data, zoo, metrics\n"
        "x = data.torchvision_mnist(train=False)[0]\n"
        "images = data.load_mnist().test[:10]\n"
        "print(x[1], metrics.read_digits(zoo.judge(), metrics.reconstruct("
        "zoo.load('latent/16'), images.images)).tolist())"
    )
    done = subprocess.run(
        [*OFFLINE, sys.executable, "-c", code],
        cwd=ROOT, env=place.environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout == "7 [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]\n", done.stderr
    done = subprocess.run(
        [*OFFLINE, sys.executable, str(TINY), str(place.checkpoints), "train", "--jobs", "2"],
        env=place.environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert place.outcome() == undisturbed.outcome()


# --- Checkpoints and records -----------------------------------------------------------------


@pytest.fixture
def shipped(tmp_path):
    """A copy of three shipped models with their records."""
    for name in ("latent/2", "latent/3", "judge"):
        shutil.copytree(zoo.CHECKPOINTS / name, tmp_path / name)
        for path in (tmp_path / name).glob("*.json"):
            path.write_bytes(zoo.record_text(json.loads(path.read_text())))
    return tmp_path


def flip(path, place=0.5):
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(bytes(path.stat().st_size)),
        flip,
        lambda path: shutil.copy(path.parent.parent / "3" / "seed0.pt", path),
        lambda path: path.write_bytes(pickle.dumps({"weights": 1})),
    ],
    ids=["empty", "truncated", "zeroed", "flipped", "swapped", "foreign"],
)
def test_weights_that_are_not_the_recorded_ones_are_named_with_a_remedy(damage, shipped):
    path = zoo.weights_file("latent/2", 0, shipped)
    damage(path)
    with pytest.raises(zoo.WeightsError, match="SHA-256") as caught:
        zoo.load("latent/2", shipped)
    assert str(path) in str(caught.value) and "python -m aelib train latent/2" in str(caught.value)
    assert zoo.load("latent/3", shipped).latent_dim == 3, "the others are as they were"


def recorded(shipped, content, name="latent/2"):
    """Put weights in the place of a model's, and say in its record that they belong there."""
    path = zoo.weights_file(name, 0, shipped)
    path.write_bytes(content)
    entry = json.loads(zoo.record_file(name, 0, shipped).read_text())
    entry["weights_sha256"] = hashlib.sha256(content).hexdigest()
    zoo.record_file(name, 0, shipped).write_bytes(zoo.record_text(entry))
    return path


class Attack:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def saved(content):
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def test_code_in_weights_is_refused_and_never_run(shipped, tmp_path):
    ran = tmp_path / "ran"
    for content in (saved({"weights": Attack(ran)}), pickle.dumps(Attack(ran))):
        path = recorded(shipped, content)
        with pytest.raises(zoo.WeightsError, match="was not read") as caught:
            zoo.load("latent/2", shipped)
        assert str(path) in str(caught.value) and not ran.exists()
        assert "weights_only" not in str(caught.value) and caught.value.__suppress_context__


def test_weights_of_another_architecture_are_named(shipped):
    path = recorded(shipped, zoo.weights_file("latent/3", 0, shipped).read_bytes())
    with pytest.raises(zoo.WeightsError, match=r"another architecture.*size mismatch") as caught:
        zoo.load("latent/2", shipped)
    assert str(path) in str(caught.value)


def test_weights_that_are_not_finite_are_refused(shipped):
    state = torch.load(zoo.weights_file("latent/2", 0, shipped), weights_only=True)
    state["encoder.0.weight"][0] = float("nan")
    path = recorded(shipped, saved(state))
    with pytest.raises(zoo.WeightsError, match="NaN or infinite") as caught:
        zoo.load("latent/2", shipped)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:100]),
        lambda path: path.write_bytes(bytes(path.stat().st_size)),
        lambda path: path.write_text("[1, 2]"),
        lambda path: path.write_bytes(b"\xff\xfe"),
        lambda path: shutil.copy(path.parent.parent / "3" / "seed0.json", path),
        lambda path: shutil.copy(path.with_name("seed1.json"), path),
        lambda path: path.write_text(
            path.read_text().replace('"test_mse": 0.0', '"test_mse": 0.1')
        ),
        lambda path: rewrite(path, drop="sha256", test_mse=0.1),
        lambda path: rewrite(path, drop="sha256", test_mse=float("nan")),
        lambda path: path.write_text("null"),
        lambda path: path.write_text('{"format": "3"}'),
        lambda path: path.write_text('{"format": null}'),
        lambda path: path.write_text('{"name": "latent/2", "seed": 0}'),
        lambda path: rewrite(path, drop="format", train_loss=3),
        lambda path: path.write_bytes(record_with(path, train_loss={"a": "b"})),
        lambda path: path.write_bytes(record_with(path, watched=[1, 2])),
    ],
    ids=["empty", "truncated", "zeroed", "a list", "no text", "swapped", "another seed", "altered",
         "no checksum", "NaN", "null", "format of text", "format null", "bare",
         "no format", "loss of text", "looks of numbers"],
)  # fmt: skip
def test_a_damaged_record_is_named_with_a_remedy(damage, shipped):
    path = zoo.record_file("latent/2", 0, shipped)
    before = path.read_bytes()
    damage(path)
    assert path.read_bytes() != before
    for read in (
        lambda: zoo.load("latent/2", shipped),
        lambda: zoo.record("latent/2", 0, shipped),
        lambda: zoo.values("latent/2", "test_mse", shipped),
        lambda: zoo.history("latent/2", 0, shipped),
    ):
        with pytest.raises(zoo.RecordError) as caught:
            read()
        message = str(caught.value)
        assert str(path) in message and "python -m aelib train latent/2" in message
    assert not zoo.is_trained("latent/2", 0, shipped), "train makes it again"


def rewrite(path, drop, **values):
    entry = json.loads(path.read_text()) | values
    del entry[drop]
    path.write_text(json.dumps(entry))


def record_with(path, **values):
    """The bytes of a record with other values, and with a checksum that belongs to them."""
    return zoo.record_text(json.loads(path.read_text()) | values)


def test_a_seed_that_is_not_in_the_table_is_said_without_a_remedy_that_cannot_help():
    for ask in (zoo.load_seed, zoo.record, zoo.history, zoo.is_trained):
        with pytest.raises(
            zoo.UnknownNameError, match="latent/2 has no seed 7; it has: 0, 1, 2, 3"
        ):
            ask("latent/2", 7)


AGGREGATES = {
    zoo.BASELINES: (zoo.one_class_baselines, "baselines"),
    zoo.COSTS: (zoo.step_costs, "costs"),
    zoo.COMPARISONS: (zoo.detector_comparisons, "compare"),
    zoo.STEP_SIZES: (zoo.step_sizes, "tune"),
}


@pytest.mark.parametrize("file", AGGREGATES)
def test_damaged_or_swapped_measurements_are_named_with_their_command(file, tmp_path):
    read, command = AGGREGATES[file]
    path = tmp_path / file
    good = (zoo.CHECKPOINTS / file).read_bytes()
    mine = f'{{"command": "python -m aelib {command}", "values": '
    others = [(zoo.CHECKPOINTS / other).read_bytes() for other in AGGREGATES if other != file]
    foreign = [b"", b"{}", b"null", b"[1]", good[:-100], b'{"command": 3}']
    wrong = [f"{mine}{values}}}".encode() for values in ("3", "[3]", "null", '{"a": 1}', '"text"')]
    for content in (*others, *foreign, *wrong):
        path.write_bytes(content)
        with pytest.raises(zoo.RecordError) as caught:
            read(tmp_path)
        assert str(path) in str(caught.value) and f"python -m aelib {command}" in str(caught.value)
    path.write_bytes(good)
    assert read(tmp_path) == read()


def test_a_record_of_a_newer_format_is_neither_read_nor_written_over(shipped):
    path = zoo.record_file("latent/2", 0, shipped)
    entry = json.loads(path.read_text()) | {"format": 99}
    path.write_text(json.dumps(entry))
    for read in (
        lambda: zoo.load("latent/2", shipped),
        lambda: zoo.is_trained("latent/2", 0, shipped),
    ):
        with pytest.raises(zoo.NewerFormatError, match=r"newer aelib, in format 99.*[Uu]pdate"):
            read()
