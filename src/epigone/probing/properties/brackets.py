"""Inside brackets."""

import numpy as np

from epigone.probing.properties.base import Property, Values, characters


def brackets(text: str) -> Values:
    """1 from an opening bracket of any kind on, until every one is closed; a blank line closes all."""
    steps = characters(text, lambda c: c in "([{").astype(int) - characters(text, lambda c: c in ")]}")
    depth, found = 0, np.zeros(len(text), np.float32)
    for place in np.flatnonzero(steps | characters(text, lambda c: c == "\n")).tolist():
        blank = text[place - 1 : place + 1] == "\n\n"
        depth = 0 if blank else max(0, depth + int(steps[place]))
        found[place:] = depth > 0
    return found


BRACKETS = Property("brackets", "inside brackets", brackets)
