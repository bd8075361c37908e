"""Lines of poems, and text around the text, in HTML."""

from collections import Counter

import pytest
from books import page, write_book

from epigone.text.document import ReadOptions, ReadReport
from epigone.text.readers.formats.markup.blocks import with_lines, written
from epigone.text.readers.formats.markup.contents import CONTENTS
from epigone.text.readers.formats.markup.page import NOTE, NOTE_NUMBER, PAGE_NUMBER, blocks_of_html
from epigone.text.readers.paths import read_documents


def read(markup, relative=False):
    left_out = Counter()
    return "".join(written(with_lines(blocks_of_html(markup, left_out, relative)))), dict(left_out)


STANZAS = "Row on,\nrow on\n\nrow home"


@pytest.mark.parametrize(
    "poem",
    [
        "<p>Row on,<br>row on</p><p>row home</p>",
        "<div>Row on,<br>row on<br><br>row home</div>",
        "<pre>Row on,\nrow on\n\nrow home</pre>",
        "<table><tr><td>Row on,</td></tr><tr><td>row on</td></tr>"
        "<tr><td>&nbsp;</td></tr><tr><td>row home</td></tr></table>",
        "<p><span style='display:block'>Row on,</span><span style='display: block'>row on</span></p><p>row home</p>",
        "<p style='white-space: pre-line'>Row on,\nrow on\n\nrow home</p>",
        "<div class=lg><div class=l>Row on,</div><div class=l>row on</div></div>"
        "<div class=lg><div class=l>row home</div></div>",
        "<div class=lg><p class=l>Row on,</p><p class=l>row on</p></div><div class=lg><p class=l>row home</p></div>",
        "<div class=linegroup><span class=line>Row on,</span><span class=line>row on</span></div>"
        "<div class=linegroup><span class=line>row home</span></div>",
        "<p><span class=line>Row on,</span><span class=line>row on</span></p><p><span class=line>row home</span></p>",
        "<p><span class='verse-line'>Row on,</span>\n<span class='verse-line'>row on</span><br><br>row home</p>",
        "<div class='poem'><span class='i0'>Row on,<br/></span><span class='i2'>row on</span></div><p>row home</p>",
        "<div class='poem'><span class='i0'>Row on,</span><span class='i2'>row on</span></div><p>row home</p>",
        "<lg><l>Row on,</l><l>row on</l></lg><lg><l>row home</l></lg>",
        "<section epub:type='z3998:poem'><p><span>Row on,</span><br/><span>row on</span></p><p>row home</p></section>",
        "<div epub:type='z3998:verse'><div>Row on,</div><div>row on</div></div><div>row home</div>",
        "<p class='poem'>Row on,</p><p class='poem'>row on</p><p>&nbsp;</p><p class='poem'>row home</p>",
        "<p>Row on,</p><p>row on</p><p>&nbsp;</p><p>row home</p>",
        "<div>Row on,</div><div>row on</div><div><br></div><div>row home</div>",
        "<table class='poem'><tr><td>Row on,</td></tr><tr><td>row on</td></tr></table><p>row home</p>",
        "<blockquote class='poetry'><p>Row on,<br/>\n row on</p>\n<p>row home</p></blockquote>",
        "<div class='stanza'><div class='verse'>Row on,</div><div class='verse'>row on</div></div><p>row home</p>",
    ],
)
def test_lines_and_stanzas(poem):
    assert read(poem)[0] == STANZAS


def test_spans_of_other_classes_are_no_lines():
    prose = "The <span class='i1'>river</span> and <span class='underline'>boat</span> <span class='v2'>and</span> oar."
    assert read(f"<p>{prose}</p>")[0] == "The river and boat and oar."
    code = "<pre><span class='line'>row()</span>\n<span class='line'>on()</span></pre>"
    assert read(code)[0] == "row()\non()"


@pytest.mark.parametrize(
    ("markup", "kind"),
    [
        ("<span class='pagenum'>[Pg 3]</span>", PAGE_NUMBER),
        ("<span class='pagenum'><a id='Page_3'>[Pg 3]</a></span>", PAGE_NUMBER),
        ("<a id='p12' class='pagenum'>[12]</a>", PAGE_NUMBER),
        ("<span epub:type='pagebreak' title='3'>3</span>", PAGE_NUMBER),
        ("<span role='doc-pagebreak'>3</span>", PAGE_NUMBER),
        ("<span class='x pageno'>{3}</span>", PAGE_NUMBER),
        ("<a href='#f1'>[1]</a>", NOTE_NUMBER),
        ("<a href='notes.html#f1'>[1]</a>", NOTE_NUMBER),
        ("<sup><a href='#f1'>1</a></sup>", NOTE_NUMBER),
        ("<a href='#f1'><sup>12</sup></a>", NOTE_NUMBER),
        ("<sup>[3]</sup>", NOTE_NUMBER),
        ("<sup class='reference'><a href='#c'>[a]</a></sup>", NOTE_NUMBER),
        ("<a epub:type='noteref' href='#n'>*</a>", NOTE_NUMBER),
        ("<a role='doc-noteref' href='#n'>see note</a>", NOTE_NUMBER),
        ("<a class='fnanchor' href='#n'>[*]</a>", NOTE_NUMBER),
        ("<aside epub:type='footnote'><p>A note.</p></aside>", NOTE),
        ("<div class='footnote'><p>A note.</p></div>", NOTE),
        ("<section role='doc-endnotes'><p>A note.</p></section>", NOTE),
        ("<ol class='references'><li>A note.</li></ol>", NOTE),
    ],
)
def test_text_around_the_text_is_left_out_and_counted(markup, kind):
    whole = f"<p>The river{markup} ran</p><p>home.</p>"
    text, left_out = read(whole)
    assert text.replace("\n\n", " ") == "The river ran home."
    assert left_out == {kind: 1}
    kept = "".join(written(blocks_of_html(whole, None)))
    assert len(kept) > len(text)


@pytest.mark.parametrize(
    "markup",
    [
        "x<sup>2</sup>",
        "1<sup>st</sup>",
        "the 3<sup><i>rd</i></sup>",
        "see <a href='#river'>the river</a>",
        "<a href='https://ferry.example/#a'>ferry</a>",
        "[1] and (2)",
        "<span class='page'>3</span>",
    ],
)
def test_other_numbers_and_links_stay(markup):
    text, left_out = read(f"<p>Row {markup} home.</p>")
    assert text == "Row " + "".join(part.split(">")[-1] for part in markup.split("<")) + " home."
    assert left_out == {}


@pytest.mark.parametrize(
    "unseen", ["style='display: none'", "style='color:red;VISIBILITY:hidden'", "hidden", "hidden='hidden'"]
)
def test_what_nobody_sees_is_no_text(unseen):
    assert read(f"<p {unseen}>no</p><div {unseen}><p>no</p></div><p style='display:block'>Row.</p>") == ("Row.", {})


LINKS = "".join(f"<li><a href='#s{n}'>Song {n}</a></li>" for n in range(6))


@pytest.mark.parametrize(
    "contents",
    [
        f"<ul>{LINKS}</ul>",
        f"<h2>Contents</h2><ol>{LINKS}</ol>",
        f"<div><p>Contents</p><div>{LINKS}</div></div>",
        "<table>"
        + "".join(f"<tr><td><a href='#s{n}'>Song {n}</a></td><td>{n}</td></tr>" for n in range(6))
        + "</table>",
        f"<nav epub:type='toc'><ol>{LINKS}</ol></nav>",
        f"<div role='doc-toc'>{LINKS}</div>",
    ],
)
def test_tables_of_contents(contents):
    text, left_out = read(f"{contents}<h2 id='s0'>Song 0</h2><p>Row on.</p>")
    assert text == "Song 0\n\nRow on."
    assert left_out == {CONTENTS: 1}


def test_links_in_poems_and_to_elsewhere_are_no_contents():
    lines = "".join(f"<a href='#n{n}'>Row {n} on</a><br>" for n in range(6))
    assert read(f"<div class='poem'>{lines}</div>")[1] == {}
    assert "Song 3" in read(LINKS.replace("#", "https://ferry.example/"))[0]
    assert "Song 3" in read(LINKS.replace("#", "page"))[0]


def test_a_contents_page_in_the_spine_of_a_book(tmp_path):
    links = "".join(f"<p><a href='{n}.xhtml'>Song {n}</a></p>" for n in range(6))
    songs = {f"{n}.xhtml": page(f"<p>Row {n}.</p>") for n in range(6)}
    write_book(tmp_path / "a.epub", {"toc.xhtml": page(f"<h1>Contents</h1><div>{links}</div>"), **songs})
    report = ReadReport()
    texts = ["".join(d.pieces) for d in read_documents(tmp_path / "a.epub", ReadOptions(), report)]
    assert texts == [f"Row {n}." for n in range(6)]
    assert "1 table of contents left out; --notes keeps them." in report.notices()


def test_soft_hyphens_are_no_letters():
    assert read("<p>fer&shy;ry&#8203;woman</p>")[0] == "ferrywoman"


def test_spacers_are_no_paragraphs():
    assert (
        read("<p>The ferry is here.</p><p>&nbsp;</p><p>&nbsp;</p><p>It goes.</p>")[0]
        == "The ferry is here.\n\nIt goes."
    )


def test_a_number_that_links_back_begins_a_note():
    page = (
        "<p>Row<sup><a id=r1 href='#n1'>1</a></sup> on<a id=r2 href='#n2'>[2]</a>.</p>"
        "<p id=n1><a href='#r1'>1</a> A river.</p><ol><li><span><a href='#r2'>2.</a></span> A boat.</li></ol>"
    )
    assert read(page) == ("Row on.", {NOTE_NUMBER: 2, NOTE: 2})


@pytest.mark.parametrize(
    "markup",
    ["<p><a id=r1 href='#n1'>1</a> In the boat.</p><p id=n1>Row on.</p>", "<p><a name=v1>1</a> In the boat.</p>"],
)
def test_other_numbers_in_links_are_text(markup):
    assert read(markup)[0].startswith("1 In the boat.")


def test_the_picture_of_an_initial_is_its_letter():
    assert (
        read("<p><img src=o.png alt=O>n the river <img src=x.png alt='a boat'>we row</p>")[0] == "On the river we row"
    )


def test_a_button_around_paragraphs_is_text():
    assert read("<button><p>Row on.</p></button><p>Row <button>OK</button> home.</p>")[0] == "Row on.\n\nRow home."


@pytest.mark.parametrize("name", ["sr-only", "visually-hidden", "mw-editsection"])
def test_what_sites_hide_is_hidden(name):
    assert read(f"<p>Row on<span class={name}>[edit]</span>.</p>")[0] == "Row on."
