"""The sets of texts that every classifier is measured on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epigone.classification.texts import LabelledTexts
from epigone.evaluation.classification import log_loss
from epigone.studies.sentiment_sizes.data import Division, LabelledSource, open_labelled
from epigone.studies.sentiment_sizes.misspelling import misspelt

VALIDATION, TEST, OTHER = "validation", "test", "other"
SHARES: Mapping[str, float] = {"misspelt-10": 0.1, "misspelt-30": 0.3}
"""The share of the words of the test texts that get a mistake, by the name of the set."""


@dataclass(frozen=True)
class MeasuredSets:
    """The held-out texts, and what else a classifier is measured on. Nothing is chosen by any but `validation`."""

    division: Division
    other: LabelledSource | None = None
    further: int = 1_000
    """Most texts of each set but the held-out ones: they cost time, and are looked at for large differences only."""

    def identity(self) -> dict[str, Any]:
        """Its part of a run's identity."""
        return {"shares": dict(SHARES), "other": self.other and self.other.hash, "further": self.further, "drawn": True}

    def texts(self) -> dict[str, LabelledTexts]:
        """The texts of each set by its name."""
        return _texts(self)


@lru_cache(maxsize=1)
def _texts(sets: MeasuredSets) -> dict[str, LabelledTexts]:
    train, validation, test = sets.division.parts()
    found = {VALIDATION: validation, TEST: test}
    some = test.subset(_drawn(len(test))[: sets.further])  # a file may hold class after class
    for name, share in SHARES.items():
        found[name] = LabelledTexts(
            [misspelt(text, share) for text in some.texts], some.codes, some.classes, some.names
        )
    if sets.other is not None:
        found[OTHER] = _others(sets.other, train, sets.further)
    return found


def _drawn(number: int) -> NDArray[np.int64]:
    """The places of texts in an order that is always the same."""
    return np.random.default_rng(0).permutation(number)


def _others(source: LabelledSource, train: LabelledTexts, most: int) -> LabelledTexts:
    """Texts of another kind, in an order that their seed draws, with the codes of the classes of `train`."""
    other, known = open_labelled(source), set(train.texts)
    places = [place for place in _drawn(len(other)).tolist() if other.texts[place] not in known][:most]
    codes = np.array([train.classes.index(name) for name in other.classes], np.int64)
    chosen = other.subset(np.array(places, np.int64))
    return LabelledTexts(chosen.texts, codes[chosen.codes], train.classes, chosen.names)


def measured(probabilities: Callable[[Sequence[str]], np.ndarray], sets: MeasuredSets) -> dict[str, Any]:
    """The probabilities (N, C) that a classifier gives to the N texts of each set, and its loss on validation."""
    texts = sets.texts()
    found = {name: np.asarray(probabilities(each.texts), np.float64) for name, each in texts.items()}
    loss = log_loss(found[VALIDATION], texts[VALIDATION].codes)
    return {"splits": {}, "probabilities": found, "measured_loss": loss}
