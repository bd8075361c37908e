"""Clamps: units of a state that are held at a value, to see what they do.

After each step of a layer a clamped unit is set to its value. A clamped hidden state is what the layer above, the head
and the next step read. A clamped cell state is what the next step reads, and the hidden state follows from it by the
output gate of the step. If both are clamped, both have their values. The state that a document begins in is not
clamped: it is read by the first step alone.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from epigone.models.cells.base import CELLS
from epigone.models.config import ModelConfig
from epigone.models.unit_names import UnitName


@dataclass(frozen=True)
class Clamp:
    """A unit of a state, and the value that it is held at."""

    unit: UnitName
    value: float

    def written(self, config: ModelConfig) -> str:
        """Write it as it is asked for, such as `layers.1.cell[17]=0.5`."""
        return f"{self.unit.written(config)}={self.value:g}"


def held_values(clamps: Sequence[Clamp], config: ModelConfig) -> list[list[NDArray[np.float32] | None]]:
    """Arrange clamps by layer and state vector.

    Returns:
        For each of L layers and each state vector the values (H,) of its units, NaN where a unit is free; None if all
        of them are.
    """
    found: list[list[NDArray[np.float32] | None]] = [[None] * CELLS[config.cell].num_states for _ in config.layer_sizes]
    for clamp in clamps:
        vectors, place = found[clamp.unit.layer], clamp.unit.state
        values = vectors[place]
        if values is None:
            values = vectors[place] = np.full(config.layer_sizes[clamp.unit.layer], np.nan, np.float32)
        values[clamp.unit.unit] = clamp.value
    return found


class Clampable(Protocol):
    """A model whose units can be held."""

    clamps: tuple[Clamp, ...]


@contextmanager
def clamped(model: Clampable, clamps: Sequence[Clamp]) -> Iterator[None]:
    """Hold units of a model, besides those that are held already, for as long as this lasts."""
    before = model.clamps
    model.clamps = (*before, *clamps)
    try:
        yield
    finally:
        model.clamps = before
