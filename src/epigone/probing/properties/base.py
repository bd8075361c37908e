"""The record of a property of text, and what the probes know of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Level = Literal["high", "low"]
"""High: what a text says and how; low: how it is spelt and laid out."""
Values = NDArray[np.float32]


class Edit(NamedTuple):
    """A small change: the characters from `start` to `stop` become `new`."""

    start: int
    stop: int
    new: str


Pairs = Mapping[str, Sequence[str]]
"""For each right word in lower case how people misspell it, for edits that need a list."""


@dataclass(frozen=True)
class Property:
    """A property that any text has, either at each of its characters or as a change that is made to it."""

    name: str
    description: str
    """Words for the value, to follow "each character:" or, of a change, the change itself."""
    values: Callable[[str], Values] | None = None
    """From a text to a value at each character (T,), after the character has been read; NaN where it says nothing.
    Values other than 0 and 1 are graded."""
    edit: Callable[[str, np.random.Generator, Pairs], Edit | None] | None = None
    """From a passage to a small change in it; None if it offers no place for one."""
    level: Level = "low"
    needs_pairs: bool = False
    """True if `edit` needs a list of pairs."""
    sentences: Callable[[np.random.Generator], Sequence[str]] | None = None
    """Draws sentences of its own, in which it is measured instead of in the user's text."""


def characters(text: str, test: Callable[[str], bool]) -> NDArray[np.bool_]:
    """Test each character of a text: (T,)."""
    known = {character: test(character) for character in set(text)}
    return np.fromiter((known[character] for character in text), bool, len(text))


def words(text: str) -> NDArray[np.bool_]:
    """Mark the characters of words: letters, digits, and apostrophes between letters."""
    inside = characters(text, str.isalnum)
    apostrophes = characters(text, lambda character: character in "'’")
    between = np.zeros(len(text), bool)
    between[1:-1] = inside[:-2] & inside[2:]
    return np.asarray(inside | (apostrophes & between))


def since(starts: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count the characters since the last start at or before each: 0 at the start itself."""
    places = np.arange(len(starts))
    return places - np.maximum.accumulate(np.where(starts, places, 0))


def only(values: NDArray[np.generic], where: NDArray[np.bool_]) -> Values:
    """Keep the values at some characters, and say nothing at the others."""
    return np.where(where, values, np.nan).astype(np.float32)
