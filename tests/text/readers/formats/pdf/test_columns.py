from hypothesis import given
from hypothesis import strategies as st

from epigone.text.readers.formats.pdf.columns import Line, Page, joined, reading_order, rows


def line(text, x0, y, width=200.0, size=10.0):
    return Line(text, x0, y - 2, x0 + width, y - 2 + size, size)


def read(*pages):
    columns = reading_order([Page(lines, 600, 800) for lines in pages])
    return [(column.side, " ".join(line.text for line in column.lines)) for column in columns]


def column(names, x0, top=700.0):
    return [line(name, x0, top - 12 * number) for number, name in enumerate(names)]


def test_one_column_goes_from_top_to_bottom():
    assert read(column("abcd", 72)[::-1]) == [("", "a b c d")]


def test_the_left_column_comes_first():
    assert read(column("abcd", 72) + column("efgh", 300)) == [("l", "a b c d"), ("r", "e f g h")]
    assert read(column("abcd", 72) + column("efgh", 300, top=695)) == [("l", "a b c d"), ("r", "e f g h")]


def test_three_columns():
    lines = [line(name, x, 700 - 12 * y, 140) for x, names in ((72, "abc"), (230, "def"), (390, "ghi"))
             for y, name in enumerate(names)]  # fmt: skip
    assert [text for _, text in read(lines)] == ["a b c", "d e f", "g h i"]


def test_what_spans_the_page_divides_it_into_bands():
    lines = [line("title", 150, 740, 300, 18), *column("abc", 72), *column("def", 300)]
    lines += [line("table", 72, 600, 428), *column("ghi", 72, 580), *column("jkl", 300, 580)]
    assert [text for _, text in read(lines)] == ["title", "a b c", "d e f", "table", "g h i", "j k l"]


def test_the_short_last_line_of_a_wide_paragraph_belongs_to_it():
    lines = [line("wide", 72, 740, 428), line("end", 72, 728, 60), *column("abc", 72, 690), *column("def", 300, 690)]
    assert [text for _, text in read(lines)] == ["wide end", "a b c", "d e f"]


def test_a_page_with_only_one_of_the_two_columns_is_seen_as_such():
    pages = [column("abcd", 72) + column("efgh", 300), column("ij", 72)]
    assert read(*pages) == [("l", "a b c d"), ("r", "e f g h"), ("l", "i j")]
    wide = [line(name, 72, 700 - 12 * number, 428) for number, name in enumerate("ijk")]
    assert read(pages[0], wide)[2] == ("", "i j k")


def test_numbers_beside_lines_are_no_column():
    contents = [part for number in range(5) for part in (line("chapter", 72, 700 - 12 * number, 300),
                line("7", 480, 700 - 12 * number, 10))]  # fmt: skip
    assert read(contents) == [("", " ".join(["chapter 7"] * 5))]


def test_empty_pages_have_no_columns():
    assert read([], column("a", 72), []) == [("", "a")]


def test_parts_of_a_row_are_joined_by_their_distance():
    parts = [
        line("wo", 100, 700, 10),
        line("men", 110.2, 700, 15),
        line("row", 130, 701, 15),
        line("2", 145, 704, 3, 6),
    ]
    [row] = rows(parts[::-1])
    assert joined(row) == Line("women row2", 100, 698, 148, 708, 10)


@given(st.integers(3, 30), st.integers(3, 30), st.randoms())
def test_the_order_does_not_depend_on_that_in_the_file(left, right, rng):
    lines = [line(f"l{n}", 72, 700 - 12 * n) for n in range(left)] + [
        line(f"r{n}", 300, 700 - 12 * n) for n in range(right)
    ]
    shuffled = rng.sample(lines, len(lines))
    assert read(shuffled) == [
        ("l", " ".join(f"l{n}" for n in range(left))),
        ("r", " ".join(f"r{n}" for n in range(right))),
    ]
