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
_ARGUMENT = re.compile(r'\s*(?:([a-z]+)\s*=\s*)?("[^"]*"|[^,"=\[\]]+?(?:\[[^\]]*\])?)\s*(?:,|$)')


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
    scope, named = _arguments(inside, text)
    kinds = [name for name in named if name in SHARES]
    if len(kinds) != 1 or not named.keys() <= {*SHARES, "from", "seed"} or ("seed" in named and kinds != ["random"]):
        raise UserError(
            f"The clamp '{text}' needs one of top=, bottom= or random=, besides from= and, with random=, seed=."
        )
    kind = kinds[0]
    if "from" in named:
        units = list(dict.fromkeys(read_ranking(Path(named["from"]), config)))
    elif kind == "random" and scope:
        units = [unit for state in scope for unit in _units(state, text, config)]
    else:
        raise UserError(f"The clamp '{text}' needs from= and a ranking of units, the probe.json of a probe.")
    if scope:
        allowed = {unit for state in scope for unit in _units(state, text, config)}
        units = [unit for unit in units if unit in allowed]
    number = _share(named[kind], len(units), kind, text)
    if kind == "random":
        if not re.fullmatch(r"\d{1,18}", seed := named.get("seed", "0")):
            raise UserError(f"The clamp '{text}' has seed={seed}; write a whole number.")
        drawn = np.random.default_rng(int(seed)).choice(len(units), number, replace=False)
        return [units[place] for place in sorted(drawn)]
    return units[:number] if kind == "top" else units[-number:]


def _arguments(inside: str, text: str) -> tuple[list[str], dict[str, str]]:
    """The arguments of `units(...)`: states, and those with a name."""
    scope: list[str] = []
    named: dict[str, str] = {}
    place = 0
    while place < len(inside):
        match = _ARGUMENT.match(inside, place)
        if match is None or (match[1] is None and named) or match[1] in named:
            raise UserError(
                f"The clamp '{text}' does not parse at '{inside[place:].strip()}'; write for example {FORMS}."
            )
        if match[1] is None:
            scope.append(match[2])
        else:
            named[match[1]] = match[2].strip('"')
        place = match.end()
    return scope, named


def _share(written: str, of: int, kind: str, text: str) -> int:
    """A share in percent, or a number, of so many units; at least 1."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*(%?)", written)
    number = float(match[1]) if match else 0.0
    percent = match is not None and match[2] == "%"
    if not 0 < number <= (100 if percent else of) or (not percent and number != int(number)):
        raise UserError(
            f"The clamp '{text}' has {kind}={written}; write a share such as 10%, or a number from 1 to {of:,}, which "
            "is how many units there are."
        )
    return max(1, round(number / 100 * of)) if percent else int(number)
