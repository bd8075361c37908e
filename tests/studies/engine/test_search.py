"""The search from scratch: independent of the workers, and honest about networks that diverged."""

import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from epigone.errors import UserError
from epigone.models.config import ModelOptions
from epigone.studies.engine import rows
from epigone.studies.engine import search as module
from epigone.studies.engine.executor import Executor
from epigone.studies.engine.jobs import Text, Training
from epigone.studies.engine.search import AHEAD, STARTUP, SearchOptions, best_from_scratch, describe, search, with_seed
from epigone.training.listeners.monitor import Monitor
from epigone.training.options import TrainingOptions

TEXT = Text(("songs.txt",), "hash")


def loss_of(job):
    """A loss without training: small networks with a low rate are best, and a high rate diverges."""
    if job.training.lr > 1.5e-2:
        return None
    luck = zlib.crc32(repr(job).encode()) % 1000 / 1e4
    return 1 + job.model.hidden_size / 100 + job.training.lr * 10 + luck


@pytest.fixture
def run(monkeypatch, make_finished):
    """Replaces runs by their made-up loss, and lists those that were done."""
    done = []

    def run_job(job, store):
        done.append(job)
        return make_finished(loss_of(job), 1.0)

    monkeypatch.setattr(module, "run_job", run_job)
    monkeypatch.setattr(rows, "run_job", run_job)
    return done


def trials_of(pool, **options):
    return search(TEXT, "ascii", SearchOptions(**options), pool, None, Monitor())


def test_the_same_search_whatever_the_workers(run, make_finished, monkeypatch):
    alone = trials_of(Executor(), trials=30)
    under_way, most = set(), []
    lock = threading.Lock()

    def slowly(job, store):
        with lock:
            under_way.add(job)
            most.append(len(under_way))
        time.sleep(zlib.crc32(repr(job).encode()) % 5 / 100)  # so that they end in another order
        with lock:
            under_way.remove(job)
        return make_finished(loss_of(job), 1.0)

    monkeypatch.setattr(module, "run_job", slowly)
    for workers in (2, 16):
        most.clear()
        with ThreadPoolExecutor(workers) as pool:
            found = trials_of(Executor(pool.submit), trials=30)
        assert [job for job, _ in found] == [job for job, _ in alone]
        assert 1 < max(most) <= min(workers, STARTUP)
        assert max(most[STARTUP:]) <= AHEAD


def test_the_seed_decides(run):
    first, again, other = ([job for job, _ in trials_of(Executor(), trials=14, search_seed=seed)] for seed in (0, 0, 1))
    assert first == again
    assert not set(first) & set(other)


def test_it_learns_where_good_networks_are(run):
    trials_of(Executor(), trials=40)
    losses = [loss_of(job) or 5 for job in run]
    assert sum(losses[-15:]) < sum(losses[:15]) - 3


def test_best_first_and_diverged_last(run):
    found = trials_of(Executor(), trials=40)
    losses = [finished.validation_loss for _, finished in found]
    assert losses == sorted(losses)
    assert losses[-1] == float("inf")
    assert [loss_of(job) or float("inf") for job, _ in found] == pytest.approx(losses)


def test_networks_lie_in_the_space_that_was_asked_for(run):
    trials_of(Executor(), trials=60, max_hidden=120, search_epochs=7)
    for job in run:
        assert job.text is TEXT
        assert job.tokenizer == "ascii"
        assert job.base is None
        assert job.model.num_layers in (1, 2, 3)
        assert job.model.hidden_size in range(32, 121, 8)
        assert 0 <= job.model.dropout <= 0.6
        assert 0 <= job.model.output_dropout <= 0.6
        assert job.model.num_layers > 1 or job.model.dropout == 0
        assert 1e-3 <= job.training.lr <= 3e-2
        assert job.training.epochs == 7
        assert job.training.patience > 0
    assert {job.model.num_layers for job in run} == {1, 2, 3}
    assert {job.model.dropout_kind for job in run} == {"ordinary", "variational"}


@pytest.mark.parametrize("most", [8, 20])
def test_few_units_may_be_asked_for(run, most):
    trials_of(Executor(), trials=12, max_hidden=most)
    assert {job.model.hidden_size for job in run} <= set(range(8, most + 1, 8))


@pytest.mark.parametrize("options", [{"trials": 0}, {"finalists": 0}, {"max_hidden": 7}])
def test_impossible_searches_are_refused(options):
    with pytest.raises(UserError):
        SearchOptions(**options)


def test_a_network_that_is_proposed_again_is_not_run_again(run, monkeypatch):
    one = Training(TEXT, TrainingOptions())
    two = replace(one, model=ModelOptions(num_layers=2))
    proposed = iter([one, two, one, one, two, one])
    monkeypatch.setattr(module, "_job", lambda *arguments: next(proposed))
    found = trials_of(Executor(), trials=6)
    assert run == [one, two]
    assert [job for job, _ in found] == sorted([one, two], key=loss_of)


# The finalists.


def finals(monkeypatch, make_finished, found, losses, **options):
    """The best network of a search whose finalists have these losses on validation and test; None diverges."""
    monkeypatch.setattr("epigone.studies.engine.search.search", lambda *arguments: found)
    monkeypatch.setattr(
        rows, "run_job", lambda job, store: make_finished(losses[job][0], losses[job][1], name=describe(job))
    )
    return best_from_scratch(TEXT, "ascii", SearchOptions(**options), range(2), Executor(), Path("runs"), Monitor())


def test_the_best_finalist_is_chosen_on_the_mean_of_validation(monkeypatch, make_finished):
    """Not by its luck in the search, and not on test."""
    jobs = [Training(TEXT, TrainingOptions(lr=lr)) for lr in (1e-3, 2e-3, 3e-3, 4e-3)]
    found = [(job, make_finished(1.0 + i / 10, 1.0)) for i, job in enumerate(jobs)]
    losses = {
        jobs[0]: (1.0, 0.1), with_seed(jobs[0], 1): (2.0, 0.1),
        jobs[1]: (1.1, 3.0), with_seed(jobs[1], 1): (1.2, 3.0),
        jobs[2]: (1.2, 0.1), with_seed(jobs[2], 1): (1.3, 0.1),
        jobs[3]: (0.0, 0.0), with_seed(jobs[3], 1): (0.0, 0.0),  # not among the finalists
    }  # fmt: skip
    row, runs = finals(monkeypatch, make_finished, found, losses, trials=4, finalists=3)
    assert row.jobs == (jobs[1], with_seed(jobs[1], 1))
    assert row.name == "scratch, best of 4"
    assert row.labels == {"family": "scratch", "trials": 4}
    assert row.note == describe(jobs[1])
    assert [run.validation_loss for run in runs] == pytest.approx([1.1, 1.2])


def test_finalists_that_read_alike_are_kept_apart(monkeypatch, make_finished):
    a, b = (Training(TEXT, TrainingOptions(), model=ModelOptions(output_dropout=p)) for p in (0.101, 0.104))
    assert describe(a) == describe(b)
    losses = {a: (1.0, 1.0), with_seed(a, 1): (1.0, 1.0), b: (2.0, 2.0), with_seed(b, 1): (2.0, 2.0)}
    found = [(a, make_finished(1.0, 1.0)), (b, make_finished(2.0, 2.0))]
    row, runs = finals(monkeypatch, make_finished, found, losses, trials=2, finalists=2)
    assert row.jobs[0] == a
    assert len(runs) == 2


def test_a_finalist_that_diverges_with_another_seed_is_not_the_best(monkeypatch, make_finished):
    a, b = (Training(TEXT, TrainingOptions(lr=lr)) for lr in (1e-3, 2e-3))
    losses = {a: (1.0, 1.0), with_seed(a, 1): (None, None), b: (2.0, 2.0), with_seed(b, 1): (2.0, 2.0)}
    found = [(a, make_finished(1.0, 1.0)), (b, make_finished(2.0, 2.0))]
    row, _ = finals(monkeypatch, make_finished, found, losses, trials=2, finalists=2)
    assert row.jobs[0] == b
    losses[b] = (None, None)
    with pytest.raises(UserError, match="Every network of the search diverged"):
        finals(monkeypatch, make_finished, found, losses, trials=2, finalists=2)


def test_description():
    job = Training(
        TEXT,
        TrainingOptions(lr=3e-3, weight_decay=0.01),
        model=ModelOptions(num_layers=2, hidden_size=96, dropout=0.25, output_dropout=0.1),
    )
    assert describe(job) == "2x96, lr 3.0e-03, ordinary dropout 0.25, output dropout 0.10, weight decay 1.0e-02"
    assert describe(replace(job, model=ModelOptions(num_layers=1), training=TrainingOptions())) == "1x64, lr 3.0e-03"
