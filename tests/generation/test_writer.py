"""Texts of the native writer against texts of the stepwise writer with PyTorch."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from epigone.errors import UserError
from epigone.generation.generate import GenerateOptions, generate
from epigone.generation.sampling import SamplingOptions
from epigone.kernels import engine
from epigone.models.backends.walker import EngineOptions
from epigone.models.config import ModelConfig
from epigone.models.files.checkpoint import Checkpoint
from epigone.models.language_model import LanguageModel
from epigone.text.tokenizers.base import VocabularyOptions
from epigone.text.tokenizers.characters import AsciiTokenizer, ByteTokenizer, CharTokenizer
from epigone.text.tokenizers.subwords import SubwordTokenizer
from epigone.text.tokenizers.words import UNKNOWN, WordTokenizer

pytestmark = pytest.mark.skipif(engine() is None, reason="no native engine was compiled")

TALE = "rain, set in; the tit sat\nin (the) rain: “it” – at 5:30  한국어 江水流。 He's in. \n"
TOKENIZERS = {
    "ascii": AsciiTokenizer(),
    "byte": ByteTokenizer(),
    "char": CharTokenizer("\x03\n aeinrst한국어"),
    "word": WordTokenizer.train([TALE], VocabularyOptions(min_count=1)),
    "bpe": SubwordTokenizer.train([TALE * 3]),
}
TORCH = EngineOptions("torch")


def checkpoint(tmp_path, tokenizer="ascii", seed=0, scale=4.0, **shape):
    """A random model with distinct predictions."""
    torch.manual_seed(seed)
    codec = TOKENIZERS[tokenizer]
    sizes = {"num_layers": 2, "hidden_size": 20, "vocabulary_size": len(codec.vocabulary)}
    model = LanguageModel(ModelConfig(**sizes | shape)).eval()
    with torch.no_grad():
        model.head.weight.normal_(0, scale / 20**0.5)
    return Checkpoint(model, codec, {}, tmp_path)


# The same examples every time: once in about 100,000 draws the last bit of a sum decides.
@settings(derandomize=True, max_examples=60)
@given(
    tokenizer=st.sampled_from(sorted(TOKENIZERS)),
    cell=st.sampled_from(["rnn", "lstm", "gru"]),
    extent=st.sampled_from(
        [
            {"length": 60},
            {"length": 1},
            {"documents": 3, "max_length": 50},
            {"documents": 1, "max_length": 1},
            {"length": 80, "stop": ("e", "in", "ret")},
            {"length": 40, "samples": 5},
            {"length": 30, "samples": 2, "prompt": "rain\nset", "stop": ("\n", "aa")},
            {"tokens": 25},
            {"tokens": 1, "prompt": "rain"},
            {"tokens": 40, "samples": 3, "prompt": "rain ", "stop": ("in ", "tit\n")},
        ]
    ),
    sampling=st.sampled_from(
        [
            {},
            {"temperature": 0},
            {"temperature": 1e-6},
            {"temperature": 3.0},
            {"repetition_penalty": 1.5, "repetition_window": 3},
            {"repetition_penalty": 1.2, "top_k": 4},
            {"top_k": 1},
            {"top_p": 0.5},
            {"top_p": 0.9, "top_k": 8, "min_p": 0.02},
            {"min_p": 0.3},
        ]
    ),
    seed=st.integers(0, 10_000),
    threads=st.integers(1, 3),
)
def test_the_same_texts_as_torch(tmp_path_factory, tokenizer, cell, extent, sampling, seed, threads):
    source = checkpoint(tmp_path_factory.mktemp("model"), tokenizer, seed, cell=cell)
    options = GenerateOptions(**extent), SamplingOptions(**{"temperature": 1.0} | sampling, seed=seed)
    found, wanted = (
        generate(source, *options, EngineOptions("native", threads=threads)),
        generate(source, *options, TORCH),
    )
    assert found.texts == wanted.texts
    assert (found.endings, found.tokens, found.characters) == (wanted.endings, wanted.tokens, wanted.characters)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "int8"])
def test_same_seed_same_text(build, precision, tmp_path):
    source, options = checkpoint(tmp_path), GenerateOptions(length=300, samples=5)
    texts = {
        tuple(generate(source, options, SamplingOptions(seed=3), EngineOptions("native", precision, threads)).texts)
        for threads in (1, 2, 3, 1)
    }
    assert len(texts) == 1
    alone = GenerateOptions(length=300)
    engine = EngineOptions("native", precision, 2)
    assert generate(source, alone, SamplingOptions(seed=3), engine).texts[0] == texts.pop()[0]


@pytest.mark.parametrize("tokenizer", sorted(TOKENIZERS))
@pytest.mark.parametrize("samples", [1, 3])
def test_what_is_streamed_adds_up_to_the_texts(tmp_path, tokenizer, samples):
    pieces: dict[int, list[str]] = {}
    options = GenerateOptions(length=200, samples=samples, prompt="rain", stop=("tit", "ss"))
    found = generate(
        checkpoint(tmp_path, tokenizer),
        options,
        SamplingOptions(seed=1),
        EngineOptions(threads=2),
        stream=lambda index, text: pieces.setdefault(index, []).append(text),
    )
    assert ["".join(pieces[index]) for index in range(samples)] == found.texts
    assert all(len(texts) > 1 for texts in pieces.values())


def test_a_word_model_that_prefers_joiners_and_unknown_words_still_writes(tmp_path):
    source = checkpoint(tmp_path, "word")
    vocabulary = source.tokenizer.vocabulary
    with torch.no_grad():
        source.model.head.bias[vocabulary.index("")] = 1000
        source.model.head.bias[vocabulary.index(UNKNOWN)] = 2000
    for sampling in (SamplingOptions(seed=1), SamplingOptions(temperature=0, seed=1)):
        found, wanted = (
            generate(source, GenerateOptions(length=100), sampling, EngineOptions(name)).texts
            for name in ("native", "torch")
        )
        assert found == wanted
        assert len(found[0]) == 100
        assert UNKNOWN not in found[0]
        assert " " not in found[0].replace("  ", "").strip(), "where a space would be, a joiner was the likeliest"


@pytest.mark.parametrize("tokenizer", sorted(TOKENIZERS))
@pytest.mark.parametrize("prompt", ["", "rain", "in the"])
def test_the_likeliest_next_tokens_are_the_same(tmp_path, tokenizer, prompt):
    if tokenizer == "char" and "h" in prompt:
        prompt = "in a"
    source, options = checkpoint(tmp_path, tokenizer), GenerateOptions(prompt, next=7)
    found, wanted = (generate(source, options, running=EngineOptions(name)).next for name in ("native", "torch"))
    assert [each.token for each in found] == [each.token for each in wanted]
    assert [each.probability for each in found] == pytest.approx([each.probability for each in wanted], rel=1e-4)


@pytest.mark.parametrize("threads", [1, 2])
def test_an_exception_of_the_listener_ends_the_writing(tmp_path, threads):
    heard = []

    def listen(index, text):
        heard.append(text)
        if len(heard) == 5:
            raise ZeroDivisionError("enough")

    engine = EngineOptions(threads=threads)
    with pytest.raises(ZeroDivisionError, match="enough"):
        generate(checkpoint(tmp_path), GenerateOptions(length=10**9), SamplingOptions(seed=1), engine, stream=listen)
    assert len(heard) == 5


@pytest.mark.parametrize("threads", [1, 2])
def test_a_listener_may_write_too(tmp_path, threads):
    source, engine, seed = checkpoint(tmp_path), EngineOptions(threads=threads), SamplingOptions(seed=1)
    alone = generate(source, GenerateOptions(length=5), seed, engine).texts
    heard = []

    def listen(index, text):
        heard.append(generate(source, GenerateOptions(length=5), seed, engine).texts)

    generate(source, GenerateOptions(length=3), seed, engine, stream=listen)
    assert heard
    assert all(texts == alone for texts in heard)


def test_ctrl_c_ends_the_writing(tmp_path):
    import _thread
    import threading

    threading.Timer(0.3, _thread.interrupt_main).start()
    with pytest.raises(KeyboardInterrupt):
        generate(checkpoint(tmp_path), GenerateOptions(length=10**9), SamplingOptions(seed=1), EngineOptions("native"))


@pytest.mark.parametrize("precision", ["fp32", "bf16", "int8"])
@pytest.mark.parametrize("threads", [1, 2])
def test_weights_that_are_not_numbers(tmp_path, precision, threads):
    source = checkpoint(tmp_path)
    with torch.no_grad():
        source.model.layers[1].weight_hh.fill_(torch.nan)
    with pytest.raises(UserError, match="no usable probabilities"):
        generate(
            source, GenerateOptions(samples=2), SamplingOptions(seed=1), EngineOptions("native", precision, threads)
        )


def test_no_token_may_be_drawn(tmp_path):
    source = checkpoint(tmp_path, "char", vocabulary_size=1)
    silent = Checkpoint(source.model, CharTokenizer("\x03"), {}, tmp_path)
    with pytest.raises(UserError, match="no usable probabilities"):
        generate(silent, GenerateOptions(), SamplingOptions(seed=1), EngineOptions("native"))


def test_a_folder_needs_no_torch(make_base, no_engine, monkeypatch):
    folder = make_base()
    options = GenerateOptions(length=50), SamplingOptions(seed=1)
    by_torch = generate(folder, *options)
    monkeypatch.undo()
    engine.cache_clear()
    assert generate(folder, *options).texts == by_torch.texts


def test_logits_of_a_tie_go_to_the_lower_id(tmp_path):
    source = checkpoint(tmp_path)
    with torch.no_grad():
        for weight in source.model.parameters():
            weight.zero_()
    for sampling in (SamplingOptions(temperature=0, seed=1), SamplingOptions(top_k=1, seed=1)):
        texts = {
            generate(source, GenerateOptions(length=4), sampling, EngineOptions(name)).texts[0]
            for name in ("native", "torch")
        }
        assert len(texts) == 1
