import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from aelib import detection, metrics, zoo
from aelib.models import Autoencoder
from aelib.training import seeded


def images(count, seed=0):
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("score", detection.SCORES)
def test_a_perfect_drawing_is_not_strange_and_a_worse_one_is_stranger(score):
    x, noise = images(5), images(5, seed=1)
    assert torch.equal(detection.anomaly_scores(x, x, score), torch.zeros(5))
    slightly = detection.anomaly_scores(x + 0.1 * noise, x, score)
    assert (detection.anomaly_scores(x + 0.2 * noise, x, score) > slightly).all()


def test_shares_do_not_depend_on_how_much_ink_there_is():
    x, drawn = images(5), images(5, seed=1)
    for score in ("share", "blurred share"):
        full, pale = (detection.anomaly_scores(k * drawn, k * x, score) for k in (1.0, 0.1))
        assert torch.allclose(full, pale, rtol=1e-4)
    assert (
        detection.anomaly_scores(0.1 * drawn, 0.1 * x) < 0.02 * detection.anomaly_scores(drawn, x)
    ).all()


def test_the_blur_forgives_a_stroke_beside_its_place_but_not_a_missing_one():
    stroke = torch.zeros(1, 1, 28, 28)
    stroke[..., 4:24, 13:15] = 1
    beside, missing = stroke.roll(1, 3), torch.zeros_like(stroke)

    def ratio(score):
        return detection.anomaly_scores(beside, stroke, score) / detection.anomaly_scores(
            missing, stroke, score
        )

    assert ratio("blurred share") < 0.5 * ratio("share")
    assert detection.anomaly_scores(missing, stroke, "blurred share") == pytest.approx(1)


def test_scoring_refuses_what_it_cannot_score():
    x = images(2)
    with pytest.raises(ValueError, match=r"one of mse, share, blurred share; got 'ssim'"):
        detection.anomaly_scores(x, x, "ssim")
    with pytest.raises(ValueError, match=r"\(1, 1, 28, 28\) and images \(2, 1, 28, 28\)"):
        detection.anomaly_scores(x[:1], x)
    with pytest.raises(ValueError, match="1 of 2 images hold no ink"):
        detection.anomaly_scores(x, x * torch.tensor([1.0, 0.0])[:, None, None, None], "share")


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=4, max_size=30), st.data())
def test_auroc_is_the_chance_that_a_stranger_scores_higher(values, data):
    cut = data.draw(st.integers(1, len(values) - 1))
    scores = torch.tensor(values, dtype=torch.float32)
    normal = torch.arange(len(values)) < cut
    pairs = scores[~normal][:, None] - scores[normal][None, :]
    expected = ((pairs > 0).double() + (pairs == 0).double() / 2).mean().item()
    assert detection.auroc(scores, normal) == pytest.approx(expected)


def test_auroc_needs_both_kinds():
    scores = torch.arange(4.0)
    for normal in (torch.ones(4, dtype=torch.bool), torch.zeros(4, dtype=torch.bool)):
        with pytest.raises(ValueError, match="need normal images and strangers"):
            detection.auroc(scores, normal)
    with pytest.raises(ValueError, match="one length"):
        detection.auroc(scores, normal[:3])


def test_the_roc_curve_runs_from_nothing_to_everything():
    scores = torch.tensor([0.0, 1.0, 2.0, 3.0])
    false_alarms, caught = detection.roc(scores, torch.tensor([True, False, True, False]))
    assert (false_alarms[0], caught[0]) == (0, 0) and (false_alarms[-1], caught[-1]) == (1, 1)
    assert (false_alarms.diff() >= 0).all() and (caught.diff() >= 0).all()


@settings(deadline=None)
@given(st.integers(1, 300), st.floats(0, 1))
def test_a_threshold_keeps_its_promise_on_the_images_that_set_it(count, allowed):
    scores = torch.rand(count, generator=torch.Generator().manual_seed(count))
    limit = detection.threshold(scores, allowed)
    above = (scores > limit).sum().item()
    assert above <= allowed * count + 1e-6
    assert above >= allowed * (count - 1) - 1.001, "and is no stricter than it need be"


def test_a_threshold_refuses_nonsense():
    with pytest.raises(ValueError, match="no normal images"):
        detection.threshold(torch.tensor([]))
    with pytest.raises(ValueError, match=r"0 to 1, got 5"):
        detection.threshold(torch.arange(3.0), 5)


def test_flags_are_counted_by_digit():
    scores, labels = torch.tensor([1.0, 5.0, 6.0, 7.0]), torch.tensor([3, 3, 0, 3])
    assert detection.flagged_per_digit(scores, labels, 4.0).tolist() == [
        1,
        0,
        0,
        2,
        0,
        0,
        0,
        0,
        0,
        0,
    ]


def test_code_distances_ignore_the_scale_of_the_code():
    codes = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    new = torch.randn(10, 3, generator=torch.Generator().manual_seed(1))
    stretch = torch.tensor([[10.0, 0, 0], [1, 0.1, 0], [0, 0, 1]])
    plain = detection.CodeDistance(codes).distance(new)
    stretched = detection.CodeDistance(codes @ stretch).distance(new @ stretch)
    assert torch.allclose(plain, stretched, rtol=1e-3)
    far = detection.CodeDistance(codes).distance(new + 100)
    assert (far > 10 * plain).all()


def test_code_distances_are_the_mean_of_the_five_nearest():
    generator = torch.Generator().manual_seed(0)
    codes, new = torch.randn(50, 2, generator=generator), torch.randn(4, 2, generator=generator)
    inverse = torch.linalg.inv(torch.cov(codes.T))
    gaps = new[:, None] - codes[None]
    squared = torch.einsum("nki,ij,nkj->nk", gaps, inverse, gaps)
    expected = squared.sqrt().sort(1).values[:, :5].mean(1)
    assert torch.allclose(detection.CodeDistance(codes).distance(new), expected, rtol=1e-4)


def test_a_number_of_the_code_that_never_changes_does_not_count():
    codes = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    constant = codes.clone()
    constant[:, 2] = 7
    plain = detection.CodeDistance(codes[:, :2]).distance(codes[:5, :2])
    assert torch.allclose(detection.CodeDistance(constant).distance(constant[:5]), plain, rtol=1e-3)


def test_codes_of_a_wrong_number_or_size_are_refused():
    codes = torch.randn(50, 3)
    with pytest.raises(ValueError, match="need at least 5 codes of this size, got 4"):
        detection.CodeDistance(codes[:4])
    with pytest.raises(ValueError, match=r"shape \(N, 3\), got \(2, 4\)"):
        detection.CodeDistance(codes).distance(torch.randn(2, 4))


def test_images_of_a_wrong_range_or_blur_are_refused():
    x = images(2)
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
        detection.anomaly_scores(x, 255 * x)
    with pytest.raises(ValueError, match="radius must lie above 0 and up to 9, got 0"):
        detection.blurred(x, 0)


def test_the_published_rows_are_what_the_papers_say_on_average():
    means = {name: sum(row) / 10 for name, row in detection.PUBLISHED.items()}
    assert means["Deep SVDD"] == pytest.approx(94.8, abs=0.05)
    assert means["OCGAN"] == pytest.approx(97.5, abs=0.05)


def test_a_detector_scores_as_its_parts_do(few):
    with seeded(0):
        model = Autoencoder(3).eval()
    known, x = few.only(4).floats(), few.floats()
    found = detection.Detector(model, known).scores(x)
    distance = detection.CodeDistance(metrics.encode(model, known)).distance(
        metrics.encode(model, x)
    )
    expected = detection.all_scores(metrics.reconstruct(model, x), x, distance)
    assert list(found) == [*detection.SCORES, detection.WITH_CODE]
    assert all(torch.equal(found[name], expected[name]) for name in found)


def test_a_detectors_threshold_is_that_of_its_scores(few):
    with seeded(0):
        detector = detection.Detector(Autoencoder(3).eval(), few.only(4).floats())
    normal = few.only(4).floats()
    scores = detector.scores(normal)
    for score in ("mse", detection.WITH_CODE):
        limit = detector.threshold(normal, 0.1, score)
        assert limit == detection.threshold(scores[score], 0.1)
        assert 1 <= (scores[score] > limit).sum() <= 2
    assert detector.threshold(normal) == detection.threshold(scores[detection.WITH_CODE])


def test_the_influence_of_images_is_what_leaving_them_out_shows():
    rng = torch.Generator().manual_seed(0)
    normal = torch.rand(60, generator=rng) < 0.3
    scores = torch.randn(60, generator=rng) + (~normal).float()
    scores[:10] = scores[10:20]  # some ties
    influence = detection.auroc_influence(scores, normal)
    assert influence.shape == (60,) and abs(influence.mean()) < 1e-12
    whole = detection.auroc(scores, normal)
    for i in range(60):
        left = torch.arange(60) != i
        kind = int((normal == normal[i]).sum())
        # Exact for this statistic: the change times what is left of that kind.
        change = (whole - detection.auroc(scores[left], normal[left])) * (kind - 1) * 60 / kind
        assert influence[i] == pytest.approx(change, abs=1e-6)


def test_the_influence_gives_the_standard_error_over_new_images():
    rng, found, errors = torch.Generator().manual_seed(0), [], []
    normal = torch.arange(300) < 100
    for _ in range(200):
        scores = torch.randn(300, generator=rng) + (~normal).float()
        found.append(detection.auroc(scores, normal))
        errors.append(float(detection.auroc_influence(scores, normal).std() / 300**0.5))
    assert torch.tensor(errors).mean() == pytest.approx(torch.tensor(found).std().item(), rel=0.15)


def test_a_detector_needs_codes_that_differ(few):
    known = few.only(4).floats()
    with pytest.raises(ValueError, match="got d = 0"):
        detection.Detector(Autoencoder(0), known)
    collapsed = Autoencoder(3)
    torch.nn.init.zeros_(collapsed.encoder[-1].weight)
    with pytest.raises(ValueError, match="20 codes are all the same, as those of a collapsed"):
        detection.Detector(collapsed, known)
    almost = torch.full((50, 3), 0.3) + 1e-8 * torch.randn(50, 3)
    with pytest.raises(ValueError, match="all the same"):
        detection.CodeDistance(almost)


def test_a_detector_refuses_a_model_that_draws_less_than_the_image(few):
    with pytest.raises(ValueError, match=r"model must have no offset, got 0\.5"):
        detection.Detector(Autoencoder(3, offset=0.5), few.floats())


def test_a_distance_is_not_negative():
    x = images(3)
    with pytest.raises(ValueError, match="each of code_distance must be 0 or more, got -1"):
        detection.all_scores(x, x, torch.tensor([1.0, -1.0, 2.0]))


def test_what_is_recorded_of_a_detector_needs_a_digit_and_a_score_for_each_image():
    labels = {"val": [3, 3, 4, 5], "test": torch.tensor([3, 4, 4, 3])}
    scores = {"val": {"a": [0.1, 0.2, 0.3, 0.4]}, "test": {"a": torch.tensor([0.1, 0.3, 0.4, 0.2])}}
    found = detection.detector_values(scores, labels, 3)["a"]
    assert found["auroc"] == 1 and found["flagged_per_digit"][4] == 2
    for normal in (True, 10, 3.0):
        with pytest.raises(ValueError, match="normal must be a whole number from 0 to 9"):
            detection.detector_values(scores, labels, normal)
    with pytest.raises(ValueError, match=r"a must have shape \(3,\), got \(4,\)"):
        detection.detector_values(scores, labels | {"val": [3, 3, 4]}, 3)


def test_images_without_ink_are_counted_among_all(splits):
    detector = detection.Detector(zoo.load("digit/3"), splits.train.only(3)[:100].images)
    images = torch.cat([torch.zeros(300, 28, 28, dtype=torch.uint8), splits.test.images[:300]])
    with pytest.raises(ValueError, match="300 of 600 images hold no ink"):
        detector.scores(images)


def test_a_detector_takes_a_nearly_blank_image_after_others(splits):
    detector = detection.Detector(zoo.load("digit/3"), splits.train.only(3)[:100].images)
    images = splits.test.images[: metrics.BATCH + 1].clone()
    images[-1] = images[-1] > 0  # ones, of 255
    assert len(detector.scores(images)["mse"]) == len(images)
