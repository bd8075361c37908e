"""All measures of one target on the units of one vector."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epigone.errors import UserError
from epigone.models.unit_names import VectorName
from epigone.probing.linear import LinearProbe, linear_probe
from epigone.probing.observations import Observations
from epigone.probing.statistics import (
    Estimates,
    Numbers,
    binned,
    correlation,
    mutual_information,
    single_unit_accuracy,
)
from epigone.probing.targets import Target, control_task, held_out, shuffled

FEWEST = 8  # observations of each class, in learning and held out


@dataclass(frozen=True)
class Measured:
    """What the units (H,) of a vector tell of a target."""

    correlation: Estimates
    mutual_information: Numbers
    """Bits."""
    accuracy: Estimates
    """Balanced, of a logistic probe on each unit alone, on held-out documents."""
    control: Numbers
    """The same for the control task."""
    shuffled: Numbers
    """The same for labels that have nothing to do with the states."""
    linear: LinearProbe
    linear_control: float
    """Balanced accuracy of the probe of all units on the control task."""

    @property
    def selectivity(self) -> Numbers:
        """Accuracy above that on the control task, which a probe can only memorise, or above chance."""
        return np.asarray(self.accuracy.estimate - np.maximum(0.5, self.control))


def measure(seen: Observations, target: Target, vector: VectorName, seed: int) -> Measured:
    """Measure one target on one vector.

    Raises:
        UserError: a class has too few observations, or scikit-learn is not installed.
    """
    rows = np.flatnonzero(target.said)
    out = _division(seen, target, seed)
    states, documents = seen.states[vector][rows], seen.documents[rows]

    def accuracy(labels: Target) -> Estimates:
        return single_unit_accuracy(states, labels.at(rows).classes, out, documents, seed)

    def linear(labels: Target) -> LinearProbe:
        return linear_probe(states, labels.at(rows).classes, out, documents, seed)

    control = control_task(target, seen.types, seed)
    return Measured(
        correlation=correlation(states, target.values[rows], documents, seed),
        mutual_information=mutual_information(binned(states), target.values[rows]),
        accuracy=accuracy(target),
        control=accuracy(control).estimate,
        shuffled=accuracy(shuffled(target, seed)).estimate,
        linear=linear(target),
        linear_control=float(linear(control).accuracy.estimate[0]),
    )


def _division(seen: Observations, target: Target, seed: int) -> NDArray[np.bool_]:
    """Hold out documents among the observations of which the target says something, or say why that is not possible."""
    rows = np.flatnonzero(target.said)
    classes = target.at(rows).classes
    if len(rows):
        out = held_out(seen.documents[rows], classes, seed)
        fewest = min(int((classes[part] == kind).sum()) for part in (out, ~out) for kind in (True, False))
    if not len(rows) or fewest < FEWEST:
        raise UserError(
            f"The text has too few places where the property {target.name} is different from elsewhere: "
            f"{FEWEST} of each kind are needed to learn from, and as many in documents that are held out. Give more "
            "text, or raise --positions or --characters."
        )
    return out
