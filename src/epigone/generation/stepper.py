"""One step of a trained model for many samples side by side: token ids in, logits out, the state kept
between.

Calling the model once per character spends most of its time on preparing the call. Here everything that does
not depend on the state is done beforehand, and a layer is one product and a few operations on vectors.
"""

import copy
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from epigone.machine import torch_threads
from epigone.models.backends.reference import hold
from epigone.models.cells.base import State
from epigone.models.language_model import LanguageModel

# Multiplications in one product below which a second thread costs more than it brings. Waking the other cores
# for every small product was measured at up to 200 times slower (64 units, 64 samples, 2 cores).
WORTH_THREADS = 4_000_000


class Stepper(Protocol):
    """Requirements of generation on a model. Anything that has this can stand in for it.

    Attributes:
        state: what the texts left in the model; assigned, it goes back to there, with as many texts.
    """

    state: Any

    def start(self, num_streams: int) -> None:
        """Begin `num_streams` texts, each in the state that documents begin in."""

    def step(self, tokens: NDArray[np.integer]) -> NDArray[np.float32]:
        """Read one token in each text.

        Args:
            tokens: ids (S,).

        Returns:
            Logits (S, V) of the token that follows; valid until the next call.
        """


class TorchStepper:
    """A stepper on the CPU from the weights of a language model, which it copies, with its clamps.

    Attributes:
        state: for every layer its state vectors (S, H), h, and for an LSTM c; see `split_state`.
    """

    def __init__(self, model: LanguageModel) -> None:
        self._cell = cell = model.cell
        self._held = model.held()
        inference = None if self._held else cell.inference  # clamps need the equation
        self._advance = inference or cell.step
        self._sizes = model.config.layer_sizes
        self._ngrams = None if model.ngrams is None else copy.deepcopy(model.ngrams).float().cpu().requires_grad_(False)
        self._first = split_state(model, model.initial_state(1))
        self.state: list[tuple[Tensor, ...]] = []
        self._recurrent = []
        self._inputs = []
        for layer in model.layers:
            weights = {name: _copied(weight) for name, weight in layer.named_parameters()}
            bias, weight = weights["bias_ih"], weights["weight_ih"]
            if inference is not None:
                weights["weight_hh"] = weights["weight_hh"].T.contiguous()
                if cell.summed_biases:
                    bias = bias + weights["bias_hh"]
            self._inputs.append((bias, weight.T.contiguous()))
            self._recurrent.append(weights)
        # The contribution of each token to layer 0, embedding included, so that its input product is a lookup.
        bias, weight = self._inputs[0]
        self._table = bias + (weight if model.embedding is None else _copied(model.embedding.weight) @ weight)
        self._head = copy.deepcopy(model.head).float().cpu().requires_grad_(False)
        for weight in self._head.parameters():
            if weight.ndim == 2:
                weight.data = weight.T.contiguous().T  # in the order in which it is multiplied

    def start(self, num_streams: int) -> None:
        """Begin `num_streams` texts, each in the state that documents begin in."""
        self.state = [tuple(vector.repeat(num_streams, 1) for vector in layer) for layer in self._first]

    def step(self, tokens: NDArray[np.integer]) -> NDArray[np.float32]:
        """Read the ids (S,), one in each text, and return the logits (S, V) of what follows."""
        work = len(tokens) * self._table.shape[1] * self._sizes[0]
        with torch.no_grad(), torch_threads(1 if work < WORTH_THREADS else torch.get_num_threads()):
            return self._step(torch.from_numpy(np.asarray(tokens, dtype=np.int64))).numpy()

    def _step(self, tokens: Tensor) -> Tensor:
        x = self._table.index_select(0, tokens)
        self.state = list(self.state)  # the one before stays as it was, for whoever goes back to it
        history: tuple[Tensor, ...] = ()
        if self._ngrams is not None:
            *lowest, recent = self.state[0]
            sums, after = self._ngrams(tokens[:, None], recent[None])
            x = x + sums[:, 0] @ self._inputs[0][1]
            self.state[0], history = tuple(lowest), (after[0],)
        for index, recurrent in enumerate(self._recurrent):
            if index:
                bias, weight = self._inputs[index]
                x = torch.addmm(bias, x, weight)
            before = self.state[index]
            self.state[index] = self._advance(x, before, recurrent)
            if self._held:
                self.state[index] = hold(self._cell, self._held[index], x, before, self.state[index], recurrent)
            x = self.state[index][0]
        self.state[0] = (*self.state[0], *history)
        return self._head.logits(x)


def split_state(model: LanguageModel, state: State) -> list[tuple[Tensor, ...]]:
    """Split a state of the model into that of a stepper.

    Returns:
        For every layer its vectors (S, H), and behind those of layer 0 the last tokens (S, N - 1) if it reads n-grams.
    """
    vectors = [_copied(vector) for vector in state[: model.cell.num_states]]
    found = [tuple(v[layer, :, :size] for v in vectors) for layer, size in enumerate(model.config.layer_sizes)]
    return [(*found[0], *(_copied(each)[0] for each in state[model.cell.num_states :])), *found[1:]]


def _copied(weight: Tensor) -> Tensor:
    return weight.detach().float().cpu().clone()
