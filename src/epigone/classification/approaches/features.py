"""N-grams of words and characters, counted."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.typing import NDArray

TOKEN = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
"""A word, with the apostrophes inside it, or a sign."""
RARE = 2_000
"""Texts from which on an n-gram must be in two of them to count."""
MOST, MOST_WEIGHTS = 1_000_000, 5_000_000
"""N-grams, and weights of all classes together, that there are at most: bounds the memory."""


def words(text: str) -> list[str]:
    """Divide a text into words and signs, in lower case."""
    return TOKEN.findall(text.lower().replace("’", "'"))


def word_grams(text: str, most: int) -> Iterator[str]:
    """Yield the n-grams of one to `most` words of a text, each joined by spaces."""
    found = words(text)
    for length in range(1, most + 1):
        for start in range(len(found) - length + 1):
            yield " ".join(found[start : start + length])


def character_grams(text: str, least: int, most: int) -> Iterator[str]:
    """Yield the n-grams of characters within each word or sign, which has a space at either end.

    They begin with a mark, so that none is also an n-gram of words.
    """
    for word in words(text):
        padded = f" {word} "
        for length in range(least, most + 1):
            for start in range(len(padded) - length + 1):
                yield "\t" + padded[start : start + length]


@dataclass(frozen=True)
class Grams:
    """The n-grams that count, in the order of the features."""

    terms: tuple[str, ...]
    most_words: int
    """Words of the longest n-gram."""
    characters: tuple[int, int] | None = None
    """Characters of the shortest and the longest n-gram; None for none."""

    @cached_property
    def index(self) -> dict[str, int]:
        """The number of each n-gram."""
        return {term: i for i, term in enumerate(self.terms)}

    def count(self, text: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Count the n-grams of a text: their numbers, ascending, and how often each occurs."""
        index = self.index
        numbers = [index[term] for term in grams(text, self.most_words, self.characters) if term in index]
        found, counts = np.unique(np.array(numbers, np.int64), return_counts=True)
        return found, counts.astype(np.float64)


def grams(text: str, most_words: int, characters: tuple[int, int] | None) -> Iterator[str]:
    """Yield all n-grams of a text."""
    found = word_grams(text, most_words)
    return chain(found, character_grams(text, *characters)) if characters else found


def choose_grams(
    texts: Sequence[str], classes: int, most_words: int, characters: tuple[int, int] | None = None
) -> tuple[Grams, NDArray[np.int64]]:
    """Choose the n-grams of the texts: all, or from `RARE` texts on those in two texts or more.

    If there are too many for the number of classes, the most frequent stay.

    Returns:
        The n-grams, and the number of texts that each is in: (F,).
    """
    frequency: Counter[str] = Counter()
    for text in texts:
        frequency.update(set(grams(text, most_words, characters)))
    least = 2 if len(texts) >= RARE else 1
    kept = [term for term, number in frequency.items() if number >= least] or list(frequency)
    most = min(MOST, MOST_WEIGHTS // classes)
    if len(kept) > most:
        kept = sorted(kept, key=lambda term: (-frequency[term], term))[:most]
    kept.sort()
    return Grams(tuple(kept), most_words, characters), np.array([frequency[term] for term in kept], np.int64)
