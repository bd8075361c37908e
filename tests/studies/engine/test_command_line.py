"""The command line on a report, parsed again by the command it names."""

import functools
import shlex

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epigone.app.cli import run
from epigone.studies import registry
from epigone.studies.compare import compare as module
from epigone.studies.compare.grid import CompareOptions
from epigone.studies.engine.command_line import command_line
from epigone.studies.engine.search import SearchOptions
from epigone.studies.experiment import StudyOptions
from epigone.studies.stacked_lstm.grid import StackedLstmOptions
from epigone.text.corpus import SplitOptions
from epigone.text.readers.registry import ReadOptions
from epigone.training.options import RetrainingOptions
from epigone.transfer.methods.l2_to_base import L2ToBase

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=12)


@pytest.fixture
def called(monkeypatch):
    """The arguments of the last call of `compare` or `study`, which do nothing."""
    found = {}

    def record(function):
        @functools.wraps(function)
        def note(*arguments, **options):
            found.clear()
            found.update(options, arguments=arguments)

        return note

    monkeypatch.setattr(module, "compare", record(module.compare))
    monkeypatch.setattr(registry, "study", record(registry.study))
    return found


def again(line):
    assert run(shlex.split(line)[1:]) == 0, line


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    separator=st.none() | TEXTS.filter(lambda text: text[0] != "-").map(lambda text: text.replace("\\", "")),
    titles=st.sampled_from([None, True, False]),
    seeds=st.integers(1, 9),
    rate=st.floats(1e-6, 1),
    fractions=st.sampled_from([None, (0.5, 0.25, 0.25)]),
    strength=st.floats(0, 10),
)
def test_a_comparison(called, separator, titles, seeds, rate, fractions, strength):
    try:
        read = ReadOptions(separator=separator, titles=titles, gutenberg=False)
    except Exception:  # no regular expression
        read = ReadOptions(titles=titles)
    parts = {
        "method": L2ToBase(strength=strength),
        "options": CompareOptions(seeds=seeds),
        "searching": SearchOptions(search_epochs=1.5),
        "training": RetrainingOptions(lr=rate, steps=7),
        "read": read,
        "split": SplitOptions(fractions=fractions),
    }
    words = ["compare", "english-small", "my base", "--corpus", "it's here.txt", "--train", "layers.0", "--train", ""]
    again(command_line([*words, "--method", "l2-to-base", "--out", "out $HOME"], *parts.values()))
    assert {name: called.get(name, type(part)()) for name, part in parts.items()} == parts
    assert called["arguments"] == ("english-small", "my base")
    assert [list(map(str, called[name])) for name in ("corpus", "train")] == [["it's here.txt"], ["layers.0", ""]]
    assert str(called["out"]) == "out $HOME"


def test_a_study_with_a_grid(called):
    size, grid = StudyOptions(quick=True, workers=1), StackedLstmOptions(sources=("near",), paper_rates=(0.5, 1e-5))
    again(command_line(["study", "stacked-lstm", "--data", "target=a b", "far=c", "--out", "x"], size, grid))
    assert (called["options"], called["grid"]) == (size, grid)
    assert list(called["data"]) == ["target=a b", "far=c"]


def test_options_at_their_defaults_are_left_out():
    assert command_line(["study", "x"], StudyOptions(), SplitOptions()) == "epigone study x"


def test_extensions_are_named(monkeypatch):
    monkeypatch.setattr("epigone.studies.engine.command_line.loaded", ["my cell.py"])
    assert command_line(["study"]) == "epigone study --extension 'my cell.py'"
