"""Dropped punctuation."""

import re

import numpy as np

from epigone.probing.properties.base import Edit, Pairs, Property
from epigone.probing.properties.edits import middle_word

MARK = re.compile(r"[.,;:!?]")


def dropped(passage: str, generator: np.random.Generator, pairs: Pairs) -> Edit | None:
    """Leave out a mark of punctuation."""
    found = middle_word(passage, generator, MARK)
    return Edit(found.start(), found.end(), "") if found else None


PUNCTUATION = Property("punctuation", "a mark of punctuation left out", edit=dropped)
