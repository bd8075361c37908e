"""The native walker against the model in PyTorch, in every precision and every build."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from epigone.errors import UserError
from epigone.kernels import engine
from epigone.models.backends import walker as module
from epigone.models.backends.walker import EngineOptions, native_walker, row_scales
from epigone.models.config import ModelConfig
from epigone.models.language_model import LanguageModel

pytestmark = pytest.mark.skipif(engine() is None, reason="no native engine was compiled")

SHAPE = ModelConfig(vocabulary_size=50)
CLOSE = {"fp32": 1e-5, "bf16": 0.01, "int8": 0.03}


def make(cell="lstm", num_layers=2, hidden_size=20, vocabulary_size=50, seed=0, **shape):
    torch.manual_seed(seed)
    config = ModelConfig(cell, num_layers, hidden_size, vocabulary_size=vocabulary_size, init="uniform", **shape)
    model = LanguageModel(config, "reference").eval()
    return model, {name: weight.detach().numpy() for name, weight in model.named_parameters()}


def expected(model, tokens):
    """Compute logits (T, S, V) for ids (T, S)."""
    with torch.no_grad():
        return model(torch.from_numpy(tokens.T))[0].transpose(0, 1).numpy()


def walked(model, weights, tokens, precision, threads=1):
    walker = native_walker(model.config, weights, precision, threads)
    walker.start(tokens.shape[1])
    return np.stack([walker.step(np.ascontiguousarray(ids)) for ids in tokens])


@settings(max_examples=40)
@given(
    cell=st.sampled_from(["rnn", "lstm", "gru"]),
    num_layers=st.integers(1, 3),
    hidden_size=st.integers(1, 70),
    embedding=st.sampled_from(["none", "other", "tied"]),
    vocabulary_size=st.integers(2, 150),
    streams=st.integers(1, 9),
    threads=st.integers(1, 3),
    precision=st.sampled_from(sorted(CLOSE)),
    seed=st.integers(0, 100),
)
def test_it_equals_the_model(embedding, streams, threads, precision, seed, **shape):
    sizes = {"none": {}, "other": {"embedding_size": 7}, "tied": {"embedding_size": shape["hidden_size"], "tied": True}}
    model, weights = make(**shape, **sizes[embedding], seed=seed)
    tokens = np.random.default_rng(seed).integers(shape["vocabulary_size"], size=(6, streams))
    found, wanted = walked(model, weights, tokens, precision, threads), expected(model, tokens)
    assert np.abs(found - wanted).max() <= CLOSE[precision] * (1 + np.abs(wanted).max())


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("hidden_size", [37, 64])
def test_every_build_after_256_steps(build, cell, hidden_size):
    model, weights = make(cell, 3, hidden_size)
    tokens = np.random.default_rng(0).integers(50, size=(256, 3))
    wanted = expected(model, tokens)
    for precision, close in CLOSE.items():
        for threads in (1, 2):
            found = walked(model, weights, tokens, precision, threads)
            assert (np.abs(found - wanted) <= close + close * np.abs(wanted)).all()


@pytest.mark.parametrize("precision", sorted(CLOSE))
def test_streams_and_threads_change_no_bit(build, precision):
    model, weights = make("lstm", 2, 70)
    tokens = np.random.default_rng(0).integers(50, size=(20, 7))
    together = walked(model, weights, tokens, precision, 1)
    assert np.array_equal(walked(model, weights, tokens, precision, 3), together)
    assert np.array_equal(walked(model, weights, tokens[:, 4:5], precision, 1), together[:, 4:5])
    assert np.array_equal(walked(model, weights, tokens[:, 4:5], precision, 2), together[:, 4:5])


def test_a_large_vocabulary_is_embedded_row_by_row(monkeypatch):
    model, weights = make("gru", 2, 20, 90, embedding_size=9)
    tokens = np.random.default_rng(0).integers(90, size=(8, 3))
    by_table = walked(model, weights, tokens, "fp32")
    monkeypatch.setattr(module, "TABLE", 0)
    np.testing.assert_allclose(walked(model, weights, tokens, "fp32"), by_table, atol=1e-6)
    np.testing.assert_allclose(walked(model, weights, tokens, "bf16"), by_table, atol=0.01)


@pytest.mark.parametrize("threads", [1, 3])
def test_scores_are_the_cross_entropy_and_streams_end_from_the_last(build, threads):
    model, weights = make("lstm", 2, 20)
    draw = np.random.default_rng(0)
    tokens, targets = draw.integers(50, size=(12, 5)), draw.integers(50, size=(12, 5))
    logits = torch.from_numpy(expected(model, tokens))
    wanted = F.cross_entropy(logits.flatten(0, 1), torch.from_numpy(targets).flatten(), reduction="none").view(12, 5)
    walker = native_walker(model.config, weights, "fp32", threads)
    walker.start(5)
    for steps, streams in ((slice(0, 5), 5), (slice(5, 9), 4), (slice(9, 12), 1)):
        walker.keep(streams)
        part = [np.ascontiguousarray(ids[steps, :streams]) for ids in (tokens, targets)]
        nats, hits = walker.score(*part)
        np.testing.assert_allclose(nats, wanted[steps, :streams], atol=1e-5)
        assert np.array_equal(hits, logits[steps, :streams].argmax(-1).numpy() == part[1])


@pytest.mark.parametrize("precision", sorted(CLOSE))
@pytest.mark.parametrize("weight", ["layers.0.weight_hh", "layers.1.bias_ih", "layers.1.weight_ih", "head.bias"])
def test_nan_in_is_nan_out(build, precision, weight):
    model, weights = make("lstm", 2, 20)
    weights = {name: array.copy() for name, array in weights.items()}
    weights[weight].ravel()[:] = np.nan
    logits = walked(model, weights, np.zeros((3, 2), np.int64), precision)
    assert np.isnan(logits[-1]).all()


def test_shapes_and_ids_are_checked():
    model, weights = make()
    walker = native_walker(model.config, weights, "fp32", 1)
    walker.start(2)
    with pytest.raises(IndexError, match="The id 50 is not one of 50 tokens"):
        walker.step(np.array([0, 50]))
    with pytest.raises(ValueError, match="does not fit"):
        walker.step(np.array([0, 0, 0]))
    with pytest.raises(ValueError, match="does not fit"):
        walker.score(np.zeros((2, 2), np.int64), np.zeros((3, 2), np.int64))


def test_a_row_of_zeros_has_a_scale():
    assert row_scales(np.array([[0, 0], [-254, 1]], np.float32)).tolist() == [1, 2]


def test_what_auto_means(no_engine):
    assert EngineOptions().settled(SHAPE, "int8") == ("torch", "fp32")
    with pytest.raises(UserError, match="in fp32, not in int8; leave out --precision"):
        EngineOptions(precision="int8").settled(SHAPE, None)
    model, weights = make()
    with pytest.raises(UserError, match="no native engine, because there was no compiler"):
        native_walker(model.config, weights, "fp32", 1)


def test_what_auto_means_with_an_engine(build):
    assert EngineOptions().settled(SHAPE, None) == ("native", "fp32")
    assert EngineOptions().settled(SHAPE, "bfloat16") == ("native", "fp32")
    assert EngineOptions().settled(SHAPE, "int8") == ("native", "int8")
    assert EngineOptions("torch").settled(SHAPE, "int8") == ("torch", "fp32")


def test_no_more_threads_than_cores(monkeypatch):
    monkeypatch.setattr("epigone.models.backends.walker.cores", lambda: 4)
    assert [EngineOptions(threads=asked).threads_for(1) for asked in (0, 3, 64)] == [1, 3, 4]
    assert [EngineOptions(threads=asked).threads_for(8) for asked in (0, 3, 64)] == [4, 3, 4]


@pytest.mark.parametrize("wrong", [{"backend": "cuda"}, {"precision": "fp8"}, {"threads": -1}])
def test_options_out_of_range(wrong):
    with pytest.raises(UserError):
        EngineOptions(**wrong)
