"""The ranking of units: who carries what a text says rather than how it is spelt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epigone.models.config import ModelConfig
from epigone.models.unit_names import VectorName
from epigone.probing.measures.measure import Measured
from epigone.probing.measures.perturbation import Perturbed
from epigone.probing.measures.statistics import Numbers
from epigone.probing.properties.base import Level


@dataclass(frozen=True)
class Probed:
    """A target and what every vector tells of it."""

    name: str
    """Such as `quotes`, or `author=Swift` for one of several labels."""
    level: Level
    observations: int
    documents: int
    share: float
    """Share of the observations in the class that a probe looks for; NaN for a change."""
    graded: bool
    vectors: Mapping[VectorName, Measured | Perturbed]

    @property
    def property(self) -> str:
        """The property, whatever the label."""
        return self.name.partition("=")[0]


@dataclass(frozen=True)
class Ranks:
    """Ranks of all units of all layers, lowest layer first: (U,), from 0 for the last to 1 for the first."""

    high: Numbers | None
    low: Numbers | None

    @property
    def score(self) -> Numbers:
        """High against low: from -1 to 1 with properties of both levels, else the rank in the one there is."""
        if self.high is None or self.low is None:
            return np.asarray(self.high if self.low is None else self.low)
        return np.asarray(self.high - self.low)


def rank_units(probed: Sequence[Probed], config: ModelConfig) -> Ranks:
    """Rank the units of a model by the high-level properties and by the low-level ones.

    A property counts for a unit by its selectivity in the best of its states, and if it has several labels by the best
    label; a change counts by its size in standard deviations of the unit. These are made ranks among all units for each
    property, ranks are averaged over the properties of a level, and the averages are ranked again.

    The largest selectivity of a level would do worse: vowels are read off single units almost without error and
    sentiment hardly better than by chance, so the easiest property of a level would decide alone; and the largest of
    many ranks is large for every unit by chance. The average of ranks gives every property the same say.
    """
    by_level: dict[str, list[Numbers]] = {"high": [], "low": []}
    for name in dict.fromkeys(each.property for each in probed):
        same = [each for each in probed if each.property == name]
        best = np.max([_strength(each, config) for each in same], axis=0)
        by_level[same[0].level].append(_ranks(best))
    high, low = (_ranks(np.mean(ranks, axis=0)) if ranks else None for ranks in by_level.values())
    return Ranks(high, low)


def strength(found: Measured | Perturbed) -> Numbers:
    """Return what counts of a vector for the ranking (H,)."""
    return np.asarray(found.selectivity if isinstance(found, Measured) else found.change.estimate)


def _strength(each: Probed, config: ModelConfig) -> Numbers:
    """The best of the states of every unit (U,); 0 in a layer that was not probed."""
    parts = []
    for layer, size in enumerate(config.layer_sizes):
        own = [strength(found) for vector, found in each.vectors.items() if vector.layer == layer]
        parts.append(np.max(own, axis=0) if own else np.zeros(size))
    return np.concatenate(parts)


def _ranks(values: Numbers) -> Numbers:
    """Ranks from 0 to 1; equal values share the middle of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    middle: NDArray[np.float64] = (ends - (counts + 1) / 2)[inverse]
    return middle / max(1, len(values) - 1)
