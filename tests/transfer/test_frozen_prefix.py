"""The outputs of a frozen prefix: kept as far up as they cannot change, and equal to those of the layers."""

import numpy as np
import pytest
import torch

from epigone.models.config import ModelConfig
from epigone.models.language_model import LanguageModel
from epigone.training.batches import Batches
from epigone.transfer import frozen_prefix as prefix
from epigone.transfer.frozen_prefix import cached_layers, prefix_outputs


def make_model(**shape):
    torch.manual_seed(0)
    return LanguageModel(ModelConfig(num_layers=3, hidden_size=6, vocabulary_size=11, **shape)).eval()


@pytest.mark.parametrize("lowest", [0, 1, 2, 3])
def test_all_layers_below_the_lowest_learning_one_are_kept(lowest):
    assert cached_layers(make_model(), lowest, 1000) == lowest
    assert cached_layers(make_model(output_dropout=0.5), lowest, 1000) == lowest


@pytest.mark.parametrize("kind", ["ordinary", "variational"])
@pytest.mark.parametrize(("lowest", "kept"), [(0, 0), (1, 1), (2, 1), (3, 1)])
def test_dropout_among_them_leaves_only_the_first(lowest, kept, kind):
    assert cached_layers(make_model(dropout=0.2, dropout_kind=kind), lowest, 1000) == kept


def test_nothing_is_kept_that_does_not_fit(monkeypatch):
    monkeypatch.setattr(prefix, "LIMIT", 1000 * 6 * 4)
    assert cached_layers(make_model(), 2, 1000) == 2
    assert cached_layers(make_model(), 2, 1001) == 0


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize(("rows", "offset"), [(1, 0), (3, 0), (4, 57)])
def test_the_layers_above_read_what_they_would_have_read(layers, rows, offset):
    model = make_model()
    tokens = np.random.default_rng(0).integers(0, 11, 102).astype(np.uint8)
    batches = Batches(tokens[:-1], tokens[1:], rows, 7, offset)
    kept = prefix_outputs(model, batches, layers)
    assert kept.steps_per_epoch == batches.steps_per_epoch
    whole = model.initial_state(rows)
    upper = model.initial_state(rows, layers)
    for index in range(batches.steps_per_epoch):
        (ids, targets), (features, same_targets) = batches.batch(index), kept.batch(index)
        assert torch.equal(targets, same_targets)
        with torch.no_grad():
            expected, whole = model(ids, whole)
            found, upper = model.encode(features, upper, layers)
        torch.testing.assert_close(model.logits(found), expected)
