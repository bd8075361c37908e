"""NB-SVM: a linear classifier of n-grams that are weighted by naive Bayes (Wang and Manning 2012)."""

from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from epigone.classification.approaches.base import Family, Setting
from epigone.classification.approaches.features import choose_grams
from epigone.classification.approaches.gram_model import GramModel, load_grams, matrix
from epigone.classification.approaches.linear import Features, Linear, Targets, choose, fit_one
from epigone.classification.texts import LabelledTexts

WORDS = 2
SMOOTHING = 1.0
STRENGTHS = (0.1, 1.0, 10.0)
INTERPOLATIONS = (0.25, 0.5, 1.0)


@dataclass(frozen=True)
class NbSvm:
    """Logistic regression on the presence of n-grams of one and two words, times their log-count ratios.

    Wang and Manning (2012), Baselines and Bigrams, section 2.3, with a logistic loss, so that there are probabilities.
    Cross-validation within the training texts chooses the strength, and the interpolation between naive Bayes (0) and
    the linear model (1).
    """

    name: ClassVar[str] = "nb-svm"
    title: ClassVar[str] = "NB-SVM"
    family: ClassVar[Family] = "n-grams"

    def fit(self, train: LabelledTexts, setting: Setting) -> GramModel:
        """Learn from labelled texts."""
        targets = Targets.of(train, setting)
        grams, _ = choose_grams(train.texts, len(train.classes), WORDS)
        ones = np.ones(len(grams.terms), np.float32)
        features = matrix(train.texts, grams, "presence", ones)
        candidates = list(product(STRENGTHS, INTERPOLATIONS))
        best, _ = choose(candidates, _fit, features, targets)
        return GramModel(train.classes, grams, "presence", ones, _fit(best, features, targets))

    def load(self, folder: Path, classes: tuple[str, ...]) -> GramModel:
        """Read a classifier from its files."""
        return load_grams(folder, classes, "presence")


def _fit(candidate: tuple[float, float], features: Features, targets: Targets) -> Linear:
    """Fit the weights of the presences; they include the log-count ratios."""
    strength, interpolation = candidate
    columns, biases = [], []
    for one in targets.scored:
        is_one = targets.codes == one
        ratio = log_count_ratio(features, is_one)
        weights, bias = fit_one(features.multiply(ratio).tocsr(), is_one, targets.weights, strength)
        mean = np.abs(weights).mean() if len(weights) else 0.0
        columns.append((ratio * ((1 - interpolation) * mean + interpolation * weights)).astype(np.float32))
        biases.append(bias)
    return Linear(np.stack(columns, axis=1), np.array(biases, np.float32))


def log_count_ratio(features: Features, is_one: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The logarithm of how much more often each n-gram is in texts of a class than in others: (F,)."""
    inside, outside = (
        SMOOTHING + np.asarray(features[np.flatnonzero(chosen)].sum(axis=0)).ravel() for chosen in (is_one, ~is_one)
    )
    return np.asarray(np.log(inside / inside.sum()) - np.log(outside / outside.sum()))
