"""Rehearsal: text like the base's own is mixed into what is learned."""

import json

import numpy as np
import pytest

import epigone
from epigone.errors import UserError
from epigone.text.corpus import Corpus, SplitOptions
from epigone.text.readers.registry import ReadOptions
from epigone.text.tokenizers.characters import AsciiTokenizer
from epigone.training.options import FinetuneOptions
from epigone.transfer.rehearsal import RehearsalOptions, rehearsed


@pytest.fixture
def other(tmp_path):
    """Forty short documents that hold nothing but capitals."""
    path = tmp_path / "other.txt"
    path.write_text("\n===\n".join(f"{'ABCDEFGH'[i % 8] * (20 + i)} {i}" for i in range(40)), encoding="utf-8")
    return path


def documents(stream):
    """The text of each document."""
    decode = AsciiTokenizer().decode
    return [decode(stream.targets[i : j - 1]) for i, j in zip(stream.offsets[:-1], stream.offsets[1:], strict=True)]


@pytest.mark.parametrize("share", [0.01, 0.1, 0.2])
@pytest.mark.parametrize("seed", [None, 0, 3])
def test_a_mixture_has_every_document_of_the_text_and_whole_others(song_file, other, share, seed):
    tokenizer = AsciiTokenizer()
    stream = Corpus.open([song_file], ReadOptions(), SplitOptions()).stream("train", tokenizer, seed)
    source = Corpus.open([other], ReadOptions(), None)
    mixed = rehearsed(stream, source, tokenizer, share, seed)
    found, text, others = documents(mixed), documents(stream), documents(source.stream("all", tokenizer))
    assert sorted(found) == sorted([*text, *(each for each in found if each in others)])
    added = len(mixed) - len(stream)
    assert share / (1 - share) * len(stream) <= added < share / (1 - share) * len(stream) + 70
    assert mixed.characters.tolist() == [len(each) for each in found]
    assert mixed.tokens[0] == tokenizer.end
    assert (mixed.tokens[mixed.offsets] == tokenizer.end).all()
    assert len(mixed.spelling) == len(found)
    again = rehearsed(stream, source, tokenizer, share, seed)
    assert np.array_equal(mixed.tokens, again.tokens)


def test_too_little_text_to_rehearse(song_file, other):
    tokenizer = AsciiTokenizer()
    stream = Corpus.open([song_file], ReadOptions(), SplitOptions()).stream("train", tokenizer)
    with pytest.raises(UserError, match=r"asks for .* tokens beside .*and there are .*smaller --rehearse-share"):
        rehearsed(stream, Corpus.open([other], ReadOptions(), None), tokenizer, 0.9, 0)


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0])
def test_a_share_without_a_meaning(share):
    with pytest.raises(UserError, match="rehearse_share"):
        RehearsalOptions(rehearse_share=share)


def test_the_base_forgets_less_when_its_text_is_learned_again(song_file, other, tmp_path):
    base, options = tmp_path / "base", epigone.TrainingOptions(steps=60, lr=1e-2, batch_size=8, sequence_length=32)
    epigone.pretrain(other, out=base, training=options, model=epigone.ModelOptions(num_layers=1, hidden_size=16))
    recipe = FinetuneOptions(lr=1e-2, steps=40, batch_size=8, sequence_length=32)
    losses = {}
    for name, rehearsal in (("plain", RehearsalOptions()), ("mixed", RehearsalOptions((str(other),), 0.2))):
        out = tmp_path / name
        epigone.finetune(base, song_file, out=out, train="all", training=recipe, rehearsal=rehearsal)
        losses[name] = epigone.evaluate(out, other, split="all").loss
    assert losses["mixed"] < losses["plain"] - 0.2
    written = json.loads((tmp_path / "mixed" / "config.json").read_text("utf-8"))["request"]["options"]
    assert written["rehearsal"] == {"share": 0.2, "hash": Corpus.open([other], ReadOptions(), None).hash}
    assert "rehearsal" not in json.loads((tmp_path / "plain" / "config.json").read_text("utf-8"))["request"]["options"]
    with pytest.raises(UserError, match=r"rehearsal"):
        epigone.finetune(base, song_file, out=tmp_path / "mixed", train="all", training=recipe, resume=True)
