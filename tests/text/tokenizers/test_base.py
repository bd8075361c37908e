from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.errors import UserError
from epigone.text.tokenizers.base import VocabularyOptions, character_counts, shown, smallest_dtype


@given(st.text())
def test_counting_agrees_with_the_plain_way(text):
    long = text * (20_000 // max(1, len(text)))
    assert character_counts(long) == Counter(long)


@pytest.mark.parametrize(("size", "dtype"), [(1, np.uint8), (256, np.uint8), (257, np.uint16), (65_537, np.int32)])
def test_the_smallest_type_holds_every_id(size, dtype):
    assert smallest_dtype(size) == dtype
    assert np.iinfo(dtype).max >= size - 1


def test_tokens_with_control_characters_are_not_shown():
    assert shown(["a", "", " b", "\n\t", "a\x00", "\x03", "\ud800", "봄이"]).tolist() == [
        True, True, True, True, False, False, False, True
    ]  # fmt: skip


@pytest.mark.parametrize("changes", [{"vocabulary_size": -1}, {"min_count": 0}])
def test_a_vocabulary_that_makes_no_sense_gets_a_sentence(changes):
    with pytest.raises(UserError, match=r"^\w+ must be .* was given\.$"):
        VocabularyOptions(**changes)
