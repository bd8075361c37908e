"""Figures of classifiers: against values computed by hand, and against scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics

from epigone.evaluation.classification import (
    accuracy_difference,
    accuracy_interval,
    balanced_accuracy,
    calibration_error,
    confusion,
    confusion_intervals,
    figures,
    log_loss,
    macro_f1,
)

# Six texts of three classes; the predicted ones are 0, 0, 1, 1, 2, 0.
PROBABILITIES = np.array(
    [[0.8, 0.1, 0.1], [0.5, 0.3, 0.2], [0.2, 0.6, 0.2], [0.1, 0.7, 0.2], [0.0, 0.1, 0.9], [0.4, 0.3, 0.3]]
)
CODES = np.array([0, 1, 1, 1, 2, 2])


def drawn(seed: int, texts: int = 300, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and codes of which many agree; the classes are unbalanced."""
    rng = np.random.default_rng(seed)
    codes = rng.choice(classes, texts, p=[0.6, 0.25, 0.1, 0.05])
    scores = rng.normal(size=(texts, classes)) + 1.5 * np.eye(classes)[codes]
    return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True), codes


def test_figures_are_those_computed_by_hand():
    found = figures(PROBABILITIES, CODES)
    assert found.texts == 6
    assert found.accuracy == pytest.approx(4 / 6)
    assert found.balanced_accuracy == pytest.approx((1 + 2 / 3 + 1 / 2) / 3)
    # F1: 2·1/(1 + 3), 2·2/(3 + 2), 2·1/(2 + 1)
    assert found.macro_f1 == pytest.approx((1 / 2 + 4 / 5 + 2 / 3) / 3)
    assert found.log_loss == pytest.approx(-np.log([0.8, 0.3, 0.6, 0.7, 0.9, 0.3]).mean())
    # No two texts have the same confidence, and there are fewer texts than bins.
    assert found.calibration_error == pytest.approx((0.2 + 0.5 + 0.4 + 0.3 + 0.1 + 0.4) / 6)


def test_confusion_has_the_true_classes_in_rows():
    counts = confusion(PROBABILITIES.argmax(axis=1), CODES, 3)
    assert counts.tolist() == [[1, 0, 0], [1, 2, 0], [1, 0, 1]]


@pytest.mark.parametrize("seed", range(5))
def test_figures_are_those_of_scikit_learn(seed):
    probabilities, codes = drawn(seed)
    predicted = probabilities.argmax(axis=1)
    found = figures(probabilities, codes)
    assert found.accuracy == pytest.approx(metrics.accuracy_score(codes, predicted))
    assert found.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(codes, predicted))
    assert found.macro_f1 == pytest.approx(metrics.f1_score(codes, predicted, average="macro"))
    assert found.log_loss == pytest.approx(metrics.log_loss(codes, probabilities, labels=range(4)))
    assert (confusion(predicted, codes, 4) == metrics.confusion_matrix(codes, predicted)).all()


def test_classes_without_texts_and_predictions_count_for_nothing():
    wide = np.hstack([PROBABILITIES, np.zeros((6, 2))])
    narrow, found = figures(PROBABILITIES, CODES), figures(wide, CODES)
    assert found == narrow


def test_a_predicted_class_without_texts_lowers_macro_f1_only():
    probabilities, codes = np.array([[0.6, 0.4, 0.0], [0.1, 0.2, 0.7]]), np.array([0, 0])
    found = figures(probabilities, codes)
    assert (found.balanced_accuracy, found.macro_f1) == (pytest.approx(1 / 2), pytest.approx((2 / 3 + 0) / 2))


def test_one_impossible_text_costs_a_finite_loss():
    assert log_loss(np.array([[1.0, 0.0]]), np.array([1])) == pytest.approx(36.04, abs=0.01)


def test_calibration_error_of_equal_bins():
    confidence = np.array([0.6] * 4 + [0.9] * 4)
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    codes = np.array([0, 0, 1, 1, 0, 0, 0, 1])
    assert calibration_error(probabilities, codes, bins=2) == pytest.approx((abs(0.5 - 0.6) + abs(0.75 - 0.9)) / 2)


def test_texts_of_one_confidence_share_a_bin():
    probabilities, codes = np.tile([0.7, 0.3], (100, 1)), np.array([0] * 70 + [1] * 30)
    assert calibration_error(probabilities, codes) == pytest.approx(0)  # bins of ten would find 0.7 in three of them
    shuffled = np.random.default_rng(0).permutation(100)
    assert calibration_error(probabilities[shuffled], codes[shuffled]) == pytest.approx(0)


def test_accuracy_interval_is_wilsons():
    found = accuracy_interval(8, 10)
    assert (found.low, found.estimate, found.high) == pytest.approx((0.4902, 0.8, 0.9433), abs=1e-4)
    assert accuracy_interval(10, 10).low < 0.75
    assert accuracy_interval(10, 10).high == pytest.approx(1)
    assert accuracy_interval(0, 10).low == pytest.approx(0)


def test_intervals_of_balanced_accuracy_and_macro_f1_are_those_of_resampled_texts():
    probabilities, codes = drawn(0)
    predicted, rng = probabilities.argmax(axis=1), np.random.default_rng(1)
    balanced, f1 = confusion_intervals(confusion(predicted, codes, 4))
    found = []
    for _ in range(1500):  # the slow way, text by text
        chosen = rng.integers(0, len(codes), len(codes))
        counts = confusion(predicted[chosen], codes[chosen], 4)
        found.append((balanced_accuracy(counts), macro_f1(counts)))
    low, high = np.quantile(found, (0.025, 0.975), axis=0)
    assert (balanced.low, f1.low) == pytest.approx(tuple(low), abs=0.02)
    assert (balanced.high, f1.high) == pytest.approx(tuple(high), abs=0.02)
    assert balanced.estimate == pytest.approx(metrics.balanced_accuracy_score(codes, predicted))
    assert balanced_accuracy(confusion(predicted, codes, 4)) == pytest.approx(balanced.estimate)


def test_intervals_of_a_thousand_classes_of_which_few_occur():
    codes = np.arange(10)
    counts = confusion(codes, codes, 1000)
    balanced, f1 = confusion_intervals(counts)
    assert (balanced.low, f1.low, f1.high) == (1, 1, 1)


def test_difference_is_that_of_resampled_texts():
    rng = np.random.default_rng(2)
    right_a, right_b = rng.random(200) < 0.85, rng.random(200) < 0.75
    found = accuracy_difference(right_a, right_b)
    difference = right_a.astype(float) - right_b
    means = difference[rng.integers(0, 200, (4000, 200))].mean(axis=1)
    assert found.estimate == pytest.approx(difference.mean())
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(means, (0.025, 0.975))), abs=0.01)
    assert found.p_value == pytest.approx(2 * min((means <= 0).mean(), (means >= 0).mean()), abs=0.02)


def test_difference_turns_around():
    rng = np.random.default_rng(3)
    right_a, right_b = rng.random(100) < 0.9, rng.random(100) < 0.6
    there, back = accuracy_difference(right_a, right_b), accuracy_difference(right_b, right_a)
    assert there.estimate == -back.estimate
    assert there.low > 0 > back.high
    assert there.p_value < 0.01
    assert accuracy_difference(right_a, right_b) == there  # the seed is fixed


def test_equal_classifiers_do_not_differ():
    right = np.array([True, False, True])
    found = accuracy_difference(right, right)
    assert (found.estimate, found.low, found.high, found.p_value) == (0, 0, 0, 1)
