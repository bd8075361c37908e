import gzip

import pytest

from epigone.errors import UserError
from epigone.text.document import ReadOptions, ReadReport
from epigone.text.readers.paths import read_documents


def test_blocks_become_paragraphs(text):
    page = """<!DOCTYPE html><html><head><title>Rivers</title><meta charset="utf-8"></head><body>
    <h1>Of  the
    River</h1><p>It is <b>wide</b>, and<i>&nbsp;deep</i> &amp; <a href="x">slow</a>.</p>
    <div>A division<p>and in it a paragraph</p>and the rest.</div><blockquote>Row on.</blockquote>
    <hr>The end<!-- of it -->.</body></html>"""
    assert text(page).split("\n\n") == [
        "Of the River", "It is wide, and\xa0deep & slow.", "A division", "and in it a paragraph", "and the rest.",
        "Row on.", "The end.",
    ]  # fmt: skip


def test_what_people_do_not_read_is_dropped(text):
    dropped = "".join(
        f"<{tag}>no</{tag}>"
        for tag in ("script", "style", "nav", "template", "noscript", "svg", "select", "iframe", "button", "title")
    )
    assert (
        text(f"<p>Row{dropped} on.</p><p hidden>no</p><nav><div><p>no</div></nav><p>Row home.")
        == "Row on.\n\nRow home."
    )
    assert text("<p><ruby>川<rp>(</rp><rt>かわ</rt><rp>)</rp></ruby>を渡る") == "川を渡る"


def test_lines_that_are_meant_stay(text):
    assert text("<p>Row on,<br>row on, <br/> row\nhome.</p>") == "Row on,\nrow on,\nrow home."
    assert text("<p>As it is:<pre>\n  a\n    b\n\nc  </pre>again</p>") == "As it is:\n\n  a\n    b\n\nc\n\nagain"


def test_lists_and_tables_have_lines(text):
    assert (
        text("<p>Two:<ul><li>an <i>oar</i><li>a rope<ul><li>long</ul></ul>End") == "Two:\n\nan oar\na rope\nlong\n\nEnd"
    )
    table = "<table><tr><th>boat</th><th>oars</th></tr><tr><td><p>Otter</p></td><td>2</td></tr></table>"
    assert text(table) == "boat\toars\nOtter\t2"
    layout = "<table><tr><td>menu</td><td><p>First.</p><p>Second.</p></td></tr></table>"
    assert text(layout) == "menu\n\nFirst.\n\nSecond."


def test_divisions_in_a_poem_are_lines(text):
    poem = '<div class="poem"><div class="stanza"><div>Row on,</div><div class="i2">row on.</div></div>'
    poem += '<div class="stanza"><div>Row home.</div></div></div><div>She</div><div>sang.</div>'
    assert text(poem) == "Row on,\nrow on.\n\nRow home.\n\nShe\n\nsang."


def test_a_page_in_many_layers(text):
    assert text("<div>" * 20_000 + "deep" + "</div>" * 20_000) == "deep"


def test_text_without_marks_and_addresses_are_read(text):
    assert text("Row on.") == "Row on."
    assert text("songs.html") == "songs.html"
    assert text("https://ferry.example/songs") == "https://ferry.example/songs"


def test_xhtml(text):
    page = '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml"><body><div/><p>Row<br/>on'
    assert text(page + "<![CDATA[ & on]]></p></body></html>", "page.xhtml") == "Row\non & on"


@pytest.mark.parametrize(
    ("declaration", "codec", "letters"),
    [
        ('<meta charset="windows-1251">', "cp1251", "Река"),
        ("<meta http-equiv='Content-Type' content='text/html; charset=ISO-8859-1'>", "cp1252", "“é”"),
        ('<?xml version="1.0" encoding="shift_jis"?>', "cp932", "川を渡る"),
        ('<meta charset="euc-kr">', "cp949", "강을 건넌다"),
        ('<meta charset="gb2312">', "gb18030", "过河"),
    ],
)
def test_a_page_tells_its_encoding(read, declaration, codec, letters):
    [(_, text)], report = read(f"<html><head>{declaration}</head><p>{letters}</p>".encode(codec))
    assert text == letters
    assert list(report.encodings.values()) == [codec]


def test_utf_8_needs_no_declaration_and_beats_a_wrong_one(text, read):
    assert text("<p>é川") == "é川"
    assert text('<meta charset="iso-8859-1"><p>é川') == "é川"
    assert text("<p>é".encode("utf-16")) == "é"
    assert text("<p>é".encode("cp1252"), encoding="cp1252") == "é"
    assert text('<meta charset="iso-2022-jp"><p>川を渡る'.encode("iso-2022-jp")) == "川を渡る"
    assert text('<meta charset="no-such"><p>Row.') == "Row."
    assert "cp1252" in read("<p>Café, café, café au lait".encode("cp1252"))[1].encodings.popitem()[1]


def test_packed_pages(text):
    assert text(gzip.compress(b"<p>Row on."), "page.htm.gz") == "Row on."


def test_gutenberg_goes(read, text):
    page = "<h2>The Project Gutenberg eBook of X</h2><div>*** START OF THE PROJECT GUTENBERG EBOOK X ***</div>"
    page += "<p>Row on.</p><div>*** END OF THE PROJECT GUTENBERG EBOOK X ***</div><p>Licence</p>"
    [(_, found)], report = read(page)
    assert (found, report.gutenberg) == ("Row on.", 2)
    assert text(page, gutenberg=False).endswith("Licence")


def test_pieces_are_no_longer_than_a_megabyte(tmp_path):
    (tmp_path / "a.html").write_text("<pre>" + "Row on. " * 400_000 + "</pre>")
    [sizes] = [
        [len(piece) for piece in d.pieces] for d in read_documents(tmp_path / "a.html", ReadOptions(), ReadReport())
    ]
    assert max(sizes) <= 1 << 20
    assert sum(sizes) == 3_199_999


@pytest.mark.parametrize("content", ["", "<html><body></body></html>", "<nav>Home</nav>"])
def test_a_page_without_text(read, content):
    with pytest.raises(UserError, match=r"no text in .*page\.html"):
        read(content)


def test_binary_files_are_refused(read):
    with pytest.raises(UserError, match=r"a\.html is a binary file"):
        read(b"\0\1\2", "a.html")
