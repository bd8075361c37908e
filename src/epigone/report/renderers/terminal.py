"""Tables for the terminal."""

from dataclasses import replace

from rich.box import HORIZONTALS
from rich.console import Console, Group
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

from epigone.markup import clean
from epigone.report.numbers import Spread
from epigone.report.tables import MARKS, Layout, Table, layout


def to_terminal(table: Table, width: int | None = None) -> Group:
    """Make a rich table that fits `width` characters, with its title above and its note below.

    Optional columns are left out as needed, the last first, and then the deviations over seeds; the note says so. A
    table that is still too wide has its names and words broken. Tables without a title have no rules.
    """
    console = Console(width=10_000)
    shown, left_out = table, ""
    while True:
        laid = layout(shown)
        rendered = _render(laid)
        if not width or Measurement.get(console, console.options, rendered).maximum <= width:
            break
        optional = [column for column in shown.columns if column.optional]
        if optional:
            columns = [column for column in shown.columns if column is not optional[-1]]
            shown = replace(shown, columns=columns)
            hidden = len(table.columns) - len(columns)
            left_out = f"{hidden} more column{'s' * (hidden > 1)}"
        elif any(isinstance(cell, Spread) for row in shown.rows for cell in row.values()):
            shown = _without_deviations(shown)
            left_out = " and ".join(filter(None, [left_out, "deviations"]))
        else:
            break
    note = clean(laid.legend + (f" ({left_out} in the report)" if left_out else "")).strip()
    above = [Text(clean(laid.title), "italic")] if laid.title else []
    below = [Text(note, "dim italic")] if note else []
    return Group(*above, rendered, *below)


def _without_deviations(table: Table) -> Table:
    rows = [{key: cell.mean if isinstance(cell, Spread) else cell for key, cell in row.items()} for row in table.rows]
    return replace(table, rows=rows)


def _render(laid: Layout) -> RichTable:
    ruled = bool(laid.title)
    rendered = RichTable(box=HORIZONTALS if ruled else None, pad_edge=False, collapse_padding=ruled)
    grid = []
    for index, column in enumerate(laid.columns):
        label = Text(clean(column.label), "bold")
        if column.unit:
            label.append(f"\n{clean(column.unit)}", "dim not bold")
        number = index > 0 and column.align == "right"
        rendered.add_column(label, justify=column.align, no_wrap=number, vertical="bottom")
        grid.append(_cells(laid, index))
    for index, (row, cells) in enumerate(zip(laid.rows, zip(*grid, strict=True), strict=True)):
        last_of_family = index + 1 < len(laid.rows) and laid.rows[index + 1].new_family
        rendered.add_row(*cells, style="green" if row.mark == "winner" else None, end_section=last_of_family)
    return rendered


def _cells(laid: Layout, index: int) -> list[Text]:
    """The cells of one column, their uncertainties padded so that the values line up."""
    width = max((len(row.cells[index].qualifier) for row in laid.rows), default=0)
    texts = []
    for row in laid.rows:
        cell = row.cells[index]
        text = Text(cell.value, "bold" if cell.bold else "")
        if width:
            text.append(f" {cell.qualifier.ljust(width)}", "dim not bold")
        if index == 0 and row.mark:
            text.append(f" {MARKS[row.mark]}")
        texts.append(text)
    return texts
