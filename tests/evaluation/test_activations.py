"""Recorded states and gates, held to a reading token by token."""

import numpy as np
import pytest
import torch
from minimal import register_leaky
from token_by_token import record_states

from epigone.evaluation import activations as module
from epigone.evaluation import traversal
from epigone.evaluation.activations import activations, recorded
from epigone.models.config import ModelConfig
from epigone.models.language_model import LanguageModel
from epigone.models.unit_names import VectorName, matching_vectors
from epigone.text.streams import token_stream
from epigone.text.tokenizers.characters import AsciiTokenizer

TEXTS = ["A kettle sings.", "", "rain " * 40, "x"]
CODEC = AsciiTokenizer()


def model_of(cell, backend="auto", **shape):
    torch.manual_seed(3)
    shape = {"num_layers": 2, "hidden_size": 6} | shape
    return LanguageModel(ModelConfig(cell, vocabulary_size=128, **shape), backend).eval()


def stream():
    return token_stream(([text] for text in TEXTS), CODEC)


def reference(model):
    """The states of all documents, vector by vector."""
    parts = [record_states(model, CODEC.encode(text), CODEC.end) for text in TEXTS]
    return [np.concatenate(vectors) for vectors in zip(*parts, strict=True)]


@pytest.mark.parametrize("backend", ["native", "torch", "reference"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "rnn_relu"])
@pytest.mark.parametrize("shape", [{}, {"embedding_size": 5, "top_size": 4}])
def test_states_are_those_of_a_reading_token_by_token(cell, backend, shape, monkeypatch):
    monkeypatch.setattr(module, "STEPS", 7)  # the pieces pass the state on
    model = model_of(cell, backend, **shape)
    found = recorded(model, stream(), matching_vectors(["layers.*.*"], model.config))
    for index, states in enumerate(reference(model)):
        for layer, size in enumerate(model.config.layer_sizes):
            np.testing.assert_allclose(found[VectorName(layer, index)], states[:, layer, :size], atol=1e-5)


def step_by_step(model, layer, by_input):
    """The gates of a layer by the equations of its cell, from the contribution (T, R) of its input."""
    weights = {name: weight.double() for name, weight in model.layers[layer].weights().items()}
    h = c = torch.zeros(model.config.layer_sizes[layer]).double()
    found = []
    for x in by_input.double():
        s = weights["weight_hh"] @ h + weights["bias_hh"]
        if model.config.cell == "lstm":
            i, f, g, o = (x + s).chunk(4)
            gates = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
            c = gates[1] * c + gates[0] * gates[2]
            h = gates[3] * c.tanh()
        else:
            (x_r, x_z, x_n), (s_r, s_z, s_n) = x.chunk(3), s.chunk(3)
            r, z = (x_r + s_r).sigmoid(), (x_z + s_z).sigmoid()
            gates = r, z, (x_n + r * s_n).tanh()
            h = (1 - z) * gates[2] + z * h
        found.append(torch.stack(gates))
    return torch.stack(found).numpy()


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_gates_are_those_of_the_equation(cell):
    model = model_of(cell)
    found = recorded(model, stream(), matching_vectors(["layers.0.*"], model.config))
    first = model.cell.num_states
    with torch.no_grad():
        ids = torch.from_numpy(np.append(CODEC.end, CODEC.encode(TEXTS[0])).astype(np.int64))
        part = model.layers[0]
        gates = step_by_step(model, 0, part.weight_ih.T[ids] + part.bias_ih)[1:]
    assert gates.shape[1] == len(model.cell.gates)
    for index in range(gates.shape[1]):
        np.testing.assert_allclose(found[VectorName(0, first + index)][: len(gates)], gates[:, index], atol=1e-5)


def test_every_token_has_its_values_once_in_windows_too(monkeypatch):
    monkeypatch.setattr(traversal, "WINDOW", 50)
    monkeypatch.setattr(traversal, "WARM_UP", 10)
    model, text = model_of("lstm"), stream()
    tokens = len(text) - len(TEXTS)
    seen = np.zeros((2, tokens), int)
    for vector, places, values in activations(model, text, [VectorName(0, 1), VectorName(1, 0)]):
        np.add.at(seen[vector.layer], places, 1)
        assert values.shape == (len(places), 6)
    assert (seen == 1).all()
    assert not model.training


def test_a_cell_of_ones_own_shows_all_its_states(registries):
    register_leaky()
    model = model_of("leaky")
    found = recorded(model, stream(), matching_vectors(["layers.*.*"], model.config))
    assert len(found) == 4
    for index, states in enumerate(reference(model)):
        np.testing.assert_allclose(found[VectorName(1, index)], states[:, 1], atol=1e-6)
