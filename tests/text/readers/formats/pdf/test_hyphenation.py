import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.text.readers.formats.pdf.hyphenation import (
    Words,
    breadth,
    ends_in_hyphen,
    ends_sentence,
    first_word,
    is_cjk,
)


@pytest.mark.parametrize(
    ("line", "following", "elsewhere", "joined"),
    [
        ("the broad", "river", "", "the broad river"),
        ("the ferry-", "woman", "", "the ferrywoman"),
        ("the ferry-", "woman", "a ferry-woman rows", "the ferry-woman"),
        ("the ferry-", "woman", "a ferry-woman rows, a ferrywoman sings", "the ferrywoman"),
        ("the Ferry-", "woman", "FERRYWOMAN", "the Ferrywoman"),
        ("in Mid-", "March", "", "in Mid-March"),
        ("in 1990-", "95", "", "in 1990-95"),
        ("mother-in-", "law", "the law", "mother-in-law"),
        ("a non-govern-", "ment", "a government, a non-government", "a non-government"),
        ("pre-", "and post-war", "", "pre- and post-war"),
        ("the hus-", "band", "", "the husband"),
        ("the ri\u00ad", "ver", "", "the river"),
        ("the ri\u2010", "ver", "", "the river"),
        ("a -", "b", "", "a - b"),
        ("rivers—", "and boats", "", "rivers—and boats"),
        ("rivers —", "and boats", "", "rivers — and boats"),
        ("1990–", "95", "", "1990–95"),
        ("and/", "or", "", "and/or"),
        ("川を", "渡る", "", "川を渡る"),
        ("強を、", "渡る", "", "強を、渡る"),
        ("강을", "건넌다", "", "강을 건넌다"),
        ("川を", "see", "", "川を see"),
    ],
)
def test_how_a_line_goes_on(line, following, elsewhere, joined):
    assert Words([line, following, elsewhere]).join(line, following) == joined


def test_parts_of_words_at_the_ends_of_lines_are_no_words():
    words = Words(["one two-", "three four", "five-six", "well-"])
    assert "one" in words
    assert "FOUR" in words
    assert "five-six" in words
    assert not any(part in words for part in ("two", "three", "two-three", "well", "five"))


@given(st.lists(st.from_regex(r"[a-zàéß]{3,9}", fullmatch=True), min_size=1), st.data())
def test_words_that_were_broken_come_back(words, data):
    text = " ".join(words)
    at = data.draw(st.integers(2, len(words[0]) - 1))
    begin, rest = words[0][:at] + "-", words[0][at:]
    if rest not in ("and", "nor", "und"):
        assert Words([begin, rest]).join(begin, rest + text[len(words[0]) :]) == text


@given(st.text(), st.text())
def test_nothing_but_a_hyphen_is_lost(line, following):
    joined = Words([line, following]).join(line, following)
    assert joined.startswith(line[:-1])
    assert joined.endswith(following)
    assert len(joined) - len(line) - len(following) in (-1, 0, 1)


def test_the_ends_of_sentences():
    for text in ("It rained.", "Did it?", "“It did!”", "(It did.)", "雨だ。", "「雨だ。」"):
        assert ends_sentence(text)
    for text in ("It rained,", "it", "the following:", ""):
        assert not ends_sentence(text)


def test_the_first_word_of_a_line():
    assert first_word("a boat") == "a"
    assert first_word("川を渡る") == "川"
    assert first_word("川。渡る") == "川。"
    assert first_word("강을 건넌다") == "강을"


def test_which_characters_are_written_without_spaces():
    assert all(map(is_cjk, "川をボ。「々ー"))
    assert not any(map(is_cjk, "aé강 .“"))
    assert not is_cjk("")
    assert not ends_in_hyphen("-")
    assert breadth("WM") > breadth("no") > breadth("il")
