"""Frozen states of a language model with a logistic regression: what it learned from plain text, read off."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from epigone.classification.approaches.base import Family, Setting
from epigone.classification.approaches.gram_model import read_tensors
from epigone.classification.approaches.linear import Features, Linear, Penalty, Targets, choose, fit, probabilities
from epigone.classification.folds import nested_subsets
from epigone.classification.texts import LabelledTexts
from epigone.evaluation.states import summarised_states
from epigone.models.files.bundled import resolve
from epigone.models.files.checkpoint import Checkpoint, load_checkpoint
from epigone.storage import atomic_write
from epigone.text.streams import token_stream

BASE, FILE = "base", "states.safetensors"
FILES = ("config.json", "tokenizer.json", "model.safetensors")  # of the base that are needed
DEFAULT = "english-tiny"  # better than english-words on reviews and remarks
SUMMARIES = ("mean", "max")
LONGEST = 4_000  # characters of a text that are read
MOST_TEXTS = 2_000
"""Texts that are learned: more take minutes, and by then n-grams are better."""
AT_ONCE = 1 << 22  # characters that are read at a time: bounds the memory
MOST_KEPT = 1 << 24  # numbers of summaries that are kept
FAR = 5.0  # standard deviations
PENALTIES: tuple[tuple[Penalty, float], ...] = (
    ("l1", 0.03), ("l1", 0.1), ("l1", 0.3), ("l1", 1.0),
    ("l2", 1e-5), ("l2", 1e-4), ("l2", 1e-3), ("l2", 1e-2), ("l2", 1e-1),
)  # fmt: skip
"""Kinds and strengths of the penalty to choose from."""


class Reader:
    """Reads texts with a frozen network, each text once."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self.kept: dict[str, NDArray[np.float32]] = {}

    def read(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Summarise the states of the network over each text: (N, F)."""
        found = {text: self.kept[text] for text in texts if text in self.kept}
        # Texts of like length are read side by side, whatever their order.
        missing = sorted(dict.fromkeys(text for text in texts if text not in found), key=len)
        for batch in _batches(missing):
            found |= zip(batch, self._summarised(batch), strict=True)
        for text, summary in found.items():
            if len(self.kept) * len(summary) < MOST_KEPT:
                self.kept.setdefault(text, summary)
        return np.stack([found[text] for text in texts]) if texts else np.zeros((0, 0), np.float32)

    def _summarised(self, texts: Sequence[str]) -> NDArray[np.float32]:
        stream = token_stream(([text[:LONGEST]] for text in texts), self.checkpoint.tokenizer)
        summaries = summarised_states(self.checkpoint.model, stream)
        return np.hstack([summaries[name] for name in SUMMARIES])


def _batches(texts: Sequence[str]) -> list[list[str]]:
    """Divide texts into batches that are not too long."""
    batches: list[list[str]] = []
    room = 0
    for text in texts:
        if (room := room - min(len(text), LONGEST)) < 0 or not batches:
            batches.append([])
            room = AT_ONCE - min(len(text), LONGEST)
        batches[-1].append(text)
    return batches


@lru_cache(maxsize=1)  # the folds of a training share it
def _reader(folder: Path, size: int, changed: int) -> Reader:
    return Reader(load_checkpoint(folder))


def reader_of(base: str | Path) -> Reader:
    """The reader with a language model, given as a folder or the name of a bundled one.

    Raises:
        UserError: the folder is missing or damaged.
    """
    folder = resolve(base)
    found = (folder / "model.safetensors").stat()
    return _reader(folder, found.st_size, found.st_mtime_ns)


@dataclass(frozen=True, eq=False)
class StateClassifier:
    """A logistic regression on the states of a network, each less its mean and divided by its deviation."""

    classes: tuple[str, ...]
    reader: Reader
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    linear: Linear

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Compute the probability of every class for each text: (N, C)."""
        if not texts:
            return np.zeros((0, len(self.classes)))
        return probabilities(self.linear.scores(_standardised(self.reader.read(texts), self.mean, self.scale)))

    def save(self, folder: Path) -> None:
        """Write the weights, and copy the language model."""
        (folder / BASE).mkdir(exist_ok=True)
        for name in FILES:
            shutil.copyfile(self.reader.checkpoint.folder / name, folder / BASE / name)
        atomic_write(folder / FILE, save({"mean": self.mean, "scale": self.scale, **self.linear.tensors()}))


def _standardised(
    summaries: NDArray[np.float32], mean: NDArray[np.float32], scale: NDArray[np.float32]
) -> NDArray[np.float64]:
    return np.clip((summaries.astype(np.float64) - mean) * scale, -FAR, FAR)


def _fit(candidate: tuple[Penalty, float], features: Features, targets: Targets) -> Linear:
    penalty, strength = candidate
    return fit(features, targets, strength, penalty)


@dataclass(frozen=True)
class States:
    """Logistic regression on the states of a frozen language model (Radford, Jozefowicz and Sutskever 2017).

    The features are the mean and the largest output of every unit over a text. Cross-validation within the training
    texts chooses the penalty: L1, which leaves few units, as in the paper, or L2, which is better if no unit alone
    knows much.
    """

    name: ClassVar[str] = "states"
    title: ClassVar[str] = "frozen states"
    family: ClassVar[Family] = "states"

    def fit(self, train: LabelledTexts, setting: Setting) -> StateClassifier:
        """Learn from labelled texts."""
        if len(train) > max(MOST_TEXTS, len(train.classes)):
            [chosen] = nested_subsets(train, [max(MOST_TEXTS, len(train.classes))], setting.seed)
            setting.notices.append(f"{self.title}: {MOST_TEXTS:,} of the texts were learned, to save time.")
            train = train.subset(chosen)
        reader = reader_of(setting.base or DEFAULT)
        summaries = reader.read(train.texts)
        mean = summaries.mean(axis=0, dtype=np.float64).astype(np.float32)
        deviation = summaries.std(axis=0, dtype=np.float64)
        scale = np.where(deviation > 1e-6, 1 / np.maximum(deviation, 1e-6), 0).astype(np.float32)
        features, targets = _standardised(summaries, mean, scale), Targets.of(train, setting)
        best, _ = choose(PENALTIES, _fit, features, targets)
        return StateClassifier(train.classes, reader, mean, scale, _fit(best, features, targets))

    def load(self, folder: Path, classes: tuple[str, ...]) -> StateClassifier:
        """Read a classifier from its files."""
        reader = reader_of(folder / BASE)
        shape = reader.checkpoint.model.config
        features = len(SUMMARIES) * sum(shape.layer_sizes)
        scores = 1 if len(classes) == 2 else len(classes)
        shapes = {"mean": (features,), "scale": (features,), "weights": (features, scores), "bias": (scores,)}
        found = read_tensors(folder / FILE, shapes)
        return StateClassifier(classes, reader, found["mean"], found["scale"], Linear(found["weights"], found["bias"]))
