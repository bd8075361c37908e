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
from epigone.storage import read_json, write_json


@dataclass(frozen=True)
class Finished:
    """What a run left; `losses` holds sums over blocks for each split, nothing where the loss diverged."""

    folder: Path
    losses: dict[str, Losses]
    seconds: float = 0.0
    trained_parameters: int | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def learning_seconds(self) -> float:
        """Without validations, samples and saving; with them where a run is from before they were told apart."""
        return float(self.history[-1].get("learning_seconds", self.seconds))

    @property
    def validation_loss(self) -> float:
        """Nats per token on the validation split; infinite where the loss diverged."""
        return self.losses["validation"].loss if self.losses else float("inf")


class Job(Protocol):
    """Something that can be run once."""

    def settings(self) -> dict[str, Any]:
        """What determines the outcome: no paths, nothing that only changes how fast it comes."""
        ...

    def compute(self, folder: Path) -> dict[str, Any]:
        """Do the work in a folder of its own; what is returned becomes `Finished`."""
        ...


def identity(job: Job) -> str:
    """Everything that determines a run, as one line of JSON."""
    return json.dumps({"kind": type(job).__name__} | job.settings(), sort_keys=True)


def folder_of(job: Job, store: Path) -> Path:
    """Where a run is, or will be."""
    return store / hashlib.sha256(identity(job).encode()).hexdigest()[:16]


def run_job(job: Job, store: Path) -> Finished:
    """Do a run, or go on with it, or read what it left."""
    folder = folder_of(job, store)
    result = folder / "result.json"
    if not result.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "job.json", json.loads(identity(job)))
        write_json(result, job.compute(folder))
    found = read_json(result)
    splits = found.pop("splits")
    losses = {name: Losses(**{key: np.array(v) for key, v in value.items()}) for name, value in splits.items()}
    return Finished(folder, losses, **found)


def under_way(folders: Mapping[Path, str], since: float) -> list[str]:
    """A line on each run that was begun, or gone on with, and is not finished: its name and its last validation.

    Args:
        folders: the names of runs by their folder.
        since: the time from which on runs were begun; what was left before that is not under way.
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
        last = json.loads((folder / "model" / "history.jsonl").read_text(encoding="utf-8").splitlines()[-1])
        most = read_json(folder / "job.json")["training"]["epochs"]
        limit = f" of {most:g}" if most else ""
        return f": epoch {last['epoch']:.4g}{limit}, validation {last['validation_loss']:.4f}"
    except (UserError, OSError, ValueError, LookupError):  # it has not come to a validation
        return ""
