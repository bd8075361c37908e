"""Plain text files: a book, a collection of songs, articles of WikiText."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

from epigone.text.document import Document, ReadOptions, ReadReport
from epigone.text.readers.base import Reader
from epigone.text.readers.cleaning import strip_gutenberg
from epigone.text.readers.decoding import bare_suffix, read_text
from epigone.text.readers.separators import (
    at_blank_lines,
    at_equals_signs,
    at_headings,
    at_pattern,
    grouped,
    whole_lines,
)


def read_plain(path: Path, name: str, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    """Read the documents of a text file: the texts between separators, or one text.

    Without a separator in the options, WikiText's `.tokens` are divided into articles.

    Args:
        path: the file, gzipped or not.
        name: name of its first document; the others are called `name#2`, `name#3` and so on.
        options: the separator, the encoding, and the removal of Gutenberg's header and footer.
        report: counts the changes.

    Raises:
        NotText: the file is not text; before the first document.
        UserError: the file cannot be read or decoded.
    """
    yield from divided(read_parts(path, options, report), path, name, options, report)


def read_parts(path: Path, options: ReadOptions, report: ReadReport) -> Iterator[str]:
    """Begin to read a text file, so that errors come before its documents, as parts that end with lines."""
    parts: Iterator[str] = whole_lines(read_text(path, options.encoding, report))
    return chain([next(parts, "")], parts)


def divided(
    parts: Iterator[str], path: Path, name: str, options: ReadOptions, report: ReadReport
) -> Iterator[Document]:
    """Divide a text from `read_parts` into documents, without Gutenberg's header and footer."""
    if options.blank_lines is not None:
        # Gutenberg's header has blank lines of its own, so it is removed first.
        parts = strip_gutenberg(parts, report) if options.gutenberg else parts
        yield from grouped(at_blank_lines(parts, options.blank_lines), name)
        return
    if options.separator is not None:
        marked = at_pattern(parts, options.separator)
    elif bare_suffix(path) == ".tokens":
        marked = at_headings(parts)
    else:
        marked = at_equals_signs(parts)
    for document in grouped(marked, name):
        pieces = strip_gutenberg(document.pieces, report) if options.gutenberg else document.pieces
        yield replace(document, pieces=pieces)


PLAIN = Reader(
    "plain",
    read_plain,
    suffixes=(".txt", ".text", ".rst", ".tokens"),
    options=("encoding", "separator", "blank_lines", "gutenberg"),
)
