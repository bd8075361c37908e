"""Truncation against definitions by brute force."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from epigone.generation.rules.rule import softmax
from epigone.generation.rules.truncation import keep_min_p, keep_top_k, keep_top_p

logits_arrays = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, max_side=9),
    elements=st.floats(-30, 30, width=32),
)


def kept(logits):
    return [set(np.flatnonzero(row > -np.inf)) for row in logits]


@given(logits_arrays, st.integers(0, 12))
def test_top_k_keeps_the_k_likeliest(logits, k):
    for row, ids in zip(logits, kept(keep_top_k(logits, k)), strict=True):
        ranked = sorted(range(len(row)), key=lambda i: (-row[i], i))
        assert ids == set(ranked[: k or None])


@given(logits_arrays, st.floats(0.01, 0.99))
def test_top_p_keeps_the_fewest_that_reach_it(logits, p):
    for row, ids in zip(logits, kept(keep_top_p(logits.astype(float), p)), strict=True):
        shares = softmax(row[None].astype(float))[0]
        ranked = sorted(range(len(row)), key=lambda i: (-row[i], i))
        sums = np.cumsum(shares[ranked])
        assume((abs(sums - p) > 1e-9).all())
        needed = int((sums < p).sum()) + 1
        assert ids == set(ranked[:needed])


@given(logits_arrays, st.floats(0.01, 1))
def test_min_p_drops_what_is_far_below_the_likeliest(logits, share):
    for row, ids in zip(logits, kept(keep_min_p(logits.astype(float), share)), strict=True):
        shares = softmax(row[None].astype(float))[0]
        close = abs(shares / shares.max() / share - 1) <= 1e-9
        assume(not (close & (row != row.max())).any())
        assert ids == {i for i, x in enumerate(shares) if x >= share * shares.max() or row[i] == row.max()}


def test_filters_that_are_off_change_nothing():
    logits = np.array([[1.0, 2.0, -np.inf]])
    for same in (keep_top_k(logits, 0), keep_top_k(logits, 3), keep_top_p(logits, 1), keep_min_p(logits, 0)):
        np.testing.assert_array_equal(same, logits)
