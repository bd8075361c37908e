"""Ablation: the loss of a model whose units are held at a constant, such as 0 or their mean."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from epigone.evaluation.traversal import batches, steps
from epigone.models.language_model import LanguageModel
from epigone.text.streams import TokenStream

Constants = Mapping[int, Mapping[int, float]]
"""By layer and unit the value at which a hidden state is held."""


def can_ablate(model: LanguageModel) -> bool:
    """Tell if the cell of a model reads its hidden state through `weight_hh` and `bias_hh` alone."""
    return model.cell.gate_form is not None or model.cell.aten is not None


@torch.no_grad()
def ablated_loss(model: LanguageModel, stream: TokenStream, constants: Constants) -> float:
    """Measure the loss in nats per token, end symbols left out, while hidden units are held at constants.

    Whatever reads such a unit, its own layer, the next one or the head, reads the constant. Each document is read from
    the zero state.

    Args:
        model: a network for which `can_ablate`.
        stream: the text.
        constants: the units; an empty one gives the loss of the whole model.
    """
    was_training = model.training
    model.eval()
    held = {
        layer: (torch.tensor(list(units)), torch.tensor(list(units.values()), dtype=model.weight.dtype))
        for layer, units in constants.items()
        if units
    }
    nats, number = 0.0, 0
    layers = range(len(model.layers))
    with _deaf(model, held):
        for batch in batches(stream):
            states = [model.initial_state(len(batch), layer, layer + 1) for layer in layers]
            for rows, positions in steps(batch):
                states = [tuple(s[:, : len(rows)].contiguous() for s in state) for state in states]
                x = torch.as_tensor(np.asarray(stream.inputs[positions]).astype(np.int64))
                for layer in layers:
                    x, states[layer] = model.encode(x, states[layer], layer, layer + 1)
                    if layer in held:
                        units, values = held[layer]
                        x = x.index_copy(2, units, values.expand(*x.shape[:2], -1))
                expected = np.asarray(stream.targets[positions]).astype(np.int64)
                starts = np.array([row.start for row in rows])[:, None]
                counted = torch.from_numpy((expected != stream.end) & (positions >= starts))
                logits = model.logits(x)
                losses = F.cross_entropy(logits[counted], torch.from_numpy(expected)[counted], reduction="sum")
                nats += float(losses)
                number += int(counted.sum())
    model.train(was_training)
    return nats / max(1, number)


@contextmanager
def _deaf(model: LanguageModel, held: Mapping[int, tuple[Tensor, Tensor]]) -> Iterator[None]:
    """Let every layer read constants from its own held units: their columns become part of the bias."""
    kept = []
    for layer, (units, values) in held.items():
        weights = model.layers[layer].weights()  # type: ignore[operator]
        matrix, bias = weights["weight_hh"], weights["bias_hh"]
        kept.append((matrix, bias, matrix.detach().clone(), bias.detach().clone()))
        bias += matrix[:, units] @ values
        matrix[:, units] = 0
    try:
        yield
    finally:
        for matrix, bias, old_matrix, old_bias in kept:
            matrix.copy_(old_matrix)
            bias.copy_(old_bias)


def ablation_curves(
    model: LanguageModel,
    stream: TokenStream,
    order: NDArray[np.int64],
    means: Mapping[int, NDArray[np.float32]],
    shares: tuple[float, ...] = (0.01, 0.05, 0.1, 0.25),
    seed: int = 0,
) -> list[dict[str, float | str | int]]:
    """Measure the loss without the top, bottom and random k units of a ranking.

    Args:
        model: the network.
        stream: a text of some thousand tokens.
        order: (U,) places of all units, lowest layer first, the first of the ranking first.
        means: the mean hidden state (H,) of each layer.
        shares: of the units of the model, for k.
        seed: of the random units, of which there are two draws.

    Returns:
        A row for the whole model and for each choice, k and constant: `chosen`, `held` (`zero` or `mean`), `units`,
        `loss` in nats per token.
    """
    layers = np.repeat(np.arange(len(means)), [len(means[layer]) for layer in sorted(means)])
    units = np.concatenate([np.arange(len(means[layer])) for layer in sorted(means)])
    generator = np.random.default_rng(seed)
    rows: list[dict[str, float | str | int]] = [
        {"chosen": "none", "held": "zero", "units": 0, "loss": ablated_loss(model, stream, {})}
    ]
    for share in shares:
        k = max(1, round(share * len(order)))
        draws = [generator.permutation(order)[:k] for _ in range(2)]
        for chosen, sets in (("top", [order[:k]]), ("bottom", [order[-k:]]), ("random", draws)):
            for held in ("zero", "mean"):
                losses = []
                for places in sets:
                    constants: dict[int, dict[int, float]] = {}
                    for layer, unit in zip(layers[places].tolist(), units[places].tolist(), strict=True):
                        value = float(means[layer][unit]) if held == "mean" else 0.0
                        constants.setdefault(layer, {})[unit] = value
                    losses.append(ablated_loss(model, stream, constants))
                rows.append({"chosen": chosen, "held": held, "units": k, "loss": float(np.mean(losses))})
    return rows
