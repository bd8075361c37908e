"""N-grams of words and characters, and their values."""

import numpy as np
import pytest
from labelled import make_labelled
from sklearn.feature_extraction.text import TfidfVectorizer

from epigone.classification.approaches import features
from epigone.classification.approaches.features import Grams, character_grams, choose_grams, word_grams, words
from epigone.classification.approaches.gram_model import matrix


def test_words_keep_their_apostrophes_and_signs_count():
    assert words("It isn’t GOOD, is it?!") == ["it", "isn't", "good", ",", "is", "it", "?", "!"]
    assert words("naïve 東京 42%") == ["naïve", "東京", "42", "%"]
    assert words(" \n") == []


def test_word_grams_are_all_runs_of_words():
    assert list(word_grams("a b c", 2)) == ["a", "b", "c", "a b", "b c"]


def test_character_grams_stay_within_words_and_are_no_words():
    assert list(character_grams("ab c", 3, 4)) == ["\t ab", "\tab ", "\t ab ", "\t c "]


def test_counts_are_those_of_the_text():
    grams = Grams(("a", "a b", "b", "z"), 2)
    numbers, counts = grams.count("b A b a b x")
    assert numbers.tolist() == [0, 1, 2]
    assert counts.tolist() == [2, 2, 3]
    assert grams.count("")[0].tolist() == []


def test_from_many_texts_on_rare_ngrams_are_left_out(monkeypatch):
    monkeypatch.setattr(features, "RARE", 3)
    grams, frequency = choose_grams(["a b", "a c", "c a c"], 2, 1)
    assert grams.terms == ("a", "c")
    assert frequency.tolist() == [3, 2]
    assert choose_grams(["a", "b", "c"], 2, 1)[0].terms == ("a", "b", "c")  # nothing would be left


def test_the_most_frequent_ngrams_stay_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr(features, "MOST_WEIGHTS", 6)
    grams, frequency = choose_grams(["a b c", "b c", "c d"], 3, 1)
    assert grams.terms == ("b", "c")
    assert frequency.tolist() == [2, 3]


def test_values_are_those_of_scikit_learn():
    texts = make_labelled(30).texts
    grams, frequency = choose_grams(texts, 2, 2)
    idf = (np.log((1 + len(texts)) / (1 + frequency)) + 1).astype(np.float32)
    found = matrix(texts, grams, "tf-idf", idf)
    reference = TfidfVectorizer(tokenizer=words, token_pattern=None, ngram_range=(1, 2), sublinear_tf=True)
    expected = reference.fit_transform(texts)
    assert tuple(reference.get_feature_names_out()) == grams.terms
    assert found.toarray() == pytest.approx(expected.toarray(), abs=1e-6)


def test_presence_is_one():
    grams = Grams(("a", "b"), 1)
    assert matrix(["a a", "c", "b a"], grams, "presence", np.ones(2, np.float32)).toarray().tolist() == [
        [1, 0],
        [0, 0],
        [1, 1],
    ]
