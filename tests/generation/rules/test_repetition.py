"""The repetition penalty by hand."""

import numpy as np

from epigone.generation.rules.repetition import penalise


def test_repetition_penalty_lowers_what_was_seen_whatever_its_sign():
    logits = np.array([[2.0, -2.0, 2.0, -2.0], [2.0, -2.0, 2.0, -2.0]])
    result = penalise(logits, np.array([[0, 1, 1], [-1, -1, 3]]), 2.0)
    np.testing.assert_array_equal(result, [[1, -4, 2, -2], [2, -2, 2, -4]])
