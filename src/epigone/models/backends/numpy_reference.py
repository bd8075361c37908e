"""Loss and gradients of a language model written by hand in NumPy: no autograd, any precision, complex numbers too.

The yardstick of `gradcheck`. One text, a loop over its steps, the equations of `cells/` and their derivatives by the
chain rule (Werbos 1990, backpropagation through time); nothing is arranged for speed but that copies of a network are
computed once until they differ. Weights are named as in a `LanguageModel`; the loss is the cross-entropy in nats,
summed over the steps.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from epigone.errors import UserError
from epigone.models.cells.base import CELLS, Array, NumpyForm
from epigone.models.config import START, ModelConfig

Named = Mapping[str, Array]


class Bump(NamedTuple):
    """Entries of one weight; in copy p of the network, entry p is changed by `step`."""

    name: str
    rows: NDArray[np.integer]
    columns: NDArray[np.integer]
    """Zeros for a bias."""
    step: complex


def loss(config: ModelConfig, weights: Named, tokens: Array, targets: Array, bump: Bump | None = None) -> Array:
    """Compute the loss (P,) of P copies of the network that differ in one entry each; of one copy without a `bump`.

    Args:
        config: its shape, without dropout.
        weights: by name.
        tokens, targets: ids (T,), read from the state that documents begin in.
        bump: the entries that are changed.

    Raises:
        UserError: the cell has no NumPy form.
    """
    copies = 1 if bump is None else len(bump.rows)
    form = numpy_form(config)
    # Every array has a row for each copy, or a single one as long as they do not differ.
    hidden = [_start(config, weights, layer, bump) for layer in range(config.num_layers)]
    total = np.zeros(copies)
    for token, target in zip(tokens, targets, strict=True):
        x, looked_up = _input(config, weights, token, bump)
        for layer in range(config.num_layers):
            prefix = f"layers.{layer}."
            by_input = (
                _column(weights, prefix, token, bump)
                if looked_up and layer == 0
                else _linear(x, weights, prefix + "weight_ih", prefix + "bias_ih", bump)
            )
            by_state = _linear(hidden[layer][0], weights, prefix + "weight_hh", prefix + "bias_hh", bump)
            parts = by_input, by_state, *hidden[layer]
            by_input, by_state, *before = (_of_rows(part, max(map(len, parts))) for part in parts)
            hidden[layer], _ = form.forward(by_input, by_state, before)
            x = hidden[layer][0]
        logits = _linear(x, weights, "embedding.weight" if config.tied else "head.weight", "head.bias", bump)
        best = logits.real.max(axis=1, keepdims=True)
        total = total + np.log(np.exp(logits - best).sum(axis=1)) + best[:, 0] - logits[:, target]
    return total


def numpy_form(config: ModelConfig) -> NumpyForm:
    """The NumPy form of a model's cell.

    Raises:
        UserError: the cell has none.
    """
    form = CELLS[config.cell].numpy
    if form is None:
        raise UserError(f"The cell {config.cell} has no NumPy form; choose another one.")
    return form


def gradients(config: ModelConfig, weights: Named, tokens: Array, targets: Array) -> dict[str, Array]:
    """Compute the derivatives of `loss` with respect to every weight."""
    sizes, layers, steps = config.layer_sizes, config.num_layers, len(tokens)
    head = "embedding.weight" if config.tied else "head.weight"
    d = {name: np.zeros_like(weight) for name, weight in weights.items()}
    form = numpy_form(config)
    # Before each step, and after the last.
    hidden = [[[s[0] for s in _start(config, weights, layer, None)]] for layer in range(layers)]
    kept: list[list[Any]] = [[] for _ in range(layers)]
    d_top = np.zeros((steps, config.output_size))
    inputs: list[list[Any]] = [[] for _ in range(layers)]  # of each layer and step; None for a token
    for t, (token, target) in enumerate(zip(tokens, targets, strict=True)):
        x: Any = weights["embedding.weight"][token] if config.embedding_size else None
        for layer in range(layers):
            prefix = f"layers.{layer}."
            ih = weights[prefix + "weight_ih"]
            by_input = (ih[:, token] if x is None else ih @ x) + weights[prefix + "bias_ih"]
            by_state = weights[prefix + "weight_hh"] @ hidden[layer][t][0] + weights[prefix + "bias_hh"]
            after, gates = form.forward(by_input[None], by_state[None], [s[None] for s in hidden[layer][t]])
            kept[layer].append([gate[0] for gate in gates])
            hidden[layer].append([s[0] for s in after])
            inputs[layer].append(x)
            x = hidden[layer][t + 1][0]
        logits = weights[head] @ x + weights["head.bias"]
        share = np.exp(logits - logits.max())
        share /= share.sum()
        share[target] -= 1  # d loss / d logits
        d[head] += np.outer(share, x)
        d["head.bias"] += share
        d_top[t] = weights[head].T @ share
    d_outputs: Array = d_top
    for layer in reversed(range(layers)):
        prefix = f"layers.{layer}."
        ih, hh = weights[prefix + "weight_ih"], weights[prefix + "weight_hh"]
        d_below = np.zeros((steps, sizes[layer - 1] if layer else config.embedding_size))
        dh, dc = np.zeros(sizes[layer]), np.zeros(sizes[layer])
        for t in reversed(range(steps)):
            before, after = hidden[layer][t], hidden[layer][t + 1]
            by_input, by_state, dh, dc = form.backward(kept[layer][t], before, after, dh + d_outputs[t], dc)
            d[prefix + "bias_ih"] += by_input
            d[prefix + "bias_hh"] += by_state
            d[prefix + "weight_hh"] += np.outer(by_state, before[0])
            x = inputs[layer][t]
            if x is None:
                d[prefix + "weight_ih"][:, tokens[t]] += by_input
            else:
                d[prefix + "weight_ih"] += np.outer(by_input, x)
                d_below[t] = ih.T @ by_input
            dh = dh + hh.T @ by_state
        if config.start_state:
            for name, at_start in zip(CELLS[config.cell].state_names, (dh, dc), strict=False):
                d[f"{START}.{name}"][layer, : sizes[layer]] = at_start
        d_outputs = d_below
    if config.embedding_size:
        np.add.at(d["embedding.weight"], np.asarray(tokens), d_outputs)
    return d


def _start(config: ModelConfig, weights: Named, layer: int, bump: Bump | None) -> list[Array]:
    """The state vectors of a layer (1, H) at the beginning of a document, or (P, H) if the copies differ in them."""
    size, states = config.layer_sizes[layer], CELLS[config.cell].state_names
    if not config.start_state:
        return [np.zeros((1, size))] * len(states)
    found = [weights[f"{START}.{name}"][layer, :size][None] for name in states]
    for place, name in enumerate(states):
        if bump is not None and bump.name == f"{START}.{name}":
            hit = np.flatnonzero((bump.rows == layer) & (bump.columns < size))
            found[place] = _apart(found[place], bump)
            found[place][hit, bump.columns[hit]] += bump.step
    return found


def _of_rows(array: Array, rows: int) -> Array:
    """Repeat the only row of an array (1, N), without copying it; return one of so many rows as it is."""
    return np.broadcast_to(array, (rows, array.shape[1]))


def _apart(array: Array, bump: Bump) -> Array:
    """Copy what the copies of a network share, so that they can differ."""
    return _of_rows(array, len(bump.rows)).astype(np.result_type(array, type(bump.step)))


def _linear(x: Array, weights: Named, matrix: str, bias: str, bump: Bump | None) -> Array:
    """Compute x W' + b for each copy (P, ...), with its changed entry."""
    weight = weights[matrix].T
    if np.iscomplexobj(x):  # NumPy would multiply by a complex matrix, twice the work
        real, imaginary = np.stack([x.real, x.imag]) @ weight
        result = real + 1j * imaginary + weights[bias]
    else:
        result = x @ weight + weights[bias]
    if bump is not None and bump.name in (matrix, bias):
        copies, result = np.arange(len(bump.rows)), _apart(result, bump)
        by = _of_rows(x, len(copies))[copies, bump.columns] if bump.name == matrix else 1
        result[copies, bump.rows] += bump.step * by
    return result


def _column(weights: Named, prefix: str, token: int, bump: Bump | None) -> Array:
    """Look up what a one-hot token contributes to the gates of a layer, for each copy."""
    result: Array = (weights[prefix + "weight_ih"][:, token] + weights[prefix + "bias_ih"])[None]
    if bump is not None and bump.name in (prefix + "weight_ih", prefix + "bias_ih"):
        hit = np.flatnonzero(bump.columns == token if bump.name.endswith("weight_ih") else bump.rows >= 0)
        if len(hit):
            result = _apart(result, bump)
            result[hit, bump.rows[hit]] += bump.step
    return result


def _input(config: ModelConfig, weights: Named, token: int, bump: Bump | None) -> tuple[Array, bool]:
    """Look up the embedding of a token for each copy; True if there is none."""
    if not config.embedding_size:
        return np.empty((1, 0)), True
    result: Array = weights["embedding.weight"][token][None]
    if bump is not None and bump.name == "embedding.weight":
        hit = np.flatnonzero(bump.rows == token)
        if len(hit):
            result = _apart(result, bump)
            result[hit, bump.columns[hit]] += bump.step
    return result, False
