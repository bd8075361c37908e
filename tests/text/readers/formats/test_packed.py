import io
import sys
import zipfile

import pytest

from epigone.errors import UserError
from epigone.text.readers.registry import ReadOptions, ReadReport, read_documents

CONTAINER = """<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0">
<rootfiles><rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""
ENCRYPTION = """<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"
xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData><enc:EncryptionMethod Algorithm="{}"/>
<enc:CipherData><enc:CipherReference URI="{}"/></enc:CipherData></enc:EncryptedData></encryption>"""


def read(path, **options):
    report = ReadReport()
    documents = read_documents(path, ReadOptions(**options), report)
    return [(document.name, "".join(document.pieces)) for document in documents], report


def package(*items, spine=None):
    """The table of contents of a book, from names of parts, of which some are not in the spine."""
    manifest = "".join(
        f'<item id="i{n}" href="{name}" media-type="{kind}" {more}/>' for n, (name, kind, more) in enumerate(items)
    )
    order = "".join(f'<itemref idref="i{n}"/>' for n in spine or range(len(items)))
    return (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata/>'
        f"<manifest>{manifest}</manifest><spine>{order}</spine></package>"
    )


XHTML = "application/xhtml+xml"


def write_book(path, parts, more=(), encryption=None):
    files = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OPS/book.opf": package(*[(name, XHTML, "") for name in parts], *more),
        **{f"OPS/{name.replace('%20', ' ')}": text for name, text in parts.items()},
    }
    if encryption:
        files["META-INF/encryption.xml"] = encryption
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in files.items():
            book.writestr(name, text)


def page(text):
    return f'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>Songs</title></head><body>{text}</body></html>'


class TestEpub:
    @pytest.fixture(autouse=True)
    def _package(self):
        pytest.importorskip("bs4", reason="reading EPUBs needs the package beautifulsoup4, of the extra `documents`")

    def test_each_part_with_text_is_a_document(self, tmp_path):
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

    def test_the_order_is_that_of_the_spine(self, tmp_path):
        write_book(tmp_path / "a.epub", {"b.xhtml": page("B"), "a.xhtml": page("A")})
        assert [text for _, text in read(tmp_path / "a.epub")[0]] == ["B", "A"]

    def test_encodings(self, tmp_path):
        declared = '<?xml version="1.0" encoding="windows-1251"?>' + page("Река")
        parts = {"a.xhtml": page("é").encode("utf-16"), "b.xhtml": declared.encode("cp1251"), "c.xhtml": page("川")}
        write_book(tmp_path / "a.epub", parts)
        assert [text for _, text in read(tmp_path / "a.epub", encoding="cp1250")[0]] == ["é", "Река", "川"]

    def test_gutenberg_goes(self, tmp_path):
        start = "<p>About</p><div>*** START OF THE PROJECT GUTENBERG EBOOK X ***</div><p>Row on.</p>"
        end = "<p>Row home.</p><div>*** END OF THE PROJECT GUTENBERG EBOOK X ***</div><p>Licence</p>"
        write_book(tmp_path / "a.epub", {"a.xhtml": page(start), "b.xhtml": page(end)})
        documents, report = read(tmp_path / "a.epub")
        assert [text for _, text in documents] == ["Row on.", "Row home."]
        assert report.gutenberg == 2

    def test_books_locked_by_a_shop(self, tmp_path):
        lock = ENCRYPTION.format("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "OPS/a.xhtml")
        write_book(tmp_path / "a.epub", {"a.xhtml": "\x8d\x03"}, encryption=lock)
        with pytest.raises(UserError, match=r"a\.epub is locked by the shop that sold it \(DRM\)"):
            read(tmp_path / "a.epub")

    def test_veiled_fonts_are_no_lock(self, tmp_path):
        veil = ENCRYPTION.format("http://www.idpf.org/2008/embedding", "OPS/font.otf")
        write_book(tmp_path / "a.epub", {"a.xhtml": page("Row on.")}, encryption=veil)
        assert read(tmp_path / "a.epub")[0] == [("a.epub", "Row on.")]

    @pytest.mark.parametrize(
        ("damage", "said"),
        [
            (lambda data: b"", r"a\.epub is no EPUB: it is empty \(0 bytes\)"),
            (lambda data: b"Row on.", r"a\.epub is no EPUB: it begins with b'Row on\.'.*instead of \.epub"),
            (lambda data: data[: len(data) // 2], r"a\.epub is no EPUB: it is damaged \(BadZipFile"),
            (lambda data: data.replace(b"META-INF", b"META-OUT"), r"a\.epub is no EPUB: it is damaged \(KeyError"),
            (lambda data: data.replace(b"OPS/a.xhtml", b"OPS/b.xhtml"), r"a\.epub is no EPUB: it is damaged"),
        ],
    )
    def test_damaged_books(self, tmp_path, damage, said):
        path = tmp_path / "a.epub"
        write_book(path, {"a.xhtml": page("Row on. " * 1000)})
        path.write_bytes(damage(path.read_bytes()))
        with pytest.raises(UserError, match=said):
            read(path)

    def test_a_book_whose_letters_were_changed(self, tmp_path):
        path = tmp_path / "a.epub"
        write_book(path, {"a.xhtml": page("Row on. " * 1000), "b.xhtml": page("Row " + "home " * 99)})
        data = bytearray(path.read_bytes())
        at = data.index(b"OPS/b.xhtml") + 40
        data[at : at + 9] = b"\0" * 9
        path.write_bytes(data)
        with pytest.raises(UserError, match=r"a\.epub is no EPUB: it is damaged"):
            read(path)

    def test_a_book_without_text(self, tmp_path):
        write_book(tmp_path / "a.epub", {"a.xhtml": page("<img/>")})
        with pytest.raises(UserError, match=r"no text in .*a\.epub"):
            read(tmp_path / "a.epub")

    def test_without_the_package(self, tmp_path, monkeypatch):
        write_book(tmp_path / "a.epub", {"a.xhtml": page("Row on.")})
        monkeypatch.setitem(sys.modules, "bs4", None)
        with pytest.raises(UserError, match=r"Reading .*a\.epub needs the package beautifulsoup4: pip install"):
            read(tmp_path / "a.epub")


class TestDocx:
    @pytest.fixture
    def docx(self):
        return pytest.importorskip(
            "docx", reason="reading .docx needs the package python-docx, of the extra `documents`"
        )

    def test_paragraphs_and_tables_in_their_order(self, docx, tmp_path):
        document = docx.Document()
        document.add_heading("Of the River", 1)
        paragraph = document.add_paragraph("It is ")
        paragraph.add_run("wide").bold = True
        paragraph.add_run(",\tand\ndeep.")
        document.add_paragraph("")
        table = document.add_table(2, 2)
        for cell, text in zip(table._cells, ("boat", "oars", "Otter", "2"), strict=True):
            cell.text = text
        table.cell(1, 0).add_paragraph("the old one")
        inner = table.cell(1, 1).add_table(1, 2)
        inner.cell(0, 0).text, inner.cell(0, 1).text = "left", "right"
        document.add_paragraph("an oar", style="List Bullet")
        document.sections[0].header.paragraphs[0].text = "The Ferry"
        document.save(tmp_path / "a.docx")
        documents, report = read(tmp_path / "a.docx")
        assert report.notices() == []
        assert documents == [
            (
                "a.docx",
                "Of the River\n\nIt is wide,\tand\ndeep.\n\nboat\toars\nOtter the old one\t2 left right\n\nan oar",
            )
        ]

    def test_what_was_added_is_text_and_what_was_deleted_is_not(self, docx, tmp_path):
        from docx.oxml import parse_xml
        from docx.oxml.ns import nsdecls

        document = docx.Document()
        body = document.element.body
        runs = "<w:ins><w:r><w:t>was</w:t></w:r></w:ins><w:del><w:r><w:delText>is</w:delText></w:r></w:del>"
        link = '<w:hyperlink><w:r><w:t xml:space="preserve"> wide</w:t></w:r></w:hyperlink>'
        moved = "<w:moveFrom><w:r><w:t>no</w:t></w:r></w:moveFrom>"
        field = "<w:r><w:instrText>PAGE</w:instrText></w:r><w:r><w:noBreakHyphen/><w:t>ly</w:t></w:r>"
        paragraph = f"<w:p><w:r><w:t xml:space='preserve'>It </w:t></w:r>{runs}{link}{moved}{field}</w:p>"
        for xml in (paragraph, f"<w:sdt><w:sdtContent>{paragraph}</w:sdtContent></w:sdt>"):
            body.insert(0, parse_xml(xml.replace(">", f" {nsdecls('w')}>", 1)))
        document.save(tmp_path / "a.docx")
        assert read(tmp_path / "a.docx")[0][0][1] == "It was wide-ly\n\nIt was wide-ly"

    def test_frames_are_read_once(self, docx, tmp_path):
        from docx.oxml import parse_xml
        from docx.oxml.ns import nsdecls

        frame = "<w:txbxContent><w:p><w:r><w:t>A frame.</w:t></w:r></w:p></w:txbxContent>"
        choices = f"<mc:Choice>{frame}</mc:Choice><mc:Fallback>{frame}</mc:Fallback>"
        both = f"<mc:AlternateContent>{choices}</mc:AlternateContent>"
        mc = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
        xml = f"<w:p {nsdecls('w')} {mc}><w:r><w:t>Around it.</w:t></w:r><w:r>{both}</w:r></w:p>"
        document = docx.Document()
        document.element.body.insert(0, parse_xml(xml))
        document.save(tmp_path / "a.docx")
        assert read(tmp_path / "a.docx")[0][0][1] == "Around it.\n\nA frame."

    def test_bad_files(self, docx, tmp_path):
        document = docx.Document()
        document.add_paragraph("Row on. " * 1000)
        saved = io.BytesIO()
        document.save(saved)
        data = saved.getvalue()
        path = tmp_path / "a.docx"
        for content, said in (
            (b"", r"a\.docx is no Word document: it is empty \(0 bytes\)"),
            (b"Row on.", r"a\.docx is no Word document: it begins with b'Row on\.'.*instead of \.docx"),
            (data[: len(data) // 2], r"a\.docx is no Word document: it is damaged"),
            (data.replace(b"word/document.xml", b"word/document.xxx"), r"a\.docx is no Word document: it is damaged"),
            (
                bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600),
                r"a\.docx is encrypted or an old Word file.*save it as \.docx",
            ),
        ):
            path.write_bytes(content)
            with pytest.raises(UserError, match=said):
                read(path)

    def test_other_packages_are_no_word_files(self, docx, tmp_path):
        write_book(tmp_path / "a.docx", {"a.xhtml": page("Row on.")})
        with pytest.raises(UserError, match=r"a\.docx is no Word document"):
            read(tmp_path / "a.docx")

    def test_without_the_package(self, tmp_path, monkeypatch):
        (tmp_path / "a.docx").write_bytes(b"PK")
        monkeypatch.setitem(sys.modules, "docx", None)
        with pytest.raises(UserError, match=r"Reading .*a\.docx needs the package python-docx: pip install"):
            read(tmp_path / "a.docx")
