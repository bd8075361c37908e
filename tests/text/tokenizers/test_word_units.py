import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.text.tokenizers.base import SPACE_AFTER, SPACE_BEFORE
from epigone.text.tokenizers.word_units import WORD, Habits, chunks, is_sign, units_of, usual_spaces

anything = st.text(st.characters(exclude_categories=[]))


@given(anything)
def test_the_units_of_a_text_are_the_text(text):
    units = units_of(text)
    assert "".join(units) == text
    assert all(units)
    assert all(len(unit) == 1 for unit in units if unit[0].isspace())


@given(anything, anything)
def test_nothing_reaches_over_white_space(before, after):
    for white in " \n\t":
        assert units_of(before + white + after) == [*units_of(before), white, *units_of(after)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't, it's o’clock", ["Don't", ",", " ", "it's", " ", "o’clock"]),
        ("a well-known rock'n'roll--or", ["a", " ", "well-known", " ", "rock'n'roll", "-", "-", "or"]),
        ("'tis the dogs' bark", ["'", "tis", " ", "the", " ", "dogs", "'", " ", "bark"]),
        ("1,234.5 in 1789, v2.1.", ["1,234.5", " ", "in", " ", "1789", ",", " ", "v2.1", "."]),
        ("e.g. this", ["e", ".", "g", ".", " ", "this"]),
        ("snake_case _x_", ["snake_case", " ", "_", "x", "_"]),
        ("„Fährmann“, rief’s über’n Fluß", ["„", "Fährmann", "“", ",", " ", "rief’s", " ", "über’n", " ", "Fluß"]),
        ("봄이 오면\n강가에서.", ["봄이", " ", "오면", "\n", "강가에서", "."]),
        ("韓國은 3월에", ["韓", "國", "은", " ", "3월에"]),
        ("我用Python写诗。", ["我", "用", "Python", "写", "诗", "。"]),
        ("東京タワーへ", ["東", "京", "タ", "ワ", "ー", "へ"]),
        ("x\u0301y \u0301", ["x\u0301y", " ", "\u0301"]),  # marks belong to the character before them
        ("नमस्ते می‌روم", ["नमस्ते", " ", "می‌روم"]),
        ("❤\ufe0f!", ["❤\ufe0f", "!"]),
        ("葛\U000e0100城", ["葛\U000e0100", "城"]),
        ("a \t b\u00a0c\u3000", ["a", " ", "\t", " ", "b", "\u00a0", "c", "\u3000"]),
    ],
)
def test_where_words_end(text, expected):
    assert units_of(text) == expected


@pytest.mark.parametrize(
    ("signs", "wanted"),
    [
        (".,;:!?…)]}%”’»", SPACE_AFTER),
        ("([{“‘«„#$€", SPACE_BEFORE),
        ("\"'—/_\\", 0),
        ("–-+=&*", WORD),
        ("。，、！？：；（）「」《》", 0),
        ("\n\t\u3000春のカ", 0),
    ],
)
def test_what_signs_usually_want(signs, wanted):
    assert {sign: usual_spaces(sign) for sign in signs} == dict.fromkeys(signs, wanted)


def test_words_and_numbers_want_spaces_around():
    assert {usual_spaces(unit) for unit in ("a", "don't", "1,000", "봄이", "é", "x\u0301")} == {WORD}
    assert [is_sign(unit) for unit in ("a", "7", "春", "\n", " ", "-", "…")] == [False] * 5 + [True] * 2


def habits_of(text):
    habits = Habits()
    habits.learn(text)
    return habits


def test_signs_follow_the_habits_of_the_text():
    german = habits_of(
        "Er sagte: „Komm“ und ging. Sie rief „Warte“ und „Halt“ oder „Nein“ nie – ja – nein – und, je, „Leb“ wohl."
    )
    assert german.spaces("“") == SPACE_AFTER  # an opening one in English
    assert german.spaces("„") == SPACE_BEFORE
    assert german.spaces("–") == WORD
    assert german.spaces(".") == SPACE_AFTER
    english = habits_of("Come–or go–or stay–then we–or they–go: “Wait” and “Stop” and “No” he said.")
    assert english.spaces("–") == 0
    assert english.spaces("“") == SPACE_BEFORE


def test_a_habit_needs_evidence_and_words_have_none():
    assert habits_of("a ,b c ,d").spaces(",") == SPACE_AFTER
    assert habits_of("a ,b c ,d e ,f g ,h i ,j").spaces(",") == SPACE_BEFORE
    assert habits_of("a.--b.--c.--d.--e.--f.--g").spaces(".") == SPACE_AFTER
    assert habits_of("a-b c-d e-f - g - h - i").spaces("-") == WORD, "hyphens inside words are none"
    assert habits_of("x, y, z").spaces("y") == WORD
    assert habits_of("春 春 春").spaces("春") == 0


@given(st.lists(st.text(), max_size=9), st.integers(1, 20))
def test_short_texts_are_looked_at_together(texts, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("epigone.text.tokenizers.word_units.CHUNK", size)
        found = list(chunks(texts))
    assert "\n".join(text for text, _ in found) == "\n".join(texts)
    assert sum(joints for _, joints in found) == max(0, len(texts) - len(found))
