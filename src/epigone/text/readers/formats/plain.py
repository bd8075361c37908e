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
    """The documents of a text file: what stands between separators, or all of it.

    WikiText's `.tokens` are divided into articles where no separator is asked for.

    Args:
        path: the file, gzipped or not.
        name: what to call its first document; the others are called `name#2`, `name#3` and so on.
        options: the separator, the encoding, whether Gutenberg's texts are removed.
        report: where changes are counted.

    Raises:
        NotText: the file is not text; before the first document.
        UserError: the file cannot be read or decoded.
    """
    yield from divided(read_parts(path, options, report), path, name, options, report)


def read_parts(path: Path, options: ReadOptions, report: ReadReport) -> Iterator[str]:
    """Consecutive parts of a text file, divided between lines; errors come here, not with the first part."""
    parts: Iterator[str] = whole_lines(read_text(path, options.encoding, report))
    return chain([next(parts, "")], parts)


def divided(
    parts: Iterator[str], path: Path, name: str, options: ReadOptions, report: ReadReport
) -> Iterator[Document]:
    """The documents of a text that `read_parts` began to read, without Gutenberg's texts."""
    if options.blank_lines is not None:
        # Gutenberg's texts have blank lines of their own, so they go first.
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
