"""Made-up tables of every kind of cell, and readers of their renderings."""

import io
from html.parser import HTMLParser

from hypothesis import strategies as st
from rich.console import Console

from epigone.report.numbers import Interval, Spread
from epigone.report.renderers.terminal import to_terminal
from epigone.report.tables import Column, Table

LOSS = Column("loss", "loss", "nats/char", best="min")
NUMBERS = st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=12))
CELLS = st.one_of(
    NUMBERS,
    st.builds(Spread, st.floats(), st.none() | st.floats()),
    st.builds(Interval, st.floats(), st.none() | st.floats(), st.none() | st.floats()),
)
ROWS = st.fixed_dictionaries({"name": st.text(max_size=12), "loss": CELLS, "family": st.text(max_size=3)})
COLUMNS = [Column("name", "row", align="left"), LOSS]
TABLES = st.lists(ROWS, max_size=4).map(lambda rows: Table("t", COLUMNS, rows, group="family"))


def terminal(table: Table, width: int | None = None) -> str:
    """The table as a terminal of `width` characters shows it."""
    out = io.StringIO()
    Console(file=out, width=width or 300, color_system=None).print(to_terminal(table, width))
    return out.getvalue()


class HtmlCells(HTMLParser):
    """The text of the cells of each row."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.inside = True
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[-1][-1] += data
