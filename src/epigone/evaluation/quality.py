"""How good does a generated text look by counting: English words, and how much it repeats itself."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
CHARACTERS = 5  # of the character n-grams: about a word

# What an apostrophe joins to a word, the last three beside "thou"; "don't" and its like are in the list.
ENDINGS = {"s", "d", "m", "ll", "re", "ve", "st", "rt", "lt"}
# Common in song and verse, and in no list because their apostrophe is at the edge: 'tis, thro'.
ELISIONS = {"tis", "twas", "twere", "twill", "twould", "thro"}


@dataclass(frozen=True)
class TextQuality:
    """Counts over texts taken together.

    Shares of distinct n-grams fall as a text grows: compare texts of equal length only.
    """

    characters: int
    """Characters of all texts."""

    words: int
    """Words: letters, with apostrophes inside."""

    english_words: float
    """Share of the words that are English; 0 if there are no words."""

    distinct_1: float
    """Share of the words that differ, in any case of letters: Li et al. (2016)."""

    distinct_2: float
    """Share of the pairs of consecutive words that differ."""

    distinct_3: float
    """Share of the triples of consecutive words that differ."""

    distinct_characters: float
    """Share of the runs of 5 characters that differ; near 0 when a text is caught in a loop."""


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
    """The words of a text in lower case, with straight apostrophes."""
    return [word.lower().replace("’", "'") for word in WORD.findall(text)]


def distinct(sequences: Iterable[Sequence[str]], n: int) -> float:
    """Share of n-grams that differ: their number without repeats by their number; 0 if there are none."""
    grams = [tuple(items[i : i + n]) for items in sequences for i in range(len(items) - n + 1)]
    return len(set(grams)) / max(1, len(grams))


def is_english(word: str) -> bool:
    """Whether a word in lower case is English, or a contraction, possessive or elision of an English one."""
    if _listed(word) or word in ELISIONS:
        return True
    stem, apostrophe, ending = word.rpartition("'")
    if not apostrophe:
        return False
    return (ending in ENDINGS and _listed(stem)) or _listed(word.replace("'", "e"))  # lov'd, heav'n


def _listed(word: str) -> bool:
    # Lists have every letter of the alphabet as a word: noise with enough spaces would count as English.
    return word in english_words() and (len(word) > 1 or word in "aio")


@cache
def english_words() -> frozenset[str]:
    """The words that count as English, in lower case.

    They are pyspellchecker's (MIT, 160,572 words, inflections included). Per cent of words accepted in
    Moore's and Dickinson's verse and in film reviews, of non-words (drawn from a character trigram model, of
    3 letters or more, not in SCOWL 60) and of common misspellings; each list with possessives, contractions:

                                   verse         films   non-words   misspelt
        pyspellchecker 0.9.1       98.7   99.5   97.9    4.4         0.4
        wordfreq 3.1.1             98.8   99.5   99.7   44.4         7.5
        wordfreq 3.1.1, Zipf >= 2  97.9   98.4   99.2   26.2         1.3
        english-words 2.0.2        92.1   92.1   90.9   15.9         1.2

    wordfreq holds whatever is often written on the web, and english-words lacks most inflections.
    """
    from spellchecker import SpellChecker  # here, because reading the list takes a tenth of a second

    return frozenset(SpellChecker(language="en").word_frequency.words())
