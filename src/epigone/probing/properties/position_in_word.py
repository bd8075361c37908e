"""Position in the word."""

import numpy as np

from epigone.probing.properties.base import Property, Values, only, since, words


def position_in_word(text: str) -> Values:
    """Number of the character in its word, from 1; characters between words say nothing."""
    inside = words(text)
    starts = inside & ~np.append(False, inside[:-1])[: len(text)]
    return only(since(starts) + 1, inside)


POSITION_IN_WORD = Property("position-in-word", "its number in its word", position_in_word)
