"""What notebook 1 claims, held to the recorded values and to the data."""

import json

import nbformat
import pytest

from aelib import metrics, zoo
from aelib.data import DIGITS, cut, join

from .prose import ONE, ROOT, agree, quoted, says


def test_counts(splits):
    counts = join(splits.train, splits.val).counts()
    says(ONE, "Zeros are no more frequent than the average.")
    assert counts[0] < counts.double().mean()
    assert counts.argmax() == 1 and counts.argmin() == 5
    assert ((counts - 6000).abs() < 6000 / 8).all(), "within an eighth of 6,000"


def test_pixels(splits):
    pixels = splits.train.images
    says(ONE, "An image is almost a yes-or-no picture.")
    grey = ((pixels >= 64) & (pixels < 192)).float().mean()
    assert grey < 0.06 < (pixels >= 250).float().mean()


def test_the_floor(test_images, mean_error):
    floor = (test_images - 0.5).clamp(max=0).square().mean().item()
    agree(quoted(ONE, "the loss has a floor of # on the test set"), [floor])
    quotes = [0.21219929, 0.21273543]
    says(ONE, "Above the floor, the second is more than a tenth larger.")
    assert 1.1 < (quotes[1] - floor) / (quotes[0] - floor) < 1.15
    says(ONE, "About 98 % of each loss is floor.")
    assert all(0.975 < floor / loss < 0.985 for loss in quotes)
    agree(quoted(ONE, "grey cloud of Figure 1.4 every time, and the MSE is #."), [mean_error])
    says(ONE, "A trained network with 0.2122 is three times worse than that.")
    assert quotes[0] / mean_error == pytest.approx(3, abs=0.2)


def test_ink_and_variance(splits, test_images, variance):
    ink = metrics.mean_per_digit(test_images.mean((1, 2, 3)), splits.test.labels)
    assert ink.argmin() == variance.argmin() == 1 and ink.argmax() == 0
    says(ONE, "Digit 1 has by far the least of both: little more than half of the mean.")
    assert 0.5 < ink[1] / test_images.mean() < 0.6
    assert 0.5 < variance[1] / variance.mean() < 0.6
    assert set(variance.topk(2).indices.tolist()) == {0, 2}


def test_baselines(mean_error, pca):
    agree(
        quoted(
            ONE, "# for the mean image, and PCA's falling curve, # at *d* = 2 and # at *d* = 16"
        ),
        [mean_error, pca[2], pca[16]],
    )
    agree(quoted(ONE, "Where will its error end: above PCA's #, at it"), [pca[2]])


def test_a_slice_is_fast_and_a_page_is_read():
    says(ONE, "The slice is dozens of times as fast")
    benchmark = json.loads((zoo.CHECKPOINTS / "benchmark.json").read_text())
    assert benchmark["sections"]["loading"]["rows"]["DataLoader"][1] > 24
    says(ONE, "A classifier that has seen only MNIST reads all ten right.")
    cells = nbformat.read(ROOT / "notebooks/1_dataset.ipynb", as_version=4).cells
    page = "\n".join(cell.source for cell in cells if cell.id in ("c27a", "c27b"))
    space = {}
    exec(page, space)
    assert metrics.read_digits(zoo.judge(), cut(space["photo"])[0]).tolist() == [*DIGITS]


def test_the_answers_to_the_exercises(splits, test_images, variance, pca):
    floor = (2 * test_images - 1).clamp(max=0).square().mean()
    agree(quoted(ONE, "</summary>#. Twice the distance is four times the square."), [floor])
    counts = splits.test.counts()
    knowing = (variance * counts).sum() / counts.sum()
    agree(quoted(ONE, "</summary>#, which PCA reaches with three numbers."), [knowing])
    assert pca[3] < knowing < pca[2]
