"""Division of a text into documents, as the options say."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from epigone.text.document import Document, ReadOptions, ReadReport
from epigone.text.readers.gutenberg import gutenberg_books
from epigone.text.readers.separators import (
    Marked,
    at_blank_lines,
    at_equals_signs,
    at_lines,
    at_pattern,
    grouped,
    refined,
    whole_lines,
)

DIVIDING = ("separator", "blank_lines", "documents")
"""Options of `ReadOptions` that divide a text of any format."""


def divided(
    pieces: Iterable[str],
    name: str,
    options: ReadOptions,
    report: ReadReport,
    default: Callable[[Iterable[str]], Marked] = at_equals_signs,
) -> Iterator[Document]:
    """Divide a text into documents.

    Args:
        pieces: consecutive parts of the text.
        name: name of the first document; the others are called `name#2`, `name#3` and so on.
        options: the separator, and the removal of Project Gutenberg's additions; several of its books are divided too.
        report: counts boundaries and changes.
        default: division without a separator among the options.
    """
    # The NEL of mainframes ends lines too.
    parts = whole_lines(piece.replace("\x85", "\n") if "\x85" in piece else piece for piece in pieces)
    books = (lambda part: gutenberg_books(part, report)) if options.gutenberg else iter
    if options.documents == "lines":
        marked = refined(books(parts), at_lines)
    elif (number := options.blank_lines) is not None:
        # Gutenberg's header has blank lines of its own, so it is removed first.
        marked = refined(books(parts), lambda part: _counted(at_blank_lines(part, number), report))
    elif options.separator is not None:
        marked = refined(_counted(at_pattern(parts, options.separator), report), books)
    else:
        marked = refined(iter(parts) if options.documents == "files" else default(parts), books)
    return grouped(marked, name)


def divided_further(document: Document, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    """Divide the text that a reader made of a file; its parts keep the label."""
    for part in divided(document.pieces, document.name, options, report):
        yield replace(part, label=document.label)


def _counted(marked: Marked, report: ReadReport) -> Marked:
    for piece in marked:
        report.separated += piece is None
        yield piece
