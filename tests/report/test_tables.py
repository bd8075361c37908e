import io
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from epigone.report.page import Report
from epigone.report.plots.palette import Palette
from epigone.report.tables import (
    EMPTY,
    Cell,
    Column,
    Interval,
    Spread,
    Table,
    format_cell,
    format_number,
    to_html,
    to_markdown,
    to_terminal,
)

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
    out = io.StringIO()
    Console(file=out, width=width or 300, color_system=None).print(to_terminal(table, width))
    return out.getvalue()


class Cells(HTMLParser):
    """The text of each row's cells, those of one column joined."""

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


@pytest.mark.parametrize(
    ("value", "column", "text"),
    [
        (1.23456, Column("", ""), "1.235"),
        (-0.2336, Column("", ""), "−0.234"),
        (-0.00001, Column("", "", signed=True), "0.000"),
        (0.0126, Column("", "", signed=True), "+0.013"),
        (1234567, Column("", ""), "1,234,567"),
        (np.int64(1200), Column("", ""), "1,200"),
        (np.float32(0.5), Column("", "", digits=1), "0.5"),
        (0.0002, Column("", "", floor=0.001), "<0.001"),
        (0.04, Column("", "", floor=0.001), "0.040"),
        (math.nan, Column("", ""), EMPTY),
        (np.float64("nan"), Column("", ""), EMPTY),
        (None, Column("", ""), EMPTY),
        (-math.inf, Column("", ""), "−∞"),
        (1e300, Column("", ""), "1.000e+300"),
        ("as it is", Column("", ""), "as it is"),
    ],
)
def test_a_number_is_written_in_the_manner_of_its_column(value: object, column: Column, text: str) -> None:
    assert format_number(value, column) == text


@pytest.mark.parametrize(
    ("cell", "parts"),
    [
        (Spread(1.4, 0.012), ("1.400", "± 0.012")),
        (Spread(1.4), ("1.400", "")),
        (Spread(1.4, math.nan), ("1.400", "")),
        (Spread(math.nan, math.nan), (EMPTY, "")),
        (Interval(-0.2, -0.25, -0.15), ("−0.200", "[−0.250, −0.150]")),
        (Interval(-0.2, None, -0.15), ("−0.200", "")),
    ],
)
def test_a_cell_is_a_value_and_a_qualifier(cell: Cell, parts: tuple[str, str]) -> None:
    assert format_cell(cell, LOSS) == parts


@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.integers(0, 6), st.booleans())
def test_a_written_number_reads_back_to_within_its_digits(value: float, digits: int, signed: bool) -> None:
    text = format_number(value, Column("", "", digits=digits, signed=signed))
    read = float(text.replace("−", "-").replace(",", ""))
    assert math.isclose(read, value, rel_tol=1e-3, abs_tol=0.51 * 10**-digits)
    assert text.startswith("+") == (signed and read > 0)


@given(TABLES)
def test_markdown_has_the_same_number_of_cells_in_every_row(table: Table) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(to_markdown(table))
    kinds = [token.type for token in tokens]
    assert kinds.count("table_open") == 1
    assert kinds.count("tr_open") == len(table.rows) + 1
    assert kinds.count("td_open") == 2 * len(table.rows)
    lines = [line for line in to_markdown(table).split("\n") if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1


@given(TABLES)
def test_all_renderings_agree(table: Table) -> None:
    expected = ["".join("".join(format_cell(row["loss"], LOSS)).split()) for row in table.rows]
    page = Cells(to_html(table, 1, Palette())).rows[1:]
    assert ["".join("".join(row[1:]).split()) for row in page] == expected
    tokens = MarkdownIt("commonmark").enable("table").parse(to_markdown(table))
    texts = ["".join(child.content for child in token.children or []) for token in tokens if token.level == 4]
    assert ["".join(text.split()) for text in texts[3::2]] == expected
    on_screen = "".join(terminal(table).split())
    assert all(text in on_screen for text in expected)


def test_marks_bold_and_families(example: Report) -> None:
    table = example.tables[0]
    source = to_markdown(table, 1)
    assert "| **retrain layers 0+2 + head** ★ " in source
    assert "| scratch, best of 40 searched ○ " in source
    assert source.startswith("**Table 1.** ")
    assert "★ winner, ○ baseline. Best validation epoch" in source
    page = to_html(table, 1, Palette())
    assert page.count('<tr class="winner">') == page.count('<span class="tag">winner</span>') == 1
    assert page.count('class="rule"') + page.count(" rule") == 3
    best = [column for column in table.columns if column.best]
    assert page.count("<b>") == 1 + len(best)


def test_the_best_number_may_be_shared_by_rows_that_read_alike() -> None:
    rows: list[dict[str, Cell]] = [
        {"name": "a", "loss": 1.20001},
        {"name": "b", "loss": Spread(1.20002, 0.1)},
    ]
    rows += [{"name": "c", "loss": 1.3}, {"name": "d", "loss": math.nan}, {"name": "e"}]
    source = to_markdown(Table("t", [Column("name", "row"), LOSS], rows))
    assert source.count("**1.200**") == 2
    assert source.count("**") == 6  # and the title


def test_html_is_escaped_and_names_its_scopes() -> None:
    table = Table("<t>", [Column("name", "<row>"), Column("x", "a & b", "<u>")], [{"name": "<script>", "x": "<b>"}])
    page = to_html(table, 2, Palette())
    assert "<script>" not in page
    for escaped in ("&lt;t&gt;", "&lt;row&gt;", "a &amp; b", "&lt;u&gt;", "&lt;script&gt;", "&lt;b&gt;"):
        assert escaped in page
    assert '<th scope="col"' in page
    assert '<th scope="row">' in page


def test_markup_in_a_name_is_text_in_the_terminal() -> None:
    table = Table("[red]t", [Column("name", "row")], [{"name": "[bold]x[/bold]"}], note="[i]n")
    assert all(text in terminal(table) for text in ("[red]t", "[bold]x[/bold]", "[i]n"))


def test_a_narrow_terminal_drops_optional_columns_and_says_so(example: Report) -> None:
    wide, narrow = terminal(example.tables[0], 200), terminal(example.tables[0], 100)
    assert "bits/char" in wide
    assert "more columns" not in wide
    assert "bits/char" not in narrow
    assert "more columns and deviations in the report" in " ".join(narrow.split())
    assert "± 0." in wide
    assert "± 0." not in narrow
    assert max(map(len, narrow.splitlines())) <= 100
    assert "1.253" in narrow
    assert "1.253" in wide


def test_an_empty_table_still_has_its_head() -> None:
    table = Table("t", [Column("name", "row"), LOSS], [])
    assert "| row | loss (nats/char) |" in to_markdown(table)
    assert Cells(to_html(table, 1, Palette())).rows == [["row", "loss nats/char"]]
    assert "nats/char" in terminal(table)
