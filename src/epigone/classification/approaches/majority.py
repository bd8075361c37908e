"""The majority class: what is reached without reading a word."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from epigone.classification.approaches.base import Family, Setting
from epigone.classification.texts import LabelledTexts
from epigone.schema import each, number, record
from epigone.storage import read_json, write_json

FILE = "shares.json"


@dataclass(frozen=True, eq=False)
class Shares:
    """A classifier that gives each class its share of the training texts, whatever the text."""

    classes: tuple[str, ...]
    shares: NDArray[np.float64]

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Repeat the shares for each text: (N, C)."""
        return np.tile(self.shares, (len(texts), 1))

    def save(self, folder: Path) -> None:
        """Write the shares."""
        write_json(folder / FILE, {"shares": self.shares.tolist()})


@dataclass(frozen=True)
class Majority:
    """The majority class. Its probabilities are the shares of the classes, each counted once more than it has texts."""

    name: ClassVar[str] = "majority"
    title: ClassVar[str] = "majority class"
    family: ClassVar[Family] = "baseline"

    def fit(self, train: LabelledTexts, setting: Setting) -> Shares:
        """Count the texts of each class."""
        counts = np.bincount(train.codes, minlength=len(train.classes)) + 1.0
        return Shares(train.classes, counts / counts.sum())

    def load(self, folder: Path, classes: tuple[str, ...]) -> Shares:
        """Read the shares."""
        shares = each(number(0, 1), len(classes), len(classes))
        read = read_json(folder / FILE, record({"shares": shares}, "shares"))
        return Shares(classes, np.array(read["shares"]))
