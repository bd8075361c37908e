"""Text in colours and in signs."""

import re

from hypothesis import given
from hypothesis import strategies as st

from epigone.report.plots.drawing import picture
from epigone.report.plots.shaded_lines import ShadedLines
from epigone.report.shaded_text import ShadedText, colours, sign, to_html, to_page, to_rich, to_signs

SONG = ShadedText("layers.0[1]", list("ab\ncd"), [1.0, -1.0, 0.0, 0.5, -0.5], 1.0)


def test_signs_are_below_the_letters():
    assert to_signs(SONG, 80).splitlines()[1:] == ["ab¶", "#=", "cd", "+-"]
    assert "= below -0.6   - below -0.2   + above 0.2   # above 0.6" in to_signs(SONG, 80)
    assert "above 1.2" in to_signs(ShadedText("u", "a", [1.0], 2.0), 80)


def test_signs_and_colours_follow_the_value():
    assert [sign(share) for share in (-1, -0.4, 0, 0.4, 1)] == list("=- +#")
    assert colours(0)[0] == "#ffffff"
    assert colours(-1) == ("#2166ac", "#ffffff")
    assert colours(1) == ("#b2182b", "#ffffff")


@given(
    pieces=st.lists(st.text(st.sampled_from("ab \n\t世\x1b"), max_size=6), max_size=40),
    width=st.integers(2, 30),
    data=st.data(),
)
def test_no_letter_is_lost_or_moved(pieces, width, data):
    values = data.draw(st.lists(st.floats(-2, 2), min_size=len(pieces), max_size=len(pieces)))
    lines = list(ShadedText("u", pieces, values, 1.0).lines(width))
    letters = [(c, max(-1.0, min(1.0, v))) for piece, v in zip(pieces, values, strict=True) for c in piece]
    shown = [shaded for line in lines for shaded in line]
    assert [v for _, v in shown] == [v for _, v in letters]
    spelled = (
        "".join(c for c, _ in letters)
        .replace("\n", "¶")
        .replace("\t", " ")
        .replace("\x1b", "\N{REPLACEMENT CHARACTER}")
    )
    assert "".join(c for c, _ in shown) == spelled
    assert all(sum(2 if c == "世" else 1 for c, _ in line) <= width for line in lines)


def test_long_lines_break_after_a_word_and_documents_are_apart():
    text = ShadedText("u", list("the river runs"), [0.1] * 14, 1.0, starts=[0, 10])
    assert ["".join(c for c, _ in line) for line in text.lines(8)] == ["the ", "river ", "", "runs"]


def test_a_page_escapes_the_text_and_says_each_value():
    text = ShadedText("<u>", ["<b>", "&"], [0.25, -3.0], 1.0)
    html = to_html(text)
    assert "<b>&lt;u&gt;</b>" in html
    assert re.search(r'title="0.250">&lt;b&gt;</i>', html)
    assert re.search(r'class="s0" title="-3.000">&amp;</i>', html)
    assert to_page("t", ["said"], [text]).startswith("<!doctype html>")


def test_a_terminal_gets_the_colours():
    shown = to_rich(SONG, 80)
    assert shown.plain.splitlines()[1:] == ["ab¶", "cd"]
    assert any(str(span.style) == "#ffffff on #b2182b" for span in shown.spans)


def test_a_picture_has_all_texts():
    for kind, begin in (("png", b"\x89PNG"), ("svg", b"<?xml")):
        assert picture(ShadedLines([SONG, SONG]), kind, outlines=True).startswith(begin)
