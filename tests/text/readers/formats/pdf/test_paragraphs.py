from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typesetting import broken, laid_out, prose, widths

from epigone.text.readers.formats.pdf.columns import Column, Line, Page, reading_order
from epigone.text.readers.formats.pdf.paragraphs import paragraphs


def read(*columns, sides=None):
    columns = [Column(lines, side, 600) for lines, side in zip(columns, sides or [""] * len(columns), strict=True)]
    return list(paragraphs(columns))


def stack(texts, x=72.0, top=700.0, size=10.0, leading=12.0, right=None):
    """Lines below one another; a text that begins with a greater-than sign is indented, one with | ends at `right`."""
    lines = []
    for number, text in enumerate(texts):
        x0 = x + 15 * text.startswith(">")
        text = text.removeprefix(">")
        width = 0.5 * size * len(text)
        lines.append(Line(text, x0, top - leading * number, right or x0 + width, top - leading * number + size, size))
    return lines


@given(st.integers(0, 10**6), st.integers(36, 90), st.sampled_from([(3, 0), (0, 6), (4, 3), (2, 12)]), st.booleans())
def test_paragraphs_come_back_from_lines(seed, width, apart, justified):
    texts = prose(seed, 12, (4, 8), compounds=False)
    assert read(laid_out(texts, width, *apart, justified=justified)) == texts


@given(st.integers(0, 10**6), st.integers(36, 70), st.integers(10, 40))
def test_paragraphs_go_on_in_the_next_column(seed, width, height):
    texts = prose(seed, 15, (5, 9), compounds=False)
    lines = laid_out(texts, width, indent=3)
    columns = [lines[start : start + height] for start in range(0, len(lines), height)]
    assert read(*columns) == texts


PLACED = st.builds(
    lambda text, x, y, size: Line(text, x, y, x + 0.5 * size * len(text), y + size, size),
    st.from_regex(r"[A-Za-z-]{1,9}( [a-z.,]{1,9}){0,5}", fullmatch=True),
    st.floats(0, 500), st.floats(0, 780), st.sampled_from([6, 10, 10.4, 12, 30]),
)  # fmt: skip


@given(st.lists(st.lists(PLACED, max_size=30), max_size=4))
def test_no_letter_is_lost_wherever_the_lines_are(pages):
    columns = list(reading_order([Page(lines, 600, 800) for lines in pages]))
    written = "".join(paragraphs(columns))
    assert Counter(filter(str.isalpha, written)) == Counter(
        letter for lines in pages for line in lines for letter in line.text if letter.isalpha()
    )


def test_a_paragraph_ends_where_the_next_word_would_have_fitted():
    first = ["Nobody came to the landing that day, and she", "waited for them."]
    second = ["In the evening there was a lantern on the", "other bank, which went out as soon as she", "left."]
    assert read(stack(first + second)) == [" ".join(first), " ".join(second)]


def test_verses_stay_lines():
    stanzas = [
        ["Row on, row on,", "The night is long", "And the river is wide,", "Row on."],
        ["The lantern burns", "On the other side,", "And nobody comes", "To the landing."],
    ]
    lines = stack(stanzas[0]) + stack(stanzas[1], top=640)
    assert read(lines) == ["\n".join(stanza) for stanza in stanzas]
    indented = [Line(a.text, a.x0 + 15 * (n % 2), a.y0, a.x1 + 15 * (n % 2), a.y1, 10) for n, a in enumerate(lines)]
    assert read(indented) == ["\n".join(stanza) for stanza in stanzas]


def test_a_verse_that_is_too_long_for_the_page_is_one_line():
    lines = stack(["Row on,", "And the river is wide, and the night is so long", ">and dark,", "Row on,", "Row home."])
    assert read(lines) == ["Row on,\nAnd the river is wide, and the night is so long and dark,\nRow on,\nRow home."]


def test_verses_in_prose():
    texts = prose(1, 4, (5, 6), compounds=False)
    before, after = laid_out(texts[:2], 60, gap=6), laid_out(texts[2:], 60, gap=6)
    verses = stack(["Row on, row on,", "The night is long,", "Row home."], 100, before[-1].y0 - 22)
    after = [Line(a.text, a.x0, a.y0 + verses[-1].y0 - 722, a.x1, a.y1 + verses[-1].y0 - 722, a.size) for a in after]
    assert read(before + verses + after) == [*texts[:2], "Row on, row on,\nThe night is long,\nRow home.", *texts[2:]]


def test_talk_with_indents_is_prose():
    question = ["“Is there anybody on the other bank who waits", "for us?”"]
    answers = ["“No.”", "“Are you sure?”", "“Nobody.”"]
    end = ["“Then we can wait until the rain is over, and", "go home.”"]
    lines = [">" + question[0], question[1], *[">" + text for text in answers], ">" + end[0], end[1]]
    assert read(stack(lines)) == [" ".join(question), *answers, " ".join(end)]


def test_lists_of_books_hang():
    books = [
        ["Ferrywoman, A. Songs of the River, and of the", "bank. Ottermouth, printed by the writer for", "all."],
        ["Bridger, B. On Bridges, and on the Damage They", "do. Greyford, at the sign of the stone", "pier."],
    ]
    lines = [line for first, *others in books for line in (first, *[f">{other}" for other in others])]
    assert read(stack(lines)) == [" ".join(book) for book in books]


def test_headings_stand_alone():
    texts = prose(5, 2, (4, 6), compounds=False)
    body = laid_out(texts, 60, indent=3)
    assert read([Line("Of Boats", 72, 714, 120, 726, 12), *body]) == ["Of Boats", *texts]
    assert read([*body, Line("Of", 72, body[-1].y0 - 14, 80, body[-1].y0 - 2, 12)]) == [*texts, "Of"]


def test_a_tall_formula_does_not_divide_a_sentence():
    lines = stack(["The boat is as long as the river is wide, or", "longer, if it is a long boat."])
    lines += stack(["Nobody has seen such a boat on our river yet,", "and nobody will."], top=665)
    moved = [lines[0], Line(lines[1].text, 72, 682, lines[1].x1, 692, 10), *lines[2:]]
    assert read(moved) == [" ".join(line.text for line in some) for some in (lines[:2], lines[2:])]


def test_a_paragraph_that_ends_with_its_column():
    first = stack(["Nobody came to the landing that day, and she", "waited there until the bell rang for evening."])
    assert len(read(first, stack(["The bell rang once more, and the lantern went", "out."]))) == 2
    assert len(read(first, stack(["and then went home by the road that led along", "the bank."]))) == 2
    unfinished = stack(
        ["Nobody came to the landing that day, and she", "waited there until the bell had been rung for"]
    )
    assert len(read(unfinished, stack(["the evening and again for the night, before", "she went."]))) == 1
    assert len(read(unfinished, stack([], top=700) or stack(["the evening."]))) == 1


def test_notes_and_captions_follow_the_paragraph_that_they_interrupt():
    texts = prose(9, 6, (6, 8), compounds=False)
    lines = laid_out(texts, 60, indent=3)
    cut = len(laid_out(texts[:2], 60, indent=3)) + 2
    note = stack(["1 So it was said."], top=lines[cut - 1].y0 - 20, size=8)
    caption = [Line("Figure 2: The boat.", 72, 740, 167, 750, 10)]
    assert read(lines[:cut] + note, caption + lines[cut:]) == [
        *texts[:3], "1 So it was said.", "Figure 2: The boat.", *texts[3:]
    ]  # fmt: skip


def test_letters_recognised_in_pictures_have_all_sizes():
    texts = prose(3, 3, (5, 6), compounds=False)
    lines = laid_out(texts, 60, gap=10)
    uneven = [Line(a.text, a.x0, a.y0, a.x1, a.y1, 10 + 1.3 * (number % 4)) for number, a in enumerate(lines)]
    assert read(uneven) == texts


def test_nothing_makes_no_paragraphs():
    assert read() == []


@pytest.mark.parametrize("width", [20, 40])
def test_japanese_lines_are_joined_without_a_space(width):
    texts = [
        "川の向こうに灯りが見えて、船は岸をはなれた。" * 4,
        "誰も来なかったので、渡し守は歌をうたって待っていた。" * 3,
    ]
    lines: list[Line] = []
    for text in texts:
        for start in range(0, len(text), width):
            part, y, x = text[start : start + width], 700 - 15 * len(lines), 72 + 10 * (start == 0)
            lines.append(Line(part, x, y, 72 + 10 * len(part), y + 10, 10))
    assert read(lines) == texts


def test_korean_lines_are_joined_with_a_space():
    text = "강 건너편에 등불이 보였고 나룻배는 천천히 기슭을 떠났다. 아무도 오지 않았다."
    lines = enumerate(broken(text, widths(20, 20), len, False))
    assert read([Line(part, 72, 700 - 15 * n, 72 + 10 * len(part), 710 - 15 * n, 10) for n, part in lines]) == [text]
