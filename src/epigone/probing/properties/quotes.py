"""Inside quotation marks."""

import numpy as np

from epigone.probing.properties.base import Property, Values

OPENING, CLOSING, BOTH = "“„«", "”»", '"'


def quotes(text: str) -> Values:
    """1 from a quotation mark on, until the next one closes it.

    A blank line closes too, and a mark at the beginning of a line opens, as each paragraph of a long speech begins with
    one. Single quotation marks do not count, because apostrophes look like them.
    """
    inside, found = False, np.zeros(len(text), np.float32)
    for place, character in enumerate(text):
        if character in BOTH:
            inside = not inside or text[place - 1 : place] == "\n"
        elif character in OPENING or character in CLOSING:
            inside = character in OPENING
        elif character == "\n" and text[place - 1 : place] == "\n":
            inside = False
        found[place] = inside
    return found


QUOTES = Property("quotes", "inside quotation marks", quotes)
