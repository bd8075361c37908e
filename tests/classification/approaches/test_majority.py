"""The majority class."""

import numpy as np
import pytest
from labelled import make_labelled

from epigone.classification.approaches.majority import FILE, Majority
from epigone.errors import UserError


def test_probabilities_are_the_shares_of_the_classes(setting):
    train = make_labelled(10).subset(np.array([0, 1, 3, 5, 7]))  # one bad text and four good ones
    found = Majority().fit(train, setting).probabilities(["a", "b"])
    assert found.tolist() == [pytest.approx([2 / 7, 5 / 7])] * 2


def test_damaged_shares_are_refused(setting, tmp_path):
    Majority().fit(make_labelled(10), setting).save(tmp_path)
    with pytest.raises(UserError, match=r"shares\.json is damaged"):
        Majority().load(tmp_path, ("a", "b", "c"))
    (tmp_path / FILE).unlink()
    with pytest.raises(UserError, match="Could not read"):
        Majority().load(tmp_path, ("bad", "good"))
