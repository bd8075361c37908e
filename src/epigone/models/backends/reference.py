"""The reference: a layer by the equation of its cell, for every cell, device and dtype."""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from epigone.models.cells.base import Cell, State

Weights = Mapping[str, Tensor]
"""The weights of a layer by name, in the order of its cell's shapes."""
Held = Sequence[Tensor | None]
"""For each state vector of a layer the values (H,) that clamps hold its units at, NaN where one is free; or None."""


def project(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Compute what the input contributes to the gates, (T, B, G*H).

    Args:
        inputs: features (T, B, I), which are multiplied, or token ids (T, B), which are looked up.
        weight, bias: (G*H, I) and (G*H,).
    """
    if inputs.is_floating_point():
        return F.linear(inputs, weight, bias)
    return F.embedding(inputs, weight.T + bias)


def reference_layer(
    cell: Cell, inputs: Tensor, state: State, weights: Weights, held: Held = ()
) -> tuple[Tensor, State]:
    """Run one layer over a sequence, step by step; see `run_stack`. Clamps are only here."""
    outputs = []
    for x in project(inputs, weights["weight_ih"], weights["bias_ih"]).unbind(0):
        before, state = state, cell.step(x, state, weights)
        if any(values is not None for values in held):
            state = hold(cell, held, x, before, state, weights)
        outputs.append(state[0])
    return torch.stack(outputs), state


def hold(cell: Cell, held: Held, x: Tensor, before: State, after: State, weights: Weights) -> State:
    """Set clamped units of the state after a step, as `models/clamps.py` says.

    Args:
        cell: the cell.
        held: the values of the clamped units.
        x: what the input contributes to the gates (B, G*H).
        before, after: the state before and after the step.
        weights: those of the step, in the order of the cell's equation.
    """
    hidden, *others = (
        s if values is None else torch.where(values.isnan(), s, values) for s, values in zip(after, held, strict=True)
    )
    if any(values is not None for values in held[1:]):
        assert cell.output is not None
        hidden = cell.output(x, before, (hidden, *others), weights)
        if held[0] is not None:
            hidden = torch.where(held[0].isnan(), hidden, held[0])
    return hidden, *others
