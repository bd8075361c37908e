"""Parts by name: `layers.1`, its gates `layers.1[forget]`, its units `layers.1[0-15]`, rows of tokens `head["é"]`.

Brackets may follow each other: `layers.1.weight_hh[forget][0-15]` are the rows of the forget gate that belong to those
units. `layers.1.cell[17]`, a unit as it is read and clamped, is unit 17 of layer 1.
"""

import json
import re
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from epigone.arguments import QUOTED, items
from epigone.errors import UserError
from epigone.transfer.selections.weights import Masks, Weights

BRACKET = rf'\[(?:{QUOTED}|[^\]"])*\]'
PATTERN = rf"[A-Za-z0-9_.*?]+(?:{BRACKET})*"
_NUMBER = r"(0|[1-9]\d{0,8})"
RANGE = rf"{_NUMBER}(?:\s*-\s*{_NUMBER})?"


def by_name(weights: Weights, match: re.Match[str]) -> Masks:
    """Select `all`, or the parameters and groups that match a pattern with `*` and `?`, or some of their rows."""
    text = match[0]
    pattern, *_ = text.split("[", 1)
    brackets = re.findall(BRACKET, text)
    if pattern == "layers" and brackets and re.match(r"\[\s*\d", brackets[0]):
        number = brackets[0][1:-1]
        raise weights.failure(
            text, f"is no layer; write layers.{number}, or layers.*[{number}] for units of all layers."
        )
    masks, found = weights.none(), False
    for name in weights.matching(pattern):
        chosen: Tensor | None = weights.whole(name)
        for bracket in brackets:
            part = _rows(weights, name, bracket, text)
            chosen = None if part is None or chosen is None else chosen & part
        if chosen is not None:
            masks[weights.named[name]] |= chosen
            found = True
    if not found:
        raise weights.failure(text, f"means nothing: there {_kinds(weights, pattern)}. {weights.choices()}")
    return masks


def _rows(weights: Weights, name: str, bracket: str, text: str) -> Tensor | None:
    """The weights of a parameter that a bracket chooses, in its shape; None if it has no such rows."""
    listed = items(bracket[1:-1])
    if not all(listed):
        raise weights.failure(text, "has an empty place between brackets or commas.")
    shape, axis = weights.parameters[weights.named[name]].shape, 0
    if (tokens := weights.token_axis(name)) is not None:
        axis, rows = tokens, _token_rows(weights, listed, text)
    elif all(re.fullmatch(RANGE, item) for item in listed):
        rows = _unit_rows(weights, name, listed, text)
    else:
        rows = _gate_rows(weights, name, listed)
    if rows is None:
        return None
    along = [1] * len(shape)
    along[axis] = -1
    return rows.view(along).expand(shape)


def _unit_rows(weights: Weights, name: str, ranges: list[str], text: str) -> Tensor | None:
    """The rows of units, of every gate."""
    if (blocks := weights.rows(name)) is None:
        return None
    gates, units = blocks
    return units_of(ranges, units, partial(weights.failure, text)).repeat(gates)


def units_of(ranges: list[str], units: int, failure: Callable[[str], UserError]) -> Tensor:
    """Turn ranges such as `0-15` into a mask (H,) of units.

    Raises:
        UserError: there is no such unit, or a range runs backwards.
    """
    mask = torch.zeros(units, dtype=torch.bool)
    for written in ranges:
        match = re.fullmatch(RANGE, written)
        assert match is not None
        first, last = int(match[1]), int(match[2] or match[1])
        if first > last:
            raise failure(f"has the range {written}, which runs backwards.")
        if last >= units:
            raise failure(f"asks for unit {last}; the units are 0 to {units - 1}.")
        mask[first : last + 1] = True
    return mask


def _gate_rows(weights: Weights, name: str, named: list[str]) -> Tensor | None:
    """The rows of gates; None if the parameter has none of that name."""
    gates, blocks = weights.model.cell.gates, weights.rows(name)
    if blocks is None or blocks[0] != len(gates) or not set(named) <= set(gates):
        return None
    return torch.tensor([gate in named for gate in gates]).repeat_interleave(blocks[1])


def _token_rows(weights: Weights, named: list[str], text: str) -> Tensor | None:
    """The rows of tokens, by their text or those that are `new`; None if something else is named."""
    if not all(item == "new" or item.startswith('"') for item in named):
        return None
    size = weights.model.config.vocabulary_size
    mask = torch.zeros(size, dtype=torch.bool)
    places = {token: index for index, token in enumerate(weights.context.vocabulary)}
    for item in named:
        if item == "new":
            if not weights.context.new:
                raise weights.failure(text, "selects no weight: the model has no token that its base lacks.")
            mask[list(weights.context.new)] = True
            continue
        try:
            token = json.loads(item)
        except ValueError:
            raise weights.failure(
                text, f"has {item}, which is no text in quotes; write \\n for a line break."
            ) from None
        if token not in places:
            raise weights.failure(text, f"names the token {item}, which the model does not have.")
        mask[places[token]] = True
    return mask


def _kinds(weights: Weights, pattern: str) -> str:
    """Say what stands in brackets after a name."""
    names = weights.matching(pattern)
    if any(weights.token_axis(name) is not None for name in names):
        return 'a token in quotes, such as ["e"], or [new] stands in brackets'
    if all(weights.rows(name) is None for name in names):
        return "are no rows of gates, units or tokens to choose from"
    return f"gates, [{', '.join(weights.model.cell.gates)}], or units, such as [0-15], stand in brackets"
