"""Choices of the study `which-weights` on the validation splits of its targets: rates, and the order of the rows."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from epigone.studies.engine.rows import validation_mean
from epigone.studies.experiment import Context
from epigone.studies.which_weights.grid import Part, WhichLabels
from epigone.studies.which_weights.texts import targets


def loss_on_targets(context: Context[Any], part: Part, rate: float) -> float:
    """The mean validation loss of a part on the targets (nats per token); infinite if a run diverged."""
    names = [WhichLabels(text=role, part=part.name, rate=rate).name for role in targets(context.texts)]
    return float(np.mean([validation_mean(context.runs[name]) for name in names]))


def best_rates(context: Context[Any], parts: Iterable[Part]) -> dict[str, float]:
    """The rate of each part, by its name, whose validation loss on the targets is the lowest."""
    return {
        part.name: min(part.rates(context.options), key=lambda rate: loss_on_targets(context, part, rate))
        for part in parts
    }
