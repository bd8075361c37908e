from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.text import buffer
from epigone.text.streams import token_stream
from epigone.text.tokenizers.base import VocabularyOptions
from epigone.text.tokenizers.registry import TOKENIZERS, train_tokenizer

documents_in_pieces = st.lists(st.lists(st.text(), min_size=1, max_size=3), min_size=1, max_size=6)


def stream_of(documents, tokenizer):
    return token_stream(map(iter, documents), tokenizer)


@given(documents_in_pieces, st.sampled_from(sorted(TOKENIZERS)), st.sampled_from([0, 32 << 20]))
def test_every_document_is_there_and_ends_once(documents, name, in_memory):
    if of_words := name in ("word", "fastai"):  # pieces are never cut inside a word
        documents = [[f"{piece}\n" for piece in pieces] for pieces in documents]
    vocabulary = VocabularyOptions(min_count=1 if of_words else 2)
    tokenizer = train_tokenizer(name, ["a", *(piece for pieces in documents for piece in pieces)], vocabulary)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(buffer, "IN_MEMORY", in_memory)
        stream = stream_of(documents, tokenizer)
    assert stream.tokens.dtype == tokenizer.dtype
    assert isinstance(stream.tokens, np.memmap) == (in_memory == 0)
    assert stream.tokens[0] == stream.end == tokenizer.end
    assert len(stream) == len(stream.inputs) == len(stream.targets) == len(stream.tokens) - 1
    assert stream.inputs[1:].tolist() == stream.targets[:-1].tolist()
    assert stream.offsets[0] == 0
    assert stream.offsets[-1] == len(stream)
    assert len(stream.offsets) == len(documents) + 1
    for index, pieces in enumerate(documents):
        text = "".join(pieces)
        ids = stream.targets[stream.offsets[index] : stream.offsets[index + 1]]
        assert tokenizer.decode(ids) == tokenizer.normalise(text)
        assert np.flatnonzero(ids == stream.end).tolist() == [len(ids) - 1]
        assert stream.characters[index] == len(tokenizer.normalise(text))
    assert stream.spelling.tolist() == [0.0] * len(documents)
    assert (stream.unit, stream.dropped_share > 0) == (tokenizer.unit, bool(stream.dropped))


def test_what_the_tokenizer_changes_is_counted():
    stream = stream_of([["café – ", "naïve"], ["plain"], ["\ue000\x00"]], train_tokenizer("ascii", []))
    assert stream.transliterated == 3
    assert stream.dropped == {"\ue000": 1, "\x00": 1}
    assert stream.characters.tolist() == [12, 5, 0]
    stream = stream_of([["abba"], ["xé", "x"]], train_tokenizer("char", ["ab"]))
    assert stream.dropped == {"x": 2, "é": 1}
    assert stream.transliterated == 0
    assert stream.tokens.tolist() == [0, 1, 2, 2, 1, 0, 0]
    assert stream.characters.tolist() == [4, 0]
    assert stream.dropped_share == 3 / 7


@pytest.mark.parametrize(("name", "characters"), [("ascii", 5), ("byte", 4), ("char", 4)])
def test_characters_are_counted_as_they_were_written(name, characters):
    assert stream_of([["œuvé"]], train_tokenizer(name, ["œuvé"])).characters.tolist() == [characters]


def test_unknown_words_are_counted_and_spelled_document_by_document():
    tokenizer = train_tokenizer("word", ["a b\na b\nc"])
    stream = stream_of([["a gull, ", "a gull\n"], ["b b"], ["b oar"]], tokenizer)
    assert stream.dropped == {"gull": 2, ",": 1, "oar": 1}
    assert stream.units == 6 + 2 + 2
    assert stream.dropped_share == 0.4
    assert stream.characters.tolist() == [15, 3, 5]
    expected = [tokenizer.spelling.nats(Counter(words)) for words in (["gull", ",", "gull"], [], ["oar"])]
    assert stream.spelling == pytest.approx(expected)
    assert stream.transliterated == 0
    lower = train_tokenizer("word", ["a b a b"], VocabularyOptions(lower_case=True))
    assert stream_of([["A B a"]], lower).transliterated == 2


def test_the_arrays_can_be_handed_to_torch_without_a_warning(monkeypatch):
    monkeypatch.setattr(buffer, "IN_MEMORY", 0)
    assert stream_of([["abc"]], train_tokenizer("byte", [])).tokens.flags.writeable
