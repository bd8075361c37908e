"""The study of the vanilla RNN: its network, its analysis, and one whole quick run."""

import json
import random
from dataclasses import replace

import numpy as np
import pytest

import epigone
from epigone.errors import UserError
from epigone.models.config import sized, weight_shapes
from epigone.studies.engine.jobs import Text
from epigone.studies.engine.rows import Labels, Row, summarise
from epigone.studies.experiment import Context, StudyOptions
from epigone.studies.registry import study
from epigone.studies.vanilla_rnn.analysis import by_place, claims, document_starts, hardest
from epigone.studies.vanilla_rnn.grid import NetworkLabels, VanillaRnnOptions, network, recipe
from epigone.studies.vanilla_rnn.study import STUDY
from epigone.studies.vanilla_rnn.tables import changes_table, loss_within
from epigone.training.listeners.monitor import Monitor
from epigone.training.options import TrainingOptions


class Titles(Monitor):
    """Notes the title and size of each stage."""

    def __init__(self):
        self.said = []

    def jobs(self, title, total, under_way=tuple):
        self.said.append((title, total))


def weights(options, vocabulary):
    shapes = weight_shapes(sized(options, vocabulary))
    return sum(int(np.prod(shape)) for name, shape in shapes.items() if not name.endswith("bias_hh"))


def test_the_network_of_the_report():
    options = VanillaRnnOptions(sigma=0.2)
    rnn = network("rnn", options, 80)
    assert (rnn.num_layers, rnn.hidden_size, rnn.init, rnn.init_std, rnn.one_bias) == (1, 100, "normal", 0.2, True)
    assert weights(rnn, 80) == 100 * 100 + 2 * 100 * 80 + 100 + 80
    for cell in ("lstm", "gru"):
        other = network(cell, options, 80)
        assert other.hidden_size < 100
        assert weights(other, 80) == pytest.approx(weights(rnn, 80), rel=0.02)
    assert network("rnn_relu", options, 80).hidden_size == 100


def test_the_training_of_the_report():
    made = recipe(VanillaRnnOptions(penalty=0.01), 1000, quick=False)
    expected = {
        "optimizer": "adagrad", "lr": 0.1, "schedule": "constant", "clip": 0.0, "clip_value": 5.0, "summed": True,
        "epochs": 6, "batch_size": 1, "sequence_length": 25, "shuffle": False, "weight_decay": 0.02, "patience": 0,
        "sample_every": 10_000, "sample_length": 200,
    }  # fmt: skip
    assert {name: getattr(made, name) for name in expected} == expected
    assert isinstance(made, TrainingOptions)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"nonlinearity": "sine"}, "no nonlinearity 'sine'"),
        ({"hidden_size": 0}, "hidden_size"),
        ({"lr": 0.0}, "lr"),
        ({"penalty": -1.0}, "penalty"),
        ({"cells": ("lstn",)}, "lstn"),
        ({"optimizers": ("adma",)}, "adma"),
        ({"cells": ("rnn_relu",)}, "rnn_relu is always in the grid"),
        ({"optimizers": ("adagrad",)}, "adagrad is always in the grid"),
        ({"rates": ()}, "rates must hold numbers above 0"),
    ],
)
def test_options_that_make_no_sense(options, sentence):
    with pytest.raises(UserError, match=sentence):
        VanillaRnnOptions(**options)


def trace(epochs, per_epoch, every, loss):
    """A trace whose loss at a place (a share of the epoch) is known."""
    steps = np.arange(every, epochs * per_epoch + 1, every)
    middle = steps - every / 2
    losses = np.array([loss(int(m // per_epoch), m % per_epoch / per_epoch) for m in middle])
    return {"step": steps.astype(float), "loss": losses, "smoothed_loss": losses, "largest_gradient_norm": losses}


def test_a_line_of_the_trace_has_its_place_in_the_middle_of_its_steps():
    epoch, place, loss = by_place(trace(2, 100, 10, lambda e, p: e + p), 100)
    assert epoch.tolist() == [0] * 10 + [1] * 10
    np.testing.assert_allclose(place[:10], np.arange(0.05, 1, 0.1))
    np.testing.assert_allclose(loss, epoch + place)


def test_the_hardest_passages_are_those_that_stay_hard():
    text = "".join(chr(ord("a") + i // 100) for i in range(2500))  # a hundred characters of each letter
    hard = {0.425: 3.0, 0.905: 2.5}

    def loss(epoch, place):
        if epoch == 0:
            return 9.0 if place < 0.1 else 2.0  # the beginning is hard only because nothing is known yet
        return next((value for at, value in hard.items() if abs(place - at) < 0.001), 2.0)

    found = hardest([trace(4, 1000, 10, loss)] * 2, [("one", text[:2000]), ("two", text[2000:])], 1000)
    assert [(p.document, round(p.place, 3)) for p in found[:2]] == [("one", 0.525), ("two", 0.5)]
    assert found[0].loss == pytest.approx(3.0)
    assert found[0].characters == 25
    assert found[0].text == text[1050 : 1050 + len(found[0].text)]
    assert 2.0 < found[0].average < 2.05
    assert hardest([], [("one", text)], 1000) == []


def test_where_documents_begin():
    documents = [("one", "a" * 60), ("two", "b" * 30), ("three", "c" * 10)]
    assert document_starts(documents) == [(0, "one"), (0.6, "two"), (0.9, "three")]
    assert document_starts(documents[:1]) == document_starts(documents * 9) == []


def test_the_best_loss_until_a_share_of_the_steps(make_finished):
    history = [{"step": step, "validation_loss": loss} for step, loss in ((0, 4.0), (10, 2.0), (20, 2.5), (30, 1.0))]
    run = replace(make_finished(1.0, 1.0), history=history)
    assert [loss_within(run, share) for share in (0.1, 0.5, 0.9, 1, 3.0)] == [4.0, 2.0, 2.0, 1.0, 1.0]


def test_times_are_those_of_the_quickest_seed(make_finished):
    def took(*seconds, **kept):
        history = [{"step": step, "validation_loss": loss} for step, loss in ((50, 2.0), (100, 1.5))]
        return [
            replace(make_finished(1.0, 1.0), seconds=s, history=[*history[:1], history[1] | dict.fromkeys(kept, s)])
            for s in seconds
        ]

    rows = [
        Row(Labels(family=family, row=name), ())
        for name, family in (("report", "scratch"), ("slow", "cell"), ("timed apart", "cell"))
    ]
    runs = {"report": took(9.0, 4.0), "slow": took(8.0, 20.0), "timed apart": took(3.0, 5.0, learning_seconds=True)}
    lines = changes_table(summarise(rows, runs), [], runs).rows
    assert [line["seconds"] for line in lines] == [4.0, 8.0, 3.0]
    assert [line["loss_in_time"] for line in lines] == [1.5, 2.0, 1.5]


TANH, RELU = (Row(NetworkLabels(family="scratch", cell=cell, optimizer="adagrad"), ()) for cell in ("rnn", "rnn_relu"))


@pytest.mark.parametrize(("relu", "said"), [([9.0, 8.0], "yes"), ([1.0, 1.0], "no"), ([9.0, 1.0], "unclear")])
def test_whether_tanh_tames_gradients(relu, said):
    flat = lambda value: trace(1, 100, 10, lambda e, p: value)  # noqa: E731
    traces = {TANH.name: [flat(2.0), flat(2.0)], RELU.name: [flat(value) for value in relu]}
    tames, saturates = claims(TANH, RELU, TANH, traces, 25)
    assert tames.answer == said
    assert (saturates.answer, saturates.evidence) == ("no", "at the end, by seed: 50, 50")


def test_a_rectifier_that_diverged_was_not_tame():
    (tames, _) = claims(TANH, RELU, TANH, {TANH.name: [trace(1, 100, 10, lambda e, p: 1.6)]}, 25)
    assert (tames.answer, tames.evidence) == ("yes", "“rnn, relu, AdaGrad” diverged.")


@pytest.fixture
def book(tmp_path):
    draw = random.Random(1)
    words = ["the", "ferry", "goes", "over", "slowly", "and", "comes", "back", "before", "it", "is", "noon"]
    path = tmp_path / "book.txt"
    path.write_text("\n".join(" ".join(draw.choices(words, k=9)) + "." for _ in range(400)))
    return path


@pytest.mark.slow
def test_the_quick_run_leaves_a_table_passages_samples_and_a_page(book, tmp_path):
    out = tmp_path / "out"
    options = StudyOptions(quick=True, workers=1)
    titles = Titles()
    result = study("vanilla-rnn", data=[f"book={book}"], out=out, options=options, monitor=titles)
    context = Context(out=out, sources={"book": Text.of(book)}, options=VanillaRnnOptions(), seeds=range(2), quick=True)
    assert [(stage.title, stage.runs) for stage in STUDY.plan(context)] == titles.said
    names = [row["name"] for row in result.rows if row["table"] == "what each change bought"]
    assert names[:4] == ["rnn, tanh, AdaGrad", "rnn, relu, AdaGrad", "lstm, AdaGrad", "gru, AdaGrad"]
    assert [name.partition(", Adam ")[0] for name in names[4:]] == ["rnn, tanh", "lstm", "gru"]
    samples = [row for row in result.rows if row["table"] == "evolution"]
    assert [row["step"] for row in samples] == [50, 100, 150, 200]
    page = (out / "evolution.md").read_text()
    assert all(row["text"].splitlines()[0] in page for row in samples)
    assert [row for row in result.rows if row["table"] == "hardest passages"]
    assert len(result.samples[0].text) == 1000
    for said in ("A quick trial", "The hardest passages", "tanh tames exploding gradients"):
        assert said in (out / "report.html").read_text()
    assert json.loads((out / "result.json").read_text())["study"] == "vanilla-rnn"
    assert [row["row"] for row in epigone.info(out).rows] == names
    assert [text.name.partition(",")[0] for text in result.texts[:4]] == [f"step {row['step']}" for row in samples]
    again = study("vanilla-rnn", data=[f"book={book}"], out=out, options=options, resume=True)
    assert again.rows == result.rows
    grid = VanillaRnnOptions(cells=("gru",), optimizers=("adam", "sgd"), rates=(1e-3,))
    other = study("vanilla-rnn", data=[f"book={book}"], out=out, options=options, grid=grid, resume=True)
    assert [row["name"] for row in other.rows if row["table"] == "what each change bought"] == [
        *(f"{name}, AdaGrad" for name in ("rnn, tanh", "rnn, relu", "gru")),
        *(f"{name}, {kind} 0.001" for kind in ("Adam", "SGD") for name in ("rnn, tanh", "gru")),
    ]
    rows = {row["name"]: row for row in other.rows if "labels" in row}
    assert rows["gru, SGD 0.001"]["labels"] == {
        "family": "optimizer", "cell": "gru", "optimizer": "sgd", "rate": 0.001, "seeds": [0, 1],
    }  # fmt: skip
