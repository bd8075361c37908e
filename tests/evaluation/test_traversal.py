"""The path of a model through a text: windows that count each target once, and outputs of lower layers."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from epigone.evaluation import traversal
from epigone.evaluation.losses import document_losses
from epigone.evaluation.traversal import layer_outputs, segments
from epigone.models.config import ModelConfig
from epigone.models.language_model import LanguageModel
from epigone.text.corpus import Corpus
from epigone.text.streams import token_stream
from epigone.text.tokenizers.characters import AsciiTokenizer

ASCII = AsciiTokenizer()


def stream_of(texts, tokenizer=ASCII):
    return token_stream(([text] for text in texts), tokenizer)


def make(seed=0, **shape):
    torch.manual_seed(seed)
    return LanguageModel(ModelConfig(**{"num_layers": 2, "hidden_size": 8, "vocabulary_size": 128} | shape))


@pytest.fixture
def songs(song_file):
    corpus = Corpus.open(song_file, split=None)
    return [corpus.text(i) for i in range(len(corpus.names))]


@settings(max_examples=50)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=9), st.integers(1, 20), st.integers(0, 20))
def test_every_target_counts_in_one_segment(lengths, window, warm_up):
    stream = stream_of(["a" * length for length in lengths])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(traversal, "WINDOW", window)
        patch.setattr(traversal, "WARM_UP", warm_up)
        found = segments(stream)
    counted = sorted(position for s in found for position in range(s.start, s.stop))
    assert counted == list(range(len(stream)))
    for s in found:
        begin = stream.offsets[s.document]
        assert begin <= s.warm <= s.start < s.stop <= stream.offsets[s.document + 1]
        assert s.warm == max(begin, s.start - warm_up)
    sizes = [s.stop - s.warm for s in found]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("stop", [1, 2])
def test_outputs_of_lower_layers_can_be_kept(monkeypatch, songs, stop):
    monkeypatch.setattr(traversal, "WINDOW", 70)
    monkeypatch.setattr(traversal, "WARM_UP", 40)
    model, stream = make(num_layers=3), stream_of(songs)
    features = layer_outputs(model, stream, stop)
    assert features.shape == (len(stream), 8)
    whole = document_losses(model, stream)
    upper = document_losses(model, stream, features, stop)
    # Near, not equal: the kept outputs stem from warmed windows, and the upper layers warm up on them again.
    assert upper.loss == pytest.approx(whole.loss, abs=1e-4)
    begin, end = stream.offsets[5:7]
    expected, _ = model.eval().encode(torch.tensor(stream.inputs[begin:end].astype(np.int64))[None], stop=stop)
    np.testing.assert_allclose(features[begin : begin + 70], expected[0, :70].detach().numpy(), rtol=1e-4, atol=1e-6)
