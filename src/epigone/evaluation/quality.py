"""Counts that show the quality of a generated text: English words and repetition."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
CHARACTERS = 5  # of the character n-grams: about a word

# Endings after an apostrophe, the last three with "thou"; "don't" and its like are in the list of words.
ENDINGS = {"s", "d", "m", "ll", "re", "ve", "st", "rt", "lt"}
# Common in song and verse, and in no list because the apostrophe is at the edge: 'tis, thro'.
ELISIONS = {"tis", "twas", "twere", "twill", "twould", "thro"}


@dataclass(frozen=True)
class TextQuality:
    """Counts over texts taken together.

    Shares of distinct n-grams fall as a text grows, so compare texts of equal length only.
    """

    characters: int
    """Characters of all texts."""

    words: int
    """Words: letters, with apostrophes inside."""

    english_words: float
    """Share of the words that are English; 0 if there are no words."""

    distinct_1: float
    """Share of distinct words, without regard to case: Li et al. (2016)."""

    distinct_2: float
    """Share of distinct pairs of consecutive words."""

    distinct_3: float
    """Share of distinct triples of consecutive words."""

    distinct_characters: float
    """Share of distinct runs of 5 characters; near 0 if a text is caught in a loop."""


def text_quality(texts: Iterable[str]) -> TextQuality:
    """Measure generated texts; n-grams do not reach from one text into the next."""
    texts = list(texts)
    words = [words_of(text) for text in texts]
    total = sum(map(len, words))
    return TextQuality(
        characters=sum(map(len, texts)),
        words=total,
        english_words=sum(is_english(word) for text in words for word in text) / max(1, total),
        distinct_1=distinct(words, 1),
        distinct_2=distinct(words, 2),
        distinct_3=distinct(words, 3),
        distinct_characters=distinct(texts, CHARACTERS),
    )


def words_of(text: str) -> list[str]:
    """List the words of a text in lower case, with straight apostrophes."""
    return [word.lower().replace("’", "'") for word in WORD.findall(text)]


def distinct(sequences: Iterable[Sequence[str]], n: int) -> float:
    """Compute the share of distinct n-grams: their number without repeats by their number; 0 if there are none."""
    grams = [tuple(items[i : i + n]) for items in sequences for i in range(len(items) - n + 1)]
    return len(set(grams)) / max(1, len(grams))


def is_english(word: str) -> bool:
    """Tell if a word in lower case is English, or a contraction, possessive or elision of an English word."""
    if _listed(word) or word in ELISIONS:
        return True
    stem, apostrophe, ending = word.rpartition("'")
    if not apostrophe:
        return False
    return (ending in ENDINGS and _listed(stem)) or _listed(word.replace("'", "e"))  # lov'd, heav'n


def _listed(word: str) -> bool:
    # The list has every letter as a word, so noise with enough spaces would count as English.
    return word in english_words() and (len(word) > 1 or word in "aio")


@cache
def english_words() -> frozenset[str]:
    """The words that count as English, in lower case.

    The list is pyspellchecker's (MIT, 160,572 words with inflections). Each list, with possessives and contractions,
    accepts this percentage of the words of Moore's and Dickinson's verse and of film reviews, of non-words (from a
    character trigram model, 3 letters or more, not in SCOWL 60) and of common misspellings:

                                   verse         films   non-words   misspelt
        pyspellchecker 0.9.1       98.7   99.5   97.9    4.4         0.4
        wordfreq 3.1.1             98.8   99.5   99.7   44.4         7.5
        wordfreq 3.1.1, Zipf >= 2  97.9   98.4   99.2   26.2         1.3
        english-words 2.0.2        92.1   92.1   90.9   15.9         1.2

    wordfreq contains any frequent string of the web, and english-words lacks most inflections.
    """
    from spellchecker import SpellChecker  # imported here, because reading the list takes a tenth of a second

    return frozenset(SpellChecker(language="en").word_frequency.words())
