"""The loss of a model with units held at constants."""

import numpy as np
import pytest
import torch

from epigone.evaluation.losses import document_losses
from epigone.models.clamps import Clamp
from epigone.models.files.checkpoint import load_checkpoint
from epigone.models.unit_names import UnitName
from epigone.probing.ablation import ablated_loss, ablation_curves
from epigone.text.streams import token_stream

TEXTS = ["The kettle sings.", "Rain, rain again and again."]


def step_by_step(model, codec, constants):
    """The loss by the equations of the cell, with the hidden state overwritten after each step."""
    total, number = 0.0, 0
    parts = [layer.weights() for layer in model.layers]
    for text in TEXTS:
        ids = codec.encode(text).tolist()
        states = [
            tuple(torch.zeros(1, size) for _ in range(model.cell.num_states)) for size in model.config.layer_sizes
        ]
        for read, target in zip([codec.end, *ids[:-1]], ids, strict=True):
            x = torch.eye(128)[[read]]
            for layer, weights in enumerate(parts):
                state = model.cell.step(x @ weights["weight_ih"].T + weights["bias_ih"], states[layer], weights)
                for unit, value in constants.get(layer, {}).items():
                    state[0][0, unit] = value
                states[layer], x = state, state[0]
            total -= float(model.head.logits(x[None])[0, 0].log_softmax(-1)[target])
            number += 1
    return total / number


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@torch.no_grad()
def test_held_units_are_read_as_constants_by_all(make_base, cell):
    source = load_checkpoint(make_base(cell=cell))
    model = source.model
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    stream = token_stream(([text] for text in TEXTS), source.tokenizer)
    whole = ablated_loss(model, stream, ())
    assert whole == pytest.approx(document_losses(model, stream).loss, abs=1e-5)
    constants = {0: {1: 0.0, 3: 0.5}, 1: {0: -0.7}}
    clamps = [Clamp(UnitName(layer, 0, unit), value) for layer in constants for unit, value in constants[layer].items()]
    found = ablated_loss(model, stream, clamps)
    assert found == pytest.approx(step_by_step(model, source.tokenizer, constants), abs=1e-5)
    assert found != pytest.approx(whole, abs=1e-4)
    assert model.clamps == ()
    assert all(torch.equal(weight, before[name]) for name, weight in model.named_parameters())


def test_curves_have_a_row_for_each_choice(make_base):
    source = load_checkpoint(make_base())
    stream = token_stream(([text] for text in TEXTS), source.tokenizer)
    means = {layer: np.full(8, 0.1, np.float32) for layer in range(2)}
    rows = ablation_curves(source.model, stream, np.arange(16)[::-1], means, shares=(0.1, 1))
    assert [row["units"] for row in rows] == [0] + [2] * 6 + [16] * 6
    all_of_them = {row["chosen"]: row["loss"] for row in rows if row["units"] == 16 and row["held"] == "mean"}
    assert len({round(loss, 6) for loss in all_of_them.values()}) == 1
    top = next(row for row in rows if row["chosen"] == "top" and row["held"] == "zero")
    assert top["loss"] == pytest.approx(
        ablated_loss(source.model, stream, [Clamp(UnitName(1, 0, unit), 0.0) for unit in (7, 6)])
    )
