import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from aelib import baselines, metrics
from aelib.data import Digits


@pytest.fixture(scope="module")
def linear(splits):
    return baselines.LinearAutoencoder(splits.train[::20], max_dim=20)


def test_nothing_constant_beats_the_mean_image(few):
    x, mean = few.floats(), baselines.mean_image(few)
    best = (x - mean).square().mean()
    assert (
        best < (x - mean - 0.01).square().mean() and best < (x - mean.roll(1, -1)).square().mean()
    )


def test_class_variance_is_the_error_of_the_digits_own_mean(few):
    expected = [
        (part.floats() - part.floats().mean(0)).square().mean()
        for part in (few.only(d) for d in range(10))
    ]
    found = baselines.class_variance(few, few)
    assert torch.allclose(found, torch.stack(expected).double(), atol=1e-6)


def test_pca_is_scikit_learns_with_its_signs(splits, linear):
    known = splits.train[::20]  # 2,750 images: more than one part, and a smaller one at the end
    pca = PCA(20, svd_solver="covariance_eigh").fit(known.floats().flatten(1).double().numpy())
    assert np.allclose(linear.components.flatten(1).numpy(), pca.components_, atol=1e-5)
    assert np.allclose(linear.mean.flatten().numpy(), pca.mean_, atol=1e-6)


def test_pca_with_nothing_is_the_mean_and_improves_with_every_number(splits, linear):
    x = splits.test[:500].floats()
    errors = [metrics.mse_per_image(linear.reconstruct(x, d), x).mean() for d in range(21)]
    assert errors[0] == pytest.approx((x - linear.mean).square().mean().item(), rel=1e-5)
    assert all(a > b for a, b in itertools.pairwise(errors))
    with pytest.raises(ValueError, match="0 to 20"):
        linear.encode(x, 21)


@settings(max_examples=20, deadline=None)
@given(d=st.integers(0, 20))
def test_pca_reconstructs_its_own_pictures_exactly(linear, d):
    codes = torch.randn(3, d, generator=torch.Generator().manual_seed(d))
    assert torch.allclose(linear.encode(linear.decode(codes), d), codes, atol=1e-4)


def test_the_nearest_image_is_the_most_similar_known_one(splits):
    known = splits.train.only(4)[:50]
    detector = baselines.NearestImage(known)
    assert torch.equal(detector.reconstruct(known.floats()), known.floats())
    x = splits.test.floats()[:20]
    brute = torch.cdist(x.flatten(1), known.floats().flatten(1)).argmin(1)
    assert torch.equal(detector.reconstruct(x), known.floats()[brute])


def test_through_a_blur_a_shifted_copy_is_nearest():
    known = torch.zeros(2, 28, 28, dtype=torch.uint8)
    known[0, 4:24, 10] = 255  # the input's stroke, one pixel beside it
    known[1, 4:14, 11] = 255  # half of the stroke in its place, and nothing else
    seen = torch.zeros(1, 1, 28, 28)
    seen[..., 4:24, 11] = 1
    digits = Digits(known, torch.tensor([1, 1]))
    assert torch.equal(baselines.NearestImage(digits).reconstruct(seen)[0], digits.floats()[1])
    blurred = baselines.NearestImage(digits, blur=1.0).reconstruct(seen)
    assert torch.equal(blurred[0], digits.floats()[0])


def test_no_test_images_have_no_variance(splits):
    assert baselines.class_variance(splits.val, splits.test[:0]).isnan().all()
