"""The language model: token ids in, logits and the recurrent state out."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from epigone.models.backends import native
from epigone.models.backends.recurrence import LayerWeights, run_stack
from epigone.models.cells import CELLS, State
from epigone.models.config import ModelConfig
from epigone.models.heads.adaptive import Head, adaptive_loss
from epigone.models.initialisation import initialise

IGNORED = -100
"""A target that does not count, as PyTorch has it."""


class Scored(NamedTuple):
    """The mean cross-entropy of targets that count, in nats, and the share that were likeliest; NaN if not known."""

    loss: Tensor
    accuracy: Tensor


class RecurrentLayer(nn.Module):
    """The weights of one layer; the equations are in `cells.py`, the loop in `recurrence.py`."""

    def __init__(self, cell: str, input_size: int, hidden_size: int) -> None:
        super().__init__()
        rows = len(CELLS[cell].gates) * hidden_size
        self.weight_ih = nn.Parameter(torch.empty(rows, input_size))
        self.weight_hh = nn.Parameter(torch.empty(rows, hidden_size))
        self.bias_ih = nn.Parameter(torch.empty(rows))
        self.bias_hh = nn.Parameter(torch.empty(rows))

    def weights(self) -> LayerWeights:
        """The four tensors in the order that every backend takes."""
        return LayerWeights(self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)


class LanguageModel(nn.Module):
    """Embedding or one-hot lookup, a stack of recurrent layers, a linear head.

    Parameters are named `embedding.weight`, `layers.{i}.weight_ih|weight_hh|bias_ih|bias_hh`, `head.weight`,
    `head.bias` and `head.clusters.weight|bias`; a tied head has no weight of its own, a full softmax no clusters.
    """

    def __init__(self, config: ModelConfig, backend: str = "auto", drawn: bool = True) -> None:
        """Build a model; unless its weights are `drawn`, those of its layers are whatever memory held."""
        super().__init__()
        self.config = config
        self.backend = backend
        width = config.embedding_size or config.vocabulary_size
        self.embedding = nn.Embedding(config.vocabulary_size, width) if config.embedding_size else None
        self.layers = nn.ModuleList(
            RecurrentLayer(config.cell, width if i == 0 else config.hidden_size, config.hidden_size)
            for i in range(config.num_layers)
        )
        self.head = Head(config.hidden_size, config.vocabulary_size, config.cutoffs)
        if self.embedding is not None and config.tied:
            self.head.weight = self.embedding.weight
        if drawn:
            initialise(self)
        if config.one_bias:
            for layer in self.layers:
                bias = layer.get_parameter("bias_hh")
                nn.init.zeros_(bias)
                bias.requires_grad_(False)

    def initial_state(self, batch_size: int, start: int = 0, stop: int | None = None) -> State:
        """The zero state, (L, B, H) for each state vector of the cell, of the layers from `start` to `stop`."""
        layers = len(self.layers[start:stop])
        zeros = self.head.bias.new_zeros(layers, batch_size, self.config.hidden_size)
        return (zeros,) * CELLS[self.config.cell].num_states

    def forward(
        self,
        inputs: Tensor,
        state: State | None = None,
        start: int = 0,
        stop: int | None = None,
        targets: Tensor | None = None,
    ) -> tuple[Tensor | Scored, State]:
        """Run over a piece of text.

        Args:
            inputs: token ids (B, T), or, from layer `start` > 0 on, the outputs (B, T, H) of the layer below.
            state: what an earlier call returned; None is the zero state.
            start: the lowest layer to run.
            stop: run only the layers below this one and no head.
            targets: ids (B, T) of what follows each input; `IGNORED` where that does not count.

        Returns:
            Logits (B, T, V), or with `stop` the outputs (B, T, H) of the last layer run, or with `targets` how well
            they are predicted; and the state.
        """
        if state is None:
            state = self.initial_state(inputs.shape[0], start, stop)
        x = inputs.transpose(0, 1)
        if self.embedding is not None and start == 0:
            x = self.embedding(x)
        layers: list[RecurrentLayer] = list(self.layers[start:stop])  # type: ignore[arg-type]
        shape = (x.shape[0], x.shape[1], self.config.hidden_size)
        masks = [self._mask(shape, self.config.dropout if start + i else 0.0) for i in range(len(layers))]
        x, state = run_stack(self.config.cell, x, state, [layer.weights() for layer in layers], masks, self.backend)
        if stop is not None:
            return x.transpose(0, 1), state
        mask = self._mask(shape, self.config.output_dropout)
        x = x if mask is None else x * mask
        # The head works on the memory order of the stack (T, B); the view turned back costs nothing.
        if targets is None:
            return self.head(x).transpose(0, 1), state
        return self._scored(x, targets.T), state

    def _scored(self, x: Tensor, targets: Tensor) -> Scored:
        """How well the targets (T, B) are predicted from the outputs (T, B, H)."""
        counted = targets != IGNORED
        x, targets = (x.flatten(0, 1), targets.flatten()) if counted.all() else (x[counted], targets[counted])
        if self.head.clusters is None:
            loss, hits = self._cross_entropy(x, self.head.weight, self.head.bias, targets)
        else:
            loss = adaptive_loss(x, self.head, targets, self._cross_entropy)
            return Scored(loss, torch.full_like(loss.detach(), torch.nan))
        return Scored(loss, hits.float().mean())

    def _cross_entropy(self, x: Tensor, weight: Tensor, bias: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """The mean loss of outputs (N, H) through a head, and which targets (N,) were the likeliest."""
        if self.backend in ("auto", "native") and native.serves(x, (x,)):
            return native.native_loss(x, weight, bias, targets)
        logits = F.linear(x, weight, bias)
        return F.cross_entropy(logits, targets), logits.detach().argmax(-1) == targets

    def _mask(self, shape: tuple[int, int, int], rate: float) -> Tensor | None:
        """A scaled dropout mask (T, B, H), or (1, B, H) when it is the same at all steps (Gal and Ghahramani 2016)."""
        if not self.training or rate == 0:
            return None
        steps = 1 if self.config.dropout_kind == "variational" else shape[0]
        keep = 1 - rate
        return self.head.bias.new_empty(steps, *shape[1:]).bernoulli_(keep).div_(keep)

    def num_parameters(self) -> int:
        """How many weights the model has; tied ones count once."""
        return sum(parameter.numel() for parameter in self.parameters())
