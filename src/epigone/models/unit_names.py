"""Names of units: `layers.1.cell[37]` is unit 37 of the cell state of layer 1, `layers.1[37]` of its hidden state.

Gates are named alike, `layers.1.forget[37]`. A vector of all units of a layer is `layers.1.cell`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from epigone.errors import UserError
from epigone.models.cells.base import CELLS
from epigone.models.config import ModelConfig

_NAME = re.compile(r"layers\.(\d{1,6})(?:\.([a-z0-9]+))?\[(\d{1,9})\]")


def state_names(config: ModelConfig) -> tuple[str, ...]:
    """Name the state vectors of a model's cell: `hidden`, which is the output, `cell` of an LSTM, then `state2`."""
    return CELLS[config.cell].state_names


def vector_names(config: ModelConfig) -> tuple[str, ...]:
    """Name what a layer can be recorded as: its state vectors, then the gates that its cell shows.

    The gate that an LSTM's cell state takes in is its `candidate`, because `cell` is the state itself.
    """
    form = CELLS[config.cell].gate_form
    return state_names(config) + (form.names if form else ())


@dataclass(frozen=True)
class VectorName:
    """A state vector or a gate of a layer; all numbers count from 0."""

    layer: int
    index: int
    """Its place among `vector_names`; 0 is the hidden state."""

    def written(self, config: ModelConfig) -> str:
        """Write the name, such as `layers.1.hidden`."""
        return f"layers.{self.layer}.{vector_names(config)[self.index]}"


def matching_vectors(patterns: Sequence[str], config: ModelConfig) -> list[VectorName]:
    """List the vectors that patterns name, in the order of the layers.

    Args:
        patterns: names in which `*` stands for any layer or any kind: `layers.*.cell`, `layers.0.*`, `layers.1` for a
            hidden state.
        config: the shape of the model.

    Raises:
        UserError: a pattern names nothing that the model has.
    """
    every = [
        VectorName(layer, index) for layer in range(config.num_layers) for index in range(len(vector_names(config)))
    ]
    found: set[VectorName] = set()
    for pattern in patterns:
        whole = pattern.strip() if pattern.count(".") != 1 else f"{pattern.strip()}.hidden"
        likes = re.compile(re.escape(whole).replace(r"\*", "[^.]*"))
        named = [vector for vector in every if likes.fullmatch(vector.written(config))]
        if not named:
            raise UserError(
                f"'{pattern}' names no state of this model; it has the layers 0 to {config.num_layers - 1} with "
                f"{', '.join(vector_names(config))}, as in layers.0.{vector_names(config)[-1]} or layers.*."
            )
        found.update(named)
    return [vector for vector in every if vector in found]


@dataclass(frozen=True)
class UnitName:
    """A unit of a state vector or of a gate of a layer; all numbers count from 0."""

    layer: int
    state: int
    """Index of the state vector; 0 is the hidden state. Gates follow, as in `vector_names`."""
    unit: int

    @classmethod
    def parse(cls, name: str, config: ModelConfig, gates: bool = False) -> "UnitName":
        """Read a name.

        Args:
            name: such as `layers.1[37]`.
            config: the shape of the model.
            gates: take units of gates too.

        Raises:
            UserError: it is no name, or the model has no such layer, state or unit.
        """
        found = _NAME.fullmatch(name.strip())
        if found is None:
            raise UserError(f"'{name}' names no unit; write layers.LAYER[UNIT], such as layers.0[12], counted from 0.")
        layer, state, unit = int(found[1]), found[2] or "hidden", int(found[3])
        states = vector_names(config) if gates else state_names(config)
        if state not in states:
            raise UserError(
                f"The cell {config.cell} has no {'state or gate' if gates else 'state'} '{state}', only "
                f"{' and '.join(states)}; see '{name}'."
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
        state = f".{vector_names(config)[self.state]}" if self.state else ""
        return f"layers.{self.layer}{state}[{self.unit}]"
