"""A top layer of its own size: the same network whichever way it is run."""

import numpy as np
import pytest
import torch
from token_by_token import record_states
from torch import nn

from epigone.errors import UserError
from epigone.evaluation.losses import document_losses
from epigone.evaluation.traversal import layer_outputs
from epigone.generation.continuation import continued
from epigone.generation.sampling import SamplingOptions
from epigone.generation.stepper import TorchStepper
from epigone.kernels import engine
from epigone.models.backends import walker as walkers
from epigone.models.backends.walker import native_walker
from epigone.models.cells.base import CELLS
from epigone.models.config import ModelConfig, num_weights, weight_shapes
from epigone.models.files.checkpoint import load_checkpoint
from epigone.models.gradcheck import GradcheckOptions, gradcheck
from epigone.models.language_model import LanguageModel
from epigone.models.unit_names import UnitName
from epigone.text.corpus import Corpus
from epigone.text.tokenizers.characters import AsciiTokenizer
from epigone.training.batches import Batches
from epigone.training.options import TrainingOptions
from epigone.transfer.frozen_prefix import cached_layers, prefix_outputs

TOKENS = torch.arange(24).reshape(3, 8) % 7
NATIVE = pytest.mark.skipif(engine() is None, reason="no native engine was compiled")
SIZES = [(9, 4), (4, 9)]  # a narrower top, and a wider one


def make(units=9, top=4, backend="reference", **shape) -> LanguageModel:
    torch.manual_seed(0)
    sizes = {"num_layers": 3, "hidden_size": units, "top_size": top, "vocabulary_size": 7}
    return LanguageModel(ModelConfig(**sizes | shape), backend)


@pytest.mark.parametrize(("units", "top"), SIZES)
def test_shapes_are_those_of_the_description(units, top):
    model = make(units, top, embedding_size=top, tied=True)
    found = {name: tuple(weight.shape) for name, weight in model.named_parameters()}
    assert found == weight_shapes(model.config)
    assert found["layers.2.weight_ih"] == (4 * top, units)
    assert found["layers.2.weight_hh"] == (4 * top, top)
    assert found["embedding.weight"] == (7, top)
    assert model.num_parameters() == num_weights(model.config)
    assert model.config.layer_sizes == (units, units, top)


def test_one_layer_is_the_top_one():
    assert make(num_layers=1).config.layer_sizes == (4,)
    same = make(9, 9), make(9, 0)
    assert all(torch.equal(a, b) for a, b in zip(*(model.parameters() for model in same), strict=True))


@pytest.mark.parametrize(("units", "top"), SIZES)
@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("backend", ["reference", "torch", pytest.param("native", marks=NATIVE)])
def test_it_equals_torchs_own_layers(units, top, cell, backend):
    model = make(units, top, backend, cell=cell, embedding_size=5)
    kind = {"lstm": nn.LSTM, "gru": nn.GRU}[cell]
    theirs = [kind(size, own, batch_first=True) for size, own in ((5, units), (units, units), (units, top))]
    with torch.no_grad():
        for mine, other in zip(model.layers, theirs, strict=True):
            for name, parameter in mine.named_parameters():
                getattr(other, f"{name}_l0").copy_(parameter)
    x = model.embedding(TOKENS)
    for layer in theirs:
        x, _ = layer(x)
    expected = model.head.logits(x)
    found, state = model(TOKENS)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert [tuple(s.shape) for s in state] == [(3, 3, 9)] * CELLS[cell].num_states
    narrow = slice(None, 2) if top > units else slice(2, None)
    assert not any(s[narrow, :, 4:].any() for s in state)  # the room behind a narrower layer stays empty
    score = torch.randn_like(found)
    inputs = [model.embedding.weight, *model.layers.parameters()]
    others = [model.embedding.weight, *(weight for layer in theirs for weight in layer.parameters())]
    mine = torch.autograd.grad((found * score).sum(), inputs)
    torch.testing.assert_close(mine, torch.autograd.grad((expected * score).sum(), others), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("units", "top"), SIZES)
@pytest.mark.parametrize("cut", [1, 5])
def test_pieces_of_text_and_layers_equal_the_whole(units, top, cut):
    model = make(units, top).double().eval()
    whole, final = model(TOKENS)
    first, state = model(TOKENS[:, :cut])
    second, after = model(TOKENS[:, cut:], state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)
    torch.testing.assert_close(after, final)
    features, _ = model.encode(TOKENS, stop=2)
    outputs, upper = model.encode(features, start=2)
    torch.testing.assert_close(model.logits(outputs), whole)
    assert {s.shape[-1] for s in upper} == {top}


@NATIVE
@pytest.mark.parametrize(("units", "top"), [(9, 4), (4, 9), (70, 37), (20, 64)])
@pytest.mark.parametrize("precision", ["fp32", "bf16", "int8"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_the_walker_and_the_stepper_equal_the_model(units, top, precision, cell, build, monkeypatch):
    model = make(units, top, cell=cell, embedding_size=6, init="uniform", vocabulary_size=50).eval()
    tokens = np.random.default_rng(0).integers(50, size=(9, 5))
    with torch.no_grad():
        wanted = model(torch.from_numpy(tokens.T))[0].transpose(0, 1).numpy()
    stepper = TorchStepper(model)
    stepper.start(5)
    np.testing.assert_allclose(np.stack([stepper.step(ids) for ids in tokens]), wanted, rtol=1e-4, atol=1e-5)
    weights = {name: weight.detach().numpy() for name, weight in model.named_parameters()}
    close = {"fp32": 1e-5, "bf16": 0.01, "int8": 0.03}[precision]
    for table in (walkers.TABLE, 0):
        monkeypatch.setattr(walkers, "TABLE", table)
        for threads in (1, 3):
            walker = native_walker(model.config, weights, precision, threads)
            walker.start(5)
            half = [walker.step(ids) for ids in tokens[:4]]
            state = walker.state
            walker.step(tokens[0])
            walker.state = state
            found = np.stack([*half, *(walker.step(ids) for ids in tokens[4:])])
            assert np.abs(found - wanted).max() <= close * (1 + np.abs(wanted).max())


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_its_gradients_pass_the_check(cell):
    options = GradcheckOptions(
        cell, num_layers=2, hidden_size=5, top_size=3, embedding_size=4, vocabulary_size=6, sequence_length=5
    )
    found = gradcheck(options)
    assert found.passed
    assert {row.backend for row in found.rows} >= {"written out", "reference", "torch"}


def test_evaluation_reads_every_width(make_base, song_file):
    model = load_checkpoint(make_base(num_layers=3, hidden_size=9, top_size=4)).model
    stream = Corpus.open([song_file]).stream("validation", AsciiTokenizer())
    whole = document_losses(model, stream)
    for stop, width in ((1, 9), (2, 9), (3, 4)):
        features = layer_outputs(model, stream, stop)
        assert features.shape == (len(stream), width)
        assert document_losses(model, stream, features, stop).loss == pytest.approx(whole.loss, abs=1e-5)
    hidden, _ = record_states(model, np.arange(5), AsciiTokenizer().end)
    assert hidden.shape == (5, 3, 9)
    assert hidden[:, 1].all()
    assert not hidden[:, 2, 4:].any()


@pytest.mark.parametrize(("units", "top"), SIZES)
def test_a_text_continues_from_its_state(units, top):
    tokenizer = AsciiTokenizer()
    model = make(units, top, vocabulary_size=len(tokenizer.vocabulary)).eval()
    read = tokenizer.encode("The river ran")
    with torch.no_grad():
        _, state = model(torch.from_numpy(read[:-1].astype(np.int64))[None])
    found = continued(model, tokenizer, state, int(read[-1]), 12, SamplingOptions(temperature=0.0, seed=0))
    stepper = TorchStepper(model)
    stepper.start(1)
    for token in read[:-1]:
        stepper.step(np.array([token]))
    expected, token = [], int(read[-1])
    for _ in range(12):
        token = int(stepper.step(np.array([token])).argmax())
        expected.append(token)
    assert tokenizer.end not in expected
    assert found == tokenizer.decode(np.array(expected))


def test_a_frozen_prefix_is_as_wide_as_its_top(make_base, song_file):
    model = load_checkpoint(make_base(num_layers=3, hidden_size=9, top_size=4)).model.eval()
    stream = Corpus.open([song_file]).stream("train", AsciiTokenizer())
    batches = Batches.of(stream, TrainingOptions(batch_size=2, sequence_length=8))
    for layers, width in ((2, 9), (3, 4)):
        assert cached_layers(model, layers, len(stream)) == layers
        assert prefix_outputs(model, batches, layers).inputs.shape[1] == width


@pytest.mark.parametrize("option", ["embedding_dropout", "input_dropout", "weight_dropout"])
def test_no_outputs_are_kept_if_anything_below_is_random(option):
    model = make(embedding_size=5, **{option: 0.1})
    assert [cached_layers(model, lowest, 10) for lowest in range(4)] == [0] * 4


def test_units_of_the_top_layer_have_names_of_their_own():
    config = make().config
    assert UnitName.parse("layers.1[8]", config).unit == 8
    assert UnitName.parse("layers.2.cell[3]", config).unit == 3
    with pytest.raises(UserError, match="each with the units 0 to 8, the top one with those to 3"):
        UnitName.parse("layers.2[4]", config)
