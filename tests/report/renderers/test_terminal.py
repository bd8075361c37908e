from rendered import COLUMNS, terminal

from epigone.report.page import Report
from epigone.report.tables import Column, Table


def test_markup_in_a_name_is_text() -> None:
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


def test_a_table_without_a_title_has_no_rules() -> None:
    rows = [{"name": "a", "loss": 1.5}, {"name": "b", "loss": 12.25}]
    assert [line.split() for line in terminal(Table("", COLUMNS, rows)).splitlines()] == [
        ["loss"], ["row", "nats/char"], ["a", "1.500"], ["b", "12.250"]
    ]  # fmt: skip
    assert "─" in terminal(Table("t", COLUMNS, rows))
