"""Plain text files: a book, a collection of songs, articles of WikiText."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path

from epigone.text.document import Document, ReadOptions, ReadReport
from epigone.text.readers.base import Reader
from epigone.text.readers.decoding import bare_suffix, read_text
from epigone.text.readers.division import DIVIDING, divided
from epigone.text.readers.separators import Marked, at_equals_signs, at_headings, at_page_breaks


def read_plain(path: Path, name: str, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    """Read the documents of a text file: the texts between separators, or one text.

    With `documents="pages"` it is divided at form feeds. Without a separator in the options, WikiText's `.tokens` are
    divided into articles.

    Args:
        path: the file, gzipped or not.
        name: name of its first document; the others are called `name#2`, `name#3` and so on.
        options: the separator, the encoding, and the removal of Project Gutenberg's additions.
        report: counts the changes.

    Raises:
        NotText: the file is not text, or cannot be read or decoded; before the first document, if possible.
    """
    default: Callable[[Iterable[str]], Marked] = at_headings if bare_suffix(path) == ".tokens" else at_equals_signs
    if options.documents == "pages":
        default = partial(_at_page_breaks, name=name, report=report)
    yield from divided(begun(read_text(path, options.encoding, report)), name, options, report, default)


def _at_page_breaks(parts: Iterable[str], name: str, report: ReadReport) -> Marked:
    found = False
    for piece in at_page_breaks(parts):
        found = found or piece is None
        yield piece
    if not found:
        report.undivided.setdefault("pages", []).append(name)


def begun(pieces: Iterator[str]) -> Iterator[str]:
    """Begin to read a text, so that errors come before its documents."""
    return chain([next(pieces, "")], pieces)


PLAIN = Reader(
    "plain",
    read_plain,
    suffixes=(".txt", ".text", ".rst", ".tokens"),
    options=("encoding", "gutenberg", *DIVIDING),
    divides=True,
    units=("lines", "files", "pages"),
    usual_share=0.5,
)
