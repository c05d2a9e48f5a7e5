"""The commands: train, list, measure, baselines, costs, compare, tune, notebooks, figures,
book, benchmark."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, TextIO

from aelib import AelibError
from aelib.files import FULL

# Each command imports what it needs, so that `list` and `--help` answer at once.

FOLDER = Path(__file__).parent.parent
# What the extra `course` brings and these commands import.
COURSE = ("jinja2", "mistune", "nbclient", "nbformat", "pygments")
OUTPUT_CLOSED = 128 + 13  # what a shell says of a command that SIGPIPE ended


class OutputClosedError(Exception):
    """Whoever read what is printed has had enough, e.g. `head`."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code.

    0 if it went well, 1 if it could not, 130 after Ctrl-C, 141 if it stopped in its work since
    nobody reads its output any more.
    """
    works = False
    with _output():
        try:
            options = _parser().parse_args(arguments)
            works = options.run is not _list
            return _run(options)
        except OutputClosedError:
            _forget_output()
            return OUTPUT_CLOSED if works else 0  # a list was read as far as wanted


def _run(options: argparse.Namespace) -> int:
    try:
        if options.writes_here:
            _repository()
        options.run(options)
        sys.stdout.flush()  # here, where an error can be told, and not at the end of Python
    except (AelibError, OSError) as error:  # OSError: a full disk, a file that is protected
        print(f"aelib: {_said(error)}", file=sys.stderr)
        _forget_output()
        return 1
    except ModuleNotFoundError as error:
        if error.name not in COURSE:
            raise
        print(
            f"aelib: this command needs {error.name}; in the folder of the course's repository, "
            "`python -m pip install -r requirements.txt` installs it",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        next_time = "goes on from here" if options.goes_on else "begins anew"
        print(f"aelib: stopped; the same command {next_time}", file=sys.stderr)
        return 130
    return 0


def _said(error: Exception) -> str:
    of_no_file = not isinstance(error, AelibError) and getattr(error, "filename", None) is None
    if isinstance(error, OSError) and error.errno in FULL and of_no_file:
        # Of torch 2.9, for one, which writes as it is imported and does not say where.
        return (
            f"the output, or a temporary file, could not be written: {error.strerror}. Make room "
            f"there; temporary files are in {tempfile.gettempdir()}"
        )
    return str(error)


class _Output:
    """Where this process prints: each line goes out at once, and its closed pipe is told apart."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        written = self._do(self.stream.write, text)
        if "\n" in text:  # a sweep takes hours: `train | tee log` shows how far it is
            self.flush()
        return written

    def flush(self) -> None:
        self._do(self.stream.flush)

    def _do(self, call: Callable[..., Any], *given: Any) -> Any:
        try:
            return call(*given)
        except BrokenPipeError:
            raise OutputClosedError from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def _output() -> Iterator[None]:
    """Print to where this process prints, or to nowhere if that was closed, as by `>&-`."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        output, errors = (_Output(stream or nowhere) for stream in (sys.stdout, sys.stderr))
        with redirect_stdout(output), redirect_stderr(errors):
            yield


def _forget_output() -> None:
    """Drop what could not be printed: Python would try once more when it ends, and complain."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OutputClosedError, OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m aelib", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, run: object, text: str, writes_here: bool = True, goes_on: bool = False
    ) -> argparse.ArgumentParser:
        """writes_here: into the course's repository; goes_on: after an interruption."""
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run, writes_here=writes_here, goes_on=goes_on)
        return added

    train = command("train", _train, "train, measure and record what is missing", goes_on=True)
    train.add_argument("--jobs", type=_jobs, help="single-threaded processes at once; default: 1")
    train.add_argument(
        "--dask", type=_given, metavar="ADDRESS", help="of a Dask scheduler whose workers train"
    )
    train.add_argument("--only-train", action="store_true", help="leave the measuring to `measure`")
    measure = command("measure", _measure, "measure kept weights again, e.g. for a new value")
    listing = command("list", _list, "show every experiment and how far it is", writes_here=False)
    for added in (train, measure, listing):
        added.add_argument(
            "patterns", nargs="*", metavar="PATTERN", help="e.g. 'latent/*'; default: all"
        )
    command("baselines", _baselines, "measure the detectors that need no training")
    command("costs", _costs, "measure what up-sampling and optimisers cost")
    command("compare", _compare, "compare the one-digit detectors over all seeds")
    tuning = command(
        "tune", _tune, "measure which step size each way of up-sampling prefers", goes_on=True
    )
    tuning.add_argument("--jobs", type=_jobs, default=1, help="single-threaded processes at once")
    notebooks = command(
        "notebooks", _notebooks, "execute all notebooks in place, reproducibly", writes_here=False
    )
    notebooks.add_argument("paths", nargs="*", type=_path, help="default: all in notebooks/")
    command("figures", _figures, "write README's figures to images/, and its tables")
    timing = command("benchmark", _benchmark, "measure how fast the course is", writes_here=False)
    timing.add_argument("sections", nargs="*", metavar="SECTION", help="default: all")
    timing.add_argument("--json", type=_path, metavar="FILE", help="write the result here as well")
    edition = command("book", _book, "write the reader's edition: pages that need no Python")
    edition.add_argument("folder", nargs="?", type=_path, default=FOLDER / "book", metavar="FOLDER")
    return parser


def _given(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("must not be empty; was a variable not set?")
    return text


def _path(text: str) -> Path:
    return Path(_given(text))


def _jobs(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 up, got {text!r}")
    return int(text)


def _repository() -> Path:
    """Return the folder of the course's repository.

    Raises AelibError where aelib is installed as a package, without the rest of the course.
    """
    if not list((FOLDER / "notebooks").glob("1_*.ipynb")):
        raise AelibError(
            "this command writes to the course's repository, but this aelib is a package that "
            f"was installed without it, in {FOLDER}. Run it in the folder of the repository"
        )
    return FOLDER


def _train(options: argparse.Namespace) -> None:
    from aelib.workshop import cluster, sweep

    for name, given in (("--only-train", options.only_train), ("--jobs", options.jobs)):
        if options.dask and given:
            raise AelibError(f"{name} is for this machine's processes, not with --dask")
    if options.dask:
        done = cluster.train(options.patterns, options.dask)
    else:
        done = sweep.train(options.patterns, options.jobs or 1, measure=not options.only_train)
    print(f"{len(done)} runs trained" if done else "nothing to do: all of it is trained")


def _measure(options: argparse.Namespace) -> None:
    from aelib import zoo
    from aelib.data import load_mnist
    from aelib.workshop import sweep

    splits, failed = load_mnist(), []
    for name in zoo.match(*options.patterns):
        for seed in zoo.experiment(name).seeds:
            if not zoo.weights_file(name, seed).exists():
                print(f"skipped {name}, seed {seed}: its weights are not kept here")
                continue
            try:
                sweep.measure_run(name, seed, splits=splits)
                print(f"measured {name}, seed {seed}")
            except AelibError as error:  # the others go on
                failed.append(f"{name}, seed {seed}: {error}")
    if failed:
        raise AelibError("; ".join(failed))


def _baselines(options: argparse.Namespace) -> None:
    from aelib.workshop import sweep

    print(sweep.save_baselines().name)


def _costs(options: argparse.Namespace) -> None:
    from aelib.workshop import sweep

    print(sweep.save_costs().name)


def _compare(options: argparse.Namespace) -> None:
    from aelib.workshop import sweep

    print(sweep.save_comparisons().name)


def _tune(options: argparse.Namespace) -> None:
    from aelib.workshop import sweep

    print(sweep.save_step_sizes(options.jobs).name)


def _list(options: argparse.Namespace) -> None:
    from aelib import zoo

    for name in zoo.match(*options.patterns):
        experiment = zoo.experiment(name)
        seeds = experiment.seeds
        done = sum(zoo.is_trained(name, seed) for seed in seeds)
        print(f"{name:24} {done} of {len(seeds)} seeds  {experiment.note}")


def _notebooks(options: argparse.Namespace) -> None:
    paths = options.paths or sorted((_repository() / "notebooks").glob("*.ipynb"))
    from aelib.workshop import notebooks

    for path in paths:
        print(path.name)
        notebooks.execute(path)


def _figures(options: argparse.Namespace) -> None:
    from aelib.data import load_mnist
    from aelib.workshop import figures, readme

    for path in figures.write_figures(FOLDER / "images"):
        print(path.name)
    readme.write_tables(FOLDER / "README.md", load_mnist())
    print("README.md")


def _benchmark(options: argparse.Namespace) -> None:
    from aelib.workshop import benchmark

    benchmark.benchmark(options.sections, options.json)


def _book(options: argparse.Namespace) -> None:
    from aelib.workshop import book

    pages = book.write_book(options.folder)
    print(f"{len(pages)} pages; open {pages[0]}")


if __name__ == "__main__":
    sys.exit(main())
