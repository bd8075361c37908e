"""Intervals of accuracies over texts and over seeds.

A resample draws texts and seeds, each with replacement and independently of the other (the bootstrap of both factors,
Owen 2007). All rows share the draws, so that differences are paired.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from epigone.evaluation.intervals import Interval

RESAMPLES = 2_000
Floats = NDArray[np.float64]


def interval(scores: Floats) -> Interval:
    """The 95 % percentile interval of a mean.

    Args:
        scores: (S, N), for each seed and text: 1 if right, or a difference of such numbers.
    """
    seeds, texts = scores.shape
    of_seeds = _draws(texts) @ scores.T / texts  # (R, S)
    drawn = np.random.default_rng(1).multinomial(seeds, np.full(seeds, 1 / seeds), RESAMPLES)
    low, high = np.quantile((of_seeds * drawn).sum(axis=1) / seeds, (0.025, 0.975))
    return Interval(float(low), float(scores.mean()), float(high))


@lru_cache(maxsize=2)
def _draws(texts: int) -> Floats:
    """How often each resample has each of N texts: (R, N)."""
    generator = np.random.default_rng(0)
    return generator.multinomial(texts, np.full(texts, 1 / texts), RESAMPLES).astype(np.float64)


def right(probabilities: Floats, codes: NDArray[np.integer]) -> Floats:
    """1 for each text whose most probable class is its own, else 0: (N,)."""
    return np.asarray(probabilities.argmax(axis=1) == codes, np.float64)
