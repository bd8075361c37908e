"""The reference: a layer by the equation of its cell, for every cell, device and dtype."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from epigone.models.cells.base import Cell, State

Weights = Mapping[str, Tensor]
"""The weights of a layer by name, in the order of its cell's shapes."""


def project(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Compute what the input contributes to the gates, (T, B, G*H).

    Args:
        inputs: features (T, B, I), which are multiplied, or token ids (T, B), which are looked up.
        weight, bias: (G*H, I) and (G*H,).
    """
    if inputs.is_floating_point():
        return F.linear(inputs, weight, bias)
    return F.embedding(inputs, weight.T + bias)


def reference_layer(cell: Cell, inputs: Tensor, state: State, weights: Weights) -> tuple[Tensor, State]:
    """Run one layer over a sequence, step by step; see `run_stack`."""
    outputs = []
    for x in project(inputs, weights["weight_ih"], weights["bias_ih"]).unbind(0):
        state = cell.step(x, state, weights)
        outputs.append(state[0])
    return torch.stack(outputs), state
