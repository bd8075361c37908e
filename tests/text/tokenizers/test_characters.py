from collections import Counter

import numpy as np
import pytest
from anyascii import anyascii
from hypothesis import given
from hypothesis import strategies as st

from epigone.errors import UserError
from epigone.text.tokenizers.base import END
from epigone.text.tokenizers.characters import AsciiTokenizer, ByteTokenizer, CharTokenizer
from epigone.text.tokenizers.registry import tokenizer_from_dict

KOREAN = "봄이 오면 강가에 나가\n노래를 부르자."


@given(st.text(), st.text(min_size=1))
def test_characters_an_alphabet_lacks_are_dropped_and_counted(text, alphabet):
    tokenizer = CharTokenizer.train([alphabet, "a"])
    known = set(alphabet + "a") - {END}
    assert tokenizer.decode(tokenizer.encode(text)) == "".join(c for c in text if c in known)
    assert tokenizer.unknown(text) == Counter(c for c in text if c not in known)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_ascii_leaves_ascii_alone_and_its_ids_are_the_codes(text):
    tokenizer = AsciiTokenizer()
    assert tokenizer.normalise(text) is text
    assert tokenizer.encode(text).tolist() == [ord(c) for c in text]
    assert not tokenizer.unknown(text)


@given(st.text(st.characters(min_codepoint=128, exclude_categories=["Cs"])))
def test_ascii_transliterates_as_anyascii_does(text):
    expected = "".join(c for c in anyascii(text) if c.isprintable())
    assert AsciiTokenizer().normalise(text) == expected


def test_ascii_drops_controls_and_counts_what_leaves_nothing():
    tokenizer = AsciiTokenizer()
    text = "a\x00b\x03\tc\nd\x7fé\ue000"  # the last is a private character without a transliteration
    assert tokenizer.decode(tokenizer.encode(text)) == "ab\tc\nde"
    assert tokenizer.unknown(text) == {"\x00": 1, "\x03": 1, "\x7f": 1, "\ue000": 1}


def test_ascii_never_asks_for_transliteration_of_ascii(monkeypatch):
    def refuse(text):
        raise AssertionError(text)

    monkeypatch.setattr("epigone.text.tokenizers.characters.anyascii", refuse)
    assert len(AsciiTokenizer().encode("plain words\n")) == 12


def test_ascii_has_the_128_classes_of_ascii():
    tokenizer = AsciiTokenizer()
    assert tokenizer.vocabulary == [chr(code) for code in range(128)]
    assert tokenizer.end == 3
    assert "".join(c for c, shown in zip(tokenizer.vocabulary, tokenizer.printable, strict=True) if shown) == (
        "\t\n" + "".join(map(chr, range(32, 127)))
    )


def test_byte_decodes_broken_sequences():
    tokenizer = ByteTokenizer()
    assert tokenizer.decode([0xED, 0x95, ord("a")]) == "\ufffda"
    assert tokenizer.decode(tokenizer.encode(KOREAN)) == KOREAN
    assert tokenizer.encode("é").tolist() == [0xC3, 0xA9]


def test_byte_shows_no_controls_and_no_byte_that_utf8_lacks():
    printable = ByteTokenizer().printable
    assert printable.shape == (256,)
    assert not printable[[3, 0, 27, 127, 0xC0, 0xFF]].any()
    assert printable[[10, 9, 32, 126, 0x80, 0xC2, 0xF4]].all()


def test_char_learns_the_alphabet_of_any_script_in_order():
    tokenizer = CharTokenizer.train([KOREAN, "abc\x03"])
    assert tokenizer.vocabulary == [END, *sorted(set(KOREAN + "abc"))]
    assert tokenizer.decode(tokenizer.encode(KOREAN)) == KOREAN
    assert tokenizer.printable.tolist() == [False] + [True] * (len(tokenizer.vocabulary) - 1)


@pytest.mark.parametrize(("size", "dtype"), [(255, np.uint8), (256, np.uint16), (65_536, np.int32)])
def test_char_takes_the_smallest_type_that_holds_its_ids(size, dtype):
    characters = [chr(code) for code in range(0x10000, 0x10000 + size)]
    tokenizer = CharTokenizer([END, *characters])
    assert tokenizer.dtype == dtype
    assert tokenizer.encode(characters[-1]).tolist() == [size]
    assert tokenizer.decode([size]) == characters[-1]


@pytest.mark.parametrize(
    "vocabulary", [None, [], "\x03ab", ["a", "b"], [END, "ab"], [END, "a", "a"], [END, 7], [END, ["a"]]]
)
def test_a_damaged_alphabet_is_refused(vocabulary):
    with pytest.raises(UserError, match=r"tokenizer\.json"):
        tokenizer_from_dict({"name": "char", "vocabulary": vocabulary})


def test_an_alphabet_cannot_be_learnt_from_nothing():
    with pytest.raises(UserError, match="no text"):
        CharTokenizer.train(["", "\x03"])


def test_an_alphabet_is_that_of_what_is_held_out_too():
    assert CharTokenizer.train(["ba"], held_out=["xb", "é"]).vocabulary == [END, "a", "b", "x", "é"]
