"""Everything that is recorded of a trained model, and what a training step costs.

The measures themselves are in `metrics`, `detection`, `strokes` and `checkerboards`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from timeit import timeit
from typing import Any

import torch
from torch import Tensor, nn

from aelib.checkerboards import by_phase, checkerboard_score
from aelib.data import DIGITS, Splits
from aelib.detection import Detector, auroc, flagged_per_digit, threshold
from aelib.metrics import (
    class_overlap,
    encode,
    knn_accuracy,
    mean_per_digit,
    mse_per_image,
    plane_values,
    probe_accuracy,
    read_digits,
    reconstruct,
)
from aelib.models import UPSAMPLING, Autoencoder
from aelib.optim import COURSE, ORIGINAL, make_optimizers
from aelib.strokes import INK, INKS, breadth, by_quarter, has_loop
from aelib.workshop.batch_last import BatchLast, one_thread
from aelib.workshop.comparing import baseline_scores


def measure_digits(
    model: Autoencoder,
    splits: Splits,
    judges: Sequence[nn.Module],
    only: int | None = None,
    with_codes: bool = False,
) -> dict[str, Any]:
    """Return what is recorded of an autoencoder on MNIST, as plain numbers and lists.

    test_mse and test_mse_per_digit; confusion_per_judge, 10 x 10 counts of what each judge
    reads, and their mean as confusion, read_right and read_right_per_digit; checkerboard and
    checkerboard_4, the score for periods of 2 and 4 pixels; error_by_phase and
    residual_by_phase, the mean squared error and the mean of drawing less image at each of the
    four phases of a 2 x 2 grid; with latent_dim 2 what `metrics.plane_values` gives, with 1 its
    knn_accuracy and place_per_digit; with either read_right_cut_per_judge, what is read of
    drawings that lost all below one half. Of a model trained on one digit, `only`, also what
    `_digit_values` says; and with_codes knn_accuracy and probe_accuracy, how well codes tell
    digits apart.
    """
    test, images = splits.test, splits.test.floats()
    output = reconstruct(model, images)
    residuals = output - (images - model.offset)
    errors = mse_per_image(output, images - model.offset)
    # A model with offset 0.5 can draw ink only up to 0.5. Its pictures are brought to the
    # full range, as a plot does it, before somebody reads them.
    shown = output / (1 - model.offset)
    counts = torch.stack([confusion(test.labels, read_digits(judge, shown)) for judge in judges])
    mean = counts.double().mean(0)
    result = {
        "test_mse": errors.double().mean().item(),
        "test_mse_per_digit": mean_per_digit(errors, test.labels).tolist(),
        "read_right": (mean.trace() / mean.sum()).item(),
        "read_right_per_digit": _right_per_digit(mean),
        "confusion": [[round(count, 1) for count in row] for row in mean.tolist()],
        "confusion_per_judge": counts.tolist(),
        "checkerboard": checkerboard_score(output),
        "checkerboard_4": checkerboard_score(output, period=4),
        "error_by_phase": by_phase(residuals.square()).tolist(),
        "residual_by_phase": by_phase(residuals).tolist(),
    }
    if model.latent_dim in (1, 2) and not model.offset:
        # What the original's range would leave of these drawings, brought to full range.
        cut = 2 * (output - 0.5).clamp(min=0)
        read = [confusion(test.labels, read_digits(judge, cut)) for judge in judges]
        result["read_right_cut_per_judge"] = [_right_per_digit(counts) for counts in read]
    if model.latent_dim == 1:
        # The median place of each digit's codes among all test codes, in per cent.
        ranks = encode(model, images).flatten().argsort().argsort().double()
        places = [ranks[test.labels == digit].median().item() for digit in DIGITS]
        result["place_per_digit"] = [100 * place / (len(test) - 1) for place in places]
    if only is not None:
        result |= _digit_values(model, splits, output, only)
    if model.latent_dim in (1, 2) or with_codes:
        train = splits.train
        codes, test_codes = encode(model, train.floats()), encode(model, images)
        known = (codes, train.labels, test_codes, test.labels)
        if model.latent_dim == 2:
            result |= plane_values(*known)
        else:
            result["knn_accuracy"] = knn_accuracy(*known)
        if with_codes:
            result["probe_accuracy"] = probe_accuracy(*known)
    return result


def _digit_values(model: Autoencoder, splits: Splits, output: Tensor, only: int) -> dict[str, Any]:
    """Return what is asked only of one-digit models.

    detector, as `detector_values`; and of each digit's drawings the mean squared error
    by_quarter, the share has_loop (and loops, the same for each threshold of `strokes.INKS`),
    and the mean breadth.
    """
    test, detector = splits.test, Detector(model, splits.train.only(only).floats())
    scores = [detector.scores(part.floats()) for part in (splits.val, test)]
    error = by_quarter(output - test.floats())
    loops = [mean_per_digit(has_loop(output, ink), test.labels).tolist() for ink in INKS]
    return {
        "detector": detector_values(splits, only, *scores),
        "by_quarter": [error[test.labels == digit].mean(0).tolist() for digit in DIGITS],
        "has_loop": loops[INKS.index(INK)],
        "loops": loops,
        "breadth": mean_per_digit(breadth(output), test.labels).tolist(),
    }


def measure_letters(model: Autoencoder, splits: Splits) -> dict[str, Any]:
    """Return what is recorded of an autoencoder on letters of Hangul.

    test_mse, and by letter test_mse_per_letter and wrong_per_letter, the squared error as a
    share of the letter's own squared ink; knn_accuracy, and with 2 numbers class_overlap, of
    the codes.
    """
    test, images = splits.test, splits.test.floats()
    errors = mse_per_image(reconstruct(model, images), images)
    ink = images.square().mean((1, 2, 3))
    per_letter = mean_per_digit(errors, test.labels)
    result = {
        "test_mse": errors.double().mean().item(),
        "test_mse_per_letter": per_letter.tolist(),
        "wrong_per_letter": (per_letter / mean_per_digit(ink, test.labels)).tolist(),
    }
    if model.latent_dim:
        codes, known = encode(model, images), encode(model, splits.train.floats())
        result["knn_accuracy"] = knn_accuracy(known, splits.train.labels, codes, test.labels)
    if model.latent_dim == 2:
        result["class_overlap"] = class_overlap(codes, test.labels).tolist()
    return result


def measure_baselines(splits: Splits, normal: int) -> dict[str, Any]:
    """Return what simple detectors reach on the protocol of the one-digit models.

    normal: the digit whose training images they know. The detectors are those of
    `baseline_scores`; each maps to what `detector_values` gives for every score that it has.
    """
    known = splits.train.only(normal)
    val, test = (baseline_scores(known, part.floats()) for part in (splits.val, splits.test))
    return {name: detector_values(splits, normal, val[name], test[name]) for name in test}


def detector_values(
    splits: Splits, normal: int, val: dict[str, Tensor], test: dict[str, Tensor]
) -> dict[str, Any]:
    """Return what is recorded of a detector, for each score that it gives the images of two splits.

    Thresholds come from the normal images of "val". Per score: val_auroc, auroc, threshold, and
    flagged_per_digit, the number of test images of each digit above the threshold.
    """
    values = {}
    for name in val:
        limit = threshold(val[name][splits.val.labels == normal])
        values[name] = {
            "val_auroc": auroc(val[name], splits.val.labels == normal),
            "auroc": auroc(test[name], splits.test.labels == normal),
            "threshold": limit,
            "flagged_per_digit": flagged_per_digit(test[name], splits.test.labels, limit).tolist(),
        }
    return values


def confusion(truth: Tensor, read: Tensor) -> Tensor:
    """Return counts (10, 10): row = the true digit, column = what was read."""
    return torch.bincount(truth * 10 + read, minlength=100).view(10, 10)


def _right_per_digit(counts: Tensor) -> list[float]:
    return (counts.diagonal().double() / counts.sum(1)).tolist()


# --- What a training step costs -------------------------------------------------------


def measure_costs(rounds: int = 15) -> dict[str, Any]:
    """Return what each way of up-sampling costs, and each of two recipes.

    upsampling: by kind the parameters of the decoder with 16 numbers, and the cost: the time of a
    forward and a backward pass (batch of 128) relative to that of "transpose", with PyTorch's
    memory layout channels_last. (The sweep has a faster path for three of them, `batch_last`.)
    recipes: how many milliseconds a training step takes, with forward, backward and optimiser,
    as `train` runs it: "adam" as the original, "muon" as the course does it.
    All is done on one thread; what is compared takes turns, the fastest of each counts.
    """
    x, layout = (
        torch.rand(128, 1, 28, 28, generator=torch.Generator().manual_seed(0)),
        torch.channels_last,
    )
    models = {kind: Autoencoder(16, kind).to(memory_format=layout) for kind in UPSAMPLING}
    passes = {
        kind: _step(model, model, x.to(memory_format=layout)) for kind, model in models.items()
    }
    fastest = _fastest(passes, rounds)
    costs = {
        kind: {
            "parameters": sum(p.numel() for p in model.decoder.parameters()),
            "cost": fastest[kind] / fastest["transpose"],
        }
        for kind, model in models.items()
    }
    steps = {}
    for name, recipe in {"adam": ORIGINAL, "muon": COURSE}.items():
        model = Autoencoder(16)
        steps[name] = _step(model, BatchLast(model), x, make_optimizers(model, recipe))
    seconds = _fastest(steps, 4 * rounds)
    return {"upsampling": costs, "recipes": {name: 1000 * took for name, took in seconds.items()}}


def _step(
    model: nn.Module, call: Any, x: Tensor, optimizers: Sequence[torch.optim.Optimizer] = ()
) -> Callable[[], None]:
    def step() -> None:
        model.zero_grad()
        mse_per_image(call(x), x).mean().backward()
        for optimizer in optimizers:
            optimizer.step()

    return step


def _fastest(tasks: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """Return the shortest time of each task in seconds, on one thread, all taking turns."""
    fastest = dict.fromkeys(tasks, float("inf"))
    with one_thread():
        for name, task in rounds * list(tasks.items()):
            fastest[name] = min(fastest[name], timeit(task, number=1))
    return fastest
