"""Judges of written texts: how much of a property does a text have?

A property of characters is counted in the text itself. Of labels a classifier of character n-grams judges, which has
learned from the labelled texts alone and knows nothing of the network.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epigone.probing.measures.targets import FOLDS, Target
from epigone.probing.properties.base import Property

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Judge:
    """Gives each text a number."""

    judged: Callable[[Sequence[str]], Numbers]
    """From N texts to N numbers."""
    score: float | None = None
    """On held-out texts, balanced accuracy or, if the property is graded, correlation; None if nothing was learned."""


def counting(property: Property) -> Judge:
    """Judge texts by the mean of a property of characters, 0 where it says nothing of any."""
    values = property.values
    assert values is not None

    def judged(texts: Sequence[str]) -> Numbers:
        return np.array([_mean(values(text)) for text in texts])

    return Judge(judged)


def learned(texts: Sequence[str], target: Target, documents: NDArray[np.int64]) -> Judge:
    """Let a classifier of character n-grams learn a property of N passages.

    Args:
        texts: the passages.
        target: of the passages.
        documents: (N,) what is held out together when the judge itself is measured.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline

    rows = np.flatnonzero(target.said)
    known, own = target.at(rows), [texts[row] for row in rows.tolist()]
    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    splits = list(folds.split(own, known.classes, documents[rows]))
    if target.graded:
        model = make_pipeline(grams, Ridge(1.0))
        score = float(np.corrcoef(cross_val_predict(model, own, known.values, cv=splits), known.values)[0, 1])
        model.fit(own, known.values)
        return Judge(lambda some: np.asarray(model.predict(some), np.float64), score)
    model = make_pipeline(grams, LogisticRegression(C=10.0, class_weight="balanced", max_iter=1_000))
    score = float(balanced_accuracy_score(known.classes, cross_val_predict(model, own, known.classes, cv=splits)))
    model.fit(own, known.classes)
    return Judge(lambda some: np.asarray(model.predict_proba(some)[:, 1], np.float64), score)


def _mean(values: NDArray[np.floating]) -> float:
    said = values[~np.isnan(values)]
    return float(said.mean()) if len(said) else 0.0
