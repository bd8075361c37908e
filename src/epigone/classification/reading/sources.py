"""Options with which each of the given paths is read, if the user left them out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from shlex import quote

from epigone.classification.reading.columns import settle_columns
from epigone.errors import UserError
from epigone.text.document import BY_PLACE, FILE, FOLDER, ReadOptions, ReadReport, some
from epigone.text.readers.base import Reader
from epigone.text.readers.decoding import NotText, read_text
from epigone.text.readers.registry import PLAIN, TABLE, reader_of

_SEPARATOR = re.compile(r"\n[ \t]*\n|^={3,}\s*$", re.MULTILINE)
_BEGINNING = 1 << 20  # characters that are examined
_ROWS = 100
_FASTTEXT = "__label__"


@dataclass(frozen=True)
class Source:
    """A path with the options to read it."""

    path: Path
    read: ReadOptions
    said: list[str]
    """Sentences on what was guessed."""
    classes_below: bool = False
    """True if the folders in this folder are the classes, so that files beside them have none."""


def labelled_sources(paths: Sequence[Path], read: ReadOptions) -> list[Source]:
    """Find out how the texts and labels of each path are to be read.

    Tables have a column of labels, folders a folder for each class, and several plain texts are one for each class.

    Raises:
        UserError: a path has no labels, or it is not clear where they are.
    """
    plain = [
        path for path in paths if path.is_file() and _reader(path) is PLAIN and not looks_like_rows(path, read.encoding)
    ]
    sources = []
    for path in paths:
        if path.is_dir():
            whole = replace(read, label=read.label or FOLDER)
            sources.append(Source(path, whole, [], classes_below=read.label is None and len(paths) == 1))
        elif path not in plain or read.label not in (None, *BY_PLACE):
            sources.append(_of_table(path, read, labelled=True))
        elif read.label is None and len(plain) < 2:
            if _beginning(path, read.encoding).startswith(_FASTTEXT):
                raise UserError(
                    f"{path} has labels as fastText writes them. Make a table of it, for example with `sed -E "
                    rf"'s/^{_FASTTEXT}(\S+)\s+/\1\t/' {quote(path.name)} > texts.tsv`."
                )
            raise UserError(
                f"{path} is a text without labels. Give a table with a column of texts and one of labels, a folder "
                f"that has a folder for each class, or a file for each class with --label {FILE}."
            )
        else:
            by_place = replace(read, label=read.label or FILE)
            source = _of_lines(path, by_place)
            if read.label is None and path is plain[0]:
                said = f"The ends of the file names are the labels of {some([str(path) for path in plain])}."
                source = replace(source, said=[said, *source.said])
            sources.append(source)
    return sources


def unlabelled_sources(paths: Sequence[Path], read: ReadOptions) -> list[Source]:
    """Find out how the texts of each path are to be read; a plain text without blank lines is one text a line.

    Raises:
        UserError: it is not clear which column holds the texts.
    """
    read = replace(read, label=None)
    sources = []
    for path in paths:
        if not path.is_file():
            sources.append(Source(path, read, []))
        elif read.column is None and _reader(path) is PLAIN and not looks_like_rows(path, read.encoding):
            sources.append(_of_lines(path, read))
        else:
            sources.append(_of_table(path, read, labelled=False))
    return sources


def looks_like_rows(path: Path, encoding: str | None) -> bool:
    """True for a text whose lines all have the same number of tabs, one or more."""
    text = _beginning(path, encoding)
    rows = [line for line in text.split("\n")[:_ROWS] if line.strip()]
    return len(rows) > 1 and rows[0].count("\t") > 0 and len({row.count("\t") for row in rows}) == 1


def _of_table(path: Path, read: ReadOptions, labelled: bool) -> Source:
    if not path.is_file() or _reader(path) not in (PLAIN, TABLE):
        return Source(path, read, [])  # reading it will say what it is
    return Source(path, *settle_columns(path, read, labelled))


def _of_lines(path: Path, read: ReadOptions) -> Source:
    if read.divides or not _is_list(_beginning(path, read.encoding)):
        return Source(path, read, [])
    said = f"Each line of {path} is read as a text of its own; --documents files reads it as one."
    return Source(path, replace(read, documents="lines"), [said])


def _is_list(text: str) -> bool:
    """True for several lines without a blank one or another separator between them."""
    return "\n" in text.strip() and not _SEPARATOR.search(text.strip())


def _beginning(path: Path, encoding: str | None) -> str:
    return "".join(islice(read_text(path, encoding, ReadReport()), 1))[:_BEGINNING]


def _reader(path: Path) -> Reader:
    try:
        return reader_of(path)
    except NotText:  # reading it will say why
        return PLAIN
