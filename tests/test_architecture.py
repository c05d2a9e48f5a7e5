import numpy as np
import pytest
import torch

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


def test_bytes_at_the_ends_are_drawn_as_the_floats_that_they_stand_for(few):
    pictures = [
        [np.asarray(image.get_array()) for image in architecture.draw(Autoencoder(2), ends).images]
        for ends in ((few.images[:1], few.images[1:2]), (few.floats()[:1], few.floats()[1:2]))
    ]
    assert len(pictures[0]) == 2 and all(map(np.array_equal, *pictures))
    assert pictures[0][0].max() == few.images[0].max() / 255


@pytest.mark.parametrize("counts", [(1,), (2, 2), (1, 1, 1)])
def test_the_ends_are_one_image_each(counts):
    ends = tuple(torch.zeros(count, 1, 28, 28) for count in counts)
    with pytest.raises(ValueError, match="an input and its reconstruction, one image each"):
        architecture.draw(Autoencoder(2), ends)
