"""The measures of single units, held to scikit-learn and to what is known beforehand."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score

from epigone.probing.measures.linear import linear_probe
from epigone.probing.measures.statistics import (
    balanced_accuracy,
    binned,
    correlation,
    mean_estimates,
    mutual_information,
    single_unit_accuracy,
)
from epigone.probing.measures.targets import Target, control_task, folds, shuffled

N = 600
GENERATOR = np.random.default_rng(0)
LABELS = GENERATOR.random(N) < 0.3
STATES = GENERATOR.standard_normal((N, 5), dtype=np.float32)
STATES[:, 2] += 2 * LABELS
STATES[:, 4] = 3 + 0.1 * STATES[:, 4] - 0.2 * LABELS
DOCUMENTS = np.arange(N) // 10
FOLD = DOCUMENTS % 3


def test_correlation_is_that_of_numpy_within_its_interval():
    found = correlation(STATES, LABELS.astype(np.float32), DOCUMENTS, 0)
    expected = [np.corrcoef(STATES[:, unit], LABELS)[0, 1] for unit in range(5)]
    np.testing.assert_allclose(found.estimate, expected, atol=1e-4)
    assert (found.low < found.estimate).all()
    assert (found.estimate < found.high).all()
    assert found.low[0] < 0 < found.high[0]
    assert found.low[2] > 0.4


def test_mutual_information_is_near_zero_for_what_is_independent_and_one_bit_for_a_copy():
    labels = GENERATOR.random(4000) < 0.5
    states = np.stack([labels + 0.01 * GENERATOR.random(4000), GENERATOR.random(4000)], axis=1).astype(np.float32)
    found = mutual_information(binned(states), labels.astype(np.float32))
    assert found[0] == pytest.approx(1, abs=0.04)  # one of eight bins has both labels
    assert abs(found[1]) < 0.004
    graded = mutual_information(binned(states), states[:, 1])
    assert graded[1] == pytest.approx(3, abs=0.03)  # eight bins
    assert abs(graded[0]) < 0.01


def test_the_probe_of_a_unit_is_the_balanced_logistic_regression():
    found = single_unit_accuracy(STATES, LABELS, FOLD, DOCUMENTS, 0)
    for unit in range(5):
        answers = np.zeros(N, bool)
        for out in (part == FOLD for part in range(3)):
            probe = LogisticRegression(class_weight="balanced").fit(STATES[~out, unit : unit + 1], LABELS[~out])
            answers[out] = probe.predict(STATES[out, unit : unit + 1])
        assert found.estimate[unit] == pytest.approx(balanced_accuracy_score(LABELS, answers), abs=0.02)
    assert found.low[2] > 0.7
    assert found.low[0] < 0.5 < found.high[0]


def test_a_resample_without_a_class_does_not_count():
    right = np.ones((12, 1), bool)
    classes = np.arange(12) < 2  # of one document, which many resamples lack
    found = balanced_accuracy(right, classes, np.arange(12) // 2, 0)
    assert [float(each[0]) for each in found] == [1, 1, 1]


def test_the_sparse_probe_takes_the_units_that_tell_something():
    found = linear_probe(STATES, LABELS, FOLD, DOCUMENTS, 0)
    assert set(np.argsort(-np.abs(found.weights))[:2].tolist()) == {2, 4}
    assert found.accuracy.estimate[0] > 0.8


def test_means_over_passages_have_an_interval():
    values = GENERATOR.standard_normal((50, 3)).astype(np.float32) + 1
    found = mean_estimates(values, 0)
    np.testing.assert_allclose(found.estimate, values.mean(axis=0), rtol=1e-6)
    assert ((found.low < found.estimate) & (found.estimate < found.high)).all()


def test_the_control_task_gives_each_type_one_label():
    types = GENERATOR.integers(0, 50, N)
    values = np.where(np.arange(N) % 7 == 0, np.nan, LABELS).astype(np.float32)
    target = Target("x", "low", values)
    control = control_task(target, types, 0)
    assert (np.isnan(control.values) == np.isnan(values)).all()
    for kind in range(50):
        labels = control.values[(types == kind) & target.said]
        assert len(np.unique(labels)) <= 1
    assert control_task(target, np.arange(N), 0).classes[target.said].mean() == pytest.approx(0.3, abs=0.06)


def test_shuffled_labels_are_the_same_labels_elsewhere():
    target = Target("x", "low", np.append(LABELS, [np.nan]).astype(np.float32))
    moved = shuffled(target, 0)
    assert np.isnan(moved.values[-1])
    assert (moved.values[:-1] != LABELS).any()
    assert moved.values[:-1].sum() == LABELS.sum()


def test_graded_targets_are_divided_at_their_median():
    target = Target("x", "high", np.array([1, 2, 3, 10, np.nan], np.float32))
    assert target.graded
    assert target.classes.tolist() == [False, False, True, True, False]
    assert not Target("x", "high", np.array([0, 1, np.nan], np.float32)).graded


def test_whole_documents_are_held_out_of_either_class():
    documents = np.repeat(np.arange(13), 5)
    classes = documents >= 9
    found = folds(documents, classes, 0)
    for document in range(13):
        assert len(set(found[documents == document].tolist())) == 1
    for part in range(3):
        assert {True, False} == set(classes[found == part].tolist())
        assert 20 <= (found == part).sum() <= 25
