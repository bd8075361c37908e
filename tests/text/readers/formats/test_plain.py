import gzip

import pytest

from epigone.text.document import ReadOptions, ReadReport
from epigone.text.readers.decoding import NotText
from epigone.text.readers.formats.plain import read_plain


@pytest.fixture
def read(tmp_path):
    def read(text, options=None, name="songs.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        documents = read_plain(path, path.name, options or ReadOptions(), ReadReport())
        return [(document.name, "".join(document.pieces).strip("\n")) for document in documents]

    return read


def test_a_text_is_one_document(read):
    assert read("Row on,\n\n\nrow on.\n") == [("songs.txt", "Row on,\n\n\nrow on.")]


@pytest.mark.parametrize("name", ["songs.txt", "songs.txt.gz", "songs"])
def test_equals_signs_need_no_flag(read, name):
    songs = read("One.\n\n===\n\nTwo.\n ===\n====\n===\nThree.", name=name)
    assert songs == [(name, "One."), (f"{name}#2", "Two.\n ===\n===="), (f"{name}#3", "Three.")]


def test_a_pattern_replaces_the_equals_signs(read):
    songs = read("One.\n* 1 *\nTwo.\n===\nstill two.\n", ReadOptions(separator=r"\* \d+ \*"))
    assert [text for _, text in songs] == ["One.", "Two.\n===\nstill two."]


def test_blank_lines_replace_the_equals_signs(read):
    songs = read("One.\n\nAnd on.\n\n \nTwo.\n\n\n\n\nThree.\n===\n", ReadOptions(blank_lines=2))
    assert [text.strip() for _, text in songs] == ["One.\n\nAnd on.", "Two.", "Three.\n==="]


BOOK = (
    "Title\n\n\n*** START OF THE PROJECT GUTENBERG EBOOK X ***\nA.\n\n\nB.\n"
    "*** END OF THE PROJECT GUTENBERG EBOOK X ***\n\n\nLicence\n"
)


def test_gutenberg_goes_from_every_document_or_from_the_file_before_blank_lines_divide_it(read):
    assert read(BOOK) == [("songs.txt", "A.\n\n\nB.")]
    assert [text for _, text in read(f"{BOOK}===\n{BOOK}===\nC.")] == ["A.\n\n\nB.", "A.\n\n\nB.", "C."]
    assert [text.strip() for _, text in read(BOOK, ReadOptions(blank_lines=2))] == ["A.", "B."]


def test_gutenberg_stays_when_asked(read):
    assert read(BOOK, ReadOptions(gutenberg=False)) == [("songs.txt", BOOK.strip("\n"))]
    assert len(read(BOOK, ReadOptions(gutenberg=False, blank_lines=2))) == 4


def test_wikitext_is_divided_into_articles(read):
    text = " \n = Otter = \n \n An otter swims . \n \n = = Food = = \n \n Fish . \n \n = Heron = \n \n It waits . \n"
    for name in ("wiki.tokens", "wiki.tokens.gz"):
        articles = read(text, name=name)
        assert [name for name, _ in articles] == [name, f"{name}#2"]
        assert articles[1][1] == " = Heron = \n \n It waits . "
    assert len(read(text, name="wiki.txt")) == 1
    assert len(read(text, ReadOptions(separator=" = = .* = = "), "wiki.tokens")) == 2


def test_a_binary_file_fails_before_there_is_a_document(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\0\1")
    with pytest.raises(NotText):
        next(read_plain(tmp_path / "a.txt", "a", ReadOptions(), ReadReport()))


def test_form_feeds_divide_if_pages_are_asked_for(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("One.\n===\n\fTwo.\f\nThree.", encoding="utf-8")
    report = ReadReport()
    found = read_plain(path, "a.txt", ReadOptions(documents="pages"), report)
    assert ["".join(document.pieces).strip() for document in found] == ["One.\n===", "Two.", "Three."]
    assert report.notices() == []


def test_a_text_without_pages_says_so(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("One.\n===\nTwo.", encoding="utf-8")
    report = ReadReport()
    assert len(["".join(d.pieces) for d in read_plain(path, "a.txt", ReadOptions(documents="pages"), report)]) == 1
    assert report.notices() == ["--documents pages divides nothing: a.txt has no pages to divide at."]
