from pathlib import Path

import numpy as np
import torch
from PIL import Image

from aelib.models import Autoencoder
from aelib.workshop import figures

IMAGES = Path(__file__).parents[2] / "images"
FEW = ("latent2", "autoencoder_architecture", "checkerboard_score")


def test_every_figure_of_the_readme_is_made_and_no_other_is_kept():
    assert {path.stem for path in IMAGES.glob("*.png")} == {*figures.FIGURES, "moving"}
    assert (IMAGES / "moving.webp").stat().st_size <= 600_000  # before a reader of README sees it


def test_a_figure_that_looks_the_same_is_not_written_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "FIGURES", {name: figures.FIGURES[name] for name in FEW})
    figures.write_figures(tmp_path)
    drawn = {tmp_path / f"{name}.png": (tmp_path / f"{name}.png").read_bytes() for name in FEW}
    alike, other, _ = drawn
    for path, change in ((alike, 1), (other, 100)):
        pixels = np.array(Image.open(path))
        pixels[5, 5, 0] -= change
        Image.fromarray(pixels).save(path)
    kept = alike.read_bytes()
    figures.write_figures(tmp_path)
    assert alike.read_bytes() == kept != drawn[alike]
    assert all(path.read_bytes() == png for path, png in drawn.items() if path != alike)


def test_the_picture_of_the_network_is_read_from_the_model():
    model = Autoencoder(7)
    stages = figures.stages_of(model)
    shapes = [stage.shape for stage in stages]
    assert shapes[:4] == [(1, 28, 28), (8, 14, 14), (16, 7, 7), (32, 3, 3)]
    assert shapes[-1] == (1, 28, 28) and [stage.shape for stage in stages if stage.is_code] == [
        (7,)
    ]
    assert model.training  # as it was
    drawn = figures.draw_network(model, torch.zeros(1, 1, 28, 28))
    assert {"7", "code"} <= {text.get_text() for text in drawn.texts}
