"""Joins of classifiers: a weighted mean of their probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from epigone.classification.approaches.base import Approach, Classifier, Family
from epigone.classification.approaches.registry import APPROACHES
from epigone.errors import UserError
from epigone.schema import each, number, record, text
from epigone.storage import read_json, write_json

FILE = "blend.json"
WEIGHTS = np.linspace(0, 1, 21)
MOST_PARTS = 100
_SCHEMA = record({"weight": number(0, 1), "parts": each(text, MOST_PARTS, 2)}, "weight", "parts")

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Blended:
    """Classifiers of the same classes, and the weight of the first one's probabilities; the others share the rest."""

    names: tuple[str, ...]
    """The approaches that made the parts."""
    parts: tuple[Classifier, ...]
    weight: float

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, which all have."""
        return self.parts[0].classes

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Compute the weighted mean of the probabilities of all: (N, C)."""
        first, *others = (part.probabilities(texts) for part in self.parts)
        return blended(first, np.mean(others, axis=0), self.weight)

    def save(self, folder: Path) -> None:
        """Write all parts, each into a folder named after its approach, and the weight."""
        for name, part in zip(self.names, self.parts, strict=True):
            (folder / name).mkdir(exist_ok=True)
            part.save(folder / name)
        write_json(folder / FILE, {"weight": self.weight, "parts": list(self.names)})


@dataclass(frozen=True)
class Join:
    """A row of the table that joins others. It learns nothing but a weight."""

    name: str
    title: str
    family: Family
    parts: tuple[str, ...] = ()
    """The rows that it joins; by default the best network and all rows of n-grams."""
    weight: float | None = None
    """The weight of the first; None chooses it on held-out texts. The others share the rest."""

    def load(self, folder: Path, classes: tuple[str, ...]) -> Blended:
        """Read a join and its parts.

        Raises:
            UserError: a file is missing or damaged.
        """
        read = read_json(folder / FILE, _SCHEMA)
        names = tuple(read["parts"])
        known = [name for name in (*APPROACHES, *JOINS) if name != self.name]
        if len(set(names)) < len(names) or not set(names) <= set(known):
            raise UserError(f"{folder / FILE} is damaged: its parts are {', '.join(names)}; restore it from a copy.")
        return Blended(names, tuple(approach_of(name).load(folder / name, classes) for name in names), read["weight"])


BOTH = Join("both-directions", "ULMFiT, both directions", "network", ("ulmfit", "ulmfit-backward"), 0.5)
"""The mean of a network that reads forward and one that reads backward (Howard and Ruder 2018, §4)."""
BLEND = Join("blend", "blend of network and n-grams", "blend")
JOINS = {join.name: join for join in (BOTH, BLEND)}


def approach_of(name: str) -> Approach | Join:
    """The approach or join of a name.

    Raises:
        UserError: there is none.
    """
    return JOINS[name] if name in JOINS else APPROACHES[name]


def blended(first: Floats, second: Floats, weight: float) -> Floats:
    """The weighted mean of probabilities."""
    return weight * first + (1 - weight) * second


def best_weight(first: Floats, second: Floats, codes: NDArray[np.int64], counted: Floats) -> float:
    """Choose the weight of `first` with the lowest log loss; the one nearest to a half of equals.

    Args:
        first, second: probabilities (N, C).
        codes: (N,), the true classes.
        counted: (N,), how much each text counts.
    """
    places = np.arange(len(codes))
    losses = []
    for weight in WEIGHTS:
        of_true = np.maximum(blended(first, second, weight)[places, codes], 1e-15)
        losses.append(float(-(counted * np.log(of_true)).sum()))
    least = min(losses)
    near = [weight for weight, loss in zip(WEIGHTS, losses, strict=True) if loss <= least + 1e-12]
    return float(min(near, key=lambda weight: abs(weight - 0.5)))


def crossed(first: Floats, second: Floats, codes: NDArray[np.int64], counted: Floats, seed: int) -> Floats:
    """Blend the probabilities of held-out texts: the weight for each half of them is chosen on the other half.

    So the weight has not seen the texts that it is measured on. Both halves have each class in about its share.
    """
    order = np.random.default_rng(seed).permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]
    result = np.empty_like(first)
    for own, other in ((order[::2], order[1::2]), (order[1::2], order[::2])):
        weight = best_weight(first[other], second[other], codes[other], counted[other])
        result[own] = blended(first[own], second[own], weight)
    return result
