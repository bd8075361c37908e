import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.text.readers import separators as separating
from epigone.text.readers.separators import (
    at_blank_lines,
    at_equals_signs,
    at_headings,
    at_pattern,
    grouped,
    lines,
    numbered,
    whole_lines,
)

texts = st.text(st.sampled_from("a= \n")) | st.lists(
    st.sampled_from(["===\n", "==\n", "====\n", "\n", " \n", "abc\n", "=== \n", " = A = \n"])
).map("".join)
chunks = st.integers(1, 12)


def cut(text, size):
    return [text[start : start + size] for start in range(0, len(text), size)]


def texts_of(marked):
    return ["".join(document.pieces) for document in grouped(marked, "x")]


@given(texts, chunks)
def test_parts_end_with_lines_unless_a_line_is_too_long(text, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(separating, "CHUNK", 6)
        parts = list(whole_lines(cut(text, size)))
    assert "".join(parts) == text
    assert all(part.endswith("\n") or len(part) >= 6 for part in parts[:-1])
    assert max(map(len, parts), default=0) <= 6 + size


@given(texts, chunks)
def test_lines_are_whole_however_long(text, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(separating, "CHUNK", 4)
        assert list(lines(cut(text, size))) == re.findall(r"[^\n]*\n|[^\n]+$", text)


@given(texts, chunks)
def test_equals_signs_separate(text, size):
    expected = re.split(r"^===$\n?", text, flags=re.MULTILINE)
    assert texts_of(at_equals_signs(whole_lines(cut(text, size)))) == expected


@given(texts, chunks)
def test_a_long_line_hides_no_separator_and_makes_none(text, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(separating, "CHUNK", 5)
        parts = list(whole_lines(cut(text, size)))
        expected = re.split(r"^===$\n?", text, flags=re.MULTILINE)
        assert texts_of(at_equals_signs(parts)) == expected
        assert texts_of(at_pattern(parts, "===")) == expected


@given(st.lists(st.lists(st.sampled_from(["abc\n", "\n", "--\n", "x - y\n"])).map("".join), min_size=1), st.data())
def test_random_separators_are_undone(documents, data):
    separators = data.draw(
        st.lists(st.sampled_from(["---\n", "-----\n", "* * *\n"]), min_size=len(documents), max_size=len(documents))
    )
    text = "".join(map(str.__add__, documents, separators)) + "end"
    assert texts_of(at_pattern(whole_lines([text]), r"-{3,}|\* \* \*")) == [*documents, "end"]


def test_a_pattern_must_match_the_whole_line_and_cannot_reach_beyond():
    assert texts_of(at_pattern(["a1\n12\nb\n"], r"\d+")) == ["a1\n", "b\n"]
    assert texts_of(at_pattern(["a\n\n\nb\n"], r"\s*")) == ["a\n", "", "b\n"]
    assert texts_of(at_pattern(["a\nPART two\nb\n"], r"(?i)part .*")) == ["a\n", "b\n"]


@given(st.lists(st.sampled_from(["a\n", "b c\n", "a\n \nb\n"]), min_size=1), st.integers(2, 4), chunks, st.data())
def test_enough_blank_lines_separate(documents, number, size, data):
    blanks = data.draw(st.lists(st.integers(number, 7), min_size=len(documents), max_size=len(documents)))
    text = "\n\n\n" + "".join(document + "\n" * count for document, count in zip(documents, blanks, strict=True))
    found = texts_of(at_blank_lines(whole_lines(cut(text, size)), number))
    assert [document.strip() for document in found] == [document.strip() for document in documents]
    assert "".join(found) == text


def test_headings_of_wikitext_begin_articles_and_stay():
    text = " \n = First = \n \n Text . \n \n = = Section = = \n \n More . \n = not one = \n \n = B = \n \n End . \n"
    found = texts_of(at_headings([text]))
    assert "".join(found) == text
    assert [document.strip().split("\n")[0] for document in found] == ["= First = ", "= B = "]


@given(st.lists(st.sampled_from(["a", "b", None])), st.lists(st.booleans(), min_size=20, max_size=20))
def test_a_document_that_is_not_read_does_not_spill_into_the_next(marked, wanted):
    expected = "".join("|" if piece is None else piece for piece in marked).split("|")
    found = []
    for document, read in zip(grouped(iter(marked), "x"), wanted, strict=False):
        found.append("".join(document.pieces) if read else next(document.pieces, ""))
    for text, whole, read in zip(found, expected, wanted, strict=False):
        assert text == (whole if read else whole[:1])
    assert len(found) == min(len(expected), 20)


def test_names_are_numbered():
    assert [document.name for document in grouped(iter(["a", None, "b"]), "songs.txt")] == [
        "songs.txt",
        "songs.txt#2",
    ]
    assert numbered("x", 3) == "x#3"
