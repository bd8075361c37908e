"""The words and markers of fastai."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.errors import UserError
from epigone.text.tokenizers.base import END, VocabularyOptions
from epigone.text.tokenizers.fastai import FastaiTokenizer
from epigone.text.tokenizers.spelling import Spelling

ONE = VocabularyOptions(min_count=1)
CUT = {
    "The river": "xxmaj the river",
    "NASA and I": "xxup nasa and i",
    "iPhone": "iphone",
    "don't, can't; it's": "do n't , ca n't ; it 's",
    "DON'T": "xxup do xxup n't",
    "well-known 1,234.5 U.S. Mr. X": "well - known 1,234.5 xxup u.s. xxmaj mr. x",
    "so... good!!!!": "so ... good xxrep 4 !",
    "no no no no more": "xxwrep 4 no more",
    "a\n\nb": "a \n \n b",
    "“Ja”  — said\the": "“ xxmaj ja ” — said he",
    "50% of $3": "50 % of $ 3",
}


def trained(*texts, options=ONE):
    return FastaiTokenizer.train(texts, options)


@pytest.mark.parametrize("text", CUT)
def test_how_texts_are_cut(text):
    codec = trained(text)
    assert [codec.vocabulary[i] for i in codec.encode(text)] == CUT[text].split(" ")


@pytest.mark.parametrize(
    "text",
    [
        "The river, and NASA (slowly) don't.\nIt's “well - known”: 1,234.5!",
        "Then no no no no more; so good!!!!",
        "Mr. Darcy said: the ferry's lantern…",
    ],
)
def test_usual_texts_come_back(text):
    codec = trained(text)
    assert codec.decode(codec.encode(text)) == text == codec.normalise(text)


def test_what_is_lost_is_in_the_normalised_text():
    codec = trained("x")
    assert codec.normalise("I  saw\tan iPhone") == "i saw an iphone"
    assert codec.normalise(f"a{END}b") == "ab"


@given(st.text())
def test_what_is_decoded_is_the_normalised_text(text):
    codec = trained("a", text)
    assert codec.decode(codec.encode(text)) == codec.normalise(text)
    reading = codec.read(text)
    assert reading.ids.tolist() == codec.encode(text).tolist()
    assert reading.characters == len(codec.normalise(text))


def test_markers_that_the_vocabulary_lacks_are_not_made():
    codec = FastaiTokenizer([END, "<unk>", "the", "river", "!"], Spelling({}, 0))
    assert codec.decode(codec.encode("The RIVER!!!!")) == "the river!!!!"
    assert not codec.unknown("The RIVER!!!!")


def test_markers_and_unknown_words_are_never_shown():
    codec = trained("The river")
    hidden = {codec.vocabulary[i] for i, shown in enumerate(codec.printable) if not shown}
    assert hidden == {END, "<unk>", "xxmaj", "xxup", "xxrep", "xxwrep"}


def test_another_text_adds_words():
    old = trained("the river takes the old stone " * 3)
    new = old.adapted(["The whale takes the harpoon. The whale"], VocabularyOptions(), (), True)
    assert new.vocabulary[: len(old.vocabulary)] == old.vocabulary
    assert new.vocabulary[len(old.vocabulary) :] == ["whale"]
    alone = old.adapted(["The whale takes the harpoon. The whale takes"], VocabularyOptions(), (), False)
    assert alone.vocabulary == [*old.vocabulary[:6], "the", "takes", "whale"]
    small = old.adapted(["The whale, the whale"], VocabularyOptions(vocabulary_size=8), (), True)
    assert small.vocabulary == [*old.vocabulary[:6], "the", "whale"]


@pytest.mark.parametrize("tokens", [None, ["a"], [END, "<unk>", "a", "a"], [END, "<unk>", 1]])
def test_a_damaged_description_is_refused(tokens):
    with pytest.raises(UserError, match=r"restore tokenizer\.json"):
        FastaiTokenizer.from_dict({"name": "fastai", "vocabulary": tokens, "spelling": {"letters": {}, "words": 0}})
