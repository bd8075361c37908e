"""The labels and statistics of rows, on made-up runs."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from epigone.errors import UserError
from epigone.evaluation.intervals import holm, paired_difference
from epigone.studies.engine import rows as module
from epigone.studies.engine.executor import executor
from epigone.studies.engine.jobs import Text, Training
from epigone.studies.engine.rows import Labels, Row, deviation, labelled, run_rows, stopped_by_limit, summarise, units
from epigone.studies.engine.store import Finished, folder_of
from epigone.training.listeners.monitor import Monitor
from epigone.training.options import TrainingOptions


def row(name, family, jobs=()):
    return Row(Labels(family=family, row=name), jobs)


EASE = np.random.default_rng(0).normal(0, 0.1, 12)  # how hard each document is, for every row


@pytest.fixture
def table(make_finished):
    """Four rows whose order on the test split is the reverse of that on validation."""
    noise = np.random.default_rng(1).normal(0, 0.02, (3, 12))
    runs = {
        "weak scratch": [make_finished(2.2, 1.5 + EASE + noise[0])],
        "scratch": [make_finished(2.0, 1.9 + EASE), make_finished(2.1, 2.1 + EASE)],
        "retrained": [make_finished(1.7, 2.2 + EASE + noise[1])],
        "counted": [make_finished(1.9, 2.0 + EASE + noise[2], known=False)],
    }
    rows = [row("weak scratch", "scratch"), row("scratch", "scratch"), row("retrained", "transfer")]
    return [*rows, row("counted", "n-gram")], runs


def test_a_name_is_derived_from_the_labels():
    class Dated(Labels):
        @property
        def name(self):
            return f"{self['base']} of {self['year']}"

    labels = {"family": "base", "base": "prose", "year": 1855}
    assert Row(Labels(labels), ()).name == "prose, 1855"
    assert (Row(Dated(labels), ()).name, Row(Dated(labels), ()).family) == ("prose of 1855", "base")


def test_rows_are_found_by_their_labels():
    a, b = (Row(Labels(family="transfer", base=base, layers=[0, 2]), ()) for base in ("near", "far"))
    c = Row(Labels(family="scratch"), ())
    assert labelled([a, b, c], family="transfer", base="far") == [b]
    assert labelled([a, b, c], layers=[0, 2]) == [a, b]
    assert labelled([a, b, c], base=None) == [c]


def test_results_carry_the_labels_and_the_seeds(make_finished):
    text = Text(("songs.txt",), "hash")
    jobs = tuple(Training(text, TrainingOptions(seed=seed)) for seed in (3, 4))
    labels = {"family": "transfer", "base": "near"}
    (found,) = summarise([Row(Labels(labels), jobs)], {"near": [make_finished(1.0, 1.0)] * 2})
    assert found.labels == labels | {"seeds": [3, 4]}
    assert (found.name, found.family) == ("near", "transfer")


def test_differences_are_to_the_scratch_row_that_is_best_on_validation(table):
    rows, runs = table
    results = {result.name: result for result in summarise(rows, runs)}
    assert results["scratch"].difference is None  # although "weak scratch" is better on test
    expected = np.mean([run.losses["test"].nats for run in runs["scratch"]], axis=0)  # over seeds
    p_values = []
    for name in ("weak scratch", "retrained", "counted"):
        found = paired_difference(runs[name][0].losses["test"].nats, expected, np.full(12, 100.0))
        assert results[name].difference == found
        p_values.append(found.p_value)
    assert [results[n].p_holm for n in ("weak scratch", "retrained", "counted")] == holm(np.array(p_values)).tolist()
    assert results["retrained"].difference.estimate == pytest.approx(0.2, abs=0.02)
    assert results["counted"].p_holm > results["retrained"].p_holm


def test_figures_of_a_row(table):
    results = {result.name: result for result in summarise(*table)}
    scratch = results["scratch"]
    assert (scratch.validation_loss, scratch.deviations["validation_loss"]) == pytest.approx((2.05, 0.1 / 2**0.5))
    assert scratch.loss == pytest.approx(2.0 + EASE.mean())
    assert scratch.deviations["loss"] == pytest.approx(0.2 / 2**0.5)
    assert scratch.gap == pytest.approx(1.0 + EASE.mean())
    assert scratch.bits_per_char == pytest.approx(scratch.loss / np.log(2))
    assert scratch.perplexity == pytest.approx(np.exp(scratch.loss))
    assert (scratch.accuracy, scratch.deviations["accuracy"]) == (0.5, 0.0)
    assert scratch.interval.low < scratch.interval.estimate == pytest.approx(scratch.loss)
    assert (scratch.seeds, scratch.seconds, scratch.trained_parameters) == (2, 2.0, 10)
    assert (scratch.documents, scratch.tokens, scratch.characters) == (12, 1200, 1200)
    assert results["retrained"].deviations["loss"] is None
    assert results["counted"].accuracy is None


def test_what_an_ngram_model_chose_is_its_note(make_finished):
    chosen = {"order": 6, "source_order": 8, "weight": 0.6}
    run = make_finished(1.0, 2.0)
    runs = {"alone": [replace(run, details={"order": 6})], "mixed": [replace(run, details=chosen)]}
    rows = [row("alone", "n-gram"), row("mixed", "n-gram")]
    assert [result.note for result in summarise(rows, runs)] == [
        "order 6",
        "order 6, with a share of 40% for the source's n-grams of order 8",
    ]


def test_results_are_json_without_nan(table):
    json.dumps([asdict(result) for result in summarise(*table)], allow_nan=False)


def test_without_scratch_there_is_nothing_to_differ_from(make_finished):
    (result,) = summarise([row("a", "base")], {"a": [make_finished(2.0, 2.0 + EASE)]})
    assert result.difference is None
    assert result.p_holm is None


@pytest.mark.parametrize(("documents", "blocks", "size"), [(12, 3, 12), (10, 1, 10), (9, 2, 18), (1, 8, 8)])
def test_blocks_stand_for_documents_where_these_are_few(documents, blocks, size, make_finished):
    nats, tokens = units([make_finished(1, loss, documents=documents, blocks=blocks) for loss in (2.0, 3.0)])
    assert len(nats) == len(tokens) == size
    assert nats.sum() / tokens.sum() == pytest.approx(2.5)  # the mean over seeds
    assert tokens.sum() == documents * blocks * 100


def test_units_without_tokens_are_left_out(make_finished):
    run = make_finished(1, 2.0)
    run.losses["test"].tokens[3] = 0
    assert len(units([run])[0]) == 11


@pytest.mark.parametrize(("documents", "blocks"), [(1, 1), (1, 4), (4, 1), (2, 2)])
def test_too_little_test_text_has_no_interval(documents, blocks, make_finished):
    size = {"documents": documents, "blocks": blocks}
    rows = [row("scratch", "scratch"), row("retrained", "transfer")]
    runs = {"scratch": [make_finished(2.0, 2.0, **size)], "retrained": [make_finished(1.0, 1.0, **size)]}
    for result in summarise(rows, runs):
        assert (result.interval, result.difference, result.p_holm) == (None, None, None)


def test_rows_on_other_tokens_are_not_compared(make_finished):
    rows = [row("scratch", "scratch"), row("retrained", "transfer")]
    runs = {"scratch": [make_finished(2.0, 2.0)], "retrained": [make_finished(1.0, 1.0, tokens=90)]}
    with pytest.raises(UserError, match="'retrained' was measured on other test tokens than 'scratch'"):
        summarise(rows, runs)


def test_mean():
    assert deviation([1.0, 3.0]) == pytest.approx(2**0.5)
    assert deviation([1.5]) is None


# Doing the runs.


class Listener(Monitor):
    def __init__(self):
        self.said = []

    def jobs(self, title, total, under_way=tuple):
        self.said.append((title, total))

    def job(self, name, loss):
        self.said.append(name)


def test_every_run_is_done_once_and_each_row_gets_its_own(numbered, tmp_path):
    rows = [
        row("a", "scratch", (numbered(1), numbered(2))),
        row("b", "transfer", (numbered(3),)),
        row("c", "transfer", (numbered(2),)),  # the same run as one of a's
    ]
    heard = Listener()
    with executor(1) as pool:
        runs = run_rows(rows, pool, tmp_path, heard, "finalists")
    assert {name: [run.seconds for run in found] for name, found in runs.items()} == {
        "a": [1.0, 2.0],
        "b": [3.0],
        "c": [2.0],
    }
    assert sorted(numbered.done) == [1, 2, 3]
    assert heard.said[0] == ("finalists", 3)
    assert len(heard.said) == 4


def test_runs_under_way_are_told_by_row_and_seed(numbered, tmp_path, monkeypatch):
    told = []

    class Asking(Listener):
        def jobs(self, title, total, under_way=tuple):
            self.under_way = under_way

    def begun(job, store):
        folder = folder_of(job, store)
        folder.mkdir(parents=True)
        (folder / "job.json").write_text("{}")
        told.extend(monitor.under_way())
        (folder / "result.json").write_text("{}")
        return Finished(folder, {})

    monitor = Asking()
    monkeypatch.setattr(module, "run_job", begun)
    text = Text(("songs.txt",), "hash")
    seeds = tuple(Training(text, TrainingOptions(seed=seed)) for seed in (3, 4))
    with executor(1) as pool:
        run_rows([row("a", "scratch", seeds), row("b", "n-gram", (numbered(1),))], pool, tmp_path, monitor)
    assert told == ["a, seed 3", "a, seed 4", "b"]


def test_two_rows_of_one_name_are_refused(numbered, tmp_path):
    rows = [row("a", "scratch", (numbered(1),)), row("a", "scratch", (numbered(2),))]
    with executor(1) as pool, pytest.raises(ValueError, match="Two rows have one name"):
        run_rows(rows, pool, tmp_path, Monitor())


def trained(outcome, best, steps=100):
    """A run that was best on validation at this step."""
    history = [{"epoch": step / 10, "step": step, "best": step <= best} for step in range(0, steps + 1, 10)]
    return Finished(Path("run"), {}, history=history, details={"outcome": outcome})


def test_a_network_that_its_limit_stopped_is_named():
    runs = [trained("finished", 100), trained("finished", 90), trained("finished", 80), trained("stopped early", 100)]
    assert stopped_by_limit("The best network", runs, "; give it more") == [
        "The best network still improved when it reached the limit of 10 epochs, with 2 of 4 seeds; give it more."
    ]
    assert stopped_by_limit("The best network", runs[2:]) == []
