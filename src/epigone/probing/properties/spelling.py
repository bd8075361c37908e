"""A spelling error."""

import re

import numpy as np

from epigone.probing.properties.base import Edit, Pairs, Property
from epigone.probing.properties.edits import middle_word


def misspelt(passage: str, generator: np.random.Generator, pairs: Pairs) -> Edit | None:
    """Write one word as people misspell it; `pairs` are wrong and right words."""
    wrong: dict[str, list[str]] = {}
    for written, right in pairs:
        wrong.setdefault(right.lower(), []).append(written)
    known = re.compile("|".join(sorted({re.escape(w) for w in re.findall(r"\w+", passage.lower()) if w in wrong})))
    if not known.pattern:
        return None
    found = middle_word(passage, generator, re.compile(rf"\b(?:{known.pattern})\b"))
    if found is None:
        return None
    choices = wrong[found[0]]
    return Edit(found.start(), found.end(), choices[int(generator.integers(len(choices)))])


SPELLING = Property("spelling", "a word as people misspell it", edit=misspelt, needs_pairs=True)
