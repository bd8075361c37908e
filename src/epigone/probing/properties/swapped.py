"""Two characters that have changed places."""

import numpy as np

from epigone.probing.properties.base import Edit, Pairs, Property
from epigone.probing.properties.edits import middle_word


def swapped(passage: str, generator: np.random.Generator, pairs: Pairs) -> Edit | None:
    """Swap two neighbouring letters inside a word."""
    found = middle_word(passage, generator)
    if found is None:
        return None
    first = int(generator.integers(1, len(found[0]) - 1)) + found.start()
    one, other = passage[first], passage[first + 1]
    return Edit(first, first + 2, other + one) if one != other else None


SWAPPED = Property("swapped", "two letters of a word swapped", edit=swapped)
