"""Loss and gradients of a language model written out by hand in NumPy: no autograd, any precision, complex numbers too.

The yardstick of `gradcheck`. One text, a loop over its steps, the equations of `cells.py` and their derivatives by the
chain rule (Werbos 1990, backpropagation through time); nothing is arranged for speed. Weights are named as in a
`LanguageModel`; the loss is the cross-entropy in nats, summed over the steps.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from epigone.models.config import GATES, STATES, ModelConfig

Array = NDArray[Any]
Named = Mapping[str, Array]


class Bump(NamedTuple):
    """Entries of one weight, each changed by `step` in a copy of the network of its own: copy p has entry p changed."""

    name: str
    rows: NDArray[np.integer]
    columns: NDArray[np.integer]
    """Zeros for a bias."""
    step: complex


def loss(config: ModelConfig, weights: Named, tokens: Array, targets: Array, bump: Bump | None = None) -> Array:
    """The loss (P,) of P copies of the network that differ in one entry each; of one copy without a `bump`.

    Args:
        config: its shape, without dropout.
        weights: by name.
        tokens, targets: ids (T,), read from the zero state.
        bump: what is changed.
    """
    copies = 1 if bump is None else len(bump.rows)
    kind = complex if bump is not None and isinstance(bump.step, complex) else float
    hidden = [[np.zeros((copies, config.hidden_size), kind)] * STATES[config.cell] for _ in range(config.num_layers)]
    total = np.zeros(copies, kind)
    for token, target in zip(tokens, targets, strict=True):
        x, looked_up = _input(config, weights, token, copies, bump)
        for layer in range(config.num_layers):
            prefix = f"layers.{layer}."
            by_input = (
                _column(weights, prefix, token, copies, bump)
                if looked_up and layer == 0
                else _linear(x, weights, prefix + "weight_ih", prefix + "bias_ih", bump)
            )
            by_state = _linear(hidden[layer][0], weights, prefix + "weight_hh", prefix + "bias_hh", bump)
            hidden[layer], _ = _cell(config.cell, by_input, by_state, hidden[layer])
            x = hidden[layer][0]
        logits = _linear(x, weights, "embedding.weight" if config.tied else "head.weight", "head.bias", bump)
        best = logits.real.max(axis=1, keepdims=True)
        total = total + np.log(np.exp(logits - best).sum(axis=1)) + best[:, 0] - logits[:, target]
    return total


def gradients(config: ModelConfig, weights: Named, tokens: Array, targets: Array) -> dict[str, Array]:
    """The derivatives of `loss` with respect to every weight."""
    size, layers, steps = config.hidden_size, config.num_layers, len(tokens)
    head = "embedding.weight" if config.tied else "head.weight"
    d = {name: np.zeros_like(weight) for name, weight in weights.items()}
    zero = [np.zeros(size)] * STATES[config.cell]
    hidden = [[zero] for _ in range(layers)]  # before each step, and after the last
    kept: list[list[Any]] = [[] for _ in range(layers)]
    d_top = np.zeros((steps, size))
    inputs: list[list[Any]] = [[] for _ in range(layers)]  # of each layer and step; None for a token
    for t, (token, target) in enumerate(zip(tokens, targets, strict=True)):
        x: Any = weights["embedding.weight"][token] if config.embedding_size else None
        for layer in range(layers):
            prefix = f"layers.{layer}."
            ih = weights[prefix + "weight_ih"]
            by_input = (ih[:, token] if x is None else ih @ x) + weights[prefix + "bias_ih"]
            by_state = weights[prefix + "weight_hh"] @ hidden[layer][t][0] + weights[prefix + "bias_hh"]
            after, gates = _cell(config.cell, by_input[None], by_state[None], [s[None] for s in hidden[layer][t]])
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
        d_below = np.zeros((steps, size if layer else config.embedding_size))
        dh, dc = np.zeros(size), np.zeros(size)
        for t in reversed(range(steps)):
            before, after = hidden[layer][t], hidden[layer][t + 1]
            by_input, by_state, dh, dc = _cell_backward(
                config.cell, kept[layer][t], before, after, dh + d_outputs[t], dc
            )
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
        d_outputs = d_below
    if config.embedding_size:
        np.add.at(d["embedding.weight"], np.asarray(tokens), d_outputs)
    return d


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def _cell(cell: str, by_input: Array, by_state: Array, before: list[Array]) -> tuple[list[Array], list[Array]]:
    """One step of some copies: the state after it, and the values that its derivative needs."""
    if cell == "rnn":
        return [np.tanh(by_input + by_state)], []
    if cell == "rnn_relu":
        a = by_input + by_state
        return [np.where(a.real > 0, a, 0)], []
    if cell == "lstm":
        i, f, g, o = np.split(by_input + by_state, len(GATES["lstm"]), axis=1)
        i, f, g, o = _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)
        c = f * before[1] + i * g
        return [o * np.tanh(c), c], [i, f, g, o]
    (i_r, i_z, i_n), (s_r, s_z, s_n) = (np.split(x, len(GATES["gru"]), axis=1) for x in (by_input, by_state))
    r, z = _sigmoid(i_r + s_r), _sigmoid(i_z + s_z)
    n = np.tanh(i_n + r * s_n)
    return [(1 - z) * n + z * before[0]], [r, z, n, s_n]


def _cell_backward(
    cell: str, kept: list[Array], before: list[Array], after: list[Array], dh: Array, dc: Array
) -> tuple[Array, Array, Array, Array]:
    """From d loss / d state after a step to d / d what input and state gave to the gates, and directly to h and c."""
    if cell == "rnn":
        d = dh * (1 - after[0] ** 2)
        return d, d, np.zeros_like(dh), dc
    if cell == "rnn_relu":
        d = np.where(after[0] > 0, dh, 0)
        return d, d, np.zeros_like(dh), dc
    if cell == "lstm":
        i, f, g, o = kept
        squashed = np.tanh(after[1])
        dc = dc + dh * o * (1 - squashed**2)
        d = np.concatenate(
            [dc * g * i * (1 - i), dc * before[1] * f * (1 - f), dc * i * (1 - g**2), dh * squashed * o * (1 - o)]
        )
        return d, d, np.zeros_like(dh), dc * f
    r, z, n, s_n = kept
    dn = dh * (1 - z) * (1 - n**2)
    dr, dz = dn * s_n * r * (1 - r), dh * (before[0] - n) * z * (1 - z)
    return np.concatenate([dr, dz, dn]), np.concatenate([dr, dz, dn * r]), dh * z, dc


def _linear(x: Array, weights: Named, matrix: str, bias: str, bump: Bump | None) -> Array:
    """x W' + b for each copy (P, ...), with what is changed in each."""
    result = x @ weights[matrix].T + weights[bias]
    if bump is not None and bump.name in (matrix, bias):
        copies = np.arange(len(bump.rows))
        result = result.astype(np.result_type(result, type(bump.step)))
        result[copies, bump.rows] += bump.step * (x[copies, bump.columns] if bump.name == matrix else 1)
    return result


def _column(weights: Named, prefix: str, token: int, copies: int, bump: Bump | None) -> Array:
    """What a token gives to the gates of a layer that reads it as one-hot, for each copy."""
    result = np.tile(weights[prefix + "weight_ih"][:, token] + weights[prefix + "bias_ih"], (copies, 1))
    if bump is not None and bump.name in (prefix + "weight_ih", prefix + "bias_ih"):
        result = result.astype(np.result_type(result, type(bump.step)))
        hit = (bump.columns == token) if bump.name.endswith("weight_ih") else np.ones(copies, bool)
        result[np.arange(copies)[hit], bump.rows[hit]] += bump.step
    return result


def _input(config: ModelConfig, weights: Named, token: int, copies: int, bump: Bump | None) -> tuple[Array, bool]:
    """The embedding of a token for each copy; and whether there is none."""
    if not config.embedding_size:
        return np.empty((copies, 0)), True
    result = np.tile(weights["embedding.weight"][token], (copies, 1))
    if bump is not None and bump.name == "embedding.weight":
        result = result.astype(np.result_type(result, type(bump.step)))
        hit = bump.rows == token
        result[np.arange(copies)[hit], bump.columns[hit]] += bump.step
    return result, False
