import torch

from aelib import detection, metrics
from aelib.data import Splits
from aelib.models import Autoencoder
from aelib.training import seeded
from aelib.workshop import comparing, measuring


def test_comparisons_are_those_of_the_detectors_themselves(splits):
    few = Splits(splits.train[::40], splits.val[::10], splits.test[::25])
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
        scores = measuring.baseline_scores(few.train.only(digit), images)["PCA"]["share"]
        for seed, model in enumerate(models[digit]):
            own = detection.anomaly_scores(metrics.reconstruct(model, images), images, "share")
            gap = detection.auroc(own, normal) - detection.auroc(scores, normal)
            gaps[seed] += 100 * gap / 10
    assert torch.allclose(torch.tensor(entry["seeds"]).double(), gaps, atol=1e-6)
    interval, images_only = entry["interval"], entry["images_only"]
    assert interval.mean == images_only.mean
    assert interval.low < images_only.low < interval.mean < images_only.high < interval.high
