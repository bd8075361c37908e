import codecs
import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.errors import UserError
from epigone.text.document import ReadReport
from epigone.text.readers import decoding as module
from epigone.text.readers.decoding import NotText, bare_suffix, first_bytes, read_text, without_returns

ENGLISH = "The café was shut. “I don’t mind,” she said — and for £5 we sailed to the naïve old town.\n" * 20
RUSSIAN = "Сегодня хорошая погода, и мы пойдём гулять в старый парк у реки.\n" * 20
KOREAN = "오늘은 날씨가 좋습니다. 우리는 강가에서 노래를 부를 것입니다.\n" * 20


@pytest.fixture
def read(tmp_path):
    def read(data, encoding=None, fallback=None, name="a.txt"):
        path = tmp_path / name
        path.write_bytes(data)
        report = ReadReport()
        return "".join(read_text(path, encoding, report, fallback)), report

    return read


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_is_recognised(read, codec):
    text, report = read(KOREAN.encode(codec))
    assert text == KOREAN
    assert report.notices() == []


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE])
def test_both_orders_of_utf16_are_read(read, mark):
    codec = "utf-16-be" if mark == codecs.BOM_UTF16_BE else "utf-16-le"
    assert read(mark + KOREAN.encode(codec))[0] == KOREAN


@pytest.mark.parametrize(
    ("text", "codec", "found"),
    [
        (ENGLISH, "cp1252", "cp1252"),
        ("It was warm and quiet by the sea.\n" * 200 + "café\n", "latin-1", "cp1252"),
        (RUSSIAN, "cp1251", "cp1251"),
        (RUSSIAN, "koi8-r", "koi8_r"),
        (KOREAN, "euc-kr", "cp949"),
    ],
)
def test_other_encodings_are_guessed_and_said(read, text, codec, found):
    read_text_, report = read(text.encode(codec))
    assert read_text_ == text
    assert any(f"was read as {found}" in notice and "a.txt" in notice for notice in report.notices())


def test_the_guess_looks_at_the_place_where_utf8_fails(read, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 5_000)
    monkeypatch.setattr(module, "SAMPLE", 2_000)
    plain = "It was warm and quiet by the sea.\n" * 1_000
    text, report = read((plain + KOREAN).encode("euc-kr"))
    assert text == plain + KOREAN
    assert list(report.encodings.values()) == ["cp949"]


def test_a_little_damage_does_not_make_utf8_something_else(read):
    data = KOREAN.encode() + b"\xff" + KOREAN.encode()[:-3]
    text, report = read(data)
    assert text.count("\ufffd") == 2
    assert text.replace("\ufffd", "").startswith(KOREAN)
    assert "broken characters" in report.notices()[0]


def test_the_encoding_asked_for_is_used(read):
    assert read("é".encode("cp1252"), "cp1252")[0] == "é"
    assert read("é".encode(), "cp1252")[0] == "Ã©"
    assert read(codecs.BOM_UTF8 + b"a", "utf-8")[0] == "a"
    assert read("a\nb".encode("utf-16-le"), "utf-16-le")[0] == "a\nb"


def test_a_format_can_fix_what_is_not_utf8(read):
    text, report = read(b"caf\xe9", fallback="iso-8859-1")
    assert text == "café"
    assert list(report.encodings.values()) == ["iso-8859-1"]
    assert read("café".encode(), fallback="iso-8859-1")[0] == "café"


@pytest.mark.parametrize("chunk", [3, 7, 1 << 20])
def test_an_encoding_that_does_not_decode_names_the_byte(read, monkeypatch, chunk):
    monkeypatch.setattr(module, "CHUNK", chunk)
    with pytest.raises(UserError, match=r"a\.txt.* as UTF8, which was asked for.*at byte 12\b.*--encoding"):
        read("é".encode() * 6 + b"\xff more text", "UTF8")


def test_a_cut_file_names_the_byte(read):
    with pytest.raises(UserError, match=r"at byte 4\b"):
        read("abcdé".encode()[:-1], "utf-8")


def test_a_guess_that_fails_later_says_that_it_was_a_guess(read, monkeypatch):
    monkeypatch.setattr(module, "SAMPLE", 2_000)
    with pytest.raises(UserError, match=r"guessed.*--encoding"):
        read(KOREAN.encode("euc-kr") * 10 + b"\x81\x8d\xff\xff\x9d")


@pytest.mark.parametrize("name", ["klingon", "hex", "rot13", "", "\0", "undefined"])
def test_an_unknown_encoding_is_refused(read, name):
    if name == "":  # the same as none
        assert read(b"a", name)[0] == "a"
        return
    with pytest.raises(UserError, match=r"a\.txt"):
        read(b"abc", name)


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"%PDF-1.7\n%abc", b"abc\0def", bytes(range(1, 256)) * 20]
)
def test_binary_files_are_no_text(read, data):
    with pytest.raises(NotText, match=r"a\.txt.*--encoding"):
        read(data)


@pytest.mark.parametrize("chunk", [1, 2, 1 << 20])
def test_every_kind_of_newline_becomes_one(read, monkeypatch, chunk):
    monkeypatch.setattr(module, "CHUNK", chunk)
    text, report = read(b"a\r\nb\rc\nd\r\r\ne\r")
    assert text == "a\nb\nc\nd\n\ne\n"
    assert report.newlines == 5


@pytest.mark.parametrize("chunk", [1, 2, 1 << 20])
def test_carriage_returns_may_be_counted_later(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(module, "CHUNK", chunk)
    path, report = tmp_path / "a.csv", ReadReport()
    path.write_bytes(b"a\r\nb\rc\nd\r\r\ne\r")
    text = "".join(read_text(path, None, report, returns=True))
    assert text == "a\r\nb\r\nc\nd\r\n\r\ne\r\n"
    assert report.newlines == 0
    assert without_returns(text[:8], report) == "a\nb\nc\n"
    assert report.newlines == 2


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0")), st.integers(1, 9))
def test_text_survives_in_chunks_of_any_size(tmp_path_factory, text, chunk):
    path = tmp_path_factory.getbasetemp() / "chunks.txt"
    path.write_bytes(text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK", chunk)
        pieces = list(read_text(path, "utf-8", ReadReport()))
    assert "".join(pieces) == text.removeprefix("\ufeff")
    assert "" not in pieces
    assert max(map(len, pieces), default=0) <= chunk


def test_gzip_is_unpacked(read):
    assert read(gzip.compress(KOREAN.encode()), name="a.txt.gz")[0] == KOREAN
    assert read(gzip.compress(ENGLISH.encode("cp1252")), name="a.txt.GZ")[0] == ENGLISH


def test_the_first_bytes_are_those_of_the_text(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"abcdef"))
    assert first_bytes(path, 3) == b"abc"
    (tmp_path / "empty").touch()
    assert first_bytes(tmp_path / "empty") == b""


@pytest.mark.parametrize("data", [b"no gzip", gzip.compress(ENGLISH.encode())[:-20], b"\x1f\x8b\x08broken"])
def test_a_damaged_gzip_file_is_named(read, data):
    with pytest.raises(UserError, match=r"a\.txt\.gz is not a complete gzip file"):
        read(data, name="a.txt.gz")


def test_a_file_that_cannot_be_opened_is_named(tmp_path):
    with pytest.raises(UserError, match="could not be read"):
        list(read_text(tmp_path, "utf-8", ReadReport()))


def test_the_suffix_ignores_gz_and_case():
    assert bare_suffix(Path("a/B.TXT.gz")) == bare_suffix(Path("b.txt")) == ".txt"
    assert bare_suffix(Path("README")) == bare_suffix(Path("x.gz")) == ""


def test_a_cut_character_does_not_lose_a_text_of_another_encoding(read):
    data = KOREAN.encode("cp949")
    for damaged in (data[:-2], data[:900] + b"\x81 " + data[900:]):
        text, report = read(damaged)
        assert text.startswith("오늘은")
        assert text.count("\ufffd") <= 1
        assert [said.split(",")[0] for said in report.encodings.values()] == ["cp949"]


def test_utf7_is_recognised_by_three_letters(read):
    text = "Café naïve “so” it’s — ÄÖÜ.\n" * 4
    assert read(text.encode("utf-7"))[0] == text
    ascii_only = "1+1-2 and C++ x+AB-y, salt+vinegar-chips\n" * 20
    assert read(ascii_only.encode())[0] == ascii_only


def test_nuls_of_a_failed_disk_are_no_reason_to_refuse_a_text(read):
    assert read(b"Row on, row on.\n" * 20 + b"\0" * 4000)[0].rstrip("\0") == "Row on, row on.\n" * 20
