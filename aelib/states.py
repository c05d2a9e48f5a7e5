"""The state of an unfinished training run as a file, and the refusal of a wrong one.

A state says what decides the outcome of its run: recipe, seed, layers, loss, images. A run
goes on only from a state of its own. The file begins with one line that holds the SHA-256
of the rest, so that a truncated, zeroed or altered file is found before anything is read of
it; and it is read as numbers and text only, so that no code in a file is ever run.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from aelib import AelibError
from aelib.data import Digits
from aelib.files import read_if_there
from aelib.optim import Recipe

FORMAT = 1
SHOWN = 5  # differences that an error lists
REMEDY = "Delete it to start anew, or give another state_file."


class StateError(AelibError, RuntimeError):
    """A state file that is damaged, or that belongs to another run."""


def pack(decisive: Mapping[str, str], content: Mapping[str, Any]) -> bytes:
    """Return a state as the bytes of its file.

    decisive: what decides the outcome, as `decisive_of` returns it.
    content: tensors, numbers and text, to go on with.
    """
    buffer = io.BytesIO()
    torch.save({"decisive": dict(decisive), "content": dict(content)}, buffer)
    payload = buffer.getvalue()
    return _header(FORMAT, payload) + payload


def _header(number: int, payload: bytes) -> bytes:
    return f"aelib state, format {number}, {hashlib.sha256(payload).hexdigest()}\n".encode()


def unpack(path: Path, decisive: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the content of a state file of the run that `decisive` describes; None if not there.

    Raises StateError, which names the file and the remedy, for a file that is damaged, that
    something else wrote, or that belongs to another run; FileError for one that cannot be read.
    """
    raw = read_if_there(path, "Give another state_file")
    if raw is None:
        return None
    header, _, payload = raw.partition(b"\n")
    found = re.fullmatch(rb"aelib state, format (\d+), [0-9a-f]{64}", header)
    if not found:
        raise StateError(
            f"{path} ({len(raw):,} bytes) is not the state of a training run that this version "
            f"of aelib can read: it is damaged, or something else wrote it. {REMEDY}"
        )
    if int(found[1]) > FORMAT:
        raise StateError(
            f"{path} was written by a newer aelib, in format {int(found[1])}; this one reads "
            f"{FORMAT}. Update aelib to go on with it. {REMEDY}"
        )
    if _header(int(found[1]), payload) != header + b"\n":
        raise StateError(f"{path} ({len(raw):,} bytes) is damaged: its checksum is wrong. {REMEDY}")
    try:
        state = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
        before, content = state["decisive"], state["content"]
    except Exception:
        # torch's own message tells how to run what it refused: not shown.
        raise StateError(
            f"{path} holds something other than the numbers of a training run, and was not "
            f"read. {REMEDY}"
        ) from None
    _refuse_other_run(path, before, decisive)
    return content


def _refuse_other_run(path: Path, before: Mapping[str, str], now: Mapping[str, str]) -> None:
    names = [*before, *(name for name in now if name not in before)]
    missing = "not there"
    different = [
        f"{name}: {before.get(name, missing)} in the file, {now.get(name, missing)} now"
        for name in names
        if before.get(name) != now.get(name)
    ]
    if different:
        more = f"; and {len(different) - SHOWN} more" if len(different) > SHOWN else ""
        raise StateError(
            f"{path} belongs to another run. {'; '.join(different[:SHOWN])}{more}. {REMEDY}"
        )


# --- What decides the outcome ---------------------------------------------------------


def decisive_of(
    model: nn.Module,
    train: Digits,
    val: Digits,
    recipe: Recipe,
    seed: int,
    **others: Callable[..., Any] | str | None,
) -> dict[str, str]:
    """Return in words what decides the outcome of a run; its initial weights do not count.

    others: what else does, by name: functions, such as the loss, or text.
    """
    decisive = {f"recipe.{name}": str(value) for name, value in asdict(recipe).items()}
    decisive |= {"seed": str(seed), "train": _fingerprint(train), "val": _fingerprint(val)}
    for name, value in others.items():
        decisive[name] = value if isinstance(value, str) else _described(value)
    decisive["torch"] = str(torch.__version__)  # its own class, which a state cannot hold
    return decisive | _layers(model)


def _fingerprint(digits: Digits) -> str:
    content = hashlib.sha256()
    for tensor in (digits.images, digits.labels):
        content.update(str(tensor.dtype).encode())
        content.update(tensor.contiguous().numpy().data)
    return f"{len(digits):,} images {content.hexdigest()[:12]}"


def _layers(model: nn.Module) -> dict[str, str]:
    described = {"model": type(model).__qualname__}
    if hasattr(model, "offset"):
        described["model.offset"] = str(model.offset)
    for name, layer in model.named_modules():
        if name:
            described[f"model.{name}"] = f"{type(layer).__name__}({layer.extra_repr()})"
    for name, parameter in model.named_parameters():
        trained = "" if parameter.requires_grad else ", frozen"
        described[f"model.{name}"] = f"{tuple(parameter.shape)}{trained}"
    return described


def _described(value: Any) -> str:
    """Return the name of a function with the values that it was made with."""
    if value is None:
        return "none"
    if isinstance(value, functools.partial):
        given = [*map(repr, value.args), *(f"{k}={v!r}" for k, v in value.keywords.items())]
        return f"{_described(value.func)}({', '.join(given)})"
    if not inspect.isfunction(value):
        return getattr(value, "__qualname__", type(value).__qualname__)
    kept = inspect.getclosurevars(value).nonlocals.items()
    given = [f"{k}={v!r}" for k, v in kept if isinstance(v, (int, float, str))]
    given += [repr(v) for v in value.__defaults__ or ()]
    return f"{value.__module__}.{value.__qualname__}({', '.join(given)})"
