import matplotlib
import matplotlib.pyplot as plt
import pytest
import torch

from aelib.data import load_mnist

matplotlib.use("agg")


@pytest.fixture(scope="session")
def splits():
    return load_mnist()


@pytest.fixture(scope="session")
def few(splits):
    """Two hundred training images, twenty of each digit."""
    labels = splits.train.labels
    chosen = torch.cat([torch.nonzero(labels == digit)[:20, 0] for digit in range(10)])
    return splits.train[chosen]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")
