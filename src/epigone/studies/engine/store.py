"""The run store: a run is a folder named by the hash of its configuration; finished ones are never repeated.

Three kinds of runs: a network that is trained (`Training`), a base as it is (`Untouched`), n-grams (`Ngrams`).
"""

import hashlib
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from epigone.errors import UserError
from epigone.evaluation.losses import Losses, document_losses, sum_losses
from epigone.evaluation.ngram import Mixture, NgramModel, fit_mixture_weight, mix, search_order
from epigone.models.config import ModelOptions
from epigone.models.files.checkpoint import load_checkpoint
from epigone.models.language_model import LanguageModel
from epigone.storage import read_json, write_json
from epigone.text.corpus import Corpus, SplitOptions
from epigone.text.document import some
from epigone.text.readers.registry import ReadOptions
from epigone.text.tokenizers.base import Tokenizer, VocabularyOptions
from epigone.training.options import RetrainingOptions, TrainingOptions
from epigone.training.pretrain import pretrain
from epigone.training.run.folder import NOT_IDENTITY
from epigone.training.task import Diverged
from epigone.transfer.finetune import finetune, fit_tokenizer

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Text:
    """A corpus to run on: where it lies, how it is read and split, and its hash, which alone identifies it."""

    paths: tuple[str, ...]
    hash: str
    read: ReadOptions = ReadOptions()
    split: SplitOptions = SplitOptions()

    @classmethod
    def of(cls, *paths: str | Path, read: ReadOptions = ReadOptions(), split: SplitOptions = SplitOptions()) -> "Text":
        """Name a corpus, with the hash that it has now."""
        corpus = Corpus.open(paths, read, split)
        text = cls(tuple(str(Path(path)) for path in paths), corpus.hash, read, split)
        _keep_open(text, corpus)
        return text

    def identity(self) -> dict[str, Any]:
        """What of it determines a run."""
        return {"hash": self.hash, "split": asdict(self.split)}


_open: dict[Text, Corpus] = {}  # those that were opened last in this process


def open_text(text: Text) -> Corpus:
    """The corpus, read once in a process.

    Raises:
        UserError: it is not the one that was named.
    """
    if text not in _open:
        corpus = Corpus.open(text.paths, text.read, text.split)
        if corpus.hash != text.hash:
            raise UserError(
                f"{some(list(text.paths))} changed while it was being used; start again with another --out."
            )
        _keep_open(text, corpus)
    return _open[text]


def _keep_open(text: Text, corpus: Corpus) -> None:
    _open[text] = corpus
    if len(_open) > 8:
        del _open[next(iter(_open))]


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


def _plain(losses: dict[str, Losses]) -> dict[str, Any]:
    return {
        name: {key: value.tolist() for key, value in vars(split).items() if value.size or key != "spelling"}
        for name, split in losses.items()
    }


def _measure(model: LanguageModel, tokenizer: Tokenizer, text: Text) -> dict[str, Any]:
    streams = {split: open_text(text).stream(split, tokenizer) for split in SPLITS}
    return _plain({split: document_losses(model, stream) for split, stream in streams.items()})


@dataclass(frozen=True)
class Base:
    """A pretrained model: where it lies, and the hash of its weights, which alone identifies it."""

    path: str
    hash: str


@dataclass(frozen=True)
class Training:
    """A network that is trained: from scratch where `base` is None, else a selection of the base's weights."""

    text: Text
    training: TrainingOptions
    base: Base | None = None
    selection: str = "all"
    dropout: float | None = None
    output_dropout: float | None = None
    tokenizer: str = "ascii"
    model: ModelOptions = ModelOptions()
    vocabulary: VocabularyOptions = VocabularyOptions()

    def settings(self) -> dict[str, Any]:
        training = {key: value for key, value in asdict(self.training).items() if key not in NOT_IDENTITY}
        settings: dict[str, Any] = {"text": self.text.identity(), "training": training}
        if self.base is None:
            settings |= {"tokenizer": self.tokenizer, "model": asdict(self.model)}
            # Left out where it says nothing, so that runs from before there was a choice keep their names.
            chosen = self.vocabulary != VocabularyOptions()
            return settings | ({"vocabulary": asdict(self.vocabulary)} if chosen else {})
        return settings | {
            "base": self.base.hash,
            "selection": self.selection,
            "dropout": self.dropout,
            "output_dropout": self.output_dropout,
        }

    def compute(self, folder: Path) -> dict[str, Any]:
        out = folder / "model"
        resume = (out / "config.json").exists()
        if not resume:  # a run that was killed before it began may have left a file
            shutil.rmtree(out, ignore_errors=True)
        read, split = self.text.read, self.text.split
        try:
            if self.base is None:
                result = pretrain(
                    *self.text.paths, out=out, tokenizer=self.tokenizer, vocabulary=self.vocabulary, model=self.model,
                    training=self.training, read=read, split=split, fingerprint=False, resume=resume,
                )  # fmt: skip
            else:
                result = finetune(
                    self.base.path, *self.text.paths, out=out, train=self.selection, head=False,
                    training=RetrainingOptions(**asdict(self.training)),
                    dropout=self.dropout, output_dropout=self.output_dropout,
                    read=read, split=split, fingerprint=False, resume=resume,
                )  # fmt: skip
        except Diverged as error:
            return {"splits": {}, "details": {"failure": str(error)}}
        if result.outcome == "interrupted":
            raise KeyboardInterrupt
        lines = (out / "history.jsonl").read_text(encoding="utf-8").splitlines()
        trained = load_checkpoint(out)
        return {
            "splits": _measure(trained.model, trained.tokenizer, self.text),
            "seconds": result.seconds,
            "trained_parameters": result.trained_parameters,
            "history": [json.loads(line) for line in lines],
            "details": {"epochs": result.epochs, "outcome": result.outcome},
        }


@dataclass(frozen=True)
class Untouched:
    """A base as it is, from which retraining starts: with a mean row for each character that it has never seen."""

    text: Text
    base: Base

    def settings(self) -> dict[str, Any]:
        return {"text": self.text.identity(), "base": self.base.hash}

    def compute(self, folder: Path) -> dict[str, Any]:
        begin = time.perf_counter()
        model, tokenizer = fit_tokenizer(load_checkpoint(self.base.path), open_text(self.text), None, [])
        splits = _measure(model, tokenizer, self.text)
        return {"splits": splits, "seconds": time.perf_counter() - begin, "trained_parameters": 0}


@dataclass(frozen=True)
class Ngrams:
    """An interpolated n-gram model of the text, order and discounts searched on validation.

    With a `source` its n-gram model is mixed in, and the weight too is fitted on validation.
    """

    text: Text
    tokenizer: str = "ascii"
    source: Text | None = None
    max_order: int = 8

    def settings(self) -> dict[str, Any]:
        source = self.source and self.source.identity()
        return {"text": self.text.identity(), "tokenizer": self.tokenizer, "source": source, "max": self.max_order}

    def compute(self, folder: Path) -> dict[str, Any]:
        begin = time.perf_counter()
        corpus = open_text(self.text)
        tokenizer = corpus.tokenizer(self.tokenizer)
        streams = {split: corpus.stream(split, tokenizer) for split in SPLITS}
        held_out = streams["validation"]
        size, orders = len(tokenizer.vocabulary), range(2, self.max_order + 1)
        search = search_order(streams["train"].tokens, held_out.tokens, size, tokenizer.end, orders)
        model: NgramModel | Mixture = search.model
        details: dict[str, Any] = {"order": search.model.order}
        if self.source is not None:
            source = open_text(self.source).stream("all", tokenizer)
            other = search_order(source.tokens, held_out.tokens, size, tokenizer.end, orders).model
            counted = np.asarray(held_out.targets) != tokenizer.end
            weight = fit_mixture_weight(
                model.log_probs(held_out.tokens)[counted], other.log_probs(held_out.tokens)[counted]
            )
            details |= {"source_order": other.order, "weight": weight}
            model = mix([search.model, other], [weight, 1 - weight])
        losses = {split: sum_losses(stream, -model.log_probs(stream.tokens)) for split, stream in streams.items()}
        return {"splits": _plain(losses), "seconds": time.perf_counter() - begin, "details": details}
