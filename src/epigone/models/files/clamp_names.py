"""Clamps as they are written: `layers.2.cell[17]=1`, `layers.1[3-7, 12]=0`, `units(from=probe.json, top=10)=0`.

A state without a bracket means all of its units: `layers.1.cell=0`. `units(...)` takes units from the ranking of a
probe, `top=` or `bottom=` a number or a share of them, or `random=` with `seed=` as a control; what stands first
narrows them down, as in `units(layers.1.cell, random=10, seed=3)=0`, which needs no ranking.
"""

import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from epigone.arguments import Arguments
from epigone.errors import UserError
from epigone.models.cells.base import CELLS
from epigone.models.clamps import Clamp
from epigone.models.config import ModelConfig
from epigone.models.files.ranking import read_ranking
from epigone.models.unit_names import UnitName

FORMS = "'layers.0[12]=0', 'layers.1.cell[3-7]=0.5' or 'units(from=probe.json, top=10)=0'"
SHARES = ("top", "bottom", "random")
LARGEST = float(np.finfo(np.float32).max)
_NAMED = re.compile(r"(layers\.\d{1,6}(?:\.[a-z0-9]+)?)(?:\[([^\]]*)\])?")
_SET = re.compile(r"units\((.*)\)", re.DOTALL)
_RANGE = re.compile(r"(\d{1,9})(?:\s*-\s*(\d{1,9}))?")


def read_clamps(written: Sequence[str], config: ModelConfig) -> tuple[Clamp, ...]:
    """Read clamps for a model of this shape.

    Raises:
        UserError: one does not parse, names a unit that the model does not have, or holds a unit at a second value.
    """
    found: dict[UnitName, Clamp] = {}
    for text in written:
        units, _, number = text.rpartition("=")
        value = _value(number, text)
        for unit in _units(units.strip(), text, config):
            clamp = Clamp(unit, value)
            if unit.state and CELLS[config.cell].output is None:
                raise UserError(
                    f"The cell {config.cell} does not say how its output follows from its other states (Cell.output), "
                    f"so only hidden states can be clamped; leave out '{text}'."
                )
            if found.setdefault(unit, clamp) != clamp:
                values = f"{found[unit].value:g} and to {value:g}"
                raise UserError(f"{unit.written(config)} is clamped to {values}; give it one value.")
    return tuple(found.values())


def _value(value: str, text: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not abs(number) <= LARGEST:
        raise UserError(f"The clamp '{text}' does not end in = and a number; write for example {FORMS}.")
    return number


def _units(units: str, text: str, config: ModelConfig) -> list[UnitName]:
    """The units before the equals sign of a clamp."""
    if match := _SET.fullmatch(units):
        return _of_set(match[1], text, config)
    if match := _NAMED.fullmatch(units):
        return _of_state(match, text, config)
    raise UserError(f"The clamp '{text}' names no unit; write for example {FORMS}.")


def _of_state(match: re.Match[str], text: str, config: ModelConfig) -> list[UnitName]:
    """The units of a state: all, or those in its bracket."""
    name, listed = match[1], match[2]
    if listed is None:
        first = UnitName.parse(f"{name}[0]", config)
        return [UnitName(first.layer, first.state, unit) for unit in range(config.layer_sizes[first.layer])]
    found = []
    for item in listed.split(","):
        span = _RANGE.fullmatch(item.strip())
        if span is None or int(span[1]) > int(span[2] or span[1]):
            raise UserError(f"The clamp '{text}' has '{item.strip()}' for units; write a number, or a range as 3-7.")
        last = UnitName.parse(f"{name}[{span[2] or span[1]}]", config)
        found += [UnitName(last.layer, last.state, unit) for unit in range(int(span[1]), last.unit + 1)]
    return found


def _of_set(inside: str, text: str, config: ModelConfig) -> list[UnitName]:
    """Some of the units of a ranking or of states."""
    given = Arguments.parse(inside, lambda reason: UserError(f"The clamp '{text}' {reason}"))
    given.only(*SHARES, "from", "seed")
    kind = given.one_of(*SHARES)
    if "seed" in given.named and kind != "random":
        raise given.failure("has seed=, which goes with random= alone.")
    scope = [unit for state in given.scope for unit in _units(state, text, config)]
    if "from" in given.named:
        units = list(dict.fromkeys(read_ranking(Path(given.path("from")), config)))
        units = [unit for unit in units if not scope or unit in scope]
    elif kind == "random" and scope:
        units = scope
    else:
        raise given.failure("needs from= and a ranking of units, the probe.json of a probe.")
    number = given.share(kind, len(units))
    if kind == "random":
        return [units[place] for place in sorted(given.random().choice(len(units), number, replace=False))]
    return units[:number] if kind == "top" else units[-number:]
