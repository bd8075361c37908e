"""Measures of single units for a target: correlation, mutual information, and the accuracy of a logistic probe.

Every function takes all units of a vector at once.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from epigone.evaluation.activations import Floats

BINS = 8  # of states and of graded targets, equally filled, for mutual information
GROUPS = 100  # parts of whole documents that are resampled
RESAMPLES = 200
TRAINING = 2_000  # observations of each logistic probe of a single unit: it has two numbers to learn
STEPS, RIDGE = 6, 1e-3
Numbers = NDArray[np.float64]


class Estimates(NamedTuple):
    """An estimate for each of H units, with a 95 % interval by a bootstrap over documents."""

    estimate: Numbers
    low: Numbers
    high: Numbers


def correlation(states: Floats, values: Floats, documents: NDArray[np.int64], seed: int) -> Estimates:
    """Correlate states (N, H) with the values (N,) of a target (Pearson; of two classes point-biserial)."""
    x = torch.from_numpy(states - states.mean(axis=0))
    y = torch.from_numpy((values - values.mean()).astype(np.float32))[:, None]
    groups = Groups.of(documents, seed)
    one = torch.ones_like(y)
    n, y1, y2, x1, x2, xy = (groups.resampled(part) for part in (one, y, y * y, x, x * x, x * y))
    y1, y2, x1, x2, xy = (part / n for part in (y1, y2, x1, x2, xy))
    deviation = np.sqrt(np.maximum((x2 - x1**2) * (y2 - y1**2), 1e-20))
    return _estimates((xy - x1 * y1) / deviation)


def mutual_information(bins: NDArray[np.uint8], values: Floats) -> Numbers:
    """Estimate the mutual information in bits of states and a target (N,).

    Args:
        bins: (N, H) the states as `binned` has them.
        values: (N,); graded ones are put into eight bins too.

    Returns:
        (H,), corrected for the number of bins (Miller and Madow), so that it is near 0 for what is independent.
    """
    if len(np.unique(values)) > 2:
        edges = np.unique(np.quantile(values, np.arange(1, BINS) / BINS))
        codes = np.searchsorted(edges, values, side="right")
    else:
        codes = (values > 0.5).astype(np.int64)
    classes = int(codes.max()) + 1
    joint = np.stack([[(bins[codes == c] == b).sum(axis=0) for b in range(BINS)] for c in range(classes)])
    shares = joint / len(values)
    independent = shares.sum(axis=0, keepdims=True) * shares.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(joint > 0, shares * np.log2(shares / independent), 0.0)
    filled = (joint.sum(axis=0) > 0).sum(axis=0)
    return np.asarray(terms.sum(axis=(0, 1)) - (filled - 1) * (classes - 1) / (2 * len(values) * np.log(2)))


def binned(states: Floats) -> NDArray[np.uint8]:
    """Number the eighth of its unit's values in which each state (N, H) lies."""
    edges = np.quantile(states, np.arange(1, BINS) / BINS, axis=0)
    found = np.zeros(states.shape, np.uint8)
    for edge in edges:
        found += states > edge
    return found


def single_unit_accuracy(
    states: Floats, classes: NDArray[np.bool_], fold: NDArray[np.int64], documents: NDArray[np.int64], seed: int
) -> Estimates:
    """Measure a logistic probe on each unit alone, on every document when it is held out.

    Both classes weigh the same, in learning and in the *balanced* accuracy, which is 0.5 for a probe that knows
    nothing, however rare a class is.

    Args:
        states: (N, H).
        classes: (N,).
        fold: (N,) from 0: what is held out together.
        documents: (N,) what is resampled as a whole.
        seed: of the resamples.
    """
    mean, deviation = states.mean(axis=0), states.std(axis=0) + 1e-6
    right = np.empty(states.shape, bool)
    for out in (fold == number for number in range(int(fold.max()) + 1)):
        rows = np.flatnonzero(~out)
        if len(rows) > TRAINING:
            rows = rows[np.linspace(0, len(rows) - 1, TRAINING).astype(np.int64)]
        slope, bias = _fitted((states[rows] - mean) / deviation, classes[rows])
        right[out] = (((states[out] - mean) / deviation * slope + bias) > 0) == classes[out][:, None]
    return balanced_accuracy(right, classes, documents, seed)


def balanced_accuracy(
    right: NDArray[np.bool_], classes: NDArray[np.bool_], documents: NDArray[np.int64], seed: int
) -> Estimates:
    """Average the shares of right answers (N, H) in each of two classes (N,), with intervals over documents."""
    groups = Groups.of(documents, seed)
    shares = []
    for known in (classes, ~classes):
        rows = torch.from_numpy(known.astype(np.float32))[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            shares.append(groups.resampled(rows * torch.from_numpy(right)) / groups.resampled(rows))
    return _estimates((shares[0] + shares[1]) / 2)


def mean_estimates(values: Floats, seed: int) -> Estimates:
    """Average values (P, H) over passages, with intervals over these."""
    weights = np.random.default_rng(seed).multinomial(len(values), np.full(len(values), 1 / len(values)), RESAMPLES)
    return _estimates(np.concatenate([values.mean(axis=0)[None], weights @ values / len(values)]))


def _fitted(x: Floats, classes: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Fit a slope and a bias for each unit by Newton's method."""
    states = torch.from_numpy(np.ascontiguousarray(x, np.float32))
    y = torch.from_numpy(classes.astype(np.float32))[:, None]
    share = y.mean().clamp(1e-6, 1 - 1e-6)
    weight = torch.where(y > 0, 0.5 / share, 0.5 / (1 - share)) / len(y)
    slope, bias = torch.zeros(x.shape[1]), torch.zeros(x.shape[1])
    for _ in range(STEPS):
        p = torch.sigmoid(states * slope + bias)
        error, curve = weight * (p - y), weight * p * (1 - p)
        weighted = curve * states
        g, h = (error * states).sum(0) + RIDGE * slope, error.sum(0)
        a, b, c = (weighted * states).sum(0) + RIDGE, weighted.sum(0), curve.sum(0) + 1e-6
        determinant = a * c - b * b + 1e-12
        slope = (slope - (c * g - b * h) / determinant).clamp(-20, 20)
        bias = (bias - (a * h - b * g) / determinant).clamp(-40, 40)
    return slope.numpy(), bias.numpy()


class Groups(NamedTuple):
    """Parts of whole documents, which are resampled."""

    part: torch.Tensor
    """(N,) the part of each observation."""
    weights: NDArray[np.float64]
    """(R, G) how often each resample takes each part."""

    @classmethod
    def of(cls, documents: NDArray[np.int64], seed: int) -> "Groups":
        names, inverse = np.unique(documents, return_inverse=True)
        generator = np.random.default_rng(seed)
        parts = min(len(names), GROUPS)
        part = generator.permutation(len(names))[inverse] % parts
        weights = generator.multinomial(parts, np.full(parts, 1 / parts), RESAMPLES)
        return cls(torch.from_numpy(part), weights.astype(np.float64))

    def resampled(self, values: torch.Tensor) -> Numbers:
        """Sum values (N, H) over all observations, then over those of each resample: (1 + R, H)."""
        sums = torch.zeros(self.weights.shape[1], values.shape[1]).index_add_(0, self.part, values.float()).numpy()
        return np.concatenate([sums.sum(axis=0, dtype=np.float64)[None], self.weights @ sums])


def _estimates(values: Numbers) -> Estimates:
    """Split an estimate and its resamples (1 + R, H); a resample that lacks a class does not count."""
    found = values[1:][~np.isnan(values[1:]).any(axis=1)]
    if not len(found):
        return Estimates(values[0], np.full_like(values[0], np.nan), np.full_like(values[0], np.nan))
    low, high = np.quantile(found, [0.025, 0.975], axis=0)
    return Estimates(values[0], low, high)
