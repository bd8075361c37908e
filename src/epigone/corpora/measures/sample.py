"""A sample of a corpus: passages from all over it, the same ones for the same texts."""

from collections.abc import Sequence

import numpy as np

from epigone.text.corpus import Corpus

PASSAGE = 2_000
"""Characters of a passage, at most, if there are documents enough."""


def passages(corpus: Corpus, characters: int) -> list[str]:
    """Draw passages of this many characters together, from documents in a random order that is always the same.

    A document that is longer than its part gives a passage from a random place, beginning with a line if possible.
    """
    number = len(corpus.names)
    longest = max(PASSAGE, -(-characters // number))
    random = np.random.default_rng(0)
    found: list[str] = []
    left = characters
    for index in random.permutation(number):
        size, part = int(corpus.characters[index]), min(longest, left)
        found.append(_passage(corpus, int(index), int(random.integers(max(1, size - part + 1))), part))
        left -= len(found[-1])
        if left <= 0:
            break
    return found


def beginnings(corpus: Corpus, documents: int, characters: int) -> Sequence[str]:
    """The beginnings of some documents, spread evenly over the corpus."""
    number = len(corpus.names)
    places = np.unique(np.linspace(0, number - 1, min(number, documents)).astype(int))
    return [corpus.text(int(place))[:characters] for place in places]


def _passage(corpus: Corpus, index: int, start: int, characters: int) -> str:
    text = corpus.text(index)
    if start:
        line = text.find("\n", start, start + characters // 2)
        start = line + 1 if line >= 0 else start
    return text[start : start + characters]
