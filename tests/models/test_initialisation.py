"""The initial weights of a network."""

import math

import pytest
import torch

from epigone.errors import UserError
from epigone.models.cells.base import CELLS
from epigone.models.config import ModelConfig, ModelOptions
from epigone.models.language_model import LanguageModel


def fresh(**shape):
    torch.manual_seed(0)
    return LanguageModel(ModelConfig(**{"num_layers": 3, "hidden_size": 48, "vocabulary_size": 90} | shape))


@pytest.mark.parametrize("cell", CELLS)
def test_recurrent_matrices_are_orthogonal_gate_by_gate(cell):
    for layer in fresh(cell=cell).layers:
        for block in layer.weight_hh.chunk(len(CELLS[cell].gates)):
            torch.testing.assert_close(block @ block.T, torch.eye(48), atol=1e-5, rtol=0)


def test_forget_gates_are_open_and_nothing_else_is_biased():
    for layer in fresh().layers:
        _, forget, _, _ = layer.bias_ih.chunk(4)
        assert (forget == 1).all()
        assert layer.bias_ih.sum() == 48
        assert not layer.bias_hh.any()


@pytest.mark.parametrize("embedding", [{}, {"embedding_size": 20}, {"embedding_size": 48, "tied": True}])
@pytest.mark.parametrize("cell", CELLS)
@torch.no_grad()
def test_the_input_reaches_every_layer(cell, embedding):
    """Each gate gets about unit variance from its input in every layer; with PyTorch's weights, less in each."""
    heard = {}
    for init in ("orthogonal", "uniform"):
        model, ids = fresh(cell=cell, init=init, **embedding), torch.randint(90, (8, 40))
        inputs = torch.eye(90)[ids] if model.embedding is None else model.embedding(ids)
        heard[init] = []
        for i, layer in enumerate(model.layers):
            heard[init].append((inputs @ layer.weight_ih.T).std().item())
            inputs, _ = model.encode(ids, stop=i + 1)
    assert all(0.4 < deviation < 2.2 for deviation in heard["orthogonal"]), heard
    assert heard["uniform"][-1] < heard["orthogonal"][-1] / 2


def test_uniform_is_the_initialisation_of_pytorch():
    model = fresh(init="uniform")
    for layer in model.layers:
        for parameter in layer.parameters():
            assert parameter.abs().max() <= 1 / math.sqrt(48)
            assert parameter.abs().max() > 0.9 / math.sqrt(48)


def test_a_tied_head_shares_the_embedding():
    model = fresh(embedding_size=48, tied=True)
    assert model.embedding is not None
    assert model.head.weight is model.embedding.weight
    assert model.embedding.weight.norm(dim=1).mean().item() == pytest.approx(1, abs=0.1)


def test_an_unknown_initialisation_is_refused():
    with pytest.raises(UserError, match=r"There is no init 'xavier'; choose one of orthogonal, uniform, normal\."):
        ModelOptions(init="xavier")


def test_normal_weights_and_biases():
    model = fresh(init="normal", init_std=0.3)
    for name, weight in model.named_parameters():
        assert float(weight.detach().std()) == pytest.approx(0.3, rel=0.25), name
        assert abs(float(weight.detach().mean())) < 0.12


@pytest.mark.parametrize("init", ["orthogonal", "uniform", "normal"])
def test_one_bias_of_a_layer_can_stay_at_zero(init):
    for layer in fresh(init=init, one_bias=True).layers:
        assert not layer.bias_hh.any()
        assert not layer.bias_hh.requires_grad
        assert layer.bias_ih.requires_grad
