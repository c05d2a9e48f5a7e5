"""The commands: train, list, measure, baselines, costs, notebooks, figures."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from aelib import publish, sweep, zoo
from aelib.data import load_mnist

FOLDER = Path(__file__).parent.parent


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0 if it went well, 1 if it could not, 130 after Ctrl-C."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (ValueError, zoo.ModelMissingError, RuntimeError, OSError) as error:
        print(f"aelib: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("aelib: stopped; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m aelib", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: object, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    train = command("train", _train, "train, measure and record what is missing")
    train.add_argument("--jobs", type=int, default=1, help="single-threaded processes at once")
    measure = command("measure", _measure, "measure kept weights again, e.g. for a new figure")
    listing = command("list", _list, "show every experiment and how far it is")
    for added in (train, measure, listing):
        added.add_argument(
            "patterns", nargs="*", metavar="PATTERN", help="e.g. 'latent/*'; default: all"
        )
    command("baselines", _baselines, "measure the detectors that need no training")
    command("costs", _costs, "measure what each way of up-sampling costs")
    notebooks = command("notebooks", _notebooks, "execute all notebooks in place, reproducibly")
    notebooks.add_argument("paths", nargs="*", type=Path, help="default: all in notebooks/")
    command("figures", _figures, "write the README's figures to images/")
    return parser


def _train(options: argparse.Namespace) -> None:
    done = sweep.train(options.patterns, options.jobs)
    print(f"{len(done)} runs trained" if done else "nothing to do: all of it is trained")


def _measure(options: argparse.Namespace) -> None:
    splits, failed = load_mnist(), []
    for name in zoo.match(*options.patterns):
        for seed in zoo.find(name).seeds:
            if not zoo.weights_file(name, seed).exists():
                print(f"skipped {name}, seed {seed}: its weights are not kept here")
                continue
            try:
                sweep.measure_run(name, seed, splits=splits)
                print(f"measured {name}, seed {seed}")
            except (zoo.ModelMissingError, RuntimeError) as error:  # the others go on
                failed.append(f"{name}, seed {seed}: {error}")
    if failed:
        raise RuntimeError("; ".join(failed))


def _baselines(options: argparse.Namespace) -> None:
    print(sweep.record_baselines().name)


def _costs(options: argparse.Namespace) -> None:
    print(sweep.record_costs().name)


def _list(options: argparse.Namespace) -> None:
    for name in zoo.match(*options.patterns):
        seeds = zoo.find(name).seeds
        done = sum(zoo.is_trained(name, seed) for seed in seeds)
        also = [f"(= {alias})" for alias, other in zoo.ALIASES.items() if other == name]
        print(f"{name:24} {done} of {len(seeds)} seeds", *also)


def _notebooks(options: argparse.Namespace) -> None:
    for path in options.paths or sorted((FOLDER / "notebooks").glob("*.ipynb")):
        print(path.name)
        publish.execute(path)


def _figures(options: argparse.Namespace) -> None:
    for path in publish.write_figures(FOLDER / "images"):
        print(path.name)


if __name__ == "__main__":
    sys.exit(main())
