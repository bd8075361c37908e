"""Texts and labels in the columns of a table."""

import json
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from shlex import quote
from typing import Any

from epigone.errors import UserError
from epigone.text.document import Document, ReadOptions, ReadReport
from epigone.text.readers.base import Reader
from epigone.text.readers.decoding import bare_suffix, read_text, without_returns
from epigone.text.readers.formats.tables.csv_rows import csv_rows
from epigone.text.readers.formats.tables.json_rows import json_rows
from epigone.text.readers.formats.tables.rows import Remarks, Row, described, text_of
from epigone.text.readers.formats.tables.wide_rows import WideRows, is_number
from epigone.text.readers.separators import lines, numbered

_JSON = (".jsonl", ".ndjson", ".json")
_CSV = (".csv", ".tsv")

PEEK = 100
"""Rows that are examined to tell texts from numbers."""
NAMED = 20
"""Columns that a sentence names at most."""


def read_table(path: Path, name: str, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    """Read one document for each row: the text in one column, and its label in another if `options.label` names it.

    Args:
        path: the file, gzipped or not; its suffix tells the format, or else its first sign.
        name: name of the first row's document; the others are called `name#2`, `name#3` and so on.
        options: the columns and the encoding.
        report: counts the changes, and names rows that were mended or left out.

    Raises:
        NotText: the file cannot be read or decoded.
        UserError: the table is malformed, lacks a column, or has several columns that may hold the texts.
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
    column = _column(path, peeked, options)
    label = None if options.label is None else _asked(path, peeked, options.label, "--label")
    wide = WideRows(peeked, column)
    _check_width(path, peeked, wide)
    for number, row in enumerate(chain(peeked, rows), 1):
        if row.fields:
            mended = wide.mended(row)
            if mended is None:
                remarks.add("{rows} {were} left out, with more fields than the header has columns.", row.line)
                continue
            remarks.add(
                "{rows} {were} too wide; what is too much was read as part of the text, as if it held commas outside "
                "quotation marks.",
                row.line,
            )
            row = mended
        value = row.values.get(column)
        text = text_of(value)
        if text is None:
            remarks.add(f"{{rows}} {{were}} left out, because {column!r} is no text there.", row.line, described(value))
            continue
        if value is None and not is_json:
            remarks.add(f"{{rows}} {{were}} cut before the column {column!r}, and had no text.", row.line)
        pieces = iter([text if is_json else without_returns(text, report)])
        yield Document(numbered(name, number), pieces, _label(row.values.get(label)) if label is not None else None)
    report.skipped += remarks.sentences(path)


def _check_width(path: Path, rows: list[Row], wide: WideRows) -> None:
    """Refuse a table whose rows do not fit its header."""
    unfit = [row for row in rows if row.fields and wide.mended(row) is None]
    if unfit and len(unfit) > 0.5 * len(rows):
        raise UserError(
            f"{path}, line {unfit[0].line:,}, has {len(unfit[0].fields)} fields, and the header has "
            f"{len(rows[0].values)}; so do most rows. Put texts with commas into quotation marks, or name every "
            "column in the header."
        )


def _label(value: Any) -> str | None:
    """Return the label in a cell; None for an empty one."""
    label = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    return label.strip() or None


def _asked(path: Path, rows: list[Row], name: str, option: str) -> str:
    """Return the column that an option names; spaces around the name do not matter."""
    names = _names(rows)
    if not names or name in names:
        return name
    for other in names:
        if other.strip() == name.strip():
            return other
    listed = _listed(names)
    raise UserError(f"{path} has no column {name!r}; its columns are: {listed}. Name one of them with {option}.")


def _listed(names: list[str]) -> str:
    """List the names of columns for a sentence, the first ones if they are many."""
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(map(repr, names[:NAMED])) + more


def _names(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row.values))


def _column(path: Path, rows: list[Row], options: ReadOptions) -> str:
    """Return the column of the texts: the one asked for, `text`, or the only one with texts besides the label."""
    if options.column is not None:
        return _asked(path, rows, options.column, "--column")
    names = _names(rows)
    if "text" in names:
        return "text"
    texts = [name for name in names if any(_is_text(row.values.get(name)) for row in rows)]
    if len(texts) == 2 and options.label in texts:
        texts.remove(options.label)
    if len(texts) == 1:
        return texts[0]
    if not rows:
        return "text"
    for name, value in rows[0].values.items():
        if len(rows) == 1 and isinstance(value, list) and value and isinstance(value[0], dict):
            raise UserError(
                f"{path} is one object, and its texts are in the list {name!r}. Write the objects of the list in "
                f"lines, for example with `jq -c '.{name}[]' {quote(path.name)} > texts.jsonl`."
            )
    raise UserError(
        f"{path} has no column `text`, and it is not clear which of its columns holds the texts: "
        f"{_listed(texts or names) or 'none'}. "
        "Name one with --column."
    )


def _is_text(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_is_text, value)) and text_of(value) is not None
    if not isinstance(value, str) or not value.strip():
        return False
    return not is_number(value)


TABLE = Reader(
    "table",
    read_table,
    suffixes=(*_CSV, *_JSON),
    options=("encoding", "column", "label"),
    in_folders=False,  # there they are lists about the texts beside them
)
