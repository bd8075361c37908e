"""All measures of one target on the units of one vector."""

from dataclasses import dataclass

import numpy as np

from epigone.models.unit_names import VectorName
from epigone.probing.measures.linear import LinearProbe, linear_probe
from epigone.probing.measures.statistics import (
    Estimates,
    Numbers,
    binned,
    correlation,
    mutual_information,
    single_unit_accuracy,
)
from epigone.probing.measures.targets import FOLDS, Target, control_task, folds, shuffled
from epigone.probing.observations import Observations

FEWEST = 5  # observations of each class in each of the parts that are held out


@dataclass(frozen=True)
class Measured:
    """The measurements of a target on the units (H,) of a vector."""

    correlation: Estimates
    mutual_information: Numbers
    """Bits."""
    accuracy: Estimates
    """Balanced, of a logistic probe on each unit alone, on held-out documents."""
    control: Numbers
    """The same for the control task; chance, which is 0.5, for passages."""
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
    """Measure one target, of which there is enough, on one vector.

    Raises:
        UserError: scikit-learn is not installed.
    """
    rows = np.flatnonzero(target.said)
    fold = folds(seen.documents[rows], target.at(rows).classes, seed)
    states, documents = seen.states[vector][rows], seen.documents[rows]

    def accuracy(labels: Target) -> Estimates:
        return single_unit_accuracy(states, labels.at(rows).classes, fold, documents, seed)

    def linear(labels: Target) -> LinearProbe:
        return linear_probe(states, labels.at(rows).classes, fold, documents, seed)

    control = None if seen.types is None else control_task(target, seen.types, seed)
    return Measured(
        correlation=correlation(states, target.values[rows], documents, seed),
        mutual_information=mutual_information(binned(states), target.values[rows]),
        accuracy=accuracy(target),
        control=np.full(states.shape[1], 0.5) if control is None else accuracy(control).estimate,
        shuffled=accuracy(shuffled(target, seed)).estimate,
        linear=linear(target),
        linear_control=0.5 if control is None else float(linear(control).accuracy.estimate[0]),
    )


def too_few(seen: Observations, target: Target, seed: int) -> str:
    """Say that a target has too few observations of a class, in learning or held out; empty if it has enough."""
    rows = np.flatnonzero(target.said)
    classes = target.at(rows).classes if len(rows) else np.zeros(0, bool)
    if len(np.unique(classes)) == 2:
        fold = folds(seen.documents[rows], classes, seed)
        if min(int((classes[fold == part] == kind).sum()) for part in range(FOLDS) for kind in (True, False)) >= FEWEST:
            return ""
    return (
        f"The text, as the model reads it, has too few places where the property {target.name} is different from "
        f"elsewhere: {FEWEST} of each kind are needed in each of {FOLDS} parts of the documents. Give more "
        "text, or raise --positions or --characters."
    )
