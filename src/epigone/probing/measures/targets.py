"""Targets: what probes are asked to read from states, with the controls that say what an answer is worth."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from epigone.probing.properties.base import Level, Values

FOLDS = 3


@dataclass(frozen=True, eq=False)
class Target:
    """A property at N observations."""

    name: str
    level: Level
    values: Values
    """(N,): 0 and 1, or graded; NaN where the property says nothing."""

    @property
    def said(self) -> NDArray[np.bool_]:
        """The observations of which the property says something (N,)."""
        return ~np.isnan(self.values)

    @property
    def graded(self) -> bool:
        """True if there are more than two values."""
        return len(np.unique(self.values[self.said])) > 2

    @property
    def classes(self) -> NDArray[np.bool_]:
        """Two classes for a logistic probe (N,): above the median or not, if graded."""
        cut = float(np.median(self.values[self.said])) if self.graded else 0.5
        return np.asarray(self.values > cut)

    def at(self, rows: NDArray[np.generic]) -> "Target":
        """The target at some of the observations."""
        return replace(self, values=self.values[rows])


def control_task(target: Target, types: NDArray[np.int64], seed: int) -> Target:
    """Give each word type a random label, as many of each as the target has (Hewitt and Liang 2019).

    What a probe reads of it, it has memorised: the accuracy on the target above that on this is its *selectivity*.
    """
    generator = np.random.default_rng(seed)
    share = float(target.classes[target.said].mean())
    _, inverse = np.unique(types, return_inverse=True)
    drawn = generator.random(int(inverse.max(initial=0)) + 1) < share
    return Target(f"{target.name} (control)", target.level, _where(drawn[inverse], target.said))


def shuffled(target: Target, seed: int) -> Target:
    """Move the labels along the text by a random number of observations, so that neighbours stay alike."""
    generator = np.random.default_rng(seed)
    rows = np.flatnonzero(target.said)
    values = target.values.copy()
    values[rows] = np.roll(values[rows], int(generator.integers(len(rows) // 4, 3 * len(rows) // 4 + 1)))
    return Target(f"{target.name} (shuffled)", target.level, values)


def folds(documents: NDArray[np.int64], classes: NDArray[np.bool_], seed: int) -> NDArray[np.int64]:
    """Divide whole documents into three folds, each of which is held out once: (N,) from 0.

    Documents with more than the usual share of the class that is looked for, and the others, are dealt out in turn, so
    that both classes are in every fold if three documents have each.
    """
    generator = np.random.default_rng(seed)
    names, inverse = np.unique(documents, return_inverse=True)
    share = np.bincount(inverse, classes) / np.bincount(inverse)
    order = np.lexsort((generator.random(len(names)), share > classes.mean()))
    fold = np.empty(len(names), np.int64)
    fold[order] = np.arange(len(names)) % FOLDS
    return fold[inverse]


def _where(values: NDArray[np.bool_], said: NDArray[np.bool_]) -> Values:
    return np.where(said, values, np.nan).astype(np.float32)
