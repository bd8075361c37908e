"""The run store: a run is a folder named by the hash of its configuration; finished ones are never repeated."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from understudy.errors import UserError
from understudy.evaluation.losses import Losses, document_losses
from understudy.models.checkpoint import load_checkpoint
from understudy.models.language_model import ModelOptions
from understudy.storage import atomic_write, read_json, write_json
from understudy.text.corpus import Corpus, SplitOptions
from understudy.text.documents import ReadOptions
from understudy.training.options import TrainingOptions
from understudy.training.pretrain import pretrain
from understudy.transfer.finetune import finetune, weights_hash

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Text:
    """A corpus to run on: where it lies, how it is read and split, and its hash, which alone counts for identity."""

    paths: tuple[str, ...]
    hash: str
    read: ReadOptions = ReadOptions()
    split: SplitOptions = SplitOptions()

    @classmethod
    def of(cls, *paths: str | Path, read: ReadOptions = ReadOptions(), split: SplitOptions = SplitOptions()) -> "Text":
        """Name a corpus, with its hash."""
        text = cls(tuple(str(Path(path)) for path in paths), "", read, split)
        return replace(text, hash=open_text(text).hash)

    def identity(self) -> dict[str, Any]:
        return {"hash": self.hash, "split": asdict(self.split)}


@lru_cache(maxsize=4)
def open_text(text: Text) -> Corpus:
    """The corpus, read once in a process."""
    return Corpus.open(text.paths, text.read, text.split)


@dataclass(frozen=True)
class Job:
    """One training run: from scratch where `base` is None, else retraining a selection of the base."""

    text: Text
    training: TrainingOptions
    tokenizer: str = "ascii"
    model: ModelOptions | None = None
    base: str | None = None
    base_hash: str | None = None
    selection: str = "all"
    dropout: float | None = None
    output_dropout: float | None = None
    weights: bool = True
    """Keep the weights, and not only the losses."""

    def settings(self) -> dict[str, Any]:
        """What determines the outcome, without paths and without what only changes how fast it comes."""
        settings = asdict(self)
        settings["text"] = self.text.identity()
        for name in ("threads", "save_every"):
            del settings["training"][name]
        del settings["base"], settings["weights"]
        return settings

    @property
    def key(self) -> str:
        """The name of the run's folder."""
        return hashlib.sha256(json.dumps(self.settings(), sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Finished:
    """What a run left: sums over the blocks of each split (see `Losses`), curves, cost."""

    folder: Path
    losses: dict[str, Losses]
    history: list[dict[str, Any]] = field(default_factory=list)
    trained_parameters: int = 0
    parameters: int = 0
    seconds: float = 0.0
    best_epoch: float = 0.0
    failure: str | None = None


def run_job(job: Job, store: Path) -> Finished:
    """Do a run, or go on with it, or read what it left.

    A run whose loss diverges is a finished run with a `failure`.
    """
    folder = store / job.key
    if not (folder / "losses.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "job.json", job.settings())
        model = folder / "model"
        resume = (model / "config.json").exists()
        options = {"training": job.training, "read": job.text.read, "split": job.text.split}
        try:
            if job.base is None:
                result = pretrain(
                    *job.text.paths, out=model, tokenizer=job.tokenizer, model=job.model or ModelOptions(),
                    fingerprint=False, resume=resume, **options,
                )  # fmt: skip
            else:
                result = finetune(
                    job.base, *job.text.paths, out=model, train=job.selection, head=False,
                    dropout=job.dropout, output_dropout=job.output_dropout,
                    fingerprint=False, resume=resume, **options,
                )  # fmt: skip
        except UserError as error:
            if "loss became" not in str(error):
                raise
            write_json(folder / "losses.json", {"failure": str(error)})
            return read_finished(folder)
        if result.outcome == "interrupted":
            raise KeyboardInterrupt
        losses = split_losses(str(model), job.text)
        rows = {
            "parameters": result.parameters,
            "trained_parameters": result.trained_parameters,
            "seconds": result.seconds,
        }
        write_json(folder / "losses.json", rows | {"splits": {name: _plain(value) for name, value in losses.items()}})
        if not job.weights:
            (model / "model.safetensors").unlink()
    return read_finished(folder)


def split_losses(model: str | Path, text: Text) -> dict[str, Losses]:
    """The losses of a model on each split of a text."""
    checkpoint = load_checkpoint(model)
    corpus = open_text(text)
    return {
        split: document_losses(checkpoint.model, corpus.stream(split, checkpoint.tokenizer)) for split in SPLITS
    }


def read_finished(folder: Path) -> Finished:
    """Read what a finished run left."""
    found = read_json(folder / "losses.json")
    if "failure" in found:
        return Finished(folder, {}, failure=found["failure"])
    lines = (folder / "model" / "history.jsonl").read_text().splitlines()
    history = [json.loads(line) for line in lines]
    best = min(history, key=lambda row: row["validation_loss"])
    return Finished(
        folder,
        {name: Losses(**{key: np.array(v) for key, v in value.items()}) for name, value in found["splits"].items()},
        history,
        found["trained_parameters"],
        found["parameters"],
        found["seconds"],
        best["epoch"],
    )


def _plain(losses: Losses) -> dict[str, Any]:
    return {key: value.tolist() for key, value in vars(losses).items()}
