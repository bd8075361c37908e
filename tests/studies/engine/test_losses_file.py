"""The intervals of a report, computed again from losses.csv alone."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from epigone.evaluation.intervals import paired_difference, ratio_interval
from epigone.studies.engine.jobs import Text, Training
from epigone.studies.engine.losses_file import COLUMNS, losses_csv
from epigone.studies.engine.rows import Labels, Row, summarise
from epigone.training.options import TrainingOptions


def read(source):
    return list(csv.DictReader(io.StringIO(source, newline="")))


def means(lines, row):
    """Nats (mean over seeds) and tokens of the units of a row's test split."""
    mine = [line for line in lines if line["row"] == row and line["split"] == "test"]
    runs = [[line for line in mine if line["run"] == run] for run in dict.fromkeys(line["run"] for line in mine)]
    nats = np.mean([[float(line["nats"]) for line in run] for run in runs], axis=0)
    return nats, np.array([float(line["tokens"]) for line in runs[0]])


@pytest.mark.parametrize("shape", [{"documents": 12}, {"documents": 2, "blocks": 6}])
def test_the_intervals_of_a_report_follow_from_the_file(shape, make_finished):
    draw = np.random.default_rng(0)
    rows = [Row(Labels(family=family, row=name), (object(),) * 2) for name, family in (("a, b", "scratch"), ("c", "x"))]
    size = 12
    runs = {
        row.name: [make_finished(1.0, draw.normal(2, 0.2, size), name=f"{row.name}{i}", **shape) for i in range(2)]
        for row in rows
    }
    lines = read(losses_csv([*rows, rows[0]], runs))
    assert len(lines) == 2 * 2 * 3 * size
    for row, result in zip(rows, summarise(rows, runs), strict=True):
        assert ratio_interval(*means(lines, row.name)) == result.interval
    (a, tokens), (c, _) = means(lines, "a, b"), means(lines, "c")
    assert paired_difference(c, a, tokens) == result.difference


def test_lines_name_the_seed_the_run_and_the_document(make_finished, song_file):
    job = Training(Text.of(song_file), TrainingOptions(seed=7))
    run = make_finished(1.0, 1.5, name="abc", documents=8)
    row = Row(Labels(family="scratch", row="mine"), (job, replace(job, training=TrainingOptions(seed=8))))
    lines = read(losses_csv([row], {"mine": [run, make_finished()]}))  # the second seed diverged
    assert list(lines[0]) == list(COLUMNS)
    assert {(line["seed"], line["run"]) for line in lines} == {("7", "abc")}
    assert lines[0]["name"].startswith("songs.txt")
    assert [line["block"] for line in lines[:2]] == ["0", "0"]
    assert [line["document"] for line in lines if line["split"] == "test"] == [str(i) for i in range(8)]
