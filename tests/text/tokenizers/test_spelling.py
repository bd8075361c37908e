import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epigone.errors import UserError
from epigone.text.tokenizers.spelling import CHARACTERS, Spelling


def test_letters_cost_what_they_are_worth():
    spelling = Spelling.of(Counter({"ab": 2, "b": 1}))
    assert (spelling.letters, spelling.words) == ({"a": 2, "b": 3}, 3)
    # 2 a, 3 b, 3 ends, and one more of each and of all other characters.
    total = 8 + 4
    end = math.log(total / 4)
    assert spelling.nats(Counter({"b": 1})) == pytest.approx(math.log(total / 4) + end)
    assert spelling.nats(Counter({"ab": 3})) == pytest.approx(3 * (math.log(total / 3) + math.log(total / 4) + end))
    assert spelling.nats(Counter({"z": 1})) == pytest.approx(math.log(total) + math.log(CHARACTERS) + end)
    assert spelling.nats(Counter()) == 0


@given(st.dictionaries(st.text("abc", min_size=1, max_size=5), st.integers(1, 5), max_size=6))
def test_it_is_a_distribution(words):
    spelling = Spelling.of(Counter(words))
    assert spelling.words == sum(words.values())
    # The chance of one more symbol: a letter, the end, or any of all other characters.
    end = math.exp(-spelling.nats(Counter({"": 1})))
    letters = sum(math.exp(-spelling.nats(Counter({letter: 1}))) / end for letter in spelling.letters)
    other = CHARACTERS * math.exp(-spelling.nats(Counter({"z": 1}))) / end
    assert end + letters + other == pytest.approx(1)


def test_halves_of_pairs_are_whatever_else_there_is():
    assert Spelling.of(Counter({"\ud800": 2})).letters == {}


@pytest.mark.parametrize(
    "data",
    [
        None, [], {}, {"words": 1}, {"letters": {}}, {"letters": {"ab": 1}, "words": 1},
        {"letters": {"a": -1}, "words": 1}, {"letters": {"a": 0.5}, "words": 1}, {"letters": {"a": 1}, "words": -1},
        {"letters": ["a"], "words": 1},
    ],
)  # fmt: skip
def test_damage_is_told(data):
    with pytest.raises(UserError, match=r"`spelling`.*tokenizer\.json"):
        Spelling.from_dict(data)
