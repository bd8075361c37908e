from collections import Counter

import pytest

from epigone.text.readers.formats.markup.blocks import Block
from epigone.text.readers.formats.markup.contents import CONTENTS, is_title_of_contents, without_contents

POEMS = [Block("Row on", heading=1), Block("We row"), Block("Row home", heading=1), Block("We rest")]


@pytest.mark.parametrize(
    "table",
    [
        [Block("Contents", heading=1), Block("Row on"), Block("Row home")],
        [Block("Inhalt"), Block("Row on\nRow home")],
        [Block("CONTENTS."), Block("Row on . . . . . 3"), Block("Row home\t12"), Block("Afterword ...... xiv")],
        [Block("目次"), Block("川 … 3\n家 … 12")],
    ],
)
def test_lines_that_are_titles_or_end_with_pages_are_left_out(table):
    left_out = Counter()
    assert without_contents([*table, *POEMS], left_out) == POEMS
    assert left_out == {CONTENTS: 1}
    assert without_contents([*table, *POEMS], None) == [*table, *POEMS]


@pytest.mark.parametrize(
    "table",
    [
        [Block("Contents"), Block("We are content.")],
        [Block("Contents", heading=1), Block("Row on")],
        [Block("Row on"), Block("Row home")],
    ],
)
def test_other_texts_stay(table):
    left_out = Counter()
    assert without_contents([*table, *POEMS], left_out) == [*table, *POEMS]
    assert not left_out


def test_titles_of_contents():
    assert is_title_of_contents(" Table of Contents: ")
    assert not is_title_of_contents("Contents of a boat")
