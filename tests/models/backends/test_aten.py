"""ATen's loops against the reference: values and gradients."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from epigone.models.backends.aten import aten_layer, one_hot
from epigone.models.cells.base import CELLS
from epigone.models.config import ModelConfig
from epigone.models.language_model import LanguageModel


def run(model, tokens, state, weights):
    """Compute logits, final state and all gradients of a fixed random projection of both."""
    model.zero_grad()
    state = tuple(s.clone().requires_grad_() for s in state)
    logits, final = model(tokens, state)
    score = (logits * weights).sum() + sum((s * s).sum() for s in final)
    score.backward()
    gradients = [p.grad for p in model.parameters()] + [s.grad for s in state]
    return logits, final, gradients


@settings(deadline=None, max_examples=40)
@given(
    cell=st.sampled_from(list(CELLS)),
    layers=st.integers(1, 3),
    hidden=st.integers(1, 9),
    embedding=st.sampled_from([0, 5]),
    batch=st.integers(1, 4),
    steps=st.integers(1, 7),
    seed=st.integers(0, 1000),
)
def test_torch_equals_reference(cell, layers, hidden, embedding, batch, steps, seed):
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    model = LanguageModel(ModelConfig(cell, layers, hidden, embedding, vocabulary_size=11)).double()
    tokens = torch.randint(11, (batch, steps), generator=generator)
    weights = torch.randn(batch, steps, 11, generator=generator, dtype=torch.double)
    state = tuple(
        torch.randn(layers, batch, hidden, generator=generator, dtype=torch.double)
        for _ in range(CELLS[cell].num_states)
    )
    results = {}
    for backend in ("reference", "torch"):
        model.backend = backend
        results[backend] = run(model, tokens, state, weights)
    for expected, found in zip(
        [results["reference"][0], *results["reference"][1], *results["reference"][2]],
        [results["torch"][0], *results["torch"][1], *results["torch"][2]],
        strict=True,
    ):
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("frozen", ["weight_ih", "weight_hh", "bias_ih"])
def test_frozen_weights_get_no_gradient_and_the_others_theirs(cell, frozen):
    tokens = torch.randint(11, (3, 6))
    gradients = []
    for backend in ("reference", "torch"):
        torch.manual_seed(0)
        model = LanguageModel(ModelConfig(cell, 2, 5, vocabulary_size=11), backend).double()
        for layer in model.layers:
            getattr(layer, frozen).requires_grad = False
        logits, _ = model(tokens)
        logits.logsumexp(-1).sum().backward()
        gradients.append({name: p.grad for name, p in model.named_parameters()})
    for name, gradient in gradients[0].items():
        if name.endswith(frozen):
            assert gradient is None
            assert gradients[1][name] is None
        else:
            torch.testing.assert_close(gradients[1][name], gradient, rtol=1e-10, atol=1e-11)


def test_a_gradient_may_come_through_the_state_alone():
    tokens = torch.randint(11, (2, 4))
    gradients = []
    for backend in ("reference", "torch"):
        torch.manual_seed(0)
        model = LanguageModel(ModelConfig("lstm", 1, 5, vocabulary_size=11), backend).double()
        _, (_, memory) = model(tokens)
        memory.sum().backward()
        gradients.append(model.layers[0].weight_hh.grad)
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("cell", [cell for cell in CELLS if CELLS[cell].aten])
def test_ids_as_vectors_give_what_ids_give(cell):
    tokens = torch.randint(11, (6, 3))
    model = LanguageModel(ModelConfig(cell, 1, 5, vocabulary_size=11)).double()
    state, weights = tuple(s[0] for s in model.initial_state(3)), model.layers[0].weights()
    vectors = one_hot(tokens, weights["weight_ih"])
    for expected, found in zip(
        aten_layer(model.cell, tokens, state, weights), aten_layer(model.cell, vectors, state, weights), strict=True
    ):
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-11)
