"""The grid of the study: names derived from labels, and options that are refused."""

import pytest

from epigone.errors import UserError
from epigone.studies.stacked_lstm.grid import StackedLabels, StackedLstmOptions, rate_in_words, selections

BASE = {"recipe": "paper", "base": "near"}
SCRATCH = {"family": "scratch", "recipe": "paper"}


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        ({"family": "n-gram"}, "n-grams of the target"),
        ({"family": "n-gram", "source": "far"}, "n-grams mixed with far"),
        ({"family": "pretraining"} | BASE, "paper: base of near"),
        ({"family": "base"} | BASE, "paper: near, untouched"),
        ({"family": "scratch", "trials": 40}, "scratch, best of 40"),
        (SCRATCH | {"recipe": "better", "num_layers": 3, "trials": 40}, "better: scratch, 3 layers, best of 40"),
        (SCRATCH | {"num_layers": 2, "dropout": 0.2}, "paper: scratch, 2 layers, dropout 0.2"),
        (
            {"family": "transfer", "selection": "layers.0, layers.2", "layers": [0, 2], "rate": 1e-2} | BASE,
            "paper: near, layers 0+2, lr 1e-2",
        ),
        ({"family": "transfer", "selection": "!head", "rate": 2.5e-3} | BASE, "paper: near, !head, lr 2.5e-3"),
        (
            {"family": "transfer", "selection": "layers.1", "layers": [1], "rate": 1e-3, "split": 3} | BASE,
            "paper: near, layers 1, lr 1e-3, split 3",
        ),
    ],
)  # fmt: skip
def test_names_are_derived_from_labels(labels, name):
    assert StackedLabels(labels).name == name


def test_rates_are_short():
    assert [rate_in_words(rate) for rate in (1e-2, 3e-3, 0.5, 1.0)] == ["lr 1e-2", "lr 3e-3", "lr 5e-1", "lr 1e0"]


def test_every_subset_of_the_layers_is_retrained_unless_told():
    assert [part["layers"] for part in selections(StackedLstmOptions(num_layers=2))] == [[0], [1], [0, 1]]
    told = StackedLstmOptions(num_layers=2, selections=("layers.1", "layers.*.weight_hh", "layers.1"))
    assert list(selections(told)) == [
        {"selection": "layers.1", "layers": [1]},
        {"selection": "layers.*.weight_hh"},
    ]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"num_layers": 0}, "num_layers must be 1 or more"),
        ({"better_epochs": 0}, "better_epochs must be 1 or more"),
        ({"paper_rates": ()}, "paper_rates must hold rates above 0"),
        ({"better_rates": (1e-3, -1.0)}, "better_rates must hold rates above 0"),
        ({"sources": ("near", "middle")}, "sources must be far, near, or both, but is near, middle"),
        ({"sources": ()}, "sources must be far, near, or both, but is empty"),
    ],
)
def test_impossible_grids_are_refused(options, sentence):
    with pytest.raises(UserError, match=sentence):
        StackedLstmOptions(**options)
