"""Training of classifiers: the table, the winner, its folder, and a training that goes on."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from labelled import BAD, make_labelled, write_csv

from epigone.classification import stages
from epigone.classification.approaches.registry import APPROACHES
from epigone.classification.files import load_classifier
from epigone.classification.options import ClassifierOptions
from epigone.classification.train import train_classifier
from epigone.errors import UserError
from epigone.text.document import ReadOptions
from epigone.training.listeners.monitor import Monitor

CHEAP = ("majority", "tfidf", "nb-svm")


@dataclass(frozen=True)
class Counts:
    """A made-up network: it counts bad words, and is sure of itself."""

    classes: tuple[str, ...]
    sharp: float

    def probabilities(self, texts):
        bad = np.array([sum(word in BAD for word in text.lower().strip(".").split()) for text in texts], float)
        first = 1 / (1 + np.exp(-self.sharp * (bad - 0.5)))
        return np.stack([first, 1 - first], axis=1)

    def save(self, folder: Path) -> None:
        (folder / "sharp.json").write_text(json.dumps(self.sharp))


class Network:
    """An approach that is registered by tests."""

    name: ClassVar[str] = "network"
    title: ClassVar[str] = "made-up network"
    family: ClassVar[str] = "network"

    def __init__(self, stop_at: int = 0, seconds: float = 0) -> None:
        self.fits: list[int] = []
        self.minutes: list[float | None] = []
        self.stop_at = stop_at

    def fit(self, train, setting):
        assert setting.folder.is_dir()
        self.fits.append(len(train))
        self.minutes.append(setting.minutes)
        setting.notices.append("the network is made up")
        if len(self.fits) == self.stop_at:
            raise KeyboardInterrupt
        return Counts(train.classes, 4.0)

    def load(self, folder, classes):
        return Counts(classes, json.loads((folder / "sharp.json").read_text()))


@pytest.fixture
def texts(tmp_path) -> Path:
    return write_csv(tmp_path / "texts.csv", make_labelled(60))


def figures(result) -> list:
    """The rows without their seconds."""
    return [(row.name, row.figures, row.difference, row.p_value) for row in result.rows]


def test_a_training_leaves_a_table_and_the_winner(texts, tmp_path):
    out = tmp_path / "out"
    result = train_classifier(texts, out=out, options=ClassifierOptions(rows=CHEAP))
    assert [row.name for row in result.rows] == list(CHEAP)
    assert result.measured == "by cross-validation of 60 texts in 5 folds"
    by_name = {row.name: row for row in result.rows}
    assert by_name["majority"].figures.accuracy == pytest.approx(0.5, abs=0.1)
    assert by_name["tfidf"].figures.accuracy > 0.75
    assert result.winner == max(result.rows, key=lambda row: row.figures.accuracy).name != "majority"
    rival = [row for row in result.rows if row.family == "n-grams" and row.difference is None]
    assert [row.name for row in rival] == [result.winner]
    assert by_name["majority"].difference_high < 0
    assert all(row.megabytes > 0 for row in result.rows)
    loaded = load_classifier(out)
    assert loaded.approach == result.winner
    assert loaded.classifier.probabilities(["lovely, warm", "awful"]).argmax(axis=1).tolist() == [1, 0]
    rows = list(csv.DictReader((out / "table.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["mark"] for row in rows].count("winner") == 1
    assert float(rows[1]["accuracy"]) == by_name["tfidf"].figures.accuracy
    assert "NB-SVM" in (out / "README.md").read_text(encoding="utf-8")
    assert not (out / "stages").exists()
    assert not list(out.glob(".*"))
    assert json.loads((out / "config.json").read_text())["result"]["winner"] == result.winner


def test_the_winner_learns_all_texts_after_cross_validation(texts, tmp_path, registries):
    network = APPROACHES.register(Network())
    result = train_classifier(texts, out=tmp_path / "out", options=ClassifierOptions(rows=("majority", "network")))
    assert result.winner == "network"
    assert network.fits == [48] * 5 + [60]
    assert result.notices.count("the network is made up") == 1


def test_from_500_texts_one_division_measures_and_its_network_is_kept(tmp_path, registries):
    network = APPROACHES.register(Network())
    texts = write_csv(tmp_path / "many.csv", make_labelled(500))
    options = ClassifierOptions(rows=("majority", "network"))
    result = train_classifier(texts, out=tmp_path / "out", options=options)
    assert network.fits == [400]
    assert result.measured == "on 100 of 500 texts, which the rows did not learn from"
    assert load_classifier(tmp_path / "out").classifier == Counts(("bad", "good"), 4.0)


def test_the_blend_joins_the_best_network_and_all_ngrams(texts, tmp_path, registries):
    APPROACHES.register(Network())
    rows = ("majority", "tfidf", "nb-svm", "network", "blend")
    result = train_classifier(texts, out=tmp_path / "out", options=ClassifierOptions(rows=rows))
    assert tuple(row.name for row in result.rows) == rows
    *parts, blend = result.rows[1:]
    assert blend.megabytes == pytest.approx(sum(part.megabytes for part in parts))
    assert blend.figures.accuracy > 0.8


def test_a_blend_that_wins_is_saved_with_all_parts(texts, tmp_path, registries, monkeypatch):
    APPROACHES.register(Network())
    monkeypatch.setattr("epigone.classification.train.best", _blend_wins)
    result = train_classifier(
        texts, out=tmp_path / "out", options=ClassifierOptions(rows=("tfidf", "nb-svm", "network", "blend"))
    )
    assert result.winner == "blend"
    loaded = load_classifier(tmp_path / "out").classifier
    assert loaded.names == ("network", "tfidf", "nb-svm")
    found = loaded.probabilities(["lovely", "awful soup"])
    parts = [part.probabilities(["lovely", "awful soup"]) for part in loaded.parts]
    assert found == pytest.approx(loaded.weight * parts[0] + (1 - loaded.weight) * (parts[1] + parts[2]) / 2)
    assert 0 <= loaded.weight <= 1


def _blend_wins(rows, by):
    from epigone.classification.table import best

    return next((row for row in rows if row.name == "blend"), None) or best(rows, by)


def test_a_stopped_training_goes_on_where_it_was(texts, tmp_path, registries):
    options = ClassifierOptions(rows=("majority", "nb-svm", "network"))
    network = APPROACHES.register(Network())
    whole = train_classifier(texts, out=tmp_path / "whole", options=options)
    network.stop_at, network.fits = 3, []
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        train_classifier(texts, out=out, options=options)
    with pytest.raises(UserError, match="unfinished"):
        load_classifier(out)
    with pytest.raises(UserError, match="is not empty"):
        train_classifier(texts, out=out, options=options)
    network.stop_at = 0
    resumed = train_classifier(texts, out=out, options=options, resume=True)
    assert network.fits == [48] * 6 + [60]  # the third was fitted twice
    assert figures(resumed) == figures(whole)
    assert resumed.notices == whole.notices
    for name in ("table.csv",):
        assert len((out / name).read_text()) > 0
    again = train_classifier(texts, out=out, options=options, resume=True)
    assert again == resumed
    assert len(network.fits) == 7


def test_another_training_is_not_resumed(texts, tmp_path):
    out = tmp_path / "out"
    train_classifier(texts, out=out, options=ClassifierOptions(rows=("majority",)))
    with pytest.raises(UserError, match=r"other settings.*options\.seed was 0 and is now 1"):
        train_classifier(texts, out=out, options=ClassifierOptions(rows=("majority",), seed=1), resume=True)
    other = write_csv(tmp_path / "other.csv", make_labelled(62))
    with pytest.raises(UserError, match="corpus was"):
        train_classifier(other, out=out, options=ClassifierOptions(rows=("majority",)), resume=True)


def test_minutes_leave_out_rows_that_do_not_fit(texts, tmp_path, registries, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(stages.time, "monotonic", lambda: now[0])
    network = Network()
    learn = network.fit

    def fit(train, setting):
        now[0] += 90
        return learn(train, setting)

    network.fit = fit
    APPROACHES.register(network)
    options = ClassifierOptions(rows=("majority", "network", "blend", "nb-svm"), minutes=5)
    result = train_classifier(texts, out=tmp_path / "out", options=options)
    # The first fold took 90 of 300 seconds; four more and the last fit would take 450.
    assert network.fits == [48]
    assert network.minutes == [pytest.approx(5 / 6)]  # five folds and the last fit share the time
    assert [row.name for row in result.rows] == ["majority", "nb-svm"]
    assert result.left_out == [
        "network: 5 minutes are too few",
        "blend: the rows that it joins are not there",
    ]


def test_rows_are_told_as_they_finish(texts, tmp_path):
    class Told(Monitor):
        def __init__(self):
            self.lines, self.ended = [], False

        def line(self, text):
            self.lines.append(text)

        def end(self):
            self.ended = True

    monitor = Told()
    train_classifier(
        texts, out=tmp_path / "out", options=ClassifierOptions(rows=("majority", "nb-svm")), monitor=monitor
    )
    assert [line.partition(":")[0] for line in monitor.lines] == ["majority class", "NB-SVM"]
    assert monitor.ended


def test_unbalanced_classes_count_alike_unless_told_otherwise(tmp_path):
    labelled = make_labelled(200)
    kept = np.flatnonzero((labelled.codes == 0) | (np.arange(200) % 10 == 1))  # 100 bad texts and 20 good ones
    texts = write_csv(tmp_path / "few.csv", labelled.subset(kept))
    rows = ("majority", "nb-svm")
    alike = train_classifier(texts, out=tmp_path / "alike", options=ClassifierOptions(rows=rows))
    each = train_classifier(texts, out=tmp_path / "each", options=ClassifierOptions(rows=rows, balance=False))
    assert (alike.by, each.by) == ("balanced_accuracy", "accuracy")
    plain = ["the soup", "we waited for a table"]
    of_few = [load_classifier(tmp_path / out).classifier.probabilities(plain)[:, 1].mean() for out in ("alike", "each")]
    assert of_few[0] > of_few[1] + 0.05


def test_wrong_rows_are_refused(texts, tmp_path):
    with pytest.raises(UserError, match=r"no row 'tfdif'.*Did you mean tfidf"):
        train_classifier(texts, out=tmp_path / "a", options=ClassifierOptions(rows=("tfdif",)))
    with pytest.raises(UserError, match="joins the best network"):
        train_classifier(texts, out=tmp_path / "a", options=ClassifierOptions(rows=("tfidf", "blend")))
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("fault", ["shape", "nan", "sum"])
def test_an_approach_without_probabilities_is_refused(texts, tmp_path, registries, monkeypatch, fault):
    APPROACHES.register(Network())
    right = Counts.probabilities
    wrong = {
        "shape": lambda self, texts: right(self, texts)[:, :1],
        "nan": lambda self, texts: right(self, texts) * np.nan,
        "sum": lambda self, texts: right(self, texts) * 2,
    }
    monkeypatch.setattr(Counts, "probabilities", wrong[fault])
    with pytest.raises(UserError, match="The row network gives probabilities"):
        train_classifier(texts, out=tmp_path / "out", options=ClassifierOptions(rows=("network",)))


def test_a_column_that_was_named_is_in_the_request(tmp_path):
    texts = write_csv(tmp_path / "stars.csv", make_labelled(40), text="review", label="stars")
    out = tmp_path / "out"
    train_classifier(
        texts, out=out, options=ClassifierOptions(rows=("majority",)), read=ReadOptions(column="review", label="stars")
    )
    assert load_classifier(out).config["request"]["read"] == {"column": "review", "label": "stars"}
