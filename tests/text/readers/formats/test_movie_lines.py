import gzip

import pytest

from epigone.errors import UserError
from epigone.text.document import ReadOptions, ReadReport
from epigone.text.readers.decoding import NotText
from epigone.text.readers.formats.movie_lines import looks_like_cornell, read_movie_lines

LINES = (
    "L12 +++$+++ u1 +++$+++ m0 +++$+++ ADA +++$+++ No, the caf\xe9.\n"
    "L11 +++$+++ u2 +++$+++ m0 +++$+++ BEN +++$+++ To the pier?\n"
    "L203 +++$+++ u5 +++$+++ m1 +++$+++ CY +++$+++ \n"
    "L202 +++$+++ u5 +++$+++ m1 +++$+++ CY +++$+++\n"
    "L9 +++$+++ u2 +++$+++ m0 +++$+++ BEN +++$+++ Shall we go?\n"
    "L201 +++$+++ u6 +++$+++ m1 +++$+++ DI +++$+++ I can\x92t +++$+++ swim.\n"
).encode("latin-1")


@pytest.fixture
def read(tmp_path):
    def read(data, name="movie_lines.txt"):
        path, report = tmp_path / name, ReadReport()
        path.write_bytes(data)
        films = read_movie_lines(path, path.name, ReadOptions(), report)
        found = [(film.name, "".join(film.pieces)) for film in films]
        assert report.newlines == 0  # none is in a text
        return found

    return read


def test_each_film_is_a_document_in_the_order_of_its_script(read):
    films = [
        ("movie_lines.txt#m0", "Shall we go?\nTo the pier?\nNo, the café.\n"),
        ("movie_lines.txt#m1", "I can’t +++$+++ swim.\n"),
    ]
    assert read(LINES) == read(LINES.replace(b"\n", b"\r\n")) == films
    assert [text for _, text in read(gzip.compress(LINES), "lines.gz")] == [text for _, text in films]


def test_a_copy_in_utf8_is_read_as_that(read):
    assert "café" in read(LINES.decode("cp1252").encode())[0][1]


def test_the_corpus_is_known_by_its_first_line(tmp_path):
    for content, known in ((LINES[:100], True), (b"A song\nthat sings of +++$+++ \n", False), (b"", False)):
        (tmp_path / "a.txt").write_bytes(content)
        assert looks_like_cornell(tmp_path / "a.txt") == known


def test_another_file_of_the_corpus_holds_no_text(read):
    with pytest.raises(NotText, match=r"movie_lines\.txt"):
        read(b"u0 +++$+++ u2 +++$+++ m0 +++$+++ ['L194', 'L195']\n")


def test_a_broken_line_is_named(read):
    with pytest.raises(UserError, match="line 3,") as caught:
        read(b"\n" + LINES.splitlines(keepends=True)[0] + b"L4 +++$+++ u1\n")
    assert not isinstance(caught.value, NotText)
