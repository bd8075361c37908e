"""The study as a whole: its rows, its page, its files; and that it goes on without repeating a run."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from epigone.errors import UserError
from epigone.studies.experiment import Context, StudyOptions
from epigone.studies.registry import study
from epigone.studies.sentiment_sizes.data import sources
from epigone.studies.sentiment_sizes.grid import ROWS, SentimentSizesOptions
from epigone.studies.sentiment_sizes.setup import Setup
from epigone.studies.sentiment_sizes.study import plan
from epigone.text.readers.registry import ReadOptions


@pytest.fixture
def setup(data, options, tmp_path):
    """The setup of some options, of three seeds."""

    def make(**changes):
        found, _ = sources(data, ReadOptions(), False)
        grid = replace(options, **changes)
        return Setup.of(Context(out=tmp_path, sources=found, options=grid, seeds=range(3)))

    return make


def test_every_row_of_every_size_is_in_the_table(quick_run, options):
    _, result = quick_run
    rows = [row for row in result.rows if row["table"] == "accuracy"]
    assert {(row["row"], row["size"]) for row in rows} == {(row, size) for row in options.rows for size in (8, 24)}
    assert {row["seeds"] for row in rows} == {2}
    titles = [table.title for table in result.tables]
    assert titles[:2] == ["Accuracy by the number of labels", "All figures"]
    assert "Published figures of other works" not in titles
    assert any("9,999 labels" in notice for notice in result.notices) is False  # a quick trial has two sizes


def test_the_figures_are_those_of_the_kept_probabilities(quick_run, data, options):
    out, result = quick_run
    with (out / "runs.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    context = Context(
        out=out, sources=sources(data, ReadOptions(), True)[0], options=options, seeds=range(2), quick=True
    )
    codes = {name: each.codes for name, each in Setup.of(context).sets.texts().items()}
    assert {line["set"] for line in lines} == {"validation", "test", "misspelt-10", "misspelt-30", "other"}
    for row in ("nb-svm", "forward"):
        chosen = [line for line in lines if (line["row"], line["size"], line["set"]) == (row, "24", "test")]
        accuracies = []
        for line in chosen:
            kept = json.loads((out / "runs" / line["run"] / "result.json").read_text())["probabilities"]["test"]
            accuracies.append(float((np.array(kept).argmax(axis=1) == codes["test"]).mean()))
            assert float(line["accuracy"]) == pytest.approx(accuracies[-1])
        (found,) = [
            each for each in result.rows if each["table"] == "accuracy" and (each["row"], each["size"]) == (row, 24)
        ]
        assert found["accuracy"]["estimate"] == pytest.approx(np.mean(accuracies))


def test_the_folder_holds_runs_and_the_cost_of_their_stages(quick_run):
    """docs/reference/files.md describes both."""
    folder, _ = quick_run
    assert (folder / "runs.csv").is_file()
    assert list(folder.glob("runs/*/stages.json"))


def test_the_folder_holds_the_page_and_no_text_of_the_corpus(quick_run, data):
    out, _ = quick_run
    assert {"report.html", "report.md", "result.json", "runs.csv", "study.json", "table.csv", "table.tex"} <= {
        path.name for path in out.iterdir()
    }
    assert not (out / "losses.csv").exists()
    assert not list(out.glob("runs/*/*.jsonl"))
    with data["labelled"].open(encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    for path in (out / "report.html", out / "report.md", out / "result.json", out / "study.json"):
        written = path.read_text(encoding="utf-8")
        assert not [text for text in texts if text in written]


def test_it_goes_on_without_repeating_a_run_and_without_weights(quick_run, data, options):
    out, first = quick_run
    before = {path: path.stat().st_mtime_ns for path in out.glob("runs/*/result.json")}
    weights = list(out.glob("runs/*/model/model.safetensors"))
    assert weights
    for path in weights:
        path.unlink()
    grid = replace(options, rows=("nb-svm", "forward"), published="imdb")
    size = StudyOptions(quick=True, workers=1)
    with pytest.raises(UserError, match="begun with other settings"):
        study("sentiment-sizes", data=data, out=out, options=size, grid=grid, resume=True)
    grid = replace(grid, published="none")
    again = study("sentiment-sizes", data=data, out=out, options=size, grid=grid, resume=True)
    assert {path: path.stat().st_mtime_ns for path in out.glob("runs/*/result.json")} == before
    kept = [row for row in first.rows if row["table"] == "accuracy" and row["row"] in grid.rows]
    assert [row for row in again.rows if row["table"] == "accuracy"] == kept


def test_above_a_size_there_is_one_seed_and_nothing_from_scratch(setup):
    found = setup(sizes=(8, 24, 60), repeated=24, scratch_up_to=8, rows=ROWS)
    networks = {(row.labels["row"], row.labels["size"]): len(row.jobs) for row in found.networks()}
    assert {size: networks["forward", size] for size in (8, 24, 60)} == {8: 3, 24: 3, 60: 1}
    assert {row for row, size in networks if size > 8} == {"forward", "backward"}
    assert {row for row, size in networks if size == 8} == {"scratch", "scratch-longer", "own", "forward", "backward"}


def test_all_sizes_and_seeds_share_the_language_model_of_all_texts(setup):
    found = setup(rows=("own", "forward", "blend"))
    models = {row.name: len(row.jobs) for row in found.language_models()}
    assert models == {
        "language model, forward, all texts": 1,
        "language model, forward, the labelled texts of 24 labels": 3,
        "language model, forward, the labelled texts of 8 labels": 3,
    }
    below = {job.language_model for row in found.networks() for job in row.jobs if row.labels["row"] == "forward"}
    assert len(below) == 1


def test_few_texts_are_read_more_often_than_many(setup):
    found = setup(own_epochs=0.0)
    assert found.language_model("own", 8, 0).training.epochs == 10
    assert setup(own_epochs=0.5).language_model("own", 8, 0).training.epochs == 0.5
    assert found.language_model("forward", 8, 0).training.epochs == found.options.epochs


def test_the_plan_is_what_is_run(data, options, quick_run, tmp_path):
    found, _ = sources(data, ReadOptions(), False)
    context = Context(out=tmp_path, sources=found, options=options, seeds=range(2), quick=True)
    stages = {stage.title: stage for stage in plan(context)}
    kinds = [json.loads(path.read_text())["kind"] for path in quick_run[0].glob("runs/*/job.json")]
    assert {title: stage.runs for title, stage in stages.items()} == {
        "rows without training": kinds.count("Fit"),
        "language models": kinds.count("PlainRetraining"),
        "networks": kinds.count("Network"),
    }
    assert all(len(stage.examples) == stage.runs for stage in stages.values())


@pytest.mark.slow
def test_all_rows_with_published_figures_in_two_processes(data, options, tmp_path):
    grid = replace(options, rows=ROWS, sizes=(8, 40), published="imdb", validation=48, test=48)
    result = study(
        "sentiment-sizes", data=data, out=tmp_path / "out", options=StudyOptions(seeds=2, workers=2), grid=grid
    )
    assert {row["row"] for row in result.rows if row["table"] == "accuracy"} == set(ROWS)
    (published,) = [table for table in result.tables if table.title == "Published figures of other works"]
    assert len(published.rows) == 6
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "published: scratch (the work)" in page
    assert "were not run again" in page


def test_roles_that_are_unknown_are_refused(data, tmp_path):
    with pytest.raises(UserError, match="no role 'test' in this study; it takes labelled, unlabelled, other"):
        study("sentiment-sizes", data={**data, "test": data["other"]}, out=tmp_path, grid=SentimentSizesOptions())
