"""A guess of the encoding of bytes that are not UTF-8."""

import re

from charset_normalizer import from_bytes

from epigone.text.readers.encodings.languages import by_letters
from epigone.text.readers.encodings.western import likeliest

_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x19\x1c-\x1f\x7f]")
_BOXES = re.compile(rb"[\xb3-\xb6\xb9-\xbf\xc0-\xc5\xc8-\xce\xd9-\xdc\xdf\xb0-\xb2]")
_HANDFUL, _FEW_KINDS = 24, 5


def guessed(sample: bytes) -> str | None:
    """Guess an encoding; None if none fits.

    A handful of accents fits dozens of encodings, so for few of them only Western ones are considered.

    Args:
        sample: lines with bytes that are not ASCII.
    """
    if len(_CONTROLS.findall(sample)) > 0.02 * len(sample):
        return None
    found = _NOT_ASCII.findall(sample)
    if len(found) < _HANDFUL or len(set(found)) <= _FEW_KINDS:
        return likeliest(sample)
    if codec := by_letters(sample):
        return codec
    if re.search(rb"([\xc4\xcd])\1", sample) and len(_BOXES.findall(sample)) > 0.3 * len(found):
        return likeliest(sample)
    matches = list(from_bytes(sample))
    if not matches:
        return None
    best = matches[0]
    # If the Western encoding fits as well as any, it is the most likely.
    western = (match for match in matches if "cp1252" in [match.encoding, *match.could_be_from_charset])
    if any(match.chaos <= best.chaos and match.coherence > best.coherence - 0.02 for match in western):
        return likeliest(sample)
    return best.encoding
