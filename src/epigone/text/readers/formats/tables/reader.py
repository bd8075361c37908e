"""Texts and labels in the columns of a table."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from epigone.errors import UserError
from epigone.text.document import Document, ReadOptions, ReadReport
from epigone.text.readers.base import Reader
from epigone.text.readers.formats.tables.columns import label_column, text_column
from epigone.text.readers.formats.tables.table import SUFFIXES, Table, open_table
from epigone.text.readers.formats.tables.wide_rows import WideRows
from epigone.text.readers.labels import label_by_place
from epigone.text.readers.separators import numbered


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
    table = open_table(path, options, report)
    column = text_column(table, options)
    label = label_column(table, options)
    place = label_by_place(path, options.label) if label is None and options.label is not None else None
    wide = WideRows(table.peeked, column)
    _check_width(table, wide)
    for number, row in enumerate(table.rows, 1):
        fitted = wide.fitted(row, table.remarks)
        if fitted is None:
            table.remarks.add("{rows} {were} left out, with more fields than the header has columns.", row.line)
            continue
        text = table.text(fitted, column, report)
        if text is not None:
            value = place if label is None else label_in(fitted.values.get(label))
            yield Document(numbered(name, number), iter([text]), value)
    report.skipped += table.remarks.sentences(path)


def _check_width(table: Table, wide: WideRows) -> None:
    """Refuse a table whose rows do not fit its header."""
    unfit = [row for row in table.peeked if row.fields and wide.mended(row) is None]
    if unfit and len(unfit) > 0.5 * len(table.peeked):
        raise UserError(
            f"{table.path}, line {unfit[0].line:,}, has {len(unfit[0].fields)} fields, and the header has "
            f"{len(table.peeked[0].values)}; so do most rows. Put texts with commas into quotation marks, or name "
            "every column in the header."
        )


def label_in(value: Any) -> str | None:
    """Return the label in a cell; None for an empty one."""
    label = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    return label.strip() or None


TABLE = Reader(
    "table",
    read_table,
    suffixes=SUFFIXES,
    options=("encoding", "column", "label"),
    in_folders=False,  # there they are lists about the texts beside them
)
