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
