"""Tables with a column of texts: CSV, TSV and JSON Lines."""

import csv
import json
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from epigone.errors import UserError
from epigone.text.document import Document, ReadOptions, ReadReport
from epigone.text.readers.base import Reader
from epigone.text.readers.decoding import bare_suffix, read_text, without_returns
from epigone.text.readers.separators import lines, numbered

_CSV = (".csv", ".tsv")

_LONGEST = 2**31 - 1  # most characters of a field, which is a whole text; the default of the module is 128 kB

_PEEK = 100
"""Rows that are examined to tell texts from numbers."""


def read_table(path: Path, name: str, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    """Read one document for each row: the text in one column, and its label in another if `options.label` names it.

    Args:
        path: the file, gzipped or not; its suffix tells the format.
        name: name of the first row's document; the others are called `name#2`, `name#3` and so on.
        options: the columns and the encoding.
        report: counts the changes.

    Raises:
        UserError: the table is malformed, lacks a column, or has several columns that may hold the texts.
    """
    suffix = bare_suffix(path)
    text_lines = lines(read_text(path, options.encoding, report, returns=True))
    if suffix in _CSV:
        rows = _csv_rows(path, "\t" if suffix == ".tsv" else None, text_lines)
    else:
        rows = _json_rows(path, text_lines)
    peeked = list(islice(rows, _PEEK))
    column = _column(path, peeked, options)
    label = None if options.label is None else _asked(path, peeked, options.label, "--label")
    for number, row in enumerate(chain(peeked, rows), 1):
        value = row.get(column)
        text = "" if value is None else str(value)
        pieces = iter([without_returns(text, report) if suffix in _CSV else text])
        yield Document(numbered(name, number), pieces, _label(row.get(label)) if label is not None else None)


def _csv_rows(path: Path, delimiter: str | None, text_lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(_LONGEST)
    header = next(text_lines, "")
    delimiter = delimiter or max(",;\t", key=header.count)
    peeked = list(islice(text_lines, _PEEK)) if delimiter == "\t" else []
    # TSV has quoted fields, or bare ones where a quotation mark has no meaning. Bare ones hold no newlines.
    bare = bool(peeked) and all(line.count("\t") == header.count("\t") for line in [header, *peeked] if line.strip())
    reader = csv.reader(
        chain([header], peeked, text_lines),
        delimiter=delimiter,
        quoting=csv.QUOTE_NONE if bare else csv.QUOTE_MINIMAL,
    )
    try:
        names = [name.replace("\r", "").strip() for name in next(reader, [])]
        for fields in reader:
            if fields:
                yield dict(zip(names, map(_unquoted, fields) if bare else fields, strict=False))
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num:,}, is not valid CSV: {error}. Correct that line.") from error


def _unquoted(value: str) -> str:
    """Remove the quotation marks around a field that follows the rules of CSV after all."""
    inside = value[1:-1].replace('""', "")
    if len(value) > 1 and value[0] == value[-1] == '"' and '"' not in inside:
        return value[1:-1].replace('""', '"')
    return value


def _json_rows(path: Path, text_lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(text_lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            row = error
        if not isinstance(row, dict):
            raise UserError(
                f"{path}, line {number:,}, is not a JSON object; each line must be one, such as "
                '{"text": "…"} (JSON Lines).'
            )
        yield row


def _label(value: Any) -> str | None:
    """Return the label in a cell; None for an empty one."""
    label = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    return label.strip() or None


def _asked(path: Path, rows: list[dict[str, Any]], name: str, option: str) -> str:
    """Return the column that an option names."""
    names = _names(rows)
    if names and name not in names:
        listed = ", ".join(map(repr, names))
        raise UserError(f"{path} has no column {name!r}; its columns are: {listed}. Name one of them with {option}.")
    return name


def _names(rows: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _column(path: Path, rows: list[dict[str, Any]], options: ReadOptions) -> str:
    """Return the column of the texts: the one asked for, `text`, or the only one with texts besides the label."""
    if options.column is not None:
        return _asked(path, rows, options.column, "--column")
    names = _names(rows)
    if "text" in names:
        return "text"
    texts = [name for name in names if any(_is_text(row.get(name)) for row in rows)]
    if len(texts) == 2 and options.label in texts:
        texts.remove(options.label)
    if len(texts) == 1:
        return texts[0]
    if not rows:
        return "text"
    raise UserError(
        f"{path} has no column `text`, and it is not clear which of its columns holds the texts: "
        f"{', '.join(map(repr, names)) or 'none'}. "
        "Name one with --column."
    )


def _is_text(value: Any) -> bool:
    if not isinstance(value, str) or not value.strip():
        return False
    try:
        float(value)
    except ValueError:
        return True
    return False


TABLE = Reader(
    "table",
    read_table,
    suffixes=(*_CSV, ".jsonl", ".ndjson", ".json"),
    options=("encoding", "column", "label"),
    in_folders=False,  # there they are lists about the texts beside them
)
