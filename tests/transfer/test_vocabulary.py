"""The move of a model to another vocabulary: every row follows its token."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from epigone.models.config import ModelConfig
from epigone.models.language_model import LanguageModel
from epigone.transfer.vocabulary import remap_vocabulary

LETTERS = list("\x03abcdef")
SHAPES = {
    "one-hot": {},
    "embedded": {"embedding_size": 3},
    "tied": {"embedding_size": 5, "tied": True},
    "gru": {"cell": "gru"},
}


def make_model(shape, seed=0):
    torch.manual_seed(seed)
    sizes = {"num_layers": 2, "hidden_size": 5, "vocabulary_size": len(LETTERS)}
    return LanguageModel(ModelConfig(**sizes | SHAPES[shape])).double().eval()


def logits(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids]))[0][0]


@pytest.mark.parametrize("shape", SHAPES)
@settings(deadline=None, max_examples=25)
@given(order=st.permutations(range(len(LETTERS))), ids=st.lists(st.integers(0, 6), min_size=1, max_size=12))
def test_another_order_of_the_same_tokens_changes_no_prediction(shape, order, ids):
    model = make_model(shape)
    permuted, coverage = remap_vocabulary(model, LETTERS, [LETTERS[i] for i in order])
    assert (coverage.kept, coverage.new, coverage.dropped) == (7, [], [])
    place = [order.index(i) for i in range(7)]  # where each old token stands now
    found = logits(permuted.double(), [place[i] for i in ids])[:, place]
    # The copy is made in single precision, in which the weights of a checkpoint are.
    torch.testing.assert_close(found, logits(model.float().double(), ids), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", ["one-hot", "embedded"])
def test_rows_follow_their_token_and_new_ones_start_from_the_mean(shape):
    model = make_model(shape).float()
    changed, coverage = remap_vocabulary(model, LETTERS, ["\x03", "é", "c", "a", "ö"])
    assert (coverage.kept, coverage.new, coverage.dropped) == (3, ["é", "ö"], ["b", "d", "e", "f"])
    assert changed.config.vocabulary_size == 5
    old, new = dict(model.named_parameters()), dict(changed.named_parameters())
    rows = (
        (lambda p: p["layers.0.weight_ih"].T) if shape == "one-hot" else (lambda p: p["embedding.weight"]),
        lambda p: p["head.weight"],
        lambda p: p["head.bias"],
    )
    for read in rows:
        before, after = read(old), read(new)
        for token, place in {"\x03": 0, "c": 2, "a": 3}.items():
            assert torch.equal(after[place], before[LETTERS.index(token)])
        for place in (1, 4):
            torch.testing.assert_close(after[place], before.mean(0))
    for name, weight in old.items():
        if name.startswith("layers.") and (shape == "embedded" or name != "layers.0.weight_ih"):
            assert torch.equal(new[name], weight)


def test_a_tied_head_stays_tied():
    changed, _ = remap_vocabulary(make_model("tied"), LETTERS, ["\x03", "x"])
    assert changed.embedding is not None
    assert changed.head.weight is changed.embedding.weight


def test_the_old_model_and_the_random_numbers_are_left_alone():
    model = make_model("one-hot")
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    changed, _ = remap_vocabulary(model, LETTERS, LETTERS)
    assert torch.equal(torch.rand(3), expected)
    with torch.no_grad():
        changed.head.bias.zero_()
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    assert changed.training == model.training


def test_clusters_keep_their_tokens():
    torch.manual_seed(0)
    old = [str(i) for i in range(60)]
    model = LanguageModel(ModelConfig(num_layers=1, hidden_size=5, vocabulary_size=60, softmax="adaptive")).eval()
    assert model.config.cutoffs == (6, 20)
    new = [*(token for token in old if int(token) % 3), "x", "y"]
    changed, _ = remap_vocabulary(model, old, new)
    assert changed.config.cutoffs == (4, 13)
    before, after = (m(torch.zeros(1, 1, dtype=torch.long))[0][0, 0] for m in (model, changed))
    # Within the short list and within a cluster, odds are those of before; `0` is left out, so the input is `1`.
    before = model(torch.ones(1, 1, dtype=torch.long))[0][0, 0][[int(token) for token in new[:-2]]]
    for cluster in (slice(0, 4), slice(4, 13), slice(13, 40)):
        torch.testing.assert_close(after[cluster] - after[cluster][0], before[cluster] - before[cluster][0])
    assert remap_vocabulary(model, old, [*reversed(old)])[0].config.cutoffs == (6, 20)
    assert remap_vocabulary(model, old, old[30:])[0].config.cutoffs == ()  # no token for the short list is left
