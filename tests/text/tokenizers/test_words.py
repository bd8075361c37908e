import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.errors import UserError
from epigone.text.tokenizers.base import END, VocabularyOptions
from epigone.text.tokenizers.word_units import units_of
from epigone.text.tokenizers.words import JOINER, SPACE, SPECIAL, UNKNOWN, WordTokenizer

# Letters, marks, digits, signs and white space of several scripts, a few of each so that they meet.
several_scripts = st.text(
    st.sampled_from("aBé7 \n\t\u3000.,;-–—'’\"„“”(%)봄이强弱。「ア\u0301ह्ा\u200dא😀❤\ufe0f$_"), max_size=30
)
anything = st.text(st.characters(exclude_categories=["Cs"]))
GERMAN = "„Der Fährmann“, sagte sie – leise –, „rudert um 5,5 Uhr über’n Fluß.“\nNiemand wußte's; nur der Wind."
KOREAN = "봄이 오면 강가에 나가\n노래를 부르자. “누가 아니?” 하고 3월이 묻는다…"
CHINESE = "江水流过石桥。\n他说：“船夫，你从哪里来？”我用Python写了12行诗——不多，也不少。"
JAPANESE = "春の川は、ゆっくり流れる。「渡し守さん！」"


def learned(*texts, **options):
    return WordTokenizer.train(texts, VocabularyOptions(**{"min_count": 1} | options))


def tokens(tokenizer, text):
    return [tokenizer.vocabulary[i] for i in tokenizer.encode(text)]


@given(several_scripts | anything)
def test_every_text_comes_back_as_it_was(text):
    tokenizer = learned("a\n", text)
    assert tokenizer.decode(tokenizer.encode(text)) == text.replace(END, "")
    assert not tokenizer.unknown(text)


@given(several_scripts, several_scripts)
def test_every_text_of_known_words_comes_back(known, text):
    tokenizer = learned("a b", known)
    if not tokenizer.unknown(text):
        assert tokenizer.decode(tokenizer.encode(text)) == text
    for place in range(len(text)):  # cutting a text between words changes nothing
        if not tokenizer.unknown(text) and (text[place] in " \n" or text[place - 1] in " \n"):
            ids = np.concatenate([tokenizer.encode(text[:place]), tokenizer.encode(text[place:])])
            assert tokenizer.decode(ids) == text


@given(several_scripts, several_scripts, st.sampled_from([None, 1, 5]))
def test_tokens_do_not_depend_on_how_a_text_was_read(first, second, size):
    with pytest.MonkeyPatch.context() as patch:
        if size:
            patch.setattr("epigone.text.tokenizers.word_units.CHUNK", size)
        found = learned(first, "a", second).to_dict()
    units = Counter(unit for text in (first, "a", second) for unit in units_of(text) if unit != SPACE)
    assert found["vocabulary"] == [*SPECIAL, *sorted(units, key=lambda unit: (-units[unit], unit))]


@pytest.mark.parametrize("text", [GERMAN, KOREAN, CHINESE, JAPANESE])
def test_sentences_of_several_languages_come_back(text):
    tokenizer = learned(text)
    assert tokenizer.decode(tokenizer.encode(text)) == text
    again = WordTokenizer.from_dict(json.loads(json.dumps(tokenizer.to_dict(), ensure_ascii=False)))
    assert again.decode(again.encode(text)) == text


def test_spaces_are_tokens_only_where_they_surprise():
    tokenizer = learned("The oar, the boat; (and) the rain.\nIt's 5:30!")
    assert tokens(tokenizer, "The oar, the boat; (and) the rain.\nIt's") == [
        "The", "oar", ",", "the", "boat", ";", "(", "and", ")", "the", "rain", ".", "\n", "It's"
    ]  # fmt: skip
    assert tokens(tokenizer, "the oar , the  boat") == ["the", "oar", SPACE, ",", "the", SPACE, SPACE, "boat"]
    assert tokens(tokenizer, "5:30 (the)rain") == ["5", ":", JOINER, "30", "(", "the", ")", JOINER, "rain"]
    assert tokens(tokenizer, " the \n rain ") == [SPACE, "the", SPACE, "\n", SPACE, "rain", SPACE]


def test_korean_and_chinese_need_no_space_tokens():
    assert not {SPACE, JOINER} & set(tokens(learned(KOREAN), KOREAN))
    assert not {SPACE, JOINER} & set(tokens(learned(CHINESE), CHINESE))
    assert tokens(learned(KOREAN), KOREAN)[:7] == ["봄이", "오면", "강가에", "나가", "\n", "노래를", "부르자"]
    assert tokens(learned(CHINESE), CHINESE)[:7] == [*"江水流过石桥", "。"]


def test_frequent_words_come_first_and_rare_ones_are_unknown():
    tokenizer = learned("b b b a a c c d", min_count=2)
    assert tokenizer.vocabulary == [*SPECIAL, "b", "a", "c"]
    assert tokens(tokenizer, "a d e a") == ["a", UNKNOWN, UNKNOWN, "a"]
    assert tokenizer.decode(tokenizer.encode("a d, e")) == "a <unk><unk> <unk>"
    assert tokenizer.unknown("a d e e a") == {"d": 1, "e": 2}
    assert tokenizer.printable.tolist() == [False, False, True, True, True, True, True]
    assert learned("b b b a a c c d", vocabulary_size=6).vocabulary == [*SPECIAL, "b", "a"]


def test_lines_that_only_join_documents_are_not_counted():
    assert "\n" not in learned("a b", "a b", "a b").vocabulary
    assert "\n" in learned("a\nb").vocabulary


def test_lower_case_is_seen_in_the_normalised_text():
    tokenizer = learned("The the THE oar", lower_case=True)
    assert tokenizer.vocabulary == [*SPECIAL, "the", "oar"]
    assert tokenizer.normalise("THE Oar\x03") == "the oar"
    assert tokenizer.decode(tokenizer.encode("THE Oar")) == "the oar"
    assert WordTokenizer.from_dict(tokenizer.to_dict()).normalise("A") == "a"


def test_what_is_unknown_is_spelled():
    tokenizer = learned("a a a b b c cd", min_count=2)
    reading = tokenizer.read("a cd, zoo a")
    assert reading.characters == len("a cd, zoo a")
    assert reading.unknown == {"cd": 1, ",": 1, "zoo": 1}
    assert reading.units == 5
    assert reading.spelling == pytest.approx(tokenizer.spelling.nats(reading.unknown))
    assert tokenizer.spelling.letters == {"c": 2, "d": 1}
    assert tokenizer.read("a b a").spelling == 0


def test_an_end_symbol_wants_no_spaces_and_is_not_shown():
    tokenizer = learned("a b")
    a, b = (tokenizer.vocabulary.index(word) for word in "ab")
    assert tokenizer.decode([a, tokenizer.end, b, a]) == "ab a"
    assert tokenizer.unknown("a\x03b") == {"ab": 1}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"vocabulary_size": 9}, r"vocabulary_size of 9 .* 3 words .* 7\. .* min_count"),
        ({"vocabulary_size": 7, "min_count": 2}, r"vocabulary_size of 7 .* 2 words .* 2 times .* 6\."),
        ({"vocabulary_size": 4}, "vocabulary_size of 4 leaves no room"),
        ({"min_count": 9}, "No word .* 9 times in .* lower min_count"),
    ],
)
def test_a_vocabulary_that_is_impossible_is_refused(options, said):
    with pytest.raises(UserError, match=said):
        learned("a a b b c", **options)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("vocabulary", None),
        ("vocabulary", SPECIAL[:2]),
        ("vocabulary", [*SPECIAL, "a", "a"]),
        ("vocabulary", [*SPECIAL, "a", 7]),
        ("vocabulary", ["a", "b", *SPECIAL]),
        ("spaces", None),
        ("spaces", "03003"),
        ("spaces", "030034"),
        ("spaces", "333333"),
        ("lower_case", "no"),
        ("spelling", {"letters": {}}),
    ],
)
def test_damage_is_told(key, value):
    data = learned("a b").to_dict()
    WordTokenizer.from_dict(data)
    with pytest.raises(UserError, match=rf"`{key}`.*tokenizer\.json"):
        WordTokenizer.from_dict(data | {key: value})
