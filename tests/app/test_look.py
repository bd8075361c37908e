"""`look`: the state of single units over a text."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import epigone
from epigone.errors import UserError
from epigone.models.files.checkpoint import load_checkpoint

MODELS = Path(__file__).parents[1] / "golden" / "models"
SONG = "The river ran\nand the ferry came, "


def reference(folder, text):
    """Outputs of each layer and the last state, of the whole text at once by the equations."""
    found = load_checkpoint(folder, "reference")
    ids = torch.tensor([[found.tokenizer.end, *found.tokenizer.encode(text).tolist()]])
    with torch.no_grad():
        outputs = [
            found.model.encode(ids, stop=layer + 1)[0][0, 1:].numpy() for layer in range(len(found.model.layers))
        ]
        return np.stack(outputs, 1), found.model.encode(ids)[1]


@pytest.mark.parametrize("name", ["lstm-ascii", "lstm-ascii-int8", "gru-char-tied", "rnn-byte", "lstm-bpe"])
def test_states_are_those_of_the_reference_at_every_token(name):
    outputs, last = reference(MODELS / name, SONG)
    units = [f"layers.{layer}[{unit}]" for layer in range(outputs.shape[1]) for unit in (0, 3)]
    found = epigone.look(MODELS / name, text=SONG, unit=units)
    for unit, place in zip(found.units, [(i, j) for i in range(outputs.shape[1]) for j in (0, 3)], strict=True):
        np.testing.assert_allclose(unit.values, outputs[:, place[0], place[1]], atol=1e-6)
    codec = load_checkpoint(MODELS / name).tokenizer
    assert "".join(found.tokens) == codec.decode(codec.encode(SONG))
    if len(last) == 2:
        cell = epigone.look(MODELS / name, text=SONG, unit="layers.0.cell[2]").units[0]
        for length in (1, 7, len(found.tokens)):
            state = reference(MODELS / name, "".join(found.tokens[:length]))[1]
            assert cell.values[length - 1] == pytest.approx(float(state[1][0, 0, 2]), abs=1e-6)
        assert cell.scale == pytest.approx(max(map(abs, cell.values)))


def test_words_are_tokens_and_unknown_ones_are_told():
    found = epigone.look(MODELS / "rnn_relu-word-adaptive", text="the river xyzzy")
    assert found.tokens == ["the", " river", " <unknown>"]
    assert len(found.units[0].values) == len(found.tokens)
    assert "read as unknown words: 'xyzzy'" in found.notices[0]
    unbounded = found.units[0]
    assert unbounded.scale == pytest.approx(max(map(abs, unbounded.values)))


def test_gates_are_shown_too():
    found = epigone.look(MODELS / "lstm-ascii", text=SONG, unit=["layers.0.forget[2]", "layers.1.candidate[0]"])
    assert [unit.name for unit in found.units] == ["layers.0.forget[2]", "layers.1.candidate[0]"]
    assert [unit.scale for unit in found.units] == [1, 1]
    assert 0 < min(found.units[0].values) <= max(found.units[0].values) < 1


def test_a_narrow_top_layer_shows_no_units_that_it_lacks(make_base):
    base = make_base(num_layers=2, hidden_size=2, top_size=1)
    units = {unit.name for unit in epigone.look(base, text=SONG).units}
    assert units == {"layers.0[0]", "layers.0[1]", "layers.1[0]"}


def test_without_names_the_most_varying_units_are_shown():
    outputs, _ = reference(MODELS / "lstm-ascii", SONG)
    deviations = outputs.std(axis=0)
    layer, unit = np.unravel_index(deviations.argmax(), deviations.shape)
    found = epigone.look(MODELS / "lstm-ascii", text=SONG)
    assert found.units[0].name == f"layers.{layer}[{unit}]"
    assert found.units[0].deviation == pytest.approx(deviations.max(), abs=1e-6)
    assert len(found.units) == 5
    assert "largest standard deviation" in found.notices[-1]


def test_each_document_of_a_file_begins_with_the_zero_state_and_a_long_text_is_cut(tmp_path):
    path = tmp_path / "songs.txt"
    path.write_text("the ferry\n===\nthe river runs on\n===\nnothing", encoding="utf-8")
    found = epigone.look(MODELS / "lstm-ascii", path, unit="layers.1[0]", characters=15)
    assert found.documents == [0, 9]
    assert "".join(found.tokens) == "the ferry" + "the ri"
    alone = epigone.look(MODELS / "lstm-ascii", text="the ri", unit="layers.1[0]")
    assert found.units[0].values[9:] == pytest.approx(alone.units[0].values, abs=1e-6)
    assert "The first 15 of" in found.notices[0]


def test_as_a_command(cli, tmp_path):
    words = ("look", MODELS / "lstm-ascii", "--text", SONG, "--unit", "layers.0[1]")
    shown = cli(*words)
    assert shown.status == 0, shown.err
    assert "The river ran¶" in shown.out
    assert "\x1b" not in shown.out
    assert len(json.loads(cli(*words, "--json").out)["units"][0]["values"]) == len(SONG)
    for name in ("a.png", "b.svg", "c.html"):
        assert cli(*words, "--out", tmp_path / name).status == 0
        assert (tmp_path / name).stat().st_size > 1000


def test_a_result_shows_itself():
    found = epigone.look(MODELS / "lstm-ascii", text=SONG, unit="layers.0[1]")
    assert "The river ran" in str(found)
    assert 'title="' in found._repr_html_()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "look needs one of them"),
        ({"texts": ["no such words"]}, "if these are the words to show, give them with --text"),
        ({"text": "a", "unit": "layers.9[0]"}, r"no unit layers\.9\[0\]"),
        ({"text": "a", "out": "a.pdf"}, "a.pdf; give it one of these endings"),
        ({"text": "a", "characters": 0}, "characters must be 1 or more"),
        ({"text": "\N{SNOWMAN}"}, "knows no character"),
    ],
)
def test_mistakes_are_told(options, sentence):
    with pytest.raises(UserError, match=sentence):
        epigone.look(MODELS / "gru-char-tied", *options.pop("texts", []), **options)
