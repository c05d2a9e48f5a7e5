import math

import pytest
import torch
from sklearn.metrics import auc, roc_auc_score
from torchvision.transforms.v2.functional import gaussian_blur

from aelib import detection, metrics
from aelib.models import Autoencoder
from aelib.training import seeded


def images(count, seed=0):
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("score", detection.SCORES)
def test_a_worse_drawing_is_stranger_and_a_share_asks_not_how_much_ink_there_is(score):
    x, noise = images(5), images(5, seed=1)
    none, some, more = (
        detection.anomaly_scores(x + worse * noise, x)[score] for worse in (0, 0.1, 0.2)
    )
    assert torch.equal(none, torch.zeros(5)) and (more > some).all()
    pale = detection.anomaly_scores(0.1 * (x + 0.1 * noise), 0.1 * x)[score]
    assert torch.allclose(some, pale, rtol=1e-4) == (score != "mse")


def test_the_blur_forgives_a_stroke_beside_its_place_but_not_a_missing_one():
    stroke = torch.zeros(1, 1, 28, 28)
    stroke[..., 4:24, 13:15] = 1
    beside, missing = stroke.roll(1, 3), torch.zeros_like(stroke)

    slight, worst = (detection.anomaly_scores(drawn, stroke) for drawn in (beside, missing))
    assert worst["share"] == worst["blurred share"] == pytest.approx(1)
    assert slight["blurred share"] < 0.5 * slight["share"]
    expected = gaussian_blur(stroke - beside, [7, 7], [detection.BLUR] * 2)  # torchvision's
    assert torch.allclose(detection.blurred(stroke - beside), expected, atol=1e-6)


def test_an_image_without_ink_or_without_its_drawing_has_no_score():
    x = images(2)
    with pytest.raises(ValueError, match="1 drawings of 2 images"):
        detection.anomaly_scores(x[:1], x)
    with pytest.raises(ValueError, match="1 of 2 images hold no ink"):
        detection.anomaly_scores(x, x * torch.tensor([1.0, 0.0])[:, None, None, None])
    with pytest.raises(ValueError, match=r"(?i)divide"):
        detection.anomaly_scores(x, 255 * x)


def test_auroc_is_scikit_learns_and_that_of_the_curve():
    scores = torch.randint(6, (30,), generator=torch.Generator().manual_seed(0)).float()  # has ties
    normal = torch.arange(30) % 3 == 0
    assert detection.auroc(scores, normal) == pytest.approx(roc_auc_score(~normal, scores))
    scores = torch.arange(30.0).roll(11)  # has none
    false_alarms, caught = detection.roc(scores, normal)
    assert (false_alarms[0], caught[0], false_alarms[-1], caught[-1]) == (0, 0, 1, 1)
    assert auc(false_alarms, caught) == pytest.approx(detection.auroc(scores, normal))


@pytest.mark.parametrize(("count", "allowed"), [(1, 0.5), (37, 0), (300, 0.05), (300, 1)])
def test_a_threshold_keeps_its_promise_on_the_images_that_set_it(count, allowed):
    scores = torch.rand(count, generator=torch.Generator().manual_seed(count))
    limit = detection.threshold(scores, allowed)
    above = (scores > limit).sum().item()
    assert above <= allowed * count + 1e-6
    assert above >= allowed * (count - 1) - 1.001, "and is no stricter than it need be"
    scores[0] = math.nan
    with pytest.raises(ValueError, match="NaN or infinite"):
        detection.threshold(scores, allowed)


def test_code_distances_are_the_mean_of_the_five_nearest():
    generator = torch.Generator().manual_seed(0)
    codes, new = torch.randn(50, 2, generator=generator), torch.randn(4, 2, generator=generator)
    inverse = torch.linalg.inv(torch.cov(codes.T))
    gaps = new[:, None] - codes[None]
    squared = torch.einsum("nki,ij,nkj->nk", gaps, inverse, gaps)
    expected = squared.sqrt().sort(1).values[:, :5].mean(1)
    assert torch.allclose(detection.CodeDistance(codes).distance(new), expected, rtol=1e-4)
    # A number that never changes does not count.
    codes, new = (torch.cat([part, torch.full((len(part), 1), 7.0)], 1) for part in (codes, new))
    assert torch.allclose(detection.CodeDistance(codes).distance(new), expected, rtol=1e-3)


def test_a_detector_scores_as_its_parts_do(few):
    with seeded(0):
        model = Autoencoder(3).eval()
    known, x = few.only(4).floats(), few.floats()
    found = detection.Detector(model, known).scores(x)
    usual = detection.CodeDistance(metrics.encode(model, known))
    distance = usual.distance(metrics.encode(model, x))
    expected = detection.anomaly_scores(metrics.reconstruct(model, x), x, distance)
    assert list(found) == [*detection.SCORES, detection.WITH_CODE, detection.CODE_ALONE]
    assert all(torch.equal(found[name], expected[name]) for name in found)
    assert torch.equal(found[detection.WITH_CODE], found["blurred share"] * distance.square())
    detector = detection.Detector(model, known)
    usual = detector.scores(known)
    assert detector.threshold(known, 0.1, "mse") == detection.threshold(usual["mse"], 0.1)
    assert detector.threshold(known) == detection.threshold(usual[detection.WITH_CODE])
    with seeded(0):
        model = Autoencoder(3, offset=0.5)
    error = (metrics.reconstruct(model, x) - (x - 0.5)).square().mean((1, 2, 3))
    assert torch.allclose(detection.Detector(model, x).scores(x)["mse"], error, atol=1e-6)


def test_a_detector_needs_codes_that_differ(few):
    known = few.only(4).floats()
    collapsed = Autoencoder(3)
    torch.nn.init.zeros_(collapsed.encoder[-1].weight)
    with pytest.raises(ValueError, match="all the same, as those of a collapsed"):
        detection.Detector(collapsed, known)
