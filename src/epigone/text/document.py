"""What goes into reading, and what comes out of it?"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from epigone.errors import UserError

FOLDER, RATING = "folder", "rating"
"""Values of `ReadOptions.label` that name no column."""


@dataclass(frozen=True)
class ReadOptions:
    """How files are turned into documents.

    Raises:
        UserError: the options contradict each other or make no sense.
    """

    encoding: str | None = None
    """The encoding of the files, for example cp1252. By default UTF-8, and a guess where that fails."""
    separator: str | None = None
    """A regular expression; lines that it matches whole separate documents. By default lines `===` do."""
    blank_lines: int | None = None
    """Documents are separated by at least this many blank lines."""
    column: str | None = None
    """The column of CSV, TSV or JSON Lines that holds the text. By default `text`, or the only texts."""
    label: str | None = None
    """What labels the documents: a column of CSV, TSV or JSON Lines; `folder`, the name of the folder that a file is
    in; or `rating`, the one in the file names of aclImdb. By default the reviews of aclImdb are labelled by folder,
    and nothing else is."""
    gutenberg: bool = True
    """Remove the header and the footer that Project Gutenberg puts into its books."""
    limit: int = 0
    """Read no more than this many characters, in the order of the files; 0 reads all."""

    def __post_init__(self) -> None:
        if self.separator is not None and self.blank_lines is not None:
            raise UserError("Documents are separated either by --separator or by --blank-lines; give only one of them.")
        if self.limit < 0:
            raise UserError(f"--limit {self.limit} is negative; give the number of characters to read, or 0 for all.")
        if self.blank_lines is not None and self.blank_lines < 1:
            raise UserError(f"--blank-lines {self.blank_lines} would separate nothing; give 1 or more.")
        try:
            re.compile(self.separator or "")
        except re.error as error:
            raise UserError(
                f"--separator {self.separator!r} is not a regular expression: {error}. Put a backslash "
                r"before each of the characters . ^ $ * + ? ( ) [ ] { } | \ that stands for itself."
            ) from error

    def chosen(self) -> dict[str, Any]:
        """The options that are not as they are by default."""
        return {o.name: value for o in fields(self) if (value := getattr(self, o.name)) != o.default}


@dataclass(frozen=True)
class Document:
    """A text with a name, read while it is being asked for."""

    name: str
    """Where it comes from, for people."""
    pieces: Iterator[str]
    """Consecutive parts of the text, about a million characters at most; valid until the next document."""
    label: str | None = None
    """Class of the document; None without one."""


def limited(documents: Iterable[Document], characters: int) -> Iterator[Document]:
    """The first documents, up to this many characters; the last is cut there."""
    left = characters

    def cut(pieces: Iterator[str]) -> Iterator[str]:
        nonlocal left
        while left and (piece := next(pieces, "")):
            yield piece[:left]
            left -= min(left, len(piece))

    for document in documents:
        if not left:
            return
        yield replace(document, pieces=cut(document.pieces))


@dataclass
class ReadReport:
    """Counts of everything that reading changed or left out; nothing is changed in silence."""

    encodings: dict[str, str] = field(default_factory=dict)
    """The encoding of each file that is not UTF-8, where it was not told."""
    newlines: int = 0
    r"""Carriage returns in the texts turned into \n or joined with one; not those that only end a table's rows."""
    controls: int = 0
    """Control characters removed."""
    gutenberg: int = 0
    """Project Gutenberg headers and footers removed."""
    empty: int = 0
    """Documents dropped because nothing was left of them."""
    duplicates: int = 0
    """Documents dropped because the same text was read before."""
    skipped: list[str] = field(default_factory=list)
    """Which files of a folder, and what of files, was left out and why, a sentence each."""
    relabelled: int = 0
    """Duplicates with another label than the document that was kept."""

    def notices(self) -> list[str]:
        """The report in sentences, without what did not happen."""
        sentences = []
        for codec in sorted(set(self.encodings.values())):
            files = [name for name, encoding in self.encodings.items() if encoding == codec]
            was = "is not UTF-8 and was" if len(files) == 1 else "are not UTF-8 and were"
            sentences.append(f"{some(files)} {was} read as {codec}; if that is wrong, give --encoding.")
        counts = {
            "carriage return{} turned into newlines": self.newlines,
            "control character{} removed": self.controls,
            "Project Gutenberg header{0} and footer{0} removed": self.gutenberg,
            "empty document{} dropped": self.empty,
            "exact duplicate{} of other documents dropped": self.duplicates,
        }
        for sentence, number in counts.items():
            if number:
                sentences.append(f"{number:,} {sentence.format('' if number == 1 else 's')}.")
        if self.relabelled:
            sentences.append(f"{self.relabelled:,} of the duplicates had another label than the one that was kept.")
        return sentences + self.skipped


def some(names: Sequence[str], shown: int = 3) -> str:
    """The first few of many names."""
    rest = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {rest:,} more" if rest > 0 else "")


def counted(number: int, noun: str) -> str:
    """A number of things: `1 character`, `1,234 characters`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"
