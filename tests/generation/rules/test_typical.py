"""Locally typical sampling against its definition by brute force."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from epigone.generation.rules.rule import Context
from epigone.generation.rules.typical import keep_typical

NOTHING = Context(np.full((1, 1), -1), ())


def kept(logits, mass):
    return [set(np.flatnonzero(row > -np.inf)) for row in keep_typical(logits, mass, NOTHING)]


@given(
    arrays(float, array_shapes(min_dims=2, max_dims=2, max_side=8), elements=st.floats(-9, 9)), st.floats(0.01, 0.99)
)
def test_the_nearest_to_the_entropy_are_kept(logits, mass):
    for row, ids in zip(logits, kept(logits, mass), strict=True):
        total = sum(math.exp(x) for x in row)
        shares = [math.exp(x) / total for x in row]
        entropy = -sum(p * math.log(p) for p in shares)
        far = [abs(-math.log(p) - entropy) for p in shares]
        ranked = sorted(range(len(row)), key=lambda i: far[i])
        assume(all(far[b] - far[a] > 1e-9 for a, b in pairwise(ranked)))
        sums = np.cumsum([shares[i] for i in ranked])
        assume((abs(sums - mass) > 1e-9).all())
        assert ids == set(ranked[: int((sums < mass).sum()) + 1])


def test_a_very_likely_token_may_be_less_typical_than_others():
    # The surprises of 0.6 and 0.1 are 0.51 and 2.30 nats, around an entropy of 1.23.
    assert kept(np.log([[0.6, 0.1, 0.1, 0.1, 0.1]]), 0.5) == [{0}]
    # Those of 0.4 and 0.1 are 0.92 and 2.30 nats, around an entropy of 1.75.
    assert kept(np.log([[0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]]), 0.25) == [{1, 2, 3}]


@pytest.mark.parametrize("mass", [0.1, 0.5, 0.99])
def test_tokens_out_of_the_draw_stay_out(mass):
    logits = np.array([[0.0, -np.inf, 1.0, -np.inf]])
    assert kept(logits, mass)[0] <= {0, 2}
    assert kept(np.array([[0.0, -np.inf]]), mass) == [{0}]
