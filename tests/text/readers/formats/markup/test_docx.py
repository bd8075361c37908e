import io
import sys

import pytest
from books import page, write_book

from epigone.errors import UserError
from epigone.text.document import ReadOptions, ReadReport
from epigone.text.readers.paths import read_documents


def read(path, **options):
    report = ReadReport()
    documents = read_documents(path, ReadOptions(**options), report)
    return [(document.name, "".join(document.pieces)) for document in documents], report


@pytest.fixture
def docx():
    return pytest.importorskip("docx", reason="making Word files for these tests needs the package python-docx")


def test_paragraphs_and_tables_in_their_order(docx, tmp_path):
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


def test_what_was_added_is_text_and_what_was_deleted_is_not(docx, tmp_path):
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


def test_frames_are_read_once(docx, tmp_path):
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


def test_bad_files(docx, tmp_path):
    document = docx.Document()
    document.add_paragraph("Row on. " * 1000)
    saved = io.BytesIO()
    document.save(saved)
    data = saved.getvalue()
    path = tmp_path / "a.docx"
    for content, said in (
        (b"", r"a\.docx is no Word document: it is empty \(0 bytes\)"),
        (b"Row on.", r"a\.docx is no Word document: it begins with b'Row on\.'.*instead of \.docx"),
        (data[:600], r"a\.docx is no Word document: it is damaged"),
        (data.replace(b"word/document.xml", b"word/document.xxx"), r"a\.docx is no Word document: it is damaged"),
        (
            bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600),
            r"a\.docx is encrypted or an old Word file.*save it as \.docx",
        ),
    ):
        path.write_bytes(content)
        with pytest.raises(UserError, match=said):
            read(path)


def test_other_packages_are_no_word_files(docx, tmp_path):
    write_book(tmp_path / "a.docx", {"a.xhtml": page("Row on.")})
    with pytest.raises(UserError, match=r"a\.docx is no Word document"):
        read(tmp_path / "a.docx")


def test_a_file_that_was_cut_is_read_up_to_there(docx, tmp_path):
    document = docx.Document()
    for number in range(3000):
        document.add_paragraph(f"Row on, {number * 7919 % 10007} times, {number}.")
    document.save(tmp_path / "a.docx")
    data = (tmp_path / "a.docx").read_bytes()
    at = data.index(b"word/document.xml")
    (tmp_path / "a.docx").write_bytes(data[: at + 10_000])
    [(_, text)], report = read(tmp_path / "a.docx")
    assert text.startswith("Row on, 0 times, 0.\n\nRow on, 7919 times, 1.\n\n")
    assert text.split("\n\n") == [f"Row on, {n * 7919 % 10007} times, {n}." for n in range(text.count("\n\n") + 1)]
    assert 500 < text.count("\n\n") < 2999
    followed, cut = report.notices()
    assert f"a.docx is damaged: what follows {text.split(chr(10))[-1]!r} left out" in followed
    assert "a.docx is damaged (File is not a zip file); what is left of it was read" in cut


def test_no_package_is_needed(docx, tmp_path, monkeypatch):
    document = docx.Document()
    document.add_paragraph("Row on.")
    document.save(tmp_path / "a.docx")
    monkeypatch.setitem(sys.modules, "docx", None)
    assert read(tmp_path / "a.docx")[0] == [("a.docx", "Row on.")]


def test_notes_and_contents_are_left_out_and_counted(docx, tmp_path):
    from zipfile import ZipFile

    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    document = docx.Document()
    document.styles.add_style("toc 1", 1)
    document.add_paragraph("Contents", style="TOC Heading")
    for number in range(3):
        document.add_paragraph(f"Song {number}\t{number}", style="toc 1")
    document.add_paragraph("Row on")
    reference = f"<w:r {nsdecls('w')}><w:footnoteReference w:id='2'/></w:r>"
    document.paragraphs[-1]._p.append(parse_xml(reference))
    document.save(tmp_path / "a.docx")
    note = "<w:footnote w:id='2'><w:p><w:r><w:t>A note.</w:t></w:r></w:p></w:footnote>"
    with ZipFile(tmp_path / "a.docx", "a") as archive:
        archive.writestr("word/footnotes.xml", f"<w:footnotes {nsdecls('w')}>{note}</w:footnotes>")
    documents, report = read(tmp_path / "a.docx")
    assert documents == [("a.docx", "Row on")]
    assert report.notices()[0] == "1 table of contents and 1 note left out; --notes keeps them."
    [(_, text)], _ = read(tmp_path / "a.docx", notes=True)
    assert text.split() == ["Contents", "Song", "0", "0", "Song", "1", "1", "Song", "2", "2", "Row", "on", "A", "note."]


def test_line_breaks_of_every_kind(docx, tmp_path):
    from docx.enum.text import WD_BREAK

    document = docx.Document()
    paragraph = document.add_paragraph("Row on")
    for kind, text in ((WD_BREAK.LINE, "row"), (WD_BREAK.COLUMN, "home"), (WD_BREAK.LINE_CLEAR_ALL, "now")):
        paragraph.add_run().add_break(kind)
        paragraph.add_run(text)
    document.save(tmp_path / "a.docx")
    assert read(tmp_path / "a.docx")[0][0][1] == "Row on\nrow\nhome\nnow"


STANZAS = "Row on,\nrow on\n\nrow home,\nrow home"


def test_a_wide_space_below_a_paragraph_ends_a_stanza(docx, tmp_path):
    from docx.shared import Pt

    document = docx.Document()
    for line, space in (("Row on,", 0), ("row on", 12), ("row home,", 0), ("row home", 12)):
        document.add_paragraph(line).paragraph_format.space_after = Pt(space)
    document.save(tmp_path / "a.docx")
    assert [text for _, text in read(tmp_path / "a.docx")[0]] == [STANZAS]


def test_the_space_of_a_style_ends_a_stanza_too(docx, tmp_path):
    from docx.shared import Pt

    document = docx.Document()
    document.styles["Normal"].paragraph_format.space_after = Pt(0)
    first = document.styles.add_style("Stanza", 1)
    first.base_style = document.styles["Normal"]
    first.paragraph_format.space_before = Pt(10)
    for line, style in (("Row on,", "Stanza"), ("row on", None), ("row home,", "Stanza"), ("row home", None)):
        document.add_paragraph(line, style=style)
    document.save(tmp_path / "a.docx")
    assert [text for _, text in read(tmp_path / "a.docx")[0]] == [STANZAS]


def test_prose_with_equal_spaces_has_no_stanzas(docx, tmp_path):
    document = docx.Document()
    for line in ("Row on,", "row on", "row home,", "row home"):
        document.add_paragraph(line)
    document.save(tmp_path / "a.docx")
    assert [text for _, text in read(tmp_path / "a.docx")[0]] == ["Row on,\nrow on\nrow home,\nrow home"]


def test_hidden_text_is_left_out(docx, tmp_path):
    document = docx.Document()
    paragraph = document.add_paragraph("Row ")
    paragraph.add_run("hidden").font.hidden = True
    paragraph.add_run("on.")
    document.save(tmp_path / "a.docx")
    assert [text for _, text in read(tmp_path / "a.docx")[0]] == ["Row on."]


def test_a_layout_in_a_table_keeps_its_lines(docx, tmp_path):
    document = docx.Document()
    table = document.add_table(1, 2)
    for cell, lines in zip(table._cells, (["Row on,", "row on", "", "row home"], ["We rest"]), strict=True):
        cell.text = lines[0]
        for line in lines[1:]:
            cell.add_paragraph(line)
    document.save(tmp_path / "a.docx")
    assert [text for _, text in read(tmp_path / "a.docx")[0]] == ["Row on,\nrow on\n\nrow home\nWe rest"]


def test_a_table_of_contents_in_a_control_is_left_out(docx, tmp_path):
    from docx.oxml import parse_xml

    document = docx.Document()
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    entries = "".join(f"<w:p><w:r><w:t>Song {number} ... {number}</w:t></w:r></w:p>" for number in range(3))
    document.element.body.insert(
        0,
        parse_xml(
            f'<w:sdt xmlns:w="{space}"><w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/>'
            f"</w:docPartObj></w:sdtPr><w:sdtContent>{entries}</w:sdtContent></w:sdt>"
        ),
    )
    document.add_paragraph("Row on.")
    document.save(tmp_path / "a.docx")
    documents, report = read(tmp_path / "a.docx")
    assert [text for _, text in documents] == ["Row on."]
    assert report.notices() == ["1 table of contents left out; --notes keeps them."]
    assert "Song 2" in read(tmp_path / "a.docx", notes=True)[0][0][1]
