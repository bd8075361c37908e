"""The loss on documents against an implementation that is obviously right."""

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from epigone.evaluation import losses as room
from epigone.evaluation import traversal
from epigone.evaluation.losses import Losses, document_losses, sum_losses
from epigone.evaluation.traversal import segments
from epigone.models.config import ModelConfig
from epigone.models.files.checkpoint import load_checkpoint
from epigone.models.language_model import LanguageModel
from epigone.text.corpus import Corpus
from epigone.text.streams import token_stream
from epigone.text.tokenizers.base import VocabularyOptions
from epigone.text.tokenizers.characters import AsciiTokenizer, CharTokenizer
from epigone.text.tokenizers.registry import TOKENIZERS, train_tokenizer

ASCII = AsciiTokenizer()


@dataclass
class Expected:
    """The expected results for one document: the loss of each token, and if it was predicted."""

    nats: list[float]
    hits: list[bool]


@torch.no_grad()
def reference(model, tokenizer, text) -> Expected:
    """Read one document token by token from a zero state; the end symbol is read but not counted."""
    model = model.eval()
    state, token, found = None, tokenizer.end, Expected([], [])
    for target in tokenizer.encode(text).tolist():
        logits, state = model(torch.tensor([[token]]), state)
        found.nats.append(-F.log_softmax(logits[0, 0].double(), -1)[target].item())
        found.hits.append(int(logits[0, 0].argmax()) == target)
        token = target
    return found


def stream_of(texts, tokenizer=ASCII):
    return token_stream(([text] for text in texts), tokenizer)


def make(seed=0, **shape):
    torch.manual_seed(seed)
    return LanguageModel(ModelConfig(**{"num_layers": 2, "hidden_size": 8, "vocabulary_size": 128} | shape))


@pytest.fixture
def songs(song_file):
    corpus = Corpus.open(song_file, split=None)
    return [corpus.text(i) for i in range(len(corpus.names))]


@pytest.fixture(scope="module")
def trained(trained_folder):
    found = load_checkpoint(trained_folder)
    return found.model, found.tokenizer


def check(found, expected):
    """Compare the sums over documents, and the numbers derived from them."""
    nats, tokens = found.by_document()
    np.testing.assert_allclose(nats, [sum(e.nats) for e in expected], rtol=1e-5, atol=1e-6)
    assert tokens.tolist() == [len(e.nats) for e in expected]
    total = sum(map(sum, (e.nats for e in expected)))
    count = sum(len(e.nats) for e in expected)
    assert found.loss == pytest.approx(total / count, rel=1e-5)
    assert found.perplexity == pytest.approx(math.exp(total / count), rel=1e-4)
    assert found.accuracy == pytest.approx(sum(map(sum, (e.hits for e in expected))) / count, abs=1e-9)


def test_a_trained_model(trained, songs):
    model, tokenizer = trained
    found = document_losses(model, stream_of(songs, tokenizer))
    check(found, [reference(model, tokenizer, song) for song in songs])
    assert found.loss < 2.7  # it has learned something


@settings(max_examples=25)
@given(
    texts=st.lists(st.text(st.sampled_from("abc \n"), min_size=1, max_size=40), min_size=1, max_size=9),
    cell=st.sampled_from(["lstm", "gru", "rnn"]),
    embedding_size=st.sampled_from([0, 3]),
)
def test_documents_of_any_length_in_any_model(texts, cell, embedding_size):
    model = make(cell=cell, embedding_size=embedding_size, dropout=0.5, output_dropout=0.5).train()
    found = document_losses(model, stream_of(texts))
    assert model.training  # as it was found, though nothing was dropped
    check(found, [reference(model, ASCII, text) for text in texts])


def test_documents_start_from_nothing_wherever_they_stand(songs):
    model = make()
    nats, _ = document_losses(model, stream_of(songs)).by_document()
    order = np.random.default_rng(0).permutation(len(songs))
    shuffled, _ = document_losses(model, stream_of([songs[i] for i in order])).by_document()
    np.testing.assert_allclose(shuffled, nats[order], rtol=1e-6)
    alone, _ = document_losses(model, stream_of(songs[3:4])).by_document()
    assert alone[0] == pytest.approx(nats[3], rel=1e-6)


def test_the_same_numbers_come_out_twice(songs):
    first, second = (document_losses(make(), stream_of(songs)) for _ in range(2))
    assert all(np.array_equal(vars(first)[name], vars(second)[name]) for name in vars(first))


@pytest.mark.parametrize(("rows", "steps"), [(1, 5), (3, 17), (100, 1000)])
def test_how_the_work_is_cut_does_not_matter(monkeypatch, songs, rows, steps):
    model, stream = make(), stream_of(songs)
    whole = document_losses(model, stream)
    monkeypatch.setattr(traversal, "ROWS", rows)
    monkeypatch.setattr(traversal, "STEPS", steps)
    cut = document_losses(model, stream)
    np.testing.assert_allclose(cut.nats, whole.nats, rtol=1e-6)
    assert np.array_equal(cut.tokens, whole.tokens)


def test_long_documents_are_summed_by_blocks(monkeypatch, songs):
    monkeypatch.setattr(room, "BLOCK", 50)
    model, stream = make(), stream_of(songs)
    found = document_losses(model, stream)
    expected = [reference(model, ASCII, song) for song in songs]
    parts = [(d, e.nats[i : i + 50]) for d, e in enumerate(expected) for i in range(0, len(e.nats) + 1, 50)]
    assert found.document.tolist() == [d for d, _ in parts]
    assert found.tokens.tolist() == [len(nats) for _, nats in parts]
    np.testing.assert_allclose(found.nats, [sum(nats) for _, nats in parts], rtol=1e-5, atol=1e-9)
    check(found, expected)


@pytest.mark.parametrize("kind", ["untrained", "trained"])
def test_windows_hardly_differ_from_one_long_walk(monkeypatch, trained, songs, kind):
    model, tokenizer = trained if kind == "trained" else (make(), ASCII)
    stream = stream_of(["\n".join(songs), songs[0]], tokenizer)
    whole = document_losses(model, stream)
    monkeypatch.setattr(traversal, "WINDOW", 500)
    monkeypatch.setattr(traversal, "WARM_UP", 60)
    cut = document_losses(model, stream)
    assert len(segments(stream)) > 10
    assert np.array_equal(cut.tokens, whole.tokens)
    assert cut.loss == pytest.approx(whole.loss, abs=1e-3)
    assert cut.nats == pytest.approx(whole.nats, rel=1e-2)
    monkeypatch.setattr(traversal, "WARM_UP", 10**6)  # all that precedes: the same walk
    assert document_losses(model, stream).nats == pytest.approx(whole.nats, rel=1e-6)


def test_a_document_that_the_tokenizer_cannot_write_has_no_tokens():
    stream = stream_of(["abab", "어", "ba"], CharTokenizer(["\x03", "a", "b"]))
    found = document_losses(make(vocabulary_size=3), stream)
    nats, tokens = found.by_document()
    assert tokens.tolist() == [4, 0, 2]
    assert nats[1] == 0
    assert math.isfinite(found.loss)


def test_bits_are_per_character_that_was_shown():
    model = make()
    found = document_losses(model, stream_of(["æon\ue000"]))  # written with four, and one dropped
    nats = sum(reference(model, ASCII, "aeon").nats)
    assert (found.tokens.sum(), found.characters.sum()) == (4, 4)
    assert found.bits_per_char == pytest.approx(nats / math.log(2) / 4, rel=1e-5)
    assert found.loss == pytest.approx(nats / 4, rel=1e-5)


def test_nothing_is_made_double_where_there_may_be_no_such_type(monkeypatch, songs):
    double = torch.Tensor.double
    moved = []
    monkeypatch.setattr(torch.Tensor, "cpu", lambda self: moved.append(self) or self)
    monkeypatch.setattr(torch.Tensor, "double", lambda self: double(moved[-1]) if self is moved[-1] else 1 / 0)
    assert document_losses(make(), stream_of(songs)).loss > 0


def test_losses_that_are_known_for_every_target_are_summed_alike(monkeypatch, songs):
    monkeypatch.setattr(room, "BLOCK", 30)
    stream = stream_of(songs)
    known = np.random.default_rng(0).random(len(stream))
    found = sum_losses(stream, known)
    assert math.isnan(found.accuracy)
    nats, tokens = found.by_document()
    bounds = list(zip(stream.offsets[:-1], stream.offsets[1:], strict=True))
    np.testing.assert_allclose(nats, [known[a : b - 1].sum() for a, b in bounds])  # without the end symbol
    assert tokens.tolist() == [b - a - 1 for a, b in bounds]
    model = document_losses(make(), stream)
    assert np.array_equal(found.tokens, model.tokens)
    assert np.array_equal(found.document, model.document)


TALE = "The gull sleeps – the ferry doesn't.\n  “Oars up!” (she said) 5:30,  and rowed… 봄이 오면 江水流过石桥。\n" * 3


@pytest.mark.parametrize("name", sorted(TOKENIZERS))
def test_a_model_that_knows_only_the_alphabet_has_the_same_bits_per_character_however_a_text_is_cut(name):
    vocabulary = VocabularyOptions(min_count=1 if name == "word" else 2)
    tokenizer = train_tokenizer(name, [TALE], vocabulary)
    texts = [TALE, TALE.replace("\n", " "), "The gull", ""]
    stream = stream_of(texts, tokenizer)
    # Each token is worth 3 bits for each character that it adds to the text, spaces before it included.
    nats = np.zeros(len(stream))
    for begin, end in zip(stream.offsets[:-1], stream.offsets[1:], strict=True):
        ids = stream.targets[begin : end - 1]
        lengths = [len(tokenizer.normalise(tokenizer.decode(ids[:n]))) for n in range(len(ids) + 1)]
        nats[begin : end - 1] = 3 * math.log(2) * np.diff(lengths)
    found = sum_losses(stream, nats)
    assert found.bits_per_char == pytest.approx(3)
    assert found.characters.tolist() == [len(tokenizer.normalise(text)) for text in texts]
    assert not found.spelling.size


def test_unknown_words_cost_their_spelling_in_bits_per_character_alone():
    tokenizer = train_tokenizer("word", [TALE + "once"])
    stream = stream_of(["once the ferry", "the gull"], tokenizer)
    nats = np.full(len(stream), 2.0)
    found = sum_losses(stream, nats)
    spelled = tokenizer.spelling.nats(Counter(["once"]))
    assert spelled > 1
    assert found.loss == 2
    assert found.bits_per_char == pytest.approx((5 * 2 + spelled) / math.log(2) / 22)
    whole = document_losses(make(vocabulary_size=len(tokenizer.vocabulary)), stream)
    assert whole.spelling.tolist() == [pytest.approx(spelled), 0]
    assert whole.bits_per_char == pytest.approx((whole.nats.sum() + spelled) / math.log(2) / 22)


def test_no_tokens_is_no_loss():
    empty = np.zeros(1, np.int64)
    found = Losses(np.zeros(1), empty, empty, empty, empty)
    assert (found.loss, found.accuracy, found.bits_per_char, found.perplexity) == (0, 0, 0, 1)


def test_an_immense_loss_has_a_finite_perplexity():
    one = np.ones(1, np.int64)
    assert math.isfinite(Losses(np.array([1e6]), one, one, np.zeros(1, np.int64), one).perplexity)


def test_few_logits_exist_at_a_time_whatever_the_vocabulary(monkeypatch):
    model, sizes = make(vocabulary_size=128, softmax="adaptive").eval(), []
    stream = stream_of(["the ferry goes over", "a stone", "the river is wide and slow in the morning"] * 9)
    whole = document_losses(model, stream)
    logits = model.logits
    monkeypatch.setattr(model, "logits", lambda outputs: sizes.append(found := logits(outputs)) or found)
    for most in (1, 27 * 128 * 3, 27 * 128 * 7 + 5):
        sizes.clear()
        monkeypatch.setattr(room, "LOGITS", most)
        pieces = document_losses(model, stream)
        assert max(found.numel() for found in sizes) <= max(most, 27 * 128)
        np.testing.assert_allclose(pieces.nats, whole.nats, rtol=1e-6)
        np.testing.assert_array_equal(pieces.correct, whole.correct)
        np.testing.assert_array_equal(pieces.tokens, whole.tokens)
