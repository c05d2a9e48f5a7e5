"""Curves: of losses, of errors by latent dimension, and what remains of points on one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from aelib.checks import numbers_of
from aelib.plotting.style import (
    DIGIT_COLORS,
    MARKERS,
    MEAN_COLOR,
    MODEL_COLOR,
    PCA_COLOR,
    axes_or_new,
    check_looks,
    panels,
    plain_ticks,
)
from aelib.training import History


def losses(
    histories: Mapping[str, History], ax: Axes | None = None, against: str = "epochs"
) -> Axes:
    """Draw validation loss (line) and training loss (dashed), one marker a run.

    against: "epochs", or "seconds" of training. Raises ValueError for anything else, and for more
    runs than there are markers.
    """
    check_looks("markers", len(MARKERS), "runs", len(histories))
    if against not in ("epochs", "seconds"):
        raise ValueError(f"against must be epochs or seconds, got {against!r}")
    for name, history in histories.items():
        if not isinstance(history, History):
            raise ValueError(f"{name!r} must be a History, got {type(history).__name__}")
    ax = axes_or_new(ax, (6.5, 3.6))
    for color, marker, (name, history) in zip(
        DIGIT_COLORS, MARKERS, histories.items(), strict=False
    ):
        x = np.cumsum(history.seconds if against == "seconds" else np.ones(history.epochs))
        style: dict[str, Any] = {"color": color, "marker": marker, "ms": 4}
        ax.plot(x, history.val_loss, label=f"{name}, validation", **style)
        ax.plot(x, history.train_loss, "--", lw=1, mfc="white", label=f"{name}, training", **style)
    ax.set(xlabel=against, ylabel="mean squared error", yscale="log")
    plain_ticks(ax)
    ax.legend()
    return ax


def error_by_dim(
    dims: Sequence[int],
    errors: Tensor,
    baselines: Mapping[str, tuple[Sequence[int], Sequence[float]]] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw error against latent dimension: mean over seeds, each seed, and baselines.

    errors: (len(dims), seeds). baselines: name to (dims, errors); a single dim makes a
    horizontal line. Raises ValueError for errors of another shape or below 0, and for more
    baselines than there are kinds of line, three.
    """
    looks = tuple(zip((MEAN_COLOR, PCA_COLOR, DIGIT_COLORS[2]), (":", "--", "-."), strict=True))
    check_looks("lines", len(looks), "baselines", len(baselines or {}))
    numbers_of("dims", dims, "dims", low=0)
    errors = numbers_of("errors", errors, len(dims), "seeds", low=0)
    beside = {
        name: (at, numbers_of(name, values, len(at), low=0))
        for name, (at, values) in (baselines or {}).items()
    }
    ax = axes_or_new(ax, (7, 4))
    for (color, style), (name, (at, values)) in zip(looks, beside.items(), strict=False):
        if len(at) == 1:
            ax.axhline(float(values[0]), color=color, ls=style, label=name)
        else:
            ax.plot(at, values, style, color=color, marker="s", ms=3.5, label=name)
    ax.plot(
        dims, errors.mean(1).numpy(), "-o", color=MODEL_COLOR, label="autoencoder, mean of seeds"
    )
    ax.plot(
        np.repeat(dims, errors.shape[1]),
        errors.flatten().numpy(),
        ".",
        color="black",
        ms=2.5,
        zorder=3,
    )
    ax.set(xlabel="latent dimension d", ylabel="mean squared error (test)", yscale="log")
    plain_ticks(ax)
    ax.legend()
    return ax


def redrawn_points(points: Tensor, redrawn: Mapping[str, Tensor]) -> list[Axes]:
    """Draw points (N, 2) of a plane and what is left of them, one panel for each way.

    redrawn: name to (N, 2), the same points redrawn. A thin line joins each point to its
    redrawing; the title names the mean squared error. Raises ValueError for points of another
    shape, and for more ways than there are colours.
    """
    check_looks("colours", len(DIGIT_COLORS), "ways", len(redrawn))
    points = numbers_of("points", points, "N", 2)
    redrawn = {name: numbers_of(name, drawn, len(points), 2) for name, drawn in redrawn.items()}
    axes = panels(len(redrawn), (4.6 * len(redrawn), 3.6), sharex=True, sharey=True)
    for ax, color, (name, drawn) in zip(axes, DIGIT_COLORS, redrawn.items(), strict=False):
        pairs = torch.stack([points, drawn], 1).numpy()
        ax.add_collection(mpl.collections.LineCollection(list(pairs), color="#bbbbbb", lw=0.7))
        ax.plot(*points.T.numpy(), ".", color="#888888", ms=3, label="points")
        ax.plot(*drawn.T.numpy(), "o", color=color, ms=2.5, label="redrawn")
        error = float((points - drawn).square().mean())
        ax.set_title(f"{name}: mean squared error {error:.4f}", loc="left")
        ax.set_aspect("equal")
        ax.legend(loc="upper left", markerscale=2)
    return axes
