"""Texts to classify: every one that is given, with the columns beside it."""

import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from epigone.classification.reading.columns import settle_columns
from epigone.classification.reading.examples import cleaned
from epigone.classification.reading.sources import looks_like_rows
from epigone.errors import UserError
from epigone.text.document import ReadOptions, ReadReport, announced, such_as
from epigone.text.readers.cleaning import clean
from epigone.text.readers.decoding import NotText, bare_suffix
from epigone.text.readers.formats.tables.columns import text_column
from epigone.text.readers.formats.tables.rows import Row
from epigone.text.readers.formats.tables.table import SUFFIXES, open_table
from epigone.text.readers.formats.tables.wide_rows import WideRows
from epigone.text.readers.paths import read_documents
from epigone.text.readers.registry import PLAIN, READERS, TABLE, reader_of
from epigone.text.readers.separators import numbered

STDIN = "-"
"""The argument that stands for the standard input."""


Given = tuple[str, str, dict[str, Any]]
"""A cleaned text, its name, and everything that was given with it."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """N texts to classify, in the order in which they were given."""

    texts: Sequence[str]
    """The cleaned texts; empty if there is none to classify."""
    names: Sequence[str]
    """Source of each text, such as `more.csv#17`."""
    columns: tuple[str, ...]
    """Names of what was given with each text: the columns of a table, or `text`."""
    cells: Sequence[dict[str, Any]]
    """N rows of values by column, as they were given."""
    notices: list[str]
    """Sentences on what was guessed, and on texts that cannot be classified."""

    def __len__(self) -> int:
        return len(self.texts)


def read_inputs(
    given: Sequence[str | Path] | str | Path, read: ReadOptions = ReadOptions(), stdin: BinaryIO | None = None
) -> Inputs:
    """Read texts to classify; none is left out, and equal ones stay.

    Args:
        given: one or more of these: a text itself; the path of a table, whose other columns are kept, of a text, which
            is one text unless `read.documents` says otherwise, or of a folder of texts; `-` for the standard input.
        read: options of reading; `label` is ignored.
        stdin: the standard input; None is that of the process.

    Raises:
        UserError: nothing was given, a path cannot be read, or it is not clear which column holds the texts.
    """
    given = [given] if isinstance(given, str | Path) else list(given)
    if not given:
        raise UserError("No text was given; give a text, the path of a file, or - for the standard input.")
    read = replace(read, label=None)
    report = ReadReport()
    notices: list[str] = []
    rows: list[Given] = []
    columns: dict[str, None] = {}
    for one in given:
        if one == STDIN:
            found = _of_stdin(stdin or sys.stdin.buffer, read, report, notices)
        elif _is_path(one):
            found = _of_path(Path(one), read, report, notices)
        else:
            found = [_row(str(one), {"text": str(one)}, "the text")]
        rows += found
        columns |= dict.fromkeys(name for *_, cells in found for name in cells)
    empty = [name for text, name, _ in rows if not text]
    report.empty, report.empty_names = 0, []
    notices = announced(notices) + report.announce()
    if empty:
        notices += announced([_said_empty(empty)])
    texts, names, cells = zip(*rows, strict=True) if rows else ((), (), ())
    return Inputs(texts, names, tuple(columns), cells, notices)


def _is_path(given: str | Path) -> bool:
    """True for a path: one that exists, or that looks like one by its suffix or its beginning."""
    if isinstance(given, Path):
        return True
    try:
        if os.path.exists(given):
            return bool(given)
    except (OSError, ValueError):  # too long for a path, or a NUL in it
        return False
    suffixes = {*SUFFIXES, *(suffix for reader in READERS.values() for suffix in reader.suffixes)}
    if len(given.split()) > 1 or len(given) > 4_000:
        return False
    return bare_suffix(Path(given)) in suffixes or given.startswith(("/", "./", "../", "~/"))


def _of_stdin(stdin: BinaryIO, read: ReadOptions, report: ReadReport, notices: list[str]) -> list[Given]:
    """Read the standard input as if it were a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "standard input")
        path.write_bytes(stdin.read())
        try:
            return _of_path(path, read, report, notices)
        except UserError as error:
            raise UserError(str(error).replace(str(path), path.name)) from error
        finally:
            notices[:] = [notice.replace(str(path), path.name) for notice in notices]
            report.skipped[:] = [sentence.replace(str(path), path.name) for sentence in report.skipped]


def _of_path(path: Path, read: ReadOptions, report: ReadReport, notices: list[str]) -> list[Given]:
    if path.is_file() and not path.stat().st_size:
        return [_row("", {"text": ""}, path.name)]
    if path.is_file() and _is_table(path, read):
        return _of_table(path, read, report, notices)
    if _is_plain(path) and not read.divides:
        read = replace(read, documents="files")
    rows = []
    for document in read_documents(path, read, report):
        text = cleaned(document)
        rows.append((text, document.name, {"name": document.name, "text": text}))
    return rows


def _of_table(path: Path, read: ReadOptions, report: ReadReport, notices: list[str]) -> list[Given]:
    """Read all rows of a table, also those that have no text."""
    read, said = settle_columns(path, read, labelled=False)
    notices += said
    table = open_table(path, read, report)
    column = text_column(table, read)
    wide = WideRows(table.peeked, column)
    rows = []
    for number, row in enumerate(table.rows, 1):
        fitted = wide.fitted(row, table.remarks)
        name = numbered(path.name, number)
        if fitted is None:
            table.remarks.add("{rows} {were} not classified, with more fields than the header has columns.", row.line)
            rows.append(("", name, _joined(row, table.names)))
            continue
        text = table.text(fitted, column, report, "not classified")
        rows.append(_row(text or "", dict.fromkeys(table.names) | fitted.values, name))
    if not rows:
        raise UserError(f"There is no text in {path}: it has no rows with text below its header. Give another table.")
    report.skipped += table.remarks.sentences(path)
    return rows


def _joined(row: Row, names: Sequence[str]) -> dict[str, Any]:
    """Put the fields that are too many into the last column, so that nothing is lost."""
    last = len(names) - 1
    return dict(zip(names, [*row.fields[:last], row.delimiter.join(row.fields[last:])], strict=True))


def _row(text: str, cells: dict[str, Any], name: str) -> Given:
    """Clean a text as reading for training does."""
    return "".join(clean([text], ReadReport())).strip(), name, cells


def _is_table(path: Path, read: ReadOptions) -> bool:
    try:
        reader = reader_of(path)
    except NotText:  # reading it will say why
        return False
    plain = reader is PLAIN and not read.divides
    return reader is TABLE or (plain and (read.column is not None or looks_like_rows(path, read.encoding)))


def _is_plain(path: Path) -> bool:
    try:
        return path.is_file() and reader_of(path) is PLAIN
    except NotText:
        return False


def _said_empty(names: Sequence[str]) -> str:
    has, gets = ("text has", "gets") if len(names) == 1 else ("texts have", "get")
    return f"{len(names):,} {has} nothing to read and {gets} no label{such_as(names, len(names))}."
