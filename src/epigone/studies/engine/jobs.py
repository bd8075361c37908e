"""The kinds of runs: a network that is trained, a base as it is, an n-gram model; and the texts they run on."""

import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from epigone.arguments import named_paths
from epigone.described import described
from epigone.errors import UserError
from epigone.evaluation.losses import Losses, document_losses, sum_losses
from epigone.evaluation.ngram import Mixture, NgramModel, fit_mixture_weight, mix, search_order
from epigone.models.config import ModelOptions
from epigone.models.files.bundled import bundled_models, resolve
from epigone.models.files.checkpoint import Checkpoint, load_checkpoint
from epigone.models.files.description import hash_of, weights_hash
from epigone.models.language_model import LanguageModel
from epigone.storage import read_json_lines
from epigone.studies.engine.store import Job
from epigone.text.corpus import Corpus, SplitOptions
from epigone.text.document import some
from epigone.text.readers.registry import ReadOptions
from epigone.text.tokenizers.base import Tokenizer, VocabularyOptions
from epigone.text.tokenizers.direction import in_direction
from epigone.training.options import DisplayOptions, FinetuneOptions, MachineOptions, TrainingOptions
from epigone.training.pretrain import pretrain
from epigone.training.system.processes import device_of
from epigone.training.task import Diverged
from epigone.transfer.dropout import DropoutOptions
from epigone.transfer.finetune import finetune
from epigone.transfer.methods.base import Method
from epigone.transfer.methods.retrain import Retrain
from epigone.transfer.rehearsal import RehearsalOptions
from epigone.transfer.vocabulary import fit_tokenizer

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Text:
    """A corpus to run on: its paths, how it is read and split, and its hash, which alone identifies it."""

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
        """Its part of a run's identity."""
        return {"hash": self.hash, "split": described(self.split)}

    def summary(self) -> dict[str, Any]:
        """How the corpus was read and split, its sizes and its hash."""
        return open_text(self).summary()

    def notices(self, tokenizer: str = "") -> list[str]:
        """Sentences on what was left out in reading, and by the tokenizer of this name if there is one."""
        opened = open_text(self)
        of_tokens = opened.stream("all", opened.tokenizer(tokenizer)).notices if tokenizer else []
        return [*opened.notices, *of_tokens]

    def facts(self) -> dict[str, Any]:
        """Facts needed to read it again."""
        return facts_of(self, self.summary())


_open: dict[Text, Corpus] = {}  # the last ones opened in this process


def open_text(text: Text) -> Corpus:
    """Open the corpus, once in a process.

    Raises:
        UserError: it has changed since it was named.
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


def facts_of(text: Text, summary: Mapping[str, Any]) -> dict[str, Any]:
    """Facts needed to read a text again: its path, and its summary, which says how it was read."""
    return {
        "name": [Path(path).resolve().name for path in text.paths],
        "path": text.paths,
    } | {key: value for key, value in summary.items() if key != "notices"}


@dataclass(frozen=True)
class Base:
    """A pretrained model: its path, and the hash of its weights, which alone identifies it."""

    path: str
    hash: str


def base_of(checkpoint: Checkpoint) -> Base:
    """A base as runs name it; a bundled one has its name, which is the same on every machine."""
    folder = checkpoint.folder
    bundled = {path: name for name, path in bundled_models().items()}
    return Base(bundled.get(folder, str(folder)), weights_hash(folder))


@dataclass(frozen=True)
class Training:
    """A network that is trained: from scratch if `base` is None, else a selection of the base's weights."""

    text: Text
    training: TrainingOptions
    base: Base | None = None
    selection: str = "all"
    dropout: float | None = None
    output_dropout: float | None = None
    tokenizer: str = "ascii"
    model: ModelOptions = ModelOptions()
    vocabulary: VocabularyOptions = VocabularyOptions()
    machine: MachineOptions = MachineOptions()
    display: DisplayOptions = DisplayOptions()
    method: Method = Retrain()
    rehearse: Text | None = None
    """Text like the base's own of which as much is learned as of the text."""
    files: tuple[str, ...] = field(init=False)
    """The hashes of the files that the selection names with from=, as they were when the run was named."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", hashes_of_files(self.selection))

    @property
    def seed(self) -> int:
        """Of the initial weights, of dropout and of the order of the documents."""
        return self.training.seed

    def settings(self) -> dict[str, Any]:
        # Version 0.1.0 counted the device among what determines a run; this keeps the names of its runs.
        training = described(self.training) | {"device": "auto", "devices": 1}
        settings: dict[str, Any] = {"text": self.text.identity(), "training": training}
        if self.base is None:
            settings |= {"tokenizer": self.tokenizer, "model": described(self.model)}
            # Left out at its default, so that runs from before there was a choice keep their names.
            chosen = self.vocabulary != VocabularyOptions()
            return settings | ({"vocabulary": described(self.vocabulary)} if chosen else {})
        settings |= {
            "base": self.base.hash,
            "selection": self.selection,
            "dropout": self.dropout,
            "output_dropout": self.output_dropout,
        }
        # These are left out if there are none, for the same reason.
        settings |= {"files": list(self.files)} if self.files else {}
        settings |= {"rehearse": self.rehearse.identity()} if self.rehearse else {}
        return settings | ({} if self.method == Retrain() else {"method": self.method.described()})

    def compute(self, folder: Path) -> dict[str, Any]:
        if hashes_of_files(self.selection) != self.files:
            raise UserError(
                f"{some(named_paths(self.selection))} changed while it was being used; give --resume to start its runs "
                "anew."
            )
        out = folder / "model"
        resume = (out / "config.json").exists()
        if not resume:  # a run that was killed before its first save may have left a file
            shutil.rmtree(out, ignore_errors=True)
        # Named in full, because training commands alone would learn from more of the text.
        read, split = self.text.read, replace(self.text.split, fractions=open_text(self.text).fractions)
        try:
            if self.base is None:
                result = pretrain(
                    *self.text.paths, out=out, tokenizer=self.tokenizer, vocabulary=self.vocabulary, model=self.model,
                    training=self.training, machine=self.machine, display=self.display,
                    read=read, split=split, fingerprint=False, resume=resume,
                )  # fmt: skip
            else:
                result = finetune(
                    self.base.path, *self.text.paths, out=out, train=self.selection, head=False, method=self.method,
                    training=FinetuneOptions(**asdict(self.training)), machine=self.machine, display=self.display,
                    dropouts=DropoutOptions(self.dropout, self.output_dropout),
                    rehearsal=RehearsalOptions(self.rehearse.paths if self.rehearse else ()),
                    read=read, split=split, fingerprint=False, resume=resume,
                )  # fmt: skip
        except Diverged as error:
            return {"splits": {}, "details": {"failure": str(error)}}
        if result.outcome == "interrupted":
            raise KeyboardInterrupt
        trained = load_checkpoint(out)
        return {
            "splits": _measure(trained.model, trained.tokenizer, self.text, self.machine),
            "seconds": result.seconds,
            "trained_parameters": result.trained_parameters,
            "history": read_json_lines(out / "history.jsonl"),
            "details": {"epochs": result.epochs, "outcome": result.outcome},
        }


def hashes_of_files(selection: str) -> tuple[str, ...]:
    """The hashes (sha256) of the files that a selection names with from=; those of its weights for a model.

    Raises:
        UserError: a file cannot be read.
    """
    return tuple(map(_hash_of_file, named_paths(selection)))


def _hash_of_file(path: str) -> str:
    try:
        return hash_of(Path(path).read_bytes()) if Path(path).is_file() else weights_hash(resolve(path))
    except OSError as error:
        raise UserError(f"Could not read {error.filename}, which a selection names: {error.strerror}.") from error


@dataclass(frozen=True)
class Untouched:
    """An untouched base, from which retraining starts: with a mean row for each character that it lacks."""

    text: Text
    base: Base

    def settings(self) -> dict[str, Any]:
        return {"text": self.text.identity(), "base": self.base.hash}

    def compute(self, folder: Path) -> dict[str, Any]:
        begin = time.perf_counter()
        model, plain = fit_tokenizer(load_checkpoint(self.base.path), open_text(self.text), None, [])
        tokenizer = in_direction(plain, model.config.direction)
        splits = _measure(model, tokenizer, self.text)
        return {"splits": splits, "seconds": time.perf_counter() - begin, "trained_parameters": 0}


@dataclass(frozen=True)
class Ngrams:
    """An interpolated n-gram model of the text; order and discounts are searched on validation.

    With a `source`, its n-gram model is mixed in with a weight that is fitted on validation too.
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
        return {"splits": losses, "seconds": time.perf_counter() - begin, "details": details}


def _measure(
    model: LanguageModel, tokenizer: Tokenizer, text: Text, machine: MachineOptions = MachineOptions()
) -> dict[str, Losses]:
    model = model.to(device_of(machine.device))
    streams = {split: open_text(text).stream(split, tokenizer) for split in SPLITS}
    return {split: document_losses(model, stream) for split, stream in streams.items()}


def facts_of_run(job: Job) -> dict[str, Any]:
    """Everything that determines a run, except its text."""
    return {key: value for key, value in job.settings().items() if key != "text"}
