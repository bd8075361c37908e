"""The study's table beside the paper's numbers, on made-up losses."""

import pytest

from epigone.studies.engine.rows import Row, labelled, summarise
from epigone.studies.engine.search import SearchLabels
from epigone.studies.stacked_lstm.tables import paper_table


def test_the_table_in_the_papers_form_has_a_line_for_each_subset_and_rate(world):
    rows, runs = world()
    searched = Row(SearchLabels(family="scratch", trials=40), ())
    runs[searched.name] = runs[rows[0].name]
    table = paper_table("paper", summarise([searched, *rows], runs))
    assert [row["layers"] for row in table.rows[:4]] == [
        "scratch, best of 40", "scratch, 2 layers, dropout 0.2", "scratch, 3 layers", "untouched",
    ]  # fmt: skip
    assert [row["near paper"] for row in table.rows[:3]] == [None, "1.039 / 1.179", None]
    retrained = [row for row in table.rows if row["family"] == "transfer"]
    assert len(retrained) == 1 + 7 * 2
    line = next(row for row in table.rows if row["layers"] == "layers 0+2, lr 1e-2")
    assert line["far paper"] == "0.954 / 1.090"
    assert line["far test"].mean == pytest.approx(1.75, abs=0.01)
    assert line["near test"].mean == pytest.approx(1.55, abs=0.01)


def test_a_row_that_diverged_has_a_line_that_says_so(world):
    rows, runs = world()
    diverged = [
        *labelled(rows, base="near", layers=[0, 2], rate=1e-2),
        *labelled(rows, family="scratch", num_layers=3),
    ]
    table = summarise([row for row in rows if row not in diverged], runs)
    lines = {row["layers"]: row for row in paper_table("paper", table, diverged).rows}
    line = lines["layers 0+2, lr 1e-2"]
    assert (line["near validation"], line["near test"]) == ("diverged", None)
    assert line["far test"].mean == pytest.approx(1.75, abs=0.01)
    assert lines["scratch, 3 layers"]["near validation"] == "diverged"


def test_the_lines_are_in_the_order_of_the_layers_even_if_one_diverged(world):
    rows, runs = world()
    diverged = labelled(rows, layers=[0], rate=1e-2)
    table = summarise([row for row in rows if row not in diverged], runs)
    lines = [row["layers"] for row in paper_table("paper", table, diverged).rows]
    parts = ("0", "1", "2", "0+1", "0+2", "1+2", "0+1+2")
    assert lines[3:] == [f"layers {part}, lr {rate}" for part in parts for rate in ("1e-2", "1e-3")]
