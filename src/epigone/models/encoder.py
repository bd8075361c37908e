"""The encoder: token ids in, the outputs of a stack of recurrent layers and their state out."""

import torch
from torch import Tensor, nn

from epigone.models.backends.choice import choose
from epigone.models.backends.native import dtype_name
from epigone.models.backends.reference import Weights
from epigone.models.backends.stack import run_stack
from epigone.models.cells.base import CELLS, Cell, State
from epigone.models.config import ModelConfig


class RecurrentLayer(nn.Module):
    """The weights of one layer, named and shaped as its cell says."""

    def __init__(self, cell: Cell, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.names = tuple(shapes := cell.shapes(input_size, hidden_size))
        for name, shape in shapes.items():
            self.register_parameter(name, nn.Parameter(torch.empty(shape)))

    def weights(self) -> Weights:
        """The weights by name, in the order of the cell's shapes."""
        return {name: getattr(self, name) for name in self.names}


class Encoder(nn.Module):
    """An embedding or one-hot lookup below a stack of recurrent layers.

    Parameters are named `embedding.weight` and `layers.{i}.NAME`, with the names of the cell, which for most cells are
    `weight_ih`, `weight_hh`, `bias_ih` and `bias_hh`. Their values are undefined until `initialise` draws them or a
    checkpoint is copied in.
    """

    def __init__(self, config: ModelConfig, backend: str = "auto") -> None:
        super().__init__()
        self.config = config
        self.cell = CELLS[config.cell]
        self.backend = backend
        width = config.embedding_size or config.vocabulary_size
        self.embedding = nn.Embedding(config.vocabulary_size, width) if config.embedding_size else None
        self.layers = nn.ModuleList(
            RecurrentLayer(self.cell, width if i == 0 else config.hidden_size, config.hidden_size)
            for i in range(config.num_layers)
        )
        if config.one_bias:
            for layer in self.layers:
                for name, parameter in layer.named_parameters():
                    parameter.requires_grad_(name != "bias_hh")

    @property
    def weight(self) -> Tensor:
        """A weight of the stack, whose device and dtype are those of the state."""
        return next(self.layers.parameters())

    def initial_state(self, batch_size: int, start: int = 0, stop: int | None = None) -> State:
        """The zero state, (L, B, H) for each state vector of the cell, of the layers from `start` to `stop`."""
        layers = len(self.layers[start:stop])
        zeros = self.weight.new_zeros(layers, batch_size, self.config.hidden_size)
        return (zeros,) * self.cell.num_states

    def encode(
        self, inputs: Tensor, state: State | None = None, start: int = 0, stop: int | None = None
    ) -> tuple[Tensor, State]:
        """Run the layers from `start` to below `stop` over a piece of text.

        Args:
            inputs: token ids (B, T); if `start` > 0, the outputs (B, T, H) of the layer below.
            state: the state that an earlier call returned; None is the zero state.
            start: the lowest layer to run.
            stop: the layer to stop below; None runs to the top.

        Returns:
            The outputs (B, T, H) of the last layer run, and the state.
        """
        if state is None:
            state = self.initial_state(inputs.shape[0], start, stop)
        x = inputs.transpose(0, 1)
        if self.embedding is not None and start == 0:
            x = self.embedding(x)
        layers: list[RecurrentLayer] = list(self.layers[start:stop])  # type: ignore[arg-type]
        shape = (x.shape[0], x.shape[1], self.config.hidden_size)
        masks = [self.dropout_mask(shape, self.config.dropout if start + i else 0.0) for i in range(len(layers))]
        backend = choose(self.backend, self.config, state[0].device.type, dtype_name(state[0]), "stack")
        x, state = run_stack(self.cell, x, state, [layer.weights() for layer in layers], masks, backend)
        return x.transpose(0, 1), state

    def dropout_mask(self, shape: tuple[int, ...], rate: float) -> Tensor | None:
        """Draw a scaled mask (T, B, H), or (1, B, H) if it is the same at all steps (Gal and Ghahramani 2016)."""
        if not self.training or rate == 0:
            return None
        steps = 1 if self.config.dropout_kind == "variational" else shape[0]
        keep = 1 - rate
        return self.weight.new_empty(steps, *shape[1:]).bernoulli_(keep).div_(keep)

    def num_parameters(self) -> int:
        """Count the weights; tied ones count once."""
        return sum(parameter.numel() for parameter in self.parameters())
