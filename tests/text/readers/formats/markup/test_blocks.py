"""Lines and stanzas of poems that are written as paragraphs."""

import pytest

from epigone.text.readers.formats.markup.blocks import Block, with_lines, written


def paragraphs(*texts, **more):
    return [Block(text, is_paragraph=True, **more) for text in texts]


def joined(blocks):
    return "".join(written(blocks))


@pytest.mark.parametrize("typed", [True, False])
def test_empty_paragraphs_divide_lines_into_stanzas(typed):
    blocks = paragraphs("Row on,", "row on.", "", "Row home,", "row home.", "", "", "Row.", "On.")
    assert joined(with_lines(blocks, typed)) == "Row on,\nrow on.\n\nRow home,\nrow home.\n\n\nRow.\nOn."


def test_prose_has_paragraphs():
    texts = ["The ferrywoman rows over the wide and deep river to the town."] * 4
    assert joined(with_lines(paragraphs(*texts), typed=True)) == "\n\n".join(texts)
    spaced = [text for pair in zip(texts, [""] * 4, strict=True) for text in pair]
    assert joined(with_lines(paragraphs(*spaced), typed=True)) == "\n\n".join(texts)
    assert joined(with_lines(paragraphs("No.", "", "", "Yes."), typed=True)) == "No.\n\nYes."
    assert joined(with_lines(paragraphs("No.", "", "", "Yes."), keep_blank=True)) == "No.\n\n\nYes."


def test_typed_lines_without_stanzas():
    lines = ["Row on, my boat", "over the wide river", "and home again,", "and home."]
    assert joined(with_lines(paragraphs(*lines), typed=True)) == "\n".join(lines)
    assert joined(with_lines(paragraphs(*lines))) == "\n\n".join(lines)
    talk = ["Who rows?", "I do.", "Why?", "The river is wide.", "It is."]
    assert joined(with_lines(paragraphs(*talk), typed=True)) == "\n\n".join(talk)


def test_soft_breaks_are_lines_and_paragraphs_stanzas():
    stanzas = ["Row on,\nrow on", "Row home,\nrow home"] * 3
    assert joined(with_lines(paragraphs(*stanzas), typed=True)) == "\n\n".join(stanzas)


def test_a_poem_between_prose_and_a_heading():
    prose = ["The ferrywoman rows over the wide and deep river to the town on the other side."] * 4
    poem = ["Row on", "row on", "", "row home", "row home"]
    blocks = [*paragraphs(*prose), Block("A song", heading=2), *paragraphs(*poem)]
    assert joined(with_lines(blocks)) == "\n\n".join([*prose, "A song", "Row on\nrow on", "row home\nrow home"])


def test_a_page_that_begins_with_an_empty_paragraph_begins_with_the_next():
    blocks = [*paragraphs("One."), Block("", is_paragraph=True, opens="page"), *paragraphs("Two.")]
    assert [block.opens for block in with_lines(blocks)] == ["", "page"]
