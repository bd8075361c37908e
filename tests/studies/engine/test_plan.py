"""Plans of experiments: their stages are those that are run, and their times grow with the runs."""

from dataclasses import replace

import pytest

from epigone.models.config import ModelOptions
from epigone.studies.engine.executor import Executor
from epigone.studies.engine.jobs import Base, Text, Training
from epigone.studies.engine.plan import Stage, measure, seconds_by_stage
from epigone.studies.experiment import Context
from epigone.studies.stacked_lstm import study as stacked
from epigone.studies.stacked_lstm.grid import StackedLstmOptions
from epigone.training.options import TrainingOptions

SHORT = TrainingOptions(batch_size=4, sequence_length=16, steps=10)


@pytest.fixture
def job(song_file):
    return Training(Text.of(song_file), SHORT, model=ModelOptions(num_layers=1, hidden_size=8))


def test_a_longer_run_takes_longer(job):
    assert 0 < measure(job) < measure(replace(job, training=replace(SHORT, steps=100_000)))
    assert measure(replace(job, training=replace(SHORT, steps=None, minutes=3.0))) == pytest.approx(180, abs=60)


def test_stages_take_the_mean_of_their_examples(job, monkeypatch):
    other = replace(job, selection="head")
    times = {job: 2.0, other: 4.0}
    monkeypatch.setattr("epigone.studies.engine.plan.measure", times.get)
    stages = [Stage("a", 5, (job,)), Stage("b", 10, (job, other))]
    assert seconds_by_stage(stages, Executor()) == [10.0, 30.0]


class Recorded(Context):
    """Runs nothing, and notes the title and the number of different runs of each stage."""

    def run(self, rows, title="rows"):
        self.done.append((title, len({job for row in rows for job in row.jobs})))
        self.runs |= {row.name: [self.make(1.0, 1.0) for _ in row.jobs] for row in rows}
        self.ran += rows
        return self.runs

    def search(self, text, tokenizer, options, network=None):
        self.done += [
            ("search from scratch", options.trials), ("finalists", options.finalists * len(self.seeds)),
        ]  # fmt: skip
        row = stacked.Row(stacked.StackedLabels(family="scratch", trials=options.trials), ())
        self.runs[row.name] = []
        return row, []


@pytest.mark.parametrize(
    "options",
    [StackedLstmOptions(), StackedLstmOptions(sources=("near",), selections=("head", "layers.0"), paper_rates=(0.1,))],
)
def test_the_plan_of_stacked_lstm_is_what_it_runs(options, song_file, make_finished, monkeypatch, tmp_path):
    monkeypatch.setattr(stacked, "pretrained", lambda context, recipe, role: Base(recipe, role))
    check_plan(options, song_file, make_finished, tmp_path)


def test_the_plan_with_given_bases_is_what_it_runs(song_file, make_base, make_finished, tmp_path):
    far, near = (str(make_base(name, seed=seed)) for seed, name in enumerate(("far", "near")))
    options = StackedLstmOptions(num_layers=2, recipes=("larger",), larger_far=far, larger_near=near)
    check_plan(options, song_file, make_finished, tmp_path)


def check_plan(options, song_file, make_finished, tmp_path):
    text = Text.of(song_file)
    texts = {"target": text, "near": replace(text, hash="n"), "far": replace(text, hash="f")}
    context = Recorded(out=tmp_path, sources=texts, options=options, seeds=range(3))
    context.done, context.make = [], make_finished
    stacked.rows(context)
    assert [(stage.title, stage.runs) for stage in stacked.plan(context)] == context.done
