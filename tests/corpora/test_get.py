"""`corpus get` from homes on this machine."""

import io
import json
import sys
import types
import zipfile
from pathlib import Path

import pytest

import epigone
from epigone.corpora.sources import cornell, gutenberg, lyrics
from epigone.errors import UserError
from epigone.text.corpus import Corpus

BOOK = """\
The Project Gutenberg eBook of The Ferry

Title: The Ferry
Author: Nobody at All

*** START OF THE PROJECT GUTENBERG EBOOK THE FERRY ***

The ferry goes over slowly and comes back before noon.

*** END OF THE PROJECT GUTENBERG EBOOK THE FERRY ***
"""
LINES = (
    "L2 +++$+++ u1 +++$+++ m0 +++$+++ ANN +++$+++ Over there.\nL1 +++$+++ u0 +++$+++ m0 +++$+++ BEN +++$+++ Where?\n"
)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def books(home):
    home.files["/cache/epub/7/pg7.txt"] = BOOK.encode()
    home.files["/1/2/3/1234/1234-0.txt"] = BOOK.replace("ferry goes", "lantern hangs").encode()
    return home


def archive(**parts: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in parts.items():
            made.writestr(name.replace("__", "/").replace("_txt", ".txt").replace("_csv", ".csv"), text)
    return file.getvalue()


def test_books_come_from_a_mirror_and_are_read_without_their_headers(cli, books, tmp_path):
    shown = cli("corpus", "get", "gutenberg:7", "gutenberg:1234", "--mirror", books.address, "--out", "books")
    assert shown.status == 0, shown.err
    assert "The Ferry, Nobody at All" in shown.out
    assert "rights of gutenberg" in shown.out
    assert "epigone corpus stats books" in shown.out
    assert (tmp_path / "books" / "pg7.txt").read_text() == BOOK
    corpus = Corpus.open("books", split=None)
    assert list(corpus.names) == ["pg1234.txt", "pg7.txt"], "what says where they are from is no text"
    assert "Gutenberg" not in "".join(corpus.texts())
    record = json.loads((tmp_path / "books" / ".sources.json").read_text())
    assert set(record) == {"pg7.txt", "pg1234.txt"}
    assert record["pg7.txt"]["from"][0]["address"] == f"{books.address}/cache/epub/7/pg7.txt"


def test_the_second_time_nothing_is_fetched(books):
    first = epigone.get_corpus("gutenberg:7", mirror=books.address)
    number = len(books.requests)
    again = epigone.get_corpus("gutenberg:7")
    assert len(books.requests) == number
    assert [row.origin for row in again.rows] == ["cache"]
    assert (again.files, again.rows[0].sha256) == (["gutenberg/pg7.txt"], first.rows[0].sha256)
    assert "sha256" in str(again)


def test_the_places_of_a_book():
    assert gutenberg.places(1342)[:2] == ["cache/epub/1342/pg1342.txt", "1/3/4/1342/1342-0.txt"]
    assert gutenberg.places(7)[1] == "0/7/7-0.txt"


def test_a_number_without_a_book_is_told(books):
    with pytest.raises(UserError, match=r"book 99 is not at .*gutenberg\.org/ebooks/99"):
        epigone.get_corpus("gutenberg:99", mirror=books.address)
    assert len(books.requests) == 5


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"<!DOCTYPE html><html>Sign in to Project Gutenberg", "a page of the web"),
        (b"", "it is empty"),
        (BOOK[: BOOK.index("*** END")].encode(), "it breaks off"),
        (b"A text of somebody else.\n", "does not name Project Gutenberg"),
        (b"PK\x03\x04\0\0gutenberg", "it is no text"),
    ],
)
def test_what_is_no_book_is_not_kept(books, data, why, tmp_path):
    books.files["/cache/epub/7/pg7.txt"] = data
    with pytest.raises(UserError, match=why):
        epigone.get_corpus("gutenberg:7", mirror=books.address)
    assert not (tmp_path / "gutenberg").exists()


def test_a_book_under_copyright_gets_a_notice(books):
    books.files["/cache/epub/7/pg7.txt"] = BOOK.replace(
        "Title", "This is a COPYRIGHTED Project Gutenberg eBook\nTitle"
    ).encode()
    assert "not in the public domain" in epigone.get_corpus("gutenberg:7", mirror=books.address).notices[0]


def test_another_text_of_the_same_name_is_not_overwritten(books, tmp_path):
    (tmp_path / "gutenberg").mkdir()
    (tmp_path / "gutenberg" / "pg7.txt").write_text("mine")
    with pytest.raises(UserError, match=r"pg7\.txt exists and holds another text"):
        epigone.get_corpus("gutenberg:7", mirror=books.address)
    assert (tmp_path / "gutenberg" / "pg7.txt").read_text() == "mine"
    assert len(list((tmp_path / "gutenberg").iterdir())) == 1


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("1342", "named gutenberg:1342"),
        ("gutenburg:12", "did you mean gutenberg:NUMBER"),
        ("novels", "known are gutenberg:NUMBER, cornell-dialogues"),
        ("gutenberg", "named by its number"),
        ("gutenberg:../../etc", "named by its number"),
        ("gutenberg:٣", "named by its number"),
        ("cornell-dialogues:3", "has no parts"),
        ("kaggle-lyrics", "cannot be fetched by a program.*--from-file"),
    ],
)
def test_a_name_that_means_nothing_is_refused_before_anything_is_fetched(books, name, said):
    with pytest.raises(UserError, match=said):
        epigone.get_corpus("gutenberg:7", name, mirror=books.address)
    assert books.requests == []


def test_without_a_name_the_known_ones_are_listed(cli):
    result = cli("corpus", "get")
    assert result.status == 2
    assert "wikitext-103-raw: " in result.err


def test_the_dialogues_come_out_of_their_archive(home, monkeypatch, tmp_path):
    data = archive(corpus__movie_lines_txt=LINES, __MACOSX__movie_lines_txt="x", corpus__README_txt="y")
    home.files[f"/{cornell.FILE}"] = data
    with pytest.raises(UserError, match="its sha256 is"):
        epigone.get_corpus("cornell-dialogues", mirror=home.address)
    (tmp_path / "mine.zip").write_bytes(data)
    found = epigone.get_corpus("cornell-dialogues", from_file=tmp_path / "mine.zip")
    assert found.files == ["cornell-dialogues/movie_lines.txt"]
    assert list(Corpus.open("cornell-dialogues", split=None).texts()) == ["Where?\nOver there."]
    assert not found.rows[0].verified


@pytest.mark.parametrize("spoil", [lambda data: data[: len(data) // 2], lambda data: b"no archive", lambda data: b""])
def test_a_damaged_archive_is_refused(tmp_path, spoil):
    (tmp_path / "mine.zip").write_bytes(spoil(archive(corpus__movie_lines_txt=LINES)))
    with pytest.raises(UserError, match=r"mine\.zip cannot be used, because it is"):
        epigone.get_corpus("cornell-dialogues", from_file=tmp_path / "mine.zip")
    (tmp_path / "mine.zip").write_bytes(archive(other_txt="x"))
    with pytest.raises(UserError, match=r"because it holds no movie_lines\.txt"):
        epigone.get_corpus("cornell-dialogues", from_file=tmp_path / "mine.zip")


TABLE = (
    'artist,song,link,text\nThe Gulls,Oar,/a,"Row on  \nRow home"\n'
    'Lantern & Co,Lamp,/b,Burn low\nThe Gulls,Rest,/c,"A\nB"\n'
)


@pytest.mark.parametrize("packed", [False, True])
def test_lyrics_become_a_file_for_each_artist(tmp_path, packed):
    file = tmp_path / ("archive.zip" if packed else "songdata.csv")
    file.write_bytes(archive(songdata_csv=TABLE) if packed else TABLE.encode())
    found = epigone.get_corpus("kaggle-lyrics", from_file=file, out="lyrics")
    assert found.files == ["lyrics/the-gulls.txt", "lyrics/lantern-and-co.txt"]
    assert found.rows[0].title == "3 songs by 2 artists, a file for each artist"
    corpus = Corpus.open("lyrics/the-gulls.txt", split=None)
    assert [corpus.text(i).strip() for i in range(2)] == ["Row on  \nRow home", "A\nB"]


def test_a_table_with_other_columns_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("singer,words\nA,Row on\nB,Row home\n")
    with pytest.raises(UserError, match=r"a\.csv.*the columns artist, song, link, text"):
        epigone.get_corpus("kaggle-lyrics", from_file=tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("artist", "name"),
    [("Björk", "bjork"), ("AC/DC", "ac-dc"), ("../..", "artist"), ("Con", "con-artist"), ("한", "artist")],
)
def test_names_of_files_are_safe(artist, name):
    assert lyrics.file_name(artist) == name


def test_two_artists_with_one_name_of_a_file_get_two_files():
    assert [text.name for text in lyrics._files({"Él": ["a"], "El": ["b"]})] == ["el.txt", "el-2.txt"]


class Rows:
    """A table of the hub, as pyarrow reads it: the test machines need not have it."""

    def __init__(self, path) -> None:
        self.lines = json.loads(Path(path).read_text(encoding="utf-8"))

    def iter_batches(self, columns):
        assert columns == ["text"]
        yield types.SimpleNamespace(column=lambda place: types.SimpleNamespace(to_pylist=lambda: self.lines))


def test_wikitext_comes_from_the_hub_as_it_was_first_published(tmp_path, monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    parquet = types.ModuleType("pyarrow.parquet")
    parquet.ParquetFile = Rows
    package = types.ModuleType("pyarrow")
    package.parquet = parquet
    monkeypatch.setitem(sys.modules, "pyarrow", package)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", parquet)
    asked = []

    def download(repository, file, **options):
        asked.append((repository, file, options["revision"], options["token"]))
        path = tmp_path / file.replace("/", "-")
        path.write_text(json.dumps(["", " = Ferry = \n", "", " It goes over . \n"]))
        return str(path)

    monkeypatch.setattr(hub, "hf_hub_download", download)
    found = epigone.get_corpus("wikitext-103-raw")
    assert [file for _, file, *_ in asked][:2] == [
        "wikitext-103-raw-v1/train-00000-of-00002.parquet", "wikitext-103-raw-v1/train-00001-of-00002.parquet"
    ]  # fmt: skip
    assert {(repository, len(revision), token) for repository, _, revision, token in asked} == {
        ("Salesforce/wikitext", 40, False)
    }
    assert [file.rpartition("/")[2] for file in found.files] == [
        "wiki.train.tokens",
        "wiki.valid.tokens",
        "wiki.test.tokens",
    ]
    text = (tmp_path / "wikitext-103-raw" / "wiki.valid.tokens").read_text()
    assert text == "\n = Ferry = \n\n It goes over . \n"
    assert len(Corpus.open("wikitext-103-raw/wiki.train.tokens", split=None).names) == 1, "the shards are equal here"


def test_a_fault_of_the_hub_is_a_sentence(monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    monkeypatch.setitem(sys.modules, "pyarrow", types.ModuleType("pyarrow"))
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", types.ModuleType("pyarrow.parquet"))

    def fail(*arguments, **options):
        raise OSError("No connection\nmore")

    monkeypatch.setattr(hub, "hf_hub_download", fail)
    with pytest.raises(UserError, match=r"train-00000-of-00001\.parquet could not be fetched: No connection\. Try"):
        epigone.get_corpus("wikitext-2")


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UserError, match="WikiText needs the package huggingface_hub"):
        epigone.get_corpus("wikitext-2")
