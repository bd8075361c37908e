"""The stages of a training in progress: what each approach gave to each fold, kept so that a killed run goes on."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from epigone.classification.approaches.base import Approach, Classifier, NoTimeError, Setting
from epigone.classification.folds import Fold
from epigone.classification.table import Held
from epigone.classification.texts import LabelledTexts
from epigone.errors import UserError
from epigone.schema import each, number, record, text, whole
from epigone.storage import atomic_write, read_json, write_json

FOLDER = "stages"
FACTS, PROBABILITIES = "facts.json", "probabilities.safetensors"
_FACTS = record({"seconds": number(), "bytes": whole(), "notices": each(text)}, "seconds", "bytes", "notices")


@dataclass
class Clock:
    """The minutes that a training may take; those of earlier calls count, too."""

    minutes: float | None
    spent: float = 0.0
    """Seconds of finished stages."""
    began: float = field(default_factory=lambda: time.monotonic())

    def left(self) -> float | None:
        """Seconds that are left; None without a limit."""
        if self.minutes is None:
            return None
        return self.minutes * 60 - self.elapsed()

    def elapsed(self) -> float:
        """Seconds that the training took so far."""
        return self.spent + time.monotonic() - self.began

    def need(self, seconds: float) -> None:
        """Raise `NoTimeError` if fewer seconds are left."""
        left = self.left()
        if left is not None and left < seconds:
            raise NoTimeError


@dataclass(frozen=True, eq=False)
class Measurer:
    """Fits approaches on the training part of each fold, and keeps what they give to the held-out part.

    Args:
        labelled: all labelled texts.
        folds: how they are divided.
        folder: where stages are kept.
        clock: the time that is left.
        setting: makes the setting of a fit from its folder, its minutes, and the list that gets its notices.
    """

    labelled: LabelledTexts
    folds: Sequence[Fold]
    folder: Path
    clock: Clock
    setting: Callable[[Path, float | None, list[str]], Setting]

    @property
    def places(self) -> NDArray[np.int64]:
        """The places of the held-out texts, fold after fold."""
        return np.concatenate([fold.held for fold in self.folds])

    def measure(self, approach: Approach, later: int, notices: list[str]) -> Held:
        """Measure an approach over all folds.

        Args:
            approach: the approach.
            later: networks that follow, for which time must be left.
            notices: gets its notices, each once.

        Raises:
            NoTimeError: the time that is left is not enough.
            UserError: the approach refuses the texts, or its probabilities are none.
        """
        found: list[NDArray[np.float64]] = []
        facts: list[dict[str, Any]] = []
        for index, fold in enumerate(self.folds):
            stage = self.folder / approach.name / f"fold-{index}"
            if not (stage / FACTS).is_file():
                # Folds are alike, and the winner is fitted once more.
                took = max((each["seconds"] for each in facts), default=0.0)
                own = len(self.folds) - index + self._again(approach)
                self.clock.need(took * own)
                fits = own + later * (len(self.folds) + 1)
                self._fit(approach, stage, fold, fits)
            else:
                self.clock.spent += read_json(stage / FACTS, _FACTS)["seconds"]
            facts.append(read_json(stage / FACTS, _FACTS))
            found.append(load_file(stage / PROBABILITIES)["probabilities"])
        _add(notices, [line for each in facts for line in each["notices"]])
        seconds, size = sum(each["seconds"] for each in facts), max(each["bytes"] for each in facts)
        return Held(approach.name, approach.title, approach.family, np.concatenate(found), seconds, size / 1e6)

    def _again(self, approach: Approach) -> bool:
        """Tell if a winner is fitted once more, on all texts; a network that one division has trained is kept."""
        return approach.family != "network" or len(self.folds) > 1

    def _fit(self, approach: Approach, stage: Path, fold: Fold, fits: int) -> None:
        """Fit an approach on a fold, measure it, and keep what it gives.

        Args:
            fits: how many are to share the time that is left.
        """
        began = time.monotonic()
        notices: list[str] = []
        classifier = self._classifier(approach, self.labelled.subset(fold.train), stage, fits, notices)
        texts = [self.labelled.texts[place] for place in fold.held.tolist()]
        shape = (len(texts), len(self.labelled.classes))
        probabilities = checked(approach.name, classifier.probabilities(texts), shape)
        size = sum(path.stat().st_size for path in (stage / "classifier").rglob("*") if path.is_file())
        atomic_write(stage / PROBABILITIES, save({"probabilities": probabilities}))
        write_json(stage / FACTS, {"seconds": time.monotonic() - began, "bytes": size, "notices": notices})

    def _classifier(
        self, approach: Approach, train: LabelledTexts, stage: Path, fits: int, notices: list[str]
    ) -> Classifier:
        """Fit an approach, and save what it learned."""
        (stage / "work").mkdir(parents=True, exist_ok=True)
        left = self.clock.left()
        minutes = None if left is None else max(0.0, left / 60 / fits)
        classifier = approach.fit(train, self.setting(stage / "work", minutes, notices))
        (stage / "classifier").mkdir(exist_ok=True)
        classifier.save(stage / "classifier")
        shutil.rmtree(stage / "work")
        return classifier

    def final(self, approach: Approach, notices: list[str]) -> Classifier:
        """Fit an approach on all labelled texts; a network that one fold has trained is kept as it is.

        Raises:
            UserError: the approach refuses the texts.
        """
        if not self._again(approach):
            return approach.load(self.folder / approach.name / "fold-0" / "classifier", self.labelled.classes)
        told: list[str] = []
        classifier = self._classifier(approach, self.labelled, self.folder / approach.name / "all", 1, told)
        _add(notices, told)
        return classifier


def _add(notices: list[str], further: list[str]) -> None:
    """Add the notices that are not there yet."""
    notices.extend(line for line in dict.fromkeys(further) if line not in notices)


def checked(name: str, probabilities: Any, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Refuse probabilities that are none, as an approach of an extension may give.

    Raises:
        UserError: they have another shape, are not finite, or do not sum to 1.
    """
    found = np.asarray(probabilities, np.float64)
    if found.shape != shape:
        raise UserError(f"The row {name} gives probabilities of shape {found.shape} instead of {shape}; correct it.")
    if not np.isfinite(found).all() or (found < 0).any() or np.abs(found.sum(axis=1) - 1).max(initial=0) > 1e-6:
        raise UserError(
            f"The row {name} gives probabilities that are not finite, are negative or do not sum to 1; correct it."
        )
    return found
