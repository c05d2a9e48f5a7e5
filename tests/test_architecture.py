import pytest

from aelib import architecture
from aelib.models import UPSAMPLING, Autoencoder


@pytest.mark.parametrize("kind", UPSAMPLING)
def test_the_architecture_is_read_from_the_model(kind):
    model = Autoencoder(7, kind)
    shapes = [stage.shape for stage in architecture.trace(model)]
    assert shapes[0] == shapes[-1] == (1, 28, 28) and (7,) in shapes
    assert shapes[1:4] == [(8, 14, 14), (16, 7, 7), (32, 3, 3)]
    assert model.training  # as it was
    texts = [text.get_text() for text in architecture.draw(model).texts]
    assert "7" in texts and "code" in texts
