"""Cells to try against the LSTM, by their equations alone; see `benchmarks/changes.py`.

    python benchmarks/changes.py ... --change "--cell mlstm --extension benchmarks/cells.py"

They run step by step on PyTorch, which is many times slower than a kernel, so compare them at equal steps (--steps),
and give one a kernel only if it wins.
"""

import torch

from epigone.models.cells.base import CELLS, Cell


def _normalised(x, gain):
    return torch.layer_norm(x, x.shape[-1:]) * gain


def layer_norm_lstm(x, state, weights):
    """Each gate, and the cell state on its way out, are normalised over the units."""
    h, c = state
    recurrent = (h @ weights["weight_hh"].T + weights["bias_hh"] + x).chunk(4, -1)
    gains = weights["gain_gates"].chunk(4)
    shifts = weights["shift_gates"].chunk(4)
    i, f, g, o = (_normalised(r, gain) + shift for r, gain, shift in zip(recurrent, gains, shifts, strict=True))
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * (_normalised(c, weights["gain_cell"]) + weights["shift_cell"]).tanh(), c


def layer_norm_shapes(input_size, hidden_size):
    """As of the LSTM, with gains and shifts."""
    rows = 4 * hidden_size
    return {
        "weight_ih": (rows, input_size), "weight_hh": (rows, hidden_size), "bias_ih": (rows,), "bias_hh": (rows,),
        "gain_gates": (rows,), "shift_gates": (rows,), "gain_cell": (hidden_size,), "shift_cell": (hidden_size,),
    }  # fmt: skip


def multiplicative_lstm(x, state, weights):
    """Input and state are multiplied before they reach the gates, so each token has a transition of its own."""
    h, c = state
    x, factor = x.split([4 * h.shape[-1], h.shape[-1]], -1)
    m = factor * (h @ weights["weight_mh"].T)
    i, f, g, o = (x + m @ weights["weight_hh"].T + weights["bias_hh"]).chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def multiplicative_shapes(input_size, hidden_size):
    """As of the LSTM, with a block more for the input and a matrix for the state."""
    return {
        "weight_ih": (5 * hidden_size, input_size), "weight_hh": (4 * hidden_size, hidden_size),
        "weight_mh": (hidden_size, hidden_size), "bias_ih": (5 * hidden_size,), "bias_hh": (4 * hidden_size,),
    }  # fmt: skip


def residual_lstm(x, state, weights):
    """The output is that of an LSTM plus a projection of the layer's input."""
    _, h, c = state
    x, skip = x.split([4 * h.shape[-1], h.shape[-1]], -1)
    i, f, g, o = (x + h @ weights["weight_hh"].T + weights["bias_hh"]).chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    h = o.sigmoid() * c.tanh()
    return h + skip, h, c


def residual_shapes(input_size, hidden_size):
    """As of the LSTM, with a block more for the projection."""
    return {
        "weight_ih": (5 * hidden_size, input_size), "weight_hh": (4 * hidden_size, hidden_size),
        "bias_ih": (5 * hidden_size,), "bias_hh": (4 * hidden_size,),
    }  # fmt: skip


def highway_lstm(x, state, weights):
    """A gate mixes the output of an LSTM with a projection of the layer's input."""
    _, h, c = state
    x, gate, skip = x.split([4 * h.shape[-1], h.shape[-1], h.shape[-1]], -1)
    i, f, g, o = (x + h @ weights["weight_hh"].T + weights["bias_hh"]).chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    h = o.sigmoid() * c.tanh()
    carry = gate.sigmoid()
    return carry * h + (1 - carry) * skip, h, c


def highway_shapes(input_size, hidden_size):
    """As of the LSTM, with two blocks more for the gate and the projection."""
    return {
        "weight_ih": (6 * hidden_size, input_size), "weight_hh": (4 * hidden_size, hidden_size),
        "bias_ih": (6 * hidden_size,), "bias_hh": (4 * hidden_size,),
    }  # fmt: skip


def mogrifier_lstm(x, state, weights):
    """Input and state gate each other before the LSTM sees them; here the input is gated after its product."""
    h, c = state
    x, gate = x.split([4 * h.shape[-1], h.shape[-1]], -1)
    h = 2 * gate.sigmoid() * h
    x = 2 * (h @ weights["weight_mh"].T).sigmoid() * x
    i, f, g, o = (x + h @ weights["weight_hh"].T + weights["bias_hh"]).chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def mogrifier_shapes(input_size, hidden_size):
    """As of the LSTM, with a block more for the input and a matrix for its gate."""
    rows = 4 * hidden_size
    return {
        "weight_ih": (rows + hidden_size, input_size), "weight_hh": (rows, hidden_size),
        "weight_mh": (rows, hidden_size), "bias_ih": (rows + hidden_size,), "bias_hh": (rows,),
    }  # fmt: skip


def minimal_lstm(x, state, weights):
    """No gate reads the state, so that a whole sequence could be computed at once."""
    (h,) = state
    f, i, g = (x + weights["bias_hh"]).chunk(3, -1)
    f, i = f.sigmoid(), i.sigmoid()
    return ((f * h + i * g) / (f + i + 1e-6),)


def minimal_shapes(input_size, hidden_size):
    """A matrix for the input alone."""
    return {"weight_ih": (3 * hidden_size, input_size), "bias_ih": (3 * hidden_size,), "bias_hh": (3 * hidden_size,)}


CELLS.register(
    Cell(
        name="ln-lstm",
        description="LSTM with normalised gates (Ba et al. 2016)",
        gates=("input", "forget", "cell", "output"),
        step=layer_norm_lstm,
        shapes=layer_norm_shapes,
        bounded=True,
        num_states=2,
        constants={"gain_gates": 1.0, "gain_cell": 1.0},
    )
)
CELLS.register(
    Cell(
        name="mlstm",
        description="Multiplicative LSTM (Krause et al. 2016)",
        gates=("input", "forget", "cell", "output", "factor"),
        step=multiplicative_lstm,
        shapes=multiplicative_shapes,
        bounded=True,
        num_states=2,
        forget_gate="forget",
    )
)
CELLS.register(
    Cell(
        name="residual-lstm",
        description="LSTM with a way around it (Kim et al. 2017)",
        gates=("input", "forget", "cell", "output", "skip"),
        step=residual_lstm,
        shapes=residual_shapes,
        bounded=False,
        num_states=3,
        forget_gate="forget",
    )
)
CELLS.register(
    Cell(
        name="highway-lstm",
        description="LSTM with a gated way around it (Zhang et al. 2016)",
        gates=("input", "forget", "cell", "output", "carry", "skip"),
        step=highway_lstm,
        shapes=highway_shapes,
        bounded=False,
        num_states=3,
        forget_gate="forget",
    )
)
CELLS.register(
    Cell(
        name="mogrifier-lstm",
        description="LSTM whose input and state gate each other (Melis et al. 2020)",
        gates=("input", "forget", "cell", "output", "mogrifier"),
        step=mogrifier_lstm,
        shapes=mogrifier_shapes,
        bounded=True,
        num_states=2,
        forget_gate="forget",
    )
)
CELLS.register(
    Cell(
        name="minlstm",
        description="LSTM whose gates read the input alone (Feng et al. 2024)",
        gates=("forget", "input", "cell"),
        step=minimal_lstm,
        shapes=minimal_shapes,
        bounded=False,
        forget_gate="forget",
    )
)
