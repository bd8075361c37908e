"""NB-SVM."""

import numpy as np
import pytest
from labelled import BAD, GOOD, make_labelled
from scipy.sparse import csr_matrix

from epigone.classification.approaches.linear import Targets, fit
from epigone.classification.approaches.nb_svm import NbSvm, _fit, log_count_ratio


def test_the_ratio_is_that_of_the_paper():
    features = csr_matrix(np.array([[1, 0, 1], [1, 0, 0], [0, 1, 1]]))
    p, q = np.array([3, 1, 2]), np.array([1, 2, 2])  # one more than each count
    expected = np.log((p / p.sum()) / (q / q.sum()))
    assert log_count_ratio(features, np.array([True, True, False])) == pytest.approx(expected)


def test_without_interpolation_it_is_a_logistic_regression_on_weighted_presences():
    rng = np.random.default_rng(0)
    codes = np.arange(40) % 2
    features = csr_matrix((rng.random((40, 8)) < 0.3 + 0.2 * codes[:, None]).astype(float))
    targets = Targets(codes, 2, np.ones(40), 0)
    ratio = log_count_ratio(features, codes == 1)
    plain = fit(features.multiply(ratio).tocsr(), targets, 1.0)
    found = _fit((1.0, 1.0), features, targets)
    assert found.weights[:, 0] == pytest.approx(plain.weights[:, 0] * ratio, abs=1e-6)
    half = _fit((1.0, 0.5), features, targets)
    mean = np.abs(plain.weights).mean()
    assert half.weights[:, 0] == pytest.approx(ratio * (mean + plain.weights[:, 0]) / 2, abs=1e-6)


def test_words_of_a_class_speak_for_it(setting):
    learned = NbSvm().fit(make_labelled(200), setting)
    assert (learned.probabilities(GOOD)[:, 1] > 0.5).all()
    assert (learned.probabilities(BAD)[:, 1] < 0.5).all()
