"""A word in the other case."""

import numpy as np

from epigone.probing.properties.base import Edit, Pairs, Property
from epigone.probing.properties.edits import middle_word


def other_case(passage: str, generator: np.random.Generator, pairs: Pairs) -> Edit | None:
    """Write a word in upper case, or in lower case if it is in upper case."""
    found = middle_word(passage, generator)
    if found is None:
        return None
    new = found[0].lower() if found[0].isupper() else found[0].upper()
    return Edit(found.start(), found.end(), new) if new != found[0] else None


CASE = Property("case", "a word in the other case", edit=other_case)
