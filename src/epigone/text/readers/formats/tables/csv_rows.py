"""Rows of CSV and TSV, also of files that break the rules of CSV."""

import csv
import re
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from epigone.errors import UserError
from epigone.text.readers.formats.tables.rows import Remarks, Row
from epigone.text.readers.formats.tables.wide_rows import is_number

PEEK = 100
"""Lines that are examined to find the delimiter and the header."""

_LONGEST = 2**31 - 1  # most characters of a field, which is a whole text; the default of the module is 128 kB
_RECORD = 1 << 26  # most characters of a row; beyond them a quotation mark was never closed
_MENDED = 1_000  # most quotation marks that are taken for unclosed
_WORDS = 5  # words of a cell that is no name of a column


def csv_rows(
    path: Path, delimiter: str | None, lines: Iterable[str], asked: Collection[str], remarks: Remarks
) -> Iterator[Row]:
    """Read the rows of a table.

    Comments before the header are skipped. A first row that looks like data is a row; then the names of the columns are
    their numbers. A quotation mark that is never closed ends with its line.

    Args:
        path: the file, for messages.
        delimiter: sign between fields; None finds it.
        lines: the file's lines, with their ends.
        asked: names of columns that the user gave, which are in the header if there is one.
        remarks: counts the rows that were mended or left out.

    Raises:
        UserError: the quotation marks are in disorder, or a field is too long.
    """
    csv.field_size_limit(_LONGEST)
    lines = iter(lines)
    first = list(islice(lines, PEEK))
    skipped, delimiter = _preamble(first, delimiter, remarks)
    first = first[skipped:]
    if delimiter is None or delimiter not in "".join(first[:1]):
        delimiter = "\t" if _has_tabs(first) else _delimiter((first or [""])[0])
    dialect = _dialect(first, delimiter)
    records = _Records(path, chain(first, lines), skipped, dialect, remarks)
    beginning = list(islice(records, PEEK))
    if not beginning:
        return
    header = [name.replace("\r", "").strip() for name in beginning[0][1]]
    body = beginning[1:]
    if _is_data(header, [fields for _, fields in body], asked):
        remarks.said.append(
            f"{path} has no header, it seems: its first row is read as a text too, and its columns are called 1, 2 and "
            "so on. If that row is a header, name one of its columns with --column."
        )
        header, body = [str(number) for number in range(1, len(header) + 1)], beginning
    elif len(header) == 1 and _may_be_data(header[0], [fields for _, fields in body]):
        remarks.said.append(
            f"The first row of {path}, {header[0]!r}, is taken for the name of its column; if it is a text, put a row "
            "`text` before it."
        )
    again = header if body is not beginning else []
    header = _distinct(header)
    for line, fields in chain(body, records):
        if again and [field.strip() for field in fields] == again:
            remarks.add("{rows} {were} left out: the header again.", line)
        elif fields:
            wide = any(fields[len(header) :])
            values = dict(zip(header, fields, strict=False))
            yield Row(line, values, (*fields,), delimiter) if wide else Row(line, values)


def _distinct(names: list[str]) -> list[str]:
    """Number the names that several columns have: `text (1)`, `text (2)`."""
    counts, seen, found = Counter(names), Counter[str](), []
    for name in names:
        seen[name] += 1
        found.append(f"{name} ({seen[name]})" if counts[name] > 1 else name)
    return found


def _preamble(lines: list[str], delimiter: str | None, remarks: Remarks) -> tuple[int, str | None]:
    """Return the number of lines before the header, and the delimiter if one of them names it."""
    number = 0
    while number < len(lines) - 1:
        line = lines[number].strip()
        if named := re.fullmatch(r'"?sep=(.)"?', line, re.IGNORECASE):  # for Excel
            delimiter = named[1]
        elif line.startswith("#"):
            # A header may begin like a comment, but has as many fields as the row after it.
            sign = delimiter or _delimiter(lines[number + 1])
            if line.count(sign) == lines[number + 1].count(sign) and (sign in line or not line.startswith("# ")):
                break
            remarks.add("{rows} {were} skipped as a comment before the header.", number + 1)
        elif line and _is_title(line, lines[number + 1 :]):
            remarks.add("{rows} {were} skipped as a title before the header.", number + 1)
        elif line:
            break
        number += 1
    return number, delimiter


def _delimiter(line: str) -> str:
    return max(",;\t|", key=line.count)


def _has_tabs(lines: list[str]) -> bool:
    """True if every line that is not blank has the same number of tabs, one or more."""
    counts = {line.count("\t") for line in lines if line.strip()}
    return len(counts) == 1 and 0 not in counts


def _is_title(line: str, others: list[str]) -> bool:
    """True for words without a delimiter before names of columns and rows of as many fields."""
    filled = [other for other in others if other.strip()]
    if len(filled) < 2:
        return False
    sign = _delimiter(filled[0])
    if sign in line or sign not in filled[0] or not (len(line.split()) > 2 or not others[0].strip()):
        return False
    names = [name.strip().strip('"') for name in filled[0].split(sign)]
    named = len(set(names)) == len(names) and all(name and len(name.split()) < 4 for name in names)
    return named and not any(map(is_number, names)) and all(row.count(sign) >= len(names) - 1 for row in filled[1:])


def _dialect(lines: list[str], delimiter: str) -> dict[str, Any]:
    """Return the way in which texts are quoted, as arguments of `csv.reader`.

    In TSV with as many tabs in every line a quotation mark has no meaning. If the usual way gives rows that are wider
    than the header, other ways are tried: spaces before quotation marks, backslashes before those inside, and single
    ones.
    """
    bare = {"delimiter": delimiter, "quoting": csv.QUOTE_NONE}
    usual = {"delimiter": delimiter, "quoting": csv.QUOTE_MINIMAL}
    if len(lines) < 2:
        return usual
    if delimiter == "\t" and _has_tabs(lines):
        return bare
    escaped = {"escapechar": "\\", "doublequote": False}
    ways: tuple[dict[str, Any], ...] = (
        {"skipinitialspace": True},
        escaped,
        escaped | {"skipinitialspace": True},
        {"quotechar": "'"},
        {"quotechar": "'", "skipinitialspace": True},
    )
    if _are_wide(lines, usual):
        return next((usual | way for way in ways if not _are_wide(lines, usual | way)), usual)
    return usual


def _are_wide(lines: list[str], dialect: dict[str, Any]) -> bool:
    """True if a row is wider than the header."""
    try:
        widths = [len(row) for row in csv.reader(lines, **dialect) if row]
    except csv.Error:
        return False
    return bool(widths) and max(widths) > widths[0]


class _Records:
    """Iterator over the records of a table, each with its first line's number."""

    def __init__(
        self, path: Path, lines: Iterator[str], skipped: int, dialect: dict[str, Any], remarks: Remarks
    ) -> None:
        self._path, self._lines, self._remarks = path, lines, remarks
        self._dialect, self._delimiter = dialect, dialect["delimiter"]
        self._bare = dialect["quoting"] == csv.QUOTE_NONE
        self._again: deque[str] = deque()  # lines to be read once more
        self._record: list[str] = []
        self._size = self._mended = 0
        self._number = skipped  # lines before the record
        self._ended = False  # inside the record
        self._reader = self._restarted()

    def __iter__(self) -> "_Records":
        return self

    def __next__(self) -> tuple[int, list[str]]:
        self._number += len(self._record)
        self._record, self._size, self._ended = [], 0, False
        line = self._number + 1
        try:
            fields = next(self._reader)
        except csv.Error as error:
            raise UserError(
                f"{self._path}, line {line + max(0, len(self._record) - 1):,}, is not valid CSV: {error}. Correct that "
                "line."
            ) from error
        if self._ended or self._swallows():
            fields = self._without_rest(line)
        return line, list(map(_unquoted, fields)) if self._bare else fields

    def _restarted(self) -> Iterator[list[str]]:
        return csv.reader(self._fed(), **self._dialect)

    def _fed(self) -> Iterator[str]:
        while True:
            line = self._again.popleft() if self._again else next(self._lines, None)
            self._size += len(line or "")
            # The end of the file is inside a record only if the record has begun.
            self._ended = line is None or self._size > _RECORD
            if line is not None:
                self._record.append(line)
            if self._ended:
                return
            yield line or ""

    def _swallows(self) -> bool:
        """True if the further lines of a record look like rows of their own."""
        if len(self._record) < 2 or self._bare:
            return False
        first, *others = (line.rstrip("\r\n").split(self._delimiter) for line in self._record)
        if len(first) < 2 or any(len(other) != len(first) for other in others):
            return False
        numbers = [place for place, cell in enumerate(first) if all(is_number(row[place]) for row in [first, *others])]
        if len(others) > 1:
            return bool(numbers)
        return any(float(others[0][place]) == float(first[place]) + 1 for place in numbers)

    def _without_rest(self, line: int) -> list[str]:
        """Read only the first line of the record, and the others once more."""
        self._mended += 1
        if self._mended > _MENDED:
            raise UserError(
                f"{self._path}: the quotation marks around the texts are in disorder, again in line {line:,}. Correct "
                "them, or save the table anew."
            )
        self._remarks.add(
            "In {rows} a quotation mark is opened and not closed; the text was read up to the end of its line.", line
        )
        first, *rest = self._record
        self._again.extendleft(reversed(rest))
        self._record = [first]
        self._reader = self._restarted()
        fields = next(csv.reader([first], **self._dialect), [])
        return [*fields[:-1], fields[-1].rstrip("\r\n")] if fields else fields


def _unquoted(value: str) -> str:
    """Remove the quotation marks around a field that follows the rules of CSV after all."""
    inside = value[1:-1].replace('""', "")
    if len(value) > 1 and value[0] == value[-1] == '"' and '"' not in inside:
        return value[1:-1].replace('""', '"')
    return value


def _is_data(header: list[str], rows: list[list[str]], asked: Collection[str]) -> bool:
    """True if the first row looks like the others and not like names of columns."""
    if "text" in header:
        return False
    columns = [[row[place] for row in rows if place < len(row) and row[place].strip()] for place in range(len(header))]
    recurs = any(_recurs(name, cells) for name, cells in zip(header, columns, strict=True))
    named = [name for name in asked if name.strip() in header]
    numbered = any(name.strip().isdecimal() and 0 < int(name) <= len(header) for name in asked)
    if numbered and (recurs or len(named) < len(asked)):
        return True
    if named or recurs:
        return not named
    numbers = [bool(cells) and all(cell.strip()[0].isdigit() for cell in cells) for cells in columns]
    if any(number and name and not name[0].isdigit() for name, number in zip(header, numbers, strict=True)):
        return False
    if any(number and is_number(name) for name, number in zip(header, numbers, strict=True)):
        return True
    return any(
        "\n" in name or len(name) > 60 or (len(name.split()) >= _WORDS and not name.endswith((")", "?", ":")))
        for name, cells, number in zip(header, columns, numbers, strict=True)
        if cells and not number
    )


def _recurs(name: str, cells: list[str]) -> bool:
    """True if a name is one of a few values that its column has again and again, as labels do."""
    values = Counter(cell.strip() for cell in cells)
    return values[name] > 1 < len(values) <= len(cells) / 2


def _may_be_data(name: str, rows: list[list[str]]) -> bool:
    """True if the only cell of the first row may be a text as well as a name."""
    known = name.islower() or re.search(
        r"text|lyric|song|review|sentence|title|name|line|poem|verse", name, re.IGNORECASE
    )
    return not known and len(rows) > 1 and all(len(" ".join(row).split()) < _WORDS for row in rows)
