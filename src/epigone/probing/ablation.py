"""Ablation: the loss of a model whose units are held at a constant, such as 0 or their mean."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from epigone.evaluation.losses import document_losses
from epigone.models.clamps import Clamp, clamped
from epigone.models.language_model import LanguageModel
from epigone.models.unit_names import UnitName
from epigone.text.streams import TokenStream


def ablated_loss(model: LanguageModel, stream: TokenStream, clamps: Sequence[Clamp]) -> float:
    """Measure the loss in nats per token, end symbols left out, while units are held at constants.

    Whatever reads a held hidden state, its own layer, the next one or the head, reads the constant. Each document is
    read from the zero state.

    Args:
        model: the network.
        stream: the text.
        clamps: the units; none gives the loss of the whole model.
    """
    with clamped(model, clamps):
        return document_losses(model, stream).loss


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
    units = [UnitName(layer, 0, unit) for layer in sorted(means) for unit in range(len(means[layer]))]
    generator = np.random.default_rng(seed)
    rows: list[dict[str, float | str | int]] = [
        {"chosen": "none", "held": "zero", "units": 0, "loss": ablated_loss(model, stream, ())}
    ]
    for share in shares:
        k = max(1, round(share * len(order)))
        draws = [generator.permutation(order)[:k] for _ in range(2)]
        for chosen, sets in (("top", [order[:k]]), ("bottom", [order[-k:]]), ("random", draws)):
            for held in ("zero", "mean"):
                losses = []
                for places in sets:
                    those = [units[place] for place in places.tolist()]
                    values = [float(means[unit.layer][unit.unit]) if held == "mean" else 0.0 for unit in those]
                    losses.append(ablated_loss(model, stream, list(map(Clamp, those, values))))
                rows.append({"chosen": chosen, "held": held, "units": k, "loss": float(np.mean(losses))})
    return rows
