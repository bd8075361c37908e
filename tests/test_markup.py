import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from epigone.markup import clean, code, fenced, markdown, one_line, paragraph

HOSTILE = st.text(st.sampled_from("ab1 .#+->*_`[](){}<>|&$~!\\:=;\n\x03é한"), max_size=30)


def shown(source: str) -> str:
    """The text that Markdown shows for `source`, if that is one paragraph and nothing else."""
    tokens = MarkdownIt().parse(source)
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"], source
    children = tokens[1].children or []
    assert {child.type for child in children} <= {"text", "text_special"}, source
    return "".join(child.content for child in children)


@given(HOSTILE)
def test_a_paragraph_shows_exactly_its_text(text: str) -> None:
    plain = " ".join(clean(text).split())
    if plain:
        assert shown(paragraph(text)) == plain


@given(HOSTILE)
def test_markdown_inside_a_line_shows_exactly_its_text(text: str) -> None:
    plain = " ".join(clean(text).split())
    assert shown("x " + markdown(text)) == f"x {plain}".rstrip()


@pytest.mark.parametrize("text", ["__0__", "a__b", "_a_", "snake_case", "__init__.py"])
def test_underscores_are_not_emphasis(text: str) -> None:
    assert shown(paragraph(text)) == shown("x " + markdown(text)).removeprefix("x ") == text


def test_numbers_and_intervals_stay_readable() -> None:
    assert markdown("−0.233 [−0.251, −0.214], <0.001, bits_per_char & more") == (
        "−0.233 [−0.251, −0.214], <0.001, bits_per_char & more"
    )


@given(HOSTILE)
def test_a_fence_holds_any_text(text: str) -> None:
    tokens = MarkdownIt().parse(fenced(text))
    assert [token.type for token in tokens] == ["fence"]
    assert tokens[0].content.rstrip() == clean(text).rstrip()


@given(HOSTILE)
def test_code_in_a_line_shows_exactly_its_text(text: str) -> None:
    if not (plain := " ".join(clean(text).split())):
        return
    children = MarkdownIt().parse("x " + code(text))[1].children or []
    assert [child.type for child in children] == ["text", "code_inline"]
    assert children[1].content == plain


@pytest.mark.parametrize("bad", ["\x00", "\x03", "\x1b", "\x7f", "\x85", "\u202e", "\u2069", "\ud800", "\ufffe"])
def test_characters_that_cannot_be_shown_are_replaced(bad: str) -> None:
    assert clean(f"a{bad}b\n\tc") == "a\N{REPLACEMENT CHARACTER}b\n\tc"
    clean(f"a{bad}b").encode()


def test_one_line_shows_the_breaks_of_lines():
    assert one_line(" a\nb\r\nc\u2028d\u2029\te ") == " a�b�c�d�\te "
