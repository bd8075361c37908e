"""Beginnings of sentences, and sentences as documents."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.text.sentences import sentence_starts, sentences_apart
from epigone.text.streams import token_stream
from epigone.text.tokenizers.base import END, VocabularyOptions
from epigone.text.tokenizers.registry import train_tokenizer


def read(name, *texts):
    """Make a stream of some documents, and its tokenizer."""
    vocabulary = VocabularyOptions(min_count=1) if name == "word" else VocabularyOptions()
    tokenizer = train_tokenizer(name, ("a", *texts), vocabulary)  # white space alone gives no words
    return token_stream([[text] for text in texts], tokenizer), tokenizer


def sentences(name, *texts):
    """List the sentences of some documents, with end symbols."""
    stream, tokenizer = read(name, *texts)
    starts = np.unique(sentence_starts(stream, tokenizer))
    ends = [END if token == stream.end else tokenizer.decode([token]) for token in stream.targets]
    parts = np.split(np.arange(len(stream)), starts[1:])
    return ["".join(ends[i] for i in part) for part in parts]


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["Go. He went!"], ["Go. ", "He went!" + END]),
        (["“Go.” He went.\n\n(On?) No"], ["“Go.” ", "He went.\n\n", "(On?) ", "No" + END]),
        (["no end", "nor here\nbut there"], ["no end" + END, "nor here\n", "but there" + END]),
        (["강이 얼었다. 배는 쉰다."], ["강이 얼었다. ", "배는 쉰다." + END]),
        (["江水流。船来！"], ["江水流。", "船来！" + END]),
    ],
)
def test_sentences_keep_what_closes_them(texts, found):
    assert sentences("char", *texts) == found


def test_words_bring_their_signs_along():
    assert sentences("word", "Go. He went!\nOn.") == ["Go.", "Hewent!\n", "On." + END]


some_texts = st.lists(st.text("ab.!\n ”(", min_size=1, max_size=30), min_size=1, max_size=4)


@given(some_texts, st.sampled_from(["char", "word"]))
def test_apart_they_are_the_same_tokens_in_more_documents(texts, name):
    stream, tokenizer = read(name, *texts)
    apart = sentences_apart(stream, tokenizer)
    assert apart.tokens.dtype == stream.tokens.dtype
    assert apart.targets[apart.targets != stream.end].tolist() == stream.targets[stream.targets != stream.end].tolist()
    assert len(apart.offsets) == len(apart.characters) + 1 == len(apart.spelling) + 1
    assert apart.offsets[-1] == len(apart)
    assert (apart.targets[apart.offsets[1:] - 1] == stream.end).all()
    assert (apart.targets == stream.end).sum() == len(apart.offsets) - 1
    assert apart.characters.sum() == stream.characters.sum()
    starts = np.unique(sentence_starts(stream, tokenizer))
    assert set(stream.offsets[:-1]) <= set(starts)
