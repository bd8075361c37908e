import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.text.document import ReadReport
from epigone.text.readers.cleaning import clean

messy = st.text(st.sampled_from("ab \n\t\x00\x03\x1b\x7f\x85é\u2028\f\ufeff\ud800\u3000"))


def cleaned(*pieces):
    report = ReadReport()
    return "".join(clean(pieces, report)), report


def cut(text, places):
    bounds = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[a:b] for a, b in pairwise(bounds)]


@given(messy, st.lists(st.integers(0, 1000)))
def test_cleaning_does_not_depend_on_where_the_text_is_cut(text, places):
    whole, report = cleaned(text)
    in_pieces, other = cleaned(*cut(text, places))
    assert in_pieces == whole
    assert other.controls == report.controls


@given(messy)
def test_nothing_harmful_is_left_and_cleaning_again_changes_nothing(text):
    result, report = cleaned(text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ud800-\udfff]", result)
    assert result == result.rstrip()
    assert not result or result.split("\n")[0].strip()
    assert cleaned(result) == (result, ReadReport())
    assert report.controls == len(re.findall("[\x00\x03\x1b\x7f\ufeff\ud800]", text))
    result.encode("utf-8")


@given(st.lists(messy))
def test_pieces_are_never_empty(pieces):
    assert all(clean(pieces, ReadReport()))


def test_blank_lines_go_and_indentation_stays():
    assert cleaned("\n \n\t\n    first\n\n  second  \n \n\n")[0] == "    first\n\n  second"
    assert cleaned(" \n", "\n ", "  x")[0] == "   x"
    assert cleaned("\n \t\n")[0] == ""


@pytest.mark.parametrize("accent", ["", "é"])
def test_page_breaks_become_newlines_and_the_end_symbol_goes(accent):
    text, report = cleaned(f"one\ftwo\vthree\x03{accent}\x07.")
    assert text == f"one\ntwo\nthree{accent}."
    assert cleaned("one\x85two\u2028three")[0] == "one\ntwo\nthree"
    assert report.notices() == ["2 control characters removed."]


def test_signs_that_nobody_sees_are_removed_and_counted():
    report = ReadReport()
    assert "".join(clean(["soft\u00adhyphen ze\u200bro wo\u2060rd, family 👨\u200d👩"], report)) == (
        "softhyphen zero word, family 👨\u200d👩"
    )
    assert report.unseen == 3
    assert report.notices() == ["3 soft hyphens or zero-width spaces removed."]


@pytest.mark.parametrize(
    ("apart", "joined", "number"),
    [
        ("Cafe\u0301 nai\u0308ve", "Café naïve", 2),
        ("\u1112\u1161\u11ab", "한", 2),
        ("か\u3099", "が", 1),
        ("q\u0307 \u0301", "q\u0307 \u0301", 0),
        ("Å Ω", "Å Ω", 0),
    ],
)
def test_accents_apart_are_joined_to_their_letters(apart, joined, number):
    report = ReadReport()
    assert "".join(clean([apart], report)) == joined
    assert report.composed == number


@pytest.mark.parametrize(
    ("text", "seen"),
    [("\x1b[31mred\x1b[0m text", "red text"), ("N\x08NA\x08A _\x08x", "NA x"), ("a\x1b[2Kb", "ab"), ("a\x08", "")],
)
def test_what_a_terminal_does_not_show_is_removed_whole(text, seen):
    assert cleaned(text)[0] == seen
