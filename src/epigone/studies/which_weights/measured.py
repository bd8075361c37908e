"""A row of the study `which-weights`: what a part gains, costs and makes the base forget."""

from dataclasses import dataclass

import numpy as np

from epigone.evaluation.intervals import Difference

Nats = tuple[np.ndarray, np.ndarray]
"""Nats and tokens (D,) of documents."""


@dataclass(frozen=True)
class Measured:
    """A part that learned, or a way of adapting; losses in nats per token, gains over the untouched base."""

    name: str
    group: str
    choice: str
    share: float
    rate: float
    validation_gain: float
    """Mean over the targets, by which rates and rows were chosen."""
    gains: dict[str, Difference]
    """On the test documents of each text, by its role."""
    gain: Difference
    """On the test documents of all writers on whom nothing was chosen."""
    percent: float
    """That gain as a share of the loss of the base (per cent)."""
    to_all: Difference
    """Test loss on the writers minus that of the row in which all weights learned."""
    p_holm: float
    """The p-value of that difference after Holm's correction over all rows."""
    forgetting: Difference | None
    """The rise of the loss on text like the base's own; None without such a text."""
    weights: int
    """Weights that learned, or that a method learned in their place."""
    of: int
    """Weights of the model."""
    kilobytes: float
    """Size of what has to be stored beside the base."""
    seconds: float
    """Of one training, on average, with its validations."""
    runs: int


@dataclass(frozen=True)
class OnTargets:
    """A part that learned the targets alone; the fields are as in `Measured`."""

    name: str
    rate: float
    validation_gain: float
    gains: dict[str, Difference]
    weights: int
