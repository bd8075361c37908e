"""Damaged and hostile files of marked-up text: each is read or refused with a sentence, in bounded time and memory."""

import gzip
import io
import random
import time
import zipfile

import pytest
from books import page, write_book

from epigone.errors import UserError
from epigone.text.document import ReadOptions, ReadReport
from epigone.text.readers.paths import read_documents

WORDS = ["the river", "and stone", "löwe", "привет", "漢字", "e\u0301", "😀", "don't", "\u2028", "===", "***"]
TAGS = ["div", "p", "span", "table", "tr", "td", "ul", "li", "pre", "b", "sup", "h2", "title", "svg", "textarea", "br"]
ATTRIBUTES = ["", " class='poem'", " class=pagenum", " href='#a'", " hidden", " style='page-break-before:always'"]
ODD = ["&amp;", "&#xD800;", "&#1114112;", "&#0;", "&nosuch;", "<!-- c -->", "<![CDATA[x]]>", "<![<![", "<?pi?>"]
MARKS = [
    "* ",
    "> ",
    "1. ",
    "```\n",
    "| a | b |\n|---|---|\n",
    "[x](y) ",
    "![i](j) ",
    "**b** ",
    "<div>",
    "# ",
    "[^1]",
    "`",
]
WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
RIVER = f"<w:document {WORD}><w:body><w:p><w:r><w:t>river</w:t></w:r></w:p></w:body></w:document>"
SECONDS = 20  # of a processor that other tests may share; alone, none takes more than three


def prose(chance, number=60):
    return "".join(chance.choice(WORDS) + chance.choice([" ", "\n", "\n\n", ". "]) for _ in range(number))


def html(chance):
    open_, parts = [], ["<!DOCTYPE html><meta charset=utf-8>"]
    for _ in range(120):
        kind = chance.random()
        if kind < 0.4:
            open_.append(chance.choice(TAGS))
            parts.append(f"<{open_[-1]}{chance.choice(ATTRIBUTES)}>")
        elif kind < 0.7 and open_:
            parts.append(f"</{open_.pop()}>")
        else:
            parts.append(chance.choice([prose(chance, 5), *ODD]))
    return "".join(parts).encode()


def markdown(chance):
    return ("---\ntitle: x\n---\n" + "".join(chance.choice(MARKS) + prose(chance, 5) for _ in range(60))).encode()


def docx(chance):
    texts = "".join(f"<w:p><w:r><w:t>{word}</w:t><w:tab/><w:br/></w:r></w:p>" for word in prose(chance).split())
    return zipped({"word/document.xml": f"<w:document {WORD}><w:body>{texts}</w:body></w:document>"}, chance)


def epub(chance):
    book = io.BytesIO()
    write_book(book, {f"{n}.xhtml": page(f"<h1>{n}</h1><p>{prose(chance)}</p>") for n in range(3)})
    with zipfile.ZipFile(book) as archive:
        return zipped({name: archive.read(name) for name in archive.namelist()}, chance)


def zipped(parts, chance=None):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", chance.choice([0, 8, 8, 12, 14]) if chance else 8) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return data.getvalue()


def pdf(chance):
    canvas = pytest.importorskip("reportlab.pdfgen.canvas", reason="making PDFs needs the package reportlab")
    data = io.BytesIO()
    drawn = canvas.Canvas(data, pageCompression=chance.randrange(2))
    for _ in range(2):
        for line in range(12):
            drawn.drawString(50, 800 - 20 * line, f"the river {chance.random()} flows")
        drawn.showPage()
    drawn.save()
    return data.getvalue()


KINDS = {"html": html, "md": markdown, "docx": docx, "epub": epub, "pdf": pdf}


def damaged(data, chance):
    data = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 5, 30])):
        at = chance.randrange(len(data) or 1)
        kind = chance.randrange(7)
        if kind == 0 and data:
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del data[at : at + chance.choice([1, 4, 100])]
        elif kind == 2:
            data[at:at] = chance.randbytes(chance.choice([1, 4, 50]))
        elif kind == 3:
            data[at:at] = data[: chance.choice([10, 200])]
        elif kind == 4:
            data[at : at + 4] = chance.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f"])
        elif kind == 5:
            data[at:at] = chance.choice(
                [b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"<", b"&", b"\x1b]52;c;\x07", b"{", b"\x85"]
            )
        elif chance.random() < 0.2:
            del data[at:]
    return bytes(data)


def outcome(path, **options):
    """Read a file; return its texts and its notices, or the sentence of a refusal."""
    report = ReadReport()
    begin = time.process_time()
    try:
        texts = ["".join(document.pieces) for document in read_documents(path, ReadOptions(**options), report)]
        notices = report.notices()
    except UserError as error:
        texts, notices = [], [str(error)]
    assert time.process_time() - begin < SECONDS
    assert texts or (path.name in notices[0] and len(notices[0]) < 2000)
    return texts, notices


def campaign(tmp_path, kind, seed, number):
    pytest.importorskip("markdown_it" if kind == "md" else "pdfminer", reason="documents need their packages")
    for case in range(number):
        chance = random.Random(f"{seed}/{kind}/{case}")
        path = tmp_path / f"{case}.{kind}"
        path.write_bytes(damaged(KINDS[kind](chance), chance))
        try:
            outcome(path)
        except Exception as error:
            raise AssertionError(f"seed {seed}, case {case} of {kind}") from error


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_are_read_or_refused(tmp_path, kind):
    campaign(tmp_path, kind, seed=12, number=25)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_damaged_files_are_read_or_refused(tmp_path, kind):
    campaign(tmp_path, kind, seed=0, number=250)


N = 60_000
HOSTILE = {
    "html": [
        "<a <" * N, "<" * N, "&" * N, "<!--" * N, "<![" * N, "<b>" * N, "<div>" * N + "r" + "</div>" * N, '<a x="' * N,
        "<a x=\"'>' " * N, "<td><p>a" * N, "<sup><a href='#x'>1" * N, "<ul><li>" * N, "&#" + "9" * N, "<a " + "=" * N,
        "<p><br>" * N, "<p a" + " a=1" * N + ">r",
    ],
    "md": [
        "[a](" * N, "![" * N, "[" * N, "[^" * N, "*a **b " * N, "<a" * N, "a <![CDATA[" * N, "> " * N + "r", "* " * N,
        "---\n" + "a:\n" * N, "+++\n" + "a\n" * N, "`a``" * N,
        "".join(f"{'  ' * min(n, 400)}* r\n" for n in range(2000)),
        "| a" * N + "\n" + "|-" * N + "\n", "1. a\n" * N,
    ],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "number"), [(kind, n) for kind in HOSTILE for n in range(len(HOSTILE[kind]))])
def test_repeated_marks_take_no_longer_than_others(tmp_path, kind, number):
    if kind == "md":
        pytest.importorskip("markdown_it", reason="reading Markdown needs the package markdown-it-py")
    (tmp_path / f"a.{kind}").write_text(HOSTILE[kind][number])
    outcome(tmp_path / f"a.{kind}")


@pytest.mark.parametrize("depth", [200, 30_000])
def test_deep_nesting(tmp_path, depth):
    text = "<w:p><w:r><w:t>river</w:t></w:r></w:p>"
    for start, end in (
        ("<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>"),
        ("<w:p><w:txbxContent>", "</w:txbxContent></w:p>"),
        ("<w:sdt><w:sdtContent>", "</w:sdtContent></w:sdt>"),
    ):
        body = f"<w:document {WORD}><w:body>{start * depth}{text}{end * depth}</w:body></w:document>"
        (tmp_path / "a.docx").write_bytes(zipped({"word/document.xml": body}))
        assert outcome(tmp_path / "a.docx") == (["river"], [])
    (tmp_path / "a.html").write_text("<div><b>" * depth + "river")
    assert outcome(tmp_path / "a.html") == (["river"], [])


def test_deep_markdown_says_what_it_leaves_out(tmp_path):
    pytest.importorskip("markdown_it", reason="reading Markdown needs the package markdown-it-py")
    (tmp_path / "a.md").write_text("> " * 90 + "river")
    assert outcome(tmp_path / "a.md") == (["river"], [])
    (tmp_path / "a.md").write_text("Row.\n\n" + "> " * 5000 + "river")
    texts, notices = outcome(tmp_path / "a.md")
    assert texts == ["Row."]
    assert any("inside more than 100 others were left out" in notice for notice in notices)


def bombs():
    text = b"<p>a river and a stone</p>" * 1_200_000
    word = f"<w:document {WORD}><w:body>".encode() + b"<w:p><w:r><w:t>a river</w:t></w:r></w:p>" * 1_500_000
    yield "a.docx", zipped({"word/document.xml": word})
    book = io.BytesIO()
    write_book(book, {"a.xhtml": text.decode()})
    yield "a.epub", book.getvalue()
    with zipfile.ZipFile(book) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_LZMA) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    yield "b.epub", data.getvalue()
    yield "a.html.gz", gzip.compress(text)
    yield "a.md.gz", gzip.compress(text)


def test_what_unpacks_to_far_more_than_text_is_refused(tmp_path):
    pytest.importorskip("markdown_it", reason="reading Markdown needs the package markdown-it-py")
    for name, data in bombs():
        (tmp_path / name).write_bytes(data)
        assert len(data) < 1_000_000
        texts, [said] = outcome(tmp_path / name)
        assert texts == []
        assert f"{name} unpacks to more than 2" in said
        assert "save its text in a file (.txt)" in said


def test_what_a_package_does_not_read_may_be_large(tmp_path):
    (tmp_path / "a.docx").write_bytes(zipped({"word/document.xml": RIVER, "word/media/a.png": bytes(60_000_000)}))
    assert outcome(tmp_path / "a.docx") == (["river"], [])


def test_entities_are_not_expanded(tmp_path):
    declared = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]>' + RIVER.replace("river", "&a;")
    (tmp_path / "a.docx").write_bytes(zipped({"word/document.xml": declared}))
    assert "it declares entities" in outcome(tmp_path / "a.docx")[1][0]


def test_countless_tags_are_refused(tmp_path):
    write_book(tmp_path / "a.epub", {"a.xhtml": page("<b>" * 600_000 + "r")})
    assert outcome(tmp_path / "a.epub")[1][0].startswith(f"{tmp_path / 'a.epub'} has more than 500,")
    pytest.importorskip("markdown_it", reason="reading Markdown needs the package markdown-it-py")
    (tmp_path / "a.md").write_text("- a\n" * 150_000)
    assert "a.md has more than 115,000 marks of lists, quotations," in outcome(tmp_path / "a.md")[1][0]
    (tmp_path / "b.md").write_text("- a river\n" * 20_000)
    assert outcome(tmp_path / "b.md")[0] == ["\n".join(["a river"] * 20_000)]


@pytest.mark.parametrize("name", ["hex", "rot13", "zlib", "base64", "bz2", "uu", "undefined", "idna", "utf-16", "none"])
def test_declared_encodings_that_are_none(tmp_path, name):
    text = "café at the river, café and thé"
    (tmp_path / "a.html").write_bytes(f"<meta charset={name}><p>{text}".encode("cp1252"))
    assert outcome(tmp_path / "a.html")[0] == [text]


def members(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {info.filename: info.header_offset for info in archive.infolist()}


def book_of(method):
    source = io.BytesIO()
    write_book(source, {f"{n}.xhtml": page(f"<p>{n} river {'row ' * 50}</p>") for n in range(3)})
    data = io.BytesIO()
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(data, "w", method) as packed:
        for name in archive.namelist():
            packed.writestr(name, archive.read(name))
    return bytearray(data.getvalue())


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_part_of_a_book_loses_only_itself(tmp_path, method):
    data = book_of(method)
    at = members(data)["OPS/1.xhtml"] + 30 + len("OPS/1.xhtml")
    data[at + 12 : at + 40] = bytes(28)
    (tmp_path / "a.epub").write_bytes(data)
    texts, [said] = outcome(tmp_path / "a.epub")
    assert [text[:7] for text in texts] == ["0 river", "2 river"]
    assert "a.epub is damaged: 1 part (OPS/1.xhtml) left out" in said


@pytest.mark.parametrize("place", [b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\xff\xff\xff\xff"])
def test_a_directory_that_is_elsewhere(tmp_path, place):
    data = book_of(zipfile.ZIP_DEFLATED)
    at = data.rindex(b"PK\5\6")
    data[at + 16 : at + 20] = place
    (tmp_path / "a.epub").write_bytes(data)
    texts, notices = outcome(tmp_path / "a.epub")
    assert [text[:7] for text in texts] == ["0 river", "1 river", "2 river"]
    assert place == b"\0\0\0\0" or "a.epub is damaged (" in notices[0]


def test_a_book_that_was_cut_is_read_up_to_there(tmp_path):
    data = book_of(zipfile.ZIP_DEFLATED)
    (tmp_path / "a.epub").write_bytes(data[: members(data)["OPS/2.xhtml"]])
    texts, notices = outcome(tmp_path / "a.epub")
    assert [text[:7] for text in texts] == ["0 river", "1 river"]
    assert any("OPS/2.xhtml" in notice for notice in notices)


@pytest.mark.parametrize(
    "change",
    [
        lambda name, data: b"\xef\xbb\xbf" + data if name.endswith((".opf", ".xml")) else data,
        lambda name, data: b"\n\n " + data if name.endswith((".opf", ".xml")) else data,
        lambda name, data: data.replace(b"OPS/book.opf", b"ops/Book.opf"),
        lambda name, data: data.replace(b"href=\"1", b"href=\"../OPS/1").replace(b'href="2', b'HREF="2'),
        lambda name, data: data.decode().encode("utf-16") if name.endswith(".opf") else data,
        lambda name, data: data.replace(b"</manifest>", b"") if name.endswith(".opf") else data,
        lambda name, data: data.replace(b"<spine>", b"<spine>&nbsp;<x a=b>") if name.endswith(".opf") else data,
    ],
)  # fmt: skip
def test_descriptions_of_books_that_break_the_rules(tmp_path, change):
    source = io.BytesIO(book_of(zipfile.ZIP_STORED))
    with zipfile.ZipFile(source) as archive:
        parts = {name: change(name, archive.read(name)) for name in archive.namelist()}
    (tmp_path / "a.epub").write_bytes(zipped(parts))
    texts, notices = outcome(tmp_path / "a.epub")
    assert [text[:7] for text in texts] == ["0 river", "1 river", "2 river"]
    assert notices == []


@pytest.mark.parametrize("name", ["META-INF/container.xml", "OPS/book.opf"])
@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_book_whose_description_is_damaged(tmp_path, name, method):
    data = book_of(method)
    at = members(data)[name] + 30 + len(name)
    data[at + 12 : at + 40] = bytes(28)
    (tmp_path / "a.epub").write_bytes(data)
    texts, notices = outcome(tmp_path / "a.epub")
    assert [text[:7] for text in texts] == ["0 river", "1 river", "2 river"]
    assert ("does not tell the order of its parts" in "".join(notices)) == (name == "OPS/book.opf")


def test_one_bad_file_of_each_kind_leaves_the_folder_readable(tmp_path):
    pytest.importorskip("markdown_it", reason="reading Markdown needs the package markdown-it-py")
    pytest.importorskip("pdfminer", reason="reading PDFs needs the package pdfminer.six")
    (tmp_path / "good.txt").write_text("Row on.")
    for name in ("a.docx", "b.epub", "c.pdf", "d.html", "e.md", "f.html.gz"):
        (tmp_path / name).write_bytes(b"PK\3\4\0" + bytes(200))
    report = ReadReport()
    texts = ["".join(d.pieces) for d in read_documents(tmp_path, ReadOptions(), report)]
    assert texts == ["Row on."]
    for name in ("a.docx", "b.epub", "c.pdf", "d.html", "e.md", "f.html.gz"):
        assert any(name in said for said in report.skipped), name
