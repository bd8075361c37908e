"""Cleaning of a document's text: control characters, and blank lines around it."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from epigone.text.document import ReadReport

_ASCII_CONTROLS = bytes(code for code in range(128) if not 32 <= code < 127 and chr(code) not in "\n\t\v\f")
_ASCII_PAGE_BREAKS = bytes.maketrans(b"\v\f", b"\n\n")
_PAGE_BREAKS = re.compile("[\v\f\x85\u2028\u2029]")
# C0 and C1 controls, byte-order marks inside the text, and halves of surrogate pairs.
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufeff\ud800-\udfff]")
_ESCAPES = re.compile("\x1b\\[[0-9;?]*[A-Za-z]|.\x08")  # colours of a terminal, and letters that are struck over
# Places where a word may be divided, and where it may not.
_UNSEEN = re.compile("[\u00ad\u200b\u2060]")
_DECOMPOSED = re.compile("[^\\W\\d_][\u0300-\u036f\u3099\u309a]+|[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?")
_LEADING_BLANK_LINES = re.compile(r"(?:[^\S\n]*\n)*")


def clean(pieces: Iterable[str], report: ReadReport) -> Iterator[str]:
    """Remove control characters, the end symbol among them, and blank lines before and after the text.

    Page breaks, the NEL of mainframes and Unicode's line separators become newlines. Soft hyphens and other signs that
    nobody sees are removed, and letters with separate accents, as macOS writes them, are composed. The first line keeps
    its indentation.

    Args:
        pieces: consecutive parts of one document.
        report: counts the removed characters.

    Yields:
        Parts that are not empty; none for a document without text.
    """
    blank = ""  # white space that is dropped unless more text follows
    begun = False
    for piece in pieces:
        piece = _without_controls(piece, report)
        if not begun:
            piece = _LEADING_BLANK_LINES.sub("", blank + piece, count=1)
            blank = ""
        body = piece.rstrip()
        if body:
            yield blank + body if blank else body
            blank, begun = "", True
        blank += piece[len(body) :]


def _without_controls(text: str, report: ReadReport) -> str:
    if "\x1b" in text or "\x08" in text:
        text, removed = _ESCAPES.subn("", text)
        report.controls += removed
    if text.isascii():
        data = text.encode("ascii")
        kept = data.translate(_ASCII_PAGE_BREAKS, _ASCII_CONTROLS)
        report.controls += len(data) - len(kept)
        return text if kept == data else kept.decode("ascii")
    text, removed = _CONTROLS.subn("", _PAGE_BREAKS.sub("\n", text))
    report.controls += removed
    text, removed = _UNSEEN.subn("", text)
    report.unseen += removed
    if _DECOMPOSED.search(text):
        before = len(text)
        text = _DECOMPOSED.sub(lambda letters: unicodedata.normalize("NFC", letters[0]), text)
        report.composed += before - len(text)
    return text
