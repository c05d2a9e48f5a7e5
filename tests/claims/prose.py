"""The texts of the course, and how a test quotes them.

`quoted` finds a phrase and returns its numbers; `agree` compares them with what they are
roundings of, so the tolerance is stated by the digits that the prose shows. A claim in words
("more than a quarter") is restated as an inequality; `says` binds it to its words, so that
neither can change alone.
"""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]


def text_of(name):
    path = ROOT / name
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    notebook = nbformat.read(path, as_version=4)
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


ONE = text_of("notebooks/1_dataset.ipynb")
TWO = text_of("notebooks/2_latent_dimension.ipynb")
THREE = text_of("notebooks/3_digit_features.ipynb")
FOUR = text_of("notebooks/4_up_pooling.ipynb")
README = text_of("README.md")
RESULTS = text_of("RESULTS.md")


def says(text, words):
    """Assert that a claim stands in a text in these words; line breaks do not count."""
    assert " ".join(words.split()) in " ".join(text.split()), f"not in the text: {words}"


def quoted(text, phrase):
    """Return the numbers at the places marked # in a phrase that must be in the text."""
    pattern = re.escape(phrase).replace(r"\#", r"([-−]?\d[\d,]*\.?\d*)")
    found = re.search(pattern, text)
    assert found, f"not in the text: {phrase}"
    return [number.replace(",", "").replace("−", "-").rstrip(".") for number in found.groups()]


def agree(numbers, values):
    """Assert that each quoted number is its value, rounded as the prose rounds it."""
    for number, value in zip(numbers, values, strict=True):
        decimals = len(number.partition(".")[2])
        assert float(number) == pytest.approx(float(value), abs=0.51 * 10**-decimals), number
