"""Tables as HTML, with the classes that page.html styles."""

from html import escape

from epigone.markup import clean
from epigone.report.plots.palette import Palette
from epigone.report.tables import RowText, Table, layout

LONG = 60  # characters of a cell that keeps some width on a narrow page


def to_html(table: Table, number: int | None, palette: Palette) -> str:
    """Write a `<figure>`; uncertainties of a column are as wide as the longest, so that its numbers line up.

    Args:
        table: the table.
        number: its number in the page, or None.
        palette: the colours of families.
    """
    laid = layout(table)
    widths = [max((len(row.cells[i].qualifier) for row in laid.rows), default=0) for i in range(len(laid.columns))]
    head = "".join(
        f'<th scope="col" class="{column.align}">{_text(column.label)}'
        + (f' <span class="unit">{_text(column.unit)}</span>' if column.unit else "")
        + "</th>"
        for column in laid.columns
    )
    body = []
    for row in laid.rows:
        cells = [_name(row, palette)]
        for column, cell, width in zip(laid.columns[1:], row.cells[1:], widths[1:], strict=True):
            value = f"<b>{escape(cell.value)}</b>" if cell.bold else escape(cell.value)
            if width:
                value += f' <span class="qualifier" style="--width: {width}ch">{escape(cell.qualifier)}</span>'
            words = f"{column.align}{' long' * (len(cell.value) > LONG)}"
            cells.append(f'<td class="{words}">{value}</td>')
        classes = " ".join(filter(None, [row.mark, "rule" if row.new_family else ""]))
        body.append(f'<tr class="{classes}">{"".join(cells)}</tr>')
    note = f'<p class="note">{_text(laid.note)}</p>' if laid.note else ""
    caption = " ".join(filter(None, [f"<b>Table {number}.</b>" if number else "", _text(laid.title)]))
    return (
        f'<figure class="table">{caption and f"<figcaption>{caption}</figcaption>"}'
        f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>\n<tbody>\n'
        + "\n".join(body)
        + f"\n</tbody></table></div>{note}</figure>"
    )


def _name(row: RowText, palette: Palette) -> str:
    colour = f"--family: var(--c{palette.slot(row.family)})"
    swatch = f'<i class="swatch" style="{colour}"></i>' if row.family else ""
    tag = f' <span class="tag">{row.mark}</span>' if row.mark else ""
    return f'<th scope="row"><span class="name">{swatch}<span>{escape(row.cells[0].text)}{tag}</span></span></th>'


def _text(text: str) -> str:
    return escape(clean(text))
