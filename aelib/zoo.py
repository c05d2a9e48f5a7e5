"""The trained models of the course and their recorded results.

`load(name)` gives a shipped model, `results(name)` the values of all its seeds. Both
are made by `python -m aelib train`; what there is to train stands in `experiments`. A run,
which is one model with one seed, leaves two files:

    checkpoints/<name>/seed<k>.json   values, recipe, versions; written last
    checkpoints/<name>/seed0.pt       weights in half precision, shipped for seed 0

All five judges ship, so that anybody can measure. The weights of the other seeds stay in the
user's cache, so they can be measured again.
"""

from __future__ import annotations

import fnmatch
import hashlib
import io
import json
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from aelib import AelibError
from aelib.checks import whole_number
from aelib.experiments import EXPERIMENTS, JUDGE, Experiment
from aelib.experiments import LATENT_DIMS as LATENT_DIMS
from aelib.experiments import SEEDS as SEEDS
from aelib.experiments import UP_DIMS as UP_DIMS
from aelib.files import cache_folder, expanded, read_if_there
from aelib.intervals import Interval
from aelib.models import Autoencoder, Judge
from aelib.training import History

FORMAT = 2  # of the records; 1 had no checksum
CHECKPOINTS = Path(__file__).parent / "checkpoints"
BASELINES, COSTS = "one_class_baselines.json", "costs.json"
COMPARISONS = "one_class_comparisons.json"
STEP_SIZES = "step_sizes.json"

Content = TypeVar("Content")


class UnknownNameError(AelibError, ValueError):
    """A name, a seed or a pattern that the table of experiments does not know."""


class WeightsError(AelibError, RuntimeError):
    """Weights that are not those which were recorded."""


class RecordError(AelibError, ValueError):
    """A record that is damaged, that belongs to another run, or that is something else."""


class NewerFormatError(AelibError, RuntimeError):
    """A record that a newer version of aelib wrote."""


class ModelMissingError(AelibError, LookupError):
    """A model or a result that is in the table has not been trained here."""


# --- Reading --------------------------------------------------------------------------


def names() -> list[str]:
    """Return the names of all shipped models, e.g. "latent/16"."""
    return [name for name, one in EXPERIMENTS.items() if one.shipped]


def match(*patterns: str) -> list[str]:
    """Return the experiments that match a shell pattern such as "latent/*".

    Without a pattern all of them. Raises UnknownNameError, a ValueError, if a pattern matches
    nothing.
    """
    chosen: set[str] = set()
    for pattern in patterns or ("*",):
        found = fnmatch.filter(EXPERIMENTS, pattern)
        if not found:
            raise UnknownNameError(f"no experiment matches {pattern!r}; there are: {_known()}")
        chosen |= set(found)
    return [name for name in EXPERIMENTS if name in chosen]


def load(name: str, folder: Path = CHECKPOINTS) -> Autoencoder:
    """Return a shipped autoencoder (seed 0) with its trained weights, in eval mode on the CPU.

    The name "judge", which `names` lists too, gives what `judge()` returns.
    Raises UnknownNameError, a ValueError, for an unknown name, ModelMissingError for a model
    that has not been trained, and WeightsError if the weights are not those recorded.
    """
    return load_seed(name, 0, folder)


def judge(seed: int = 0, folder: Path = CHECKPOINTS) -> Judge:
    """Return the trained classifier that reads the course's reconstructions, in eval mode.

    Raises ModelMissingError and WeightsError as `load` does.
    """
    return load_seed(JUDGE, seed, folder)


def judges(folder: Path = CHECKPOINTS) -> list[Judge]:
    """Return all five classifiers: the same network and recipe, other seeds.

    A reading that only one of them makes says more of the reader than of the picture.
    Raises ModelMissingError and WeightsError as `load` does.
    """
    return [judge(seed, folder) for seed in experiment(JUDGE).seeds]


def load_seed(name: str, seed: int, folder: Path = CHECKPOINTS) -> Any:
    """Return a trained model of any seed; all but those that `load` knows are in the cache.

    Raises UnknownNameError, also for another seed, ModelMissingError and WeightsError as `load`
    does.
    """
    path = weights_file(name, seed, folder)
    packed = read_if_there(path, _how_to_replace(name, path))
    if packed is None:
        raise ModelMissingError(how_to_train(name, path))
    return load_weights(experiment(name), packed, record(name, seed, folder), path)


def results(name: str, folder: Path = CHECKPOINTS) -> list[dict[str, Any]]:
    """Return the recorded results of an experiment, one dict per seed, in seed order.

    Raises UnknownNameError for an unknown name and ModelMissingError if a seed has no record.
    """
    return [record(name, seed, folder) for seed in experiment(name).seeds]


def values(name: str, key: str, folder: Path = CHECKPOINTS) -> Tensor:
    """Return a recorded value over the seeds: shape (seeds, ...), float64.

    key: e.g. "test_mse", "test_mse_per_digit", "read_right_per_digit", "val_loss".
    Raises ModelMissingError for a key that is not recorded, and ValueError for one that is not
    made of numbers.
    """
    entries = results(name, folder)
    if not isinstance(key, str) or any(key not in entry for entry in entries):
        raise ModelMissingError(
            f"{name} has no {key!r} recorded; it has: {', '.join(sorted(entries[0]))}"
        )
    try:
        return torch.tensor([entry[key] for entry in entries], dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(
            f"{key!r} of {name} is not made of equally many numbers for each seed; `results` "
            "gives what it is"
        ) from None


def record(name: str, seed: int, folder: Path = CHECKPOINTS) -> dict[str, Any]:
    """Return the recorded results of one run.

    Raises ModelMissingError if there are none, RecordError, a ValueError, for a record that is
    damaged or belongs to another run, and NewerFormatError for one of a newer aelib.
    """
    path = record_file(name, seed, folder)
    remedy = f"{_restore(path)}delete it and run: python -m aelib train {name}"
    raw = read_if_there(path, f"Remedy: {remedy}")
    if raw is None:
        raise ModelMissingError(how_to_train(name, path))
    return parse_record(raw, name, seed, path, remedy)


def parse_record(
    raw: bytes, name: str, seed: int, where: Path | str, remedy: str
) -> dict[str, Any]:
    """Return the content of one run's record.

    where: what the record is, and remedy: what to do about it, for the errors: those of `record`.
    """
    entry = _parse_entry(raw, where, remedy)
    with reading(where, remedy):
        owner = entry["name"], entry["seed"]
        if owner == (name, seed):  # what every run leaves
            _ = _history(entry), dict(entry["settings"]), entry["weights_sha256"]
    if owner != (name, seed):
        raise RecordError(
            f"{where} is the record of {owner[0]}, seed {owner[1]}, not of "
            f"{name}, seed {seed}. Remedy: {remedy}"
        )
    return entry


def record_text(entry: dict[str, Any]) -> bytes:
    """Return a record as the text of its file, with its format and its own checksum.

    A field has a line, and so has a list of numbers: git can compare it, and it stays small.
    Raises ValueError for a number that is not finite.
    """
    entry = entry | {"format": FORMAT}
    entry["sha256"] = _checksum(entry)
    text = json.dumps(entry, indent=1, sort_keys=True, allow_nan=False)
    lists = re.compile(r"\[[^\[\]{}]*\]")
    return (lists.sub(lambda found: " ".join(found[0].split()), text) + "\n").encode()


def _checksum(entry: dict[str, Any]) -> str:
    counted = {key: value for key, value in entry.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()


def _parse_entry(raw: bytes, where: Path | str, remedy: str) -> dict[str, Any]:
    with reading(where, remedy):
        entry = dict(parse_json(raw))
        written = entry["format"]
        if type(written) is not int or written < FORMAT:
            raise ValueError(f"its format is {written!r}")
    if written > FORMAT:
        raise NewerFormatError(
            f"{where} was written by a newer aelib, in format {written}; this one reads "
            f"{FORMAT}. Update aelib"
        )
    if entry.get("sha256") != _checksum(entry):
        raise RecordError(
            f"{where} was altered: its checksum is wrong or missing. Remedy: {remedy}"
        )
    return entry


def parse_json(raw: bytes) -> Any:
    """Return what JSON says; raises ValueError for what is none, NaN and infinity included."""
    return json.loads(raw, parse_float=_finite, parse_constant=_finite)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"it holds {text}")
    return number


# What may be raised by content that is not what it should be; of JSON, nested too deep or huge.
WRONG_CONTENT = (
    *(LookupError, TypeError, ValueError, AttributeError),
    *(OverflowError, RecursionError),
)


@contextmanager
def reading(where: Path | str, remedy: str) -> Iterator[None]:
    """Turn what fails inside for want of the right content into a RecordError with its remedy.

    where: the file, or what else is read.
    """
    try:
        yield
    except AelibError:
        raise
    except WRONG_CONTENT as error:
        what = f"it has no {error}" if isinstance(error, KeyError) else error
        raise RecordError(
            f"{where} is damaged, or something else wrote it: {what}. Remedy: {remedy}"
        ) from None


def _restore(path: Path) -> str:
    return f"'git checkout -- {path}', or " if path.is_relative_to(CHECKPOINTS) else ""


def history(name: str, seed: int = 0, folder: Path = CHECKPOINTS) -> History:
    """Return the recorded course of one training run."""
    return _history(record(name, seed, folder))


def _history(entry: dict[str, Any]) -> History:
    train_loss, val_loss, seconds = (
        [float(value) for value in entry[key]] for key in ("train_loss", "val_loss", "seconds")
    )
    best, watched = int(entry["best_epoch"]), _watched(entry)
    return History(train_loss, val_loss, seconds, best, None, watched)


def _watched(entry: dict[str, Any]) -> list[tuple[int, float]]:
    # Where there was nothing to score, JSON has no NaN to say so.
    pairs = entry.get("watched", [])
    return [(int(steps), math.nan if value is None else float(value)) for steps, value in pairs]


def watched(name: str, folder: Path = CHECKPOINTS) -> tuple[list[int], Tensor]:
    """Return what was recorded of a watched experiment on the way: (steps, values).

    values: the checkerboard score of each seed at each step, shape (seeds, len(steps)).
    Raises ModelMissingError if the experiment was not watched.
    """
    runs = [_watched(entry) for entry in results(name, folder)]
    if not all(runs):
        raise ModelMissingError(f"{name} was not watched in training: there is no score by step")
    steps = [step for step, _ in runs[0]]
    return steps, torch.tensor([[value for _, value in run] for run in runs])


def one_class_baselines(folder: Path = CHECKPOINTS) -> list[dict[str, Any]]:
    """Return what detectors without a network reach, one dict per normal digit.

    Its keys are "ink", "mean image", "PCA" and "nearest image"; the content is that of
    "detector" in the records of `digit/{k}`. Raises ModelMissingError if it is not there, and
    RecordError if it is damaged.
    """

    def understand(values: Any) -> list[dict[str, Any]]:
        return [{name: dict(scores) for name, scores in digit.items()} for digit in values]

    return _recorded_values(folder, BASELINES, "baselines", understand)


def step_costs(folder: Path = CHECKPOINTS) -> dict[str, dict[str, float]]:
    """Return the recorded "parameters" and "cost" of each way of up-sampling, by kind.

    Raises ModelMissingError if it is not there, and RecordError if it is damaged.
    """

    def understand(values: Any) -> dict[str, dict[str, float]]:
        return {kind: dict(costs) for kind, costs in values["upsampling"].items()}

    return _recorded_values(folder, COSTS, "costs", understand)


def recipe_costs(folder: Path = CHECKPOINTS) -> dict[str, float]:
    """Return the recorded milliseconds of a training step with "adam" and with "muon".

    They were measured side by side on one core: the seconds in a record also hold what else
    the machine had to do. Raises ModelMissingError if it is not there, and RecordError if it
    is damaged.
    """
    return _recorded_values(folder, COSTS, "costs", lambda values: dict(values["recipes"]))


def step_sizes(folder: Path = CHECKPOINTS) -> list[dict[str, Any]]:
    """Return the validation error of each way of up-sampling at several step sizes.

    Each dict has kind, latent_dim, epochs, and val_mse, which maps a factor of the course's
    learning rates to the lowest error of each seed in so many epochs.
    Raises ModelMissingError if it is not there, and RecordError if it is damaged.
    """

    def understand(values: Any) -> list[dict[str, Any]]:
        return [
            one | {"val_mse": {float(factor): mse for factor, mse in one["val_mse"].items()}}
            for one in values
        ]

    return _recorded_values(folder, STEP_SIZES, "tune", understand)


def detector_comparisons(folder: Path = CHECKPOINTS) -> list[dict[str, Any]]:
    """Return the recorded differences in mean AUROC between detectors, in points.

    Each has first and second, (detector, score); seeds, the difference of each; interval,
    mean, low and high, which counts seeds and test images; and images_only, with the seeds
    as they are. Raises ModelMissingError if it is not there, and RecordError if it is damaged.
    """

    def understand(values: Any) -> list[dict[str, Any]]:
        return [
            found
            | {key: Interval(*found[key]) for key in ("interval", "images_only")}
            | {key: tuple(found[key]) for key in ("first", "second")}
            for found in values
        ]

    return _recorded_values(folder, COMPARISONS, "compare", understand)


def _recorded_values(
    folder: Path, file: str, command: str, understand: Callable[[Any], Content]
) -> Content:
    """Return what `understand` makes of the values that a command has recorded."""
    path, written_by = expanded(folder) / file, f"python -m aelib {command}"
    remedy = f"{_restore(path)}run: {written_by}"
    raw = read_if_there(path, f"Remedy: {remedy}")
    if raw is None:
        raise ModelMissingError(f"{path} does not exist; {remedy}")
    entry = _parse_entry(raw, path, remedy)
    with reading(path, remedy):
        if entry["command"] != written_by:
            raise ValueError(f"it is what '{entry['command']}' writes")
        return understand(entry["values"])


def is_trained(name: str, seed: int, folder: Path = CHECKPOINTS) -> bool:
    """Return whether a run has been recorded with the settings that the table has now.

    If the experiment is watched, what was watched has to be recorded as well.
    """
    weights = weights_file(name, seed, folder)
    if weights.is_relative_to(expanded(folder)) and not weights.exists():
        return False
    try:
        return fits_table(record(name, seed, folder))
    except (ModelMissingError, RecordError):
        return False


def fits_table(entry: dict[str, Any]) -> bool:
    """Return whether a record is of a run with the settings that the table has now."""
    wanted = experiment(entry["name"])
    if wanted.watched and not entry.get("watched"):
        return False
    return entry["settings"] == json.loads(json.dumps(wanted.settings()))


def load_weights(
    of: Experiment,
    packed: bytes,
    entry: dict[str, Any] | None = None,
    path: Path | None = None,
) -> Any:
    """Return an experiment's model with packed weights, checked against its record.

    They are read as numbers only: no code in a file is ever run.
    Raises WeightsError for weights that are not those recorded, that are damaged, of another
    architecture, or not finite.
    """
    what = str(path) if path is not None else f"what was trained for {of.name}"
    remedy = _how_to_replace(of.name, path)
    found = hashlib.sha256(packed).hexdigest()
    if entry is not None and found != entry.get("weights_sha256"):
        raise WeightsError(
            f"{what} is not the file that was recorded: its SHA-256 is {found}, expected "
            f"{entry.get('weights_sha256')}. {remedy}"
        )
    model = of.build()
    try:
        state = torch.load(io.BytesIO(packed), map_location="cpu", weights_only=True)
    except Exception:
        # torch's own message tells how to run what it refused: not shown.
        raise WeightsError(
            f"{what} holds something other than the weights of a network, and was not read. "
            f"{remedy}"
        ) from None
    try:
        model.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"{what} holds weights of another architecture than {of.name}: "
            f"{' '.join(str(error).split())} {remedy}"
        ) from error
    if not all(bool(value.isfinite().all()) for value in model.state_dict().values()):
        raise WeightsError(f"{what} holds weights that are NaN or infinite. {remedy}")
    return model.eval()


def weights_file(name: str, seed: int, folder: Path = CHECKPOINTS) -> Path:
    """Return where a run's weights are: seed 0 and all judges ship, others are in the cache.

    Raises UnknownNameError for a name or a seed that is not in the table.
    """
    seed = _known_seed(name, seed)
    shipped = experiment(name).shipped and (seed == 0 or name == JUDGE)
    root = folder if shipped else cache_folder() / "weights"
    return expanded(root) / name / f"seed{seed}.pt"


def record_file(name: str, seed: int, folder: Path = CHECKPOINTS) -> Path:
    """Return where a run's record is; raises UnknownNameError as `weights_file` does."""
    return expanded(folder) / name / f"seed{_known_seed(name, seed)}.json"


def _known_seed(name: str, seed: int) -> int:
    seed, seeds = whole_number("seed", seed, 0), experiment(name).seeds
    if seed not in seeds:
        raise UnknownNameError(f"{name} has no seed {seed}; it has: {', '.join(map(str, seeds))}")
    return seed


def experiment(name: str) -> Experiment:
    """Return a line of the table; raises UnknownNameError for an unknown name."""
    if not isinstance(name, str) or name not in EXPERIMENTS:
        raise UnknownNameError(f"there is no model {name!r}; there are: {_known()}")
    return EXPERIMENTS[name]


def _known() -> str:
    return ", ".join(EXPERIMENTS)


def _how_to_replace(name: str, path: Path | None) -> str:
    """Return what to tell somebody whose weights are of no use."""
    return (
        f"Remedy: {_restore(path) if path is not None else ''}delete it and the run's record "
        f"beside it, then run: python -m aelib train {name}"
    )


def how_to_train(name: str, path: Path) -> str:
    """Return what to tell somebody who asks for a file that is not there."""
    kept = "" if path.is_relative_to(CHECKPOINTS) else " (after deleting the run's record)"
    return f"{path} does not exist; to make it{kept}, run: python -m aelib train {name}"
