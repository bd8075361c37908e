"""The prompt and the stop strings as the tokenizer reads them."""

from pathlib import Path

import pytest

from epigone.errors import UserError
from epigone.generation.prompt import normalised_prompt, read_prompt, read_stop
from epigone.text.tokenizers.base import VocabularyOptions
from epigone.text.tokenizers.characters import AsciiTokenizer, CharTokenizer
from epigone.text.tokenizers.words import WordTokenizer

MODEL = Path("some/model")
WORDS = WordTokenizer.train(["The gull sleeps."], VocabularyOptions(min_count=1))


def test_spaces_at_the_end_stay_unless_words_bring_their_own():
    assert normalised_prompt("The gull  ", AsciiTokenizer()) == "The gull  "
    assert normalised_prompt("The gull  ", WORDS) == "The gull"


@pytest.mark.parametrize("read", [read_prompt, read_stop])
def test_a_change_of_the_text_is_told(read, caplog):
    caplog.set_level("INFO", "epigone")
    assert read("café", AsciiTokenizer(), MODEL) == "cafe"
    (message,) = caplog.messages
    assert "'cafe'" in message
    assert read("cafe", AsciiTokenizer(), MODEL) == "cafe"
    assert caplog.messages == [message]


def test_six_unknown_characters_are_five_and_one_more():
    with pytest.raises(UserError, match=r"model some/model does not know: 'q' \(U\+0071\), .* and 1 more\. Leave"):
        read_prompt("qrstuv", CharTokenizer.train(["ab"]), MODEL)


def test_a_stop_string_may_be_part_of_a_word():
    assert read_stop("gul", WORDS, MODEL) == "gul"
    with pytest.raises(UserError, match="words that the model some/model does not know: 'gul'"):
        read_prompt("gul", WORDS, MODEL)
