"""The run store: a run is a folder named by the hash of its settings; a finished run is never repeated."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

import numpy as np

from epigone.errors import UserError
from epigone.evaluation.losses import Losses
from epigone.schema import LARGEST, by_name, each, flag, number, optional, record, text, whole
from epigone.storage import read_json, read_json_lines, remove_leftovers, write_json
from epigone.studies.engine.lease import LeaseLost, leased
from epigone.training.system.interruption import stopped_by

DIGITS = 7  # of probabilities in a file, after the point
MOST_RESULT = 256 << 20  # bytes of a result.json, which has a few numbers for each document
_COUNTS, _NATS = each(whole(), LARGEST), each(number(), LARGEST)
_LOSSES = record(
    {"nats": _NATS, "tokens": _COUNTS, "correct": _COUNTS, "document": _COUNTS, "characters": _COUNTS,
     "spelling": _NATS},
    "nats", "tokens", "correct", "document", "characters",
)  # fmt: skip
HISTORY = record(
    {
        "epoch": number(), "step": whole(), "validation_loss": number(), "best": flag,
        "train_loss": optional(number()), "smoothed_loss": optional(number()),
        "validation_accuracy": optional(number()), "train_accuracy": optional(number()),
        "learning_seconds": number(), "seconds": number(),
    },
    "epoch", "step", "validation_loss", "best",
)  # fmt: skip
"""A row of history.jsonl."""
_DETAILS = record(
    {
        "order": whole(), "source_order": whole(), "weight": number(0, 1), "epochs": number(), "outcome": text,
        "failure": text, "kilobytes": number(0),
    }
)  # fmt: skip
_RESULT = record(
    {
        "splits": by_name(_LOSSES), "seconds": number(), "trained_parameters": optional(whole()),
        "history": each(HISTORY), "details": _DETAILS, "measured_loss": optional(number()),
        "probabilities": by_name(each(each(number(0, 1), LARGEST, 1), LARGEST)),
    },
    "splits",
)  # fmt: skip


def _result(value: Any) -> str | None:
    """The schema of a result.json."""
    if fault := _RESULT(value):
        return fault
    for name, split in value["splits"].items():
        if misfit := _misfit(split):
            return f".splits.{name}: {misfit}"
    for name, rows in value.get("probabilities", {}).items():
        if len(sizes := sorted({len(row) for row in rows})) > 1:
            return f".probabilities.{name}: {sizes[0]} classes of one text and {sizes[-1]} of another"
    return None


def _misfit(split: Mapping[str, Any]) -> str:
    """Say what is wrong with the sizes of the losses of a split; see `Losses`."""
    blocks, documents = len(split["nats"]), len(split["characters"])
    sizes = {"tokens": {blocks}, "document": {blocks}, "correct": {blocks, 0}}
    if wrong := [key for key, allowed in sizes.items() if len(split[key]) not in allowed]:
        return f"{blocks} nats and {len(split[wrong[0]])} of {wrong[0]}"
    if len(split.get("spelling", ())) not in (documents, 0):
        return f"{documents} characters and {len(split['spelling'])} of spelling"
    if any(document >= documents for document in split["document"]):
        return f"there are {documents} documents, and a block of document {max(split['document'])}"
    return ""


_JOB = record({"training": record({"epochs": optional(number())}, "epochs")}, "training")


@dataclass(frozen=True)
class Finished:
    """A finished run. It has losses if it is of a language model, and probabilities if it is of a classifier."""

    folder: Path
    losses: dict[str, Losses]
    """Sums over blocks for each split."""
    seconds: float = 0.0
    trained_parameters: int | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    probabilities: dict[str, np.ndarray] = field(default_factory=dict)
    """The probabilities (N, C) of the classes for the texts of each set that was measured."""
    measured_loss: float | None = None
    """The validation loss of a run without losses: nats per text of a classifier, per token of a language model whose
    own texts validated it."""

    @property
    def diverged(self) -> bool:
        """True if the loss became infinite or NaN, so that nothing was measured."""
        return not self.losses and self.measured_loss is None

    @property
    def learning_seconds(self) -> float:
        """Seconds without validations, samples and saving; old runs include these."""
        return float(self.history[-1].get("learning_seconds", self.seconds))

    @property
    def validation_loss(self) -> float:
        """Nats per token (of a classifier: per text) on the validation split; infinite if the loss diverged."""
        if self.losses:
            return self.losses["validation"].loss
        return float("inf") if self.measured_loss is None else self.measured_loss


class Job(Protocol):
    """A run: a frozen dataclass whose settings name its folder."""

    def settings(self) -> dict[str, Any]:
        """Everything that determines the outcome: no paths, nothing that only changes the speed."""
        ...

    def compute(self, folder: Path) -> dict[str, Any]:
        """Do the work in a folder of its own, and return the fields of `Finished`, with `losses` as `splits`.

        A run that diverged returns empty `splits`, and the failure in `details`.
        """
        ...


def identity(job: Job) -> str:
    """Everything that determines a run, as one line of JSON."""
    return json.dumps({"kind": type(job).__name__} | job.settings(), sort_keys=True)


def folder_of(job: Job, store: Path) -> Path:
    """The folder of a run."""
    return store / hashlib.sha256(identity(job).encode()).hexdigest()[:16]


def stop_file(store: Path) -> Path:
    """The file that ends all workers of a store, on every machine, as soon as their runs are saved."""
    return store / "stop"


def run_job(job: Job, store: Path) -> Finished:
    """Do a run, or resume it, or read its result if it is finished; wait if another worker does it.

    Raises:
        KeyboardInterrupt: it was stopped, and is saved.
    """
    folder = folder_of(job, store)
    result = folder / "result.json"
    asked = _stop_asked(store)
    while not result.exists():
        if asked():
            raise KeyboardInterrupt
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(LeaseLost), stopped_by(asked), leased(folder, result.exists, asked) as held:
            if not result.exists():
                _compute(job, folder, held)
    found = read_json(result, _result, MOST_RESULT, f"delete the folder {folder} to do the run again")
    splits = found.pop("splits")
    if "probabilities" in found:
        found["probabilities"] = {name: np.array(each) for name, each in found["probabilities"].items()}
    try:
        losses = {name: Losses(**{key: np.array(v) for key, v in value.items()}) for name, value in splits.items()}
        return Finished(folder, losses, **found)
    except TypeError as error:  # of a key that this version does not know
        raise UserError(f"{result} is damaged ({error}); delete the folder {folder} to do the run again.") from error


def _stop_asked(store: Path) -> Callable[[], bool]:
    """Tell if the stop file is there; it is looked for once a second, because every step of a training asks."""
    path, looked, there = stop_file(store), -math.inf, False

    def asked() -> bool:
        nonlocal looked, there
        if monotonic() - looked >= 1:
            looked, there = monotonic(), there or path.exists()
        return there

    return asked


def _compute(job: Job, folder: Path, held: Callable[[], bool]) -> None:
    """Do a run in its folder and write its result, as long as its lease is held."""

    def lost() -> bool:
        if not held():
            raise LeaseLost
        return False

    remove_leftovers(folder)
    write_json(folder / "job.json", json.loads(identity(job)))
    with stopped_by(lost):
        computed = job.compute(folder)
    plain = {"splits": _plain(computed["splits"])}
    if given := computed.get("probabilities"):
        plain["probabilities"] = {name: np.round(each, DIGITS).tolist() for name, each in given.items()}
    lost()
    write_json(folder / "result.json", computed | plain)


def _plain(losses: Mapping[str, Losses]) -> dict[str, Any]:
    """Losses by split, as JSON has them."""
    return {
        name: {key: value.tolist() for key, value in vars(split).items() if value.size or key != "spelling"}
        for name, split in losses.items()
    }


def under_way(folders: Mapping[Path, str], since: float) -> list[str]:
    """A line on each unfinished run that began or resumed since a time: its name and its last validation.

    Args:
        folders: the names of runs by their folder.
        since: the time (seconds since the epoch); runs that stopped before it are not under way.
    """
    return [f"{name}{_standing(folder)}" for folder, name in folders.items() if _is_under_way(folder, since)]


def _is_under_way(folder: Path, since: float) -> bool:
    try:
        begun = (folder / "job.json").stat().st_mtime
    except OSError:
        return False
    # The clock of files is coarser.
    return begun >= since - 1 and not (folder / "result.json").exists()


def _standing(folder: Path) -> str:
    try:
        last = read_json_lines(folder / "model" / "history.jsonl", HISTORY)[-1]
        most = read_json(folder / "job.json", _JOB)["training"]["epochs"]
        limit = f" of {most:g}" if most else ""
        return f": epoch {last['epoch']:.4g}{limit}, validation {last['validation_loss']:.4f}"
    except (UserError, OSError, ValueError, LookupError):  # it has not reached a validation
        return ""
