"""Names of units: `layers.1.cell[37]` is unit 37 of the cell state of layer 1, `layers.1[37]` of its hidden state."""

import re
from dataclasses import dataclass

from epigone.errors import UserError
from epigone.models.cells.base import CELLS
from epigone.models.config import ModelConfig

_NAME = re.compile(r"layers\.(\d{1,6})(?:\.([a-z0-9]+))?\[(\d{1,9})\]")


def state_names(config: ModelConfig) -> tuple[str, ...]:
    """Name the state vectors of a model's cell: `hidden`, which is the output, `cell` of an LSTM, then `state2`."""
    return CELLS[config.cell].state_names


@dataclass(frozen=True)
class UnitName:
    """A unit of a state vector of a layer; all numbers count from 0."""

    layer: int
    state: int
    """Index of the state vector; 0 is the hidden state."""
    unit: int

    @classmethod
    def parse(cls, name: str, config: ModelConfig) -> "UnitName":
        """Read a name.

        Raises:
            UserError: it is no name, or the model has no such layer, state or unit.
        """
        found = _NAME.fullmatch(name.strip())
        if found is None:
            raise UserError(f"'{name}' names no unit; write layers.LAYER[UNIT], such as layers.0[12], counted from 0.")
        layer, state, unit = int(found[1]), found[2] or "hidden", int(found[3])
        states = state_names(config)
        if state not in states:
            raise UserError(
                f"The cell {config.cell} has no state '{state}', only {' and '.join(states)}; see '{name}'."
            )
        if layer >= config.num_layers or unit >= config.layer_sizes[layer]:
            top = f", the top one with those to {config.output_size - 1}" if config.top_size else ""
            raise UserError(
                f"There is no unit {name}: the model has the layers 0 to {config.num_layers - 1}, each with the units "
                f"0 to {config.hidden_size - 1}{top}."
            )
        return cls(layer, states.index(state), unit)

    def written(self, config: ModelConfig) -> str:
        """Write the name; the hidden state is left out."""
        state = f".{state_names(config)[self.state]}" if self.state else ""
        return f"layers.{self.layer}{state}[{self.unit}]"
