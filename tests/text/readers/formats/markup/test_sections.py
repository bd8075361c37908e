"""Documents under headings and on pages, in every format that marks them."""

import zipfile

import pytest
from books import page, write_book

from epigone.errors import UserError
from epigone.text.document import ReadOptions, ReadReport
from epigone.text.readers.paths import read_documents

WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
STYLES = (
    f'<w:styles {WORD}><w:style w:styleId="T1"><w:name w:val="heading 1"/></w:style>'
    '<w:style w:styleId="T2"><w:name w:val="Title"/></w:style></w:styles>'
)
POEMS = [(f"Poem {n}", [f"The river {n} is wide,", "and nobody rows"], [f"home, said {n}"]) for n in range(40)]
TEXTS = ["\n".join(first) + "\n\n" + "\n".join(second) for _, first, second in POEMS]
SENTENCE = "The ferrywoman rows over the wide river and tells nobody in the town on the other side of it. "


def word(path, *paragraphs):
    """Write a Word file of paragraphs: texts, `<...>` as it is, or a text with the style before a bar."""
    body = ""
    for text in paragraphs:
        style, _, rest = text.rpartition("|")
        inner = rest if rest.startswith("<") else f"<w:r><w:t>{rest}</w:t></w:r>" if rest else ""
        body += f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr>{inner}</w:p>'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/styles.xml", STYLES)
        archive.writestr("word/document.xml", f"<w:document {WORD}><w:body>{body}</w:body></w:document>")
    return path


BREAK = '<w:r><w:br w:type="page"/></w:r>'
BOLD = "<w:r><w:rPr><w:b/></w:rPr><w:t>{}</w:t></w:r>"


def read(path, **options):
    report = ReadReport()
    texts = ["".join(d.pieces) for d in read_documents(path, ReadOptions(**options), report)]
    return texts, report


def text(path, content):
    path.write_text(content)
    return path


def poem_pages(path):
    """Forty poems in Word, each with a title and on a page of its own, one paragraph a line."""
    return word(path, *(p for title, a, b in POEMS for p in (f"T1|{title}", *a, "", *b, BREAK)))


def poem_headings(path):
    return word(path, *(p for title, a, b in POEMS for p in (f"T1|{title}", *a, "", *b)))


def poem_markdown(path):
    return text(
        path, "".join(f"# {title}\n\n" + "\n".join(a) + "\n\n" + "\n".join(b) + "\n\n" for title, a, b in POEMS)
    )


def poem_html(path):
    poems = (f"<h2>{title}</h2><p>{'<br>'.join(a)}</p><p>{'<br>'.join(b)}</p>" for title, a, b in POEMS)
    return text(path, "<h1>Songs of the River</h1>" + "".join(poems))


def poem_book(path):
    chapters = [f"<h2>{title}</h2><p>{'<br/>'.join(a)}</p><p>{'<br/>'.join(b)}</p>" for title, a, b in POEMS]
    write_book(path, {f"{n}.xhtml": page("".join(chapters[n : n + 10])) for n in range(0, 40, 10)})
    return path


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (poem_pages, "a.docx"),
        (poem_headings, "a.docx"),
        (poem_markdown, "a.md"),
        (poem_html, "a.html"),
        (poem_book, "a.epub"),
    ],
)
def test_forty_poems_are_forty_documents_without_their_titles(tmp_path, write, name):
    if name == "a.md":
        pytest.importorskip("markdown_it", reason="reading Markdown needs the package markdown-it-py")
    texts, report = read(write(tmp_path / name))
    assert texts == TEXTS
    divided, titles = report.notices()
    assert divided == (
        f"{name} divided into 40 documents at headings; --documents files keeps a file whole, --documents pages "
        "divides at pages."
    )
    assert titles.endswith(" titles of documents left out of the text; --titles keeps them.")
    kept, _ = read(tmp_path / name, titles=True)
    assert kept[-1] == f"Poem 39\n\n{TEXTS[-1]}"
    [whole], report = read(tmp_path / name, documents="files")
    assert all(part in whole for part in TEXTS)
    assert "divided" not in " ".join(report.notices())


def test_pages_divide_if_no_headings_do(tmp_path):
    inside = "<w:r><w:t>Three</w:t></w:r>" + BREAK + "<w:r><w:t>rows.</w:t></w:r>"
    texts, report = read(word(tmp_path / "a.docx", "One rows.", BREAK, "Two rows.", BREAK, inside))
    assert texts == ["One rows.", "Two rows.", "Three", "rows."]
    assert "divided into 4 documents at pages; --documents files" in report.notices()[0]
    breaks = '<p>One.</p><p style="page-break-before: always">Two.</p><hr class="pagebreak"><p>Three.</p>'
    assert read(text(tmp_path / "a.html", breaks))[0] == ["One.", "Two.", "Three."]


@pytest.mark.parametrize("pages", [["One rows.", BREAK, "Two rows."], ["Songs", BREAK, SENTENCE * 9, BREAK, "The end"]])
def test_a_cover_and_a_single_break_divide_nothing(tmp_path, pages):
    texts, report = read(word(tmp_path / "a.docx", *pages))
    assert (len(texts), report.notices()) == (1, [])
    assert len(read(tmp_path / "a.docx", documents="pages")[0]) == pages.count(BREAK) + 1


def test_sections_of_properties_and_styles_begin_pages(tmp_path):
    before = "<w:pPr><w:pageBreakBefore/></w:pPr>"
    section = "<w:pPr><w:sectPr/></w:pPr><w:r><w:t>One.</w:t></w:r>"
    run = "<w:sectPr><w:type w:val='continuous'/></w:sectPr>"
    path = word(
        tmp_path / "a.docx",
        section,
        "Two.",
        f"{before}<w:r><w:t>Three.</w:t></w:r>",
        f"<w:pPr>{run}</w:pPr><w:r><w:t>Four,</w:t></w:r>",
        "on.",
    )
    assert [t.split() for t in read(path)[0]] == [["One."], ["Two."], ["Three.", "Four,", "on."]]


def test_an_article_stays_whole_and_a_novel_does_not(tmp_path):
    article = "<h1>On Rivers</h1>" + "".join(f"<h2>Part {n}</h2><p>{SENTENCE * 5}</p>" for n in range(5))
    texts, report = read(text(tmp_path / "a.html", article))
    assert len(texts) == 1
    assert report.notices() == [
        "a.html not divided, although there are 5 headings: the sections are short, as those of an article are. "
        "--documents headings divides there."
    ]
    assert len(read(tmp_path / "a.html", documents="headings")[0]) == 5
    novel = "<h1>The Ferry</h1>" + "".join(
        f"<h2>Chapter {n}</h2><p>{SENTENCE * 40}</p><h3>At night</h3><p>{SENTENCE}</p>" for n in range(5)
    )
    texts, _ = read(text(tmp_path / "b.html", novel))
    assert len(texts) == 5
    assert all("At night" in chapter and "Chapter" not in chapter for chapter in texts)


def test_headings_of_parts_are_titles_too(tmp_path):
    poems = "".join(
        f"<h1>Part {part}</h1>" + "".join(f"<h2>{part}{n}</h2><p>Row {part}{n} home</p>" for n in range(4))
        for part in "abc"
    )
    texts, report = read(text(tmp_path / "a.html", poems))
    assert texts == [f"Row {part}{n} home" for part in "abc" for n in range(4)]
    assert report.titles_left_out == 15
    kept, _ = read(tmp_path / "a.html", titles=True)
    assert kept[4] == "Part b\n\nb0\n\nRow b0 home"


def test_a_text_with_few_headings_keeps_them(tmp_path):
    path = text(tmp_path / "a.html", "<h1>Songs</h1><p>Row.</p><h2>More</h2><p>On.</p>")
    assert read(path)[0] == ["Songs\n\nRow.\n\nMore\n\nOn."]
    assert read(path, titles=False)[0] == ["Row.\n\nMore\n\nOn."]


def test_titles_of_files_are_offered(tmp_path):
    for number in range(3):
        text(tmp_path / f"{number}.html", f"<h1>Title</h1><p>Row {number} home.</p>")
    texts, report = read(tmp_path)
    assert texts[0] == "Title\n\nRow 0 home."
    assert report.notices() == ["3 documents begin with a title; --no-titles leaves titles out."]
    assert read(tmp_path, titles=False)[0] == [f"Row {number} home." for number in range(3)]


def test_separators_win_over_headings(tmp_path):
    path = text(tmp_path / "a.html", "".join(f"<h1>T{n}</h1><p>Row {n}.</p><p>***</p>" for n in range(4)))
    assert read(path, separator=r"\*\*\*")[0] == [f"T{n}\n\nRow {n}." for n in range(4)]
    assert read(path, documents="lines")[0][:3] == ["T0", "Row 0.", "***"]


def test_bold_lines_may_be_titles(tmp_path):
    songs = [p for n in range(4) for p in (BOLD.format(f"Song {n}"), f"{n} {SENTENCE}" * 2)]
    texts, report = read(word(tmp_path / "a.docx", *songs))
    assert len(texts) == 1
    assert report.notices() == ["a.docx has 4 bold lines that may be titles; --documents headings divides there."]
    assert read(tmp_path / "a.docx", documents="headings")[0] == [(f"{n} {SENTENCE}" * 2).strip() for n in range(4)]
    page = "".join(f"<p><b>Song {n}</b></p><p>{n} {SENTENCE * 2}</p>" for n in range(4))
    assert "has 4 bold lines" in read(text(tmp_path / "a.html", page))[1].notices()[0]
    assert len(read(tmp_path / "a.html", documents="headings")[0]) == 4
    play = [p for n in range(9) for p in (BOLD.format("ADA." if n % 2 else "BO."), SENTENCE + str(n))]
    assert read(word(tmp_path / "b.docx", *play))[1].notices() == []


def test_gutenberg_goes_before_the_division(tmp_path):
    head = "<h2>The Project Gutenberg eBook of X</h2><div>*** START OF THE PROJECT GUTENBERG EBOOK X ***</div>"
    foot = "<div>*** END OF THE PROJECT GUTENBERG EBOOK X ***</div><h2>License</h2><p>You may copy it.</p>"
    poems = "".join(f"<h2>Poem {n}</h2><p>Row {n} home</p>" for n in range(4))
    texts, report = read(text(tmp_path / "a.html", head + poems + foot))
    assert texts == [f"Row {n} home" for n in range(4)]
    assert report.gutenberg == 2
    parts = {"h.xhtml": head, "a.xhtml": poems, "f.xhtml": "<p>Last words</p>" + foot, "l.xhtml": "<p>Licence</p>"}
    write_book(tmp_path / "a.epub", {name: page(body) for name, body in parts.items()})
    assert read(tmp_path / "a.epub")[0] == [*texts, "Last words"]


def test_units_that_a_format_does_not_have_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"--documents headings has no meaning for .*a\.txt \(plain\).*Formats.*html"):
        read(text(tmp_path / "a.txt", "Row."), documents="headings")
    with pytest.raises(UserError, match="There is no documents 'verses'; choose one of lines, files, headings, pages"):
        ReadOptions(documents="verses")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["a.html", "a.md"])
def test_rules_divide_if_pages_are_asked_for(tmp_path, name):
    rule = "\n\n---\n\n" if name == "a.md" else "<hr>"
    path = text(tmp_path / name, rule.join(f"<p>Row {number}<br>row on</p>" for number in range(3)))
    documents, report = read(path)
    assert len(documents) == 1
    assert report.notices() == [
        f"{name} not divided at the 2 rules between paragraphs; --documents pages divides there."
    ]
    documents, report = read(path, documents="pages")
    assert documents == [f"Row {number}\nrow on" for number in range(3)]
    assert report.notices() == []


def test_a_page_without_pages_says_so(tmp_path):
    path = text(tmp_path / "a.html", "<p>Row on</p><p>Row home</p>")
    assert read(path, documents="pages")[1].notices() == [
        "--documents pages divides nothing: a.html has no pages to divide at."
    ]


def test_a_bold_first_line_may_be_a_title(tmp_path):
    page = "".join(f"<p><strong>Song {number}</strong><br>Row {number}<br>row on</p>" for number in range(4))
    documents, report = read(text(tmp_path / "a.html", page))
    assert documents == ["\n\n".join(f"Song {number}\nRow {number}\nrow on" for number in range(4))]
    assert "4 bold lines" in report.notices()[0]
    documents, _ = read(tmp_path / "a.html", documents="headings")
    assert documents == [f"Row {number}\nrow on" for number in range(4)]


def test_the_parts_of_a_book_are_no_undivided_article(tmp_path):
    write_book(tmp_path / "a.epub", {f"{n}.xhtml": page(f"<h2>{n}</h2><p>{SENTENCE * 5}{n}</p>") for n in "abc"})
    documents, report = read(tmp_path / "a.epub")
    assert len(documents) == 3
    assert not any("not divided" in notice for notice in report.notices())


def test_centred_lines_may_be_titles(tmp_path):
    centred = "<w:r><w:t>{}</w:t></w:r>"
    paragraphs = []
    for title, first, second in POEMS[:4]:
        paragraphs += [f"|<w:pPr><w:jc w:val='center'/></w:pPr>{centred.format(title)}", *first, "", *second, ""]
    assert "4 bold lines" in read(word(tmp_path / "a.docx", *paragraphs))[1].notices()[0]
