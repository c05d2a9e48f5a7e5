import itertools
import math

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch import nn

from aelib import metrics
from aelib.models import Autoencoder


def test_mse_per_image_is_the_mean_over_pixels_and_pairs_images_one_by_one():
    a, b = torch.zeros(2, 1, 28, 28), torch.zeros(2, 1, 28, 28)
    b[1, 0, 0, :28] = 1
    assert metrics.mse_per_image(a, b).tolist() == pytest.approx([0, 1 / 28])
    for other in (b[:1], b[:, 0]):
        with pytest.raises(ValueError, match="same shape"):
            metrics.mse_per_image(a, other)


def test_mean_per_digit_is_nan_where_there_is_nothing():
    result = metrics.mean_per_digit(torch.tensor([1.0, 3.0, 5.0]), torch.tensor([0, 0, 7]))
    assert result[0] == 2 and result[7] == 5 and math.isnan(result[1])


def test_a_look_leaves_a_model_as_it_was(few):
    model = nn.Sequential(nn.BatchNorm2d(1), nn.Dropout(0.5), nn.Identity()).train()
    model[2].eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    x = few.floats()
    drawn = metrics.reconstruct(model, x)
    assert torch.equal(drawn, metrics.reconstruct(model, x)) and not drawn.requires_grad
    assert torch.allclose(drawn, x, atol=1e-4), "judged in eval mode"
    assert [layer.training for layer in model] == [True, True, False]
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_bytes_and_floats_are_the_same_images(few):
    model = Autoencoder(2)
    with pytest.raises(ValueError, match=r"the model drew \(200, .* from images \("):
        metrics.reconstruct(nn.MaxPool2d(2), few.floats())
    shifted, x = Autoencoder(2, offset=0.5).eval(), few.floats()
    with torch.inference_mode():
        assert torch.equal(metrics.encode(shifted, x), shifted.encoder(x - 0.5)), "its own range"
    for see in (metrics.reconstruct, metrics.encode):
        assert torch.equal(see(model, few.images), see(model, few.floats()))
        with pytest.raises(ValueError, match=r"(?i)divide"):
            see(model, few.images.float())


def test_reading_clips_and_reads():
    x = torch.zeros(2, 1, 28, 28)
    x[0, 0, 0, 4], x[0, 0, 0, 9], x[1, 0, 0, :9] = 1, 2, -3  # 2 is no more ink than 1
    assert metrics.read_digits(nn.Flatten(), x).tolist() == [4, 0]


def plane(gap):
    """Codes of ten digits: 0 and 1 are `gap` apart, the others far away from both."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(10).repeat(60)
    centres = 50 * torch.arange(10.0)[:, None].expand(10, 2).clone()
    centres[1] = centres[0] + torch.tensor([gap, 0.0])
    return centres[labels] + torch.randn(600, 2, generator=generator), labels


def test_class_overlap_is_one_for_mixed_and_zero_for_separate_digits():
    codes, labels = plane(gap=0)
    mixed = metrics.class_overlap(codes, labels)
    assert mixed[0, 1] == pytest.approx(1, abs=0.1) and mixed[2, 3] == 0
    assert torch.equal(mixed, mixed.T) and (mixed.diagonal() == 1).all()
    stretched = metrics.class_overlap(codes * torch.tensor([100.0, 0.01]), labels)
    assert torch.allclose(mixed, stretched), "whatever the scale of an axis"
    apart = metrics.class_overlap(*plane(gap=20))
    assert apart[0, 1] == 0


def test_plane_values_name_their_subsets():
    codes, labels = plane(gap=0)
    found = metrics.plane_values(codes, labels, codes, labels)
    assert set(found["knn_subsets"]) == {"0 1", "0 1 2", "0 1 6", "0 1 2 3 4 5 6 7 8 9"}
    assert found["knn_subsets"]["0 1"] < 0.75 < found["knn_accuracy"]


def test_a_linear_probe_needs_straight_cuts():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(400) % 2
    apart = torch.randn(400, 2, generator=generator) + 8 * labels[:, None]
    angle = 2 * math.pi * torch.rand(400, generator=generator)
    rings = torch.stack([angle.cos(), angle.sin()], 1) * (1 + 3 * labels[:, None])
    assert metrics.probe_accuracy(apart, labels, apart, labels) == 1
    assert metrics.probe_accuracy(rings, labels, rings, labels) < 0.7
    assert metrics.knn_accuracy(rings, labels, rings, labels) == 1


def test_codes_are_decoded_as_the_model_does(few):
    model = Autoencoder(2).eval()
    codes = torch.randn(5, 2)
    drawn = metrics.decode(model, codes)
    assert torch.equal(drawn, model.decode(codes)) and not drawn.requires_grad
    assert metrics.decode(Autoencoder(0).eval(), torch.zeros(3, 0)).shape == (3, 1, 28, 28)


@pytest.fixture(scope="module")
def linear(splits):
    return metrics.LinearAutoencoder(splits.train[::20], max_dim=20)


def test_class_variance_is_the_error_of_the_digits_own_mean(few):
    part = few.only(3).floats()
    expected = (part - part.mean(0)).square().mean().item()
    assert metrics.class_variance(few, few)[3].item() == pytest.approx(expected, abs=1e-6)


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
    with pytest.raises(ValueError, match="only 20 components are kept, see max_dim"):
        linear.encode(x, 21)
