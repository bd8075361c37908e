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
from epigone.schema import by_name, each, mapping, number, optional, record, whole
from epigone.storage import read_json, read_json_lines, write_json

MOST_RESULT = 256 << 20  # bytes of a result.json, which has a few numbers for each document
LOSSES = record({"nats": each(number()), "tokens": each(whole())}, "nats", "tokens")
RESULT = record(
    {
        "splits": by_name(LOSSES), "seconds": number(), "trained_parameters": optional(whole()),
        "history": each(mapping), "details": mapping,
    },
    "splits",
)  # fmt: skip
JOB = record({"training": mapping})


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
        write_json(folder / "job.json", json.loads(identity(job)))
        computed = job.compute(folder)
        write_json(result, computed | {"splits": _plain(computed["splits"])})
    found = read_json(result, RESULT, MOST_RESULT)
    splits = found.pop("splits")
    try:
        losses = {name: Losses(**{key: np.array(v) for key, v in value.items()}) for name, value in splits.items()}
        return Finished(folder, losses, **found)
    except (TypeError, ValueError) as error:
        raise UserError(f"{result} is damaged ({error}); delete it to do the run again.") from error


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
        last = read_json_lines(folder / "model" / "history.jsonl")[-1]
        most = read_json(folder / "job.json", JOB)["training"]["epochs"]
        limit = f" of {most:g}" if most else ""
        return f": epoch {last['epoch']:.4g}{limit}, validation {last['validation_loss']:.4f}"
    except (UserError, OSError, ValueError, LookupError):  # it has not reached a validation
        return ""
