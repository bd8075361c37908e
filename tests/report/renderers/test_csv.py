import csv
import io
import math

from hypothesis import given
from rendered import COLUMNS, TABLES

from epigone.markup import clean
from epigone.report.numbers import Interval, Range, Spread
from epigone.report.page import Report
from epigone.report.renderers.csv import to_csv
from epigone.report.tables import Column, Table


def read(table: Table) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(to_csv(table), newline="")))


@given(TABLES)
def test_every_row_and_name_is_read_back(table: Table) -> None:
    lines = list(csv.reader(io.StringIO(to_csv(table), newline="")))
    assert {len(line) for line in lines} == {len(lines[0])}
    assert [line[0] for line in lines[1:]] == [clean(row["name"]) for row in table.rows]


@given(TABLES)
def test_every_number_is_read_back_in_full(table: Table) -> None:
    for line, row in zip(read(table), table.rows, strict=True):
        match row["loss"]:
            case Interval(estimate, low, high):
                parts = {"loss": estimate, "loss_low": low, "loss_high": high}
            case Spread(mean, deviation):
                parts = {"loss": mean, "loss_sd": deviation}
            case cell:
                parts = {"loss": cell}
        for key, value in parts.items():
            if value is None or (isinstance(value, float) and math.isnan(value)):
                assert line[key] == ""
            elif isinstance(value, str):
                assert line[key] == clean(value)
            else:
                assert float(line[key]) == float(value)


def test_groups_and_marks_have_columns(example: Report) -> None:
    (table,) = example.tables
    lines = read(table)
    assert list(lines[0])[:5] == ["name", "family", "mark", "validation_loss", "validation_loss_sd"]
    assert {line["name"]: line["mark"] for line in lines if line["mark"]} == {
        table.winner: "winner",
        table.baseline: "baseline",
    }
    assert {line["family"] for line in lines} == {"base", "n-gram", "scratch", "transfer"}


def test_names_are_for_machines() -> None:
    table = Table("t", [COLUMNS[0], Column("near test", "near: test")], [{"name": "a\nb", "near test": Range(1.5, 2)}])
    assert to_csv(table) == 'name,near_test_low,near_test_high\n"a\nb",1.5,2\n'
