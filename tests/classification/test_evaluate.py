"""Evaluation of a classifier on labelled texts."""

import numpy as np
import pytest
from labelled import make_labelled, write_csv

from epigone.classification.approaches.registry import APPROACHES
from epigone.classification.evaluate import evaluate_classifier
from epigone.classification.files import load_classifier
from epigone.classification.options import ClassifierOptions
from epigone.classification.train import train_classifier
from epigone.errors import UserError
from epigone.evaluation.classification import figures
from epigone.text.document import ReadOptions


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classifier")
    texts = write_csv(folder / "texts.csv", make_labelled(60), "review", "stars")
    read = ReadOptions(column="review", label="stars")
    train_classifier(texts, out=folder / "model", options=ClassifierOptions(rows=("nb-svm",)), read=read)
    return folder / "model"


def test_figures_are_those_of_the_probabilities(model, tmp_path):
    held = make_labelled(50, seed=7)
    texts = write_csv(tmp_path / "held.csv", held, "review", "stars")  # these columns were learned
    result = evaluate_classifier(model, texts)
    classifier = load_classifier(model).classifier
    found = classifier.probabilities(held.texts)
    assert result.figures == figures(found, held.codes)
    assert result.accuracy_interval[0] < result.figures.accuracy < result.accuracy_interval[1]
    predicted = found.argmax(axis=1)
    assert [(row.name, row.texts, row.predicted, row.right) for row in result.rows] == [
        (name, 25, int((predicted == i).sum()), int(((predicted == i) & (held.codes == i)).sum()))
        for i, name in enumerate(("bad", "good"))
    ]
    assert {(each.true, each.predicted): each.texts for each in result.confusions} == {
        (held.classes[true], held.classes[got]): int(((held.codes == true) & (predicted == got)).sum())
        for true, got in {(int(a), int(b)) for a, b in zip(held.codes, predicted, strict=True) if a != b}
    }
    assert result.notices == []


def test_labels_that_are_unknown_are_named_and_left_out(model, tmp_path):
    held = make_labelled(30, ("bad", "good", "odd"), seed=7)
    texts = write_csv(tmp_path / "held.csv", held, "review", "stars")
    result = evaluate_classifier(model, texts)
    assert result.figures.texts == 20
    assert "does not know 1 class of these texts (odd): 10 texts are left out of the figures." in result.notices[-1]
    other = make_labelled(10, ("odd", "strange"))
    with pytest.raises(UserError, match=r"knows none of the classes of these texts \(odd, strange\)"):
        evaluate_classifier(model, write_csv(tmp_path / "other.csv", other, "review", "stars"))


def test_the_training_texts_are_known_again(model, tmp_path):
    result = evaluate_classifier(model, model.parent / "texts.csv")
    assert "learned these very texts" in result.notices[-1]


def test_what_is_no_classifier_is_named(model, tmp_path, make_base):
    texts = write_csv(tmp_path / "held.csv", make_labelled(10))
    for folder, fault in (
        (make_base(), "holds a language model, not a classifier"),
        ("english-tiny", "english-tiny is a language model, not a classifier"),
        (tmp_path, "has no config.json"),
        (tmp_path / "absent", "is no folder"),
        (texts, "is no folder"),
    ):
        with pytest.raises(UserError, match=fault):
            evaluate_classifier(folder, texts)


def test_a_classifier_of_an_extension_that_is_missing_is_named(model, tmp_path, monkeypatch):
    monkeypatch.delitem(APPROACHES, "nb-svm")
    with pytest.raises(UserError, match="There is no row 'nb-svm'"):
        load_classifier(model)


@pytest.mark.parametrize("name", ["grams.json", "weights.safetensors", "config.json"])
def test_damaged_files_are_named(model, tmp_path, name):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(model, copy)
    data = (copy / name).read_bytes()
    for damaged in (data[: len(data) // 2], b"", b"[]"):
        (copy / name).write_bytes(damaged)
        with pytest.raises(UserError, match=name.replace(".", r"\.")):
            load_classifier(copy)
    (copy / name).unlink()
    with pytest.raises(UserError):
        load_classifier(copy)
    assert np.isfinite(load_classifier(model).classifier.probabilities(["a"])).all()
