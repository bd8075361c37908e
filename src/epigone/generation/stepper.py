"""One step of a trained model for many samples side by side: token ids in, logits out, the state kept
between.

Calling the model once per character spends most of its time on preparing the call. Here everything that does
not depend on the state is done beforehand, and a layer is one product and a few operations on vectors.
"""

import copy
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from epigone.machine import torch_threads
from epigone.models.config import STATES
from epigone.models.language_model import LanguageModel

# Multiplications in one product below which a second thread costs more than it brings. Waking the other cores
# for every small product was measured at up to 200 times slower (64 units, 64 samples, 2 cores).
WORTH_THREADS = 4_000_000


class Stepper(Protocol):
    """What generation asks of a model. Anything that has these two methods can stand in for it."""

    def start(self, num_streams: int) -> None:
        """Begin `num_streams` texts, each with the zero state."""

    def step(self, tokens: NDArray[np.integer]) -> NDArray[np.float32]:
        """Read one token in each text.

        Args:
            tokens: ids (S,).

        Returns:
            Logits (S, V) of the token that follows; valid until the next call.
        """


class TorchStepper:
    """A stepper on the CPU from the weights of a language model, which it copies.

    Attributes:
        state: for every layer its state vectors (S, H): h, and for an LSTM c.
    """

    def __init__(self, model: LanguageModel) -> None:
        weights = {name: p.detach().float().cpu().clone() for name, p in model.named_parameters()}
        self._advance = {"rnn": _rnn, "rnn_relu": _rnn_relu, "lstm": _lstm, "gru": _gru}[model.config.cell]
        self._num_states = STATES[model.config.cell]
        self._hidden_size = model.config.hidden_size
        self.state: list[tuple[Tensor, ...]] = []
        self._recurrent = []
        self._inputs = []
        for index in range(model.config.num_layers):
            weight_ih, weight_hh, bias_ih, bias_hh = (
                weights[f"layers.{index}.{name}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            if model.config.cell != "gru":  # a GRU multiplies part of this bias by its reset gate
                bias_ih, bias_hh = bias_ih + bias_hh, torch.zeros_like(bias_hh)
            self._inputs.append((bias_ih, weight_ih.T.contiguous()))
            self._recurrent.append((bias_hh, weight_hh.T.contiguous()))
        # What layer 0 makes of each token, embedding included, so that its input product is a lookup.
        bias, weight = self._inputs[0]
        embedding = weights.get("embedding.weight")
        self._table = bias + (weight if embedding is None else embedding @ weight)
        self._head = copy.deepcopy(model.head).float().cpu()

    def start(self, num_streams: int) -> None:
        """Begin `num_streams` texts, each with the zero state."""
        zeros = torch.zeros(num_streams, self._hidden_size)
        self.state = [(zeros,) * self._num_states for _ in self._recurrent]

    def step(self, tokens: NDArray[np.integer]) -> NDArray[np.float32]:
        """Read the ids (S,), one in each text, and return the logits (S, V) of what follows."""
        work = len(tokens) * self._recurrent[0][1].numel()
        with torch.no_grad(), torch_threads(1 if work < WORTH_THREADS else torch.get_num_threads()):
            return self._step(torch.from_numpy(np.asarray(tokens, dtype=np.int64))).numpy()

    def _step(self, tokens: Tensor) -> Tensor:
        x = self._table.index_select(0, tokens)
        for index, recurrent in enumerate(self._recurrent):
            if index:
                bias, weight = self._inputs[index]
                x = torch.addmm(bias, x, weight)
            self.state[index] = self._advance(x, self.state[index], *recurrent)
            x = self.state[index][0]
        return self._head.logits(x)


# The equations of `models/cells.py`, arranged for speed. `x` (S, G*H) is what the input contributes to the
# gates, with both biases except for the GRU; `weight` (H, G*H) is transposed.


def _rnn(x: Tensor, state: tuple[Tensor, ...], bias: Tensor, weight: Tensor) -> tuple[Tensor, ...]:
    return (torch.addmm(x, state[0], weight).tanh_(),)


def _rnn_relu(x: Tensor, state: tuple[Tensor, ...], bias: Tensor, weight: Tensor) -> tuple[Tensor, ...]:
    return (torch.addmm(x, state[0], weight).relu_(),)


def _lstm(x: Tensor, state: tuple[Tensor, ...], bias: Tensor, weight: Tensor) -> tuple[Tensor, ...]:
    h, c = state
    i, f, g, o = torch.addmm(x, h, weight).chunk(4, dim=1)
    c = (f.sigmoid() * c).addcmul_(i.sigmoid(), g.tanh())
    return o.sigmoid() * c.tanh(), c


def _gru(x: Tensor, state: tuple[Tensor, ...], bias: Tensor, weight: Tensor) -> tuple[Tensor, ...]:
    (h,) = state
    x_r, x_z, x_n = x.chunk(3, dim=1)
    h_r, h_z, h_n = torch.addmm(bias, h, weight).chunk(3, dim=1)
    n = torch.addcmul(x_n, (x_r + h_r).sigmoid_(), h_n).tanh_()
    return (torch.lerp(n, h, (x_z + h_z).sigmoid_()),)
