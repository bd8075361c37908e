"""The logistic probe of all units of a vector, which the L1 penalty lets choose few (scikit-learn)."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epigone.errors import UserError, missing_package
from epigone.evaluation.activations import Floats
from epigone.probing.measures.statistics import Estimates, balanced_accuracy

TRAINING = 2_000
"""Observations that it learns from at most."""
STRENGTH = 0.02
"""C of scikit-learn for 2,000 observations: some ten to a hundred of 1,024 units get a weight."""


@dataclass(frozen=True)
class LinearProbe:
    """Its balanced accuracy on held-out documents, and the weight (H,) of each unit on standardised states."""

    accuracy: Estimates
    weights: NDArray[np.float64]


def linear_probe(
    states: Floats, classes: NDArray[np.bool_], fold: NDArray[np.int64], documents: NDArray[np.int64], seed: int
) -> LinearProbe:
    """Fit a logistic regression with an L1 penalty, and measure it on the first fold.

    The arguments are those of `single_unit_accuracy`.

    Raises:
        UserError: scikit-learn is not installed.
    """
    try:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise UserError(missing_package("A probe of all units", "scikit-learn")) from error
    out = fold == 0
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(~out))[:TRAINING]
    mean, deviation = states[rows].mean(axis=0), states[rows].std(axis=0) + 1e-6
    probe = LogisticRegression(
        l1_ratio=1.0, C=STRENGTH * TRAINING / len(rows), solver="liblinear", class_weight="balanced", tol=1e-3,
        random_state=0,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        probe.fit((states[rows] - mean) / deviation, classes[rows])
    answers = probe.decision_function((states[out] - mean) / deviation) > 0
    accuracy = balanced_accuracy((answers == classes[out])[:, None], classes[out], documents[out], seed)
    return LinearProbe(accuracy, probe.coef_[0])
