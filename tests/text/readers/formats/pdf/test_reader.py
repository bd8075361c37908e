import contextlib
import logging
import sys
import time
import zlib

import pytest
from typesetting import Book, prose

from epigone.errors import UserError
from epigone.text.document import ReadOptions, ReadReport
from epigone.text.readers.decoding import NotText
from epigone.text.readers.paths import read_documents

pytest.importorskip("pdfminer", reason="reading PDFs needs the package pdfminer.six, of the extra `documents`")
pytest.importorskip("reportlab", reason="making PDFs for these tests needs the package reportlab")

TITLE = "On Rivers and on Those Who Cross Them"


def read(path, **options):
    report = ReadReport()
    [text] = ["".join(document.pieces) for document in read_documents(path, ReadOptions(**options), report)]
    return text.split("\n\n"), report.notices()


def heads(book):
    """Draw different heads on odd and even pages, none on the first, and a number at the foot of each."""
    if book.page > 1:
        book.draw(book.left if book.page % 2 else 350, book.top + 40, "The Ferry" if book.page % 2 else "A. Ferrywoman")
    book.draw(290, 40, f"- {book.page} -")


@pytest.mark.parametrize(
    "setting",
    [
        {"columns": 2},
        {"columns": 3, "indent": 8, "size": 9},
        {"columns": 2, "indent": 0, "gap": 7, "font": "Helvetica"},
        {"columns": 1, "indent": 18, "justified": False},
        {"columns": 1, "font": "Courier", "size": 9},
    ],
    ids=str,
)
def test_what_was_typeset_comes_back(tmp_path, setting):
    book = Book(tmp_path / "a.pdf", **setting)
    book.heads = heads
    texts = [TITLE, *prose(7, 75)]
    book.title(TITLE)
    for text in texts[1:]:
        book.paragraph(text)
    book.save()
    assert book.page > 4
    told = f"{2 * book.page - 1} running heads and page numbers left out; --notes keeps them."
    assert read(tmp_path / "a.pdf") == (texts, [told])


def test_a_paper(tmp_path):
    """Typeset a title and a summary over two columns, headings, notes and a caption."""
    texts = prose(11, 40, (4, 9))
    book = Book(tmp_path / "a.pdf", columns=2)
    book.title(TITLE)
    book.columns = 1
    book.paragraph(texts[0])
    book.y -= 20
    book.columns, book.column_top = 2, book.y
    for number, text in enumerate(texts[1:], 1):
        if number in (5, 20):
            book.y -= 8
            book.draw(book.left + book.column * (book.width + 18), book.y, "Of Boats and Ropes", size=12)
            book.y -= 16
        book.paragraph(text)
    book.save()
    assert book.page > 2
    assert read(tmp_path / "a.pdf")[0] == [
        TITLE, *texts[:5], "Of Boats and Ropes", *texts[5:20], "Of Boats and Ropes", *texts[20:]
    ]  # fmt: skip


def test_a_hyphen_stays_where_the_word_has_it_elsewhere(tmp_path):
    texts = ["The rowing-boat is old.", "She lent him her small and old and rather leaky rowing-boat on Monday."]
    book = Book(tmp_path / "a.pdf", columns=3, size=12)
    for text in texts:
        book.paragraph(text)
    book.save()
    assert read(tmp_path / "a.pdf")[0] == texts


def test_korean(tmp_path):
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfbase.pdfmetrics import registerFont

    registerFont(UnicodeCIDFont("HYSMyeongJo-Medium"))
    words = ["강", "건너편에", "등불이", "보였고", "나룻배는", "천천히", "기슭을", "떠났다", "아무도", "오지", "않았다"]
    texts = [" ".join((words[start:] + words) * 3) + "." for start in range(9)]
    book = Book(tmp_path / "a.pdf", font="HYSMyeongJo-Medium", columns=2, justified=False)
    for text in texts:
        book.paragraph(text, hyphenate=False)
    book.save()
    assert read(tmp_path / "a.pdf")[0] == texts


def test_japanese(tmp_path):
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfbase.pdfmetrics import registerFont

    registerFont(UnicodeCIDFont("HeiseiMin-W3"))
    texts = [
        "川の向こうに灯りが見えて、船は岸をはなれた。" * 5,
        "誰も来なかったので、渡し守は歌をうたって待っていた。" * 4,
    ]
    book = Book(tmp_path / "a.pdf", font="HeiseiMin-W3")
    for text in texts:
        for start in range(0, len(text), 30):
            book.y -= 15
            book.draw(book.left + 10 * (start == 0), book.y, text[start : start + 30])
    book.save()
    assert read(tmp_path / "a.pdf")[0] == texts


def test_text_that_is_written_downwards(tmp_path):
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfbase.pdfmetrics import registerFont

    registerFont(UnicodeCIDFont("HeiseiMin-W3", isVertical=True))
    verses = ["川の向こうに灯りが見えて", "船は岸をはなれた", "誰も来なかったので", "渡し守は歌をうたって待っていた"]
    book = Book(tmp_path / "a.pdf", font="HeiseiMin-W3")
    for number, verse in enumerate(verses):
        book.draw(500 - 20 * number, 700, verse)
    book.save()
    assert read(tmp_path / "a.pdf")[0] == ["\n".join(verses)]


def test_ligatures_are_letters(tmp_path):
    (tmp_path / "a.pdf").write_bytes(raw(CODED.replace(b"<MAP>", b"<0001> <FB03> <0002> <FB01>")))
    assert read(tmp_path / "a.pdf")[0] == ["ffififfifi"]


def test_a_page_that_is_one_figure(tmp_path):
    book = Book(tmp_path / "a.pdf")
    book.canvas.beginForm("all")
    book.draw(72, 700, "All of it is inside a form.")
    book.canvas.endForm()
    book.canvas.doForm("all")
    book.save()
    assert read(tmp_path / "a.pdf")[0] == ["All of it is inside a form."]


def picture(book):
    book.canvas.rect(72, 72, 300, 500, fill=1)


def test_pages_without_text_are_told(tmp_path):
    book = Book(tmp_path / "a.pdf")
    book.paragraph("There is text on this page, and none on the next.")
    book.next_page()
    picture(book)
    book.next_page()
    book.next_page()  # an empty page misses nothing
    book.paragraph("There is text again.")
    book.save()
    text, [notice] = read(tmp_path / "a.pdf")
    assert text == ["There is text on this page, and none on the next.", "There is text again."]
    assert notice.startswith(f"1 of 4 pages of {tmp_path / 'a.pdf'} left out: there is no text on them")
    assert "ocrmypdf" in notice


def test_empty_pages_are_no_pictures(tmp_path):
    book = Book(tmp_path / "blank.pdf")
    book.next_page()
    book.save()
    with pytest.raises(NotText, match=r"blank\.pdf has nothing on its 1 page; export or fetch it again"):
        read(tmp_path / "blank.pdf")


def test_pictures_of_text_are_no_text(tmp_path):
    book = Book(tmp_path / "scan.pdf")
    picture(book)
    book.next_page()
    picture(book)
    book.save()
    with pytest.raises(NotText, match=r"scan\.pdf holds pictures of its 2 pages and no text.*ocrmypdf scan\.pdf"):
        read(tmp_path / "scan.pdf")


@pytest.mark.parametrize("strength", [40, 128])
def test_encrypted_files(tmp_path, strength):
    from reportlab.lib.pdfencrypt import StandardEncryption

    for name, password in (("locked.pdf", "oar"), ("open.pdf", "")):
        book = Book(tmp_path / name, encrypt=StandardEncryption(password, "owner", canCopy=0, strength=strength))
        book.paragraph("A secret of the river.")
        book.save()
    with pytest.raises(NotText, match=r"locked\.pdf is encrypted and needs a password.*qpdf --decrypt.*locked\.pdf"):
        read(tmp_path / "locked.pdf")
    assert read(tmp_path / "open.pdf")[0] == ["A secret of the river."]


PAGE = b"""1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj
2 0 obj <</Type /Pages /Kids [3 0 R] /Count 1>> endobj
3 0 obj <</Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R
/Resources <</Font <</F 5 0 R>>>>>> endobj
"""
CODED = (
    PAGE
    + b"""4 0 obj <</Length 60>> stream
BT /F 12 Tf 1 0 0 1 72 700 Tm <0001000200010002> Tj ET      \nendstream endobj
5 0 obj <</Type /Font /Subtype /Type0 /BaseFont /Odd /Encoding /Identity-H /DescendantFonts [6 0 R]
/ToUnicode 7 0 R>> endobj
6 0 obj <</Type /Font /Subtype /CIDFontType2 /BaseFont /Odd /DW 500
/CIDSystemInfo <</Registry (Adobe) /Ordering (Identity) /Supplement 0>>>> endobj
7 0 obj <</Length 150>> stream
begincmap 1 begincodespacerange <0000> <FFFF> endcodespacerange 2 beginbfchar <MAP> endbfchar endcmap
endstream endobj
"""
)

PACKED = (
    PAGE.replace(b"/F 5 0 R", b"/F1 5 0 R")
    + b"5 0 obj <</Type /Font /Subtype /Type1 /BaseFont /Helvetica>> endobj\n"
    + b"4 0 obj <</Filter /FlateDecode /Length %d>> stream\n"
)


def raw(objects, trailer=b"<</Root 1 0 R>>"):
    """A file whose table of objects must be reconstructed."""
    return b"%PDF-1.5\n" + objects + b"trailer " + trailer + b"\nstartxref\n0\n%%EOF\n"


def test_fonts_that_do_not_tell_their_letters(tmp_path):
    path = tmp_path / "odd.pdf"
    path.write_bytes(raw(CODED.replace(b"/ToUnicode 7 0 R", b"")))
    with pytest.raises(NotText, match=r"odd\.pdf does not tell which letters it shows.*ocrmypdf --force-ocr odd\.pdf"):
        read(path)
    path.write_bytes(raw(CODED.replace(b"<MAP>", b"<0001> <0041> <0003> <0042>").replace(b"0002000100", b"0001000100")))
    text, [notice] = read(path)
    assert text == ["AAA\ufffd"]
    assert notice == f"1 character of {path} became U+FFFD: its fonts do not tell which letters they are."


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", r"a\.pdf is empty \(0 bytes\).*fetch it again"),
        (b"Row on, row on.\n", r"a\.pdf is no PDF: it begins with b'Row on, '.*suffix"),
        (b"\x1f\x8b\x08\0\0\0\0\0", r"a\.pdf is no PDF.*unpack it"),
        (b"%PDF-1.4\nnothing else", r"a\.pdf is damaged.*qpdf a\.pdf"),
        (raw(b"1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj 2 0 obj <</Type /Pages /Kids [] /Count 0>> endobj\n"),
         r"a\.pdf has no pages"),
        (raw(PAGE, b"<</Root 1 0 R /Encrypt <</Filter /EBX_HANDLER /V 1>> /ID [(a) (a)]>>"), r"a\.pdf.*DRM"),
        (raw(PAGE.replace(b"[0 0 600 800]", b"[0 0 600 800] /Rotate (a)")), r"a\.pdf"),
    ],
    ids=["empty", "text", "packed", "cut", "no pages", "locked", "odd"],
)  # fmt: skip
def test_what_is_no_pdf_gets_a_sentence(tmp_path, data, said):
    (tmp_path / "a.pdf").write_bytes(data)
    with pytest.raises(UserError, match=said) as caught:
        read(tmp_path / "a.pdf")
    assert str(caught.value).endswith(".")


def test_a_file_that_was_cut_anywhere_gets_a_sentence_or_is_read(tmp_path):
    book = Book(tmp_path / "whole.pdf")
    for text in prose(1, 30):
        book.paragraph(text)
    book.save()
    data = (tmp_path / "whole.pdf").read_bytes()
    for cut in range(0, len(data), len(data) // 23):
        (tmp_path / "cut.pdf").write_bytes(data[:cut])
        with contextlib.suppress(UserError):
            read(tmp_path / "cut.pdf")


def test_pdfminer_is_silent_and_its_logger_left_as_it_was(tmp_path, caplog):
    (tmp_path / "a.pdf").write_bytes(
        raw(CODED.replace(b" /MediaBox [0 0 600 800]", b"").replace(b"<MAP>", b"<0001> <0041>"))
    )
    caplog.set_level(logging.INFO, "pdfminer")
    read(tmp_path / "a.pdf")
    assert caplog.records == []
    assert logging.getLogger("pdfminer").level == logging.INFO


def test_without_the_package(tmp_path, monkeypatch):
    book = Book(tmp_path / "paper.pdf")
    book.paragraph("Rivers.")
    book.save()
    monkeypatch.setitem(sys.modules, "pdfminer.converter", None)
    with pytest.raises(
        UserError, match=r"Reading .*paper\.pdf needs the package pdfminer\.six: pip install pdfminer\.six\."
    ):
        read(tmp_path / "paper.pdf")


def test_options_for_other_files_are_refused(tmp_path):
    book = Book(tmp_path / "a.pdf")
    book.paragraph("Rivers are wide.")
    book.save()
    assert read(tmp_path / "a.pdf", separator="x", limit=6)[0] == ["Rivers are wide."]
    for option in ({"encoding": "utf-16"}, {"column": "verse"}, {"gutenberg": False}):
        with pytest.raises(UserError, match=r"--[a-z0-9 -]+ has no meaning for .*a\.pdf \(pdf\); leave it out"):
            read(tmp_path / "a.pdf", **option)


def songs(path, pages=4):
    """Typeset a song on each page, without capitals or stops, so that only the page tells where it ends."""
    book = Book(path)
    for number in range(pages):
        if number:
            book.canvas.showPage()
        for line in range(6):
            book.draw(72, 700 - 15 * line - 15 * (line > 2), verse(number, line))
    book.save()


def verse(number, line):
    return f"The river {number} " + "and the boat " * (line * 5 % 4) + "on it"


def lines(number):
    verses = [verse(number, line) for line in range(6)]
    return "\n".join(verses[:3]) + "\n\n" + "\n".join(verses[3:])


def test_pages_are_documents_if_that_is_asked_for(tmp_path):
    songs(tmp_path / "a.pdf")
    text, notices = read(tmp_path / "a.pdf")
    assert "\n\n".join(text) == "\n\n".join(map(lines, range(4)))
    assert notices == [
        f"Most of the 4 pages of {tmp_path / 'a.pdf'} end early, as those of a collection do; --documents pages makes "
        "each a document."
    ]
    report = ReadReport()
    documents = list(read_documents(tmp_path / "a.pdf", ReadOptions(documents="pages"), report))
    assert [document.name for document in documents] == ["a.pdf", "a.pdf#2", "a.pdf#3", "a.pdf#4"]
    texts = ["".join(d.pieces) for d in read_documents(tmp_path / "a.pdf", ReadOptions(documents="pages"), report)]
    assert texts == list(map(lines, range(4)))


def test_letters_that_are_drawn_twice_are_read_once(tmp_path):
    book = Book(tmp_path / "a.pdf")
    for shift in (0, 0.3):
        book.draw(72 + shift, 700, "Row on, all the ferries will follow.")
    book.draw(72, 640, "Hallelujah, IIII 1111 llll ....")
    book.save()
    text, notices = read(tmp_path / "a.pdf")
    assert text == ["Row on, all the ferries will follow. Hallelujah, IIII 1111 llll ...."]
    assert notices == [f"30 letters of {tmp_path / 'a.pdf'} drawn twice, to look bold, were read once."]


def test_a_page_of_countless_pieces_takes_no_longer(tmp_path):
    pieces = b"".join(b"1 0 0 1 %d %d Tm (ab) Tj " % (n % 571, n * 7 % 797) for n in range(12_000))
    data = zlib.compress(b"BT /F1 1 Tf " + pieces + b"ET")
    (tmp_path / "a.pdf").write_bytes(raw(PACKED % len(data) + data + b"\nendstream endobj\n"))
    begin = time.process_time()
    read(tmp_path / "a.pdf")
    assert time.process_time() - begin < 10


@pytest.mark.parametrize(
    ("filters", "content"),
    [
        (b"/FlateDecode", zlib.compress(b" " * 50_000_000, 9)),
        (b"[/FlateDecode /FlateDecode]", zlib.compress(zlib.compress(b"(row) Tj " * 9_000_000, 9), 9)),
        (b"/RunLengthDecode", b"\x81 " * 30_000 + b"\x80"),
        (b"/FlateDecode", zlib.compress(b" " * 50_000_000, 9)[:-4] + b"rows"),
    ],
    ids=["spaces", "twice", "runs", "damaged"],
)
def test_what_unpacks_to_far_more_than_text_is_refused(tmp_path, filters, content):
    packed = PACKED.replace(b"/FlateDecode", filters)
    (tmp_path / "a.pdf").write_bytes(raw(packed % len(content) + content + b"\nendstream endobj\n"))
    with pytest.raises(UserError, match=r"a\.pdf unpacks to more than \d\.\d MB.*save its text in a file"):
        read(tmp_path / "a.pdf")


def test_a_damaged_page_loses_only_itself(tmp_path, monkeypatch):
    from pdfminer.pdfinterp import PDFPageInterpreter

    songs(tmp_path / "a.pdf")
    process, seen = PDFPageInterpreter.process_page, []

    def failing(self, page):
        seen.append(page)
        if len(seen) == 2:
            raise TypeError("no number")
        process(self, page)

    monkeypatch.setattr(PDFPageInterpreter, "process_page", failing)
    text, notices = read(tmp_path / "a.pdf")
    assert "\n\n".join(text) == "\n\n".join(map(lines, (0, 2, 3)))
    assert (
        f"1 page of {tmp_path / 'a.pdf'} damaged and left out, the first of them page 2 (TypeError: no number)"
        in (notices[0])
    )


VERSES = ["Row on, row on,", "the river is wide", "and nobody rows", "to the other side"]


def words(text):
    return " ".join(" ".join(text).split())


def draw_verses(book, x=100, y=600, verses=VERSES):
    for number, verse in enumerate(verses):
        book.draw(x, y - 15 * number, verse)


@pytest.mark.parametrize("angle", [90, 180, 270])
@pytest.mark.parametrize("by", ["page", "text"])
def test_a_turned_page_is_turned_back(tmp_path, angle, by):
    book = Book(tmp_path / "a.pdf")
    if by == "page":
        book.canvas.setPageRotation(angle)
    else:
        book.canvas.translate(300, 400)
        book.canvas.rotate(angle)
        book.canvas.translate(-200, -600)
    draw_verses(book)
    book.save()
    assert words(read(tmp_path / "a.pdf")[0]) == " ".join(VERSES)


def test_a_watermark_is_left_out_and_counted(tmp_path):
    book = Book(tmp_path / "a.pdf")
    draw_verses(book)
    book.canvas.translate(100, 300)
    book.canvas.rotate(45)
    book.draw(0, 0, "DRAFT")
    book.save()
    text, notices = read(tmp_path / "a.pdf")
    assert words(text) == " ".join(VERSES)
    assert notices == [f"5 letters of {tmp_path / 'a.pdf'} drawn askew, as in a watermark, left out."]


@pytest.mark.parametrize("drawn", ["R I V E R   S O N G S", "R  I  V  E  R     S  O  N  G  S"])
def test_spread_letters_are_words(tmp_path, drawn):
    book = Book(tmp_path / "a.pdf")
    draw_verses(book, verses=[drawn, *VERSES])
    book.save()
    assert read(tmp_path / "a.pdf")[0][0].startswith("RIVER SONGS")


def test_letters_that_a_font_does_not_name_are_no_picture(tmp_path):
    (tmp_path / "a.pdf").write_bytes(raw(CODED.replace(b"<MAP>", b"<0001> <0000> <0002> <0000>")))
    with pytest.raises(NotText, match=r"does not tell which letters it shows"):
        read(tmp_path / "a.pdf")


def test_contents_and_numbers_of_lines_are_left_out_and_counted(tmp_path):
    book = Book(tmp_path / "a.pdf")
    book.draw(100, 700, "Contents")
    for number in range(4):
        book.draw(100, 660 - 15 * number, f"Song {number} {'. ' * 20}{number + 2}")
    for _ in range(4):
        book.next_page()
        draw_verses(book, verses=VERSES * 2)
        book.draw(400, 600 - 15 * 4, "5")
    book.save()
    text, notices = read(tmp_path / "a.pdf")
    assert words(text) == " ".join(VERSES * 8)
    assert notices[0] == "1 table of contents and 4 line numbers left out; --notes keeps them."
    text, notices = read(tmp_path / "a.pdf", notes=True)
    assert "Contents" in text[0]
    assert any("5" in part for part in text[1:])
    assert "left out" not in "".join(notices)
