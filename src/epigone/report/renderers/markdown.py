"""Tables as Markdown."""

from epigone.markup import markdown
from epigone.report.tables import MARKS, CellText, Mark, Table, layout


def to_markdown(table: Table, number: int | None = None) -> str:
    """Write a pipe table with its title above and its note below; the winner's name and the best numbers are bold.

    Args:
        table: the table; without a title it begins with the headings.
        number: the number of the table in its document.
    """
    laid = layout(table)
    grid = []
    for index, column in enumerate(laid.columns):
        label = f"{column.label} ({column.unit})" if column.unit else column.label
        cells = [_cell(row.cells[index], row.mark if index == 0 else "") for row in laid.rows]
        lines = [markdown(label), *cells]
        width = max(3, *map(len, lines))
        left = column.align == "left"
        rule = ":" + "-" * (width - 1) if left else "-" * (width - 1) + ":"
        padded = [line.ljust(width) if left else line.rjust(width) for line in lines]
        grid.append([padded[0], rule, *padded[1:]])
    lines = ["| " + " | ".join(cells) + " |" for cells in zip(*grid, strict=True)]
    title = f"**Table {number}.** {markdown(laid.title)}" if number else laid.title and f"**{markdown(laid.title)}**"
    return "\n\n".join(filter(None, [title, "\n".join(lines), markdown(laid.legend)])) + "\n"


def _cell(cell: CellText, mark: Mark) -> str:
    value = f"**{markdown(cell.value)}**" if cell.bold else markdown(cell.value)
    return " ".join(filter(None, [value, markdown(cell.qualifier), MARKS.get(mark)]))
