"""Confidence intervals over documents and over seeds, paired differences, and Holm's correction.

Documents are resampled, because the characters of one song are not independent. The bootstrap is the studentised one
with symmetric intervals (Davison and Hinkley 1997, chapter 5). Percentile and BCa intervals are too narrow for a ratio
over few documents of unequal length: see `paired_difference`.
"""

from dataclasses import dataclass

import numpy as np

RESAMPLES = 19_999  # a round number with the observed sample, so that p-values are multiples of 1/20,000
MIN_DOCUMENTS = 5
BATCH = 1 << 22  # numbers drawn at a time: bounds the memory
LEAST_SPREAD = 0.01  # a resample of nearly one document only has no spread to divide by


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval."""

    low: float
    estimate: float
    high: float


@dataclass(frozen=True)
class Difference:
    """A difference, its confidence interval, and the two-sided p-value of no difference."""

    estimate: float
    low: float
    high: float
    p_value: float


def ratio_interval(nats: np.ndarray, tokens: np.ndarray, confidence: float = 0.95, seed: int = 0) -> Interval:
    """Bootstrap the mean loss of a corpus, sum of nats / sum of tokens, over documents.

    Args:
        nats, tokens: (D,), of each document.
        confidence: of the interval, between 0 and 1.
        seed: of the resamples.

    Raises:
        ValueError: fewer than 5 documents have tokens.
    """
    estimate, spread, deviations = _bootstrap(nats, tokens, seed)
    reach = spread * _quantile(deviations, confidence)
    return Interval(estimate - reach, estimate, estimate + reach)


def paired_difference(
    nats_a: np.ndarray, nats_b: np.ndarray, tokens: np.ndarray, confidence: float = 0.95, seed: int = 0
) -> Difference:
    """Bootstrap the loss of model a minus the loss of model b per token, on the same documents.

    The interval excludes zero exactly if p <= 1 - confidence. The smallest p-value is 1/20,000.

    In simulations with skewed losses and lengths, 95 % intervals covered the truth this often (percentile and BCa as in
    scipy.stats.bootstrap): with 8 documents 92 to 94 %, percentile 84 to 87 %, BCa 82 to 84 %; with 65 documents 95 to
    96 %, percentile 94 %, BCa 91 to 93 %.

    Args:
        nats_a, nats_b, tokens: (D,), of each document.
        confidence: of the interval, between 0 and 1.
        seed: of the resamples.

    Raises:
        ValueError: fewer than 5 documents have tokens; cut a single long text into blocks.
    """
    difference = np.asarray(nats_a, float) - np.asarray(nats_b, float)
    estimate, spread, deviations = _bootstrap(difference, tokens, seed)
    reach = spread * _quantile(deviations, confidence)
    extreme = np.count_nonzero(deviations * spread >= abs(estimate))
    return Difference(estimate, estimate - reach, estimate + reach, (1 + extreme) / (1 + RESAMPLES))


def mean_interval(values: np.ndarray, confidence: float = 0.95) -> Interval:
    """Compute the mean over seeds with Student's t interval.

    Args:
        values: (n,), one for each seed.
        confidence: of the interval, between 0 and 1.

    Raises:
        ValueError: there are fewer than 2 values.
    """
    from scipy.stats import t

    values = np.asarray(values, float)
    if len(values) < 2:
        raise ValueError("One seed has no spread; an interval over seeds needs at least 2.")
    mean = float(values.mean())
    error = float(values.std(ddof=1)) / len(values) ** 0.5
    reach = error * float(t.ppf((1 + confidence) / 2, len(values) - 1))
    return Interval(mean - reach, mean, mean + reach)


def holm(p_values: np.ndarray) -> np.ndarray:
    """Adjust p-values (m,) for m comparisons at once by Holm's (1979) step-down method; keep their order."""
    p_values = np.asarray(p_values, float)
    if not ((p_values >= 0) & (p_values <= 1)).all():
        raise ValueError(f"p-values must be between 0 and 1: {p_values.tolist()}.")
    ascending = np.argsort(p_values)
    steps = p_values[ascending] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[ascending] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def standard_error(nats: np.ndarray, tokens: np.ndarray) -> float:
    """Estimate the standard error of a ratio of sums, sum of nats / sum of tokens, over documents (D,)."""
    residuals = nats - nats.sum() / tokens.sum() * tokens
    return float(np.sqrt(len(nats) / (len(nats) - 1) * (residuals**2).sum()) / tokens.sum())


def _bootstrap(nats: np.ndarray, tokens: np.ndarray, seed: int) -> tuple[float, float, np.ndarray]:
    """Compute the ratio of sums, its standard error, and each resample's deviation in standard errors (RESAMPLES,)."""
    nats, tokens = np.asarray(nats, float), np.asarray(tokens, float)
    if nats.shape != tokens.shape or not np.isfinite(nats).all() or (tokens < 0).any():
        raise ValueError("Every document needs a finite loss and a number of tokens that is not negative.")
    nats, tokens = nats[tokens > 0], tokens[tokens > 0]
    documents = len(nats)
    if documents < MIN_DOCUMENTS:
        raise ValueError(
            f"{documents} documents are too few to resample; at least {MIN_DOCUMENTS} are needed. "
            "Cut long documents into blocks."
        )
    estimate = float(nats.sum() / tokens.sum())
    residuals = nats - estimate * tokens
    scale = documents / (documents - 1)
    spread = standard_error(nats, tokens)
    if spread == 0:  # every document has the same loss
        return estimate, 0.0, np.zeros(RESAMPLES)
    rng = np.random.default_rng(seed)
    parts = []
    for start in range(0, RESAMPLES, rows := max(1, BATCH // documents)):
        drawn = rng.integers(0, documents, (min(rows, RESAMPLES - start), documents))
        residual, length = residuals[drawn], tokens[drawn]
        total = length.sum(axis=1)
        shift = residual.sum(axis=1) / total
        error = np.sqrt(scale * ((residual - shift[:, None] * length) ** 2).sum(axis=1)) / total
        parts.append(np.abs(shift) / np.maximum(error, LEAST_SPREAD * spread))
    return estimate, spread, np.concatenate(parts)


def _quantile(deviations: np.ndarray, confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ValueError(f"A confidence of {confidence} is not between 0 and 1.")
    rank = round(confidence * (len(deviations) + 1))
    return float(np.sort(deviations)[min(max(rank, 1), len(deviations)) - 1])
