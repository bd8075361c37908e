import pytest
from books import ENCRYPTION, XHTML, page, write_book

from epigone.errors import UserError
from epigone.text.document import ReadOptions, ReadReport
from epigone.text.readers.paths import read_documents


def read(path, **options):
    report = ReadReport()
    documents = read_documents(path, ReadOptions(**options), report)
    return [(document.name, "".join(document.pieces)) for document in documents], report


def test_each_part_with_text_is_a_document(tmp_path):
    parts = {
        "cover.xhtml": page("<img src='x.png'/>"),
        "text/one%20song.xhtml": page("<h1>One</h1><p>Row on.</p>"),
        "two.xhtml": page("<p>Row<br/>home.</p>"),
    }
    more = [("nav.xhtml", XHTML, 'properties="nav"'), ("x.png", "image/png", "")]
    write_book(tmp_path / "songs.epub", parts, more)
    documents, report = read(tmp_path / "songs.epub")
    assert documents == [("songs.epub", "One\n\nRow on."), ("songs.epub#2", "Row\nhome.")]
    assert report.notices() == []


def test_the_order_is_that_of_the_spine(tmp_path):
    write_book(tmp_path / "a.epub", {"b.xhtml": page("B"), "a.xhtml": page("A")})
    assert [text for _, text in read(tmp_path / "a.epub")[0]] == ["B", "A"]


def test_encodings(tmp_path):
    declared = '<?xml version="1.0" encoding="windows-1251"?>' + page("Река")
    parts = {"a.xhtml": page("é").encode("utf-16"), "b.xhtml": declared.encode("cp1251"), "c.xhtml": page("川")}
    write_book(tmp_path / "a.epub", parts)
    assert [text for _, text in read(tmp_path / "a.epub")[0]] == ["é", "Река", "川"]
    with pytest.raises(UserError, match=r"--encoding cp1250 has no meaning for .*a\.epub \(epub\)"):
        read(tmp_path / "a.epub", encoding="cp1250")


def test_gutenberg_goes(tmp_path):
    start = "<p>About</p><div>*** START OF THE PROJECT GUTENBERG EBOOK X ***</div><p>Row on.</p>"
    end = "<p>Row home.</p><div>*** END OF THE PROJECT GUTENBERG EBOOK X ***</div><p>Licence</p>"
    write_book(tmp_path / "a.epub", {"a.xhtml": page(start), "b.xhtml": page(end)})
    documents, report = read(tmp_path / "a.epub")
    assert [text for _, text in documents] == ["Row on.", "Row home."]
    assert report.gutenberg == 2


def test_books_locked_by_a_shop(tmp_path):
    lock = ENCRYPTION.format("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "OPS/a.xhtml")
    write_book(tmp_path / "a.epub", {"a.xhtml": "\x8d\x03"}, encryption=lock)
    with pytest.raises(UserError, match=r"a\.epub is locked by the shop that sold it \(DRM\)"):
        read(tmp_path / "a.epub")


def test_veiled_fonts_are_no_lock(tmp_path):
    veil = ENCRYPTION.format("http://www.idpf.org/2008/embedding", "OPS/font.otf")
    write_book(tmp_path / "a.epub", {"a.xhtml": page("Row on.")}, encryption=veil)
    assert read(tmp_path / "a.epub")[0] == [("a.epub", "Row on.")]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: b"", r"a\.epub is no EPUB: it is empty \(0 bytes\)"),
        (lambda data: b"Row on.", r"a\.epub is no EPUB: it begins with b'Row on\.'.*instead of \.epub"),
        (lambda data: data[: len(data) // 2], r"a\.epub is no EPUB: it is damaged \(BadZipFile"),
        (lambda data: data.replace(b"OPS/a.xhtml", b"OPS/b.xhtml"), r"a\.epub is no EPUB: it is damaged"),
    ],
)
def test_damaged_books(tmp_path, damage, said):
    path = tmp_path / "a.epub"
    write_book(path, {"a.xhtml": page("Row on. " * 1000)})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match=said):
        read(path)


def test_a_book_without_its_container(tmp_path):
    """Its description is found by its suffix."""
    path = tmp_path / "a.epub"
    write_book(path, {"b.xhtml": page("Row on."), "a.xhtml": page("Row home.")})
    path.write_bytes(path.read_bytes().replace(b"META-INF", b"META-OUT"))
    assert [text for _, text in read(path)[0]] == ["Row on.", "Row home."]


def test_a_book_whose_letters_were_changed(tmp_path):
    path = tmp_path / "a.epub"
    write_book(path, {"a.xhtml": page("Row on. " * 1000), "b.xhtml": page("Row " + "home " * 99)})
    data = bytearray(path.read_bytes())
    at = data.index(b"OPS/b.xhtml") + 40
    data[at : at + 9] = b"\0" * 9
    path.write_bytes(data)
    documents, report = read(path)
    assert [text for _, text in documents] == [("Row on. " * 1000).strip()]
    [notice] = report.notices()
    assert f"{path} is damaged: 1 part (OPS/b.xhtml) left out (" in notice


def test_a_book_without_text(tmp_path):
    write_book(tmp_path / "a.epub", {"a.xhtml": page("<img/>")})
    with pytest.raises(UserError, match=r"no text in .*a\.epub"):
        read(tmp_path / "a.epub")


def test_the_page_of_the_publisher_is_left_out(tmp_path):
    rights = "<p>Copyright © 1999 by Bo.</p><p>All rights reserved. ISBN 3-16-148410-0</p>"
    write_book(tmp_path / "a.epub", {"a.xhtml": page(rights), "b.xhtml": page("<p>Row on.</p>")})
    documents, report = read(tmp_path / "a.epub")
    assert [text for _, text in documents] == ["Row on."]
    assert report.notices() == ["1 page with the rights of the publisher left out; --notes keeps them."]
    assert len(read(tmp_path / "a.epub", notes=True)[0]) == 2


def test_a_table_of_contents_without_links_is_left_out(tmp_path):
    poems = {f"{n}.xhtml": page(f"<h2>Song {n}</h2><p>Row {n}</p>") for n in "abc"}
    contents = page("<h1>Contents</h1>" + "".join(f"<p>Song {n}</p>" for n in "abc"))
    write_book(tmp_path / "a.epub", {"toc.xhtml": contents, **poems})
    assert [text for _, text in read(tmp_path / "a.epub")[0]] == ["Row a", "Row b", "Row c"]
