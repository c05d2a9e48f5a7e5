"""Writing the result tables of README from the recorded results."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Any

from aelib import zoo
from aelib.baselines import LinearAutoencoder
from aelib.data import DIGITS, Splits
from aelib.detection import PUBLISHED, PUBLISHED_MEAN, SCORES, WITH_CODE
from aelib.files import expanded, read_if_there, write_atomically
from aelib.intervals import paired_difference, verdicts
from aelib.metrics import mse_per_image
from aelib.models import UPSAMPLING

# A table stands between two comments, which Markdown does not show.
START, END = "<!-- {name}: written by python -m aelib figures -->", "<!-- end -->"
SOURCES = {
    "Deep SVDD": "Ruff et al. 2018",
    "OCGAN": "Perera et al. 2019",
    "ARNet": "Ye et al. 2020",
}
# Two errors are level if the interval of their difference stays within this share of them.
MARGIN = 0.03
BENCHMARK = "benchmark.json"  # beside the recorded results
IN_WORDS = {"mse": "squared error", "share": "share of the ink"}
DETECTORS = ("ink", "mean image", "nearest image", "PCA", "**autoencoder**")
# Of the scores, the plain one and the best one stand in the open; the others can be unfolded.
IN_THE_OPEN = ("mse", WITH_CODE)


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown."""
    header = list(header)
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def latent_table(splits: Splits) -> str:
    """Return test error by latent dimension, beside PCA's, and how well judges read it."""
    linear, images = LinearAutoencoder(splits.train), splits.test.floats()

    def row(d: int) -> list[str]:
        errors, read = (zoo.values(f"latent/{d}", key) for key in ("test_mse", "read_right"))
        by_pca = mse_per_image(linear.reconstruct(images, d), images).mean()
        spread = f"{errors.mean():.4f} ± {errors.std():.4f}"
        return [str(d), spread, f"{by_pca:.4f}", f"{100 * read.mean():.0f} %"]

    return table(["numbers", "autoencoder", "PCA", "read right"], map(row, zoo.LATENT_DIMS))


def detector_table(in_the_open: bool) -> str:
    """Return the AUROC in % of each detector, by digit and on average.

    in_the_open: whether for the published ones and the scores of IN_THE_OPEN, or for the rest.
    """
    rows = _published_rows() if in_the_open else []
    measured = _measured()
    for name, score in product(DETECTORS, ("ink", *SCORES, WITH_CODE)):
        is_main = score in IN_THE_OPEN and name != "nearest image"
        if score in measured[name] and is_main == in_the_open:
            label = name if name == score else f"{name}, {IN_WORDS.get(score, score)}"
            rows.append([label, *_percent(measured[name][score])])
    return table(["", *map(str, DIGITS), "mean"], rows)


def _published_rows() -> list[list[str]]:
    rows = [[f"{name} ({SOURCES[name]})", *_percent(row)] for name, row in PUBLISHED.items()]
    return rows + [
        [f"{name} ({SOURCES[name]})", *[""] * len(DIGITS), f"{mean:.1f}"]
        for name, mean in PUBLISHED_MEAN.items()
    ]


def _measured() -> dict[str, dict[str, list[float]]]:
    """Return AUROC in % by detector, score and digit; a network's is the mean of its seeds."""
    recorded = zoo.one_class_baselines()
    found = {
        name: {score: [100 * digit[name][score]["auroc"] for digit in recorded] for score in scores}
        for name, scores in recorded[0].items()
    }
    own = [[run["detector"] for run in zoo.results(f"digit/{digit}")] for digit in DIGITS]
    found["**autoencoder**"] = {
        score: [100 * sum(run[score]["auroc"] for run in runs) / len(runs) for runs in own]
        for score in own[0][0]
    }
    return found


def _percent(values: Iterable[float]) -> list[str]:
    values = list(values)
    return [f"{value:.1f}" for value in [*values, sum(values) / len(values)]]


def upsampling_table() -> str:
    """Return what each way of up-sampling costs and reaches, compared with `transpose`."""
    costs, differences = zoo.step_costs(), _against_transpose()

    def row(kind: str) -> list[str]:
        cells = [f"`{kind}`", f"{costs[kind]['parameters']:,}", f"{costs[kind]['cost']:.1f}"]
        for d, decimals in ((16, 5), (2, 4)):
            errors = zoo.values(f"up/{kind}/{d}", "test_mse")
            cells += [f"{errors.mean():.{decimals}f}", differences.get((kind, d), "–")]
        scores = [zoo.values(f"up/{kind}/{d}", "checkerboard").mean() for d in (16, 2)]
        return [*cells, ", ".join(f"{score:.2f}" for score in scores)]

    header = ["", "weights of the decoder", "time per step"]
    for d in (16, 2):
        header += [f"MSE, *d* = {d}", "against `transpose`, % [95 %]"]
    return table([*header, "score, *d* = 16, 2"], map(row, UPSAMPLING))


def _against_transpose() -> dict[tuple[str, int], str]:
    """Return by how many per cent each error differs from that of `transpose`, in words too."""
    gaps = {}
    for kind, d in product(UPSAMPLING, zoo.UP_DIMS):
        errors, base = (zoo.values(f"up/{name}/{d}", "test_mse") for name in (kind, "transpose"))
        if kind != "transpose":
            scale = 100 / base.mean()
            gaps[kind, d] = paired_difference(errors * scale, base * scale)
    words = verdicts(gaps, 100 * MARGIN)
    return {key: f"{gap:+.1f}, {words[key]}".replace("-", "−") for key, gap in gaps.items()}


def benchmark_table() -> str:
    """Return how long the usual way and the course's take, with the machine below the table.

    Raises ModelMissingError if no benchmark is recorded, and RecordError if one of the three
    sections is not there or the file is damaged.
    """
    path = zoo.CHECKPOINTS / BENCHMARK
    remedy = f"run: python -m aelib benchmark --json {path}"
    raw = read_if_there(path, f"Remedy: {remedy}")
    if raw is None:
        raise zoo.ModelMissingError(f"{path} does not exist; {remedy}")
    with zoo.reading(path, remedy):
        return _benchmark_table(zoo.parse_json(raw))


def _benchmark_table(recorded: dict[str, Any]) -> str:
    sections = {name: section["rows"] for name, section in recorded["sections"].items()}

    def row(label: str, section: str, place: int, unit: str) -> list[str]:
        usual, own = sections[section].values()
        times = f"{usual[-1]:.0f}"
        return [label, f"{usual[place]:,.0f} {unit}", f"{own[place]:.2g} {unit}", times]

    compared = table(
        ["", "the original's loop", "the course", "times"],
        [
            row("one pass over the training images, in batches", "loading", 0, "s"),
            row("training to a test MSE of 0.0079, *d* = 16", "quality", 1, "s"),
            row("training the models of *d* = 1 to 10", "sweep", 1, "min"),
        ],
    )
    machine = recorded["machine"]
    load = machine["load"]
    busy = f", which {load:.0f} processes wanted" if load and round(load) > machine["cores"] else ""
    return (
        f"{compared}\n\nMeasured on {machine['cores']} cores ({machine['processor']}){busy}, with "
        f"Python {machine['python']} and torch {machine['torch']}."
    )


def tables(splits: Splits) -> dict[str, str]:
    """Return every table of README, by the name that its markers give it."""
    return {
        "latent dimensions": latent_table(splits),
        "detectors": detector_table(in_the_open=True),
        "more detectors": detector_table(in_the_open=False),
        "up-sampling": upsampling_table(),
        "benchmark": benchmark_table(),
    }


def with_tables(text: str, found: dict[str, str]) -> str:
    """Return README's text with every table between its markers written anew.

    Raises ValueError if the markers of a table are not there exactly once.
    """
    for name, lines in found.items():
        start = START.format(name=name)
        before, *after = re.split(f"{re.escape(start)}.*?{re.escape(END)}", text, flags=re.DOTALL)
        if len(after) != 1:
            raise ValueError(f"README must have the markers of the table {name!r} exactly once")
        text = f"{before}{start}\n\n{lines}\n\n{END}{after[0]}"
    return text


def write_tables(path: Path, splits: Splits) -> None:
    """Write the tables of README anew, in place."""
    path = expanded(path)
    text = with_tables(path.read_text(encoding="utf-8"), tables(splits))
    write_atomically(path, text.encode())
