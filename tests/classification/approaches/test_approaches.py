"""What every approach must do: learn, answer alone as in a batch, and come back from its files."""

import numpy as np
import pytest
from labelled import make_labelled

from epigone.classification.approaches.base import Classifier
from epigone.classification.approaches.registry import APPROACHES

TEXTS = ["A lovely warm seat!", "", "awful, rude", "Never heard words 東京", "good\n" * 50, "the soup " * 300]


# Networks have fast tests of their own.
EVERY = [
    pytest.param(name, marks=[pytest.mark.slow] * (approach.family == "network"))
    for name, approach in APPROACHES.items()
]


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("classes", [("bad", "good"), ("bad", "good", "plain")])
def test_an_approach_answers_alone_as_in_a_batch_and_from_its_files(name, classes, setting, tmp_path):
    learned = APPROACHES[name].fit(make_labelled(60, classes), setting)
    assert isinstance(learned, Classifier)
    found = learned.probabilities(TEXTS)
    assert found.shape == (len(TEXTS), len(classes))
    assert found.dtype == np.float64
    assert (found > 0).all()
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-12)
    alone = np.concatenate([learned.probabilities([text]) for text in reversed(TEXTS)])[::-1]
    assert found == pytest.approx(alone, abs=1e-6)
    learned.save(tmp_path)
    loaded = APPROACHES[name].load(tmp_path, classes)
    assert loaded.classes == classes
    assert loaded.probabilities(TEXTS) == pytest.approx(found, abs=1e-12)
    assert learned.probabilities([]).shape == (0, len(classes))


@pytest.mark.parametrize("name", EVERY)
def test_a_class_without_texts_gets_a_probability(name, setting):
    train = make_labelled(40, ("bad", "good", "plain"))
    learned = APPROACHES[name].fit(train.subset(np.flatnonzero(train.codes != 2)), setting)
    found = learned.probabilities(["Lovely.", "the soup"])
    assert found.shape == (2, 3)
    assert (found > 0).all()
    assert (found[:, 2] < found[:, :2].max(axis=1)).all()


@pytest.mark.parametrize("name", EVERY)
def test_the_same_texts_give_the_same_classifier(name, setting):
    train = make_labelled(40)
    first, second = (APPROACHES[name].fit(train, setting).probabilities(TEXTS) for _ in range(2))
    assert (first == second).all()
