"""A state of a model's own that documents begin in, on every engine."""

import copy

import numpy as np
import pytest
import torch

from epigone.described import described
from epigone.generation.stepper import TorchStepper
from epigone.kernels import engine
from epigone.models.backends.numpy_reference import Bump, gradients, loss
from epigone.models.backends.walker import native_walker
from epigone.models.config import ModelConfig, num_weights, weight_shapes
from epigone.models.files.checkpoint import load_checkpoint, save_description, save_weights
from epigone.models.language_model import LanguageModel
from epigone.text.tokenizers.characters import AsciiTokenizer

SHAPES = {
    "lstm": {"cell": "lstm"},
    "gru": {"cell": "gru", "embedding_size": 4},
    "narrow-top": {"cell": "lstm", "num_layers": 3, "top_size": 4},
    "relu": {"cell": "rnn_relu"},
}
BACKENDS = ["reference", "torch", *(["native"] if engine() else [])]


def make(backend="reference", **shape):
    torch.manual_seed(2)
    sizes = {"num_layers": 2, "hidden_size": 7, "vocabulary_size": 11, "init": "uniform", "start_state": True}
    model = LanguageModel(ModelConfig(**sizes | shape), backend).eval()
    with torch.no_grad():
        for vector in model.start.values():
            vector.copy_(torch.randn_like(vector) * 0.5)
    return model


def numbers(model):
    return {name: weight.detach().double().numpy() for name, weight in model.named_parameters()}


def test_it_is_zero_at_first_and_part_of_no_other_model():
    drawn = LanguageModel(ModelConfig(vocabulary_size=5, init="normal", start_state=True))
    assert not any(vector.any() for vector in drawn.start.values())
    plain = LanguageModel(ModelConfig(vocabulary_size=5, init="normal"))
    assert "start_state" not in described(plain.config)
    assert not any(name.startswith("start") for name in weight_shapes(plain.config))
    before, tokens = copy.deepcopy(plain), torch.tensor([[1, 2, 3]])
    plain.add_start_state()
    torch.testing.assert_close(plain(tokens)[0], before(tokens)[0], rtol=0, atol=0)
    plain.start["hidden"].data += 1
    plain.add_start_state()
    assert plain.start["hidden"].all()
    assert num_weights(plain.config) == plain.num_parameters() == before.num_parameters() + 2 * 3 * 64


@pytest.mark.parametrize("shape", SHAPES)
def test_a_run_begins_there_and_goes_on_from_its_own_state(shape):
    model, tokens = make(**SHAPES[shape]), torch.randint(11, (3, 6))
    whole, final = model(tokens)
    first, state = model(tokens[:, :2])
    second, last = model(tokens[:, 2:], state)
    torch.testing.assert_close(torch.cat([first, second], 1), whole)
    torch.testing.assert_close(last, final)
    below, _ = model.encode(tokens, stop=1)
    above, _ = model.encode(below, start=1)
    torch.testing.assert_close(model.logits(above), whole)
    zero = copy.deepcopy(model)
    for vector in zero.start.values():
        vector.data.zero_()
    assert (zero(tokens)[0] - whole).abs().max() > 1e-3


@pytest.mark.parametrize("shape", SHAPES)
def test_the_gradients_are_those_of_the_equations(shape):
    """The yardstick against complex differences of its loss, and each backend against it."""
    model, (tokens, targets) = make(**SHAPES[shape]).double(), np.random.default_rng(0).integers(11, size=(2, 6))
    weights, exact = numbers(model), gradients(model.config, numbers(model), tokens, targets)
    for name in (name for name in weights if name.startswith("start.")):
        places = np.arange(weights[name].size)
        rows, columns = np.unravel_index(places, weights[name].shape)
        bumped = loss(model.config, weights, tokens, targets, Bump(name, rows, columns, 1e-30j))
        np.testing.assert_allclose(bumped.imag / 1e-30, exact[name].ravel(), atol=1e-9)
    for backend in BACKENDS:
        learner = make(backend, **SHAPES[shape])
        assert not any(vector.requires_grad for vector in learner.start.values())
        learner.requires_grad_(True)
        scored, _ = learner.loss(torch.from_numpy(tokens)[None], torch.from_numpy(targets)[None])
        (scored.loss * len(tokens)).backward()
        for name, parameter in learner.named_parameters():
            np.testing.assert_allclose(parameter.grad.numpy(), exact[name], atol=1e-5, err_msg=f"{backend} {name}")


@pytest.mark.parametrize("shape", SHAPES)
def test_steps_begin_there_too(shape):
    model, tokens = make(**SHAPES[shape]), torch.randint(11, (3, 6))
    with torch.no_grad():
        expected = model(tokens)[0].numpy()
    stepper = TorchStepper(model)
    for _ in range(2):
        stepper.start(3)
        for step in range(6):
            np.testing.assert_allclose(stepper.step(tokens[:, step].numpy()), expected[:, step], atol=1e-5)


@pytest.mark.skipif(engine() is None, reason="no native engine was compiled")
@pytest.mark.parametrize(
    ("shape", "precision", "close"),
    [*((shape, "fp32", 1e-5) for shape in SHAPES), ("lstm", "bf16", 0.02), ("narrow-top", "int8", 0.05)],
)
def test_the_native_walker_begins_there(build, shape, precision, close):
    model, tokens = make(**SHAPES[shape]), torch.randint(11, (3, 6))
    for vector in model.start.values():
        vector.data.clamp_(-1, 1)  # 8 bits hold no more
    with torch.no_grad():
        expected = model(tokens)[0].numpy()
    weights = {name: weight.detach().numpy() for name, weight in model.named_parameters()}
    for threads in (1, 2):
        walker = native_walker(model.config, weights, precision, threads)
        for _ in range(2):
            walker.start(3)
            for step in range(6):
                found = walker.step(tokens[:, step].numpy())
                np.testing.assert_allclose(found, expected[:, step], atol=close)


def test_eight_bits_cut_a_large_hidden_state_instead_of_turning_it_over():
    model = make()
    weights = {name: weight.detach().numpy() for name, weight in model.named_parameters()}
    found = []
    for most in (1.0, 3.0):
        weights["start.hidden"] = np.full((2, 7), most, np.float32)
        walker = native_walker(model.config, weights, "int8", 1)
        walker.start(1)
        found.append(walker.step(np.array([4])))
    assert np.array_equal(*found)


def test_it_is_saved_and_read(tmp_path):
    model, codec = make(vocabulary_size=len(AsciiTokenizer().vocabulary)), AsciiTokenizer()
    save_description(tmp_path / "mine", model.config, codec)
    save_weights(tmp_path / "mine", model)
    again = load_checkpoint(tmp_path / "mine", "reference").model
    assert {name for name, _ in again.named_parameters()} >= {"start.hidden", "start.cell"}
    for name, weight in model.named_parameters():
        assert torch.equal(again.get_parameter(name), weight)
    tokens = torch.tensor([[7, 8]])
    torch.testing.assert_close(again(tokens)[0], model(tokens)[0], rtol=0, atol=0)
