"""TF-IDF of n-grams with logistic regression."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from epigone.classification.approaches.base import Family, Setting
from epigone.classification.approaches.features import choose_grams
from epigone.classification.approaches.gram_model import GramModel, load_grams, matrix
from epigone.classification.approaches.linear import MANY, MANY_CLASSES, Targets, choose, fit
from epigone.classification.texts import LabelledTexts

WORDS = 2
CHARACTERS = (3, 5)
STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)


@dataclass(frozen=True)
class Tfidf:
    """Logistic regression on sublinear TF-IDF of n-grams of one and two words.

    Cross-validation within the training texts chooses the strength, and also if n-grams of characters are added, which
    takes too long with `MANY` texts or `MANY_CLASSES` classes.
    """

    name: ClassVar[str] = "tfidf"
    title: ClassVar[str] = "TF-IDF, logistic regression"
    family: ClassVar[Family] = "n-grams"

    def fit(self, train: LabelledTexts, setting: Setting) -> GramModel:
        """Learn from labelled texts."""
        targets = Targets.of(train, setting)
        found = []
        few = len(train) < MANY and len(train.classes) < MANY_CLASSES
        for characters in (None, CHARACTERS) if few else (None,):
            grams, frequency = choose_grams(train.texts, len(train.classes), WORDS, characters)
            idf = (np.log((1 + len(train)) / (1 + frequency)) + 1).astype(np.float32)
            features = matrix(train.texts, grams, "tf-idf", idf)
            strength, loss = choose(STRENGTHS, lambda s, x, y: fit(x, y, s), features, targets)
            found.append((loss, strength, grams, idf, features))
        _, strength, grams, idf, features = min(found, key=lambda each: each[0])
        return GramModel(train.classes, grams, "tf-idf", idf, fit(features, targets, strength))

    def load(self, folder: Path, classes: tuple[str, ...]) -> GramModel:
        """Read a classifier from its files."""
        return load_grams(folder, classes, "tf-idf")
