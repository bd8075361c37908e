"""The description of a table, and its layout as text for the three renderers.

`layout` formats every cell once, so that terminal, Markdown and HTML (`renderers/`) differ in markup only.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from epigone.report.numbers import Interval, NumberStyle, Range, Spread, estimate, format_cell, format_value

Cell = float | str | Spread | Interval | Range | None
Mark = Literal["winner", "baseline", ""]

MARKS: Mapping[Mark, str] = {"winner": "★", "baseline": "○"}


@dataclass(frozen=True)
class Column(NumberStyle):
    """The heading of a column and the style of its numbers."""

    key: str
    label: str
    unit: str = ""
    align: Literal["left", "right"] = "right"
    best: Literal["min", "max"] | None = None
    """Set the smallest or the largest number in bold."""
    optional: bool = False
    """Leave the column out of a terminal that is too narrow; files always have it."""


@dataclass(frozen=True)
class Table:
    """Rows of cells by column key; the first column names the row."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Cell]]
    note: str = ""
    winner: str | None = None
    """Name of the row to mark as the winner."""
    baseline: str | None = None
    """Name of the row that differences refer to."""
    group: str | None = None
    """Key of the cell that holds the row's family: it chooses the colour, and a rule is drawn where it changes."""


@dataclass(frozen=True)
class CellText:
    """One cell as text: its value, and its uncertainty, set apart because renderers mute it."""

    value: str
    qualifier: str = ""
    bold: bool = False

    @property
    def text(self) -> str:
        """Value and uncertainty in one piece."""
        return f"{self.value} {self.qualifier}".rstrip()


@dataclass(frozen=True)
class RowText:
    """One row as text."""

    cells: tuple[CellText, ...]
    mark: Mark
    family: str
    new_family: bool
    """The row above belongs to another family."""


@dataclass(frozen=True)
class Layout:
    """A table as text, ready for markup."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[RowText, ...]
    note: str

    @property
    def legend(self) -> str:
        """The note, after an explanation of the marks that occur."""
        present = [mark for mark in MARKS if any(row.mark == mark for row in self.rows)]
        marks = ", ".join(f"{MARKS[mark]} {mark}" for mark in present)
        return ". ".join(filter(None, (marks, self.note)))


def layout(table: Table) -> Layout:
    """Format every cell of a table."""
    best = [_best(table, column) for column in table.columns]
    rows: list[RowText] = []
    for row in table.rows:
        name = str(row.get(table.columns[0].key) or "")
        mark: Mark = "winner" if name == table.winner else "baseline" if name == table.baseline else ""
        cells = []
        for index, column in enumerate(table.columns):
            value, qualifier = format_cell(row.get(column.key), column)
            bold = bool(name) and mark == "winner" if index == 0 else value == best[index]
            cells.append(CellText(value, qualifier, bold))
        family = str(row.get(table.group) or "") if table.group else ""
        rows.append(RowText(tuple(cells), mark, family, bool(rows) and family != rows[-1].family))
    return Layout(table.title, tuple(table.columns), tuple(rows), table.note)


def _best(table: Table, column: Column) -> str | None:
    """Return the text of the column's best number: all rows that read alike are bold."""
    numbers = [number for row in table.rows if math.isfinite(number := estimate(row.get(column.key)))]
    if not column.best or not numbers:
        return None
    return format_value(min(numbers) if column.best == "min" else max(numbers), column)


def table_of(rows: Sequence[Mapping[str, Any]], title: str = "") -> Table:
    """Make a table of rows whose keys are the headings, with four significant digits and without empty columns."""
    keys = dict.fromkeys(key for row in rows for key in row)
    columns = []
    for key in keys:
        values = [row[key] for row in rows if row.get(key) not in (None, "")]
        if values:
            words = all(isinstance(value, str) for value in values)
            align: Literal["left", "right"] = "left" if words else "right"
            columns.append(Column(key, key.replace("_", " "), align=align, digits=4, notation="significant"))
    return Table(title, columns, rows)
