"""The language model: shapes, names, state, dropout, ties."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from epigone.errors import UserError
from epigone.models.cells.base import CELLS
from epigone.models.config import ModelConfig, ModelOptions
from epigone.models.language_model import LanguageModel

TOKENS = torch.arange(24).reshape(3, 8) % 7


def make(seed=0, **shape):
    torch.manual_seed(seed)
    return LanguageModel(ModelConfig(**{"num_layers": 2, "hidden_size": 5, "vocabulary_size": 7} | shape))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("embedding_size", [0, 3])
def test_names_and_shapes(cell, embedding_size):
    model = make(cell=cell, embedding_size=embedding_size)
    gates = len(CELLS[cell].gates)
    expected = {"head.weight": (7, 5), "head.bias": (7,)}
    for i, width in enumerate((embedding_size or 7, 5)):
        expected |= {
            f"layers.{i}.weight_ih": (gates * 5, width),
            f"layers.{i}.weight_hh": (gates * 5, 5),
            f"layers.{i}.bias_ih": (gates * 5,),
            f"layers.{i}.bias_hh": (gates * 5,),
        }
    if embedding_size:
        expected["embedding.weight"] = (7, embedding_size)
    assert {name: tuple(p.shape) for name, p in model.named_parameters()} == expected
    assert model.num_parameters() == sum(p.numel() for p in model.parameters())
    logits, state = model(TOKENS)
    assert logits.shape == (3, 8, 7)
    assert [tuple(s.shape) for s in state] == [(2, 3, 5)] * CELLS[cell].num_states


@settings(max_examples=30)
@given(st.sampled_from(list(CELLS)), st.integers(1, 7), st.sampled_from([0, 4]))
def test_two_pieces_with_the_state_between_equal_the_whole(cell, cut, embedding_size):
    model = make(cell=cell, embedding_size=embedding_size).double().eval()
    whole, final = model(TOKENS)
    first, state = model(TOKENS[:, :cut])
    second, after = model(TOKENS[:, cut:], state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)
    torch.testing.assert_close(after, final)


@pytest.mark.parametrize("cell", CELLS)
def test_layers_run_apart_equal_the_whole(cell):
    model = make(cell=cell, num_layers=3).double().eval()
    whole, state = model(TOKENS)
    features, lower = model.encode(TOKENS, stop=2)
    assert features.shape == (3, 8, 5)
    outputs, upper = model.encode(features, start=2)
    torch.testing.assert_close(model.logits(outputs), whole)
    torch.testing.assert_close(tuple(torch.cat(pair) for pair in zip(lower, upper, strict=True)), state)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_the_weights_are_those_of_torch(cell):
    """Names and gate order are the same, so PyTorch's own module takes the weights as they are."""
    model = make(cell=cell, embedding_size=4).double().eval()
    theirs = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[cell](4, 5, 2, batch_first=True).double()
    with torch.no_grad():
        for i, layer in enumerate(model.layers):
            for name, parameter in layer.named_parameters():
                getattr(theirs, f"{name}_l{i}").copy_(parameter)
    outputs, state = theirs(model.embedding(TOKENS))
    logits, ours = model(TOKENS)
    torch.testing.assert_close(logits, model.head.logits(outputs))
    torch.testing.assert_close(ours, state if cell == "lstm" else (state,))


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_one_hot_input_is_a_lookup_that_equals_the_product(cell):
    model = make(cell=cell).double().eval()
    looked_up, _ = model(TOKENS)
    # Layer 0 multiplies one-hot vectors given as features, as it does the outputs of an embedding.
    multiplied, _ = model(torch.eye(7, dtype=torch.double)[TOKENS])
    torch.testing.assert_close(looked_up, multiplied)


def test_a_tied_head_is_the_embedding_and_counts_once():
    model = make(embedding_size=5, tied=True)
    assert model.head.weight is model.embedding.weight
    assert "head.weight" not in dict(model.named_parameters())
    apart = make(embedding_size=5)
    assert apart.num_parameters() - model.num_parameters() == 7 * 5


class Recorder(nn.Module):
    """Stand in for the head and record its input."""

    def logits(self, x):
        self.seen = x.detach()
        return x


@pytest.mark.parametrize("kind", ["ordinary", "variational"])
def test_dropout_before_the_head(kind):
    model = make(hidden_size=40, output_dropout=0.25, dropout_kind=kind)
    model.head = Recorder()
    tokens = torch.randint(7, (16, 20))
    model.eval()(tokens)
    kept = model.head.seen
    model.train()(tokens)
    ratio = model.head.seen / kept  # (T, B, H)
    assert ratio.unique().round(decimals=3).unique().tolist() == pytest.approx([0, 1.333])
    assert (ratio == 0).float().mean().item() == pytest.approx(0.25, abs=0.05)
    assert ((ratio[0] == 0) == (ratio[1:] == 0)).all() == (kind == "variational")


def test_dropout_acts_between_layers_in_training_only():
    model = make(dropout=0.5)
    assert torch.equal(model.eval()(TOKENS)[0], model(TOKENS)[0])
    assert not torch.equal(model.train()(TOKENS)[0], model(TOKENS)[0])
    single = make(num_layers=1, dropout=0.5).train()  # there is nothing between
    assert torch.equal(single(TOKENS)[0], single(TOKENS)[0])
    lower = model.encode(TOKENS, stop=1)[0]
    assert torch.equal(lower, model.encode(TOKENS, stop=1)[0])  # nor below layer 0


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("embedding_size", [0, 6])
def test_bf16_autocast_stays_near_fp32(cell, embedding_size):
    model = make(cell=cell, hidden_size=16, embedding_size=embedding_size)
    exact, _ = model(TOKENS)
    exact.square().sum().backward()
    gradients = {name: p.grad.clone() for name, p in model.named_parameters()}
    model.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        near, state = model(TOKENS)
    near.float().square().sum().backward()
    assert {s.dtype for s in state} == {torch.float32}
    torch.testing.assert_close(near.float(), exact, atol=0.02, rtol=0.05)
    for name, parameter in model.named_parameters():
        scale = gradients[name].abs().max()
        assert (parameter.grad - gradients[name]).abs().max() < 0.05 * scale, name


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ({"cell": "transformer"}, f"no cell 'transformer'; choose one of {CELLS.choices()}"),
        ({"num_layers": 0}, "at least one layer and one unit; num_layers=0"),
        ({"hidden_size": 0}, "hidden_size=0"),
        ({"embedding_size": -1}, r"embedding_size=-1 \(0 for one-hot input\)"),
        ({"tied": True}, "set embedding_size to 64 .it is 0"),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1; 1.0"),
        ({"output_dropout": -0.1}, "output_dropout must be at least 0"),
        ({"dropout_kind": "zoneout"}, "no dropout_kind 'zoneout'; choose one of ordinary, variational"),
    ],
)
def test_impossible_shapes_get_a_sentence(shape, words):
    with pytest.raises(UserError, match=words):
        ModelOptions(**shape)
