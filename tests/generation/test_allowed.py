"""The tokens that may follow each other."""

import numpy as np

from epigone.generation.allowed import AllowedTokens
from epigone.text.tokenizers.base import VocabularyOptions
from epigone.text.tokenizers.characters import AsciiTokenizer
from epigone.text.tokenizers.words import UNKNOWN, WordTokenizer


def test_characters_forbid_control_characters_and_a_second_end():
    tokenizer = AsciiTokenizer()
    after_letter, after_end = AllowedTokens(tokenizer).forbidden(np.array([ord("a"), tokenizer.end]))
    hidden = {i for i in range(128) if not tokenizer.printable[i]}
    assert set(np.flatnonzero(after_letter)) == hidden - {tokenizer.end}
    assert set(np.flatnonzero(after_end)) == hidden


def test_words_forbid_the_unknown_and_a_joiner_without_a_space():
    tokenizer = WordTokenizer.train(["The gull sleeps.\n"], VocabularyOptions(min_count=1))
    allowed, ids = AllowedTokens(tokenizer), {token: i for i, token in enumerate(tokenizer.vocabulary)}
    assert allowed.joiner == ids[""]
    after_word, after_line = allowed.forbidden(np.array([ids["gull"], ids["\n"]]))
    assert set(np.flatnonzero(after_word)) == {ids[UNKNOWN]}
    assert set(np.flatnonzero(after_line)) == {ids[UNKNOWN], ids[""]}


def test_each_use_starts_afresh():
    tokenizer = AsciiTokenizer()
    allowed = AllowedTokens(tokenizer)
    allowed.forbidden(np.array([tokenizer.end]))
    assert not allowed.forbidden(np.array([65]))[0, tokenizer.end]
