import os

import pytest

from epigone.text.readers.encodings.unicode import MENDING, REPLACING, damaged, is_binary, utf16_or_utf32

WESTERN = "Café naïve “so” it’s.\n"
KOREAN = "강물은 오래된 집 옆으로.\n"


def test_text_of_two_encodings_is_mended():
    data = WESTERN.encode() * 5 + WESTERN.encode("cp1252") * 5
    assert damaged(data) == MENDING
    assert data.decode("utf-8", MENDING) == WESTERN * 10
    assert (WESTERN.encode() + b"\x9d \xc3").decode("utf-8", MENDING) == WESTERN + "\ufffd \ufffd"


def test_other_scripts_are_not_mixed_with_cp1252():
    data = KOREAN.encode() * 20 + b"\x92" + KOREAN.strip(".\n").encode()[:-1]
    assert damaged(data) == REPLACING
    assert data.decode("utf-8", REPLACING).count("\ufffd") == 2


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        (WESTERN, "cp1252"),
        (KOREAN, "euc-kr"),
        ("Сегодня хорошая погода.", "cp1251"),
        ("川は古い家の", "cp932"),
        ("过河的人", "gbk"),
    ],
)
def test_other_encodings_are_not_taken_for_damage(text, codec):
    assert damaged(text.encode(codec) * 20) is None


@pytest.mark.parametrize("errors", [REPLACING, MENDING])
def test_emoji_as_pairs_of_surrogates_are_read(errors):
    data = "x \ud83d\ude00 y".encode("utf-8", "surrogatepass")
    assert data.decode("utf-8", errors) == "x 😀 y"


@pytest.mark.parametrize(
    "text", ["Row on, row on.\n" * 20, KOREAN * 20, "川は古い家の。\n" * 20, "Сегодня, 1 и 2.\n" * 20]
)
@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf16_needs_no_mark(text, codec):
    assert utf16_or_utf32(text.encode(codec)) == codec
    assert utf16_or_utf32(text.encode(codec)[:-1]) == codec


def test_other_files_with_nuls_are_no_utf16_or_utf32():
    for data in (b"abc\0def", b"\0" * 50, os.urandom(4096), b"ab\0\0" * 900, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\4\0"):
        assert utf16_or_utf32(data) is None


def test_one_nul_in_a_text_makes_no_binary_file():
    assert not is_binary(b"abc\0def " + b"Row on. " * 200)
    assert is_binary(b"abc\0def")
    assert is_binary(bytes(range(256)) * 9)


@pytest.mark.parametrize("text", ["Row on, row on.\n" * 20, KOREAN * 20, "나 보기가 역겨워 가실 때에는\n" * 20])
@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_the_order_of_bytes_is_that_of_fewest_scripts(text, codec):
    assert utf16_or_utf32(text.encode(codec)) == codec


@pytest.mark.parametrize("nuls", [1, 3, 40])
def test_ascii_with_nuls_is_no_utf16(nuls):
    data = b"".join(b"id,text %d" % number + b"\0" + b"\n" for number in range(nuls * 9))
    assert utf16_or_utf32(data) is None
    assert not is_binary(b"Row on.\n" * 30 + b"\0" * 4000)


def test_strings_in_a_program_are_no_text():
    assert is_binary(b"usage: row [on]\0version\0" * 30)
    assert is_binary(b"Row on.\n" * 30 + b"\0\x01\x02" * 90)
    assert is_binary(b"Row on.\n" * 30 + b"\0\xff" * 90)
