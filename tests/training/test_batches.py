"""Batches: the tokens of each step, and all tokens in an epoch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from epigone.models.config import ModelConfig
from epigone.models.heads.base import IGNORED
from epigone.models.language_model import LanguageModel
from epigone.text.corpus import Corpus
from epigone.text.streams import token_stream
from epigone.text.tokenizers.characters import AsciiTokenizer, CharTokenizer
from epigone.text.tokenizers.registry import train_tokenizer
from epigone.training.batches import MIN_STEPS, Batches, Beginnings, Prefixes, fit_shape
from epigone.training.options import TrainingOptions

lengths = st.integers(20, 3_000)
worlds = st.integers(1, 4)


def numbered(length, batch_size, sequence_length, offset=0):
    """Batches whose inputs and targets are their own positions, which shows where they are from."""
    positions = np.arange(length, dtype=np.int32)
    return Batches(positions, positions, batch_size, sequence_length, offset)


@given(lengths, st.integers(1, 128), st.integers(1, 256), worlds, st.data())
def test_an_epoch_visits_every_target_but_a_few_exactly_once(length, batch_size, sequence_length, world, data):
    rows, steps = fit_shape(length, batch_size, sequence_length, world)
    batches = numbered(length, rows, steps, data.draw(st.integers(0, length - 1)))
    seen = [
        batches.batch(step, rank, world)[1].flatten()
        for step in range(batches.steps_per_epoch)
        for rank in range(world)
    ]
    visits = np.bincount(torch.cat(seen).numpy(), minlength=length)
    assert visits.max() == 1
    assert (visits == 0).sum() <= rows - 1


@given(lengths, st.integers(1, 20), st.integers(1, 60), st.data())
def test_rows_are_contiguous_and_go_on_where_they_stopped(length, batch_size, sequence_length, data):
    offset = data.draw(st.integers(0, length - 1))
    batches = numbered(length, batch_size, sequence_length, offset)
    rows = torch.cat([batches.batch(step)[0] for step in range(batches.steps_per_epoch)], dim=1)
    assert rows.shape == (batch_size, length // batch_size)
    expected = (offset + torch.arange(rows.numel())) % length
    assert torch.equal(rows.flatten(), expected)
    sizes = {batches.batch(step)[0].shape[1] for step in range(batches.steps_per_epoch - 1)}
    assert sizes <= {sequence_length}


@given(lengths, worlds, st.integers(1, 5))
def test_processes_share_the_rows(length, world, share):
    batches = numbered(length, world * share, 7)
    whole = batches.batch(1)[0]
    parts = [batches.batch(1, rank, world)[0] for rank in range(world)]
    assert all(part.shape[0] == share for part in parts)
    assert torch.equal(torch.stack(parts, dim=1).flatten(0, 1), whole)


@given(st.integers(20, 10**7), st.integers(1, 512), st.integers(1, 1024), worlds)
def test_the_shape_fits_the_text(length, batch_size, sequence_length, world):
    rows, steps = fit_shape(length, batch_size, sequence_length, world)
    assert world <= rows <= max(world, batch_size)
    assert rows % world == 0
    assert 1 <= steps <= sequence_length
    per_epoch = -(-(length // rows) // steps)
    if length >= world * MIN_STEPS:
        assert per_epoch >= MIN_STEPS
    if length >= batch_size * sequence_length * MIN_STEPS and batch_size % world == 0:
        assert (rows, steps) == (batch_size, sequence_length)


@pytest.mark.parametrize(
    ("length", "expected"),
    [(1_000_000, (64, 128)), (131_072, (64, 128)), (60_000, (29, 128)), (2_000, (1, 125)), (60, (1, 3)), (10, (1, 1))],
)
def test_short_texts_get_fewer_rows_then_shorter_sequences(length, expected):
    assert fit_shape(length, 64, 128) == expected


def test_the_seed_moves_the_beginning(song_file):
    corpus = Corpus.open(song_file)
    stream = corpus.stream("train", train_tokenizer("ascii", []))
    offsets = {Batches.of(stream, TrainingOptions(seed=seed)).offset for seed in range(10)}
    assert len(offsets) > 5
    batches = Batches.of(stream, TrainingOptions(seed=1))
    assert batches.offset == Batches.of(stream, TrainingOptions(seed=1)).offset
    inputs, targets = batches.batch(0)
    assert inputs.dtype == targets.dtype == torch.int64
    assert torch.equal(inputs[0, 1:], targets[0, :-1])


@pytest.mark.parametrize(("documents", "opened"), [(1, True), (3, True), (50, False)])
def test_rows_of_a_text_with_few_beginnings_open_with_the_end_symbol(documents, opened):
    letters = np.random.default_rng(0).choice(list("abcd"), 6000)
    texts = [["".join(part)] for part in np.array_split(letters, documents)]
    stream = token_stream(texts, CharTokenizer("\x03abcd"))
    batches = Batches.of(stream, TrainingOptions(batch_size=8, sequence_length=20))
    assert batches.batch_size == 8
    first, second = batches.batch(0)[0], batches.batch(1)[0]
    assert bool((first[:, 0] == stream.end).all()) == opened
    starts = (batches.offset + np.arange(8)[:, None] * batches.row_length + np.arange(20)) % len(stream)
    assert first[:, opened:].tolist() == stream.inputs[starts][:, opened:].tolist()
    assert second.tolist() == stream.inputs[(starts + 20) % len(stream)].tolist()


def test_features_of_a_frozen_prefix_keep_their_precision():
    features = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    batches = Batches(features, np.arange(50, dtype=np.uint8), 2, 10)
    inputs, targets = batches.batch(1)
    assert (inputs.dtype, inputs.shape, targets.shape) == (torch.float32, (2, 10, 3), (2, 10))
    assert torch.equal(inputs[1], torch.from_numpy(features[35:45]))


@pytest.mark.parametrize(("tokenizer", "bytes_each"), [("char", 1), ("byte", 3)])
def test_how_many_characters_a_token_is(tokenizer, bytes_each, tmp_path):
    (tmp_path / "text.txt").write_text("강물은흐르고배는떠난다" * 200)
    corpus = Corpus.open(tmp_path / "text.txt")
    batches = Batches.of(corpus.stream("train", train_tokenizer(tokenizer, corpus.texts())), TrainingOptions())
    assert batches.characters_per_token == pytest.approx(1 / bytes_each, rel=1e-2)


def windows(text, **options):
    """The prefixes of a text, and its tokens."""
    tokenizer = CharTokenizer.train([text])
    stream = token_stream([[text]], tokenizer)
    return Prefixes.of(stream, tokenizer, TrainingOptions(windows="prefix", **options)), tokenizer


def test_every_beginning_of_every_sentence_predicts_what_follows():
    found, tokenizer = windows("ab. cd.\n\nef", shuffle=False, batch_size=1)
    batches = [found.batch(index) for index in range(found.steps_per_epoch)]
    read = ["".join(tokenizer.vocabulary[t] for t in inputs[0]) for inputs, _ in batches]
    told = [tokenizer.vocabulary[targets[0, -1]] for _, targets in batches]
    end = "\x03"
    # White space belongs to the sentence before it.
    texts = [(end, "ab. "), (" ", "cd.\n\n"), ("\n", "ef" + end)]
    expected = [(first + text[:length], text[length]) for first, text in texts for length in range(len(text))]
    opened = [(end + text[1:], target) for text, target in expected]
    assert all(pair in choices for pair, *choices in zip(zip(read, told, strict=True), expected, opened, strict=True))
    assert found.predicted == len(expected) == 12
    assert 0 < sum(text[0] == end for text in read[4:]) < 8  # half of them, more or less


def test_long_sentences_keep_their_last_tokens():
    found, _ = windows("abcdefghij" * 5, shuffle=False, sequence_length=4)
    assert (found.ends - found.starts).max() == 4
    assert found.opens[:4].any()
    assert not found.opens[4:].any()


@pytest.mark.parametrize("world_size", [1, 2])
def test_an_epoch_of_prefixes_predicts_every_token(world_size):
    found, _ = windows("the ferry. goes over\nslowly. " * 20, batch_size=7, seed=3)
    seen = []
    for index in range(found.steps_per_epoch):
        parts = [found.batch(index, rank, world_size) for rank in range(world_size)]
        assert sum(len(inputs) for inputs, _ in parts) == found.batch_size
        assert len({inputs.shape[1] for inputs, _ in parts}) == 1
        for _, targets in parts:
            assert ((targets != IGNORED).sum(1) == 1).all()
        seen += [t for inputs, targets in parts for t in targets[targets != IGNORED].tolist()]
    filled = found.steps_per_epoch * found.batch_size - found.predicted
    assert 0 <= filled < found.batch_size
    if world_size == 1:
        assert sorted(seen[: found.predicted]) == sorted(found.tokens[found.ends].tolist())
    other, _ = windows("the ferry. goes over\nslowly. " * 20, batch_size=7, seed=4)
    assert not np.array_equal(found.ends, other.ends)


def test_padding_changes_neither_loss_nor_gradient():
    found, tokenizer = windows("a ferry goes. over\nit comes back", batch_size=8)
    torch.manual_seed(0)
    model = LanguageModel(ModelConfig(num_layers=2, hidden_size=10, vocabulary_size=len(tokenizer.vocabulary)))
    inputs, targets = found.batch(0)
    (loss, _), _ = model.loss(inputs, targets)
    loss.backward()
    gradients = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    alone = []
    for row, expected in zip(inputs, targets, strict=True):
        last = int((expected != IGNORED).nonzero())
        logits, _ = model(row[None, : last + 1])
        alone.append(torch.nn.functional.cross_entropy(logits[:, -1], expected[last : last + 1]))
    mean = torch.stack(alone).mean()
    mean.backward()
    torch.testing.assert_close(loss, mean)
    for a, parameter in zip(gradients, model.parameters(), strict=True):
        torch.testing.assert_close(a, parameter.grad, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("world", [1, 2])
def test_beginnings_are_those_of_the_documents(world):
    codec = AsciiTokenizer()
    texts = ["abcdefghij"[: 3 + index % 7] for index in range(40)]
    stream = token_stream([[text] for text in texts], codec)
    batches = Beginnings.of(stream, TrainingOptions(batch_size=8, sequence_length=5), world)
    assert batches.batch_size == 2
    assert batches.steps_per_epoch == 20
    assert batches.predicted == sum(min(5, len(text) + 1) for text in texts)
    seen = []
    for step in range(batches.steps_per_epoch):
        for rank in range(world):
            inputs, targets = batches.batch(step, rank, world)
            for row, wanted in zip(inputs.tolist(), targets.tolist(), strict=True):
                length = sum(target != IGNORED for target in wanted)
                assert row[0] == codec.end
                assert row[1:length] == wanted[: length - 1]
                assert all(target == IGNORED for target in wanted[length:])
                seen.append("".join("" if t == codec.end else codec.vocabulary[t] for t in wanted[:length]))
    assert seen == [text[:5] for text in texts]
