"""Everything that is recorded of a trained model, and what a training step costs.

The measures themselves are in `metrics`, `detection`, `strokes` and `checkerboards`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from aelib.checkerboards import by_phase, checkerboard_score
from aelib.data import DIGITS, Digits, Splits
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
from aelib.optim import COURSE, ORIGINAL, Recipe, make_optimizers
from aelib.strokes import INK, INKS, breadth, by_quarter, has_loop
from aelib.workshop.batch_last import BatchLast, one_thread
from aelib.workshop.comparing import baseline_scores


@dataclass(frozen=True)
class Measurer:
    """Measures trained autoencoders on MNIST; keeps the data and the judges at hand."""

    splits: Splits
    judges: Sequence[nn.Module]

    def measure(
        self, model: Autoencoder, only: int | None = None, with_codes: bool = False
    ) -> dict[str, Any]:
        """Return what is recorded of an autoencoder, as plain numbers and lists.

        test_mse and test_mse_per_digit; confusion_per_judge, 10 x 10 counts of what each
        judge reads, and their mean as confusion, read_right and read_right_per_digit;
        checkerboard and checkerboard_4, the score for periods of 2 and 4 pixels;
        error_by_phase and residual_by_phase, the mean squared error and the mean of drawing
        less image at each of the four phases of a 2 x 2 grid; with latent_dim 2 what
        `metrics.plane_values` gives, with 1 its knn_accuracy and place_per_digit; with either
        read_right_cut_per_judge, what is read of drawings that lost all below one half. Of a
        model trained on one digit, `only`, also what `_digit_values` says; and with_codes
        knn_accuracy and probe_accuracy, how well codes tell digits apart.
        """
        test = self.splits.test
        images = test.floats()
        output = reconstruct(model, images)
        residuals = output - (images - model.offset)
        errors = mse_per_image(output, images - model.offset)
        # A model with offset 0.5 can draw ink only up to 0.5. Its pictures are brought to the
        # full range, as a plot does it, before somebody reads them.
        shown = output / (1 - model.offset)
        counts = torch.stack(
            [confusion(test.labels, read_digits(judge, shown)) for judge in self.judges]
        )
        mean = counts.double().mean(0)
        result = {
            "test_mse": errors.double().mean().item(),
            "test_mse_per_digit": mean_per_digit(errors, test.labels).tolist(),
            "read_right": (mean.trace() / mean.sum()).item(),
            "read_right_per_digit": (mean.diagonal() / mean.sum(1)).tolist(),
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
            result["read_right_cut_per_judge"] = [
                _right_per_digit(confusion(test.labels, read_digits(judge, cut)))
                for judge in self.judges
            ]
        if model.latent_dim == 1:
            # The median place of each digit's codes among all test codes, in per cent.
            ranks = encode(model, images).flatten().argsort().argsort().double()
            places = [ranks[test.labels == digit].median().item() for digit in DIGITS]
            result["place_per_digit"] = [100 * place / (len(test) - 1) for place in places]
        if only is not None:
            result |= self._digit_values(model, output, only)
        if model.latent_dim in (1, 2) or with_codes:
            train = self.splits.train
            codes, test_codes = encode(model, train.floats()), encode(model, images)
            known = (codes, train.labels, test_codes, test.labels)
            if model.latent_dim == 2:
                result |= plane_values(*known)
            else:
                result["knn_accuracy"] = knn_accuracy(*known)
            if with_codes:
                result["probe_accuracy"] = probe_accuracy(*known)
        return result

    def _digit_values(self, model: Autoencoder, output: Tensor, only: int) -> dict[str, Any]:
        """Return what is asked only of one-digit models.

        detector, as `detector_values`; and of each digit's drawings the mean
        squared error by_quarter, the share has_loop (and loops, the same for each threshold
        of `strokes.INKS`), and the mean breadth.
        """
        detector = Detector(model, self.splits.train.only(only).floats())
        parts = {"val": self.splits.val, "test": self.splits.test}
        scores = {part: detector.scores(digits.floats()) for part, digits in parts.items()}
        test = self.splits.test
        error = by_quarter(output - test.floats())
        loops = [mean_per_digit(has_loop(output, ink), test.labels).tolist() for ink in INKS]
        return {
            "detector": detector_values(scores, self.splits, only),
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
    parts = {"val": splits.val, "test": splits.test}
    known = splits.train.only(normal)
    found = {part: baseline_scores(known, digits.floats()) for part, digits in parts.items()}
    return {
        name: detector_values({part: found[part][name] for part in parts}, splits, normal)
        for name in found["test"]
    }


def detector_values(
    scores: dict[str, dict[str, Tensor]], splits: Splits, normal: int
) -> dict[str, Any]:
    """Return what is recorded of a detector, for each score.

    scores: of the images "val" and "test". Thresholds come from the normal images of "val".
    Per score: val_auroc, auroc, threshold, and flagged_per_digit, the number of test images
    of each digit above the threshold.
    """
    values = {}
    for name, val in scores["val"].items():
        test, limit = scores["test"][name], threshold(val[splits.val.labels == normal])
        values[name] = {
            "val_auroc": auroc(val, splits.val.labels == normal),
            "auroc": auroc(test, splits.test.labels == normal),
            "threshold": limit,
            "flagged_per_digit": flagged_per_digit(test, splits.test.labels, limit).tolist(),
        }
    return values


def confusion(truth: Tensor, read: Tensor) -> Tensor:
    """Return counts (10, 10): row = the true digit, column = what was read."""
    return torch.bincount(truth * 10 + read, minlength=100).view(10, 10)


def _right_per_digit(counts: Tensor) -> list[float]:
    return (counts.diagonal().double() / counts.sum(1)).tolist()


def accuracy(judge: nn.Module, digits: Digits) -> float:
    """Return the share of images that a classifier reads right."""
    return int((read_digits(judge, digits.floats()) == digits.labels).sum()) / len(digits)


# --- What a training step costs -------------------------------------------------------


def measure_step_costs(rounds: int = 15) -> dict[str, dict[str, float]]:
    """Return what each way of up-sampling costs, by kind.

    parameters: the weights of the decoder with 16 numbers. cost: the time of a forward and
    a backward pass (batch of 128) relative to that of "transpose", on one thread and with PyTorch's
    memory layout channels_last; all kinds take turns, the fastest of each counts. (The sweep
    has a faster path for three of them, `batch_last`.)
    """
    layout = torch.channels_last
    models = {kind: Autoencoder(16, kind).to(memory_format=layout) for kind in UPSAMPLING}
    x = torch.rand(128, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    x = x.to(memory_format=layout)

    def passes(model: Autoencoder) -> Callable[[], None]:
        def there_and_back() -> None:
            model.zero_grad()
            mse_per_image(model(x), x).mean().backward()

        return there_and_back

    fastest = _fastest({kind: passes(model) for kind, model in models.items()}, rounds)
    return {
        kind: {
            "parameters": sum(p.numel() for p in model.decoder.parameters()),
            "cost": fastest[kind] / fastest["transpose"],
        }
        for kind, model in models.items()
    }


def measure_recipe_costs(rounds: int = 60) -> dict[str, float]:
    """Return how long a training step takes with each optimiser, in milliseconds.

    "adam" as the original, "muon" as the course does it: forward, backward and step for a
    batch of 128, 16 numbers, on one thread and as `train` runs it. They take turns, the
    fastest of each counts.
    """
    x = torch.rand(128, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    steps = {"adam": _one_step(ORIGINAL, x), "muon": _one_step(COURSE, x)}
    return {name: 1000 * seconds for name, seconds in _fastest(steps, rounds).items()}


def _one_step(recipe: Recipe, x: Tensor) -> Callable[[], None]:
    model = Autoencoder(16)
    call, optimizers = BatchLast(model), make_optimizers(model, recipe)

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
        for _ in range(rounds):
            for name, task in tasks.items():
                start = time.perf_counter()
                task()
                fastest[name] = min(fastest[name], time.perf_counter() - start)
    return fastest
