import numpy as np
import pytest
import torch

from aelib import detection, metrics
from aelib.data import Splits
from aelib.models import Autoencoder
from aelib.training import seeded
from aelib.workshop import comparing


def test_comparisons_are_those_of_the_detectors_themselves(splits):
    few = Splits(splits.train[::80], splits.val[::10], splits.test[::50])
    models = []
    for digit in range(10):
        with seeded(digit):
            models.append([Autoencoder(2).eval() for _ in range(2)])
    found = comparing.measure_comparisons(few, models)
    assert [(entry["first"], entry["second"]) for entry in found] == list(comparing.PAIRS)
    by_pair = {(entry["first"], entry["second"]): entry for entry in found}
    entry = by_pair[("autoencoder", "share"), ("PCA", "share")]
    images = few.test.floats()
    gaps = torch.zeros(2, dtype=torch.float64)
    for digit in range(10):
        normal = few.test.labels == digit
        scores = comparing.baseline_scores(few.train.only(digit), images)["PCA"]["share"]
        for seed, model in enumerate(models[digit]):
            own = detection.anomaly_scores(metrics.reconstruct(model, images), images)["share"]
            gap = detection.auroc(own, normal) - detection.auroc(scores, normal)
            gaps[seed] += 100 * gap / 10
    assert torch.allclose(torch.tensor(entry["seeds"]).double(), gaps, atol=1e-6)
    interval, images_only = entry["interval"], entry["images_only"]
    assert interval.mean == images_only.mean
    assert interval.low < images_only.low < interval.mean < images_only.high < interval.high


def test_the_nearest_image_is_the_most_similar_known_one(splits):
    known = splits.train.only(4)[:50]
    detector = comparing.NearestImage(known)
    assert torch.equal(detector.reconstruct(known.floats()), known.floats())
    x = splits.test.floats()[:20]
    brute = torch.cdist(x.flatten(1), known.floats().flatten(1)).argmin(1)
    assert torch.equal(detector.reconstruct(x), known.floats()[brute])


def test_the_influence_of_images_is_what_leaving_them_out_shows():
    rng = torch.Generator().manual_seed(0)
    normal = torch.rand(60, generator=rng) < 0.3
    scores = torch.randn(60, generator=rng) + (~normal).float()
    scores[:10] = scores[10:20]  # some ties
    influence = comparing.auroc_influence(scores, normal)
    assert influence.shape == (60,) and abs(influence.mean()) < 1e-12
    whole = detection.auroc(scores, normal)
    for i in range(60):
        left = torch.arange(60) != i
        kind = int((normal == normal[i]).sum())
        # Exact for this statistic: the change times what is left of that kind.
        change = (whole - detection.auroc(scores[left], normal[left])) * (kind - 1) * 60 / kind
        assert influence[i] == pytest.approx(change, abs=1e-6)


def test_the_interval_of_seeds_and_images_covers_what_it_should():
    # Known truth: 95 of 100 intervals must hold it. Binomial spread of 400 tries: 1.1 points.
    rng, held = np.random.default_rng(1), 0
    for _ in range(400):
        pull = rng.normal(0, 1, 200)
        seeds = 3 + pull.mean() + rng.normal(0, 0.1, 5)
        interval = comparing.seeds_and_images(seeds, pull - pull.mean())
        held += interval.low < 3 < interval.high
    assert 0.91 < held / 400 < 0.985
