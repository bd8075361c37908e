"""The encoder: token ids in, the outputs of a stack of recurrent layers and their state out."""

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from epigone.models.backends.choice import choose
from epigone.models.backends.native import dtype_name
from epigone.models.backends.reference import Held, Weights
from epigone.models.backends.stack import run_stack
from epigone.models.cells.base import CELLS, Cell, State
from epigone.models.clamps import Clamp, held_values
from epigone.models.config import START, ModelConfig, weight_shapes
from epigone.models.dropout import Masks, masked_weights
from epigone.models.ngrams import NgramEmbedding


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


def gate_blocks(module: nn.Module) -> dict[nn.Parameter, int]:
    """Find the matrices of the recurrent layers of a module, each with the number of gates that its rows hold.

    Those that read one-hot tokens are left out: they are embeddings.
    """
    found: dict[nn.Parameter, int] = {}
    for encoder in module.modules():
        if isinstance(encoder, Encoder):
            for depth, (layer, size) in enumerate(zip(encoder.layers, encoder.config.layer_sizes, strict=True)):
                for name, weight in layer.named_parameters():
                    if weight.ndim == 2 and (depth or encoder.embedding is not None or "ih" not in name):
                        found[weight] = weight.shape[0] // size
    return found


class Encoder(nn.Module):
    """An embedding or one-hot lookup below a stack of recurrent layers.

    Parameters are named `embedding.weight`, `ngrams.weight` and `layers.{i}.NAME`, with the names of the cell, which
    for most cells are `weight_ih`, `weight_hh`, `bias_ih` and `bias_hh`. Their values are undefined until `initialise`
    draws them or a checkpoint is copied in. The state that documents begin in, if the model has one of its own, is
    `start.hidden` and `start.cell` (L, H): zero at first, and learned only if it is told to require gradients.

    Attributes:
        clamps: units that are held at a value in every run (`models/clamps.py`); they are no part of a checkpoint.
    """

    def __init__(self, config: ModelConfig, backend: str = "auto") -> None:
        super().__init__()
        self.config = config
        self.cell = CELLS[config.cell]
        self.backend = backend
        width = config.embedding_size or config.vocabulary_size
        self.embedding = nn.Embedding(config.vocabulary_size, width) if config.embedding_size else None
        self.ngrams = NgramEmbedding(config.ngrams, config.ngram_buckets, width, config.end) if config.ngrams else None
        sizes = config.layer_sizes
        self.layers = nn.ModuleList(map(partial(RecurrentLayer, self.cell), (width, *sizes), sizes))
        self.start = nn.ParameterDict()
        self.clamps: tuple[Clamp, ...] = ()
        if config.start_state:
            self._add_start()
        if config.one_bias:
            for layer in self.layers:
                for name, parameter in layer.named_parameters():
                    parameter.requires_grad_(name != "bias_hh")

    @property
    def weight(self) -> Tensor:
        """A weight of the stack, whose device and dtype are those of the state."""
        return next(self.layers.parameters())

    def add_start_state(self) -> None:
        """Let documents begin in a state of the model's own, the zero state at first; one that it has stays."""
        if not self.config.start_state:
            self.config = replace(self.config, start_state=True)
            self._add_start()

    def _add_start(self) -> None:
        for name, shape in weight_shapes(self.config).items():
            room, _, state = name.partition(".")
            if room == START:
                self.start[state] = nn.Parameter(self.weight.new_zeros(shape), requires_grad=False)

    def initial_state(self, batch_size: int, start: int = 0, stop: int | None = None) -> State:
        """The state that documents begin in, of the layers from `start` to `stop`: the model's own, or the zero state.

        Returns:
            (L, B, H) for each state vector of the cell. H are the units of the widest of these layers; a narrower one
            has zeros behind its own. If the lowest layer is among them and reads n-grams, the last tokens follow.
        """
        sizes = self.config.layer_sizes[start:stop]
        width = max(sizes, default=self.config.hidden_size)
        history = () if start or self.ngrams is None else (self.ngrams.history(batch_size),)
        if self.config.start_state:
            own = (self.start[name][start:stop, None, :width] for name in self.cell.state_names)
            return (*(vector.expand(-1, batch_size, -1).contiguous() for vector in own), *history)
        return (self.weight.new_zeros(len(sizes), batch_size, width),) * self.cell.num_states + history

    def held(self) -> list[Held]:
        """The values of clamped units, by layer and state vector; empty if none is clamped."""
        if not self.clamps:
            return []
        return [
            [None if values is None else torch.as_tensor(values).to(self.weight) for values in vectors]
            for vectors in held_values(self.clamps, self.config)
        ]

    def encode(
        self, inputs: Tensor, state: State | None = None, start: int = 0, stop: int | None = None
    ) -> tuple[Tensor, State]:
        """Run the layers from `start` to below `stop` over a piece of text.

        Args:
            inputs: token ids (B, T); if `start` > 0, the outputs (B, T, H) of the layer below.
            state: the state that an earlier call returned; None is the one that documents begin in.
            start: the lowest layer to run.
            stop: the layer to stop below; None runs to the top.

        Returns:
            The outputs (B, T, H) of the last layer run, and the state.
        """
        if state is None:
            state = self.initial_state(inputs.shape[0], start, stop)
        layers: list[RecurrentLayer] = list(self.layers[start:stop])  # type: ignore[arg-type]
        sizes = self.config.layer_sizes[start:stop]
        masks = Masks.none(len(layers))
        if self.training:  # all drawn before a backend runs, so that none changes them
            masks = Masks.drawn(self.config, self.weight, inputs.shape[1], inputs.shape[0], start, start + len(layers))
        x = inputs.transpose(0, 1)
        history: State = ()
        if self.embedding is not None and start == 0:
            embedded, state, history = self.embed(inputs, state)
            x = masks.on_embedding(x, embedded)
        weights = [masked_weights(layer.weights(), mask) for layer, mask in zip(layers, masks.recurrent, strict=True)]
        wanted = "reference" if self.clamps else self.backend
        backend = choose(wanted, self.config, state[0].device.type, dtype_name(state[0]), "stack")
        x, state = run_stack(self.cell, x, state, weights, masks.between, backend, sizes, self.held()[start:stop])
        return x.transpose(0, 1), (*state, *history)

    def embed(self, ids: Tensor, state: State) -> tuple[Tensor, State, State]:
        """Embed tokens (B, T), with their n-grams if the model has some.

        Returns:
            What layer 0 reads (T, B, E), the state without the last tokens, and the last tokens, if it holds them.
        """
        assert self.embedding is not None
        embedded = self.embedding(ids.T)
        if self.ngrams is None:
            return embedded, state, ()
        *cells, history = state
        sums, history = self.ngrams(ids, history)
        return embedded + sums.transpose(0, 1), tuple(cells), (history,)

    def num_parameters(self) -> int:
        """Count the weights; tied ones count once."""
        return sum(parameter.numel() for parameter in self.parameters())
