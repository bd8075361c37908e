"""Labels and probabilities for texts, from the classifier's folder."""

import csv
import io
import json

import numpy as np
import pytest
from labelled import make_labelled, write_csv

from epigone.app.arguments import put_dashes_last
from epigone.classification.files import load_classifier
from epigone.classification.options import ClassifierOptions
from epigone.classification.predict import classify
from epigone.classification.train import train_classifier
from epigone.text.document import ReadOptions


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classifier")
    texts = write_csv(folder / "texts.csv", make_labelled(60), "review", "stars")
    read = ReadOptions(column="review", label="stars")
    train_classifier(texts, out=folder / "model", options=ClassifierOptions(rows=("nb-svm",)), read=read)
    return folder / "model"


def test_a_text_gets_a_label_and_the_probability_of_every_class(model):
    result = classify(model, "A lovely warm seat", "awful and rude")
    assert result.labels == ["good", "bad"]
    assert result.classes == ["bad", "good"]
    expected = load_classifier(model).classifier.probabilities(["A lovely warm seat", "awful and rude"])
    assert np.array(result.probabilities) == pytest.approx(expected)
    assert result.rows[0]["text"] == "A lovely warm seat"
    assert result.rows[0]["predicted"] == "good"
    assert result.rows[0]["P(good)"] == pytest.approx(expected[0, 1], abs=1e-6)


def test_a_table_keeps_its_columns_and_its_order_and_empty_texts_get_no_label(model, tmp_path):
    path = tmp_path / "more.csv"
    path.write_text("id,review\n7,lovely\n8,\n9,awful\n", encoding="utf-8")  # the column that was learned
    result = classify(model, path, out=tmp_path / "found.csv")
    assert result.labels == ["good", None, "bad"]
    assert result.probabilities[1] is None
    assert [row["id"] for row in result.rows] == ["7", "8", "9"]
    assert any("gets no label: more.csv#2" in notice for notice in result.notices)
    written = list(csv.DictReader((tmp_path / "found.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["predicted"] for row in written] == ["good", "", "bad"]
    assert [row["review"] for row in written] == ["lovely", "", "awful"]


def test_a_table_with_other_columns_is_read_by_its_own(model, tmp_path):
    path = tmp_path / "more.csv"
    path.write_text("id,text\n7,lovely\n9,awful\n", encoding="utf-8")
    assert classify(model, path).labels == ["good", "bad"]


def test_a_text_file_is_one_text_unless_its_lines_are_wanted(model, tmp_path):
    path = tmp_path / "more.txt"
    path.write_text("lovely warm\nawful rude\n", encoding="utf-8")
    assert len(classify(model, path).labels) == 1
    assert classify(model, path, read=ReadOptions(documents="lines")).labels == ["good", "bad"]


def test_the_command_reads_the_standard_input(cli, model, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"A lovely warm seat")))
    found = cli("classify", "predict", model, "-", "--json")
    assert found.status == 0, found.err
    assert [row["predicted"] for row in json.loads(found.out)["rows"]] == ["good"]


def test_a_dash_is_a_text_only_where_it_is_no_value():
    assert put_dashes_last(["predict", "m", "-", "--out", "a.csv"]) == ["predict", "m", "--out", "a.csv", "--", "-"]
    assert put_dashes_last(["predict", "m", "--out", "-"]) == ["predict", "m", "--out", "-"]
    assert put_dashes_last(["m", "-", "--", "--odd"]) == ["m", "--", "-", "--odd"]


def test_the_command_prints_labels_and_json(cli, model):
    shown = cli("classify", "predict", model, "A lovely warm seat")
    assert shown.status == 0, shown.err
    assert "good" in shown.out
    assert "A lovely warm seat" in shown.out
    found = json.loads(cli("classify", "predict", model, "A lovely warm seat", "--json").out)
    assert found["rows"][0]["predicted"] == "good"
    assert "texts" not in found
