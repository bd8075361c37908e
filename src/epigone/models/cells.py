"""The cell equations, written once in plain tensor code: slow and obviously right.

Every fast backend is tested against these, values and gradients. A step takes `x` (B, G*H), what the input contributes
to the gates (W_ih input + b_ih), and the state, and returns the next state. G is the number of gates; gates are stacked
in the order that PyTorch uses, so that weights can be exchanged.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from epigone.models.config import GATES, STATES

State = tuple[Tensor, ...]


def rnn_step(x: Tensor, state: State, weight_hh: Tensor, bias_hh: Tensor) -> State:
    """Elman RNN: h' = tanh(x + W h + b). Elman (1990), eq. in section 3."""
    (h,) = state
    return (torch.tanh(x + h @ weight_hh.T + bias_hh),)


def rnn_relu_step(x: Tensor, state: State, weight_hh: Tensor, bias_hh: Tensor) -> State:
    """The same with a rectifier, which does not squash: h' = max(0, x + W h + b). Le et al. (2015)."""
    (h,) = state
    return (torch.relu(x + h @ weight_hh.T + bias_hh),)


def lstm_step(x: Tensor, state: State, weight_hh: Tensor, bias_hh: Tensor) -> State:
    """LSTM with forget gate: c' = f c + i g, h' = o tanh(c'). Gers et al. (2000); gates in the order i, f, g, o."""
    h, c = state
    i, f, g, o = (x + h @ weight_hh.T + bias_hh).chunk(4, dim=-1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def gru_step(x: Tensor, state: State, weight_hh: Tensor, bias_hh: Tensor) -> State:
    """GRU: h' = (1 - z) n + z h with the reset gate after the product, as cuDNN has it.

    Cho et al. (2014); gates in the order r, z, n.
    """
    (h,) = state
    x_r, x_z, x_n = x.chunk(3, dim=-1)
    h_r, h_z, h_n = (h @ weight_hh.T + bias_hh).chunk(3, dim=-1)
    z = torch.sigmoid(x_z + h_z)
    n = torch.tanh(x_n + torch.sigmoid(x_r + h_r) * h_n)
    return ((1 - z) * n + z * h,)


@dataclass(frozen=True)
class Cell:
    """A recurrent cell: its step, the names of its gates in stacking order, the number of its state vectors."""

    step: Callable[[Tensor, State, Tensor, Tensor], State]
    gates: tuple[str, ...]
    num_states: int


STEPS = {"rnn": rnn_step, "rnn_relu": rnn_relu_step, "lstm": lstm_step, "gru": gru_step}
CELLS = {name: Cell(step, GATES[name], STATES[name]) for name, step in STEPS.items()}
