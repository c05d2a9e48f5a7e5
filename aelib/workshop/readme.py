"""Writing the tables of RESULTS from the recorded results."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from aelib import zoo
from aelib.data import DIGITS, Splits, write
from aelib.detection import CODE_ALONE, PUBLISHED, PUBLISHED_MEAN, SCORES, WITH_CODE
from aelib.intervals import plus_minus, verdicts
from aelib.metrics import LinearAutoencoder, mse_per_image
from aelib.models import UPSAMPLING
from aelib.workshop import claims, remarks
from aelib.workshop.remarks import markdown

# A table stands between two comments, which Markdown does not show.
START, END = "<!-- {name}: written by python -m aelib figures -->", "<!-- end -->"
SOURCES = {
    "Deep SVDD": "Ruff et al. 2018",
    "OCGAN": "Perera et al. 2019",
    "ARNet": "Ye et al. 2020",
}
MARGIN = 3  # %; two errors are level if the interval of their difference stays within it
READ, LOST = 0.75, 0.25  # of the images of a digit, to call it read or lost
RANGES = {  # who trained, and on images of which range
    "the course": "latent",
    "the course, images shifted by half": "range/course",
    "the original's protocol": "original/transpose",
    "the original's recipe, images not shifted": "range/original",
}
IN_WORDS = {"mse": "squared error", "share": "share of the ink", CODE_ALONE: "the code alone"}
OWN_SIZE = "PCA 24"  # the size with the best error on validation images
DETECTORS = ("ink", "mean image", "nearest image", "PCA", OWN_SIZE, "**autoencoder**")


def row(name: str, values: Iterable[Any], spec: str = ".0f") -> str:
    """Return a row of numbers after its name, with its cells divided as `markdown` wants it."""
    return " | ".join([name, *(format(float(value), spec) for value in values)])


def latent_table(splits: Splits) -> str:
    """Return test error by latent dimension, beside PCA's, and how well judges read it."""
    linear, images, rows = LinearAutoencoder(splits.train), splits.test.floats(), []
    for d in zoo.LATENT_DIMS:
        errors, read = (zoo.values(f"latent/{d}", key) for key in ("test_mse", "read_right"))
        by_pca = mse_per_image(linear.reconstruct(images, d), images).mean()
        share = f"{100 * read.mean():.0f} %"
        rows.append(f"{d} | {plus_minus(errors)} | {by_pca:.4f} | {share} | {len(errors)}")
    return markdown("numbers | autoencoder | PCA | read right | seeds", rows)


def reading_table() -> str:
    """Return in how many pairs of run and judge most of a digit are read, and hardly any."""
    rows = []
    for d in (1, 2):
        counts = zoo.values(f"latent/{d}", "confusion_per_judge")
        read = (counts.diagonal(dim1=2, dim2=3) / counts.sum(3)).flatten(0, 1)
        found = counts.sum((0, 1))
        most = f"*d* = {d}: three quarters or more, of {len(read)} pairs"
        rows.append(row(most, (read >= READ).sum(0)))
        rows.append(row(f"*d* = {d}: a quarter or less", (read <= LOST).sum(0)))
        true = 100 * found.diagonal() / found.sum(0)
        rows.append(row(f"*d* = {d}: of 100 readings of this digit, true", true))
    return markdown(row("", DIGITS), rows)


def range_table() -> str:
    """Return the share of each digit read right with and without the original's range."""
    rows = []
    for d, (label, run) in product((1, 2), RANGES.items()):
        read = zoo.values(f"{run}/{d}", "read_right_per_digit").mean(0)
        neighbours = zoo.values(f"{run}/{d}", "knn_accuracy").mean()
        rows.append(row(f"*d* = {d}, {label}", [*100 * read, 100 * neighbours]))
    return markdown(row("", DIGITS) + " | kNN", rows)


def detector_table(in_the_open: bool) -> str:
    """Return the AUROC in % of each detector, by digit and on average.

    in_the_open: whether for what was published, the plain score and the best one, or for the rest,
    which can be unfolded.
    """
    rows, simple = [], zoo.measured("one_class_baselines")
    if in_the_open:
        rows += [_with_mean(f"{name} ({SOURCES[name]})", of) for name, of in PUBLISHED.items()]
        empty = " | " * len(DIGITS)
        rows += [
            f"{one} ({SOURCES[one]}){empty} | {mean:.1f}" for one, mean in PUBLISHED_MEAN.items()
        ]
    # By digit: of each run the AUROC by score; a simple detector is one run.
    found = {name: [[digit[name]] for digit in simple] for name in simple[0]}
    own = [[run["detector"] for run in zoo.results(f"digit/{digit}")] for digit in DIGITS]
    found["**autoencoder**"] = own
    for name, score in product(DETECTORS, ("ink", *SCORES, CODE_ALONE, WITH_CODE)):
        is_main = score in ("mse", WITH_CODE) and name != "nearest image"
        is_told = score in found[name][0][0] and (is_main or name != OWN_SIZE)
        if is_told and is_main == in_the_open:
            label = name if name == score else f"{name}, {IN_WORDS.get(score, score)}"
            values = [100 * sum(run[score]["auroc"] for run in d) / len(d) for d in found[name]]
            rows.append(_with_mean(label, values))
    return markdown(row("", DIGITS) + " | mean", rows)


def _with_mean(name: str, values: Sequence[float]) -> str:
    return row(name, [*values, sum(values) / len(values)], ".1f")


def upsampling_table() -> str:
    """Return what each way of up-sampling costs and reaches, compared with `transpose`."""
    costs, rows = zoo.measured("costs")["upsampling"], []
    gaps = claims.against_transpose("test_mse")
    words = verdicts(gaps, MARGIN)
    for kind in UPSAMPLING:
        cells = [f"`{kind}`", f"{costs[kind]['parameters']:,}", f"{costs[kind]['cost']:.1f}"]
        for d, decimals in ((16, 5), (2, 4)):
            errors = zoo.values(f"up/{kind}/{d}", "test_mse")
            gap = f"{gaps[kind, d]:+.1f}, {words[kind, d]}" if (kind, d) in gaps else "–"
            cells += [f"{errors.mean():.{decimals}f}", gap]
        scores = [zoo.values(f"up/{kind}/{d}", "checkerboard").mean() for d in (16, 2)]
        rows.append(" | ".join([*cells, "{:.2f}, {:.2f}".format(*scores)]))
    longer, base = (zoo.values(run, "test_mse") for run in (claims.LONGER, "up/transpose/16"))
    gain = claims.in_percent(longer, base)
    rows.append(
        "`transpose`, 20 passes, not 14 |  | as long as `pixel_shuffle` | "
        f"{longer.mean():.5f} | {gain:+.1f}, {gain.verdict(MARGIN)} | – | – | –"
    )
    header = " | weights of the decoder | time per step"
    for d in (16, 2):
        header += f" | MSE, *d* = {d} | against `transpose`, % [95 %]"
    minus = (row.replace("-", "−") for row in rows)
    compared = markdown(f"{header} | score, *d* = 16, 2", minus)
    equal = "; ".join(f"`{kind}` {said}" for kind, said in claims.at_equal_time().items())
    return f"{compared}\n\nAt equal time, against those 20 passes: {equal}."


def benchmark_table() -> str:
    """Return how long the usual way and the course's take, with the machine below the table."""
    recorded = json.loads((zoo.CHECKPOINTS / "benchmark.json").read_bytes())
    sections = [recorded["sections"][name]["rows"].values() for name in ("loading", "quality")]
    (loader, slices), (loop, course) = sections
    # The loop was timed only; its error, by the same recipe, is a record of its own.
    theirs = zoo.values("range/original/16", "test_mse").item()
    rows = [
        "one pass over the training images, in batches | "
        f"{loader[0]:,.0f} s | {slices[0]:.2g} s | {loader[-1]:.0f}",
        f"training at *d* = 16, {loop[0]} of its passes to a test MSE of {theirs:.4f}, "
        f"{course[0]} of ours to {course[2]:.4f} | "
        f"{loop[1]:,.0f} s | {course[1]:.2g} s | {loop[-1]:.0f}",
    ]
    compared = markdown(" | the original's loop | the course | times", rows)
    machine = recorded["machine"]
    load = round(machine["load"] or 0)
    busy = f", which {load} processes wanted" if load > machine["cores"] else ""
    return (
        f"{compared}\n\nMeasured on {machine['cores']} cores ({machine['processor']}){busy}, with "
        f"Python {machine['python']} and torch {machine['torch']}."
    )


def tables(splits: Splits) -> dict[str, str]:
    """Return the generated parts of RESULTS.md, by the name that its markers give them."""
    header = "the original says | what was measured | verdict | section"
    return {
        "claims": markdown(header, claims.rows(splits)),
        "latent dimensions": latent_table(splits),
        "readings": reading_table(),
        "range": range_table(),
        "detectors": detector_table(in_the_open=True),
        "more detectors": detector_table(in_the_open=False),
        "up-sampling": upsampling_table(),
        "remarks on strokes": remarks.text(splits),
        "strokes of letters": remarks.known_strokes(),
        "benchmark": benchmark_table(),
    }


def with_tables(text: str, found: dict[str, str]) -> str:
    """Return a page's text with every table between its markers written anew."""
    for name, lines in found.items():
        start, end = re.escape(START.format(name=name)), re.escape(END)
        block = f"{START.format(name=name)}\n\n{lines}\n\n{END}".replace("\\", r"\\")
        text, times = re.subn(f"{start}.*?{end}", block, text, flags=re.DOTALL)
        assert times == 1, f"there must be the markers of the table {name!r} exactly once"
    return text


def write_tables(path: Path, splits: Splits) -> None:
    """Write the tables of RESULTS anew, in place."""
    write(path, with_tables(path.read_text(encoding="utf-8"), tables(splits)).encode())
