"""The letters and digits of a text: a copy with other capitals, accents, spaces or line breaks has the same."""

import re
import unicodedata

import numpy as np
from numpy.typing import NDArray

from epigone.text.tokenizers.base import code_points

Codes = NDArray[np.uint32]
Places = NDArray[np.int64]

RUN = 32
"""Letters in a run by which texts are compared: about seven words."""

_ACCENTS = re.compile("[\u0300-\u036f]")
_NO_LETTERS = re.compile(r"[\W_]+")
_ASCII = np.array([ord(chr(code).lower()) if chr(code).isalnum() else 0 for code in range(128)], np.uint32)


def letters(text: str) -> tuple[Codes, Places]:
    """Find the letters and digits of a text, in lower case and without accents.

    Args:
        text: composed text (NFC), as readers make it.

    Returns:
        Their codes (N,), and the index (N,) of the character that each is from. Some characters are several letters.
    """
    if text.isascii():
        codes = _ASCII[np.frombuffer(text.encode("ascii"), np.uint8)]
        places = np.flatnonzero(codes)
        return codes[places], places
    points, which = np.unique(code_points(text), return_inverse=True)
    folded = [_folded(int(point)) for point in points]
    sizes = np.array([len(each) for each in folded])
    begins = np.cumsum(sizes) - sizes
    counts = sizes[which]
    places = np.repeat(np.arange(len(which)), counts)
    inside = np.arange(len(places)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.concatenate(folded)[np.repeat(begins[which], counts) + inside], places


def _folded(point: int) -> Codes:
    """The letters of a character."""
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", chr(point).casefold()))
    return code_points(_NO_LETTERS.sub("", unicodedata.normalize("NFC", bare)))
