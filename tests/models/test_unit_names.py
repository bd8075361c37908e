"""Names of units, and the sentences on wrong ones."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.errors import UserError
from epigone.models.config import ModelConfig
from epigone.models.unit_names import UnitName, VectorName, matching_vectors, state_names, vector_names

LSTM = ModelConfig("lstm", num_layers=3, hidden_size=64, vocabulary_size=5)
GRU = ModelConfig("gru", num_layers=1, hidden_size=4, vocabulary_size=5)


def test_a_name_has_layer_state_and_unit():
    assert UnitName.parse("layers.1[37]", LSTM) == UnitName(1, 0, 37)
    assert UnitName.parse("layers.1.hidden[37]", LSTM) == UnitName(1, 0, 37)
    assert UnitName.parse("layers.2.cell[0]", LSTM) == UnitName(2, 1, 0)
    assert (state_names(LSTM), state_names(GRU)) == (("hidden", "cell"), ("hidden",))


@given(layer=st.integers(0, 2), state=st.integers(0, 1), unit=st.integers(0, 63))
def test_what_is_written_is_read(layer, state, unit):
    name = UnitName(layer, state, unit)
    assert UnitName.parse(name.written(LSTM), LSTM) == name


@pytest.mark.parametrize(
    ("name", "config", "sentence"),
    [
        ("layers.3[0]", LSTM, "the layers 0 to 2, each with the units 0 to 63"),
        ("layers.0[64]", LSTM, "no unit layers.0[64]"),
        ("layers.0.cell[1]", GRU, "The cell gru has no state 'cell', only hidden"),
        ("layers.0", LSTM, "'layers.0' names no unit; write layers.LAYER[UNIT]"),
        ("layers.0[-1]", LSTM, "names no unit"),
        ("", LSTM, "names no unit"),
    ],
)
def test_wrong_names_are_told(name, config, sentence):
    with pytest.raises(UserError, match=re.escape(sentence)):
        UnitName.parse(name, config)


def test_gates_are_vectors_too_where_they_are_asked_for():
    assert vector_names(LSTM) == ("hidden", "cell", "input", "forget", "candidate", "output")
    assert vector_names(GRU) == ("hidden", "reset", "update", "new")
    assert vector_names(ModelConfig("rnn", vocabulary_size=5)) == ("hidden",)
    name = UnitName.parse("layers.1.forget[3]", LSTM, gates=True)
    assert name == UnitName(1, 3, 3)
    assert name.written(LSTM) == "layers.1.forget[3]"
    with pytest.raises(UserError, match="The cell lstm has no state 'forget', only hidden and cell"):
        UnitName.parse("layers.1.forget[3]", LSTM)


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (["layers.*"], [(0, 0), (1, 0), (2, 0)]),
        (["layers.1.*"], [(1, index) for index in range(6)]),
        (["layers.*.cell", "layers.0"], [(0, 0), (0, 1), (1, 1), (2, 1)]),
        (["layers.2.hidden", "layers.2"], [(2, 0)]),
    ],
)
def test_patterns_name_vectors(patterns, found):
    assert matching_vectors(patterns, LSTM) == [VectorName(*place) for place in found]


@pytest.mark.parametrize("pattern", ["layers.3", "layers.*.update", "layer.0", "", "*", "layers.0.ce", "layers[0]"])
def test_a_pattern_that_names_nothing_is_told(pattern):
    with pytest.raises(UserError, match="names no state of this model; it has the layers 0 to 2 with hidden, cell"):
        matching_vectors([pattern], LSTM)
