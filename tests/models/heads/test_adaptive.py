"""The adaptive softmax: its probabilities add up to one, and its loss is theirs without computing all of them."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from epigone.errors import UserError
from epigone.evaluation.losses import document_losses
from epigone.generation.stepper import TorchStepper
from epigone.kernels import engine
from epigone.models.backends.walker import EngineOptions, native_walker
from epigone.models.config import MANY, ModelConfig, weight_shapes
from epigone.models.heads.base import IGNORED
from epigone.models.language_model import LanguageModel
from epigone.text.streams import TokenStream
from epigone.transfer.selections.selection import select
from epigone.transfer.vocabulary import remap_vocabulary

V = 60


def adaptive(backend="auto", **shape):
    torch.manual_seed(0)
    given = {"num_layers": 1, "hidden_size": 12, "softmax": "adaptive", "init": "normal", "init_std": 0.7} | shape
    return LanguageModel(ModelConfig(vocabulary_size=V, **given), backend)


def test_it_is_adaptive_from_so_many_tokens_on():
    assert ModelConfig(vocabulary_size=MANY - 1).cutoffs == ()
    assert ModelConfig(vocabulary_size=MANY).cutoffs == (MANY // 10, MANY // 3)
    assert ModelConfig(vocabulary_size=MANY, softmax="full").cutoffs == ()
    assert ModelConfig(vocabulary_size=2, softmax="adaptive").cutoffs == ()  # there is nothing to divide
    with pytest.raises(UserError, match="no softmax 'half'"):
        ModelConfig(vocabulary_size=9, softmax="half")


@pytest.mark.parametrize("backend", ["auto", "torch"])
@pytest.mark.parametrize("shape", [{}, {"embedding_size": 12, "tied": True}])
def test_the_loss_is_that_of_probabilities_that_add_up_to_one(backend, shape):
    model = adaptive(backend, **shape)
    assert {name: tuple(p.shape) for name, p in model.named_parameters()} == weight_shapes(model.config)
    tokens, targets = torch.randint(V, (2, 4, 30))
    logs, _ = model(tokens)
    torch.testing.assert_close(logs.exp().sum(-1), torch.ones(4, 30), atol=1e-5, rtol=0)
    targets = targets.clone()
    targets[0, :5] = IGNORED
    counted = targets != IGNORED
    expected = F.nll_loss(logs[counted], targets[counted])
    expected.backward()
    gradients = {name: p.grad.clone() for name, p in model.named_parameters()}
    model.zero_grad()
    (loss, accuracy), _ = model.loss(tokens, targets)
    loss.backward()
    torch.testing.assert_close(loss, expected, atol=1e-5, rtol=1e-5)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[name], atol=1e-5, rtol=1e-3)
    assert accuracy.isnan()  # only all clusters together would tell


def test_stepping_and_measuring_are_pytorchs():
    model = adaptive(embedding_size=5)
    tokens = np.random.default_rng(0).integers(1, V, 41)
    stream = TokenStream(
        np.array([0, *tokens, 0], np.uint8), np.array([0, 42]), np.array([41]), spelling=np.zeros(1), end=0
    )
    with torch.no_grad():
        logs, _ = model(torch.from_numpy(np.array([0, *tokens]))[None])
    expected = -logs[0, np.arange(41), tokens].double().sum()
    assert document_losses(model, stream).nats.sum() == pytest.approx(float(expected), rel=1e-5)
    stepper = TorchStepper(model)
    stepper.start(1)
    for position, token in enumerate([0, *tokens]):
        np.testing.assert_allclose(stepper.step(np.array([token]))[0], logs[0, position], atol=1e-4, rtol=1e-4)
    assert EngineOptions().settled(model.config, None) == ("torch", "fp32")
    with pytest.raises(UserError, match="no adaptive softmax, which this model of 60 tokens has"):
        EngineOptions("native").settled(model.config, None)


@pytest.mark.skipif(engine() is None, reason="no native engine was compiled")
def test_the_native_walker_refuses_it():
    model = adaptive()
    weights = {name: p.detach().numpy() for name, p in model.named_parameters()}
    with pytest.raises(UserError, match="adaptive softmax"):
        native_walker(model.config, weights, "fp32", 1)


def test_it_belongs_to_the_head_and_moves_to_another_vocabulary():
    model = adaptive()
    chosen = {name for name, mask in select(model, "head").masks.items() if mask.any()}
    assert chosen == {"head.weight", "head.bias", "head.clusters.weight", "head.clusters.bias"}
    old = [str(i) for i in range(V)]
    changed, _ = remap_vocabulary(model, old, [*old, *(f"new {i}" for i in range(12))])
    tokens = torch.randint(V, (1, 9))
    was, now = (m(tokens)[0] for m in (model, changed))
    assert changed.config.cutoffs == model.config.cutoffs
    torch.testing.assert_close(
        now[..., : V // 3], was[..., : V // 3]
    )  # tokens of the last cluster give up probability to new ones
    full, _ = remap_vocabulary(model, old, old[:10])
    assert full.config.cutoffs == ()
    assert full(tokens % 10)[0].shape == (1, 9, 10)
    small = LanguageModel(ModelConfig(num_layers=1, hidden_size=4, vocabulary_size=MANY - 1))
    grown, _ = remap_vocabulary(small, list(map(str, range(MANY - 1))), list(map(str, range(MANY + 5))))
    assert grown.config.cutoffs == ()


def test_gradients_of_the_clusters_are_joined_at_once():
    model = adaptive()
    tokens, targets = torch.randint(V, (2, 4, 30))
    (loss, _), _ = model.loss(tokens, targets)
    names, queue = set(), [loss.grad_fn]
    while queue:
        node = queue.pop()
        if node is not None:
            names.add(node.name())
            queue += [further for further, _ in node.next_functions]
    assert any("Split" in name for name in names)
    assert "SliceBackward0" not in names, "each has a gradient as large as the whole weight"
