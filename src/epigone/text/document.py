"""Documents, the options of reading them, and the report of what reading changed."""

import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from shlex import quote
from typing import Any, Literal

from epigone.errors import UserError, check_options
from epigone.typed import typed

_log = logging.getLogger("epigone")

FOLDER, FILE, RATING = "folder", "file", "rating"
"""Values of `ReadOptions.label` that name no column."""

BY_PLACE = (FOLDER, FILE)
"""Those of them that are understood for every format: the place of a file names the class of its texts."""

NAMED_ROWS = 3
"""Rows that a sentence names at most."""

UNITS = ("lines", "files", "headings", "pages")
"""Values of `ReadOptions.documents`."""


@dataclass(frozen=True)
@typed
class ReadOptions:
    """Reading of files as documents.

    Raises:
        UserError: the options contradict each other or make no sense.
    """

    encoding: str | None = None
    """Encoding of the files, for example cp1252. By default UTF-8, or a guess if that fails."""
    separator: str | None = None
    """Regular expression; a line that it matches as a whole separates documents. By default a line `===` does."""
    blank_lines: int | None = None
    """Least number of blank lines that separates documents."""
    documents: Literal["lines", "files", "headings", "pages"] | None = None
    """Unit of documents: with `lines` every line is a document, as in a list of names; with `files` every file; with
    `headings` and `pages` every section and page of a marked-up text. By default a separator decides, or the headings
    or page breaks of a marked-up text that seems to be a collection."""
    titles: bool | None = None
    """Keep the headings that documents begin with, or leave them out. By default they are left out of a file with three
    documents or more, and kept in others."""
    notes: bool = False
    """Keep the notes of a text and their numbers, page numbers and tables of contents."""
    site_lines: bool = True
    """Keep the words that lyrics sites put among those of songs, such as `You might also like` and `12Embed`."""
    column: str | None = None
    """Column of CSV, TSV or JSON Lines that holds the text. By default `text`, or the only column of texts."""
    label: str | None = None
    """Source of the documents' labels: a column of CSV, TSV or JSON Lines; `folder` for the name of the folder that a
    file is in; `file` for the end of the file's own name, as in `remarks.praise.txt`; or `rating` for the number in
    the file names of aclImdb. By default only aclImdb is labelled, by
    folder."""
    gutenberg: bool = True
    """Remove the header and the footer that Project Gutenberg adds to its books."""
    limit: int = 0
    """Read no more than this many characters, in the order of the files; 0 reads all."""

    def __post_init__(self) -> None:
        dividing = [self.separator, self.blank_lines, self.documents]
        if len(dividing) - dividing.count(None) > 1:
            raise UserError(
                "Documents are separated by --separator, by --blank-lines or by --documents; give only one of them."
            )
        if self.limit < 0:
            raise UserError(f"--limit {self.limit} is negative; give the number of characters to read, or 0 for all.")
        if self.blank_lines is not None and self.blank_lines < 1:
            raise UserError(f"--blank-lines {self.blank_lines} would separate nothing; give 1 or more.")
        check_options(self, "be 1 or more", lambda value: value >= 1, "blank_lines")
        check_options(self, "be 0 or more", lambda value: value >= 0, "limit", most=2**63 - 1)
        try:
            re.compile(self.separator or "")
        except re.error as error:
            raise UserError(
                f"--separator {self.separator!r} is not a regular expression: {error}. Put a backslash "
                r"before each of the characters . ^ $ * + ? ( ) [ ] { } | \ that is meant literally."
            ) from error

    @property
    def divides(self) -> bool:
        """True if an option divides the texts."""
        return (self.separator, self.blank_lines, self.documents) != (None, None, None)

    def chosen(self) -> dict[str, Any]:
        """Return the options that differ from their defaults."""
        return {o.name: value for o in fields(self) if (value := getattr(self, o.name)) != o.default}


@dataclass(frozen=True)
class Document:
    """A text with a name, read piece by piece on demand."""

    name: str
    """Source of the text, for people."""
    pieces: Iterator[str]
    """Consecutive parts of the text, about a million characters at most; valid until the next document is read."""
    label: str | None = None
    """Class of the document; None without one."""


def limited(documents: Iterable[Document], characters: int) -> Iterator[Document]:
    """Yield the first documents, up to this many characters; the last one is cut."""
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
    """Counts of everything that reading changed or left out."""

    encodings: dict[str, str] = field(default_factory=dict)
    """Encoding of each file that is not UTF-8, if it was guessed."""
    newlines: int = 0
    r"""Carriage returns in the texts that became part of a \n; those at the ends of rows in a table do not count."""
    controls: int = 0
    """Control characters removed."""
    gutenberg: int = 0
    """Project Gutenberg headers and footers removed."""
    empty: int = 0
    """Documents dropped because they were empty after cleaning."""
    duplicates: int = 0
    """Documents dropped because the same text had been read before."""
    skipped: list[str] = field(default_factory=list)
    """A sentence for each file, or part of a file, that was left out, with the reason."""
    unseen: int = 0
    """Soft hyphens and zero-width spaces removed."""
    composed: int = 0
    """Accents, and parts of Korean syllables, that were written apart from their letters."""
    relabelled: int = 0
    """Duplicates with another label than the document that was kept."""
    warnings: list[str] = field(default_factory=list)
    """Sentences on text that is missing."""
    hints: list[str] = field(default_factory=list)
    """Sentences on options that may suit the text."""
    marked: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """Files with the marks of a format that is learned as text, by its name and the way to convert it."""
    unstripped: list[str] = field(default_factory=list)
    """First lines of texts that seem to keep a header of Project Gutenberg."""
    gutenberg_read: int = 0
    """Characters of texts with additions of Project Gutenberg."""
    gutenberg_kept: int = 0
    """Characters of these that were kept."""
    decoded: int = 0
    """Characters in the files so far, before anything is removed."""
    separated: int = 0
    """Boundaries of documents that `separator` or `blank_lines` found."""
    divided: dict[str, dict[str, int]] = field(default_factory=dict)
    """Documents in each file of marked-up text that was divided, by `headings` or `pages`."""
    undivided: dict[str, list[str]] = field(default_factory=dict)
    """Names of the marked-up texts that `documents` could not divide, by its value."""
    articles: dict[str, int] = field(default_factory=dict)
    """Headings in each file that has several and was not divided."""
    bold: dict[str, int] = field(default_factory=dict)
    """Bold lines in each file that may be titles."""
    rules: dict[str, int] = field(default_factory=dict)
    """Rules in each file that has several and was not divided."""
    titles_left_out: int = 0
    """Headings that documents began with."""
    titles_kept: int = 0
    """Documents that begin with a heading."""
    site_lines: Counter[str] = field(default_factory=Counter)
    """Words of lyrics sites in the texts, by kind."""
    site_lines_kept: bool = True
    """True if they were only counted."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Page numbers, notes and other text around the text, by kind, with braces for the ending of the plural."""
    empty_names: list[str] = field(default_factory=list)
    """Names of the first empty documents that were rows of a table, `NAMED_ROWS` at most."""

    def notices(self) -> list[str]:
        """Write the report in sentences; counts of zero are left out."""
        sentences = []
        for codec in sorted(set(self.encodings.values())):
            files = [name for name, encoding in self.encodings.items() if encoding == codec]
            was = "is not UTF-8 and was" if len(files) == 1 else "are not UTF-8 and were"
            sentences.append(f"{some(files)} {was} read as {codec}; if that is wrong, give --encoding.")
        named = such_as(self.empty_names, self.empty).replace("{", "{{").replace("}", "}}")
        share = ""
        if self.gutenberg_read:
            share = f"; {self.gutenberg_kept / self.gutenberg_read:.0%} of these texts is kept"
        counts = {
            "carriage return{} turned into newlines": self.newlines,
            "control character{} removed": self.controls,
            "soft hyphen{0} or zero-width space{0} removed": self.unseen,
            "accent{} joined to the letters before them": self.composed,
            "Project Gutenberg header{0} and footer{0} removed" + share: self.gutenberg,
            "empty document{} dropped" + named: self.empty,
            "exact duplicate{} of other documents dropped": self.duplicates,
        }
        for sentence, number in counts.items():
            if number:
                sentences.append(f"{number:,} {sentence.format('' if number == 1 else 's')}.")
        if self.relabelled:
            sentences.append(f"{self.relabelled:,} of the duplicates had another label than the one that was kept.")
        for (name, remedy), files in self.marked.items():
            looks = "looks like" if len(files) == 1 else "look like"
            told = remedy.replace("{file}", quote(files[0]))
            sentences.append(f"{some(files)} {looks} {name}, whose marks are learned as text. {told}")
        if self.unstripped:
            sentences.append(
                f"The header of Project Gutenberg was not recognised in {counted(len(self.unstripped), 'text')}, such "
                f"as the one with the line {self.unstripped[0]!r}; remove it by hand, or it is learned too."
            )
        return sentences + self._structure() + self.skipped + self.hints

    def announce(self) -> list[str]:
        """Tell the user the notices and warnings, and return them."""
        return announced(self.notices()) + announced(self.warnings, logging.WARNING)

    def has_hint(self, name: str) -> bool:
        """True if a hint tells how to divide the text of this name by its structure."""
        return name in self.articles or name in self.bold or name in self.rules

    def _structure(self) -> list[str]:
        """Write how headings, pages and notes of marked-up texts were read."""
        sentences = []
        for by, files in self.undivided.items():
            sentences.append(
                f"--documents {by} divides nothing: {some(files)} {'has' if len(files) == 1 else 'have'} no {by} to "
                "divide at."
            )
        for by, numbers in self.divided.items():
            other = "pages" if by == "headings" else "headings"
            sentences.append(
                f"{some(list(numbers))} divided into {counted(sum(numbers.values()), 'document')} at {by}; --documents "
                f"files keeps a file whole, --documents {other} divides at {other}."
            )
        if self.articles:
            sentences.append(
                f"{some(list(self.articles))} not divided, although there are {sum(self.articles.values())} headings: "
                "the sections are short, as those of an article are. --documents headings divides there."
            )
        if self.bold:
            sentences.append(
                f"{some(list(self.bold))} {'has' if len(self.bold) == 1 else 'have'} {sum(self.bold.values())} bold "
                "lines that may be titles; --documents headings divides there."
            )
        if self.rules:
            sentences.append(
                f"{some(list(self.rules))} not divided at the {sum(self.rules.values())} rules between paragraphs; "
                "--documents pages divides there."
            )
        if self.titles_left_out:
            sentences.append(
                f"{counted(self.titles_left_out, 'title')} of documents left out of the text; --titles keeps them."
            )
        if self.titles_kept >= 3:
            sentences.append(f"{self.titles_kept:,} documents begin with a title; --no-titles leaves titles out.")
        if self.left_out.total():
            kinds = " and ".join(
                f"{number:,} {kind.format('s' * (number != 1))}" for kind, number in self.left_out.items() if number
            )
            sentences.append(f"{kinds} left out; --notes keeps them.")
        if self.site_lines.total():
            kinds = ", ".join(f"{kind!r} ({number:,})" for kind, number in self.site_lines.items() if number)
            did = "are learned too; --no-site-lines leaves them out" if self.site_lines_kept else "left out"
            sentences.append(f"Words of a lyrics site, {kinds}, {did}.")
        return sentences


def announced(notices: Iterable[str], level: int = logging.INFO) -> list[str]:
    """Tell the user the notices, and return them."""
    told = list(notices)
    for notice in told:
        _log.log(level, notice)
    return told


def some(names: Sequence[str], shown: int = 3) -> str:
    """Join the first few of many names."""
    rest = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {rest:,} more" if rest > 0 else "")


def such_as(names: Sequence[str], number: int) -> str:
    """Write the first names of a number of things, to follow a sentence about them; empty if there are none."""
    if not names:
        return ""
    return f"{', such as' if number > NAMED_ROWS else ':'} {', '.join(names[:NAMED_ROWS])}"


def counted(number: int, noun: str) -> str:
    """Write a number of things: `1 character`, `1,234 characters`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"
