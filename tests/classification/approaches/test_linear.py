"""Logistic regression, one class against the others."""

import builtins

import numpy as np
import pytest
from labelled import make_labelled
from sklearn.linear_model import LogisticRegression

from epigone.classification.approaches.base import text_weights
from epigone.classification.approaches.linear import (
    MANY,
    MANY_CLASSES,
    Targets,
    choose,
    fit,
    inner_folds,
    probabilities,
)
from epigone.classification.approaches.registry import APPROACHES
from epigone.errors import UserError


def drawn(classes: int, texts: int = 200) -> tuple[np.ndarray, Targets]:
    """Features that tell classes apart a little."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, classes, texts)
    return rng.normal(size=(texts, 6)) + np.eye(classes, 6)[codes], Targets(codes, classes, np.ones(texts), 0)


def test_two_classes_have_the_probabilities_of_scikit_learn():
    features, targets = drawn(2)
    found = probabilities(fit(features, targets, 1.0).scores(features))
    expected = LogisticRegression(C=1.0, solver="liblinear").fit(features, targets.codes).predict_proba(features)
    assert found == pytest.approx(expected, abs=1e-5)


def test_more_classes_are_told_apart():
    features, targets = drawn(4, 600)
    found = probabilities(fit(features, targets, 1.0).scores(features))
    assert found.sum(axis=1) == pytest.approx(1)
    expected = LogisticRegression(C=1.0).fit(features, targets.codes).predict_proba(features)
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.95


def test_l1_leaves_few_weights():
    features, targets = drawn(2)
    noise = np.random.default_rng(1).normal(size=(200, 50))
    linear = fit(np.hstack([features, noise]), targets, 0.05, "l1")
    assert np.count_nonzero(linear.weights) < 10
    assert np.count_nonzero(linear.weights[:2]) > 0


def test_scores_that_are_large_do_not_overflow():
    found = probabilities(np.array([[1e6, -1e6, -1e6], [-1e6, -1e6, -1e6]]))
    assert found[0] == pytest.approx([1, 0, 0], abs=1e-12)
    assert found[1] == pytest.approx([1 / 3] * 3)
    assert probabilities(np.array([[1e6], [-1e6]])).tolist() == [[0, 1], [1, 0]]


def test_the_strength_with_the_lowest_loss_on_other_texts_is_chosen():
    features, targets = drawn(2, 60)
    noise = np.random.default_rng(1).normal(size=(60, 200))
    strengths = (1e-3, 1e-1, 1e3)
    chosen, loss = choose(strengths, lambda s, x, y: fit(x, y, s), np.hstack([features, noise]), targets)
    assert chosen < 1e3  # which fits the noise
    assert loss < 1
    assert choose((1e-9, 1e-9), lambda s, x, y: fit(x, y, s), features, targets)[1] == pytest.approx(
        np.log(2), abs=0.01
    )


def test_folds_of_a_choice_have_all_classes_and_cover_all_texts():
    codes = np.array([0] * 50 + [1] * 10)
    folds = inner_folds(codes, 0)
    assert len(folds) == 5
    assert np.sort(np.concatenate([held for _, held in folds])).tolist() == list(range(60))
    for train, held in folds:
        assert not set(train) & set(held)
        assert np.count_nonzero(codes[held] == 1) == 2
    assert len(inner_folds(np.arange(MANY) % 2, 0)) == 1
    assert len(inner_folds(np.arange(100) % MANY_CLASSES, 0)) == 1
    assert len(inner_folds(np.array([0, 1]), 0)) == 2


def test_balanced_texts_count_as_much_in_every_class():
    codes = np.array([0] * 30 + [2] * 10)
    weights = text_weights(codes, 4, True)
    assert weights[codes == 0].sum() == pytest.approx(20)
    assert weights[codes == 2].sum() == pytest.approx(20)
    assert (text_weights(codes, 4, False) == 1).all()


def test_without_scikit_learn_there_is_a_sentence_and_a_saved_classifier_still_answers(setting, tmp_path, monkeypatch):
    train = make_labelled(30)
    learned = APPROACHES["tfidf"].fit(train, setting)
    learned.save(tmp_path)
    before = learned.probabilities(train.texts)
    genuine = builtins.__import__

    def without(name, *rest):
        if name.split(".")[0] in ("sklearn", "scipy"):
            raise ImportError(name)
        return genuine(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match="needs the package scikit-learn, which is not installed"):
        APPROACHES["tfidf"].fit(train, setting)
    assert (APPROACHES["tfidf"].load(tmp_path, train.classes).probabilities(train.texts) == before).all()
