"""Folds, fixed parts and nested subsets keep the shares of the classes."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.classification.folds import FOLDS, SINGLE_FROM, divide, hold_out, nested_subsets
from epigone.classification.texts import LabelledTexts
from epigone.errors import UserError


def labelled(sizes):
    """Texts of classes of these sizes, in a random order."""
    codes = np.random.default_rng(5).permutation(np.repeat(np.arange(len(sizes)), sizes))
    texts = [f"text {number}" for number in range(len(codes))]
    return LabelledTexts(texts, codes, tuple(f"class {n:04}" for n in range(len(sizes))), texts)


def counts(whole, places):
    return np.bincount(whole.codes[places], minlength=len(whole.classes))


SIZES = st.lists(st.integers(1, 60), min_size=2, max_size=30).filter(lambda sizes: max(sizes) > 1)


@given(SIZES, st.integers(0, 2**32))
def test_folds_hold_each_text_once_and_train_on_every_class(sizes, seed):
    whole = labelled(sizes)
    folds = divide(whole, seed)
    single = np.array(sizes) == 1
    held = np.concatenate([fold.held for fold in folds])
    assert len(set(held)) == len(held)
    if len(whole) < SINGLE_FROM:
        assert sorted(held) == np.flatnonzero(~single[whole.codes]).tolist()
        assert len(folds) == min(FOLDS, len(held))
    for fold in folds:
        assert len(fold.held)
        assert sorted([*fold.train, *fold.held]) == list(range(len(whole)))
        assert counts(whole, fold.train).min() > 0, "every class is learned"
        assert np.abs(counts(whole, fold.held) - np.where(single, 0, np.array(sizes) / FOLDS)).max() < 1


def test_from_five_hundred_texts_on_there_is_one_division():
    assert [len(divide(labelled([number - 250, 250]), 0)) for number in (499, 500)] == [5, 1]
    [fold] = divide(labelled([300, 290]), 0)
    assert (len(fold.train), len(fold.held)) == (472, 118)


def test_the_seed_decides():
    whole = labelled([30, 30])
    first, second, other = divide(whole, 1), divide(whole, 1), divide(whole, 2)
    assert all(np.array_equal(a.held, b.held) for a, b in zip(first, second, strict=True))
    assert not all(np.array_equal(a.held, b.held) for a, b in zip(first, other, strict=True))
    assert divide(whole, 1)[0].held.tolist() == [2, 3, 25, 37, 41, 42, 45, 47, 53, 55, 56, 58], "on every machine"


def test_classes_of_one_text_each_leave_nothing_to_measure():
    with pytest.raises(UserError, match=r"Each of the 3 classes has one text only.*Give more texts"):
        divide(labelled([1, 1, 1]), 0)


@given(SIZES, st.data())
def test_subsets_are_nested_and_keep_the_shares(sizes, data):
    whole = labelled(sizes)
    asked = data.draw(st.lists(st.integers(len(sizes), len(whole)), min_size=1, max_size=4))
    subsets = nested_subsets(whole, asked, data.draw(st.integers(0, 9)))
    assert [len(set(subset)) for subset in subsets] == asked
    ordered = sorted(subsets, key=len)
    for smaller, larger in pairwise(ordered):
        assert set(smaller) <= set(larger)
    for subset in subsets:
        assert counts(whole, subset).min() > 0, "at least one of each"


def test_shares_are_kept_to_within_a_text():
    whole = labelled([400, 100, 500])
    for subset in nested_subsets(whole, [10, 50, 100, 777], 3):
        assert np.abs(counts(whole, subset) - len(subset) * np.array([0.4, 0.1, 0.5])).max() <= 1


@pytest.mark.parametrize("size", [2, 16])
def test_an_impossible_subset_is_refused(size):
    with pytest.raises(UserError, match=rf"no subset of {size} texts.*each of the 3 classes.*are 15 labelled texts"):
        nested_subsets(labelled([5, 5, 5]), [5, size], 0)


@given(SIZES, st.data())
def test_three_fixed_parts(sizes, data):
    whole = labelled(sizes)
    spare = len(whole) - len(sizes)
    validation = data.draw(st.integers(0, spare))
    test = data.draw(st.integers(0, spare - validation))
    parts = hold_out(whole, validation, test, 4)
    assert (len(parts.validation), len(parts.test)) == (validation, test)
    assert sorted([*parts.train, *parts.validation, *parts.test]) == list(range(len(whole)))
    assert counts(whole, parts.train).min() > 0


def test_fixed_parts_keep_the_shares_and_leave_enough():
    whole = labelled([400, 100, 500])
    parts = hold_out(whole, 100, 200, 0)
    for places in (parts.train, parts.validation, parts.test):
        assert np.abs(counts(whole, places) - len(places) * np.array([0.4, 0.1, 0.5])).max() <= 2
    with pytest.raises(UserError, match=r"1,000 labelled texts cannot be divided into 500 for validation, 498 for"):
        hold_out(whole, 500, 498, 0)
