import io
import json
import re

import pytest

from epigone.app.blocks import Columns
from epigone.app.terminal import print_blocks, write_sample
from epigone.models.files.checkpoint import load_checkpoint
from epigone.report.page import Sample
from epigone.text.tokenizers.base import VocabularyOptions
from epigone.text.tokenizers.words import WordTokenizer


@pytest.fixture
def base(make_base):
    return make_base()


@pytest.fixture
def typed(monkeypatch):
    """Type lines on standard input."""
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_texts_are_printed_with_rules_between_and_facts_on_standard_error(cli, base):
    result = cli("generate", base, "--samples", 2, "--length", 20, "--seed", 3)
    first = cli("generate", base, "--length", 20, "--seed", 3)
    texts = result.out.split("\n\n===\n\n")
    assert len(texts) == 2
    assert texts[0] == first.out.removesuffix("\n")
    assert "seed 3, 40 characters" in result.err


def test_several_temperatures_are_written_from_one_seed(cli, base):
    options = ("--length", 20, "--seed", 3, "--samples", 2)
    result = cli("generate", base, "--temperature", 0.5, 1.2, *options)
    alone = [cli("generate", base, "--temperature", each, *options).out for each in (0.5, 1.2)]
    assert alone[0] != alone[1]
    assert result.out == f"── temperature 0.5\n\n{alone[0]}\n── temperature 1.2\n\n{alone[1]}"
    figures = json.loads(cli("generate", "--temperature", 0.5, 1.2, base, *options, "--json").out)
    assert figures["temperatures"] == [0.5, 0.5, 1.2, 1.2]
    assert figures["texts"] == [text for each in alone for text in each.removesuffix("\n").split("\n\n===\n\n")]
    refused = cli("generate", base, "--temperature", 0.5, -1, *options)
    assert (refused.status, "-1.0" in refused.err) == (2, True)


def test_a_line_break_is_written_with_a_backslash(cli, base):
    options = ("--length", 200, "--seed", 3)
    [whole] = json.loads(cli("generate", base, *options, "--json").out)["texts"]
    assert "\n" in whole
    assert cli("generate", base, *options, "--stop", r"\n").out == whole.split("\n")[0] + "\n"
    for prompt, read in ((r"a\n\tb", "a\n\tb"), (r"\\n", r"\n"), (r"\x", r"\x")):
        assert cli("generate", base, "--prompt", prompt, "--length", 1, "--seed", 1).out.startswith(read)


def test_streaming_shows_the_same_text(cli, base):
    options = ("--length", 50, "--seed", 3, "--prompt", "The ")
    whole, streamed = cli("generate", base, *options), cli("generate", base, *options, "--stream")
    assert streamed.out == whole.out
    assert "seed 3, 50 characters" in streamed.err
    assert cli("generate", base, *options, "--stream", "--quiet").err == ""


def test_streaming_shows_text_before_it_is_complete(monkeypatch, base):
    from epigone.app import chat as conversing
    from epigone.generation.generate import GenerateOptions
    from epigone.generation.sampling import SamplingOptions

    shown = []
    monkeypatch.setattr(conversing, "_write", lambda sample, text: shown.append(text))
    conversing.generate(str(base), GenerateOptions(length=30), SamplingOptions(seed=3), stream=True)
    assert len(shown) > 20


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--stream", "--samples", 2], "--samples"),
        (["--stream", "--documents", 2], "--documents"),
        (["-i", "--samples", 2], "--samples"),
        (["-i", "--json"], "--json"),
        (["--stream", "--json"], "--json"),
        (["--stream", "--next", 3], "--next"),
        (["--stream", "--temperature", 0.5, 0.8], "--temperature"),
        (["-i", "--temperature", 0.5, 0.8], "--temperature"),
        (["-i", "--next", 3], "--next"),
    ],
)
def test_conflicting_options_are_refused(cli, base, typed, options, said):
    typed("")
    result = cli("generate", base, *options)
    assert result.status == 2
    assert said in result.err
    assert result.out == ""


def test_the_likeliest_next_tokens_are_a_table(cli, base):
    result = cli("generate", base, "--prompt", "The ", "--next", 3)
    lines = result.out.splitlines()
    assert lines[0].split() == ["token", "probability"]
    assert [line.split()[-1][-1] for line in lines[1:]] == ["%"] * 4  # and all others
    assert result.err == ""
    found = json.loads(cli("generate", base, "--prompt", "The ", "--next", 128, "--json").out)
    assert found["texts"] == []
    assert len(found["next"]) == 97, "all that can be shown"
    assert 0 < sum(each["probability"] for each in found["next"]) < 1, "the others have their share"
    assert {" ", "\n", "a"} < {each["token"] for each in found["next"]}
    table = cli("generate", base, "--next", 128).out
    assert all(f"\n{name} " in table for name in ("(space)", "(newline)", "(tab)", "a"))


def test_a_word_model_writes_lists_and_takes_words(cli, make_base, typed):
    tale = "The gull sleeps, and the ferry comes (twice).\nThe ferry isn't here."
    base = make_base(tokenizer=WordTokenizer.train([tale], VocabularyOptions(min_count=1)))
    result = cli("generate", base, "--prompt", "The gull", "--next", 99)
    assert "(no space)" in result.out
    assert "(space)" in result.out
    assert "<unk>" not in result.out
    assert cli("generate", base, "--prompt", "The gull", "--tokens", 5, "--seed", 1).out.startswith("The gull")
    refused = cli("generate", base, "--prompt", "The oar")
    assert refused.status == 2
    assert "words that the model" in refused.err
    typed("The gull \n")
    spoken = cli("generate", base, "-i", "--tokens", 5, "--seed", 1)
    alone = cli("generate", base, "--prompt", "The gull", "--tokens", 5, "--seed", 1).out
    assert spoken.out.rstrip("\n") == alone.rstrip("\n")


def test_a_whole_document_may_be_streamed(cli, base):
    result = cli("generate", base, "--stream", "--documents", 1, "--max-length", 30, "--seed", 1)
    assert result.status == 0
    assert result.out == cli("generate", base, "--documents", 1, "--max-length", 30, "--seed", 1).out


def test_copying_is_reported_if_the_fingerprint_is_there(cli, song_file, tmp_path):
    out = tmp_path / "m"
    assert cli("pretrain", song_file, "--out", out, "--steps", 1, "--hidden-size", 8, "--num-layers", 1).status == 0
    assert "no line and no run of 32 letters" in cli("generate", out, "--length", 200).err
    assert "too little to tell" in cli("generate", out, "--length", 10).err
    (out / "fingerprint.safetensors").unlink()
    assert "copied" not in cli("generate", out, "--length", 200).err
    assert json.loads(cli("generate", out, "--length", 20, "--json").out)["copying"] is None


def test_copied_runs_are_placed_and_underlined(cli, base, tmp_path, monkeypatch):
    [text] = json.loads(cli("generate", base, "--length", 200, "--seed", 3, "--json").out)["texts"]
    (tmp_path / "mine.txt").write_text(f"A line.\n{text[20:70]}\n", encoding="utf-8")
    options = ("--length", 200, "--seed", 3, "--corpus", tmp_path / "mine.txt")
    result = cli("generate", base, *options)
    assert result.out == text + "\n", "a pipe gets the text alone"
    assert "copied from the given text: 2" in result.err
    assert "” is in mine.txt, line 2\n" in result.err
    assert "Less is copied at a higher temperature" in result.err
    [run] = json.loads(cli("generate", base, *options, "--json").out)["copied"][0]
    assert run["start"] <= 20 < 70 <= run["end"]
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    monkeypatch.setenv("TERM", "xterm")
    shown = Screen()
    write_sample(Sample("", "one two three", copied=[(4, 7)]), shown)
    assert shown.getvalue() == "one \x1b[4mtwo\x1b[0m three\n"


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("width", "beside"), [(100, True), (60, False)])
def test_samples_stand_side_by_side_where_there_is_room(monkeypatch, width, beside):
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    monkeypatch.setattr("rich.console.Console.width", width)
    shown = Screen()
    texts = Columns([Sample("temperature 0.5", "one\n\nthree"), Sample("temperature 1", "four five", copied=[(5, 9)])])
    print_blocks([texts], shown)
    lines = [re.sub("\x1b\\[[0-9;]*m", "", line) for line in shown.getvalue().splitlines()]
    assert any(line.startswith("one") and "four five" in line for line in lines) == beside
    expected = ["──", "temperature", "0.5", "one", "three", "──", "temperature", "1", "four", "five"]
    assert sorted(" ".join(lines).split()) == sorted(expected)


def test_a_model_is_found_from_any_working_directory(cli, base, monkeypatch):
    monkeypatch.chdir(base.parent)
    assert load_checkpoint("base").folder.resolve() == base
    assert cli("generate", "base", "--length", 5).status == 0
    assert cli("generate", "./base/", "--length", 5).status == 0
