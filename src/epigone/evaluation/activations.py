"""Every state and gate of a network at every token of a text, on every backend.

A backend gives the outputs of a layer. The gates follow from these by one matrix product over all steps at once, and
the other states from the gates, element by element.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from epigone.evaluation.traversal import batches, steps
from epigone.models.backends.reference import Weights, project
from epigone.models.cells.base import Cell, State
from epigone.models.encoder import Encoder, RecurrentLayer
from epigone.models.unit_names import VectorName
from epigone.text.streams import TokenStream

STEPS = 64  # tokens of each row at a time, so that all gates of a large layer take some 100 MB
Floats = NDArray[np.float32]


@torch.no_grad()
def activations(
    model: Encoder, stream: TokenStream, vectors: Sequence[VectorName]
) -> Iterator[tuple[VectorName, NDArray[np.int64], Floats]]:
    """Read every document from the zero state, in evaluation mode, and show states and gates piece by piece.

    The end symbol before a document is read, but has no place among the tokens; the one after it is not read. Documents
    longer than 20,000 tokens are read in windows, as `traversal.py` says.

    Args:
        model: the network.
        stream: D documents with M tokens besides their end symbols.
        vectors: what to show of which layer.

    Yields:
        A vector, places (P,) among the M tokens, and the values (P, H) after each of these tokens has been read. Every
        place comes once for each vector.
    """
    was_training = model.training
    model.eval()
    wanted = {layer: [v for v in vectors if v.layer == layer] for layer in range(len(model.layers))}
    top = max((vector.layer for vector in vectors), default=-1)
    for batch in batches(stream):
        states = [model.initial_state(len(batch), layer, layer + 1) for layer in range(top + 1)]
        for rows, positions in steps(batch, STEPS):
            states = [tuple(s[:, : len(rows)].contiguous() for s in state) for state in states]
            documents = np.array([row.document for row in rows])[:, None]
            starts = np.maximum(np.array([row.start for row in rows])[:, None], stream.offsets[documents] + 1)
            counted = (positions >= starts).T
            places = (positions - 1 - documents).T[counted]
            x = torch.as_tensor(np.asarray(stream.inputs[positions]).astype(np.int64), device=model.weight.device)
            for layer in range(top + 1):
                before, inputs = states[layer], x
                x, states[layer] = model.encode(x, before, layer, layer + 1)
                for vector, values in _shown(model, layer, inputs, x, before, wanted[layer]):
                    yield vector, places, values.float().cpu().numpy()[counted]
    model.train(was_training)


def _shown(
    model: Encoder, layer: int, inputs: Tensor, outputs: Tensor, before: State, vectors: Sequence[VectorName]
) -> Iterator[tuple[VectorName, Tensor]]:
    """Yield the wanted vectors (T, B, H) of a layer."""
    outputs = outputs.transpose(0, 1)
    shown = [outputs]
    if any(vector.index for vector in vectors):
        part: RecurrentLayer = model.layers[layer]  # type: ignore[assignment]
        x = inputs.transpose(0, 1)
        if layer == 0 and model.embedding is not None:
            x, before, _ = model.embed(inputs, before)
        state = tuple(vector[0, :, : outputs.shape[2]] for vector in before)
        shown += _beside(model.cell, x, outputs, state, part.weights())
    yield from ((vector, shown[vector.index]) for vector in vectors)


def _beside(cell: Cell, x: Tensor, outputs: Tensor, state: State, weights: Weights) -> list[Tensor]:
    """Compute the state vectors after the first, and the gates, of a layer whose outputs (T, B, H) are known."""
    form = cell.gate_form
    if form is None:  # only the equation knows what they are
        found = []
        for step in project(x, weights["weight_ih"], weights["bias_ih"]).unbind(0):
            state = cell.step(step, state, weights)
            found.append(state[1:])
        return [torch.stack(each) for each in zip(*found, strict=True)]
    last = torch.cat([state[0][None], outputs[:-1]])
    gates = form.values(
        project(x, weights["weight_ih"], weights["bias_ih"]), F.linear(last, weights["weight_hh"], weights["bias_hh"])
    )
    return [*form.further(gates, state), *gates]


def recorded(model: Encoder, stream: TokenStream, vectors: Sequence[VectorName]) -> dict[VectorName, Floats]:
    """Keep vectors (M, H) of a short text in memory; see `activations`."""
    tokens = len(stream) - len(stream.characters)
    sizes = model.config.layer_sizes
    found = {vector: np.zeros((tokens, sizes[vector.layer]), np.float32) for vector in vectors}
    for vector, places, values in activations(model, stream, vectors):
        found[vector][places] = values
    return found
