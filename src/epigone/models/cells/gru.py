"""The gated recurrent unit, with the reset gate after the product, as in cuDNN.

r = sigmoid(x_r + W_r h + b_r)
z = sigmoid(x_z + W_z h + b_z)
n = tanh(x_n + r (W_n h + b_n))
h' = (1 - z) n + z h
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from epigone.models.cells.base import CELLS, Array, Cell, GateForm, NumpyForm, State, stacked

if TYPE_CHECKING:
    from torch import Tensor

Weights = Mapping[str, "Tensor"]


def step(x: "Tensor", state: State, weights: Weights) -> State:
    """The equation."""
    (h,) = state
    x_r, x_z, x_n = x.chunk(3, -1)
    h_r, h_z, h_n = (h @ weights["weight_hh"].T + weights["bias_hh"]).chunk(3, -1)
    z = (x_z + h_z).sigmoid()
    n = (x_n + (x_r + h_r).sigmoid() * h_n).tanh()
    return ((1 - z) * n + z * h,)


def inference(x: "Tensor", state: State, weights: Weights) -> State:
    """The same with fewer operations."""
    (h,) = state
    x_r, x_z, x_n = x.chunk(3, 1)
    h_r, h_z, h_n = weights["bias_hh"].addmm(h, weights["weight_hh"]).chunk(3, 1)
    n = x_n.addcmul((x_r + h_r).sigmoid_(), h_n).tanh_()
    return (n.lerp(h, (x_z + h_z).sigmoid_()),)


def forward(by_input: Array, by_state: Array, before: list[Array]) -> tuple[list[Array], list[Array]]:
    """See `NumpyForm`."""
    (i_r, i_z, i_n), (s_r, s_z, s_n) = (np.split(x, 3, axis=1) for x in (by_input, by_state))
    r, z = 1 / (1 + np.exp(-(i_r + s_r))), 1 / (1 + np.exp(-(i_z + s_z)))
    n = np.tanh(i_n + r * s_n)
    return [(1 - z) * n + z * before[0]], [r, z, n, s_n]


def backward(
    kept: list[Array], before: list[Array], after: list[Array], dh: Array, dc: Array
) -> tuple[Array, Array, Array, Array]:
    """See `NumpyForm`."""
    r, z, n, s_n = kept
    dn = dh * (1 - z) * (1 - n**2)
    dr, dz = dn * s_n * r * (1 - r), dh * (before[0] - n) * z * (1 - z)
    return np.concatenate([dr, dz, dn]), np.concatenate([dr, dz, dn * r]), dh * z, dc


def gates(by_input: "Tensor", by_state: "Tensor") -> tuple["Tensor", ...]:
    """See `GateForm`."""
    (x_r, x_z, x_n), (h_r, h_z, h_n) = by_input.chunk(3, -1), by_state.chunk(3, -1)
    r = (x_r + h_r).sigmoid()
    return r, (x_z + h_z).sigmoid(), (x_n + r * h_n).tanh()


GRU = CELLS.register(
    Cell(
        name="gru",
        description="Gated recurrent unit (Cho et al. 2014)",
        gates=("reset", "update", "new"),
        step=step,
        shapes=stacked(3),
        bounded=True,
        aten="gru",
        native="gru",
        numpy=NumpyForm(forward, backward),
        inference=inference,
        gate_form=GateForm(("reset", "update", "new"), gates),
        summed_biases=False,
    )
)
