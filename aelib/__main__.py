"""The commands of the course; `python -m aelib COMMAND --help` says what one takes."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from aelib import AelibError, __version__
from aelib.workshop import COURSE, NOTEBOOKS

PATTERNS = ("patterns", {"nargs": "*", "metavar": "PATTERN", "help": 'e.g. "latent/*"; or all'})
JOBS = ("--jobs", {"type": int, "default": 1, "help": "single-threaded processes at once"})
DASK = ("--dask", {"metavar": "ADDRESS", "help": "of a Dask scheduler whose workers train"})
ONLY = ("--only-train", {"action": "store_false", "dest": "measure", "help": "measure later"})
PATHS = ("paths", {"nargs": "*", "type": Path, "default": NOTEBOOKS, "help": "notebooks; or all"})
FOLDER = ("folder", {"nargs": "?", "type": Path, "default": COURSE / "book"})
JSON = ("--json", {"type": Path, "dest": "json_file", "help": "write the result here as well"})
ABOUT = {
    "train": "Train, measure and record what is missing; goes on where it was stopped.",
    "measure": "Measure kept weights again, e.g. for a new value.",
    "list": "Show every experiment and how far it is.",
    "baselines": "Measure the detectors that need no training.",
    "costs": "Measure what up-sampling and optimisers cost.",
    "compare": "Compare the one-digit detectors over all seeds and test images.",
    "letters": "Measure which strokes of Hangul each one-letter model draws, over all seeds.",
    "tune": "Measure which step size each way of up-sampling prefers; goes on if it was stopped.",
    "notebooks": "Execute all notebooks in place, reproducibly.",
    "figures": "Write README's figures to images/, and the tables of RESULTS.",
    "translate": "Write the Korean edition from its catalogue, and say what that still lacks.",
    "book": "Write the reader's edition: pages that need no Python.",
    "benchmark": "Measure how fast the course is, beside the usual way.",
}
# What of the workshop a command calls, and its options. It is imported then: help comes at once.
CALLS: dict[str, tuple[Any, ...]] = {
    "train": ("sweep.train", PATTERNS, JOBS, DASK, ONLY),
    "measure": ("records.measure_again", PATTERNS),
    "list": ("records.how_far", PATTERNS),
    "baselines": ("records.save_baselines",),
    "costs": ("records.save_costs",),
    "compare": ("records.save_comparisons",),
    "letters": ("records.save_letters",),
    "tune": ("tuning.save_step_sizes", JOBS),
    "notebooks": ("notebooks.execute_all", PATHS),
    "figures": ("figures.write_all",),
    "translate": ("translate.translate",),
    "book": ("book.write_book", FOLDER),
    "benchmark": ("benchmark.benchmark", JSON),
}
ANYWHERE = ("list", "benchmark")  # need no repository


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0 if it went well, 1 if it could not, 130 after Ctrl-C."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # for `train | tee`
    parser = argparse.ArgumentParser(prog="python -m aelib", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for name, about in ABOUT.items():
        added = commands.add_parser(name, help=about, description=about)
        for option, settings in CALLS[name][1:]:
            added.add_argument(option, **settings)
    given = vars(parser.parse_args(arguments))
    command = given.pop("command")
    module, function = CALLS[command][0].split(".")
    try:
        if not NOTEBOOKS and command not in ANYWHERE:
            raise AelibError(
                "this command writes into the course's repository, but this aelib was installed "
                f"without it, in {COURSE}: run it in the folder of the repository"
            )
        getattr(import_module(f"aelib.workshop.{module}"), function)(**given)
    except (AelibError, OSError) as error:
        print(f"aelib: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("aelib: stopped; train and tune go on from here, others anew", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
