"""Everything that is recorded of a trained model, and of the detectors it is compared with.

The measures themselves are in `metrics`, `detection`, `strokes` and `checkerboards`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from aelib.baselines import LinearAutoencoder, NearestImage, mean_image
from aelib.checkerboards import checkerboard_score
from aelib.data import DIGITS, Digits, Splits, batches
from aelib.detection import (
    BLUR,
    CodeDistance,
    Detector,
    all_scores,
    anomaly_scores,
    detector_values,
)
from aelib.metrics import (
    BATCH,
    confusion,
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
from aelib.strokes import breadth, by_quarter, has_loop

BASELINE_DIM = 16  # PCA's, as many numbers as the one-digit autoencoders have


@dataclass(frozen=True)
class Measurer:
    """Measures trained autoencoders on MNIST; keeps the data and the judge at hand."""

    splits: Splits
    judge: nn.Module

    def measure(
        self, model: Autoencoder, only: int | None = None, with_codes: bool = False
    ) -> dict[str, Any]:
        """Return what `zoo` records of an autoencoder, as plain numbers and lists.

        test_mse and test_mse_per_digit; read_right and read_right_per_digit, by the
        judge; confusion, its 10 x 10 counts; checkerboard and checkerboard_4, the score
        for periods of 2 and 4 pixels; with latent_dim 2 what `metrics.plane_values` gives.
        Of a model trained on one digit, `only`, also what `_digit_values` says; and
        with_codes knn_accuracy and probe_accuracy, how well codes tell digits apart.
        """
        test = self.splits.test
        images = test.floats()
        output = reconstruct(model, images)
        errors = mse_per_image(output, images - model.offset)
        # A model with offset 0.5 can draw ink only up to 0.5. Its pictures are brought to the
        # full range, as a plot does it, before somebody reads them.
        read = read_digits(self.judge, output / (1 - model.offset))
        right = (read == test.labels).double()
        result = {
            "test_mse": errors.double().mean().item(),
            "test_mse_per_digit": mean_per_digit(errors, test.labels).tolist(),
            "read_right": right.mean().item(),
            "read_right_per_digit": mean_per_digit(right, test.labels).tolist(),
            "confusion": confusion(test.labels, read).tolist(),
            "checkerboard": checkerboard_score(output),
            "checkerboard_4": checkerboard_score(output, period=4),
        }
        if only is not None:
            result |= self._digit_values(model, output, only)
        if model.latent_dim == 2 or with_codes:
            train = self.splits.train
            codes, test_codes = encode(model, train.floats()), encode(model, images)
            known = (codes, train.labels, test_codes, test.labels)
            if model.latent_dim == 2:
                result |= plane_values(*known)
            if with_codes:
                if "knn_accuracy" not in result:
                    result["knn_accuracy"] = knn_accuracy(*known)
                result["probe_accuracy"] = probe_accuracy(*known)
        return result

    def _digit_values(self, model: Autoencoder, output: Tensor, only: int) -> dict[str, Any]:
        """Return what is asked only of one-digit models.

        detector, as `detection.detector_values`; and of each digit's drawings the mean
        squared error by_quarter, the share has_loop, and the mean breadth.
        """
        detector = Detector(model, self.splits.train.only(only).floats())
        parts = {"val": self.splits.val, "test": self.splits.test}
        scores = {part: detector.scores(digits.floats()) for part, digits in parts.items()}
        labels = {part: digits.labels for part, digits in parts.items()}
        test = self.splits.test
        error = by_quarter(output - test.floats())
        return {
            "detector": detector_values(scores, labels, only),
            "by_quarter": [error[test.labels == digit].mean(0).tolist() for digit in DIGITS],
            "has_loop": mean_per_digit(has_loop(output), test.labels).tolist(),
            "breadth": mean_per_digit(breadth(output), test.labels).tolist(),
        }


def accuracy(judge: nn.Module, digits: Digits) -> float:
    """Return the share of images that a classifier reads right."""
    right = sum(
        int((read_digits(judge, x) == labels).sum()) for x, labels in batches(digits, BATCH)
    )
    return right / len(digits)


def measure_step_costs(rounds: int = 15) -> dict[str, dict[str, float]]:
    """Return what each way of up-sampling costs, by kind.

    parameters: the weights of the decoder with 16 numbers. cost: the time of a forward and
    a backward pass (batch of 128) relative to that of "transpose", on one thread and with PyTorch's
    memory layout channels_last; all kinds take turns, the fastest of each counts. (`fit`
    has a faster path for three of them, `batch_last`.) Raises ValueError for rounds < 1.
    """
    layout = torch.channels_last
    models = {kind: Autoencoder(16, kind).to(memory_format=layout) for kind in UPSAMPLING}
    x = torch.rand(128, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    x = x.to(memory_format=layout)
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1, got {rounds}")
    fastest = dict.fromkeys(models, float("inf"))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for _ in range(rounds):
            for kind, model in models.items():
                start = time.perf_counter()
                model.zero_grad()
                mse_per_image(model(x), x).mean().backward()
                fastest[kind] = min(fastest[kind], time.perf_counter() - start)
    finally:
        torch.set_num_threads(threads)
    return {
        kind: {
            "parameters": sum(p.numel() for p in model.decoder.parameters()),
            "cost": fastest[kind] / fastest["transpose"],
        }
        for kind, model in models.items()
    }


def measure_baselines(splits: Splits, normal: int) -> dict[str, Any]:
    """Return what simple detectors reach on the protocol of the one-digit models.

    normal: the digit whose training images they know. The detectors: "ink" (the more, the
    stranger), "mean image", "PCA", which redraws from 16 principal components, and
    "nearest image". Each maps to what `detection.detector_values` gives for every score
    that it has.
    """
    known = splits.train.only(normal)
    linear = LinearAutoencoder(known, BASELINE_DIM)
    codes = CodeDistance(linear.encode(known.floats(), BASELINE_DIM))
    plain, through_blur = NearestImage(known), NearestImage(known, BLUR)
    scores: dict[str, dict[str, dict[str, Tensor]]] = {}
    parts = {"val": splits.val, "test": splits.test}
    for part, digits in parts.items():
        x = digits.floats()
        code = linear.encode(x, BASELINE_DIM)
        nearest = all_scores(plain.reconstruct(x), x)
        # Its best: who is judged through a blur should also choose through it.
        nearest["blurred share"] = anomaly_scores(through_blur.reconstruct(x), x, "blurred share")
        found = {
            "ink": {"ink": x.mean((1, 2, 3))},
            "mean image": all_scores(mean_image(known).expand_as(x), x),
            "PCA": all_scores(linear.decode(code), x, codes.distance(code)),
            "nearest image": nearest,
        }
        for detector, values in found.items():
            scores.setdefault(detector, {})[part] = values
    labels = {part: digits.labels for part, digits in parts.items()}
    return {name: detector_values(own, labels, normal) for name, own in scores.items()}
