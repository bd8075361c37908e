"""Optimizers: they get their settings, and their steps follow the published rules."""

import sys
from typing import get_args

import pytest
import pytorch_optimizer
import torch
from torch import nn

from epigone.errors import UserError
from epigone.kernels import engine
from epigone.models.classifier import TextClassifier
from epigone.models.config import ModelConfig
from epigone.models.encoder import gate_blocks
from epigone.models.language_model import LanguageModel
from epigone.training.optimisation.muon import Muon, orthogonal
from epigone.training.optimisation.optimizers import RMSprop, clip_gradients, make_optimizer
from epigone.training.options import OptimizerName, TrainingOptions


def stepped(gradients, start=1.0, **options):
    """Do steps with these gradients; return the single weight after them."""
    weight = nn.Parameter(torch.tensor([start], dtype=torch.double))
    optimizer = make_optimizer([weight], TrainingOptions(**options))
    for gradient in gradients:
        weight.grad = torch.tensor([gradient], dtype=torch.double)
        optimizer.step()
    return weight.item()


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("rmsprop", torch.optim.RMSprop, {"alpha": 0.9, "momentum": 0.5}),
        ("adagrad", torch.optim.Adagrad, {}),
        ("adam", torch.optim.Adam, {}),
        ("adamw", torch.optim.AdamW, {}),
        ("sgd", torch.optim.SGD, {"momentum": 0.5}),
        ("muon", Muon, {}),
        ("soap", pytorch_optimizer.SOAP, {}),
        ("ademamix", pytorch_optimizer.AdEMAMix, {}),
        ("lion", pytorch_optimizer.Lion, {}),
        ("schedule-free", pytorch_optimizer.ScheduleFreeAdamW, {}),
    ],
)
def test_settings_arrive(name, kind, expected):
    options = TrainingOptions(optimizer=name, lr=0.02, weight_decay=0.003, alpha=0.9, momentum=0.5)
    optimizer = make_optimizer([nn.Parameter(torch.ones(2))], options)
    assert isinstance(optimizer, kind)
    (group,) = optimizer.param_groups
    for key, value in {"lr": 0.02, "weight_decay": 0.003, **expected}.items():
        assert group[key] == value


def test_rmsprop_of_the_paper():
    """Learning rate 1e-2, alpha 0.99: v = 0.99 v + 0.01 g^2; w -= 0.01 g / (sqrt v + 1e-8)."""
    weight, v = 1.0, 0.0
    for gradient in (0.5, -2.0, 1.0):
        v = 0.99 * v + 0.01 * gradient**2
        weight -= 0.01 * gradient / (v**0.5 + 1e-8)
    assert stepped([0.5, -2.0, 1.0], optimizer="rmsprop", lr=1e-2) == pytest.approx(weight, rel=1e-12)


def test_weight_decay_is_a_penalty_and_for_adamw_apart_from_the_gradient():
    assert stepped([0.0], optimizer="sgd", lr=0.1, weight_decay=0.5) == pytest.approx(0.95)
    assert stepped([0.0], optimizer="adamw", lr=0.1, weight_decay=0.5) == pytest.approx(0.95)
    # Adam divides the penalty's gradient by its own size.
    assert stepped([0.0], optimizer="adam", lr=0.1, weight_decay=0.5) == pytest.approx(0.9)


@pytest.mark.skipif(engine() is None, reason="no native engine was compiled")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_the_native_rmsprop_is_that_of_pytorch(build, threads, decay):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    shapes = [(3,), (16,), (17, 5), (64, 33), (1, 1)]
    starts = [torch.randn(shape) for shape in shapes]
    found = []
    for backend in ("native", "torch"):
        weights = [nn.Parameter(start.clone()) for start in starts]
        options = TrainingOptions(optimizer="rmsprop", lr=1e-2, weight_decay=decay)
        optimizer = make_optimizer(weights, options, backend)
        assert isinstance(optimizer, RMSprop) == (backend == "native")
        draw = torch.Generator().manual_seed(1)
        for step in range(5):
            for weight in weights:
                weight.grad = torch.randn(weight.shape, generator=draw) * 10 ** (step - 3)
            weights[0].grad = None  # of a weight that no loss reached
            optimizer.step()
        found.append((weights, optimizer.state_dict()["state"]))
    (native, kept), (expected, kept_by_torch) = found
    assert torch.equal(native[0], starts[0])
    for a, b in zip(native, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=2e-6, atol=1e-7)
    for index, state in kept_by_torch.items():
        torch.testing.assert_close(kept[index]["square_avg"], state["square_avg"], rtol=2e-6, atol=0)


@pytest.mark.skipif(engine() is None, reason="no native engine was compiled")
def test_what_the_native_rmsprop_cannot_do_is_done_by_pytorch():
    assert stepped([1.0, 1.0], optimizer="rmsprop", lr=0.1, alpha=0.5, momentum=0.5) == pytest.approx(
        1 - 0.1 / 0.5**0.5 - (0.1 / 0.75**0.5 + 0.05 / 0.5**0.5), rel=1e-6
    )
    weight = nn.Parameter(torch.ones(4, 6).T)  # not in the order of memory
    optimizer = make_optimizer([weight], TrainingOptions(optimizer="rmsprop", lr=0.1, alpha=0.5))
    for _ in range(2):
        weight.grad = torch.ones_like(weight)
        optimizer.step()
    torch.testing.assert_close(weight.detach(), torch.full((6, 4), 1 - 0.1 / 0.5**0.5 - 0.1 / 0.75**0.5))


def test_gradients_are_scaled_only_when_their_norm_is_above_the_limit():
    weights = [nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))]
    for most, scale in ((1.0, 0.2), (5.0, 1.0), (9.0, 1.0)):
        weights[0].grad, weights[1].grad = torch.tensor([0.0, 3.0]), torch.tensor([4.0])
        assert clip_gradients(weights, most) == (5.0, 5.0)
        torch.testing.assert_close(weights[0].grad, torch.tensor([0.0, 3.0 * scale]))
        torch.testing.assert_close(weights[1].grad, torch.tensor([4.0 * scale]))


def test_infinite_numbers_are_cut_and_those_that_are_none_are_seen():
    weight = nn.Parameter(torch.zeros(3))
    weight.grad = torch.tensor([1e30, -torch.inf, 0.5])
    first, cut = clip_gradients([weight], torch.inf, 2.0)
    assert first == torch.finfo(torch.float32).max
    assert cut == pytest.approx((4 + 4 + 0.25) ** 0.5)
    assert weight.grad.tolist() == [2.0, -2.0, 0.5]
    weight.grad[0] = torch.nan
    assert not torch.isfinite(torch.tensor(clip_gradients([weight], 1.0, 2.0)[1]))


@pytest.mark.parametrize("shape", [(1, 6, 6), (4, 5, 9), (3, 12, 4)])
def test_singular_values_are_brought_near_one(shape):
    torch.manual_seed(0)
    matrices = torch.randn(shape)
    matrices[0] *= 1e-6
    found = orthogonal(matrices)
    values = torch.linalg.svdvals(found)
    assert ((values > 0.6) & (values < 1.3)).all()
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    cosine = (found * (left @ right)).sum((1, 2)) / torch.linalg.matrix_norm(found) / min(shape[1:]) ** 0.5
    assert (cosine > 0.97).all()
    assert not orthogonal(torch.zeros(1, 3, 3)).any()


def test_muon_takes_products_in_bf16_and_keeps_the_rest_in_float32():
    torch.manual_seed(0)
    weights = [nn.Parameter(torch.ones(32, 16)) for _ in range(2)]
    for weight, precision in zip(weights, ("fp32", "bf16"), strict=True):
        options = TrainingOptions(optimizer="muon", lr=0.1, precision=precision)
        optimizer = make_optimizer([weight], options, blocks={weight: 4})
        weight.grad = torch.randn(32, 16, generator=torch.Generator().manual_seed(1))
        optimizer.step()
        assert {weight.dtype, optimizer.state[weight]["momentum"].dtype} == {torch.float32}
    moves = [(weight - 1).detach() for weight in weights]
    assert not torch.equal(*moves)
    assert torch.nn.functional.cosine_similarity(moves[0].flatten(), moves[1].flatten(), 0) > 0.99


def test_muon_moves_each_gate_apart_and_adamw_the_rest():
    torch.manual_seed(0)
    matrix, bias = nn.Parameter(torch.randn(8, 3)), nn.Parameter(torch.randn(5))
    options = TrainingOptions(optimizer="muon", lr=0.1, weight_decay=0.5)
    optimizer = make_optimizer([{"params": [matrix, bias]}], options, blocks={matrix: 2})
    peer = nn.Parameter(bias.detach().clone())
    adamw = torch.optim.AdamW([peer], 0.1, weight_decay=0.5, fused=True)
    momentum, expected = torch.zeros(8, 3), matrix.detach().clone()
    for _ in range(3):
        matrix.grad, bias.grad = torch.randn(8, 3), torch.randn(5)
        peer.grad = bias.grad.clone()
        momentum = 0.95 * momentum + 0.05 * matrix.grad
        ahead = 0.05 * matrix.grad + 0.95 * momentum
        update = torch.cat([orthogonal(gate[None])[0] for gate in ahead.chunk(2)])
        expected = expected * (1 - 0.1 * 0.5) - 0.1 * 0.2 * 4**0.5 * update
        optimizer.step()
        adamw.step()
        assert matrix.grad is not None
    torch.testing.assert_close(matrix.detach(), expected)
    assert torch.equal(bias, peer)
    still = matrix.detach().clone()
    matrix.grad = None
    bias.grad = torch.ones(5)
    optimizer.step()
    assert torch.equal(matrix, still)


def test_the_matrices_of_gates_are_those_inside_the_network():
    one_hot = LanguageModel(ModelConfig("lstm", num_layers=2, hidden_size=4, vocabulary_size=7))
    embedded = TextClassifier(ModelConfig("gru", num_layers=1, hidden_size=4, embedding_size=3, vocabulary_size=7), 2)
    for module, names in (
        (one_hot, {"layers.0.weight_hh": 4, "layers.1.weight_ih": 4, "layers.1.weight_hh": 4}),
        (embedded, {"layers.0.weight_ih": 3, "layers.0.weight_hh": 3}),
    ):
        found = gate_blocks(module)
        assert {name: found[p] for name, p in module.named_parameters() if p in found} == names


@pytest.mark.parametrize("name", get_args(OptimizerName))
def test_every_optimizer_descends_and_leaves_weights_without_a_gradient_alone(name):
    torch.manual_seed(0)
    goal, weight, still = torch.randn(6, 4), nn.Parameter(torch.zeros(6, 4)), nn.Parameter(torch.ones(6, 4))
    options = TrainingOptions(optimizer=name, lr=0.05, weight_decay=0.0)
    optimizer = make_optimizer([{"params": [weight, still]}], options, blocks={weight: 2, still: 2})
    if name == "schedule-free":
        optimizer.train()
    losses = []
    for _ in range(40):
        loss = (weight - goal).square().sum() / 2
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < 0.7 * losses[0]
    assert torch.equal(still, torch.ones(6, 4))


def test_an_optimizer_whose_package_is_missing_gets_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "pytorch_optimizer", None)
    with pytest.raises(UserError, match="pip install pytorch-optimizer, or choose adamw or muon"):
        make_optimizer([nn.Parameter(torch.ones(2))], TrainingOptions(optimizer="soap"))
