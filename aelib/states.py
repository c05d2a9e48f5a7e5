"""The state of an unfinished training run as a file, and the refusal of a wrong one.

A state says what decides the outcome of its run: recipe, seed, layers with their settings,
loss, images. A run goes on only from a state of its own. The file begins with one line that
holds the SHA-256 of the rest, so that a truncated, zeroed or altered file is found before
anything is read of it; and it is read as numbers and text only, so that no code in a file is
ever run.
"""

from __future__ import annotations

import dis
import functools
import hashlib
import inspect
import io
import os
import re
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, is_dataclass
from itertools import count
from pathlib import Path
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from aelib import AelibError
from aelib.data import Digits
from aelib.files import read_if_there
from aelib.optim import Recipe

FORMAT = 2  # 1 did not tell functions of the same name apart, nor frozen weights
SHOWN = 5  # differences that an error lists
LONGEST = 80  # letters of what is said of a part; of more there is a digest
DEEPEST = 60  # parts of parts that are followed; what lies deeper counts by its type
CHANGES = "changed by training"
REMEDY = "Delete it to start anew, or give another state_file."
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
# Of what comes with these packages the numbers count that an object keeps; of all others, such
# as a figure or a lock, what they show of themselves.
OF_NUMBERS = ("aelib", "torch", "torchvision", "sklearn")

PLAIN = (
    *(type(None), int, float, complex, str, bytes, os.PathLike, CodeType, ModuleType),
    *(Tensor, np.ndarray, np.generic, list, tuple, set, frozenset, deque, Mapping),
)
OF_EVERY_MODULE = frozenset(vars(nn.Module()))  # hooks, its mode, and where its parts are
STANDARD_LIBRARY = os.path.dirname(os.__file__)


class StateError(AelibError, RuntimeError):
    """A state file that is damaged, or that belongs to another run."""


def pack(decisive: Mapping[str, str], content: Mapping[str, Any]) -> bytes:
    """Return a state as the bytes of its file.

    decisive: what decides the outcome, as `decisive_of` returns it.
    content: tensors, numbers and text, to go on with. Raises StateError for anything else.
    """
    buffer = io.BytesIO()
    torch.save({"decisive": dict(decisive), "content": dict(content)}, buffer)
    payload = buffer.getvalue()
    try:  # now, while nothing is lost: a layer of your own may keep what is not read again
        torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    except Exception:
        raise StateError(
            "the state of this run holds something other than numbers and text, perhaps what a "
            "layer's get_extra_state returns, and could not be read again: train without a "
            "state_file, or have the layer keep numbers and text"
        ) from None
    return _header(FORMAT, payload) + payload


def _header(number: int, payload: bytes) -> bytes:
    return f"aelib state, format {number}, {hashlib.sha256(payload).hexdigest()}\n".encode()


def unpack(path: Path, decisive: Mapping[str, str]) -> tuple[dict[str, str], dict[str, Any]] | None:
    """Return what the state file of the run that `decisive` describes holds; None if not there.

    It is what was given to `pack`: what decides, and the content.

    Raises StateError, which names the file and the remedy, for a file that is damaged, that
    something else or another version wrote, or that belongs to another run; FileError for one
    that cannot be read.
    """
    raw = read_if_there(path, "Give another state_file, or delete what stands there.")
    if raw is None:
        return None
    header, _, payload = raw.partition(b"\n")
    found = re.fullmatch(rb"aelib state, format (\d{1,9}), [0-9a-f]{64}", header)
    if not found:
        raise StateError(
            f"{path} ({len(raw):,} bytes) is not the state of a training run that this version "
            f"of aelib can read: it is damaged, or something else wrote it. {REMEDY}"
        )
    written = int(found[1])
    if written != FORMAT:
        age, way = ("a newer", "Update") if written > FORMAT else ("an older", "Go back with")
        raise StateError(
            f"{path} was written by {age} aelib, in format {written}; this one reads {FORMAT}. "
            f"{way} aelib to go on with it. {REMEDY}"
        )
    if _header(written, payload) != header + b"\n":
        raise StateError(f"{path} ({len(raw):,} bytes) is damaged: its checksum is wrong. {REMEDY}")
    try:
        state = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
        before, content = dict(state["decisive"]), dict(state["content"])
    except Exception:
        # torch's own message tells how to run what it refused: not shown.
        raise no_state(path) from None
    _refuse_other_run(path, before, decisive)
    return before, content


def no_state(path: Path) -> StateError:
    """Return the error for a file that is whole, but holds something else."""
    return StateError(
        f"{path} holds something other than the numbers of a training run, and was not "
        f"read. {REMEDY}"
    )


def _refuse_other_run(path: Path, before: Mapping[str, str], now: Mapping[str, str]) -> None:
    names: list[str] = []
    for name in (*before, *(name for name in now if name not in before)):
        same = before.get(name) in (now.get(name), CHANGES)
        # Of two things that differ, what they consist of need not be said.
        if not same and not any(name.startswith(f"{whole}.") for whole in names):
            names.append(name)
    if names:
        missing = "not there"
        different = [
            f"{name}: {before.get(name, missing)} in the file, {now.get(name, missing)} now"
            for name in names[:SHOWN]
        ]
        more = f"; and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        raise StateError(f"{path} belongs to another run. {'; '.join(different)}{more}. {REMEDY}")


# --- What decides the outcome ---------------------------------------------------------


def decisive_of(
    model: nn.Module,
    train: Digits,
    val: Digits,
    recipe: Recipe,
    seed: int,
    device: str,
    **functions: Any,
) -> dict[str, str]:
    """Return in words what decides the outcome of a run; its initial weights do not count.

    functions: the loss and what else takes part, by name; see `described`.
    """
    decisive = {f"recipe.{name}": str(value) for name, value in asdict(recipe).items()}
    decisive |= {"seed": str(seed), "train": _fingerprint(train), "val": _fingerprint(val)}
    decisive |= {"device": device, "torch": str(torch.__version__)}  # a class of torch's own
    return decisive | described(model, **functions)


def without_changes(decisive: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """Return `decisive` less what training itself has changed, which tells no runs apart.

    Such as the statistics of a batch norm, a counter of steps, or the last code that a layer
    keeps. now: what `described` returns in the middle of the run.
    """
    changed = {name: CHANGES for name, text in now.items() if decisive.get(name) != text}
    return {**decisive, **changed}


def _fingerprint(digits: Digits) -> str:
    return f"{len(digits):,} images {_digest(_numbers(digits.images), _numbers(digits.labels))}"


def described(model: nn.Module, **functions: Any) -> dict[str, str]:
    """Return in words what a model and functions consist of, each part under its path.

    Of the weights that are trained only the shape counts; of all other numbers, and of code that
    does not come with an installed package, a digest. Of functions and objects there are also
    the values that they were made with, keep, and read from where they are defined. What stays
    the same if all of it is defined again, in another process, is described in the same words.
    """
    layers = dict(model.named_modules())
    parts: dict[str, Any] = {**layers, **dict(model.named_parameters())}
    seen = {id(part): (f"model.{name}" if name else "model", part) for name, part in parts.items()}
    found = {}
    for layer in layers.values():
        path, _ = seen[id(layer)]
        found[path] = _name(layer)
        for name, part in (_parts(layer) or {}).items():
            place = f"{path}.{name}"
            if seen.get(id(part), ("", None))[0] != place:
                found |= dict(_entries(place, part, seen))
            elif isinstance(part, nn.Parameter):
                shape = str(tuple(part.shape))
                found[place] = shape if part.requires_grad else f"frozen, {_numbers_text(part)}"
    for name, function in functions.items():
        found |= dict(_entries(name, function, seen))
    return {path: _shortened(text) for path, text in found.items()}


# By the id of what was described already: where, and itself, so that its id stays its own.
Seen = dict[int, tuple[str, Any]]


def _entries(path: str, value: Any, seen: Seen) -> Iterator[tuple[str, str]]:
    """Yield (path, text) for a value and for the parts that it consists of."""
    if id(value) in seen:
        yield path, f"as {seen[id(value)][0]}"
        return
    if path.count(".") + path.count("[") > DEEPEST:
        yield path, _name(value)
        return
    parts = _parts(value)
    if parts is None:
        yield path, _plain(path, value, seen)
        return
    seen[id(value)] = path, value
    yield path, _name(value)
    for name, part in parts.items():
        yield from _entries(f"{path}.{name}", part, seen)


def _name(value: Any) -> str:
    named = value if hasattr(value, "__qualname__") else type(value)
    return f"{named.__module__}.{named.__qualname__}"


def _parts(value: Any) -> dict[str, Any] | None:
    """Return what a function, a class or an object consists of; None for a plain value."""
    parts = _parts_of(value)
    if parts is None:
        return None
    # What torch.compile returns keeps its own address, which is another in each process.
    return {n: part for n, part in parts.items() if type(part) is not int or part != id(value)}


def _parts_of(value: Any) -> dict[str, Any] | None:
    if isinstance(value, PLAIN):
        return None
    if isinstance(value, functools._lru_cache_wrapper):
        return {"func": value.__wrapped__}
    if isinstance(value, torch.Generator):
        return {"seed": value.initial_seed(), "state": value.get_state()}
    if isinstance(value, np.random.Generator):
        return {"state": value.bit_generator.state}
    if isinstance(value, functools.partial):
        return {"func": value.func, "args": value.args, **value.keywords}
    if inspect.ismethod(value):
        return {"self": value.__self__, "func": value.__func__}
    if isinstance(value, staticmethod | classmethod):
        return {"func": value.__func__}
    if isinstance(value, property):
        return {"fget": value.fget, "fset": value.fset}
    if inspect.isfunction(value):
        return _parts_of_function(value)
    if isinstance(value, type):
        return {} if _is_installed(value) else _parts_of_class(value)
    kind = type(value)
    if _is_installed(kind) and not (
        isinstance(value, nn.Module | SimpleNamespace)
        or is_dataclass(value)
        or kind.__module__.partition(".")[0] in OF_NUMBERS
    ):
        return None
    state = object.__getstate__(value)
    if state is None:
        return None
    kept, slots = state if isinstance(state, tuple) else (state, {})
    kept = {**(kept or {}), **slots}
    if isinstance(value, nn.Module):
        own = {name: part for name, part in kept.items() if name not in OF_EVERY_MODULE}
        # Each is kept under a number that counts all hooks of the process.
        own |= {name: list(kept[name].values()) for name in HOOKS if kept.get(name)}
        kept = {**own, **value._parameters, **value._buffers, **value._modules}
    return kept if _is_installed(kind) else {**kept, kind.__name__: kind}


def _parts_of_function(function: Any) -> dict[str, Any]:
    code, defaults = function.__code__, function.__defaults__ or ()
    arguments = code.co_varnames[: code.co_argcount]
    parts = dict(zip(arguments[len(arguments) - len(defaults) :], defaults, strict=True))
    parts |= function.__kwdefaults__ or {}
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # one that is still empty
            parts[name] = cell.cell_contents
    parts |= vars(function)
    if not _is_installed(function):
        read = {name for part in _codes(code) for name in _globals_read(part)}
        known = function.__globals__
        parts |= {name: known[name] for name in sorted(read) if name in known}
        attributes = sorted({name for part in _codes(code) for name in part.co_names})
        for module in [part for part in parts.values() if isinstance(part, ModuleType)]:
            parts |= _read_of_module(module, attributes)
        parts["<code>"] = code
    return parts


def _read_of_module(module: ModuleType, attributes: list[str]) -> dict[str, Any]:
    """Return what code may read of a module of your own, whose file may change."""
    file = getattr(module, "__file__", None)
    if file is None or _comes_from_a_package(module.__name__, file):
        return {}
    found: dict[str, Any] = {}
    for name in attributes:
        part = vars(module).get(name)
        if isinstance(part, ModuleType):
            found |= _read_of_module(part, [other for other in attributes if other != name])
        elif part is not None:
            found[f"{module.__name__}.{name}"] = part
    return found


def _parts_of_class(kind: type) -> dict[str, Any]:
    bases = {base.__name__: base for base in kind.__bases__ if not _is_installed(base)}
    members = {
        name: member
        for name, member in vars(kind).items()
        if inspect.isfunction(member) or not name.startswith("__")
    }
    return bases | members


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Yield the code of a function and of those that are defined in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _globals_read(code: CodeType) -> Iterator[str]:
    return (step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL")


def _is_installed(value: Any) -> bool:
    """Return whether a function or class comes with Python or a package.

    Such code changes with a version only, and there is too much of it to follow. aelib counts
    as one wherever it lies.
    """
    # functools.wraps copies the name of the module: where a function reads its names tells.
    known = getattr(value, "__globals__", {})
    name = known.get("__name__") or value.__module__ or "builtins"
    if name == "__main__" or name not in sys.modules:
        return False
    file = getattr(sys.modules[name], "__file__", None)
    return file is None or _comes_from_a_package(name, file)


def _comes_from_a_package(name: str, file: str) -> bool:
    own = name.partition(".")[0] == __name__.partition(".")[0]
    return own or file.startswith(STANDARD_LIBRARY) or "-packages" in file


def _plain(path: str, value: Any, seen: Seen) -> str:
    """Return a value that is no function or object in words, however long."""

    if isinstance(value, list | deque | dict):
        seen[id(value)] = path, value  # it may hold itself

    def text(number: int, part: Any) -> str:
        (_, first), *rest = _entries(f"{path}[{number}]", part, seen)
        return first + "".join(f", {name}: {words}" for name, words in rest)

    if isinstance(value, Tensor | np.ndarray | np.generic):
        return _numbers_text(value)
    if isinstance(value, Mapping):
        keys, values = (list(map(text, count(), each)) for each in (value, value.values()))
        return "{" + ", ".join(f"{k}: {v}" for k, v in zip(keys, values, strict=True)) + "}"
    if isinstance(value, set | frozenset):  # in no order that stays the same
        return "{" + ", ".join(sorted(text(0, part) for part in value)) + "}"
    if isinstance(value, list | tuple | deque):
        inside = ", ".join(map(text, count(), value))
        return f"({inside})" if isinstance(value, tuple) else f"[{inside}]"
    if isinstance(value, CodeType):
        # Without its line numbers and the names of its variables.
        constants = _plain(path, value.co_consts, seen)
        steps = value.co_code, " ".join(value.co_names).encode(), constants.encode()
        return f"{_digest(*steps)} of Python {sys.version_info[0]}.{sys.version_info[1]}"
    if isinstance(value, ModuleType):
        return value.__name__
    try:
        return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))
    except Exception:  # of somebody else's class
        return _name(value)


def _numbers_text(value: Any) -> str:
    kind, shape = str(value.dtype).removeprefix("torch."), tuple(value.shape)
    return f"{kind} {shape} {_digest(_numbers(value))}" if shape else f"{kind} {value.item()}"


def _numbers(value: Any) -> bytes:
    if isinstance(value, np.ndarray):
        return repr(value.tolist()).encode() if value.dtype.hasobject else value.tobytes()
    dense = value.detach().to_dense().cpu().resolve_conj().contiguous()
    return dense.flatten().view(torch.uint8).numpy().data


def _digest(*contents: Any) -> str:
    found = hashlib.sha256()
    for content in contents:
        found.update(content)
    return found.hexdigest()[:12]


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}... {_digest(text.encode())}"
