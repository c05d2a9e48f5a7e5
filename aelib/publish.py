"""Making the published things again: executed notebooks, and the README's figures."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import nbformat
import torch
from matplotlib.axes import Axes
from nbclient import NotebookClient
from nbformat import NotebookNode
from torch import Tensor

from aelib import plotting, zoo
from aelib.checkerboards import checkerboard_score
from aelib.data import DIGITS, Splits, load_mnist, write_atomically
from aelib.drawing import architecture
from aelib.metrics import LinearAutoencoder, encode, mean_image, mse_per_image, reconstruct
from aelib.models import UPSAMPLING
from aelib.optim import ORIGINAL, Recipe
from aelib.sweep import WATCHED_IMAGES
from aelib.training import fit
from aelib.widgets import figure_png

CELL_TIMEOUT = 300
EARLY_STEPS = 150  # when digits can be read and the grid is still there
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
# Progress bars are for people who wait, not for the published page.
QUIET = {"TQDM_DISABLE": "1"}


# --- Notebooks ------------------------------------------------------------------------


def execute(path: Path) -> None:
    """Execute a notebook in place so that a second time changes nothing.

    Nothing that depends on the moment is stored: no timestamps, widget ids counted from
    zero, stream outputs in one piece. A cell's metadata entry "alt" becomes the text
    alternative of its pictures. If a cell fails the file is left as it was and
    nbclient's CellExecutionError says which.
    """
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.pop("widgets", None)  # else sliders that are gone would stay
    before = {name: os.environ.get(name) for name in QUIET}
    os.environ.update(QUIET)
    try:
        client = NotebookClient(
            notebook,
            timeout=CELL_TIMEOUT,
            kernel_name="python3",
            record_timing=False,
            extra_arguments=["--log-level=ERROR"],
            resources={"metadata": {"path": str(path.parent)}},
        )
        client.execute()
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    tidy(notebook)
    write_atomically(path, dump(notebook).encode())


def tidy(notebook: NotebookNode) -> None:
    """Remove what depends on the moment from an executed notebook, in place."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata.pop("execution", None)
            cell.outputs = _joined_streams(cell.outputs)
            for output in cell.outputs:
                _describe(output, cell.metadata.get("alt"))
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {
                "display_name": "Python 3 (ipykernel)",
                "language": "python",
                "name": "python3",
            },
            "language_info": {"name": "python"},
        }
        | ({"widgets": notebook.metadata.widgets} if "widgets" in notebook.metadata else {})
    )
    _renumber_widgets(notebook)


def dump(notebook: NotebookNode) -> str:
    """Return a notebook as the text of its file, as JupyterLab would save it."""
    return nbformat.writes(notebook) + "\n"


def _joined_streams(outputs: list[NotebookNode]) -> list[NotebookNode]:
    joined: list[NotebookNode] = []
    for output in outputs:
        last = joined[-1] if joined else None
        is_stream = output.output_type == "stream"
        if is_stream and last and last.output_type == "stream" and last.name == output.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined


def _describe(output: NotebookNode, alt: str | None) -> None:
    if alt and "image/png" in output.get("data", {}):
        output.setdefault("metadata", NotebookNode())
        output.metadata["image/png"] = {"alt": alt}


def _renumber_widgets(notebook: NotebookNode) -> None:
    state = notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    if not state:
        return
    numbers = {old: f"{number:032x}" for number, old in enumerate(state)}
    pattern = re.compile("|".join(map(re.escape, numbers)))

    def renumbered(part: Any) -> Any:
        text = json.dumps(part)
        return json.loads(pattern.sub(lambda found: numbers[found.group()], text))

    notebook.metadata = nbformat.from_dict(renumbered(notebook.metadata))
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "application/vnd.jupyter.widget-view+json" in output.get("data", {}):
                output.data = nbformat.from_dict(renumbered(output.data))


# --- Figures --------------------------------------------------------------------------


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
        labels = self.splits.test.labels
        first = [int(torch.nonzero(labels == digit)[0]) for digit in range(10)]
        return self.test[first]

    @cached_property
    def linear(self) -> LinearAutoencoder:
        """PCA of the training images."""
        return LinearAutoencoder(self.splits.train)


def draw_architecture(studio: Studio) -> Axes:
    """Draw the network of `latent/16` with a real digit at both ends."""
    model = zoo.load("latent/16")
    image = studio.examples[2:3]
    return architecture(model, (image, reconstruct(model, image)))


def draw_latent(studio: Studio, latent_dim: int) -> Axes:
    """Draw the ten example digits above their reconstructions by `latent/{latent_dim}`."""
    drawn = reconstruct(zoo.load(f"latent/{latent_dim}"), studio.examples)
    return plotting.plate({"original": studio.examples, f"d = {latent_dim}": drawn})


def draw_all_latents(studio: Studio) -> Axes:
    """Draw the example digits above their reconstructions at every latent dimension."""
    rows = {"original": studio.examples}
    for d in zoo.LATENT_DIMS:
        rows[f"d = {d}"] = reconstruct(zoo.load(f"latent/{d}"), studio.examples)
    return plotting.plate(rows)


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
    errors = torch.stack([zoo.figures(f"latent/{d}", "test_mse") for d in dims])
    return plotting.error_by_dim(
        dims, errors, {"mean image": ((0,), (blank,)), "PCA": (dims, linear)}
    )


def draw_number(studio: Studio, digit: int) -> Axes:
    """Draw the example digits above what the model of one digit makes of them."""
    drawn = reconstruct(zoo.load(f"digit/{digit}"), studio.examples)
    return plotting.plate({"input": studio.examples, f"model {digit}": drawn})


def draw_numbers(studio: Studio) -> Axes:
    """Draw the example digits above what each of the ten one-digit models makes of them."""
    rows = {"input": studio.examples}
    for digit in DIGITS:
        rows[f"model {digit}"] = reconstruct(zoo.load(f"digit/{digit}"), studio.examples)
    return plotting.plate(rows, [str(digit) for digit in DIGITS])


def draw_upsampled(studio: Studio, kind: str, latent_dim: int) -> Axes:
    """Draw the example digits above their reconstructions by `up/{kind}/{latent_dim}`."""
    drawn = reconstruct(zoo.load(f"up/{kind}/{latent_dim}"), studio.examples)
    return plotting.plate({"original": studio.examples, kind: drawn})


def draw_early(studio: Studio) -> Axes:
    """Draw the example digits after 150 training steps with transposed convolutions."""
    model = zoo.find("up/transpose/16").build(0)
    short = Recipe(epochs=1, batch_size=128, adam_lr=ORIGINAL.adam_lr)
    few = studio.splits.train[: EARLY_STEPS * short.batch_size]
    fit(model, few, studio.splits.val, short, device="cpu", progress=False)
    drawn = reconstruct(model, studio.examples)
    return plotting.plate({"original": studio.examples, f"{EARLY_STEPS} steps": drawn})


def draw_checkerboards(studio: Studio) -> Axes:
    """Draw the checkerboard score of the six ways of up-sampling while they are trained."""
    curves = {}
    for kind in UPSAMPLING:
        runs = [zoo.history(f"up/{kind}/16", seed).watched for seed in zoo.SEEDS]
        values = torch.tensor([[value for _, value in run] for run in runs])
        curves[kind] = [step for step, _ in runs[0]], values
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
    """Write every figure of the README to `folder` as PNG and return the paths."""
    plotting.use_style()
    studio, paths = Studio(load_mnist()), []
    for name, draw in FIGURES.items():
        ax = draw(studio)
        path = folder / f"{name}.png"
        write_atomically(path, figure_png(ax))
        plt.close(ax.figure)
        paths.append(path)
    return paths
