"""A text that grows, against texts that are written in one go."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from epigone.generation.generate import GenerateOptions, generate, load_stepper
from epigone.generation.manuscript import Extent, Manuscript
from epigone.generation.sampling import SamplingOptions
from epigone.generation.stepper import TorchStepper
from epigone.models.backends.walker import EngineOptions
from epigone.models.config import ModelConfig
from epigone.models.files.checkpoint import Checkpoint
from epigone.models.language_model import LanguageModel
from epigone.text.tokenizers.base import VocabularyOptions
from epigone.text.tokenizers.characters import AsciiTokenizer, ByteTokenizer, CharTokenizer
from epigone.text.tokenizers.subwords import SubwordTokenizer
from epigone.text.tokenizers.words import WordTokenizer

TALE = "rain, set in; the tit sat\nin (the) rain: “it” – at 5:30  한국어 江水流。 He's in. \n"
TOKENIZERS = {
    "ascii": AsciiTokenizer(),
    "byte": ByteTokenizer(),
    "char": CharTokenizer("\x03\n aeinrst한국어"),
    "word": WordTokenizer.train([TALE], VocabularyOptions(min_count=1)),
    "bpe": SubwordTokenizer.train([TALE * 3]),
}


def checkpoint(folder, tokenizer="char", **shape):
    """A random model with distinct predictions, in which documents hardly end."""
    torch.manual_seed(0)
    codec = TOKENIZERS[tokenizer]
    sizes = {"num_layers": 2, "hidden_size": 20, "vocabulary_size": len(codec.vocabulary)}
    model = LanguageModel(ModelConfig(**sizes | shape)).eval()
    with torch.no_grad():
        model.head.weight.normal_(0, 4 / 20**0.5)
        model.head.bias[codec.end] = -20
    return Checkpoint(model, codec, {}, folder)


@pytest.fixture(params=["native", "torch"])
def source(request, tmp_path, build):
    made = checkpoint(tmp_path)
    stepper = load_stepper(made, EngineOptions(request.param))
    return made, Manuscript(stepper, made.tokenizer)


def sampling(seed, **rules):
    return SamplingOptions(**{"temperature": 1.0} | rules, seed=seed)


def in_one_go(source, prompt, length, options):
    return generate(source, GenerateOptions(prompt, length=length), options, EngineOptions("torch")).texts[0]


def test_what_is_written_is_what_one_go_would_have_written(source):
    model, text = source
    rules = {"repetition_penalty": 1.3, "repetition_window": 5, "top_k": 9}
    text.type("rain in ")
    text.write(sampling(1, **rules), Extent(40))
    first = text.text
    assert first == in_one_go(model, "rain in ", 40, sampling(1, **rules))
    text.write(sampling(2, **rules), Extent(40))
    assert text.text == in_one_go(model, first, 40, sampling(2, **rules))
    text.type("tin")
    before = text.text
    text.write(sampling(3), Extent(20))
    assert text.text == in_one_go(model, before, 20, sampling(3))
    assert "".join(text.written) in text.text.replace("tin", "")


def test_what_was_taken_back_leaves_no_trace(source):
    model, text = source
    text.write(sampling(1), Extent(30))
    kept = text.passages
    text.type("한국어")
    text.write(sampling(2), Extent(30))
    text.passages = kept
    again = text.write(sampling(2), Extent(30))
    assert text.text == in_one_go(model, kept[0].text, 30, sampling(2))
    text.passages = kept
    assert text.write(sampling(3), Extent(30)).text != again.text
    text.passages = (*kept, again)
    text.write(sampling(4), Extent(10))
    assert text.text == in_one_go(model, kept[0].text + again.text, 10, sampling(4))
    text.passages = ()
    text.write(sampling(1), Extent(30))
    assert text.text == kept[0].text


@settings(derandomize=True, max_examples=25)
@given(
    tokenizer=st.sampled_from(sorted(TOKENIZERS)),
    cell=st.sampled_from(["rnn", "lstm", "gru"]),
    seed=st.integers(0, 10_000),
    stop=st.sampled_from([(), ("in",), ("\n", "ta"), ("e s",)]),
    cuts=st.lists(st.integers(1, 20), min_size=1, max_size=4),
)
def test_any_tokenizer_goes_on_from_its_own_tokens(tmp_path_factory, tokenizer, cell, seed, stop, cuts):
    model = checkpoint(tmp_path_factory.mktemp("model"), tokenizer, cell=cell)
    text = Manuscript(load_stepper(model, EngineOptions()), model.tokenizer)
    heard = []
    for turn, cut in enumerate(cuts):
        text.write(sampling(seed + turn), Extent(cut), stop, heard.append)
    assert "".join(heard) == text.text
    assert all(not passage.text.count(each) for passage in text.passages for each in stop)
    read = [model.tokenizer.end, *(token for passage in text.passages for token in passage.tokens)]
    fresh = TorchStepper(model.model)
    fresh.start(1)
    for token in read:
        logits = fresh.step(torch.tensor([token]).numpy())
    assert text._here.logits == pytest.approx(logits, abs=1e-4)


def test_lines_and_stanzas_are_whole(source):
    _, text = source
    for seed in range(5):
        line = text.write(sampling(seed), Extent(2000, until="line"))
        assert line.complete
        assert line.text.endswith("\n")
        assert "\n" not in line.text.strip("\n")
        assert line.text.strip()
    stanza = text.write(sampling(9), Extent(20_000, until="stanza"))
    assert stanza.complete
    assert stanza.text.endswith("\n\n") or stanza.text.split("\n")[-2].isspace()
    assert "\n\n" not in stanza.text.strip("\n ")
    assert not text.write(sampling(1, temperature=0, top_k=1), Extent(3, until="stanza")).complete


def test_a_document_ends_with_its_symbol(tmp_path):
    model = checkpoint(tmp_path)
    with torch.no_grad():
        model.model.head.bias[model.tokenizer.end] = 1.0
    text = Manuscript(load_stepper(model, EngineOptions()), model.tokenizer)
    passage = text.write(sampling(1), Extent(10_000, until="document"))
    assert passage.complete
    assert passage.tokens[-1] == model.tokenizer.end
    assert passage.text.endswith("\n\n")
    assert text.write(sampling(2), Extent(10)).tokens[0] != model.tokenizer.end


def test_ctrl_c_keeps_what_was_written(source):
    model, text = source
    text.type("rain")
    heard = []

    def listen(piece):
        heard.append(piece)
        if len(heard) == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        text.write(sampling(1), Extent(100), listener=listen)
    assert text.text == "rain" + "".join(heard) == in_one_go(model, "rain", 7, sampling(1))
    before = text.text
    text.write(sampling(2), Extent(20))
    assert text.text == in_one_go(model, before, 20, sampling(2))


def test_words_bring_their_spaces(tmp_path):
    model = checkpoint(tmp_path, "word")
    text = Manuscript(load_stepper(model, EngineOptions()), model.tokenizer)
    text.type("the tit")
    text.type("sat")
    assert text.text == "the tit sat"
    assert text.written == []


def test_a_state_of_another_model_is_refused(tmp_path, build):
    stepper = load_stepper(checkpoint(tmp_path), EngineOptions("native"))
    stepper.start(1)
    state = stepper.state
    stepper.start(2)
    with pytest.raises(ValueError, match="as many streams"):
        stepper.state = state


def test_typing_nothing_changes_nothing(source):
    _, text = source
    text.type("")
    assert (text.text, text.passages, text.written) == ("", (), [])
