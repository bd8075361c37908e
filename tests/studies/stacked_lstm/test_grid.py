"""The grid of the study: names derived from labels, and options that are refused."""

from dataclasses import replace

import pytest

from epigone.errors import UserError
from epigone.studies.engine.jobs import Text
from epigone.studies.stacked_lstm.grid import StackedLabels, StackedLstmOptions, rate_in_words, recipes, selections

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
        ({"recipes": ()}, "recipes must hold some of paper, better, larger, but is empty"),
        ({"recipes": ("better",)}, "Recipe better goes on with the bases of recipe paper"),
        ({"recipes": ("larger",)}, "Recipe larger needs a base for each source"),
        ({"larger_far": "a", "larger_near": "b"}, "these bases need the recipe: --recipes larger"),
        ({"recipes": ("larger",), "larger_far": "a"}, "Recipe larger needs a base for each source"),
    ],
)
def test_impossible_grids_are_refused(options, sentence):
    with pytest.raises(UserError, match=sentence):
        StackedLstmOptions(**options)


def test_values_of_an_option_follow_one_another(cli, song_file, tmp_path):
    """As `--recipes paper better` does; the sentence is of the values, so all were read."""
    words = ("--data", f"target={song_file}", f"near={song_file}", f"far={song_file}", "--recipes", "paper", "wrong")
    shown = cli("study", "stacked-lstm", *words, "--out", tmp_path / "study")
    assert "recipes must hold some of paper, better, larger, but is paper, wrong" in " ".join(shown.err.split())


def test_a_given_base_has_as_many_layers_as_the_study(make_base, song_file):
    base = str(make_base(num_layers=2))
    options = StackedLstmOptions(num_layers=2, recipes=("larger",), larger_far=base, larger_near=base, larger_epochs=3)
    (recipe,) = recipes(Text.of(song_file), options, quick=False)
    assert recipe.pretraining is None
    assert recipe.bases["far"].path == base
    assert [training.epochs for training in recipe.retraining] == [3]
    with pytest.raises(UserError, match=r"has 2 layers, and the study retrains subsets of 3; give --num-layers 2"):
        recipes(Text.of(song_file), replace(options, num_layers=3), quick=False)
