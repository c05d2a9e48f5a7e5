import pytest

from aelib import baselines


@pytest.fixture(scope="session")
def test_images(splits):
    return splits.test.floats()


@pytest.fixture(scope="session")
def mean_error(splits, test_images):
    return (test_images - baselines.mean_image(splits.train)).square().mean().item()


@pytest.fixture(scope="session")
def pca(splits, test_images):
    linear = baselines.LinearAutoencoder(splits.train)
    return [
        (linear.reconstruct(test_images, d) - test_images).square().mean().item() for d in range(33)
    ]


@pytest.fixture(scope="session")
def variance(splits):
    return baselines.class_variance(splits.train, splits.test)
