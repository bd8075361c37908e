"""Misspelt texts: the same mistakes each time, one in each of the chosen words."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epigone.studies.sentiment_sizes.misspelling import MISTAKES, WORD, misspelt

LETTER = re.compile(r"[^\W\d_]")
TEXT = "The soup was warm, and we waited for a table in town; calm people came gladly on it."


@settings(max_examples=40)
@given(st.text(max_size=40))
def test_no_share_changes_nothing_and_any_share_stays_a_text(text):
    assert misspelt(text, 0.0) == text
    assert misspelt(text, 0.5) == misspelt(text, 0.5)
    assert LETTER.sub("", misspelt(text, 1.0)) == LETTER.sub("", text)


@pytest.mark.parametrize("share", [0.1, 0.3, 1.0])
def test_so_many_words_have_one_mistake_each(share):
    before, after = TEXT.split(), misspelt(TEXT, share).split()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == round(share * len(WORD.findall(TEXT)))
    assert all(abs(len(old) - len(new)) <= 1 for old, new in changed)
    assert all(new in before for new in after if len(new.strip(",;.")) < 2)


def test_other_texts_get_other_mistakes():
    assert misspelt(TEXT, 0.3)[:40] != misspelt(TEXT + " And tea.", 0.3)[:40]


class Fixed:
    """Draws the first letter that it may."""

    def choice(self, letters):
        return letters[0]


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (0, ["oGod", "ood", "GGood", "Aood"]),
        (1, ["Godo", "God", "Goood", "Gaod"]),
        (3, ["oGod", "Goo", "Goodd", "Gooa"]),
    ],
)
def test_every_mistake(place, expected):
    assert [mistake("Good", place, Fixed()) for mistake in MISTAKES] == expected


def test_equal_letters_cannot_be_swapped():
    assert MISTAKES[0]("aaa", 1, Fixed()) == "aa"
