import re

from hypothesis import given
from markdown_it import MarkdownIt
from rendered import COLUMNS, TABLES

from epigone.report.page import Report
from epigone.report.renderers.markdown import to_markdown
from epigone.report.tables import Table


@given(TABLES)
def test_every_row_has_the_same_number_of_cells(table: Table) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(to_markdown(table))
    kinds = [token.type for token in tokens]
    assert kinds.count("table_open") == 1
    assert kinds.count("tr_open") == len(table.rows) + 1
    assert kinds.count("td_open") == 2 * len(table.rows)
    lines = [line for line in to_markdown(table).split("\n") if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1


def test_the_winner_is_bold_and_marks_are_explained(example: Report) -> None:
    source = to_markdown(example.tables[0], 1)
    assert "| **retrain layers 0+2 + head** ★ " in source
    assert "| scratch, best of 40 searched ○ " in source
    assert source.startswith("**Table 1.** ")
    assert "★ winner, ○ baseline. Best validation epoch" in source


def test_a_table_without_a_title_begins_with_its_headings() -> None:
    rows = [{"name": "a", "loss": 1.5}]
    assert to_markdown(Table("", COLUMNS, rows, note="Medians.")) == (
        "| row | loss (nats/char) |\n| :-- | ---------------: |\n| a   |        **1.500** |\n\nMedians.\n"
    )
    assert to_markdown(Table("Losses", COLUMNS, rows)).startswith("**Losses**\n\n| row | loss")
