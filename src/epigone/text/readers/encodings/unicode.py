"""Text that is almost UTF-8, and UTF-16 without a mark."""

import codecs
import re
import unicodedata

REPLACING, MENDING = "epigone-replacing", "epigone-mending"
"""Handling of bytes that are not UTF-8: U+FFFD for each, or the character of cp1252; emoji in CESU-8 are read."""

SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
"""A character of UTF-8 that is not ASCII."""

_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_SURROGATES = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")
_WESTERN = re.compile(rb"[\xc2-\xc5][\x80-\xbf]|\xe2[\x80-\x82][\x80-\xbf]")
_EVERY = 500  # least bytes for each NUL in a text


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    if pair := _SURROGATES.match(error.object, error.start):  # as some databases write them
        return pair[0].decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16"), pair.end()
    return "\N{REPLACEMENT CHARACTER}", error.end


def _mended(error: UnicodeError) -> tuple[str, int]:
    character, end = _replaced(error)
    if character != "\N{REPLACEMENT CHARACTER}" or not isinstance(error, UnicodeDecodeError):
        return character, end
    if error.reason == "unexpected end of data":  # the file was cut inside a character
        return character, end
    byte = error.object[error.start : error.start + 1]
    return byte.decode("cp1252", "replace"), error.start + 1


codecs.register_error(REPLACING, _replaced)
codecs.register_error(MENDING, _mended)


def damaged(sample: bytes) -> str | None:
    """Choose the handling of errors for a text that is UTF-8 but for some bytes; None if it is not UTF-8 at all.

    Args:
        sample: lines with bytes that are not ASCII, one that does not decode among them.
    """
    valid = len(SEQUENCE.findall(sample))
    stray = len(_NOT_ASCII.findall(SEQUENCE.sub(b"", sample)))
    western = len(_WESTERN.findall(sample)) > 0.9 * valid
    bytes_of_characters = sum(map(len, SEQUENCE.findall(sample)))
    if stray < 0.1 * (stray + bytes_of_characters):
        return MENDING if western else REPLACING
    # In no other encoding do the bytes of so many characters follow each other as in UTF-8.
    return MENDING if western and valid > 2 and valid > 0.25 * (valid + stray) else None


def is_binary(head: bytes) -> bool:
    """True if there are more NULs than a damaged text has."""
    return head.count(0) * _EVERY > len(head)


def utf16(head: bytes) -> str | None:
    """Recognise UTF-16 without a byte-order mark: `utf-16-le` or `utf-16-be`; None if it is something else.

    Args:
        head: some kilobytes from the beginning of a file.
    """
    head = head[: len(head) // 2 * 2]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if min(even, odd) > 0.01 * max(even, odd) or max(even, odd) < 4 or max(even, odd) < 0.01 * len(head):
        return None
    codec = "utf-16-le" if odd > even else "utf-16-be"
    if ord("\ud800".encode("utf-16-be", "surrogatepass")[:1]) <= head[-1 if codec == "utf-16-le" else -2] < 0xDC:
        head = head[:-2]  # half of a character
    try:
        text = head.decode(codec)
    except UnicodeDecodeError:
        return None
    strange = sum(unicodedata.category(c) in ("Cc", "Cn", "Co", "Cs") for c in text if c not in "\t\n\r\f")
    return codec if strange <= 0.01 * len(text) else None
