from collections import Counter

import numpy as np
import pytest
from anyascii import anyascii
from hypothesis import given
from hypothesis import strategies as st

from understudy.errors import UserError
from understudy.text.tokenizers import (
    END,
    TOKENIZERS,
    AsciiTokenizer,
    ByteTokenizer,
    CharTokenizer,
    character_counts,
    tokenizer_from_dict,
    train_tokenizer,
)

anything = st.text(st.characters(exclude_categories=[]))  # lone surrogates and control characters too
KOREAN = "봄이 오면 강가에 나가\n노래를 부르자."


@given(anything, st.sampled_from(sorted(TOKENIZERS)))
def test_what_is_decoded_is_the_normalised_text(text, name):
    tokenizer = train_tokenizer(name, ["ab", text])
    known = "".join(c for c in tokenizer.normalise(text) if c not in tokenizer.unknown(text))
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == known
    assert ids.ndim == 1
    assert ids.dtype == tokenizer.dtype
    assert tokenizer.end not in ids


@given(anything, st.sampled_from(sorted(TOKENIZERS)))
def test_normalising_twice_changes_nothing_more(text, name):
    tokenizer = train_tokenizer(name, ["ab", text])
    once = tokenizer.normalise(text)
    assert tokenizer.normalise(once) == once


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

    monkeypatch.setattr("understudy.text.tokenizers.anyascii", refuse)
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


@pytest.mark.parametrize("name", sorted(TOKENIZERS))
def test_a_tokenizer_survives_being_written_down(name):
    tokenizer = train_tokenizer(name, [KOREAN])
    again = tokenizer_from_dict(tokenizer.to_dict())
    assert again.vocabulary == tokenizer.vocabulary
    assert (again.name, again.end, again.dtype) == (name, tokenizer.end, tokenizer.dtype)
    assert again.encode(KOREAN).tolist() == tokenizer.encode(KOREAN).tolist()


@pytest.mark.parametrize("name", sorted(TOKENIZERS))
def test_every_token_has_its_own_text_and_its_end_is_the_end_symbol(name):
    tokenizer = train_tokenizer(name, [KOREAN])
    assert len(set(tokenizer.vocabulary)) == len(tokenizer.vocabulary) == len(tokenizer.printable)
    assert tokenizer.vocabulary[tokenizer.end] == END
    assert not tokenizer.printable[tokenizer.end]
    assert tokenizer.decode([tokenizer.end]) == tokenizer.decode([]) == ""


@pytest.mark.parametrize("name", sorted(TOKENIZERS))
def test_ids_can_be_written_to_as_torch_wants(name):
    assert train_tokenizer(name, ["abc"]).encode("abc").flags.writeable


@given(st.text())
def test_counting_agrees_with_the_plain_way(text):
    long = text * (20_000 // max(1, len(text)))
    assert character_counts(long) == Counter(long)


@pytest.mark.parametrize("data", [{"name": "words"}, {}, {"name": None}, {"name": ["ascii"]}])
def test_an_unknown_tokenizer_is_refused_with_those_there_are(data):
    with pytest.raises(UserError, match="ascii, byte, char"):
        tokenizer_from_dict(data)


@pytest.mark.parametrize(
    "vocabulary", [None, [], "\x03ab", ["a", "b"], [END, "ab"], [END, "a", "a"], [END, 7], [END, ["a"]]]
)
def test_a_damaged_alphabet_is_refused(vocabulary):
    with pytest.raises(UserError, match=r"tokenizer\.json"):
        tokenizer_from_dict({"name": "char", "vocabulary": vocabulary})


def test_an_alphabet_cannot_be_learnt_from_nothing():
    with pytest.raises(UserError, match="no text"):
        train_tokenizer("char", ["", "\x03"])
    with pytest.raises(UserError, match="no tokenizer 'bpe'"):
        train_tokenizer("bpe", ["a"])
