"""Logistic regression by scikit-learn, one class against the others, with its strength chosen by cross-validation."""

import inspect
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from epigone.classification.approaches.base import Setting, text_weights
from epigone.classification.texts import LabelledTexts
from epigone.errors import UserError, missing_package

FOLDS = 5
MANY, MANY_CLASSES = 5_000, 20
"""Texts, and classes, from which on one division of 80 to 20 chooses the strength, instead of five folds."""
SURE = 20.0
"""The score of a class that has no text, or that is the only one; its probability is 2e-9 from 0 or 1."""
LEAST = 1e-15  # of a probability

Floats = NDArray[np.float64]
Features = Any
"""Features (N, F): an array, or a sparse matrix of SciPy."""
Penalty = Literal["l1", "l2"]
T = TypeVar("T")


@contextmanager
def learning() -> Iterator[None]:
    """Turn a failing import of scikit-learn, or of SciPy, which it brings, into a sentence.

    Raises:
        UserError: it is not installed.
    """
    try:
        yield
    except ImportError as error:
        raise UserError(missing_package("A row of n-grams or states", "scikit-learn")) from error


@dataclass(frozen=True, eq=False)
class Linear:
    """Scores of S classes against the others from F features; of two classes, only the second has a score.

    The numbers are float32, as files hold them, so that a loaded classifier gives the very same answers.
    """

    weights: NDArray[np.float32]
    """(F, S)"""
    bias: NDArray[np.float32]
    """(S,)"""

    def scores(self, features: Features) -> Floats:
        """Compute the scores (N, S) of features (N, F)."""
        return np.asarray(features @ self.weights.astype(np.float64) + self.bias)

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """The numbers by name, for a file."""
        return {"weights": self.weights, "bias": self.bias}


def probabilities(scores: Floats) -> Floats:
    """Turn scores (N, S) into probabilities (N, C): a logistic function of each, scaled to sum 1."""
    of_each = 0.5 * (1 + np.tanh(0.5 * scores))  # cannot overflow
    if scores.shape[1] == 1:
        return np.hstack([1 - of_each, of_each])
    of_each = np.maximum(of_each, LEAST)
    return np.asarray(of_each / of_each.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Targets:
    """The classes of N texts, as logistic regression needs them."""

    codes: NDArray[np.int64]
    classes: int
    weights: Floats
    """(N,): how much each text counts."""
    seed: int

    @classmethod
    def of(cls, train: LabelledTexts, setting: Setting) -> "Targets":
        """The targets of labelled texts."""
        weights = text_weights(train.codes, len(train.classes), setting.balance)
        return cls(train.codes, len(train.classes), weights, setting.seed)

    @property
    def scored(self) -> Sequence[int]:
        """The classes that have a score."""
        return [1] if self.classes == 2 else range(self.classes)

    def subset(self, places: NDArray[np.integer]) -> "Targets":
        """The targets of some of the texts."""
        return Targets(self.codes[places], self.classes, self.weights[places], self.seed)


def fit(features: Features, targets: Targets, strength: float, penalty: Penalty = "l2") -> Linear:
    """Fit logistic regression, each class against the others.

    Args:
        features: (N, F)
        targets: the classes of the texts.
        strength: weight of the losses against the penalty, the `C` of scikit-learn.
        penalty: on the weights: l2, or l1, which makes most of them zero.

    Raises:
        UserError: scikit-learn is not installed.
    """
    columns = [fit_one(features, targets.codes == one, targets.weights, strength, penalty) for one in targets.scored]
    weights, biases = zip(*columns, strict=True)
    return Linear(np.stack(weights, axis=1), np.array(biases, np.float32))


def fit_one(
    features: Features, is_one: NDArray[np.bool_], counted: Floats, strength: float, penalty: Penalty = "l2"
) -> tuple[NDArray[np.float32], float]:
    """Fit the score of one class against the others: weights (F,) and bias.

    Args:
        features: (N, F)
        is_one: (N,), true for texts of the class.
        counted: (N,), how much each text counts.
        strength, penalty: as of `fit`.
    """
    if is_one.all() or not is_one.any():
        return np.zeros(features.shape[1], np.float32), SURE if is_one.all() else -SURE
    with learning():
        from sklearn.linear_model import LogisticRegression
    named: dict[str, Any] = {}
    if penalty == "l1":  # scikit-learn 1.8 has another name for it
        new = inspect.signature(LogisticRegression).parameters["penalty"].default == "deprecated"
        named = {"l1_ratio": 1.0} if new else {"penalty": "l1"}
    model = LogisticRegression(C=strength, solver="liblinear", max_iter=200, random_state=0, **named)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fit that is not quite converged is no concern of the user
        model.fit(features, is_one, sample_weight=counted)
    return model.coef_[0].astype(np.float32), float(model.intercept_[0])


def choose(
    candidates: Sequence[T], learn: Callable[[T, Features, Targets], Linear], features: Features, targets: Targets
) -> tuple[T, float]:
    """Choose the candidate with the lowest log loss on texts that are held out.

    Args:
        candidates: what there is to choose from, the plainest first.
        learn: fits a candidate.
        features: (N, F)
        targets: the classes of the texts.

    Returns:
        The candidate, the first of equals, and its mean loss in nats.
    """
    losses = np.zeros(len(candidates))
    for train, held in inner_folds(targets.codes, targets.seed):
        learned, measured = targets.subset(train), targets.subset(held)
        inner, outer = features[train], features[held]
        for i, candidate in enumerate(candidates):
            scores = learn(candidate, inner, learned).scores(outer)
            losses[i] += loss(probabilities(scores), measured)
    best = int(losses.argmin())
    return candidates[best], float(losses[best] / targets.weights.sum())


def loss(found: Floats, targets: Targets) -> float:
    """Sum the weighted log loss of probabilities (N, C), in nats."""
    of_true = np.maximum(found[np.arange(len(targets.codes)), targets.codes], LEAST)
    return float(-(np.log(of_true) * targets.weights).sum())


def inner_folds(codes: NDArray[np.int64], seed: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Divide N texts for a choice that is made in training: places to learn from, and places to measure on.

    The classes have about their share in each. There are five folds; one division of 80 to 20 from `MANY` texts or
    `MANY_CLASSES` classes on; none if there is one text.
    """
    order = np.random.default_rng(seed).permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]
    fold = np.empty(len(codes), np.int64)
    fold[order] = np.arange(len(codes)) % FOLDS
    number = 1 if len(codes) >= MANY or len(np.unique(codes)) >= MANY_CLASSES else FOLDS
    parts = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(number)]
    return [(train, held) for train, held in parts if len(train) and len(held)]
