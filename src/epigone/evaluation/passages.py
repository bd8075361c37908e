"""The passages of a text that are looked up in a training text: whole lines, and runs of letters.

Only letters and digits count, in lower case and without accents, so a copy with other capitals or punctuation has the
passages of its original. A line of verse is one whole passage, so a single copied line is found. Prose is compared by
runs of 32 letters, about seven words, which spaces and line breaks do not end.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from epigone.text.letters import RUN, Places, letters
from epigone.text.shingles import Hashes, hash_runs, hash_segments
from epigone.text.tokenizers.base import code_points

SHORTEST, LONGEST = 20, 120
"""Letters of a line that is a passage: shorter ones are everyone's, longer ones are paragraphs."""
EXACT_RUN = 30

_LONG = 4096  # characters of an unfinished line that are kept: more than a line of `LONGEST` letters has


class Passages(NamedTuple):
    """The P passages of a text, in order."""

    hashes: Hashes
    starts: Places
    """Index of the first character of each."""
    ends: Places
    """Index after the last character of each."""


class Reader(Protocol):
    """Hashes the passages of a document that comes in pieces, in memory that does not grow with it."""

    def read(self, piece: str) -> Hashes:
        """The hashes of the passages that end in the next piece."""

    def end(self) -> Hashes:
        """The hashes of those that the end of the document ends."""


@dataclass(frozen=True)
class PassageKind:
    """A kind of passage."""

    name: str
    find: Callable[[str], Passages]
    """The passages of a text."""
    overlapping: bool
    """True if a passage begins at every letter, so that some in a row stand for all between them."""
    reader: Callable[[], Reader] | None = None
    """Makes a reader for a document; None for a kind that is only looked up."""


def _runs(text: str) -> Passages:
    codes, places = letters(text)
    hashes = hash_runs(codes.astype(np.uint64), RUN)
    return Passages(hashes, places[: len(hashes)], places[RUN - 1 :][: len(hashes)] + 1)


class _RunReader:
    def __init__(self) -> None:
        self._tail = np.empty(0, np.uint64)

    def read(self, piece: str) -> Hashes:
        codes = np.concatenate([self._tail, letters(piece)[0].astype(np.uint64)])
        self._tail = codes[max(0, len(codes) - (RUN - 1)) :]
        return hash_runs(codes, RUN)

    def end(self) -> Hashes:
        return np.empty(0, np.uint64)


def _lines(text: str) -> Passages:
    codes, places = letters(text)
    newlines = np.flatnonzero(code_points(text) == ord("\n"))
    numbers = np.searchsorted(newlines, places)
    sizes = np.bincount(numbers, minlength=len(newlines) + 1)
    chosen = (sizes >= SHORTEST) & (sizes <= LONGEST)
    inside, lengths = chosen[numbers], sizes[chosen]
    starts = np.cumsum(lengths) - lengths
    hashes = hash_segments(codes[inside].astype(np.uint64), starts, lengths)
    places = places[inside]
    return Passages(hashes, places[starts], places[starts + lengths - 1] + 1)


class _LineReader:
    def __init__(self) -> None:
        self._tail = ""

    def read(self, piece: str) -> Hashes:
        text = self._tail + piece
        end = text.rfind("\n") + 1
        self._tail = text[max(end, len(text) - _LONG) :]
        return _lines(text[:end]).hashes

    def end(self) -> Hashes:
        return _lines(self._tail).hashes


def _exact_runs(text: str) -> Passages:
    hashes = hash_runs(code_points(text).astype(np.uint64), EXACT_RUN)
    starts: NDArray[np.int64] = np.arange(len(hashes))
    return Passages(hashes, starts, starts + EXACT_RUN)


LINES = PassageKind("lines", _lines, overlapping=False, reader=_LineReader)
RUNS = PassageKind("runs", _runs, overlapping=True, reader=_RunReader)
EXACT = PassageKind("exact", _exact_runs, overlapping=True)
"""Runs of 30 characters, with spaces and capitals, by which versions up to 0.2 compared texts."""
