"""Counts of words and repeats, against counts by hand and on real text."""

import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.evaluation.quality import distinct, english_words, is_english, text_quality, words_of

TARGETS = Path(__file__).parents[3] / "shared" / "corpora" / "targets"


def test_words_are_letters_with_inner_apostrophes():
    text = "Don't say 'no' -- the bard’s 3 songs, o'er_and o'er; naïve?"
    expected = ["don't", "say", "no", "the", "bard's", "songs", "o'er", "and", "o'er", "naïve"]
    assert words_of(text) == expected


@pytest.mark.parametrize(
    "word",
    [
        *("a", "i", "o", "the", "sang", "singing", "sweetest", "thee", "don't", "won't", "o'er", "harp's"),
        *("they'll", "she'd", "we're", "thou'rt", "lov'd", "heav'n", "flow'r", "tis", "twas", "gonna"),
    ],
)
def test_english(word):
    assert is_english(word)


@pytest.mark.parametrize(
    "word",
    ["s", "t", "x", "zq", "thre", "wherling", "blorn", "blorn's", "sing'x", "zq's", "recieve", "노래"],
)
def test_not_english(word):
    assert not is_english(word)


def test_the_list_is_plain_lower_case_and_large():
    words = english_words()
    assert len(words) > 100_000
    assert all(word == word.lower() for word in words)


def test_quality_by_hand():
    quality = text_quality(["The sea, the SEA", "xqz the sea"])
    assert quality.characters == 27
    assert quality.words == 7
    assert quality.english_words == 6 / 7
    assert quality.distinct_1 == 3 / 7
    assert quality.distinct_2 == 3 / 5  # the sea, sea the, xqz the
    assert quality.distinct_3 == 3 / 3
    assert quality.distinct_characters == 16 / 19  # both texts have " the ", "he se" and "e sea"


def test_n_grams_stay_within_a_text():
    assert distinct([["a", "b"], ["c", "d"]], 2) == 1
    assert distinct([["a", "b"], ["a", "b"]], 2) == 0.5
    assert distinct(["abcabcabc"], 3) == 3 / 7


@given(st.lists(st.text(), max_size=4))
def test_shares_are_shares(texts):
    quality = text_quality(texts)
    for name in ("english_words", "distinct_1", "distinct_2", "distinct_3", "distinct_characters"):
        assert 0 <= getattr(quality, name) <= 1


def test_nothing_to_count():
    quality = text_quality([])
    assert (quality.words, quality.english_words, quality.distinct_1) == (0, 0, 0)


def test_a_loop_shows():
    assert text_quality(["la la la la " * 50]).distinct_characters < 0.01


@pytest.mark.corpus
@pytest.mark.parametrize("name", ["moore_melodies", "dickinson", "lear_limericks"])
def test_real_verse_is_english_and_noise_is_not(name):
    paths = sorted(TARGETS.glob(f"{name}/*.txt"))
    if not paths:
        pytest.skip(f"the corpus {name} is not beside this checkout")
    text = re.sub(r"(?m)^===$", "", "".join(path.read_text(encoding="utf-8") for path in paths))
    assert text_quality([text]).english_words > 0.98
    letters = list(text)
    random.Random(0).shuffle(letters)
    assert text_quality(["".join(letters)]).english_words < 0.3
