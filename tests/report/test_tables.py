import math

import pytest
from hypothesis import given
from markdown_it import MarkdownIt
from rendered import COLUMNS, LOSS, TABLES, HtmlCells, terminal

from epigone.report.numbers import Spread, format_cell
from epigone.report.page import Report
from epigone.report.plots.palette import Palette
from epigone.report.renderers.html import to_html
from epigone.report.renderers.markdown import to_markdown
from epigone.report.tables import Cell, Column, Table, layout, table_of


def test_marks_families_and_the_best_numbers_are_laid_out(example: Report) -> None:
    table = example.tables[0]
    laid = layout(table)
    assert [row.cells[0].value for row in laid.rows] == [row["name"] for row in table.rows]
    assert [row.mark for row in laid.rows if row.mark] == ["baseline", "winner"]
    assert [row.family for row in laid.rows] == [row["family"] for row in table.rows]
    assert sum(row.new_family for row in laid.rows) == 3
    assert laid.legend.startswith("★ winner, ○ baseline. Best validation epoch")
    bold = [(row.mark, laid.columns[i].key) for row in laid.rows for i, cell in enumerate(row.cells) if cell.bold]
    assert ("winner", "name") in bold
    assert len(bold) == 1 + sum(column.best is not None for column in table.columns)


def test_the_best_number_may_be_shared_by_rows_that_read_alike() -> None:
    rows: list[dict[str, Cell]] = [
        {"name": "a", "loss": 1.20001},
        {"name": "b", "loss": Spread(1.20002, 0.1)},
    ]
    rows += [{"name": "c", "loss": 1.3}, {"name": "d", "loss": math.nan}, {"name": "e"}]
    laid = layout(Table("t", COLUMNS, rows))
    assert [row.cells[0].value for row in laid.rows if row.cells[1].bold] == ["a", "b"]
    source = to_markdown(Table("t", COLUMNS, rows))
    assert source.count("**1.200**") == 2
    assert source.count("**") == 6  # and the title


@given(TABLES)
def test_all_renderings_agree(table: Table) -> None:
    expected = ["".join("".join(format_cell(row["loss"], LOSS)).split()) for row in table.rows]
    page = HtmlCells(to_html(table, 1, Palette())).rows[1:]
    assert ["".join("".join(row[1:]).split()) for row in page] == expected
    tokens = MarkdownIt("commonmark").enable("table").parse(to_markdown(table))
    texts = ["".join(child.content for child in token.children or []) for token in tokens if token.level == 4]
    assert ["".join(text.split()) for text in texts[3::2]] == expected
    on_screen = "".join(terminal(table).split())
    assert all(text in on_screen for text in expected)


def test_a_table_of_plain_rows_takes_its_headings_from_their_keys() -> None:
    rows = [
        {"name": "a", "bits_per_char": 1.23456, "base": None, "note": ""},
        {"name": "b", "weights": 1200, "note": "ünused"},
    ]
    table = table_of(rows, "Models")
    assert [(column.label, column.align) for column in table.columns] == [
        ("name", "left"), ("bits per char", "right"), ("note", "left"), ("weights", "right")
    ]  # fmt: skip
    assert [cell.value for cell in layout(table).rows[0].cells] == ["a", "1.235", "", "–"]
    assert not table_of([]).columns


@pytest.mark.parametrize("title", ["t", ""])
def test_an_empty_table_still_has_its_head(title: str) -> None:
    table = Table(title, [Column("name", "row"), LOSS], [])
    assert "| row | loss (nats/char) |" in to_markdown(table)
    assert HtmlCells(to_html(table, 1, Palette())).rows == [["row", "loss nats/char"]]
    assert "nats/char" in terminal(table)
