"""A table: its rows, the names of its columns and the texts in its cells."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from epigone.text.document import ReadOptions, ReadReport
from epigone.text.readers.decoding import bare_suffix, read_text, without_returns
from epigone.text.readers.formats.tables.csv_rows import csv_rows
from epigone.text.readers.formats.tables.json_rows import json_rows
from epigone.text.readers.formats.tables.rows import Remarks, Row, described, text_of
from epigone.text.readers.separators import lines

_JSON = (".jsonl", ".ndjson", ".json")
_CSV = (".csv", ".tsv")

SUFFIXES = (*_CSV, *_JSON)
"""Suffixes of tables, in lower case and without that of packing."""

PEEK = 100
"""Rows that are examined to tell texts from numbers."""


@dataclass
class Table:
    """A table that is being read."""

    path: Path
    is_json: bool
    names: list[str]
    """Names of the columns; of JSON Lines, those in the first rows."""
    peeked: list[Row]
    """The first rows, `PEEK` at most."""
    rows: Iterator[Row]
    """All rows, once."""
    remarks: Remarks
    """Rows that were mended or left out so far."""

    def text(self, row: Row, column: str, report: ReadReport, consequence: str = "left out") -> str | None:
        """Return the text of a row; None, with a remark, if its value is no text.

        Args:
            row: a row whose fields fit the columns.
            column: the column of the texts.
            report: counts changed newlines.
            consequence: what happens to a row without a text, in words.
        """
        value = row.values.get(column)
        text = text_of(value)
        if text is None:
            remark = f"{{rows}} {{were}} {consequence}, because {column!r} is no text there."
            self.remarks.add(remark, row.line, described(value))
            return None
        if value is None and not self.is_json:
            self.remarks.add(f"{{rows}} {{were}} cut before the column {column!r}, and had no text.", row.line)
        return text if self.is_json else without_returns(text, report)


def open_table(path: Path, options: ReadOptions, report: ReadReport) -> Table:
    """Begin to read a table; its suffix tells the format, or else its first sign.

    Args:
        path: the file, packed or not.
        options: the encoding, and the columns that the user named.
        report: counts the changes.

    Raises:
        NotText: the file cannot be read or decoded.
        UserError: the table is malformed.
    """
    text_lines = lines(read_text(path, options.encoding, report, returns=True))
    first = list(islice(text_lines, 1))
    is_json = bare_suffix(path) in _JSON or (bare_suffix(path) not in _CSV and "".join(first).lstrip().startswith("{"))
    text_lines = chain(first, text_lines)
    remarks = Remarks()
    if is_json:
        rows = json_rows(path, text_lines, remarks)
    else:
        asked = [column for column in (options.column, options.label) if column is not None]
        rows = csv_rows(path, "\t" if bare_suffix(path) == ".tsv" else None, text_lines, asked, remarks)
    peeked = list(islice(rows, PEEK))
    names = list(dict.fromkeys(name for row in peeked for name in row.values))
    return Table(path, is_json, names, peeked, chain(peeked, rows), remarks)
