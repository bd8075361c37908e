"""The commands of `classify`, and a classifier among the other commands."""

import json

import pytest
from labelled import make_labelled, write_csv

import epigone
from epigone.app.html import as_html

ROWS = ("--rows", "majority,nb-svm")


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    return write_csv(tmp_path_factory.mktemp("texts") / "texts.csv", make_labelled(60))


@pytest.fixture(scope="module")
def model(texts):
    epigone.train_classifier(texts, out=texts.parent / "model", rows=("majority", "nb-svm"), progress=False)
    return texts.parent / "model"


def test_train_prints_the_table_and_the_winner(cli, texts, tmp_path):
    shown = cli("classify", "train", texts, *ROWS, "--out", tmp_path / "mine")
    assert shown.status == 0, shown.err
    assert "NB-SVM ★ ○" in shown.out or "NB-SVM ★" in shown.out
    assert "majority class" in shown.out
    assert "by cross-validation of 60 texts in 5 folds" in shown.out
    assert "flatter it a little; epigone classify evaluate" in " ".join(shown.out.split())
    lines = [line for line in shown.err.splitlines() if line.startswith(("majority", "NB-SVM"))]
    assert [line.partition(":")[0] for line in lines] == ["majority class", "NB-SVM"]
    again = cli("classify", "train", texts, *ROWS, "--out", tmp_path / "mine", "--resume", "--json")
    assert json.loads(again.out)["winner"] == "nb-svm"


def test_evaluate_prints_figures_with_intervals_and_confusions(cli, model, tmp_path):
    held = write_csv(tmp_path / "held.csv", make_labelled(41, seed=5))
    shown = cli("classify", "evaluate", model, held)
    assert shown.status == 0, shown.err
    for part in ("balanced accuracy", "macro F1", "calibration error", "log loss", "Classes", "recall"):
        assert part in shown.out
    found = json.loads(cli("classify", "evaluate", model, held, "--json").out)
    assert f"{found['figures']['accuracy']:.1%} [{found['accuracy_interval'][0]:.1%}," in shown.out
    assert sum(row["texts"] for row in found["rows"]) == 41


def test_results_show_themselves(model, tmp_path):
    held = write_csv(tmp_path / "held.csv", make_labelled(30, seed=5))
    result = epigone.evaluate_classifier(model, held)
    assert "accuracy" in str(result)
    assert "<table" in as_html(result)
    trained = epigone.train_classifier(held, out=tmp_path / "a", rows=("majority",), progress=False)
    assert "★" in str(trained)
    assert "<table" in trained._repr_html_()


def test_info_describes_a_classifier(cli, model):
    shown = cli("info", model)
    assert "nb-svm" in shown.out
    assert "bad, good" in shown.out
    found = json.loads(cli("info", model, "--json").out)
    assert found["kind"] == "classifier"
    assert [row["row"] for row in found["rows"]] == ["majority", "nb-svm"]


@pytest.mark.parametrize("command", ["generate", "evaluate", "quantize", "look", "finetune"])
def test_commands_of_language_models_say_what_a_classifier_is(cli, model, texts, tmp_path, command):
    further = {
        "generate": [], "evaluate": [texts], "quantize": ["--out", tmp_path / "q"], "look": [texts],
        "finetune": [texts, "--out", tmp_path / "f"],
    }[command]  # fmt: skip
    result = cli(command, model, *further)
    assert result.status == 2
    assert "holds a classifier of texts, not a language model" in result.err


def test_classify_says_what_a_language_model_is(cli, texts):
    result = cli("classify", "evaluate", "english-tiny", texts)
    assert result.status == 2
    assert "english-tiny is a language model, not a classifier" in result.err


@pytest.mark.parametrize(("words", "goes_on"), [(("train",), True), (("evaluate", "x"), False)])
def test_a_stopped_classify_says_if_it_can_go_on(cli, monkeypatch, words, goes_on):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("epigone.classification.texts.read_documents", stop)
    monkeypatch.setattr("epigone.classification.evaluate.load_classifier", stop)
    result = cli("classify", *words, *(["a.csv", "--out", "b"] if goes_on else ["y"]))
    assert result.status == 130
    assert ("--resume goes on" in result.err) == goes_on
