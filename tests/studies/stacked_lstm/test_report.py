"""The study's table beside the paper's numbers, on made-up losses."""

import pytest

from epigone.studies.engine.rows import Row
from epigone.studies.stacked_lstm.report import paper_table


def test_the_table_in_the_papers_form_has_a_line_for_each_subset_and_rate(world):
    tables, _ = world()
    table = paper_table("paper", tables["paper"])
    retrained = [row for row in table.rows if row["family"] == "transfer"]
    assert len(retrained) == 1 + 7 * 2
    line = next(row for row in table.rows if row["layers"] == "layers 0+2, lr 1e-2")
    assert line["far paper"] == "0.954 / 1.090"
    assert line["far test"].mean == pytest.approx(1.75, abs=0.01)
    assert line["near test"].mean == pytest.approx(1.55, abs=0.01)


def test_a_row_that_diverged_has_a_line_that_says_so(world):
    tables, _ = world()
    lost = ("paper: near, layers 0+2, lr 1e-2", "paper: scratch, 3 layers")
    rows = [row for row in tables["paper"] if row.name not in lost]
    diverged = [Row(lost[0], "transfer", ()), Row(lost[1], "scratch", ())]
    lines = {row["layers"]: row for row in paper_table("paper", rows, diverged).rows}
    line = lines["layers 0+2, lr 1e-2"]
    assert (line["near validation"], line["near test"]) == ("diverged", None)
    assert line["far test"].mean == pytest.approx(1.75, abs=0.01)
    assert lines["scratch, 3 layers"]["near validation"] == "diverged"
