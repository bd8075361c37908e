"""Letters and digits of a text, against Python's own view of each character."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from epigone.text.letters import letters


def said(text):
    codes, places = letters(text)
    return "".join(map(chr, codes)), places.tolist()


def test_case_accents_and_signs_do_not_count():
    assert said("Ab, é-9_\n") == ("abe9", [0, 1, 4, 6])
    assert said("Straße") == said("STRASSE".replace("SS", "ß"))
    assert said("ΣΟΦΟΣ")[0] == said("σοφος")[0] == said("σοφός")[0]
    assert said("한글 둘")[0] == "한글둘"
    assert said("") == ("", [])
    assert said("“—…”") == ("", [])


@given(st.text())
def test_each_letter_is_from_its_character(text):
    codes, places = letters(text)
    assert len(codes) == len(places)
    assert (places[1:] >= places[:-1]).all()
    for code, place in zip(codes.tolist(), places.tolist(), strict=True):
        folded = unicodedata.normalize("NFD", text[place].casefold())
        assert unicodedata.normalize("NFD", chr(code))[0] in folded
    assert said(text) == said(text.casefold()) or len(text) != len(text.casefold()) or not text.isascii()


@given(st.text(max_size=20), st.text(max_size=20))
def test_pieces_give_what_the_whole_gives(one, two):
    assert said(one + two)[0] == said(one)[0] + said(two)[0]
