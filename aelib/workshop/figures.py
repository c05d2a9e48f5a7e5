"""Drawing the figures that README shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from torch import Tensor

from aelib import architecture, plotting, zoo
from aelib.baselines import LinearAutoencoder, mean_image
from aelib.checkerboards import checkerboard_score
from aelib.data import DIGITS, Splits, load_mnist
from aelib.files import expanded
from aelib.metrics import encode, mse_per_image, reconstruct
from aelib.models import UPSAMPLING, Autoencoder
from aelib.optim import ORIGINAL, Recipe
from aelib.workshop.pictures import write_picture
from aelib.workshop.running import fit_to_the_end
from aelib.workshop.sweep import WATCHED_IMAGES

EARLY_STEPS = 150  # when digits can be read and the grid is still there


@dataclass(frozen=True)
class Studio:
    """What the figures are drawn from."""

    splits: Splits

    @cached_property
    def test(self) -> Tensor:
        """The test images, float32 (10000, 1, 28, 28)."""
        return self.splits.test.floats()

    @cached_property
    def examples(self) -> Tensor:
        """The first test image of each digit, (10, 1, 28, 28): what the original shows."""
        return self.test[self.splits.test.first_of_each()]

    @cached_property
    def linear(self) -> LinearAutoencoder:
        """PCA of the training images."""
        return LinearAutoencoder(self.splits.train)


def draw_architecture(studio: Studio) -> Axes:
    """Draw the network of `latent/16` with a real digit at both ends."""
    model = zoo.load("latent/16")
    image = studio.examples[2:3]
    return architecture.draw(model, (image, reconstruct(model, image)))


def draw_latent(studio: Studio, latent_dim: int) -> Axes:
    """Draw the ten example digits above their reconstructions by `latent/{latent_dim}`."""
    drawn = reconstruct(zoo.load(f"latent/{latent_dim}"), studio.examples)
    return plotting.image_grid({"test digit": studio.examples, f"d = {latent_dim}": drawn})


def draw_all_latents(studio: Studio) -> Axes:
    """Draw the example digits above their reconstructions at every latent dimension."""
    rows = {"test digit": studio.examples}
    for d in zoo.LATENT_DIMS:
        rows[f"d = {d}"] = reconstruct(zoo.load(f"latent/{d}"), studio.examples)
    return plotting.image_grid(rows)


def draw_plane(studio: Studio, *digits: int) -> Axes:
    """Draw the test images of some digits as points in the plane of `latent/2`."""
    chosen = studio.splits.test.only(*digits)
    return plotting.scatter_codes(encode(zoo.load("latent/2"), chosen.floats()), chosen.labels)


def draw_error_curve(studio: Studio) -> Axes:
    """Draw test error against latent dimension beside PCA and the mean image."""
    dims, images = zoo.LATENT_DIMS, studio.test
    linear = [
        mse_per_image(studio.linear.reconstruct(images, d), images).mean().item() for d in dims
    ]
    blank = mse_per_image(mean_image(studio.splits.train).expand_as(images), images).mean().item()
    errors = torch.stack([zoo.values(f"latent/{d}", "test_mse") for d in dims])
    return plotting.error_by_dim(
        dims, errors, {"mean image": ((0,), (blank,)), "PCA": (dims, linear)}
    )


def draw_number(studio: Studio, digit: int) -> Axes:
    """Draw the example digits above what the model of one digit makes of them."""
    drawn = reconstruct(zoo.load(f"digit/{digit}"), studio.examples)
    return plotting.image_grid({"input": studio.examples, f"model {digit}": drawn})


def draw_numbers(studio: Studio) -> Axes:
    """Draw the example digits above what each of the ten one-digit models makes of them."""
    rows = {"input": studio.examples}
    for digit in DIGITS:
        rows[f"model {digit}"] = reconstruct(zoo.load(f"digit/{digit}"), studio.examples)
    return plotting.image_grid(rows, [str(digit) for digit in DIGITS])


def draw_upsampled(studio: Studio, kind: str, latent_dim: int) -> Axes:
    """Draw the example digits above their reconstructions by `up/{kind}/{latent_dim}`."""
    drawn = reconstruct(zoo.load(f"up/{kind}/{latent_dim}"), studio.examples)
    return plotting.image_grid({"test digit": studio.examples, kind: drawn})


def draw_early(studio: Studio) -> Axes:
    """Draw the example digits after 150 training steps with transposed convolutions."""
    model = zoo.experiment("up/transpose/16").build(0)
    assert isinstance(model, Autoencoder)
    short = Recipe(epochs=1, batch_size=128, adam_lr=ORIGINAL.adam_lr)
    few = studio.splits.train[: EARLY_STEPS * short.batch_size]
    fit_to_the_end("the figure of early training", model, few, studio.splits.val, short)
    drawn = reconstruct(model, studio.examples)
    return plotting.image_grid({"test digit": studio.examples, f"{EARLY_STEPS} steps": drawn})


def draw_checkerboards(studio: Studio) -> Axes:
    """Draw the checkerboard score of the six ways of up-sampling while they are trained."""
    curves = {kind: zoo.watched(f"up/{kind}/16") for kind in UPSAMPLING}
    real = checkerboard_score(studio.splits.val[:WATCHED_IMAGES].floats())
    return plotting.score_by_step(curves, {"real digits": real})


FIGURES: dict[str, Callable[[Studio], Axes]] = {
    "autoencoder_architecture": draw_architecture,
    "latent": lambda studio: draw_latent(studio, 1),
    "latent2": lambda studio: draw_latent(studio, 2),
    "latent5": lambda studio: draw_latent(studio, 5),
    "latent10": lambda studio: draw_latent(studio, 10),
    "latent_all": draw_all_latents,
    "latent_error": draw_error_curve,
    "zero_one": lambda studio: draw_plane(studio, 0, 1),
    "0_1_2": lambda studio: draw_plane(studio, 0, 1, 2),
    "0_1_6": lambda studio: draw_plane(studio, 0, 1, 6),
    **{f"number{digit}": partial(draw_number, digit=digit) for digit in DIGITS},
    "number_all": draw_numbers,
    "test_2": draw_early,
    "transpose_16": lambda studio: draw_upsampled(studio, "transpose", 16),
    "unpooling_16": lambda studio: draw_upsampled(studio, "nearest", 16),
    "transpose_2": lambda studio: draw_upsampled(studio, "transpose", 2),
    "unpooling_2": lambda studio: draw_upsampled(studio, "nearest", 2),
    "checkerboard_score": draw_checkerboards,
}


def write_figures(folder: Path) -> list[Path]:
    """Write every figure of README to `folder` as PNG, and return the paths.

    One that looks the same as the file that is there stays as it is.
    """
    plotting.use_style()
    studio, paths = Studio(load_mnist()), []
    for name, draw in FIGURES.items():
        ax = draw(studio)
        path = expanded(folder) / f"{name}.png"
        write_picture(path, plotting.figure_png(ax))
        plt.close(plotting.figure_of(ax))
        paths.append(path)
    return paths
