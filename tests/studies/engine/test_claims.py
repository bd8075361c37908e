"""Answers to claims."""

import pytest

from epigone.studies.engine.claims import answer, signed


@pytest.mark.parametrize(
    ("low", "high", "negative", "said"),
    [(-2, -1, True, "yes"), (1, 2, True, "no"), (-1, 1, True, "unclear"), (1, 2, False, "yes"), (-2, -1, False, "no")],
)
def test_an_interval_answers_a_claim(low, high, negative, said):
    assert answer(low, high, negative=negative) == said


def test_a_difference_is_written_with_real_minus_signs():
    assert signed(-0.1234, -0.2, 0.05) == "−0.123 [−0.200, +0.050]"
