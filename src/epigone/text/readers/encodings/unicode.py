"""Text that is almost UTF-8, and UTF-16 and UTF-32 without a mark."""

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
_LEAST_TEXT = 100  # bytes of a text that is read although it holds more
_NO_TEXT = re.compile(rb"[\x01-\x08\x0e-\x1f\x7f]")
_NO_ASCII_TEXT = re.compile(rb"[\x01-\x08\x0e-\x1f\x7f-\xff]")
_WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")


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
    """True if there are NULs that no damaged text has: more than a few, and other bytes that are no text either."""
    if head.count(0) * _EVERY <= len(head):
        return False
    rest = head.replace(b"\0", b"")
    # A disk that failed pads a text with NULs; a text of one line is more likely a list of names in a program.
    return len(rest) < _LEAST_TEXT or b"\n" not in rest or _NO_TEXT.search(rest) is not None or not _is_utf8(rest)


def _is_utf8(data: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return False
    return True


def utf16_or_utf32(head: bytes) -> str | None:
    """Recognise UTF-16 or UTF-32 without a byte-order mark, and its order of bytes; None if it is something else.

    Args:
        head: some kilobytes from the beginning of a file.
    """
    if head.count(0) < 0.25 * len(head) and not _NO_ASCII_TEXT.search(head):
        return None  # ASCII with some NULs
    fits = [(len({ord(sign) >> 8 for sign in text}), codec) for codec in _WIDE if (text := _decoded(head, codec))]
    # With the bytes the wrong way around, the characters are scattered over many rows of Unicode.
    return min(fits)[1] if fits else None


def _decoded(head: bytes, codec: str) -> str:
    """Decode the beginning of a text; the empty string if it is no text in this encoding."""
    try:
        text = codecs.getincrementaldecoder(codec)().decode(head)
    except UnicodeDecodeError:
        return ""
    spaces = sum(map(text.count, " \n"))
    strange = sum(unicodedata.category(sign) in ("Cc", "Cn", "Co", "Cs") for sign in text if sign not in "\t\n\r\f")
    return text if spaces > 0.002 * len(text) and strange <= 0.01 * len(text) else ""
