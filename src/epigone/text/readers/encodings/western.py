"""Western single-byte encodings: the likeliest of them, and cp1252 as browsers read it."""

import codecs

LENIENT = "epigone-western"
"""Handling of errors that reads each byte which an encoding lacks as the control of the same number, as browsers do."""

FAMILY = ("cp1252", "cp437", "cp850", "mac_roman")
"""The encodings that are compared; the first one is taken unless another fits much better."""

_LETTERS = set("àáâãäåæçèéêëìíîïñòóôõöøùúûüýÿœßš")
_OPENING, _CLOSING, _DASHES = set("“‘„‚«‹¿¡"), set("”’»›…"), set("–—")
_SYMBOLS = set("£€§°©®™½¼¾²³·•¢¥ºªº¹±×÷µ¶\xa0")


def _as_control(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error(LENIENT, _as_control)


def likeliest(sample: bytes) -> str:
    """Choose the encoding of a Western text with a few accents, quotation marks or dashes.

    Args:
        sample: lines with bytes that are not ASCII.
    """
    scores = {codec: _score(sample.decode(codec, LENIENT)) for codec in FAMILY}
    best = max(FAMILY, key=scores.__getitem__)
    signs = sum(byte >= 0x80 for byte in sample)
    return best if scores[best] > scores[FAMILY[0]] + 0.3 * signs else FAMILY[0]


def _score(text: str) -> float:
    """Count the characters that are plausible where they are, less those that are not."""
    around = f" {text} "
    return sum(
        plausible(around[place - 1], sign, around[place + 1]) for place, sign in enumerate(around) if not sign.isascii()
    )


def plausible(before: str, sign: str, after: str) -> float:
    """Rate a character of a Western text between its neighbours, from -1 to 1."""
    if "\x80" <= sign <= "\x9f":  # a byte without a character
        return 0.0
    in_word = before.isalpha() or after.isalpha()
    if sign in _LETTERS:
        return 1.0 if in_word and not before.isdigit() else 0.0
    if sign.isalpha():
        capital = sign.lower() in _LETTERS and not before.islower()
        return 0.9 if capital and (in_word or sign == "À") else -1.0
    if sign == "’":
        return 1.0 if before.isalnum() or before in ",.!?" else 0.5
    if sign in _OPENING:
        return 1.0 if not before.isalnum() and not after.isspace() else -1.0
    if sign in _CLOSING:
        return 1.0 if not before.isspace() and not after.isalpha() else -1.0
    if sign in _DASHES:
        return -1.0 if sign == "–" and before.islower() and after.islower() else 1.0
    if sign in _SYMBOLS:
        return 0.5 if not (before.isalpha() and after.isalpha()) else -1.0
    if "\u2500" <= sign <= "\u259f":  # lines and boxes
        return 1.0 if not in_word else -1.0
    return -1.0
