from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.text.document import ReadReport
from epigone.text.readers import gutenberg
from epigone.text.readers.gutenberg import gutenberg_books, strip_gutenberg

BOOK = (
    "The Project Gutenberg EBook of Nothing\n\nRelease date: never\n\n"
    "{}START OF {} PROJECT GUTENBERG EBOOK NOTHING ***\n\nThe story.\nIts end.\n"
    "{}END OF {} PROJECT GUTENBERG EBOOK NOTHING ***\nLicence\n"
)


@pytest.mark.parametrize("stars", ["*** ", "***"])
@pytest.mark.parametrize("which", ["THE", "THIS"])
@given(places=st.lists(st.integers(0, 20)))
def test_gutenberg_headers_and_footers_go(stars, which, places):
    lines = BOOK.format(stars, which, stars, which).splitlines(keepends=True)
    pieces = ["".join(part) for part in cut_lines(lines, places)]
    report = ReadReport()
    assert "".join(strip_gutenberg(pieces, report)) == "\nThe story.\nIts end.\n"
    assert report.gutenberg == 2


def cut_lines(lines, places):
    bounds = sorted({0, len(lines), *(place % len(lines) for place in places)})
    return [lines[a:b] for a, b in pairwise(bounds)]


def test_an_older_footer_goes():
    report = ReadReport()
    text = "Story.\nEnd of the Project Gutenberg EBook of Nothing\nLicence\n"
    assert "".join(strip_gutenberg([text], report)) == "Story.\n"


@pytest.mark.parametrize(
    "text",
    ["", "*** START OF THE SONG ***\nla la\n*** END OF THE SONG ***\n", "She read Project Gutenberg's books.\n"],
)
def test_other_texts_are_left_alone(text):
    report = ReadReport()
    assert "".join(strip_gutenberg([text], report)) == text
    assert report.gutenberg == 0


def test_a_header_is_looked_for_only_at_the_beginning(monkeypatch):
    monkeypatch.setattr(gutenberg, "REACH", 20)
    text = BOOK.format("*** ", "THE", "x", "x")
    assert "".join(strip_gutenberg([text], ReadReport())) == text


LICENCE = "\n\nSection 1. Redistributing Project Gutenberg-tm works\nYou may copy it, give it away or re-use it.\n" * 20
START = "*** START OF THE PROJECT GUTENBERG EBOOK ROWING ***\n"
END = "*** END OF THE PROJECT GUTENBERG EBOOK ROWING ***\n"
HEADER = "The Project Gutenberg eBook of Rowing\n\nTitle: Rowing\n\n"
STORY = "".join(f"We row past the {number}th reed of the river.\n" for number in range(200))
OTHER = STORY.replace("row", "sail")


def books_of(text, size=1 << 20):
    report = ReadReport()
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    books = [""]
    for piece in gutenberg_books(pieces, report):
        if piece is None:
            books.append("")
        else:
            books[-1] += piece
    return [book.strip() for book in books], report


@pytest.mark.parametrize("between", ["", "\n\n", "An introduction to the second.\n" * 3])
def test_several_books_in_a_row_are_all_kept(between):
    book = HEADER + START + "{}" + END + LICENCE + between
    found, report = books_of(book.format(STORY) + book.format(OTHER) + book.format("Short.\n"))
    assert found == [STORY.strip(), OTHER.strip(), "Short."]
    assert report.gutenberg == 6
    assert report.gutenberg_kept == len(STORY + OTHER + "Short.\n")


def test_a_text_after_the_licence_is_kept():
    licence = LICENCE + "subscribe to our email newsletter to hear about new eBooks.\n"
    found, report = books_of(HEADER + START + STORY + END + licence + "\n\nMy own notes.\n")
    assert found == [STORY.strip(), "My own notes."]
    assert report.gutenberg == 2


@pytest.mark.parametrize(
    "sentence",
    [
        "End of Project Gutenberg work is planned for 2001, said the editor.\n",
        "End of the Project Gutenberg eBook fashion, he cried.\n",
        "End of Project Gutenberg's first year.\n",
        "Ende dieses Projekt Gutenberg, dachte er.\n",
    ],
)
def test_a_sentence_like_a_footer_ends_no_book(sentence):
    for end in (END + LICENCE, ""):
        found, _ = books_of(HEADER + START + STORY + sentence + OTHER + end)
        assert found == [(STORY + sentence + OTHER).strip()]


@pytest.mark.parametrize(
    "footer",
    [
        "End of Project Gutenberg's Rowing, by A. Reed\n",
        "End of the Project Gutenberg EBook of Rowing, by A. Reed\n",
        "End of The Project Gutenberg Etext of Rowing\n",
        "End of this Project Gutenberg Etext\n",
        "Ende dieses Project Gutenberg Etextes\n",
        "Fin de Project Gutenberg's Rowing\n",
        "End of this Etext of Rowing\n",
    ],
)
@pytest.mark.parametrize("after", ["", "\n\n" + END + LICENCE, LICENCE])
def test_footers_without_stars_go(footer, after):
    assert books_of(HEADER + START + STORY + footer + after)[0] == [STORY.strip()]


@pytest.mark.parametrize(
    "change",
    [
        str.lower,
        lambda line: "   " + line,
        lambda line: line.replace("*** ", "***").replace(" ***", "***"),
        lambda line: line.replace("THE PROJECT", "PROJECT"),
        lambda line: line.replace("THE PROJECT", "THIS PROJECT"),
    ],
)
def test_header_and_footer_come_in_many_forms(change):
    assert books_of(HEADER + change(START) + STORY + change(END) + LICENCE)[0] == [STORY.strip()]


SMALL_PRINT = "*END THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*\n"


@pytest.mark.parametrize("end", [SMALL_PRINT, SMALL_PRINT.replace("END THE", "END*THE")])
def test_the_small_print_of_the_1990s_goes(end):
    found, report = books_of(HEADER + "***START**THE SMALL PRINT!**\n" + LICENCE + end + STORY + "End of this Etext\n")
    assert found == [STORY.strip()]
    assert report.gutenberg == 2


def test_small_print_after_a_short_book_takes_nothing_of_it():
    assert STORY.strip() in books_of(HEADER + STORY + LICENCE + SMALL_PRINT)[0][0]
    assert books_of(HEADER + START + STORY + LICENCE + SMALL_PRINT)[0][0].startswith(STORY.strip())


def test_a_header_that_is_not_recognised_is_told():
    _, report = books_of(HEADER + STORY)
    assert report.gutenberg == 0
    [notice] = report.notices()
    assert "not recognised in 1 text, such as the one with the line 'The Project Gutenberg eBook of Rowing'" in notice


@given(st.integers(1, 9_000))
def test_books_do_not_depend_on_where_the_text_is_cut(size):
    text = (HEADER + START + STORY + END + LICENCE) * 2
    lines = text.splitlines(keepends=True)
    pieces = ["".join(lines[start : start + size // 50 + 1]) for start in range(0, len(lines), size // 50 + 1)]
    report = ReadReport()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gutenberg, "REACH", 500)
        found = "".join("|" if piece is None else piece for piece in gutenberg_books(pieces, report))
    assert [book.strip() for book in found.split("|")] == [STORY.strip(), STORY.strip()]


def test_the_share_that_is_kept_is_said():
    report = books_of(HEADER + START + STORY + END + LICENCE)[1]
    share = round(100 * len(STORY) / len(HEADER + START + STORY + END + LICENCE))
    assert report.notices() == [f"2 Project Gutenberg headers and footers removed; {share}% of these texts is kept."]


@pytest.mark.parametrize(
    "credit",
    [
        "Produced by David Widger\n",
        "Produced by Bo Lomi, Ka and Anne O’Neill.\n",
        "Produced by Bo and the Online Distributed\nProofreading Team at https://www.pgdp.net (This file was\nmade.)\n",
        "E-text prepared by Bo, and the Project Gutenberg Team\n",
        "This etext was produced by Bo <bo@reeds.example>\n",
        "Transcribed from the 1890 Longmans edition by Bo\n",
    ],
)
def test_the_makers_of_a_file_are_no_part_of_its_book(credit):
    found, _ = books_of(HEADER + START + "\n" + credit + "\n\n" + STORY + END + LICENCE)
    assert found == [STORY.strip()]


@pytest.mark.parametrize(
    "sentence",
    [
        "Produced by magic, the river ran.\n",
        "Prepared by nobody, we rowed.\n",
        "Produced the next day, it was late.\n",
        "Digitized from the hand of a ferrywoman.\n",
    ],
)
def test_a_book_may_begin_like_a_credit(sentence):
    assert books_of(HEADER + START + sentence + "\n" + STORY + END + LICENCE)[0] == [f"{sentence}\n{STORY}".strip()]


@pytest.mark.parametrize(
    "start",
    [
        "*** START OF THE PROJECT GUTENBERG EBOOK OF THE RIVER AND\nOF THE FERRY ***\n",
        "*** START OF THE PROJECT GUTENBERG EBOOK OF THE RIVER,\nOF THE FERRY, AND\nOF THE REEDS ***\n",
        "* * * START OF THIS PROJECT GUTENBERG EBOOK THE RIVER * * *\n",
    ],
)
def test_other_forms_of_the_start(start):
    assert books_of(HEADER + start + STORY + END + LICENCE)[0] == [STORY.strip()]


def test_stars_below_the_start_are_the_books():
    found, _ = books_of(HEADER + START + "One line\n***\n" + STORY + END + LICENCE)
    assert found == [f"One line\n***\n{STORY}".strip()]
