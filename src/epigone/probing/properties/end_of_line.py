"""End of a line."""

import numpy as np

from epigone.probing.properties.base import Property, Values, characters


def end_of_line(text: str) -> Values:
    """1 if a newline comes next, which the network has not read yet; the last character of the text says nothing."""
    newline = characters(text, lambda c: c == "\n").astype(np.float32)
    return np.append(newline[1:], np.float32(np.nan))[: len(text)]


END_OF_LINE = Property("end-of-line", "the last one of its line", end_of_line)
