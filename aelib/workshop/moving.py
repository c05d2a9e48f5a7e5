"""README's moving picture: a line bends through points, and below it digits become readable.

Both networks learn step by step what the course is about: to say a thing in a few numbers and to
draw it again. The upper one has a single number for each point of a plane, so what it draws is a
line; the lower one has sixteen for a digit.
"""

from __future__ import annotations

import io
from pathlib import Path

import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor, nn

from aelib import plotting, zoo
from aelib.data import Splits
from aelib.metrics import reconstruct
from aelib.optim import Recipe
from aelib.training import Watch, seeded
from aelib.workshop.notebooks import write_picture
from aelib.workshop.sweep import fit_to_the_end

STEPS = [0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 22, 26, 31, 37, 44, 52, 61, 72, 85, 100, 118]
STEPS += [139, 164, 193, 228, 269, 317, 374, 400]
BATCH = 128
POINTS, NOISE = 260, 0.06
FRAME, REST = 140, 2600  # milliseconds that a picture stands, and the last one
SIZE = (7.2, 3.1)  # inches


def lines() -> tuple[Tensor, list[Tensor]]:
    """Return a cloud of points (N, 2), and at each of STEPS the line on which they are drawn."""
    with seeded(4):
        along = 2 * torch.rand(POINTS, 1) - 1
        cloud = torch.cat([1.6 * along, 0.55 * torch.sin(3.4 * along)], 1)
        cloud += NOISE * torch.randn(cloud.shape)
        encoder = nn.Sequential(nn.Linear(2, 24), nn.Tanh(), nn.Linear(24, 1))
        decoder = nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 2))
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=0.02)
    drawn = []
    for step in range(max(STEPS) + 1):
        codes = encoder(cloud)
        if step in STEPS:
            with torch.no_grad():
                ends = torch.linspace(float(codes.min()), float(codes.max()), 120)
                drawn.append(decoder(ends[:, None]))
        optimizer.zero_grad()
        nn.functional.mse_loss(decoder(codes), cloud).backward()
        optimizer.step()
    return cloud, drawn


def digits(splits: Splits) -> list[Tensor]:
    """Return what a network with 16 numbers draws of ten test digits at each of STEPS."""
    examples = splits.test.floats()[splits.test.first_of_each()]
    drawn: list[Tensor] = []

    def look(model: nn.Module) -> float:
        drawn.append(reconstruct(model, examples))
        return 0.0

    few = splits.train[: max(STEPS) * BATCH]
    recipe = Recipe(epochs=1, batch_size=BATCH, adam_lr=0.003)
    data, watch = (few, splits.val[:1000], recipe), Watch(look, STEPS)
    fit_to_the_end("README's picture", zoo.untrained("latent/16"), *data, watch=watch)
    return drawn


def _picture(cloud: Tensor, line: Tensor, drawn: Tensor, step: int) -> Image.Image:
    figure = Figure(figsize=SIZE, dpi=144, facecolor="white")
    above, below = figure.add_axes((0, 0.3, 1, 0.7)), figure.add_axes((0.02, 0.02, 0.96, 0.25))
    above.scatter(cloud[:, 0], cloud[:, 1], s=9, color="#9aa3ad", linewidths=0)
    above.plot(line[:, 0], line[:, 1], color="#2f66c9", lw=3, solid_capstyle="round")
    above.set(xlim=(-2.1, 2.1), ylim=(-0.9, 0.9))
    above.text(-2.03, -0.82, f"step {step}", color="#5b626a", fontsize=9)
    below.imshow(plotting.montage([drawn]), cmap="gray_r", vmin=0, vmax=1)
    for ax in (above, below):
        ax.axis("off")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return Image.open(buffer).convert("RGB")


def write_moving(folder: Path, splits: Splits) -> None:
    """Write the film and its last picture, for who wants no motion."""
    film, still = folder / "moving.webp", folder / "moving.png"
    cloud, bent = lines()
    shown = [
        _picture(cloud, line, drawn, step)
        for line, drawn, step in zip(bent, digits(splits), STEPS, strict=True)
    ]
    before = still.read_bytes() if still.exists() else b""
    png = io.BytesIO()
    shown[-1].quantize(64, dither=Image.Dither.NONE).save(png, "png", optimize=True)
    write_picture(still, png.getvalue())
    if still.read_bytes() != before or not film.exists():
        look = {"append_images": shown[1:], "quality": 70}
        times = [FRAME] * (len(shown) - 1) + [REST]
        shown[0].save(film, None, save_all=True, duration=times, loop=0, **look)
