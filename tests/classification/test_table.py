"""The winner, and the comparison with the best row of n-grams."""

import numpy as np
import pytest

from epigone.classification.approaches.blend import best_weight, blended, crossed
from epigone.classification.table import Held, best, compared, criterion, results_table
from epigone.evaluation.classification import accuracy_difference, log_loss

CODES = np.arange(200) % 2


def held(name: str, family: str, right: float, sure: float = 0.8) -> Held:
    """Probabilities that are right for a share of the texts."""
    rng = np.random.default_rng(len(name))
    of_true = np.where(rng.random(200) < right, sure, 1 - sure)
    second = np.where(CODES == 1, of_true, 1 - of_true)
    return Held(name, name.upper(), family, np.stack([1 - second, second], axis=1), 1.0, 0.5)


def test_rows_are_compared_with_the_best_ngrams():
    every = [held("m", "baseline", 0.5), held("gram", "n-grams", 0.7), held("grams", "n-grams", 0.8)]
    every.append(held("network", "network", 0.9))
    rows = compared(every, CODES, "accuracy")
    assert [row.difference is None for row in rows] == [False, False, True, False]
    gap = accuracy_difference(every[3].right(CODES), every[2].right(CODES))
    assert (rows[3].difference, rows[3].difference_low, rows[3].p_value) == (gap.estimate, gap.low, gap.p_value)
    assert best(rows, "accuracy").name == "network"
    table = results_table(rows, "NETWORK", "")
    assert (table.winner, table.baseline) == ("NETWORK", "GRAMS")


def test_without_ngrams_nothing_is_compared():
    rows = compared([held("m", "baseline", 0.5)], CODES, "accuracy")
    assert rows[0].difference is None
    assert results_table(rows, "M", "").baseline is None


def test_of_equals_the_first_wins():
    rows = compared([held("abc", "n-grams", 0.8), held("xyz", "network", 0.8)], CODES, "accuracy")
    assert rows[0].figures.accuracy == rows[1].figures.accuracy
    assert best(rows, "accuracy").name == "abc"


def test_unequal_classes_are_judged_by_balanced_accuracy():
    assert criterion(np.array([10, 14]), True) == "accuracy"
    assert criterion(np.array([10, 16]), True) == "balanced_accuracy"
    assert criterion(np.array([10, 16]), False) == "accuracy"
    assert criterion(np.array([10, 12, 0]), True) == "accuracy"  # a class without texts cannot be judged


def test_the_weight_of_a_blend_is_the_best_of_its_grid():
    first, second = held("abc", "network", 0.8).probabilities, held("de", "n-grams", 0.7).probabilities
    weight = best_weight(first, second, CODES, np.ones(200))
    losses = {w: log_loss(blended(first, second, w), CODES) for w in np.linspace(0, 1, 21)}
    assert losses[weight] == pytest.approx(min(losses.values()))
    assert 0 < weight < 1
    assert best_weight(first, first, CODES, np.ones(200)) == 0.5


def test_the_weight_of_a_text_is_chosen_on_others():
    abc, de = held("abc", "network", 0.8), held("de", "n-grams", 0.75)
    first, second = abc.probabilities, de.probabilities
    usual = crossed(first, second, CODES, np.ones(200), 0)
    for place in np.flatnonzero(abc.right(CODES) & ~de.right(CODES))[:3]:
        counted = np.ones(200)
        counted[place] = 1e6  # now this text alone decides, but not on itself
        found = crossed(first, second, CODES, counted, 0)
        changed = (found != usual).any(axis=1)
        assert not changed[place]
        assert changed.any()
