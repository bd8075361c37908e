"""Properties of characters, and small changes of a text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.probing.properties.base import since, words
from epigone.probing.properties.registry import PROPERTIES
from epigone.probing.read_text import parts_of, word_types

CHARACTER_PROPERTIES = [name for name, each in PROPERTIES.items() if each.values]
EDITS = [name for name, each in PROPERTIES.items() if each.edit]
PASSAGE = "The old harbour was quiet in the evening, and nobody believed that the weather would be bad before Monday."
LONGER = {"wording": 8, "meaning": 8}  # by how many characters a change may lengthen or shorten a passage


def marks(name, text):
    """The values of a property as a string: 0, 1 or another digit, and a point where it says nothing."""
    return "".join("." if np.isnan(value) else str(int(value)) for value in PROPERTIES[name].values(text))


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("quotes", 'a "b" c', "0011000"),
        ("quotes", "a “b” c", "0011000"),
        ("quotes", 'a "b\n\n"c" d', "00111011000"),
        ("quotes", 'a "b\n"c" d', "0011111000"),
        ("quotes", "isn't", "00000"),
        ("brackets", "a(b[c])d)", "011111000"),
        ("brackets", "(a\n\nb", "11100"),
        ("vowel", "Aé b!", "11.0."),
        ("upper-case", "aB 1", "01.."),
        ("end-of-line", "ab\nc", "010."),
        ("word-boundary", "ab, don't x", "01..00001.1"),
        ("position-in-word", "ab, don't", "12..12345"),
        ("position-in-line", "ab\n\nc", "12311"),
    ],
)
def test_values_at_each_character(name, text, expected):
    assert marks(name, text) == expected


@pytest.mark.parametrize("name", CHARACTER_PROPERTIES)
@given(text=st.text(st.sampled_from("ab É\n\"'(]“”.7"), max_size=30))
def test_any_text_has_a_value_for_each_character(name, text):
    values = PROPERTIES[name].values(text)
    assert values.shape == (len(text),)
    assert values.dtype == np.float32
    assert (np.isnan(values) | (values >= 0)).all()


@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_characters_since_the_last_start_are_counted(starts):
    expected, count = [], -1
    for place, start in enumerate(starts):
        count = 0 if start or not place else count + 1
        expected.append(count)
    assert since(np.array(starts)).tolist() == expected


def test_an_apostrophe_belongs_to_a_word_only_between_letters():
    assert words("don't 'so'").tolist() == [True] * 5 + [False, False, True, True, False]


@pytest.mark.parametrize("name", EDITS)
def test_a_change_is_one_place_in_the_middle_third(name):
    pairs = {"evening": ["evning"], "nobody": ["nobdy"], "believed": ["beleived", "belived"]}
    for seed in range(20):
        edit = PROPERTIES[name].edit(PASSAGE, np.random.default_rng(seed), pairs)
        if edit is not None:
            changed = PASSAGE[: edit.start] + edit.new + PASSAGE[edit.stop :]
            assert changed != PASSAGE
            assert len(PASSAGE) / 3 <= edit.start < 3 / 4 * len(PASSAGE)
            assert abs(len(changed) - len(PASSAGE)) <= LONGER.get(name, 1)


def test_changes_are_of_their_kind():
    def change(name, passage, pairs=None):
        edit = PROPERTIES[name].edit(passage, np.random.default_rng(1), pairs or {})
        return None if edit is None else passage[: edit.start] + edit.new + passage[edit.stop :]

    assert change("spelling", "aaaa weird aaaa", {"weird": ["wierd"]}) == "aaaa wierd aaaa"
    assert change("spelling", "aaaa weird aaaa", {"other": ["ohter"]}) is None
    assert change("case", "aa bbb ccccc dd e fff") == "aa bbb CCCCC dd e fff"
    assert change("case", "aa bbb CCCCC dd e fff") == "aa bbb ccccc dd e fff"
    assert change("punctuation", "aaaaaa bbb, cccccc") == "aaaaaa bbb cccccc"
    assert change("punctuation", "aaaaaa bbb cccccc") is None
    assert sorted(change("swapped", "aa bbb abcde dd e fff")) == sorted("aa bbb abcde dd e fff")


def test_a_word_is_replaced_by_one_of_the_same_or_of_the_opposite_meaning():
    def change(name, passage):
        edit = PROPERTIES[name].edit(passage, np.random.default_rng(1), {})
        return None if edit is None else passage[: edit.start] + edit.new + passage[edit.stop :]

    assert change("wording", "all the Big trees there") == "all the Large trees there"
    assert change("wording", "all the LARGE trees there") == "all the BIG trees there"
    assert change("meaning", "the whole night long they") == "the whole day long they"
    assert change("wording", "the whale bigger") is None


def test_the_number_of_a_verb_is_said_between_the_nouns():
    assert marks("verb-number", "The songs near the hill are old.") == "." * 15 + "1" * 9 + "." * 8
    assert marks("verb-number", "The song near the hills was old.") == "." * 14 + "0" * 10 + "." * 8
    texts = PROPERTIES["verb-number"].sentences(np.random.default_rng(0))
    plural = [np.nanmax(PROPERTIES["verb-number"].values(text)) for text in texts]
    other = [text.split()[4].endswith("s") for text in texts]
    assert 0.4 < np.mean(plural) < 0.6
    assert abs(np.corrcoef(plural, other)[0, 1]) < 0.15  # the noun before the verb tells nothing


def test_doses_of_opinion_are_counted_after_the_last_word():
    assert marks("opinion", "a sweet day") == "." * 7 + "4444"
    assert marks("opinion", "a foul, vile day") == "." * 12 + "1111"
    assert marks("opinion", "a day") == "33333"
    texts = PROPERTIES["opinion"].sentences(np.random.default_rng(0))
    doses = [int(PROPERTIES["opinion"].values(text)[-1]) for text in texts]
    assert sorted(set(doses)) == list(range(7))
    assert PROPERTIES["opinion"].sentences(np.random.default_rng(0)) == texts


@given(text=st.text(st.sampled_from("ab \n"), max_size=80), most=st.integers(1, 20))
def test_parts_are_the_text_in_a_row(text, most):
    parts = parts_of(text, most)
    assert "".join(parts) == text
    assert all(0 < len(part) <= most for part in parts)


def test_parts_end_at_blank_lines_if_possible():
    assert parts_of("one two\n\nthree\nfour", 12) == ["one two\n\n", "three\nfour"]
    assert parts_of("one two three four", 9) == ["one two ", "three ", "four"]


def test_a_word_has_a_number_for_each_beginning():
    found = word_types("the then, The").tolist()
    assert found[:3] == found[4:7] == found[10:13]
    assert len(set(found[4:9])) == 5
