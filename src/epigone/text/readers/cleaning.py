"""Cleaning of a document's text: control characters, blank lines around it, Gutenberg's header and footer."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from epigone.text.document import ReadReport

_ASCII_CONTROLS = bytes(code for code in range(128) if not 32 <= code < 127 and chr(code) not in "\n\t\v\f")
_ASCII_PAGE_BREAKS = bytes.maketrans(b"\v\f", b"\n\n")
_PAGE_BREAKS = re.compile("[\v\f\u2028\u2029]")
# C0 and C1 controls, byte-order marks inside the text, and halves of surrogate pairs.
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufeff\ud800-\udfff]")
_LEADING_BLANK_LINES = re.compile(r"(?:[^\S\n]*\n)*")

_HEADER_REACH = 100_000
_HEADER = re.compile(r"^\*\*\* ?START OF TH(?:E|IS) PROJECT GUTENBERG.*\n?", re.IGNORECASE | re.MULTILINE)
_FOOTER = re.compile(
    r"^(?:\*\*\* ?END OF TH(?:E|IS) |End of (?:The |This )?)PROJECT GUTENBERG", re.IGNORECASE | re.MULTILINE
)


def clean(pieces: Iterable[str], report: ReadReport) -> Iterator[str]:
    """Remove control characters, the end symbol among them, and blank lines before and after the text.

    Page breaks and Unicode's line separators become newlines. The first line keeps its indentation.

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


def strip_gutenberg(pieces: Iterable[str], report: ReadReport) -> Iterator[str]:
    """Remove Project Gutenberg's START line and everything before it, and its END line and everything after it.

    Args:
        pieces: consecutive parts of one document, divided between lines.
        report: counts the headers and footers.
    """
    pieces = iter(pieces)
    head = ""
    while len(head) < _HEADER_REACH and (piece := next(pieces, "")):
        head += piece
    if "***" in head and (header := _HEADER.search(head, 0, _HEADER_REACH)):
        head = head[header.end() :]
        report.gutenberg += 1
    for piece in chain([head], pieces):
        # The plain search is quick; the pattern is tried only if it can match.
        if "utenberg" in piece or "UTENBERG" in piece:
            footer = _FOOTER.search(piece)
            if footer:
                report.gutenberg += 1
                yield from filter(None, [piece[: footer.start()]])
                return
        if piece:
            yield piece


def _without_controls(text: str, report: ReadReport) -> str:
    if text.isascii():
        data = text.encode("ascii")
        kept = data.translate(_ASCII_PAGE_BREAKS, _ASCII_CONTROLS)
        report.controls += len(data) - len(kept)
        return text if kept == data else kept.decode("ascii")
    text, removed = _CONTROLS.subn("", _PAGE_BREAKS.sub("\n", text))
    report.controls += removed
    return text
