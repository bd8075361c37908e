"""A spelling error."""

import re

import numpy as np

from epigone.probing.properties.base import Edit, Pairs, Property
from epigone.probing.properties.edits import middle_word


def misspelt(passage: str, generator: np.random.Generator, pairs: Pairs) -> Edit | None:
    """Write one word as people misspell it."""
    known = [word for word in re.findall(r"\w+", passage) if word in pairs]
    found = middle_word(passage, generator, re.compile(rf"\b(?:{'|'.join(map(re.escape, known)) or '$^'})\b"))
    if found is None:
        return None
    choices = pairs[found[0]]
    return Edit(found.start(), found.end(), choices[int(generator.integers(len(choices)))])


SPELLING = Property("spelling", "a word as people misspell it", edit=misspelt, needs_pairs=True)
