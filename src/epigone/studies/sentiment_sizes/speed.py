"""The speed of this machine with a network: tokens that it learns or reads in a second, measured in moments."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch

from epigone.models.classifier import TextClassifier
from epigone.models.files.checkpoint import load_checkpoint
from epigone.studies.engine.jobs import Base

ROWS, LENGTH = 16, 64  # of a batch
SAMPLE = "The speed of reading is measured with a sentence like this one, of common words and of some length. "


@dataclass(frozen=True)
class Speeds:
    """Tokens in a second."""

    language_model: float
    """Learned by the language model."""
    classifier: float
    """Learned by a classifier on top of it, all layers at once."""
    reading: float
    """Read by a classifier."""
    characters_per_token: float


@lru_cache(maxsize=4)
def speeds(base: Base) -> Speeds:
    """Measure a few steps with the shape of a base, once in a process."""
    checkpoint = load_checkpoint(base.path)
    model = checkpoint.model
    tokens = torch.randint(len(checkpoint.tokenizer.vocabulary), (ROWS, LENGTH))
    classifier = TextClassifier(checkpoint.shape, 2)
    lengths = torch.full((ROWS,), LENGTH)

    def learn() -> None:
        scored, _ = model.loss(tokens, tokens)
        scored.loss.backward()

    def classify() -> None:
        classifier(tokens, lengths).sum().backward()

    def read() -> None:
        with torch.no_grad():
            classifier(tokens, lengths)

    model.train()
    learned, classified = (ROWS * LENGTH / _seconds(step) for step in (learn, classify))
    classifier.eval()
    return Speeds(
        language_model=learned,
        classifier=classified,
        reading=ROWS * LENGTH / _seconds(read),
        characters_per_token=len(SAMPLE) / max(1, len(checkpoint.tokenizer.encode(SAMPLE))),
    )


def reading_speed(base: Base) -> float:
    """Characters that a base reads in a second."""
    found = speeds(base)
    return found.reading * found.characters_per_token


def _seconds(step: Callable[[], None]) -> float:
    """The seconds of a step; the first one, which is slower, does not count."""
    step()
    begin = time.perf_counter()
    step()
    step()
    return (time.perf_counter() - begin) / 2
