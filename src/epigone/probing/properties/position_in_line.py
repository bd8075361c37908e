"""Position in the line."""

import numpy as np

from epigone.probing.properties.base import Property, Values, characters, since


def position_in_line(text: str) -> Values:
    """Number of the character in its line, from 1; the newline is the last one."""
    newline = characters(text, lambda c: c == "\n")
    return (since(np.append(True, newline[:-1])[: len(text)]) + 1).astype(np.float32)


POSITION_IN_LINE = Property("position-in-line", "its number in its line", position_in_line)
