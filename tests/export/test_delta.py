"""A retrained model as what differs from its base."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.numpy import load_file, save_file

import epigone
from epigone.errors import UserError
from epigone.models.files.checkpoint import load_checkpoint
from epigone.models.files.delta import applied, differences
from epigone.models.files.description import WEIGHTS, read_config, weights_hash
from epigone.models.files.model_folder import read_folder
from epigone.storage import write_json

RECIPE = epigone.FinetuneOptions(lr=0.1, steps=8, schedule="constant", patience=0)


@pytest.fixture
def retrained(make_base, song_file, tmp_path):
    """The folder of a base and that of a model with a few other weights."""
    base = make_base()
    epigone.finetune(base, song_file, out=tmp_path / "mine", train="layers.1[2]", head=False, training=RECIPE)
    return base, tmp_path / "mine"


@pytest.mark.parametrize("part", ["layers.1[forget]", "weights(random=1%)", "all", "layers.0.bias_hh", 'head["e"]'])
def test_a_delta_is_the_same_model(make_base, song_file, tmp_path, part):
    base = make_base()
    epigone.finetune(base, song_file, out=tmp_path / "mine", train=part, head=False, training=RECIPE)
    made = epigone.delta(tmp_path / "mine", out=tmp_path / "small")
    whole, small = read_folder(tmp_path / "mine").weights(), read_folder(tmp_path / "small").weights()
    assert whole.keys() == small.keys()
    assert all(np.array_equal(whole[name].view(np.int32), small[name].view(np.int32)) for name in whole)
    assert epigone.evaluate(tmp_path / "small", song_file).loss == epigone.evaluate(tmp_path / "mine", song_file).loss
    texts = [epigone.generate(tmp_path / name, length=20, seed=1).texts for name in ("small", "mine")]
    assert texts[0] == texts[1]
    before = read_folder(base).weights()
    assert made.weights >= sum(int((whole[name] != before[name]).sum()) for name in whole) > 0
    if part != "all":
        assert made.kilobytes < made.whole_kilobytes / 2


numbers = arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.floats(width=32))


@given(weights=numbers, data=st.data())
def test_every_bit_comes_back(weights, data):
    mask = data.draw(arrays(np.bool_, weights.shape))
    base = np.where(mask, np.float32(1.5), weights)
    stored = differences({"a": weights, "b": weights}, {"a": base, "b": weights})
    found = applied(stored, {"a": base, "b": weights}, "x")
    assert np.array_equal(found["a"].view(np.int32), weights.view(np.int32))
    assert found["b"] is weights


def test_a_new_vocabulary_is_stored_whole(make_base, song_file, tmp_path):
    base = make_base()
    epigone.finetune(
        base, song_file, out=tmp_path / "mine", train="layers.1.bias_hh", tokenizer="char", training=RECIPE
    )
    epigone.delta(tmp_path / "mine", out=tmp_path / "small")
    stored = load_file(tmp_path / "small" / "model.safetensors")
    assert "layers.0.weight_ih" in stored
    assert "layers.0.weight_hh" not in stored
    assert epigone.evaluate(tmp_path / "small", song_file).loss == epigone.evaluate(tmp_path / "mine", song_file).loss


def test_a_delta_can_be_retrained_and_both_folders_can_move(retrained, song_file, tmp_path):
    base, mine = retrained
    epigone.delta(mine, out=tmp_path / "a" / "small")
    (tmp_path / "elsewhere").mkdir()
    shutil.move(base, tmp_path / "elsewhere" / base.name)
    shutil.move(tmp_path / "a", tmp_path / "elsewhere" / "a")
    small = tmp_path / "elsewhere" / "a" / "small"
    assert load_checkpoint(small).model is not None
    epigone.finetune(small, song_file, out=tmp_path / "next", train="layers.0[1]", head=False, training=RECIPE)
    epigone.delta(tmp_path / "next", out=tmp_path / "elsewhere" / "second")
    assert read_config(tmp_path / "elsewhere" / "second")["delta"]["base"] == f"../{base.name}"
    assert load_checkpoint(tmp_path / "elsewhere" / "second").model is not None
    epigone.quantize(small, song_file, out=tmp_path / "int8")
    assert "delta" not in read_config(tmp_path / "int8")


def test_what_is_missing_or_another_is_told(retrained, song_file, tmp_path):
    base, mine = retrained
    small = tmp_path / "small"
    epigone.delta(mine, out=small)
    with pytest.raises(UserError, match="not made by finetune, so its base is not known; name one with --base"):
        epigone.delta(base, out=tmp_path / "x")
    with pytest.raises(UserError, match="Choose another folder"):
        epigone.delta(mine, out=small)
    weights = load_file(base / "model.safetensors")
    save_file({name: weight + 1 for name, weight in weights.items()}, base / "model.safetensors")
    with pytest.raises(UserError, match=r"small holds only what differs .* another model than the one whose weights"):
        read_folder(small).weights()
    with pytest.raises(UserError, match="another model than the one that was retrained"):
        epigone.delta(mine, out=tmp_path / "x")
    shutil.rmtree(base)
    with pytest.raises(UserError, match="is not there; put it there: the one whose weights have a sha256"):
        read_folder(small).weights()


def test_damage_is_told(retrained, tmp_path):
    mine = retrained[1]
    epigone.delta(mine, out=tmp_path / "small")
    path = tmp_path / "small" / "model.safetensors"
    stored = load_file(path)
    config = read_config(tmp_path / "small")
    name = "layers.1.bias_hh.places"
    for places in (stored[name] + 10**6, stored[name] - 100, stored[name][:-1]):
        save_file(stored | {name: places}, path)
        write_json(tmp_path / "small" / "config.json", config | {WEIGHTS: weights_hash(tmp_path / "small")})
        with pytest.raises(UserError, match=r"what it holds of layers.1.bias_hh does not fit the base"):
            read_folder(tmp_path / "small").weights()
    save_file(stored | {"layers.9.x": stored["layers.1.bias_hh.values"]}, path)
    write_json(tmp_path / "small" / "config.json", config | {WEIGHTS: weights_hash(tmp_path / "small")})
    with pytest.raises(UserError, match=r"layers.9.x is not part of the model"):
        read_folder(tmp_path / "small").weights()
    write_json(tmp_path / "small" / "config.json", config | {"delta": {"base": 3}})
    with pytest.raises(UserError):
        read_folder(tmp_path / "small")


def test_a_delta_of_itself_is_no_model(retrained, tmp_path):
    epigone.delta(retrained[1], out=tmp_path / "small")
    config = read_config(tmp_path / "small")
    write_json(
        tmp_path / "small" / "config.json",
        config | {"delta": {"base": ".", "sha256": weights_hash(tmp_path / "small")}},
    )
    with pytest.raises(UserError, match="no whole model"):
        read_folder(tmp_path / "small").weights()


def test_the_command_says_how_small(cli, retrained, tmp_path):
    outcome = cli("delta", retrained[1], "--out", tmp_path / "small", "--json")
    assert outcome.status == 0
    assert json.loads(outcome.out)["kilobytes"] < 5
    assert "numbers beside the" in cli("delta", retrained[1], "--out", tmp_path / "other").out


def test_a_damaged_adapter_is_told(retrained, tmp_path):
    (retrained[1] / "adapter.safetensors").write_bytes(b"no tensors")
    with pytest.raises(UserError, match=r"adapter\.safetensors is damaged"):
        epigone.delta(retrained[1], out=tmp_path / "small")
