"""Boundaries between the documents of a file."""

import re
from collections.abc import Callable, Iterable, Iterator
from io import StringIO

from epigone.text.document import Document
from epigone.text.readers.decoding import CHUNK

# Begins with the signs and not with `^`, because that search takes a tenth of the time.
_EQUALS_SIGNS = re.compile(r"===(?<=^===)$\n?", re.MULTILINE)

Marked = Iterator[str | None]
"""Consecutive parts of a text, with None before each further document."""


def whole_lines(chunks: Iterable[str]) -> Iterator[str]:
    """Cut a text anew, so that parts end with lines; only lines longer than a part are cut inside."""
    rest = ""
    for chunk in chunks:
        cut = chunk.rfind("\n") + 1
        if cut:
            yield rest + chunk[:cut]
            rest = chunk[cut:]
        else:
            rest += chunk
        if len(rest) >= CHUNK:
            yield rest
            rest = ""
    if rest:
        yield rest


def lines(chunks: Iterable[str]) -> Iterator[str]:
    r"""Yield the lines of a text, however long, each with its \n."""
    unfinished: list[str] = []
    for part in whole_lines(chunks):
        for line in StringIO(part):
            if not line.endswith("\n"):
                unfinished.append(line)
            elif unfinished:
                yield "".join(unfinished) + line
                unfinished = []
            else:
                yield line
    if unfinished:
        yield "".join(unfinished)


def at_equals_signs(parts: Iterable[str]) -> Marked:
    """Divide a text cut by `whole_lines` at lines that are exactly `===`."""
    fresh = True  # the part begins with a line
    for part in parts:
        rest = part
        if not fresh:
            cut = part.find("\n") + 1 or len(part)
            yield part[:cut]
            rest = part[cut:]
        for number, text in enumerate(_EQUALS_SIGNS.split(rest)):
            if number:
                yield None
            if text:
                yield text
        fresh = part.endswith("\n")


def at_pattern(parts: Iterable[str], pattern: str) -> Marked:
    """Divide a text cut by `whole_lines` at lines that a regular expression matches as a whole."""
    separator = re.compile(pattern)
    fresh = True
    for part in parts:
        block: list[str] = []
        for line in StringIO(part):
            if fresh and len(line) < CHUNK and separator.fullmatch(line.removesuffix("\n")):
                yield from filter(None, ["".join(block)])
                block = []
                yield None
            else:
                block.append(line)
            fresh = line.endswith("\n")
        yield from filter(None, ["".join(block)])


def at_blank_lines(parts: Iterable[str], number: int) -> Marked:
    """Divide at every run of at least `number` blank lines."""
    return _at_beginnings(parts, lambda line, blanks: blanks >= number)


def at_headings(parts: Iterable[str]) -> Marked:
    """Divide before the titles of WikiText articles, lines ` = Title = ` after a blank one; the titles stay."""
    heading = re.compile(r" = [^=](?:.*[^=])? = \n?")
    return _at_beginnings(parts, lambda line, blanks: blanks > 0 and heading.fullmatch(line))


def at_page_breaks(parts: Iterable[str]) -> Marked:
    """Divide a text at form feeds."""
    for part in parts:
        for number, text in enumerate(part.split("\f")):
            if number:
                yield None
            if text:
                yield text


def at_lines(parts: Iterable[str]) -> Marked:
    """Divide before every line that is not blank."""
    return _at_beginnings(parts, lambda line, blanks: True)


def refined(marked: Marked, divide: Callable[[Iterator[str]], Marked]) -> Marked:
    """Divide each part of a divided text further."""
    for number, part in enumerate(segments(marked)):
        if number:
            yield None
        yield from divide(part)


def _at_beginnings(parts: Iterable[str], begins: Callable[[str, int], object]) -> Marked:
    """Divide before lines that begin a document, given the line and the number of blank lines above."""
    fresh, begun, blanks = True, False, 0
    for part in parts:
        block: list[str] = []
        for line in StringIO(part):
            if fresh and line.isspace():
                blanks += 1
            else:
                if begun and fresh and begins(line, blanks):
                    yield from filter(None, ["".join(block)])
                    block = []
                    yield None
                begun, blanks = True, 0
            block.append(line)
            fresh = line.endswith("\n")
        yield from filter(None, ["".join(block)])


def segments(marked: Marked) -> Iterator[Iterator[str]]:
    """Yield the parts between the marks of a divided text, each read on demand."""
    over = False

    def pieces() -> Iterator[str]:
        nonlocal over
        for piece in marked:
            if piece is None:
                return
            yield piece
        over = True

    while not over:
        current = pieces()
        yield current
        for _ in current:  # the unread rest belongs to this part, not to the next
            pass


def grouped(marked: Marked, name: str) -> Iterator[Document]:
    """Yield the documents of a divided text, each read on demand."""
    for number, pieces in enumerate(segments(marked), 1):
        yield Document(numbered(name, number), pieces)


def numbered(name: str, number: int) -> str:
    """Return the name of the document at this place in a file called `name`."""
    return name if number == 1 else f"{name}#{number}"
