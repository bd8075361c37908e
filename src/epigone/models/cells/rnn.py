"""The Elman RNN, with the hyperbolic tangent or a rectifier.

h' = f(x + W_hh h + b_hh)
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from epigone.models.cells.base import CELLS, Array, Cell, NumpyForm, State, stacked

if TYPE_CHECKING:
    from torch import Tensor

Weights = Mapping[str, "Tensor"]


def tanh_step(x: "Tensor", state: State, weights: Weights) -> State:
    """h' = tanh(x + W_hh h + b_hh)."""
    (h,) = state
    return ((x + h @ weights["weight_hh"].T + weights["bias_hh"]).tanh(),)


def relu_step(x: "Tensor", state: State, weights: Weights) -> State:
    """h' = max(0, x + W_hh h + b_hh)."""
    (h,) = state
    return ((x + h @ weights["weight_hh"].T + weights["bias_hh"]).relu(),)


def tanh_inference(x: "Tensor", state: State, weights: Weights) -> State:
    """The same step in place."""
    return (x.addmm(state[0], weights["weight_hh"]).tanh_(),)


def relu_inference(x: "Tensor", state: State, weights: Weights) -> State:
    """The same step in place."""
    return (x.addmm(state[0], weights["weight_hh"]).relu_(),)


def tanh_forward(by_input: Array, by_state: Array, before: list[Array]) -> tuple[list[Array], list[Array]]:
    """See `NumpyForm`."""
    return [np.tanh(by_input + by_state)], []


def tanh_backward(
    kept: list[Array], before: list[Array], after: list[Array], dh: Array, dc: Array
) -> tuple[Array, Array, Array, Array]:
    """See `NumpyForm`."""
    d = dh * (1 - after[0] ** 2)
    return d, d, np.zeros_like(dh), dc


def relu_forward(by_input: Array, by_state: Array, before: list[Array]) -> tuple[list[Array], list[Array]]:
    """See `NumpyForm`."""
    a = by_input + by_state
    return [np.where(a.real > 0, a, 0)], []


def relu_backward(
    kept: list[Array], before: list[Array], after: list[Array], dh: Array, dc: Array
) -> tuple[Array, Array, Array, Array]:
    """See `NumpyForm`."""
    d = np.where(after[0] > 0, dh, 0)
    return d, d, np.zeros_like(dh), dc


RNN = CELLS.register(
    Cell(
        name="rnn",
        description="Elman RNN with the hyperbolic tangent (Elman 1990, section 3)",
        gates=("hidden",),
        step=tanh_step,
        shapes=stacked(1),
        bounded=True,
        aten="rnn_tanh",
        native="rnn",
        numpy=NumpyForm(tanh_forward, tanh_backward),
        inference=tanh_inference,
    )
)
RNN_RELU = CELLS.register(
    Cell(
        name="rnn_relu",
        description="Elman RNN with a rectifier (Le et al. 2015)",
        gates=("hidden",),
        step=relu_step,
        shapes=stacked(1),
        bounded=False,
        aten="rnn_relu",
        native="rnn_relu",
        numpy=NumpyForm(relu_forward, relu_backward),
        inference=relu_inference,
    )
)
