"""Figures of a classifier on labelled texts, and intervals for them.

Probabilities are (N, C): one row for each text, one column for each class; codes (N,) are the columns of the true
classes. The predicted class is the most probable one, the first of equals.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epigone.evaluation.intervals import Difference, Interval

RESAMPLES = 10_000
BINS = 10
"""Of the calibration error."""
LEAST = float(np.finfo(np.float64).eps)
"""The probability that the log loss counts for a smaller one, so that a single text cannot make it infinite."""
NORMAL = 1.959964
"""The 97.5 % quantile of the normal distribution."""
BATCH = 1 << 22  # numbers drawn at a time: bounds the memory

Codes = NDArray[np.integer]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Figures:
    """How well a classifier does on some texts."""

    texts: int
    accuracy: float
    """Share of the texts whose class is the predicted one."""
    balanced_accuracy: float
    """Mean of the shares of each true class that are found (recall)."""
    macro_f1: float
    """Mean over the classes, true or predicted, of the harmonic mean of recall and precision."""
    log_loss: float
    """Mean negative logarithm of the probability of the true class, in nats."""
    calibration_error: float
    """Expected calibration error, over bins of equally many texts (see `calibration_error`)."""


def figures(probabilities: Floats, codes: Codes) -> Figures:
    """Compute all figures of N texts.

    Args:
        probabilities: (N, C), rows sum to 1.
        codes: (N,), the true classes.
    """
    counts = confusion(probabilities.argmax(axis=1), codes, probabilities.shape[1])
    return Figures(
        texts=len(codes),
        accuracy=float(counts.trace() / counts.sum()),
        balanced_accuracy=float(balanced_accuracy(counts)),
        macro_f1=float(macro_f1(counts)),
        log_loss=log_loss(probabilities, codes),
        calibration_error=calibration_error(probabilities, codes),
    )


def confusion(predicted: Codes, codes: Codes, classes: int) -> NDArray[np.int64]:
    """Count the texts of each true class (row) that got each class (column): (C, C)."""
    return np.bincount(codes * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def balanced_accuracy(counts: NDArray[np.integer]) -> Floats:
    """Mean recall of the classes that have texts, from confusions (..., C, C)."""
    texts = counts.sum(axis=-1)
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    recall = right / np.maximum(texts, 1)
    return np.asarray(recall.sum(axis=-1) / (texts > 0).sum(axis=-1))


def macro_f1(counts: NDArray[np.integer]) -> Floats:
    """Mean F1 of the classes that occur, as a true or a predicted one, from confusions (..., C, C)."""
    total = counts.sum(axis=-1) + counts.sum(axis=-2)  # of the true and of the predicted
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    return np.asarray((2 * right / np.maximum(total, 1)).sum(axis=-1) / (total > 0).sum(axis=-1))


def log_loss(probabilities: Floats, codes: Codes) -> float:
    """Mean negative log probability of the true class, in nats; probabilities below `LEAST` count as `LEAST`."""
    of_true = probabilities[np.arange(len(codes)), codes]
    return float(-np.log(np.maximum(of_true, LEAST)).mean())


def calibration_error(probabilities: Floats, codes: Codes, bins: int = BINS) -> float:
    """Expected calibration error of the predicted class, over bins of equal mass (Nguyen and O'Connor 2015).

    The texts are sorted by the probability of their predicted class and divided into `bins` bins of equally many. The
    error is the mean over the texts of |accuracy - mean probability| of their bin. Texts with the same probability
    share a bin, so that the order of the texts does not matter.

    Args:
        probabilities: (N, C).
        codes: (N,), the true classes.
        bins: how many bins, at most.
    """
    predicted = probabilities.argmax(axis=1)
    confidence = probabilities[np.arange(len(codes)), predicted]
    order = np.argsort(confidence, kind="stable")
    confidence, right = confidence[order], (predicted == codes)[order]
    begins = np.linspace(0, len(codes), bins, endpoint=False).astype(int)
    begins = np.unique(np.searchsorted(confidence, confidence[begins]))  # back to the first of equals
    gaps = np.add.reduceat(right - confidence, begins)
    return float(np.abs(gaps).sum() / len(codes))


def accuracy_interval(right: int, texts: int) -> Interval:
    """The 95 % score interval of an accuracy (Wilson 1927), which is not empty if all texts are right or wrong.

    Args:
        right: how many texts got their class.
        texts: how many there are.
    """
    share, spread = right / texts, NORMAL**2 / texts
    middle = (share + spread / 2) / (1 + spread)
    reach = NORMAL * np.sqrt(share * (1 - share) / texts + spread / (4 * texts)) / (1 + spread)
    return Interval(float(max(0.0, middle - reach)), share, float(min(1.0, middle + reach)))


def confusion_intervals(counts: NDArray[np.int64], seed: int = 0) -> tuple[Interval, Interval]:
    """Bootstrap balanced accuracy and macro F1 over texts: 95 % percentile intervals of 10,000 resamples.

    Both depend on the confusion only, and a resample of texts has a multinomial confusion, which is drawn directly.

    Args:
        counts: (C, C), the confusion.
        seed: of the resamples.
    """
    rng = np.random.default_rng(seed)
    rows, columns = np.nonzero(counts)
    shares = counts[rows, columns] / counts.sum()
    occurring, places = np.unique([rows, columns], return_inverse=True)  # of many classes, few may occur
    row, column = places.reshape(2, -1)
    size = len(occurring)
    drawn: list[tuple[Floats, Floats]] = []
    for start in range(0, RESAMPLES, step := max(1, BATCH // size**2)):
        resamples = np.zeros((min(step, RESAMPLES - start), size, size), np.int64)
        resamples[:, row, column] = rng.multinomial(counts.sum(), shares, len(resamples))
        drawn.append((balanced_accuracy(resamples), macro_f1(resamples)))
    balanced, f1 = (np.concatenate(part) for part in zip(*drawn, strict=True))
    return _percentiles(balanced, balanced_accuracy(counts)), _percentiles(f1, macro_f1(counts))


def _percentiles(values: Floats, estimate: Floats) -> Interval:
    low, high = np.quantile(values, (0.025, 0.975))
    return Interval(float(low), float(estimate), float(high))


def accuracy_difference(right_a: NDArray[np.bool_], right_b: NDArray[np.bool_], seed: int = 0) -> Difference:
    """Bootstrap the accuracy of classifier a minus that of classifier b on the same texts.

    The interval is the 95 % percentile interval of 10,000 resamples of the texts; the two-sided p-value is twice the
    share of the resamples that are not on the side of the estimate. Each text adds -1, 0 or 1, so a resample is a
    multinomial draw of three numbers, which is drawn directly.

    Args:
        right_a, right_b: (N,), whether each classifier has the class of each text.
        seed: of the resamples.
    """
    texts = len(right_a)
    better, worse = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    shares = np.array([better, worse, texts - better - worse]) / texts
    resamples = np.random.default_rng(seed).multinomial(texts, shares, RESAMPLES)
    differences = resamples[:, 0] - resamples[:, 1]
    estimate = (better - worse) / texts
    low, high = np.quantile(differences, (0.025, 0.975)) / texts
    beyond = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    return Difference(estimate, float(low), float(high), min(1.0, 2 * (1 + beyond) / (1 + RESAMPLES)))
