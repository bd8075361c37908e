from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from books import page, write_book
from typesetting import Book

from epigone.errors import UserError
from epigone.text.document import Document, ReadOptions, ReadReport
from epigone.text.readers.base import Reader
from epigone.text.readers.registry import READERS, reader_of

CORNELL = b"L1 +++$+++ u0 +++$+++ m0 +++$+++ ADA +++$+++ Ahoy.\n"


def read_lines(path: Path, name: str, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    for number, line in enumerate(path.read_text(encoding=options.encoding).splitlines()):
        yield Document(f"{name}:{number}", iter([line]))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a.PDF", "pdf"),
        ("a.docx", "docx"),
        ("a.epub", "epub"),
        ("a.xhtml.gz", "html"),
        ("README.md", "markdown"),
        ("songs.tsv", "table"),
        ("pos/7_9.txt", "imdb"),
        ("a/7_9.txt", "plain"),
        ("songs", "plain"),
        ("songs.mp3", "plain"),
    ],
)
def test_the_suffix_or_the_place_tells_the_reader(tmp_path, path, name):
    file = tmp_path / path
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"")
    assert reader_of(file).name == name


def test_first_bytes_tell_a_reader_unless_the_suffix_does(tmp_path):
    for name, reader in (("lines.txt", "movie_lines"), ("lines", "movie_lines"), ("lines.csv", "table")):
        (tmp_path / name).write_bytes(CORNELL)
        assert reader_of(tmp_path / name).name == reader


def test_the_reader_registered_last_is_chosen(registries, tmp_path):
    (tmp_path / "a.txt").write_bytes(b"LINES\none\n")
    (tmp_path / "b.txt").write_bytes(b"one\n")
    READERS.register(Reader("lines", read_lines, (".txt",), lambda path: path.read_bytes().startswith(b"LINES")))
    assert [reader_of(tmp_path / name).name for name in ("a.txt", "b.txt")] == ["lines", "plain"]


def test_two_readers_of_one_name_are_refused():
    with pytest.raises(UserError, match="a reader 'plain' already"):
        READERS.register(Reader("plain", read_lines))
    assert READERS["plain"].read is not read_lines


def test_a_reader_cannot_heed_an_option_that_does_not_exist():
    with pytest.raises(ValueError, match="lines names options that do not exist: colour"):
        Reader("lines", read_lines, options=("encoding", "colour"))


class Asked:
    """Options that record the names of those that are read."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self._options = ReadOptions()

    def __getattr__(self, name: str):
        self.names.add(name)
        return getattr(self._options, name)


def write(path: Path) -> None:
    """Write a file of the format that its suffix names."""
    if path.suffix == ".pdf":
        pytest.importorskip("reportlab", reason="making PDFs for these tests needs the package reportlab")
        pytest.importorskip("pdfminer", reason="reading PDFs needs the package pdfminer.six")
        book = Book(path)
        book.paragraph("Row on.")
        book.save()
    elif path.suffix == ".docx":
        docx = pytest.importorskip("docx", reason="reading .docx needs the package python-docx")
        document = docx.Document()
        document.add_paragraph("Row on.")
        document.save(path)
    elif path.suffix == ".epub":
        write_book(path, {"a.xhtml": page("Row on.")})
    else:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(CORNELL if path.name == "lines" else b"text\nRow on.\n")


FILES = {
    "plain": "a.txt", "movie_lines": "lines", "imdb": "pos/7_9.txt", "table": "a.csv", "html": "a.html",
    "markdown": "a.md", "docx": "a.docx", "epub": "a.epub", "pdf": "a.pdf",
}  # fmt: skip


def test_every_reader_has_a_file_to_be_tried_on():
    assert FILES.keys() == READERS.keys()


@pytest.mark.parametrize("name", FILES)
def test_readers_say_which_options_they_heed(tmp_path, name):
    pytest.importorskip("markdown_it", reason="reading Markdown needs the package markdown-it-py")
    path, asked = tmp_path / FILES[name], Asked()
    write(path)
    assert reader_of(path) is READERS[name]
    for document in READERS[name].read(path, "a", asked, ReadReport()):  # type: ignore[arg-type]
        assert "".join(document.pieces)
    assert asked.names == set(READERS[name].options)
    assert asked.names < {field.name for field in fields(ReadOptions)}
