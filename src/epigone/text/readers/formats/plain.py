"""Plain text files: a book, a collection of songs, an article of WikiText, a film review of aclImdb."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from epigone.text.document import Document, ReadOptions, ReadReport
from epigone.text.readers.cleaning import strip_gutenberg
from epigone.text.readers.decoding import read_text
from epigone.text.readers.separators import (
    at_blank_lines,
    at_equals_signs,
    at_headings,
    at_pattern,
    grouped,
    whole_lines,
)

SUFFIXES = {".txt", ".text", ".rst", ".tokens"}
"""The files that are taken for plain text without being given by themselves."""


def bare_suffix(path: Path) -> str:
    """The suffix in lower case without `.gz`: `.txt` for `Songs.TXT.gz`."""
    path = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return path.suffix.lower()


def is_review(path: Path) -> bool:
    """Whether this is a review in the aclImdb tree, `{train,test}/{pos,neg,unsup}/ID_RATING.txt`."""
    return path.parent.name in ("pos", "neg", "unsup") and bool(re.fullmatch(r"\d+_\d+\.txt", path.name))


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
    parts: Iterator[str] = whole_lines(read_text(path, options.encoding, report))
    # The first part is read here: errors must reach whoever asks for documents, not whoever reads their text.
    parts = chain([next(parts, "")], parts)
    if is_review(path):
        parts = _without_tags(parts)
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
        yield Document(document.name, pieces)


def _without_tags(parts: Iterable[str]) -> Iterator[str]:
    return (re.sub(r"<br\s*/?>", "\n", part) for part in parts)
