import numpy as np
from PIL import Image

from aelib.workshop import figures

FEW = ("latent2", "autoencoder_architecture", "number3", "test_2", "checkerboard_score")


def test_every_figure_of_the_originals_name_is_made():
    promised = {
        "autoencoder_architecture", "latent", "latent2", "latent5", "latent10", "zero_one",
        "0_1_2", "0_1_6", "test_2", "transpose_16", "unpooling_16", "transpose_2", "unpooling_2",
        *(f"number{digit}" for digit in range(10)),
    }  # fmt: skip
    assert promised <= set(figures.FIGURES)


def test_figures_are_written_and_the_same_each_time(tmp_path, monkeypatch):
    chosen = {name: figures.FIGURES[name] for name in FEW}
    monkeypatch.setattr(figures, "FIGURES", chosen)
    first, second = (
        [path.read_bytes() for path in figures.write_figures(tmp_path / folder)]
        for folder in ("first", "second")
    )
    assert first == second and all(len(png) > 5_000 for png in first)


def test_a_figure_that_looks_the_same_is_not_written_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "FIGURES", {"number3": figures.FIGURES["number3"]})
    (path,) = figures.write_figures(tmp_path)
    drawn = path.read_bytes()
    pixels = np.asarray(Image.open(path)).copy()
    pixels[5, 5] -= 1
    Image.fromarray(pixels).save(path)
    committed = path.read_bytes()
    figures.write_figures(tmp_path)
    assert path.read_bytes() == committed != drawn
    Image.fromarray(255 - pixels).save(path)
    figures.write_figures(tmp_path)
    assert path.read_bytes() == drawn
