"""The LSTM with a forget gate.

i, f, g, o = x + W_hh h + b_hh
c' = sigmoid(f) c + sigmoid(i) tanh(g)
h' = sigmoid(o) tanh(c')
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from epigone.models.cells.base import CELLS, Array, Cell, GateForm, NumpyForm, State, stacked

if TYPE_CHECKING:
    from torch import Tensor

Weights = Mapping[str, "Tensor"]


def step(x: "Tensor", state: State, weights: Weights) -> State:
    """The equation."""
    h, c = state
    i, f, g, o = (x + h @ weights["weight_hh"].T + weights["bias_hh"]).chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def output(x: "Tensor", before: State, after: State, weights: Weights) -> "Tensor":
    """See `Cell`: the output gate, and what it lets out of the cell state."""
    o = (x + before[0] @ weights["weight_hh"].T + weights["bias_hh"]).chunk(4, -1)[3]
    return o.sigmoid() * after[1].tanh()


def inference(x: "Tensor", state: State, weights: Weights) -> State:
    """The same with fewer operations."""
    h, c = state
    i, f, g, o = x.addmm(h, weights["weight_hh"]).chunk(4, 1)
    c = (f.sigmoid() * c).addcmul_(i.sigmoid(), g.tanh())
    return o.sigmoid() * c.tanh(), c


def forward(by_input: Array, by_state: Array, before: list[Array]) -> tuple[list[Array], list[Array]]:
    """See `NumpyForm`."""
    i, f, g, o = np.split(by_input + by_state, 4, axis=1)
    i, f, g, o = 1 / (1 + np.exp(-i)), 1 / (1 + np.exp(-f)), np.tanh(g), 1 / (1 + np.exp(-o))
    c = f * before[1] + i * g
    return [o * np.tanh(c), c], [i, f, g, o]


def backward(
    kept: list[Array], before: list[Array], after: list[Array], dh: Array, dc: Array
) -> tuple[Array, Array, Array, Array]:
    """See `NumpyForm`."""
    i, f, g, o = kept
    squashed = np.tanh(after[1])
    dc = dc + dh * o * (1 - squashed**2)
    d = np.concatenate(
        [dc * g * i * (1 - i), dc * before[1] * f * (1 - f), dc * i * (1 - g**2), dh * squashed * o * (1 - o)]
    )
    return d, d, np.zeros_like(dh), dc * f


def gates(by_input: "Tensor", by_state: "Tensor") -> tuple["Tensor", ...]:
    """See `GateForm`."""
    i, f, g, o = (by_input + by_state).chunk(4, -1)
    return i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()


def cell_states(gates: Sequence["Tensor"], state: State) -> State:
    """See `GateForm`: c' = f c + i g."""
    i, f, g, _ = gates
    found = i * g
    c = state[1]
    for step, kept in zip(found, f, strict=True):
        c = step.addcmul_(kept, c)
    return (found,)


LSTM = CELLS.register(
    Cell(
        name="lstm",
        description="Long short-term memory with a forget gate (Gers et al. 2000)",
        gates=("input", "forget", "cell", "output"),
        step=step,
        shapes=stacked(4),
        bounded=True,
        num_states=2,
        forget_gate="forget",
        aten="lstm",
        native="lstm",
        numpy=NumpyForm(forward, backward),
        inference=inference,
        output=output,
        gate_form=GateForm(("input", "forget", "candidate", "output"), gates, cell_states),
    )
)
