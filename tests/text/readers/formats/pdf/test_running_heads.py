from collections import Counter

import pytest

from epigone.text.readers.formats.pdf.columns import Line, Page
from epigone.text.readers.formats.pdf.running_heads import HEADS, without_heads

BODY = ["Rain came over the river, and nobody wanted to cross it before", "the evening, when it was too late."]


def line(text, y, x0=72.0, size=10.0):
    return Line(text, x0, y - 2, x0 + 5 * len(text), y - 2 + size, size)


def page(top=None, foot=None, body=BODY):
    lines = [line(text, 700 - 12 * number) for number, text in enumerate(body)]
    lines += [line(text, y) for text, y in ((top, 760), (foot, 40)) if text]
    return Page(lines, 600, 800)


def left(*pages):
    """Return the lines that are left above and below the body."""
    return [[line.text for line in page.lines if line.text not in BODY] for page in without_heads(pages)]


def test_what_recurs_is_dropped():
    assert left(*[page("The Ferry", f"{n}") for n in range(1, 5)]) == [[]] * 4


def test_odd_and_even_pages_may_have_different_heads():
    pages = [page("The Ferry" if n % 2 else "A. Ferrywoman", f"page {n}") for n in range(1, 6)]
    assert left(*pages) == [[]] * 5


@pytest.mark.parametrize("form", ["{}", "- {} -", "– {} –", "[{}]", "Page {} of 30", "p. {}", "{}/30", "Seite {}"])
def test_page_numbers_are_dropped(form):
    assert left(*[page(foot=form.format(n)) for n in (8, 9, 10)]) == [[]] * 3
    assert left(page(foot=form.format(3))) == [[]]


def test_roman_numbers_are_numbers():
    assert left(*[page(foot=n) for n in ("viii", "ix", "x")]) == [[]] * 3
    assert left(page(foot="iv")) == [[]]
    assert left(page(foot="- xii -")) == [[]]
    assert left(*[page(top=f"{n} The Ferry") for n in ("I", "II", "III")]) == [[]] * 3


def test_a_number_beside_a_head_may_change():
    assert left(*[page(f"{n} The Ferry") for n in (8, 9, 10)]) == [[]] * 3


def test_the_title_of_a_chapter_stands_where_heads_stand():
    pages = [*[page("The Ferry")] * 3, page("The Bridge"), page("The Ferry")]
    assert left(*pages) == [[]] * 5


def test_what_stands_once_is_text():
    assert left(page("A Song")) == [["A Song"]]
    assert left(page("The River"), page("The Boat"), page("The Rope")) == [["The River"], ["The Boat"], ["The Rope"]]
    assert left(page(foot="She sang.")) == [["She sang."]]
    assert left(page(top="12")) == [["12"]]  # of a chapter


def test_a_line_of_text_at_the_height_of_heads_stays():
    body = [line("The Ferry", 762), *[line(text, 748 - 12 * number) for number, text in enumerate(BODY)]]
    pages = [page("Rivers"), page("Rivers"), Page(body, 600, 800)]
    assert left(*pages) == [[], [], ["The Ferry"]]


def test_the_title_stays_although_it_is_the_head_of_later_pages():
    title = Page([line("The Ferry", 760, size=18), *page().lines], 600, 800)
    assert left(title, page("The Ferry"), page("The Ferry")) == [["The Ferry"], [], []]


def test_lines_that_recur_in_the_text_stay():
    pages = [page(body=["Row on, row on,", *BODY]) for _ in range(3)]
    assert left(*pages) == [["Row on, row on,"]] * 3


def test_a_head_of_several_parts_and_lines():
    lines = [line("The Ferry", 760), line("12", 760, 480), line("Songs of the River", 748)]
    pages = [Page([*lines, *page().lines], 600, 800)] * 3
    assert left(*pages) == [[]] * 3


def test_titles_in_larger_letters_differ_by_their_number():
    def titled(text):
        return Page([line(text, 760, size=14.0), *page().lines], 600, 800)

    assert left(*[titled(f"Song {n}") for n in range(1, 5)]) == [[f"Song {n}"] for n in range(1, 5)]
    assert left(*[titled("The Ferry")] * 4) == [[]] * 4


def test_heads_are_counted():
    left_out = Counter()
    bodies = [[f"{word} {number * word}" for number in range(1, 9)] for word in ("rain", "river", "reed", "oar")]
    without_heads([page("The Ferry", f"{n}", body) for n, body in enumerate(bodies, 1)], left_out)
    assert left_out == {HEADS: 8}
