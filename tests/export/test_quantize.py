"""`quantize`: integers, their loss, and a folder that is a model like any other."""

import json

import numpy as np
import pytest
import torch

from epigone.errors import UserError
from epigone.evaluation.evaluate import evaluate
from epigone.export.quantize import corrected_biases, input_means, quantize, quantized
from epigone.generation.generate import GenerateOptions, generate
from epigone.generation.sampling import SamplingOptions
from epigone.kernels import engine
from epigone.models.backends.walker import EngineOptions
from epigone.models.files.checkpoint import load_checkpoint
from epigone.models.files.model_folder import read_folder, unscaled
from epigone.text.tokenizers.characters import CharTokenizer

native = pytest.mark.skipif(engine() is None, reason="no native engine was compiled")


@native
@pytest.mark.parametrize(
    "shape", [{}, {"embedding_size": 6}, {"embedding_size": 8, "tied": True}, {"cell": "gru", "num_layers": 3}]
)
def test_a_quantised_model_is_a_model(make_base, song_file, tmp_path, shape):
    base = make_base(**shape)
    found = quantize(base, song_file, out=tmp_path / "small")
    assert found.megabytes < 0.6 * found.base_megabytes
    assert abs(found.difference) < 0.02
    assert found.interval[0] < found.difference < found.interval[1]
    assert found.base_loss == pytest.approx(evaluate(base, song_file).loss)
    assert found.loss == evaluate(tmp_path / "small", song_file).loss
    assert found.loss != evaluate(tmp_path / "small", song_file, running=EngineOptions(precision="fp32")).loss
    expected = load_checkpoint(base).model.state_dict()
    largest = max(weight.abs().max() for weight in expected.values())
    for name, weight in load_checkpoint(tmp_path / "small").model.state_dict().items():
        if weight.ndim == 1:
            continue
        assert (weight - expected[name]).abs().max() <= largest / 127 / 2 + 1e-6


@native
def test_it_writes_in_int8_by_itself_and_says_what_it_lost(make_base, song_file, tmp_path):
    base, small = make_base(), tmp_path / "small"
    found = quantize(base, out=small)
    assert found.text == "what the model itself wrote"
    assert found.tokens > 20_000
    options = GenerateOptions(length=100), SamplingOptions(seed=1)
    by_default = generate(small, *options)
    assert by_default.texts == generate(small, *options, EngineOptions(precision="int8")).texts
    card = (small / "README.md").read_text()
    assert f"in fp32: {found.difference:+.5f} [" in card
    assert json.loads((small / "config.json").read_text())["dtype"] == "int8"
    assert str(tmp_path) not in card


def test_each_row_has_a_scale_and_what_is_looked_up_has_none(make_base):
    weights = read_folder(make_base(num_layers=2)).weights()
    weights["layers.0.weight_hh"][3] = 0
    found = quantized(weights)
    assert found["layers.0.weight_ih"].dtype == np.float16
    assert "layers.0.weight_ih.scale" not in found
    assert found["layers.0.weight_hh.scale"][3] == 1
    assert (np.abs(found["layers.1.weight_ih"]).max(axis=1) == 127).all()
    assert found["head.bias"].dtype == np.float32


@pytest.mark.parametrize("shape", [{}, {"embedding_size": 6}, {"embedding_size": 8, "tied": True}])
def test_biases_make_up_for_the_mean_of_what_rounding_changes(make_base, shape):
    model = load_checkpoint(make_base(**shape)).model
    weights = read_folder(make_base("again", **shape)).weights()
    ids = np.random.default_rng(0).integers(128, size=(40, 6))
    means = input_means(model, ids)
    outputs = model.encode(torch.from_numpy(ids.T.copy()), stop=2)[0]
    np.testing.assert_allclose(means["head.weight"], outputs.detach().mean(dim=(0, 1)), atol=1e-6)
    rounded = unscaled(quantized(weights))
    biases = corrected_biases(weights, rounded, means)
    head = "head.weight" if "head.weight" in weights else "embedding.weight"
    before = weights[head] @ means["head.weight"] + weights["head.bias"]
    after = rounded[head] @ means["head.weight"] + biases["head.bias"]
    np.testing.assert_allclose(after, before, atol=1e-6)
    names = {f"layers.{layer}.bias_{kind}" for layer in (0, 1) for kind in ("ih", "hh")} | {"head.bias"}
    assert biases.keys() == names - (set() if shape else {"layers.0.bias_ih"})


@native
def test_bad_input(make_base, song_file, tmp_path):
    base = make_base()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").write_text("a")
    with pytest.raises(UserError, match="full is not empty"):
        quantize(base, out=tmp_path / "full")
    with pytest.raises(UserError, match=r"head\.bias holds numbers that are not finite"):
        quantize(_broken(make_base), out=tmp_path / "out")
    (tmp_path / "short.txt").write_text("A line that is not much of a text.\n" * 3)
    with pytest.raises(UserError, match="too short to measure on: it needs 5 documents, or 10,000 characters"):
        quantize(base, tmp_path / "short.txt", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_an_engine_int8_cannot_be_measured(make_base, no_engine, tmp_path):
    with pytest.raises(UserError, match="no native engine"):
        quantize(make_base(), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def _broken(make_base):
    from epigone.models.files.checkpoint import save_weights

    folder = make_base("broken", tokenizer=CharTokenizer("\x03ab"))
    model = load_checkpoint(folder).model
    with torch.no_grad():
        model.head.bias.fill_(torch.nan)
    save_weights(folder, model)
    return folder


@native
def test_as_a_command(cli, make_base, song_file, tmp_path):
    result = cli("quantize", make_base(), song_file, "--out", tmp_path / "small")
    assert (result.status, "difference" in result.out) == (0, True)
    result = cli("quantize", make_base("b"), song_file, "--out", tmp_path / "other", "--json")
    assert json.loads(result.out)["model"] == str(tmp_path / "other")
