"""Hashed n-grams: what is added to the embedding of a token."""

import numpy as np
import pytest
import torch

import epigone
from epigone.generation.stepper import TorchStepper
from epigone.models.config import ModelConfig
from epigone.models.files.checkpoint import load_checkpoint
from epigone.models.language_model import LanguageModel
from epigone.models.ngrams import FACTOR, NONE, SHARE, NgramEmbedding

END = 3


def by_hand(table, ids):
    """The sums of one text (T, E), each key computed from its tokens."""
    found = []
    for place in range(len(ids)):
        total = np.zeros(table.weight.shape[1], np.float32)
        key, ended = np.int64(0), False
        for back in range(table.longest):
            token = NONE if ended or back > place else ids[place - back]
            with np.errstate(over="ignore"):
                key = key * np.int64(FACTOR) + np.int64(token) + np.int64(2)
            ended |= token == END
            if back:
                row = int((key ^ (key >> np.int64(17))) % table.buckets) + (back - 1) * table.buckets
                total += table.weight[row].detach().numpy()
        found.append(np.float32(SHARE) * total)
    return np.array(found)


def test_sums_are_those_of_the_keys_and_do_not_depend_on_the_pieces():
    torch.manual_seed(0)
    table = NgramEmbedding(4, 50, 6, END)
    torch.nn.init.normal_(table.weight)
    ids = torch.tensor([[3, 5, 6, 5, 3, 5, 6, 7, 8, 5, 6], [4, 4, 4, 4, 4, 3, 3, 4, 9, 9, 3]])
    whole, after = table(ids, table.history(2))
    for row in range(2):
        np.testing.assert_allclose(whole[row].detach().numpy(), by_hand(table, ids[row].tolist()), atol=1e-6)
    history, parts = table.history(2), []
    for begin, end in ((0, 1), (1, 3), (3, 4), (4, 11)):
        part, history = table(ids[:, begin:end], history)
        parts.append(part)
    torch.testing.assert_close(torch.cat(parts, 1), whole)
    torch.testing.assert_close(history, after)
    # Behind an end symbol a text is read as if nothing had been before.
    torch.testing.assert_close(whole[0, 4:8], table(ids[:1, 4:8], table.history(1))[0][0])


def test_gradients_are_those_of_the_sums():
    torch.manual_seed(0)
    table = NgramEmbedding(3, 5, 2, END).double()
    torch.nn.init.normal_(table.weight)
    ids, history = torch.tensor([[5, 6, 5, 3, 5, 6]]), table.history(1)

    def sums(weight):
        return torch.func.functional_call(table, {"weight": weight}, (ids, history))[0]

    assert torch.autograd.gradcheck(sums, table.weight)


def make(**more):
    shape = {"num_layers": 2, "hidden_size": 8, "vocabulary_size": 12, "embedding_size": 6, "ngrams": 3}
    model = LanguageModel(ModelConfig(**shape | {"ngram_buckets": 40, "end": END} | more))
    torch.nn.init.normal_(model.ngrams.weight)
    return model.eval()


@torch.no_grad()
def test_a_stepper_reads_as_the_model_does():
    model, tokens = make(), torch.randint(0, 12, (3, 9))
    expected, state = model(tokens)
    first, between = model(tokens[:, :4])
    torch.testing.assert_close(torch.cat([first, model(tokens[:, 4:], between)[0]], 1), expected)
    stepper = TorchStepper(model)
    stepper.start(3)
    for step in range(9):
        kept = stepper.state
        np.testing.assert_allclose(stepper.step(tokens[:, step].numpy()), expected[:, step], atol=1e-5)
    stepper.state = kept
    np.testing.assert_allclose(stepper.step(tokens[:, 8].numpy()), expected[:, 8], atol=1e-5)
    assert len(state) == 3


def test_a_model_learns_writes_and_goes_on_with_them(song_file, tmp_path):
    options = {"num_layers": 1, "hidden_size": 12, "embedding_size": 8, "ngrams": 4, "ngram_buckets": 64}
    common = options | {"steps": 30, "batch_size": 4, "sequence_length": 16, "seed": 1}
    epigone.pretrain(song_file, out=tmp_path / "model", **common)
    model = load_checkpoint(tmp_path / "model").model
    assert model.ngrams.weight.any(dim=1).sum() > 50
    assert model.config.end == load_checkpoint(tmp_path / "model").tokenizer.end
    text = epigone.generate(tmp_path / "model", length=80, seed=2).texts[0]
    assert text == epigone.generate(tmp_path / "model", length=80, seed=2).texts[0]
    plain = epigone.evaluate(tmp_path / "model", song_file, split="all")
    held = epigone.evaluate(tmp_path / "model", song_file, split="all", clamp="layers.0.cell[3]=0")
    assert plain.loss != held.loss
    epigone.finetune(
        tmp_path / "model", song_file, out=tmp_path / "tuned", train="ngrams", head=False, epochs=1, lr=0.01
    )
    tuned = load_checkpoint(tmp_path / "tuned").model
    for (name, before), after in zip(model.named_parameters(), tuned.parameters(), strict=True):
        assert torch.equal(before, after) == (name != "ngrams.weight")
    recorded = epigone.record(tmp_path / "model", song_file, names="layers.*", limit=200, out=tmp_path / "states")
    assert recorded.tokens > 100
    with pytest.raises(epigone.UserError, match="reads no n-grams"):
        epigone.quantize(tmp_path / "model", out=tmp_path / "bytes")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"ngrams": 1, "embedding_size": 4}, "ngrams must be 0, or 2 or more"),
        ({"ngrams": 3}, "ngrams are added to an embedding"),
        ({"ngrams": 3, "embedding_size": 4, "ngram_buckets": 0}, "ngram_buckets must be 1 or more"),
    ],
)
def test_options_that_make_no_sense(options, sentence):
    with pytest.raises(epigone.UserError, match=sentence):
        epigone.ModelOptions(**options)
