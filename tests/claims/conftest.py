import pytest

from aelib import metrics


@pytest.fixture(scope="session")
def test_images(splits):
    return splits.test.floats()


@pytest.fixture(scope="session")
def mean_error(splits, test_images):
    return (test_images - metrics.mean_image(splits.train)).square().mean().item()


@pytest.fixture(scope="session")
def pca(splits, test_images):
    linear = metrics.LinearAutoencoder(splits.train)
    return [
        (linear.reconstruct(test_images, d) - test_images).square().mean().item() for d in range(33)
    ]


@pytest.fixture(scope="session")
def variance(splits):
    return metrics.class_variance(splits.train, splits.test)
