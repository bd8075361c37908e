"""The run store: a run is a folder named by the hash of its settings; a finished run is never repeated."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from epigone.errors import UserError
from epigone.evaluation.losses import Losses
from epigone.schema import LARGEST, by_name, each, flag, number, optional, record, text, whole
from epigone.storage import read_json, read_json_lines, remove_leftovers, write_json

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
        "failure": text,
    }
)  # fmt: skip
_RESULT = record(
    {
        "splits": by_name(_LOSSES), "seconds": number(), "trained_parameters": optional(whole()),
        "history": each(HISTORY), "details": _DETAILS,
    },
    "splits",
)  # fmt: skip


def _result(value: Any) -> str | None:
    """The schema of a result.json."""
    return _RESULT(value) or next(
        (f".splits.{name}: {fault}" for name, split in value["splits"].items() if (fault := _misfit(split))),
        None,
    )


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
    """A finished run; `losses` holds sums over blocks for each split, or nothing if the loss diverged."""

    folder: Path
    losses: dict[str, Losses]
    seconds: float = 0.0
    trained_parameters: int | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def learning_seconds(self) -> float:
        """Seconds without validations, samples and saving; old runs include these."""
        return float(self.history[-1].get("learning_seconds", self.seconds))

    @property
    def validation_loss(self) -> float:
        """Nats per token on the validation split; infinite if the loss diverged."""
        return self.losses["validation"].loss if self.losses else float("inf")


class Job(Protocol):
    """A run: a frozen dataclass whose settings name its folder."""

    def settings(self) -> dict[str, Any]:
        """Everything that determines the outcome: no paths, nothing that only changes the speed."""
        ...

    def compute(self, folder: Path) -> dict[str, Any]:
        """Do the work in a folder of its own, and return the fields of `Finished`, with `losses` as `splits`."""
        ...


def identity(job: Job) -> str:
    """Everything that determines a run, as one line of JSON."""
    return json.dumps({"kind": type(job).__name__} | job.settings(), sort_keys=True)


def folder_of(job: Job, store: Path) -> Path:
    """The folder of a run."""
    return store / hashlib.sha256(identity(job).encode()).hexdigest()[:16]


def run_job(job: Job, store: Path) -> Finished:
    """Do a run, or resume it, or read its result if it is finished."""
    folder = folder_of(job, store)
    result = folder / "result.json"
    if not result.exists():
        folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder)
        write_json(folder / "job.json", json.loads(identity(job)))
        computed = job.compute(folder)
        write_json(result, computed | {"splits": _plain(computed["splits"])})
    found = read_json(result, _result, MOST_RESULT, f"delete the folder {folder} to do the run again")
    splits = found.pop("splits")
    try:
        losses = {name: Losses(**{key: np.array(v) for key, v in value.items()}) for name, value in splits.items()}
        return Finished(folder, losses, **found)
    except TypeError as error:  # of a key that this version does not know
        raise UserError(f"{result} is damaged ({error}); delete the folder {folder} to do the run again.") from error


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
