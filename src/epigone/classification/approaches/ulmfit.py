"""ULMFiT: a language model, retrained on the texts without their labels, then as a classifier.

Howard and Ruder (2018), Universal Language Model Fine-tuning for Text Classification. The first stage is the base. The
second one reads no label, so folds and directions share it. The third is `classification/network.py`.
"""

import copy
import hashlib
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from epigone.classification.approaches.base import Family, NoBaseError, NoTimeError, Setting, text_weights
from epigone.classification.network import (
    NetworkOptions,
    Place,
    encoded,
    fit_network,
    pooled_features,
)
from epigone.classification.network_files import read_network, rounded, write_network
from epigone.classification.texts import LabelledTexts
from epigone.errors import UserError
from epigone.models.classifier import TextClassifier
from epigone.models.files.checkpoint import Checkpoint, load_checkpoint
from epigone.models.files.description import read_config, weights_hash
from epigone.storage import atomic_write, read_json, write_json
from epigone.text.corpus import SplitOptions
from epigone.text.readers.registry import ReadOptions
from epigone.text.tokenizers.base import Adaptable, Tokenizer
from epigone.training.options import FinetuneOptions
from epigone.training.system.processes import launched
from epigone.transfer.finetune import finetune
from epigone.transfer.vocabulary import RetrainedVocabulary

log = logging.getLogger("epigone")

BASE, BACKWARD = "english-words", "english-backward"
SAMPLE = 32  # texts that are read to measure the speed
STEP = 3.5  # time of a training step of a classifier over that of reading
LEAST_SHARE = 0.5  # time for the language model over that for the classifier, below which there is too little
MOST_EPOCHS, CHARACTERS = 10, 20_000_000  # passes of the language model over short texts; characters read in all
SLOWEST = 1 / 5_000  # seconds of a character in training, at most, by which passes are known to fit
LANGUAGE_MODEL: dict[str, Any] = {
    "optimizer": "adamw", "lr": 2e-3, "schedule": "slanted", "precision": "bf16", "batch_size": 64,
    "sequence_length": 64,
}  # fmt: skip
OWN = 5_000_000  # characters from which on texts have a vocabulary of their own
CHOOSING = 1_000_000  # characters by which a language model is chosen, at most; a twentieth of few texts
BLOCK = 2048  # texts that are encoded at a time, so that memory does not grow with their number


@dataclass(frozen=True, eq=False)
class NetworkClassifier:
    """A trained network, its tokenizer, and the number of tokens that it reads of a text."""

    classes: tuple[str, ...]
    model: TextClassifier
    tokenizer: Tokenizer
    most_tokens: int
    bf16: bool = False
    """Read in bfloat16: see `pooled_features`."""

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Compute the probability of every class for each text: (N, C)."""
        found = np.empty((len(texts), len(self.classes)))
        # In float64, so that products of one text and of many are alike to 1e-12.
        head = copy.deepcopy(self.model.head).cpu().double()
        for begin in range(0, len(texts), BLOCK):
            ids = [encoded(self.tokenizer, text, self.most_tokens) for text in texts[begin : begin + BLOCK]]
            with torch.no_grad():
                logits = head(pooled_features(self.model, ids, self.bf16).cpu().double())
            found[begin : begin + len(ids)] = logits.softmax(1).numpy()
        return found

    def save(self, folder: Path) -> None:
        """Write shape, tokenizer and weights."""
        write_network(folder, self.model, self.tokenizer, self.most_tokens)


@dataclass(frozen=True)
class Ulmfit:
    """A language model that reads in one direction, retrained on the texts and then as a classifier."""

    direction: Literal["forward", "backward"] = "forward"
    family: ClassVar[Family] = "network"

    @property
    def name(self) -> str:
        """The name on the command line and in files."""
        return "ulmfit" if self.direction == "forward" else "ulmfit-backward"

    @property
    def title(self) -> str:
        """The name of its row in the table."""
        return f"ULMFiT, {self.direction}"

    def base(self, setting: Setting) -> str:
        """The language model to start from.

        Raises:
            NoBaseError: only one that reads in the other direction is given.
        """
        if self.direction == "forward":
            return setting.base or BASE
        if setting.base and not setting.backward:
            raise NoBaseError("--base reads forward only; give --backward too")
        return setting.backward or BACKWARD

    def fit(self, train: LabelledTexts, setting: Setting) -> NetworkClassifier:
        """Retrain the base on the texts, then learn the classes.

        Raises:
            NoTimeError: the minutes of the setting are too few.
            NoBaseError: there is no base for this direction.
            UserError: the base is missing, or a stage diverged.
        """
        options, base = NetworkOptions(), load_checkpoint(self.base(setting), setting.machine.backend)
        if base.shape.direction != self.direction:
            raise UserError(
                f"{base.folder} reads {base.shape.direction}; give --base a model that reads forward, and --backward "
                "one that reads backward."
            )
        texts = list(dict.fromkeys([*setting.unlabelled, *train.texts]))
        left = None
        if setting.minutes is not None:
            reading = time_of_reading(base, train.texts, options)
            needed = reading * len(train) * (1 + STEP * sum(options.passes(len(train))))
            left = setting.minutes * 60 - needed
            if left < LEAST_SHARE * needed:
                raise NoTimeError
        source = load_checkpoint(retrained(base, texts, left, setting), setting.machine.backend)
        targets = np.eye(len(train.classes))[train.codes]
        targets *= text_weights(train.codes, len(train.classes), setting.balance)[:, None]
        with launched(setting.machine, "bf16") as fabric:
            place = Place(setting.folder, setting.machine, fabric)
            model = fit_network(source, train.texts, targets, options, place, setting.seed)
        rounded(model)  # before anything is measured
        return NetworkClassifier(train.classes, model.cpu(), source.tokenizer, options.most_tokens)

    def load(self, folder: Path, classes: tuple[str, ...]) -> NetworkClassifier:
        """Read a network.

        Raises:
            UserError: a file is missing or damaged.
        """
        return NetworkClassifier(classes, *read_network(folder, len(classes)))


def time_of_reading(base: Checkpoint, texts: Sequence[str], options: NetworkOptions) -> float:
    """Measure how long a frozen encoder takes to read a text, in seconds, on some of the texts."""
    few = [encoded(base.tokenizer, text, options.most_tokens) for text in texts[:: max(1, len(texts) // SAMPLE)]]
    begin = time.perf_counter()
    pooled_features(TextClassifier(base.shape, 2, piece=options.piece, backend=base.model.backend), few)
    return (time.perf_counter() - begin) / len(few)


def retrained(base: Checkpoint, texts: Sequence[str], seconds: float | None, setting: Setting) -> Path:
    """Retrain a language model on texts, whatever their labels; the folder of the model.

    It is kept in the folder that all fits share, under the hash of base and texts, so that it is trained once.

    Args:
        base: the language model.
        texts: the texts.
        seconds: how long it may take; None for no limit.
        setting: folders, machine and seed.
    """
    characters = sum(map(len, texts))
    whole = hashlib.sha256(weights_hash(base.folder).encode())
    for text in sorted(texts):
        whole.update(hashlib.sha256(text.encode("utf-8")).digest())
    shared = setting.shared or setting.folder
    shared.mkdir(parents=True, exist_ok=True)
    place = shared / f"language-model-{whole.hexdigest()[:16]}"
    if (place / "config.json").exists() and "result" in read_config(place):
        return place
    source = place.with_suffix(".jsonl")
    if not source.exists():
        atomic_write(source, "".join(json.dumps({"text": text}) + "\n" for text in texts))
    # The time that is left differs when a killed run goes on, so the length is kept.
    length = place.with_suffix(".json")
    if not length.exists():
        write_json(length, language_model_length(characters, seconds))
    training = FinetuneOptions(**LANGUAGE_MODEL, **read_json(length), seed=setting.seed)
    log.info(f"Learning the language of {len(texts):,} texts, whatever their labels.")
    finetune(
        base.folder,
        source,
        out=place,
        train="all",
        tokens=vocabulary(base, characters),
        training=training,
        machine=setting.machine,
        read=ReadOptions(column="text"),
        split=SplitOptions(fractions=shares(characters)),
        fingerprint=False,
        resume=place.exists(),
        monitor=setting.monitor,
    )
    return place


def vocabulary(base: Checkpoint, characters: int) -> RetrainedVocabulary:
    """Choose the tokens: those of a base and what the texts add to them, or of plenty of text its own."""
    tokenizer = base.tokenizer
    if not isinstance(tokenizer, Adaptable):
        return RetrainedVocabulary()
    if characters < OWN or tokenizer.level == "character":
        return RetrainedVocabulary(vocabulary="both")
    return RetrainedVocabulary(vocabulary="text", vocabulary_size=len(tokenizer.vocabulary), softmax="adaptive")


def shares(characters: int) -> tuple[float, float, float]:
    """Divide texts of so many characters: the shares that a language model learns, is chosen by, and leaves."""
    choosing = min(0.05, CHOOSING / characters)
    return 1 - 1.2 * choosing, choosing, 0.2 * choosing


def language_model_length(characters: int, seconds: float | None) -> dict[str, float]:
    """Decide how long a language model learns: more passes over a short text, one over a long one.

    Args:
        characters: of all texts.
        seconds: how long it may take; None for no limit.
    """
    epochs = max(1.0, min(MOST_EPOCHS, CHARACTERS / characters))
    if seconds is None:
        return {"epochs": epochs}
    return {"minutes": seconds / 60} if seconds < SLOWEST * epochs * characters else {"epochs": epochs}
