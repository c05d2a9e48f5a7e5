"""The commands of the course; `python -m aelib COMMAND --help` says what one takes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from aelib import AelibError, __version__

ROOT = Path(__file__).parent.parent


def _workshop(module: str) -> Any:
    """Import what a command needs, and only that: `--help` answers at once."""
    return import_module(f"aelib.workshop.{module}")


def train(patterns: list[str], jobs: int, dask: str | None, only_train: bool) -> None:
    """Train, measure and record what is missing; goes on where it was stopped."""
    done = _workshop("sweep").train(patterns, jobs, dask, measure=not only_train)
    print(f"{len(done)} runs trained" if done else "nothing to do: all of it is trained")


def measure(patterns: list[str]) -> None:
    """Measure kept weights again, e.g. for a new value."""
    for said in _workshop("records").measure_again(patterns):
        print(said)


def list_(patterns: list[str]) -> None:
    """Show every experiment and how far it is."""
    for said in _workshop("records").how_far(patterns):
        print(said)


def baselines() -> None:
    """Measure the detectors that need no training."""
    _workshop("records").save_baselines()


def costs() -> None:
    """Measure what up-sampling and optimisers cost."""
    _workshop("records").save_costs()


def compare() -> None:
    """Compare the one-digit detectors over all seeds and test images."""
    _workshop("records").save_comparisons()


def letters() -> None:
    """Measure which strokes of Hangul each one-letter model draws, over all seeds."""
    _workshop("records").save_letters()


def tune(jobs: int) -> None:
    """Measure which step size each way of up-sampling prefers; goes on where it was stopped."""
    _workshop("tuning").save_step_sizes(jobs)


def notebooks(paths: list[Path]) -> None:
    """Execute all notebooks in place, reproducibly."""
    for path in paths or sorted((ROOT / "notebooks").glob("*.ipynb")):
        print(path.name)
        _workshop("notebooks").execute(path)


def figures() -> None:
    """Write README's figures to images/, and the tables of RESULTS."""
    for path in _workshop("figures").write_figures(ROOT / "images"):
        print(path.name)
    from aelib.data import load_mnist

    _workshop("readme").write_tables(ROOT / "RESULTS.md", load_mnist())


def translate(language: str) -> None:
    """Write the Korean edition from its catalogue, and say what that still lacks."""
    for said in _workshop("translate").translate():
        print(said)


def book(folder: Path) -> None:
    """Write the reader's edition: pages that need no Python."""
    pages = _workshop("book").write_book(folder)
    print(f"{len(pages)} pages; open {pages[0]}")


def benchmark(json: Path | None) -> None:
    """Measure how fast the course is, beside the usual way."""
    _workshop("benchmark").benchmark(json)


Option = tuple[str, dict[str, Any]]  # a name, and what argparse is told of it
PATTERNS = ("patterns", {"nargs": "*", "metavar": "PATTERN", "help": 'e.g. "latent/*"; or all'})
JOBS = ("--jobs", {"type": int, "default": 1, "help": "single-threaded processes at once"})
DASK = ("--dask", {"metavar": "ADDRESS", "help": "of a Dask scheduler whose workers train"})
ONLY = ("--only-train", {"action": "store_true", "help": "leave the measuring to `measure`"})
PATHS = ("paths", {"nargs": "*", "type": Path, "help": "notebooks; or all of the course"})
LANGUAGE = ("language", {"nargs": "?", "choices": ["ko"], "default": "ko"})
FOLDER = ("folder", {"nargs": "?", "type": Path, "default": ROOT / "book"})
JSON = ("--json", {"type": Path, "metavar": "FILE", "help": "write the result here as well"})
COMMANDS: dict[Callable[..., None], list[Option]] = {
    train: [PATTERNS, JOBS, DASK, ONLY],
    measure: [PATTERNS],
    list_: [PATTERNS],
    **{command: [] for command in (baselines, costs, compare, letters, figures)},
    tune: [JOBS],
    notebooks: [PATHS],
    translate: [LANGUAGE],
    book: [FOLDER],
    benchmark: [JSON],
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0 if it went well, 1 if it could not, 130 after Ctrl-C."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # for `train | tee`
    parser = argparse.ArgumentParser(prog="python -m aelib", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for run, options in COMMANDS.items():
        name, about = run.__name__.rstrip("_"), run.__doc__
        added = commands.add_parser(name, help=about, description=about)
        added.set_defaults(run=run)
        for option, settings in options:
            added.add_argument(option, **settings)
    given = vars(parser.parse_args(arguments))
    run = given.pop("run")
    try:
        if run not in (list_, benchmark) and not list((ROOT / "notebooks").glob("1_*.ipynb")):
            raise AelibError(
                "this command writes into the course's repository, but this aelib was installed "
                f"without it, in {ROOT}: run it in the folder of the repository"
            )
        run(**given)
    except (AelibError, OSError) as error:
        print(f"aelib: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("aelib: stopped; train and tune go on from here, others anew", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
