"""Dropout against equations in plain PyTorch with the masks given: values and gradients, on every backend."""

from dataclasses import replace

import pytest
import torch
from torch.func import functional_call

from epigone.errors import UserError
from epigone.kernels import engine
from epigone.models.cells.base import CELLS
from epigone.models.config import DROPOUTS, ModelConfig, ModelOptions, scaled_dropouts
from epigone.models.dropout import Masks, mask
from epigone.models.language_model import LanguageModel

V, E, H, TOP = 17, 6, 5, 4
SHAPE = {"num_layers": 3, "hidden_size": H, "top_size": TOP, "embedding_size": E, "vocabulary_size": V}
ALL = {"dropout": 0.3, "output_dropout": 0.4, "embedding_dropout": 0.2, "input_dropout": 0.35, "weight_dropout": 0.5}
TOKENS, TARGETS = torch.arange(24).reshape(3, 8) * 5 % V, torch.arange(24).reshape(3, 8) * 7 % V
BACKENDS = ["reference", "torch", pytest.param("native", marks=pytest.mark.skipif(engine() is None, reason="none"))]


def make(backend="reference", **options) -> LanguageModel:
    torch.manual_seed(3)
    return LanguageModel(ModelConfig(**SHAPE | options), backend).train()


def ones(masks: list) -> list:
    return [1 if each is None else each for each in masks]


def by_the_equations(model: LanguageModel, masks: Masks, over: torch.Tensor | float) -> tuple:
    """The loss, and the outputs (T, B, H) before the last dropout, of a training step, with all masks given."""
    weights = dict(model.named_parameters())
    table = weights["embedding.weight"] * (1 if masks.tokens is None else masks.tokens[:, None])  # whole rows
    x = table[TOKENS.T] * (1 if masks.inputs is None else masks.inputs)
    for layer, size in enumerate(model.config.layer_sizes):
        x = x * ones(masks.between)[layer]
        own = {name: weights[f"layers.{layer}.{name}"] for name in model.cell.shapes(1, 1)}
        own["weight_hh"] = own["weight_hh"] * ones(masks.recurrent)[layer]
        state = (x.new_zeros(3, size),) * model.cell.num_states
        outputs = []
        for step in x:
            state = model.cell.step(step @ own["weight_ih"].T + own["bias_ih"], state, own)
            outputs.append(state[0])
        x = torch.stack(outputs)
    logits = (x * over) @ weights["head.weight"].T + weights["head.bias"]
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), TARGETS.T.flatten()), x


def drawn(model: LanguageModel, seed: int) -> tuple[Masks, torch.Tensor | float]:
    """The masks that a step draws after this seed."""
    torch.manual_seed(seed)
    masks = Masks.drawn(model.config, model.weight, 8, 3, 0, 3)
    rate, steps = model.config.output_dropout, 1 if model.config.dropout_kind == "variational" else 8
    return masks, mask(model.weight, (steps, 3, TOP), rate) if rate else 1.0


def gradients(model: LanguageModel, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    return dict(zip(dict(model.named_parameters()), torch.autograd.grad(loss, list(model.parameters())), strict=True))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", ["ordinary", "variational"])
@pytest.mark.parametrize("rates", [*({name: ALL[name]} for name in ALL), ALL], ids=[*ALL, "all"])
def test_each_dropout_equals_its_equation(backend, kind, rates):
    model = make(backend, dropout_kind=kind, **rates)
    masks, over = drawn(model, 11)
    expected, _ = by_the_equations(model, masks, over)
    torch.manual_seed(11)
    (found, _), _ = model.loss(TOKENS, TARGETS)
    plain, _ = by_the_equations(model, Masks.none(3), 1.0)
    assert abs(expected.item() - plain.item()) > 1e-4  # the masks do something
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    wanted = gradients(model, expected)
    for name, gradient in gradients(model, found).items():
        torch.testing.assert_close(gradient, wanted[name], rtol=1e-3, atol=1e-5, msg=name)


@pytest.mark.parametrize("cell", ["gru", "rnn", "rnn_relu"])
@pytest.mark.parametrize("backend", BACKENDS[1:])
def test_other_cells_and_one_hot_input_drop_their_recurrent_weights(cell, backend):
    rates = {"dropout": 0.3, "weight_dropout": 0.5}
    values = []
    for each in ("reference", backend):
        model = make(each, cell=cell, embedding_size=0, **rates)
        torch.manual_seed(5)
        (loss, _), _ = model.loss(TOKENS, TARGETS)
        values.append((loss, gradients(model, loss)))
    torch.testing.assert_close(values[0], values[1], rtol=1e-3, atol=1e-5)


def test_evaluation_sees_no_mask_and_weights_stay_as_they_are():
    model = make(**ALL)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    names = list(before)
    plain, _ = by_the_equations(model, Masks.none(3), 1.0)
    with torch.no_grad():
        assert not torch.equal(model(TOKENS)[0], model(TOKENS)[0])
        model.eval()
        assert torch.equal(model(TOKENS)[0], model(TOKENS)[0])
        torch.testing.assert_close(model.loss(TOKENS, TARGETS)[0].loss, plain)
    assert list(dict(model.named_parameters())) == names
    assert all(torch.equal(weight, before[name]) for name, weight in model.named_parameters())


def test_a_weight_that_is_dropped_gets_no_gradient_and_a_frozen_one_none_at_all():
    model = make(weight_dropout=0.5)
    model.layers[0].weight_hh.requires_grad_(False)
    torch.manual_seed(7)
    (loss, _), _ = model.loss(TOKENS, TARGETS)
    loss.backward()
    torch.manual_seed(7)
    masks = Masks.drawn(model.config, model.weight, 8, 3, 0, 3)
    assert model.layers[0].weight_hh.grad is None
    for layer in (1, 2):
        gradient = model.layers[layer].weight_hh.grad
        assert torch.equal(gradient == 0, masks.recurrent[layer] == 0)


def test_masks_have_the_share_and_the_scale_that_they_should():
    config = ModelConfig(
        num_layers=2,
        hidden_size=60,
        top_size=50,
        embedding_size=40,
        vocabulary_size=3000,
        **ALL,
        dropout_kind="variational",
    )
    torch.manual_seed(0)
    masks = Masks.drawn(config, torch.zeros(1), 9, 64, 0, 2)
    found = {
        "embedding_dropout": masks.tokens, "input_dropout": masks.inputs, "dropout": masks.between[1],
        "weight_dropout": masks.recurrent[0],
    }  # fmt: skip
    assert masks.between[0] is None
    shapes = [(3000,), (1, 64, 40), (1, 64, 60), (240, 60)]
    assert [tuple(each.shape) for each in found.values()] == shapes
    assert masks.recurrent[1].shape == (200, 50)
    for name, each in found.items():
        rate = ALL[name]
        assert each.unique().tolist() == pytest.approx([0, 1 / (1 - rate)])
        spread = 5 * (rate * (1 - rate) / each.numel()) ** 0.5
        assert (each == 0).double().mean().item() == pytest.approx(rate, abs=spread), name
    assert Masks.drawn(replace(config, dropout_kind="ordinary"), torch.zeros(1), 9, 64, 0, 2).inputs.shape == (
        9,
        64,
        40,
    )


def test_masks_are_drawn_anew_at_each_call_and_alike_on_every_backend():
    states = []
    for backend in ("reference", "torch", "auto"):
        model = make(backend, **ALL)
        torch.manual_seed(2)
        first, second = (model.loss(TOKENS, TARGETS)[0].loss for _ in range(2))
        assert abs(first.item() - second.item()) > 1e-4
        states.append(torch.get_rng_state())
    assert torch.equal(states[0], states[1])
    assert torch.equal(states[0], states[2])


def test_layers_above_the_lowest_draw_the_masks_of_their_own():
    model = make(**ALL)
    features = torch.randn(3, 8, H)
    torch.manual_seed(4)
    found, _ = model.encode(features, start=2)
    torch.manual_seed(4)
    masks = Masks.drawn(model.config, model.weight, 8, 3, 2, 3)
    assert (masks.tokens, masks.inputs) == (None, None)
    weights = {"layers.2.weight_hh": model.layers[2].weight_hh * masks.recurrent[0]}
    model.eval()
    encode = _Encode(model)
    expected = functional_call(
        encode, {f"model.{name}": w for name, w in weights.items()}, (features * masks.between[0].transpose(0, 1),)
    )
    torch.testing.assert_close(found, expected)


class _Encode(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, features):
        return self.model.encode(features, start=2)[0]


# Options.


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"weight_dropout": 1.0}, "weight_dropout must be at least 0 and below 1; 1.0"),
        ({"embedding_dropout": 0.1}, "embedding_dropout acts on an embedding; set embedding_size"),
        ({"input_dropout": 0.1}, "input_dropout acts on an embedding"),
        ({"top_size": -1}, "top_size must be 0 or more"),
        ({"tied": True, "embedding_size": 64, "top_size": 32}, "set embedding_size to 32 .it is 64., or top_size to"),
    ],
)
def test_impossible_options_get_a_sentence(options, words):
    with pytest.raises(UserError, match=words):
        ModelOptions(**options)


def test_a_cell_without_that_matrix_has_none_to_drop(registries):
    def step(x, state, weights):
        return (x.tanh(),)

    def shapes(inputs, units):
        return {"weight_ih": (units, inputs), "bias_ih": (units,)}

    forms = dict.fromkeys(("native", "aten", "numpy", "inference"))
    CELLS.register(replace(CELLS["rnn"], name="free", step=step, shapes=shapes, **forms))
    ModelOptions("free")
    with pytest.raises(UserError, match="The cell free has no weight_hh for weight_dropout to act on"):
        ModelOptions("free", weight_dropout=0.5)


def test_one_factor_scales_every_dropout_and_is_cut_in_a_sentence():
    notices: list[str] = []
    options = ModelOptions(embedding_size=4, **ALL)
    assert scaled_dropouts(options, 1.0, notices) is options
    half = scaled_dropouts(options, 0.5, notices)
    assert {name: getattr(half, name) for name in DROPOUTS} == {name: ALL[name] / 2 for name in DROPOUTS}
    assert notices == []
    assert replace(half, **ALL) == options  # nothing else changed
    double = scaled_dropouts(options, 2.0, notices)
    assert (double.weight_dropout, double.output_dropout) == (0.95, 0.8)
    assert notices == ["weight_dropout 0.5 times 2 would be 1; it is 0.95."]
    scaled_dropouts(ModelOptions(), 2.0, notices)
    assert notices[1:] == ["dropout_scale 2 changes nothing, because no dropout is above 0."]
    for wrong in (-1.0, float("inf")):
        with pytest.raises(UserError, match="dropout_scale must be a number from 0"):
            scaled_dropouts(options, wrong, notices)
