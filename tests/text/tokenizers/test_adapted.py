"""Tokenizers that learn another text: what they keep, what they add, in which order."""

import random
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epigone.errors import UserError
from epigone.text.tokenizers.base import VocabularyOptions
from epigone.text.tokenizers.characters import CharTokenizer
from epigone.text.tokenizers.subwords import LONGEST, SubwordTokenizer
from epigone.text.tokenizers.words import SPECIAL, WordTokenizer

OLD = "the river and the ferry, the river and the lantern; slowly the river takes the old stone. " * 3
NEW = "the whale and the harpoon! the whale — the harpoon and the river. Ahab saw Ahab. " * 4
DEFAULT = VocabularyOptions()


def adapted(codec, text=NEW, options=DEFAULT, keep=True, held_out=()):
    return codec.adapted([text], options, held_out, keep)


@pytest.mark.parametrize("kind", [CharTokenizer, WordTokenizer, SubwordTokenizer])
@pytest.mark.parametrize("keep", [True, False])
def test_old_tokens_come_first_in_their_order(kind, keep):
    old = kind.train([OLD])
    new = adapted(old, keep=keep)
    kept = [token for token in old.vocabulary if token in new.vocabulary]
    assert new.vocabulary[: len(kept)] == kept
    assert len(set(new.vocabulary)) == len(new.vocabulary) > len(kept)
    assert (kept == old.vocabulary) == keep
    assert new.decode(new.encode(NEW)) == NEW
    again = type(new).from_dict(new.to_dict())
    assert again.to_dict() == new.to_dict()
    assert again.encode(NEW).tolist() == new.encode(NEW).tolist()


def test_new_words_are_the_frequent_ones():
    old = WordTokenizer.train([OLD])
    text = NEW + "once twice twice thrice thrice thrice"
    new = adapted(old, text).vocabulary[len(old.vocabulary) :]
    assert "twice" in new
    assert "once" not in new
    assert new.index("whale") < new.index("twice")
    assert "twice" not in adapted(old, text, VocabularyOptions(min_count=3)).vocabulary


def test_rare_words_of_a_base_make_room():
    old = WordTokenizer.train([OLD])
    size = len(old.vocabulary)
    new = adapted(old, options=VocabularyOptions(vocabulary_size=size))
    assert len(new.vocabulary) == size
    frequent = {"whale", "harpoon", "Ahab", "saw", "—", "!"}
    assert frequent <= set(new.vocabulary)
    dropped = [token for token in old.vocabulary if token not in new.vocabulary]
    unread = [token for token in old.vocabulary[len(SPECIAL) :] if token not in NEW]
    assert len(dropped) == len(frequent)
    assert dropped == unread[-len(frequent) :]
    assert len(adapted(old, options=VocabularyOptions(vocabulary_size=999)).vocabulary) == size + len(frequent)


def test_words_keep_the_spaces_that_the_base_learned():
    old = WordTokenizer.train(["a—b c—d e—f g—h i—j " * 2])
    new = adapted(old, "k — l m — n o — p q — r k — l m — n ! x ! y ! z ! k ! l ! m")
    spaces = dict(zip(new.vocabulary, new.spaces.tolist(), strict=True))
    assert spaces["—"] == dict(zip(old.vocabulary, old.spaces.tolist(), strict=True))["—"]
    assert spaces["!"] == 3  # the text has spaces on both sides


def test_the_spelling_of_unknown_words_learns_from_both_texts():
    old = WordTokenizer.train([OLD + " queue"])
    new = adapted(old, NEW + " xebec")
    assert new.spelling.words == old.spelling.words + 1
    assert new.spelling.letters["x"] == 1
    assert new.spelling.letters["q"] == old.spelling.letters["q"] == 1


def test_the_case_of_words_is_that_of_the_base():
    old = WordTokenizer.train([OLD], VocabularyOptions(lower_case=True))
    assert "ahab" in adapted(old).vocabulary
    with pytest.raises(UserError, match="leave out lower_case"):
        adapted(WordTokenizer.train([OLD]), options=VocabularyOptions(lower_case=True))


def test_subwords_are_cut_as_before_and_then_joined():
    old = SubwordTokenizer.train([OLD])
    new = adapted(old)
    assert len(new.encode(NEW)) < len(old.encode(NEW))
    assert new.merges[: len(old.merges)] == old.merges
    assert any(token in new.vocabulary for token in (" whale", " harpoon"))
    assert max(map(len, new.vocabulary)) <= LONGEST
    assert new.decode(new.encode("wq—")) == "w—"  # q is in neither text
    assert "q" in adapted(old, held_out=["q"]).vocabulary


@settings(max_examples=25)
@given(st.integers(0, 2**32))
def test_the_pieces_of_a_base_are_never_cut(seed):
    generator = random.Random(seed)
    words = ["".join(generator.choices("abcde", k=generator.randint(1, 6))) for _ in range(30)]
    texts = [" ".join(generator.choices(words, k=80)) for _ in range(2)]
    old = SubwordTokenizer.train([texts[0]])
    new = adapted(old, texts[1])
    text = texts[1]
    ends = []
    for codec in (old, new):
        lengths = [len(codec.vocabulary[i]) for i in codec.encode(text).tolist()]
        ends.append(set(accumulate(lengths)))
    assert ends[1] <= ends[0]
    assert new.decode(new.encode(text)) == text


def test_the_number_of_subwords():
    old = SubwordTokenizer.train([OLD])
    least = len(set(old.vocabulary) | set(NEW))
    assert len(adapted(old, options=VocabularyOptions(vocabulary_size=least)).vocabulary) == least
    assert len(adapted(old, options=VocabularyOptions(vocabulary_size=least + 5)).vocabulary) == least + 5
    with pytest.raises(UserError, match=f"with the characters of the text, {least} tokens"):
        adapted(old, options=VocabularyOptions(vocabulary_size=least - 1))
    with pytest.raises(UserError, match="not empty"):
        adapted(old, "")
