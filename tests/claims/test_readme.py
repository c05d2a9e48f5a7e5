"""What README claims, held to the recorded values and to the data."""

import json
import re

import pytest

from aelib import detection, zoo

from .prose import README, TWO, agree, quoted, says
from .recorded import (
    DIMS,
    SCORES,
    STRANGERS,
    detector,
    latent,
    per_model,
    simple,
)


def test_the_readmes_table(pca):
    for d in DIMS:
        row = next(line for line in README.splitlines() if line.startswith(f"| {d} |"))
        mean, spread, linear, read = re.findall(r"[\d.]+", row.split("|", 2)[2])
        values = latent(d)
        agree([mean, spread, linear], [values.mean(), values.std(), pca[d]])
        agree([read], [100 * latent(d, "read_right").mean()])


def test_the_readme_repeats_the_notebooks(test_images, mean_error):
    floor = (test_images - 0.5).clamp(max=0).square().mean().item()
    agree(quoted(README, "under a loss of # on the test set"), [floor])
    agree(quoted(README, "Above it they are # and #,"), [0.21219929 - floor, 0.21273543 - floor])
    agree(quoted(README, "The autoencoder falls from # to #"), [mean_error, latent(32).mean()])
    agree(quoted(TWO, "from # at *d* = 0 to # at *d* = 32"), [mean_error, latent(32).mean()])


def test_the_readmes_table_of_detectors():
    names = {
        "mse": "squared error",
        "share": "share of the ink",
        "blurred share": "blurred share",
        "blurred share and code": "blurred share and code",
    }
    expected = {
        "Deep SVDD (Ruff et al. 2018)": detection.PUBLISHED["Deep SVDD"],
        "OCGAN (Perera et al. 2019)": detection.PUBLISHED["OCGAN"],
        "ink": simple("ink", "ink"),
    }
    for name in ("mean image", "PCA", "nearest image"):
        for score in zoo.measured("one_class_baselines")[0][name]:
            expected[f"{name}, {names[score]}"] = simple(name, score)
    for score in SCORES:
        expected[f"**autoencoder**, {names[score]}"] = 100 * detector(score).mean(1)
    for name, values in expected.items():
        row = next(line for line in README.splitlines() if line.startswith(f"| {name} |"))
        numbers = re.findall(r"[\d.]+", row.split("|", 2)[2])
        agree(numbers, [*values, sum(float(value) for value in values) / 10])
    assert "| ARNet" in README and f"| {detection.PUBLISHED_MEAN['ARNet']} |" in README


def test_the_readmes_words_about_one_digit():
    assert "three of five are still read as themselves" in README
    shares = per_model("confusion").mean(1)
    shares = shares / shares.sum(2, keepdim=True)
    assert shares.diagonal(dim1=1, dim2=2)[STRANGERS].mean() == pytest.approx(0.6, abs=0.03)
    gap = 100 * detector("mse").mean() - sum(simple("PCA", "mse")) / 10
    assert 0.75 < gap < 1.25, "a point better than PCA's"


def test_a_notebook_takes_what_the_readme_says():
    benchmark = json.loads((zoo.CHECKPOINTS / "benchmark.json").read_text())
    seconds, megabytes = zip(*benchmark["sections"]["notebooks"]["rows"].values(), strict=True)
    assert max(seconds) < 60
    says(README, "A notebook runs in less than a minute")
    agree(quoted(README, "takes about # GB of memory"), [max(megabytes) / 1000])
