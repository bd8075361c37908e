"""The ranking of units."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from epigone.models.config import ModelConfig
from epigone.models.unit_names import VectorName
from epigone.probing.measures.perturbation import Perturbed
from epigone.probing.measures.ranking import Probed, rank_units
from epigone.probing.measures.statistics import Estimates

SHAPE = ModelConfig(num_layers=2, hidden_size=3, vocabulary_size=5)


def change(values):
    values = np.array(values, float)
    return Perturbed(Estimates(values, values, values), np.ones(len(values), int), 9)


def probed(name, level, *layers, index=0):
    vectors = {VectorName(layer, index): change(values) for layer, values in enumerate(layers) if values}
    return Probed(name, level, 9, 9, np.nan, False, vectors)


def test_the_score_is_the_rank_by_high_properties_above_that_by_low_ones():
    ranks = rank_units([probed("a", "high", [1, 2, 3], [4, 5, 6]), probed("b", "low", [6, 5, 4], [3, 2, 1])], SHAPE)
    np.testing.assert_allclose(ranks.high, np.arange(6) / 5)
    np.testing.assert_allclose(ranks.score, (2 * np.arange(6) - 5) / 5)


def test_with_one_level_the_score_is_the_rank_in_it():
    for level in ("high", "low"):
        ranks = rank_units([probed("a", level, [1, 9, 3], [4, 5, 6])], SHAPE)
        assert ranks.score.argmax() == 1
        assert (ranks.score.min(), ranks.score.max()) == (0, 1)


def test_the_labels_of_a_property_have_one_say_together_and_its_states_too():
    one = [probed("p", "high", [9, 0, 0], [0, 0, 1])]
    three = [probed(f"p={i}", "high", [0, 0, 0], [0, 0, 1]) for i in range(2)] + [
        probed("p=2", "high", [9, 0, 0], [0] * 3)
    ]
    np.testing.assert_array_equal(rank_units(one, SHAPE).score, rank_units(three, SHAPE).score)
    vectors = {VectorName(0, 0): change([1, 2, 3]), VectorName(0, 1): change([9, 1, 1])}
    best = rank_units([Probed("p", "low", 9, 9, np.nan, False, vectors)], SHAPE)
    assert best.score.argmax() == 0
    assert best.score[3:].tolist() == pytest.approx([0.2] * 3)  # a layer that was not probed


@given(arrays(np.float64, 6, elements=st.integers(0, 5)), arrays(np.float64, 6, elements=st.integers(0, 5)))
def test_scores_depend_on_the_order_alone(high, low):
    first = rank_units(
        [probed("a", "high", list(high[:3]), list(high[3:])), probed("b", "low", list(low[:3]), list(low[3:]))], SHAPE
    )
    high, low = np.exp(high), low / 8
    same = rank_units(
        [probed("a", "high", list(high[:3]), list(high[3:])), probed("b", "low", list(low[:3]), list(low[3:]))], SHAPE
    )
    np.testing.assert_allclose(first.score, same.score, atol=1e-12)
    assert (np.abs(first.score) <= 1).all()
