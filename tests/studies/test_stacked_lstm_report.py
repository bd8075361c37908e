"""The study's table beside the paper's numbers, on made-up losses."""

import pytest

from understudy.studies.stacked_lstm_report import paper_table


def test_the_table_in_the_papers_form_has_a_line_for_each_subset_and_rate(world):
    tables, _ = world()
    table = paper_table("paper", tables["paper"])
    retrained = [row for row in table.rows if row["family"] == "transfer"]
    assert len(retrained) == 1 + 7 * 2
    line = next(row for row in table.rows if row["layers"] == "layers 0+2, lr 1e-2")
    assert line["far paper"] == "0.954 / 1.090"
    assert line["far test"].mean == pytest.approx(1.75, abs=0.01)
    assert line["near test"].mean == pytest.approx(1.55, abs=0.01)
