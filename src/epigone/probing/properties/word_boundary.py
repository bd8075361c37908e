"""End of a word."""

import numpy as np

from epigone.probing.properties.base import Property, Values, only, words


def word_boundary(text: str) -> Values:
    """1 if the word ends here, which the network has not read yet, and 0 within words."""
    inside = words(text)
    return only(np.append(~inside[1:], True)[: len(text)], inside)


WORD_BOUNDARY = Property("word-boundary", "the last one of its word, among those of words", word_boundary)
