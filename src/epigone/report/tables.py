"""One table, three renderings: Markdown, HTML and the terminal, all with the same rounding.

A cell is a number, a string, a `Spread` (mean ± standard deviation), an `Interval` (estimate and ends) or
None. Every cell is formatted once, as a value and a qualifier ("1.412", "± 0.004"), so that the renderings
differ in dress only.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from numbers import Integral, Real
from typing import Literal

from rich.box import HORIZONTALS
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as TerminalTable
from rich.text import Text

from epigone.report.markup import clean, markdown
from epigone.report.plots.palette import Palette

EMPTY = "–"
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Spread:
    """A mean and the standard deviation over runs (None for a single run)."""

    mean: float
    deviation: float | None = None


@dataclass(frozen=True)
class Interval:
    """An estimate and the ends of its confidence interval."""

    estimate: float
    low: float | None = None
    high: float | None = None


Cell = float | str | Spread | Interval | None


@dataclass(frozen=True)
class Column:
    """What a column is called and how its cells are written."""

    key: str
    label: str
    unit: str = ""
    align: Literal["left", "right"] = "right"
    digits: int = 3
    """Decimals of a number that is not an integer."""
    best: Literal["min", "max"] | None = None
    """Set the smallest or the largest number in bold."""
    signed: bool = False
    """Write a plus before positive numbers, as befits a difference."""
    floor: float | None = None
    """Numbers below it are written `<floor`, as befits a p-value."""
    optional: bool = False
    """May be left out of a terminal that is too narrow; files always have it."""


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
    """Key of the cell with the row's family, which chooses its colour; a rule is drawn where it changes."""

    def name(self, row: Mapping[str, Cell]) -> str:
        """The row's name: its cell in the first column."""
        return str(row.get(self.columns[0].key) or "")

    def mark(self, row: Mapping[str, Cell]) -> Literal["winner", "baseline", ""]:
        """Whether the row is marked, and as what."""
        name = self.name(row)
        return "winner" if name == self.winner else "baseline" if name == self.baseline else ""

    def family(self, row: Mapping[str, Cell]) -> str:
        """The row's family, or the empty string."""
        return str(row.get(self.group) or "") if self.group else ""

    def starts_family(self, index: int) -> bool:
        """Whether row `index` begins another family than the row above it."""
        return index > 0 and self.family(self.rows[index]) != self.family(self.rows[index - 1])


MARKS = {"winner": "★", "baseline": "○", "": ""}


def format_number(value: object, column: Column) -> str:
    """Write one number in the manner of its column; None and NaN become a dash."""
    if value is None or isinstance(value, bool) or not isinstance(value, Real):
        return EMPTY if value is None else " ".join(clean(str(value)).split())
    if isinstance(value, Integral):
        text = f"{abs(int(value)):,d}"
    elif math.isnan(value):
        return EMPTY
    elif math.isinf(value):
        text = "∞"
    else:
        size = abs(float(value))
        text = f"{size:.3e}" if size >= 1e12 else f"{size:,.{column.digits}f}"
    if column.floor is not None and value < column.floor:
        return f"<{column.floor:g}"
    if not text.strip("0.,"):
        return text  # what rounds to zero has no sign
    return (MINUS if value < 0 else "+" if column.signed else "") + text


def format_cell(cell: Cell, column: Column) -> tuple[str, str]:
    """Write a cell as its value and its qualifier, which is empty for a plain cell."""
    if isinstance(cell, Spread):
        return format_number(cell.mean, column), _qualifier("± {}", column, cell.deviation)
    if isinstance(cell, Interval):
        return format_number(cell.estimate, column), _qualifier("[{}, {}]", column, cell.low, cell.high)
    return format_number(cell, column), ""


def _qualifier(pattern: str, column: Column, *numbers: float | None) -> str:
    known = all(number is not None and not math.isnan(number) for number in numbers)
    return pattern.format(*(format_number(number, column) for number in numbers)) if known else ""


def _number(cell: Cell) -> float:
    value = cell.mean if isinstance(cell, Spread) else cell.estimate if isinstance(cell, Interval) else cell
    return float(value) if isinstance(value, Real) else math.nan


def _best(table: Table, column: Column) -> str | None:
    """How the column's best number reads, so that all rows that read alike are in bold."""
    numbers = [number for row in table.rows if math.isfinite(number := _number(row.get(column.key)))]
    if not column.best or not numbers:
        return None
    return format_number(min(numbers) if column.best == "min" else max(numbers), column)


@dataclass(frozen=True)
class _Cell:
    value: str
    qualifier: str
    bold: bool

    @property
    def text(self) -> str:
        return f"{self.value} {self.qualifier}".rstrip()


def _cells(table: Table, column: Column) -> Iterator[_Cell]:
    best = _best(table, column)
    for row in table.rows:
        value, qualifier = format_cell(row.get(column.key), column)
        yield _Cell(value, qualifier, value == best)


def _legend(table: Table) -> str:
    present = [mark for mark in ("winner", "baseline") if any(table.mark(row) == mark for row in table.rows)]
    marks = ", ".join(f"{MARKS[mark]} {mark}" for mark in present)
    return ". ".join(part for part in (marks, table.note) if part)


def to_markdown(table: Table, number: int | None = None) -> str:
    """A pipe table, its title above and its note below; the winner's name and the best numbers are bold."""
    columns = []
    for position, column in enumerate(table.columns):
        label = f"{column.label} ({column.unit})" if column.unit else column.label
        lines = [markdown(label)]
        for row, cell in zip(table.rows, _cells(table, column), strict=True):
            text = markdown(cell.text)
            if cell.bold:
                text = f"**{markdown(cell.value)}** {markdown(cell.qualifier)}".rstrip()
            if position == 0 and (mark := table.mark(row)):
                text = f"{f'**{text}**' if mark == 'winner' and text else text} {MARKS[mark]}"
            lines.append(text)
        width = max(3, *map(len, lines))
        left = column.align == "left"
        rule = ":" + "-" * (width - 1) if left else "-" * (width - 1) + ":"
        padded = [line.ljust(width) if left else line.rjust(width) for line in lines]
        columns.append([padded[0], rule, *padded[1:]])
    grid = "\n".join("| " + " | ".join(cells) + " |" for cells in zip(*columns, strict=True))
    note = _legend(table)
    title = f"**Table {number}.** {markdown(table.title)}" if number else f"**{markdown(table.title)}**"
    return f"{title}\n\n{grid}\n" + (f"\n{markdown(note)}\n" if note else "")


def to_html(table: Table, number: int, palette: Palette) -> str:
    """A `<figure>` with the table; a column with qualifiers takes two cells, so that its numbers line up."""
    columns = [list(_cells(table, column)) for column in table.columns]
    split = [any(cell.qualifier for cell in cells) for cells in columns]
    head = "".join(
        f'<th scope="col" class="{column.align}"{" colspan=2" if two else ""}>{escape(clean(column.label))}'
        + (f' <span class="unit">{escape(clean(column.unit))}</span>' if column.unit else "")
        + "</th>"
        for column, two in zip(table.columns, split, strict=True)
    )
    body = []
    for index, row in enumerate(table.rows):
        classes = " ".join(filter(None, [table.mark(row), "rule" if table.starts_family(index) else ""]))
        cells = [_html_name(table, row, columns[0][index], palette)]
        for column, column_cells, two in zip(table.columns[1:], columns[1:], split[1:], strict=True):
            cell = column_cells[index]
            value = f"<b>{escape(cell.value)}</b>" if cell.bold else escape(cell.value)
            cells.append(f'<td class="{column.align}">{value}</td>')
            if two:
                cells.append(f'<td class="qualifier">{escape(cell.qualifier)}</td>')
        body.append(f'<tr class="{classes}">{"".join(cells)}</tr>')
    note = f'<p class="note">{escape(clean(table.note))}</p>' if table.note else ""
    return (
        f'<figure class="table"><figcaption><b>Table {number}.</b> {escape(clean(table.title))}</figcaption>'
        f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>\n<tbody>\n'
        + "\n".join(body)
        + f"\n</tbody></table></div>{note}</figure>"
    )


def _html_name(table: Table, row: Mapping[str, Cell], cell: _Cell, palette: Palette) -> str:
    family, mark = table.family(row), table.mark(row)
    swatch = f'<i class="swatch" style="--family: var(--c{palette.slot(family)})"></i>' if family else ""
    tag = f' <span class="tag">{mark}</span>' if mark else ""
    return f'<th scope="row"><span class="name">{swatch}<span>{escape(cell.text)}{tag}</span></span></th>'


def to_terminal(table: Table, width: int | None = None) -> TerminalTable:
    """A rich table; with `width` (characters), what is left out until it fits: optional columns, last first, then
    deviations. Beyond that, names and words are broken."""
    columns = list(table.columns)
    rendered = _terminal(table, columns)
    console = Console(width=10_000)
    while width and Measurement.get(console, console.options, rendered).maximum > width:
        optional = [column for column in columns if column.optional]
        if not optional:
            spreads = any(isinstance(cell, Spread) for row in table.rows for cell in row.values())
            return _terminal(table, columns, deviations=not spreads)
        columns.remove(optional[-1])
        rendered = _terminal(table, columns)
    return rendered


def _terminal(table: Table, columns: Sequence[Column], deviations: bool = True) -> TerminalTable:
    hidden = len(table.columns) - len(columns)
    left_out = [f"{hidden} more columns"] * bool(hidden) + ["deviations"] * (not deviations)
    note = _legend(table) + (f" ({' and '.join(left_out)} in the report)" if left_out else "")
    rendered = TerminalTable(
        title=Text(clean(table.title)), caption=Text(clean(note.strip())) if note else None, title_justify="left",
        caption_justify="left", box=HORIZONTALS, pad_edge=False, collapse_padding=True,
    )  # fmt: skip
    grid = []
    for position, column in enumerate(columns):
        label = Text(clean(column.label), "bold")
        if column.unit:
            label.append(f"\n{clean(column.unit)}", "dim not bold")
        number = position > 0 and column.align == "right"
        rendered.add_column(label, justify=column.align, no_wrap=number, vertical="bottom")
        grid.append(_terminal_column(table, column, position == 0, deviations))
    for index, row in enumerate(table.rows):
        rendered.add_row(
            *(texts[index] for texts in grid),
            style="green" if table.mark(row) == "winner" else None,
            end_section=index + 1 < len(table.rows) and table.starts_family(index + 1),
        )
    return rendered


def _terminal_column(table: Table, column: Column, names: bool, deviations: bool) -> list[Text]:
    cells = list(_cells(table, column))
    if not deviations:
        spreads = [isinstance(row.get(column.key), Spread) for row in table.rows]
        cells = [replace(c, qualifier="") if spread else c for c, spread in zip(cells, spreads, strict=True)]
    width = max((len(cell.qualifier) for cell in cells), default=0)
    texts = []
    for row, cell in zip(table.rows, cells, strict=True):
        mark = table.mark(row)
        text = Text(cell.value, "bold" if cell.bold or (names and mark == "winner") else "")
        if width:
            text.append(f" {cell.qualifier.ljust(width)}", "dim not bold")
        if names and mark:
            text.append(f" {MARKS[mark]}")
        texts.append(text)
    return texts
