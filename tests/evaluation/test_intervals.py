"""Intervals and p-values: known answers, properties for every input, and coverage by simulation."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from epigone.evaluation import intervals
from epigone.evaluation.intervals import (
    Difference,
    Interval,
    holm,
    mean_interval,
    paired_difference,
    ratio_interval,
)


@pytest.fixture
def corpus():
    rng = np.random.default_rng(0)
    tokens = rng.integers(200, 1500, 60)
    return tokens * rng.normal(1.7, 0.1, 60), tokens


def test_estimate_is_the_loss_of_the_whole_corpus(corpus):
    nats, tokens = corpus
    interval = ratio_interval(nats, tokens)
    assert interval.estimate == pytest.approx(nats.sum() / tokens.sum())
    assert interval.low < interval.estimate < interval.high


def test_many_documents_of_one_length_give_the_textbook_interval():
    losses = np.random.default_rng(1).normal(2.0, 0.2, 300)
    expected = stats.t.interval(0.95, 299, losses.mean(), stats.sem(losses))
    interval = ratio_interval(losses * 100, np.full(300, 100))
    assert (interval.low, interval.high) == pytest.approx(expected, abs=0.002)


def test_resampling_is_by_document_not_by_token(corpus):
    nats, tokens = corpus
    once, ten_times = ratio_interval(nats, tokens), ratio_interval(nats * 10, tokens * 10)
    assert asdict(ten_times) == pytest.approx(asdict(once))  # longer documents are no more documents


def test_seed_decides_the_resamples(corpus):
    assert ratio_interval(*corpus, seed=1) == ratio_interval(*corpus, seed=1)
    assert ratio_interval(*corpus, seed=1) != ratio_interval(*corpus, seed=2)


def test_batches_do_not_show(corpus, monkeypatch):
    whole = ratio_interval(*corpus)
    monkeypatch.setattr(intervals, "BATCH", 10_000)
    assert asdict(ratio_interval(*corpus)) == pytest.approx(asdict(whole), rel=1e-12)


def test_more_confidence_is_a_wider_interval(corpus):
    narrow, wide = ratio_interval(*corpus, confidence=0.5), ratio_interval(*corpus, confidence=0.99)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_pairing_sees_a_small_difference_between_uneven_documents(corpus):
    nats, tokens = corpus
    better = nats - tokens * np.random.default_rng(2).normal(0.01, 0.01, 60)
    difference = paired_difference(nats, better, tokens)
    assert difference.low > 0
    assert difference.p_value < 0.001
    alone, other = ratio_interval(nats, tokens), ratio_interval(better, tokens)
    assert other.high > alone.low  # the two intervals overlap and would not show it


def test_exchanging_the_models_changes_the_sign(corpus):
    nats, tokens = corpus
    other = nats + tokens * np.random.default_rng(3).normal(0.0, 0.1, 60)
    forth, back = paired_difference(nats, other, tokens), paired_difference(other, nats, tokens)
    assert (back.estimate, back.low, back.high) == pytest.approx((-forth.estimate, -forth.high, -forth.low))
    assert back.p_value == forth.p_value


def test_equal_models_do_not_differ(corpus):
    nats, tokens = corpus
    assert paired_difference(nats, nats, tokens) == Difference(0.0, 0.0, 0.0, 1.0)


def test_a_constant_difference_is_certain():
    tokens = np.array([64, 128, 256, 32, 512])
    difference = paired_difference(tokens * 2.0, tokens * 1.5, tokens)
    assert difference == Difference(0.5, 0.5, 0.5, 1 / 20_000)


def test_a_difference_in_one_document_only_is_no_evidence():
    nats = np.full(20, 100.0)
    other = nats.copy()
    other[7] += 5
    difference = paired_difference(nats, other, np.full(20, 50))
    assert difference.low < 0 < difference.high
    assert np.isfinite([difference.low, difference.high]).all()
    assert difference.p_value > 0.3


@settings(deadline=None)
@given(
    losses=st.lists(st.tuples(st.floats(-3, 3), st.integers(1, 2000)), min_size=5, max_size=12),
    shift=st.floats(-1, 1),
)
def test_interval_excludes_zero_just_where_p_is_small(losses, shift):
    per_token, tokens = (np.array(column) for column in zip(*losses, strict=True))
    difference = paired_difference((per_token + shift) * tokens, np.zeros(len(tokens)), tokens)
    assert 0 < difference.p_value <= 1
    assert difference.low <= difference.estimate <= difference.high
    assert (difference.low > 0 or difference.high < 0) == (difference.p_value <= 0.05)


@pytest.mark.parametrize("documents", [8, 40])
def test_covers_the_truth_as_often_as_it_says(documents, monkeypatch):
    monkeypatch.setattr(intervals, "RESAMPLES", 999)
    rng = np.random.default_rng(4)
    small_p = covered = 0
    for _ in range(500):  # skewed losses, unequal lengths, true difference 0
        tokens = rng.lognormal(6.5, 0.5, documents)
        difference = paired_difference(
            tokens * rng.gamma(4, 0.05, documents), tokens * rng.gamma(4, 0.05, documents), tokens
        )
        covered += difference.low <= 0 <= difference.high
        small_p += difference.p_value <= 0.05
    assert 0.93 <= covered / 500 <= 0.975
    assert small_p == 500 - covered


@pytest.mark.parametrize(
    ("nats", "tokens", "reason"),
    [
        ([1.0] * 4, [1] * 4, "4 documents are too few"),
        ([1.0] * 6, [1, 1, 1, 1, 0, 0], "4 documents are too few"),
        ([1.0] * 6, [1] * 5, "finite loss"),
        ([1.0] * 5 + [np.nan], [1] * 6, "finite loss"),
        ([1.0] * 6, [1] * 5 + [-1], "not negative"),
    ],
)
def test_unusable_documents_are_refused(nats, tokens, reason):
    with pytest.raises(ValueError, match=reason):
        ratio_interval(np.array(nats), np.array(tokens))


def test_impossible_confidence_is_refused(corpus):
    with pytest.raises(ValueError, match="between 0 and 1"):
        ratio_interval(*corpus, confidence=95)


def test_mean_interval_by_hand():
    interval = mean_interval(np.array([1.0, 2.0, 3.0]))  # t(0.975, 2) = 4.3027, standard error 1 / sqrt(3)
    assert asdict(interval) == pytest.approx({"low": -0.4841, "estimate": 2.0, "high": 4.4841}, abs=1e-4)
    assert mean_interval(np.array([2.0, 2.0])) == Interval(2.0, 2.0, 2.0)
    with pytest.raises(ValueError, match="at least 2"):
        mean_interval(np.array([1.0]))


def test_holm_by_hand():
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([])).shape == (0,)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_keeps_the_order_and_lies_between_raw_and_bonferroni(p_values):
    raw = np.array(p_values)
    adjusted = holm(raw)
    assert (adjusted >= raw).all()
    assert (adjusted <= np.minimum(raw * len(raw), 1)).all()
    assert (np.diff(adjusted[np.argsort(raw)]) >= 0).all()
    assert adjusted.min() == min(raw.min() * len(raw), 1)


@pytest.mark.parametrize("wrong", [1.5, -0.1, np.nan])
def test_holm_refuses_what_is_no_p_value(wrong):
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm(np.array([0.5, wrong]))


def test_results_are_data(corpus):
    nats, tokens = corpus
    for result in (paired_difference(nats, nats[::-1], tokens), ratio_interval(nats, tokens)):
        assert type(result)(**json.loads(json.dumps(asdict(result)))) == result
