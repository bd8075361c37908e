"""`generate` with a scripted model and with a small random one."""

import json
import subprocess
import sys
import time
from dataclasses import asdict

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from epigone.errors import UserError
from epigone.evaluation.fingerprint_file import save_fingerprints
from epigone.evaluation.memorisation import Fingerprint
from epigone.generation import writer
from epigone.generation.generate import GenerateOptions, generate
from epigone.generation.sampling import SamplingOptions
from epigone.models.config import ModelConfig
from epigone.models.files.checkpoint import Checkpoint
from epigone.models.language_model import LanguageModel
from epigone.text.tokenizers.base import VocabularyOptions
from epigone.text.tokenizers.characters import AsciiTokenizer, ByteTokenizer, CharTokenizer
from epigone.text.tokenizers.words import UNKNOWN, WordTokenizer

END = "\x03"
GREEDY = SamplingOptions(temperature=0, seed=1)


class Script:
    """A stepper that likes given tokens, one list for each sample, and then 'z' for ever.

    Greedily taken: the scripted token has the logit 99, all others 1, the end symbol less.
    """

    def __init__(self, *scripts, skip=1, vocabulary_size=128):
        self.scripts = [[ord(c) if isinstance(c, str) else c for c in script] for script in scripts]
        self.skip = skip  # steps that only read: the end symbol and the prompt
        self.vocabulary_size = vocabulary_size
        self.started = []
        self.read = []

    def start(self, num_streams):
        self.started.append(num_streams)

    def step(self, tokens):
        self.read.append(tokens.tolist())
        logits = np.ones((len(tokens), self.vocabulary_size), np.float32)
        logits[:, ord(END)] = -9
        place = len(self.read) - self.skip
        for row, script in zip(logits, self.scripts, strict=True):
            row[script[place] if 0 <= place < len(script) else min(ord("z"), len(row) - 1)] = 99
        return logits


def checkpoint(tmp_path, tokenizer=None, model=None):
    return Checkpoint(model, tokenizer or AsciiTokenizer(), {}, tmp_path)  # type: ignore[arg-type]


def listen(pieces):
    return lambda index, text: pieces.setdefault(index, []).append(text)


@pytest.fixture
def small(tmp_path):
    torch.manual_seed(0)
    model = LanguageModel(ModelConfig(num_layers=2, hidden_size=8, vocabulary_size=128))
    return checkpoint(tmp_path, model=model.eval())


# The model's input, and the end of a text


def test_a_text_begins_with_the_end_symbol_and_the_prompt(tmp_path):
    script = Script("llo there", skip=3)
    result = generate(checkpoint(tmp_path), GenerateOptions("He", length=5), GREEDY, stepper=script)
    assert result.texts == ["Hello t"]
    assert script.started == [1]
    assert [chr(row[0]) for row in script.read] == [END, *"Hello "]
    assert (result.characters, result.tokens, result.endings) == (5, 5, ["length"])


def test_length_continues_over_the_end_of_a_document(tmp_path):
    script = Script(f"one{END}two{END}")
    result = generate(checkpoint(tmp_path), GenerateOptions(length=9), GREEDY, stepper=script)
    assert result.texts == ["one\n\ntwo\n"]
    assert result.endings == ["length"]


def test_a_document_is_never_empty(tmp_path):
    script = Script(f"{END}a{END}{END}b")
    result = generate(checkpoint(tmp_path), GenerateOptions(length=6), GREEDY, stepper=script)
    # Without the end symbol, the greedy choice among equals is the lowest printable id.
    assert result.texts == ["\ta\n\n\tb"]


def test_documents_run_to_their_end(tmp_path):
    script = Script(f"short{END}", f"a longer one{END}", "endless")
    pieces = {}
    options = GenerateOptions(documents=3, max_length=20)
    result = generate(checkpoint(tmp_path), options, GREEDY, stepper=script, stream=listen(pieces))
    assert result.texts == ["short", "a longer one", "endless".ljust(20, "z")]
    assert result.endings == ["end", "end", "length"]
    assert ["".join(pieces[i]) for i in range(3)] == result.texts
    assert result.tokens == 6 + 13 + 20


def test_control_characters_are_never_shown(small):
    options = GenerateOptions(length=300, samples=3)
    result = generate(small, options, SamplingOptions(temperature=3, seed=4))
    assert {c for text in result.texts for c in text} <= {"\n", "\t", *map(chr, range(32, 127))}


# Stop strings and streaming


def test_a_stop_string_is_cut_off_and_never_streamed(tmp_path):
    pieces = {}
    script = Script("la END of EN the END.")
    options = GenerateOptions(length=50, stop=("the END", "###"))
    result = generate(checkpoint(tmp_path), options, GREEDY, stepper=script, stream=listen(pieces))
    assert result.texts == ["la END of EN "]
    assert result.endings == ["stop"]
    assert "".join(pieces[0]) == result.texts[0]
    assert pieces[0][:3] == ["l", "a", " "]  # text that cannot become a stop string is shown at once


def test_what_was_held_back_is_shown_at_the_end(tmp_path):
    script = Script("abcab")
    options = GenerateOptions(length=5, stop=("abX",))
    assert generate(checkpoint(tmp_path), options, GREEDY, stepper=script).texts == ["abcab"]


def test_a_blank_line_between_documents_can_stop(tmp_path):
    script = Script(f"one{END}two")
    options = GenerateOptions(length=9, stop=("\n\n",))
    assert generate(checkpoint(tmp_path), options, GREEDY, stepper=script).texts == ["one"]


def test_the_prompt_is_not_searched_for_stop_strings(tmp_path):
    script = Script("bc b", skip=3)
    options = GenerateOptions("ab", length=4, stop=("ab", "bb"))
    assert generate(checkpoint(tmp_path), options, GREEDY, stepper=script).texts == ["abbc b"]


@settings(deadline=None, max_examples=300)
@given(
    text=st.text("ab", min_size=1, max_size=15),
    stops=st.lists(st.text("ab", min_size=1, max_size=4), max_size=3),
    length=st.integers(1, 15),
)
def test_stop_strings_against_brute_force(tmp_path_factory, text, stops, length):
    text = text.ljust(15, "z")[:length]
    expected = text
    for n in range(1, len(text) + 1):
        found = [text[:n].find(stop) for stop in stops if stop in text[:n]]
        if found:
            expected = text[: min(found)]
            break
    pieces = {0: []}
    options = GenerateOptions(length=length, stop=tuple(stops))
    folder = checkpoint(tmp_path_factory.getbasetemp())
    result = generate(folder, options, GREEDY, stepper=Script(text), stream=listen(pieces))
    assert result.texts == [expected]
    assert "".join(pieces[0]) == expected


def test_the_prompt_is_streamed_first_and_samples_are_told_apart(tmp_path):
    pieces = {}
    script = Script("abc", "xyz", skip=4)
    options = GenerateOptions("Oh ", length=3, samples=2)
    result = generate(checkpoint(tmp_path), options, GREEDY, stepper=script, stream=listen(pieces))
    assert pieces == {0: ["Oh ", "a", "b", "c"], 1: ["Oh ", "x", "y", "z"]}
    assert result.texts == ["Oh abc", "Oh xyz"]


def test_characters_of_several_bytes_are_streamed_whole(tmp_path):
    text = "né 한국 😀."
    script = Script([*text.encode()], vocabulary_size=256)
    pieces = {}
    result = generate(
        checkpoint(tmp_path, ByteTokenizer()),
        GenerateOptions(length=len(text)),
        GREEDY,
        stepper=script,
        stream=listen(pieces),
    )
    assert pieces[0] == list(text)
    assert result.texts == [text]
    assert result.tokens == len(text.encode())


@settings(deadline=None)
@given(st.lists(st.sampled_from(np.flatnonzero(ByteTokenizer().printable).tolist()), min_size=1, max_size=12))
def test_broken_bytes_read_as_the_tokenizer_reads_them(tmp_path_factory, data):
    folder = checkpoint(tmp_path_factory.getbasetemp(), ByteTokenizer())
    script = Script([*data, 3], vocabulary_size=256)
    pieces = {0: []}
    options = GenerateOptions(documents=1)
    result = generate(folder, options, GREEDY, stepper=script, stream=listen(pieces))
    assert result.texts == [ByteTokenizer().decode(data)] == ["".join(pieces[0])]


def test_any_alphabet(tmp_path):
    tokenizer = CharTokenizer.train(["바람이 분다"])
    ids = tokenizer.encode("분다").tolist()
    script = Script([*ids, tokenizer.end], skip=5, vocabulary_size=len(tokenizer.vocabulary))
    options = GenerateOptions("바람이 ", documents=1)
    assert generate(checkpoint(tmp_path, tokenizer), options, GREEDY, stepper=script).texts == ["바람이 분다"]


# Words


TALE = "The gull sleeps, and the ferry comes (twice). “Oars up!”\nThe ferry isn't here:30 5"
WORDS = WordTokenizer.train([TALE], VocabularyOptions(min_count=1))


def says(*tokens, skip=1):
    return Script([WORDS.vocabulary.index(token) for token in tokens], skip=skip, vocabulary_size=len(WORDS.vocabulary))


def written(tmp_path, script, pieces=None, **options):
    listener = None if pieces is None else listen(pieces)
    source = checkpoint(tmp_path, WORDS)
    return generate(source, GenerateOptions(**options), GREEDY, stepper=script, stream=listener)


def test_words_bring_their_spaces_along(tmp_path):
    tokens = ["The", "gull", ",", "(", "ferry", ")", ".", "\n", "“", "Oars", "”", "5", ":", "", "30", " ", " ", "The"]
    pieces = {}
    result = written(tmp_path, says(*tokens), pieces, tokens=len(tokens))
    assert result.texts == ["The gull, (ferry).\n“Oars” 5:30  The"]
    assert pieces[0][:5] == ["The", " gull", ",", " (", "ferry"]
    assert "".join(pieces[0]) == result.texts[0]
    assert (result.tokens, result.endings) == (len(tokens), ["length"])


def test_the_first_word_goes_on_from_the_prompt(tmp_path):
    assert written(tmp_path, says("ferry", skip=2), prompt="The", tokens=1).texts == ["The ferry"]
    assert written(tmp_path, says(",", skip=2), prompt="The", tokens=1).texts == ["The,"]
    assert written(tmp_path, says("ferry", skip=2), prompt="The ", tokens=1).texts == ["The ferry"]
    assert written(tmp_path, says("ferry", skip=2), prompt="The\n"[:3], tokens=1).options.prompt == "The"
    assert written(tmp_path, says("The", skip=3), prompt="The\n", tokens=1).texts == ["The\nThe"]


def test_a_text_of_words_may_end_within_one(tmp_path):
    tokens = ["The", "gull", "sleeps"]
    assert written(tmp_path, says(*tokens), length=10).texts == ["The gull s"]
    assert written(tmp_path, says(*tokens), length=50, stop=("ll sl",)).texts == ["The gu"]
    assert written(tmp_path, says(*tokens), length=50, stop=("kn",)).endings == ["length"], "unknown words may stop it"


def test_documents_of_words_are_apart(tmp_path):
    tokens = ["The", "gull", END, "The", "ferry"]
    assert written(tmp_path, says(*tokens), tokens=5).texts == ["The gull\n\nThe ferry"]
    assert written(tmp_path, says(*tokens), documents=1).texts == ["The gull"]


def test_unknown_words_of_a_prompt_are_named(tmp_path):
    with pytest.raises(
        UserError, match=r"The prompt 'The oar, the gull.*' has words that the model .* not know: 'oar'"
    ):
        written(tmp_path, says(), prompt="The oar, the gull sleeps and sleeps and sleeps")


def test_any_model_writes_a_number_of_tokens(tmp_path):
    result = generate(checkpoint(tmp_path), GenerateOptions(tokens=3), GREEDY, stepper=Script(f"a{END}bc"))
    assert (result.texts, result.tokens, result.characters) == (["a\n\nb"], 3, 4)


# The likeliest next tokens


def test_the_likeliest_tokens_are_listed_instead_of_texts(tmp_path):
    class Likes(Script):
        def step(self, tokens):
            super().step(tokens)
            logits = np.full((1, 128), -np.inf, np.float32)
            logits[0, [ord("a"), ord(" "), ord("b"), 0, 3]] = np.log([0.4, 0.1, 0.2, 0.2, 0.1])
            return logits

    script = Likes("")
    result = generate(
        checkpoint(tmp_path), GenerateOptions("xy", next=2), SamplingOptions(temperature=9), stepper=script
    )
    assert script.read == [[3], [ord("x")], [ord("y")]]
    assert [each.token for each in result.next] == ["a", "b"]
    # Control characters and the end symbol are hidden, but have their share; the temperature has no effect.
    assert [each.probability for each in result.next] == pytest.approx([0.4, 0.2])
    assert (result.texts, result.endings, result.characters, result.copying) == ([], [], 0, None)
    assert json.loads(json.dumps(asdict(result)))["next"][1]["token"] == "b"


def test_a_word_model_lists_the_tokens_that_may_follow(tmp_path):
    def listed(prompt, skip):
        return {each.token for each in written(tmp_path, says(skip=skip), prompt=prompt, next=999).next}

    words = set(WORDS.vocabulary) - {END, UNKNOWN, ""}
    assert listed("The", 2) == words | {"(no space)"}
    assert listed("The\n", 3) == words, "no space would be there"


# Seeds


def test_same_seed_same_text(small):
    options = GenerateOptions("A", length=60, samples=3)
    first, again, other = (generate(small, options, SamplingOptions(seed=s)) for s in (7, 7, 8))
    assert first.texts == again.texts
    assert not set(first.texts) & set(other.texts)
    assert len(set(first.texts)) == 3


def test_a_sample_does_not_depend_on_the_others(small, monkeypatch):
    options = GenerateOptions(length=40, samples=5)
    together = generate(small, options, SamplingOptions(seed=7)).texts
    assert generate(small, GenerateOptions(length=40), SamplingOptions(seed=7)).texts == together[:1]
    monkeypatch.setattr(writer, "BATCH", 2)
    assert generate(small, options, SamplingOptions(seed=7)).texts == together


def test_a_seed_is_drawn_and_reported(small):
    options = GenerateOptions(length=40)
    first, second = generate(small, options), generate(small, options)
    assert first.sampling.seed != second.sampling.seed
    assert generate(small, options, first.sampling).texts == first.texts


def test_the_repetition_penalty_reaches_back_as_far_as_its_window(tmp_path):
    def written(**changes):
        script = Script("aaaa", skip=2)
        sampling = SamplingOptions(temperature=0, seed=1, **changes)
        options = GenerateOptions("a", length=4)
        return generate(checkpoint(tmp_path), options, sampling, stepper=script).texts[0]

    assert written() == "aaaaa"
    assert written(repetition_penalty=98.0) == "aaaaa"
    # Now the logit 99 falls below the 1 of the other tokens, and the greedy choice is the lowest of those.
    assert written(repetition_penalty=100.0, repetition_window=1) == "a\ta\ta"
    assert written(repetition_penalty=100.0, repetition_window=3) == "a\t\n a"
    assert written(repetition_penalty=100.0, repetition_window=64) == "a\t\n !"


# Reports and refusals


def test_the_result_is_json_and_measures_copying_without_the_prompt(tmp_path):
    source = "Below the mill the river turns and leaves its silver on the stones."
    sources = {"target": [source], "base": ["Nothing of the kind was ever written there."]}
    fingerprints = {name: Fingerprint.build(texts) for name, texts in sources.items()}
    save_fingerprints(tmp_path / "fingerprint.safetensors", fingerprints)
    script = Script(source[20:60] + "!", skip=21)
    options = GenerateOptions(source[:20], length=41)
    result = generate(checkpoint(tmp_path), options, GREEDY, stepper=script)
    data = json.loads(json.dumps(asdict(result)))
    assert data["texts"] == [source[:60] + "!"]
    assert data["copying"]["target"]["longest_run"] == 39  # not the space before the first letter
    assert data["copying"]["target"]["share"] == 39 / 41
    assert data["copying"]["base"]["longest_run"] == 0
    assert data["sampling"]["seed"] == 1
    assert data["options"]["prompt"] == source[:20]


def test_reading_the_prompt_is_not_writing(tmp_path):
    class Slow(Script):
        def step(self, tokens):
            if len(self.read) < self.skip:
                time.sleep(0.02)
            return super().step(tokens)

    result = generate(checkpoint(tmp_path), GenerateOptions("x" * 19, length=9), GREEDY, stepper=Slow("y", skip=20))
    assert result.seconds < 0.2


def test_without_a_fingerprint_copying_is_not_measured(small):
    assert generate(small, GenerateOptions(length=5)).copying is None


def test_the_prompt_is_normalised_as_the_tokenizer_does(tmp_path, caplog):
    caplog.set_level("INFO", "epigone")
    script = Script("!", skip=5)
    result = generate(checkpoint(tmp_path), GenerateOptions("café", length=1), GREEDY, stepper=script)
    assert result.texts == ["cafe!"]
    assert result.options.prompt == "cafe"
    assert "'cafe'" in caplog.text


@pytest.mark.parametrize("changes", [{"prompt": "aXbYa"}, {"stop": ("X", "Y")}])
def test_unknown_characters_are_named(tmp_path, changes):
    (role,) = changes
    tokenizer = CharTokenizer.train(["ab"])
    with pytest.raises(UserError, match=rf"{role}.*'X' \(U\+0058\)") as caught:
        generate(checkpoint(tmp_path, tokenizer), GenerateOptions(**changes), GREEDY, stepper=Script())
    assert str(tmp_path) in str(caught.value)


def test_temperatures_may_be_a_list(small):
    options = GenerateOptions(length=20, samples=2)
    both = generate(small, options, SamplingOptions(temperature=[0.5, 1.2], seed=1))
    alone = [generate(small, options, SamplingOptions(temperature=each, seed=1)) for each in (0.5, 1.2)]
    assert both.texts == alone[0].texts + alone[1].texts
    assert both.temperatures == [0.5, 0.5, 1.2, 1.2]
    assert both.characters == 80
    assert SamplingOptions(temperature=[0.5]) == SamplingOptions(temperature=0.5)
    for wrong in ([], [0.5, -1.0]):
        with pytest.raises(UserError, match="temperature"):
            SamplingOptions(temperature=wrong)


def test_one_stop_string_need_not_be_in_a_list():
    assert GenerateOptions(stop="END").stop == ("END",)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"length": 0},
        {"samples": 0},
        {"max_length": 0},
        {"documents": -1},
        {"documents": 2, "samples": 2},
        {"stop": ("a", "")},
        {"tokens": -1},
        {"tokens": 3, "documents": 2},
        {"tokens": 3, "length": 1000},
        {"next": 3, "length": 20},
        {"documents": 3, "length": 20},
        {"next": -1},
        {"next": 3, "samples": 2},
        {"next": 3, "tokens": 2},
        {"next": 3, "documents": 2},
        {"next": 3, "stop": ("a",)},
    ],
)
def test_options_that_make_no_sense_get_a_sentence(changes):
    with pytest.raises(UserError, match=r"\.$"):
        GenerateOptions(**changes)


def test_torch_is_not_imported_before_it_is_needed():
    code = "import sys, epigone.generation.generate; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
