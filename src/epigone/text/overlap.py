"""Near copies among documents, and text of one split in another.

A run is 32 letters or digits in a row, about six words, in lower case and without accents; spaces, line breaks and
punctuation do not count. So a song in capitals, with a title or with other line breaks has the runs of the original.
Runs are compared by 64-bit hashes (shingles.py). Of a long text only hashes are kept that are divisible by
a rate, a power of two: the choice depends on the run alone, so a copy keeps the same runs as its original.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epigone.text.letters import RUN, letters
from epigone.text.shingles import BLOCK, Hashes, divisible, hash_runs
from epigone.text.store import Texts

CAPACITY = 1 << 19
"""Most runs that are kept."""

COPY = 0.5
"""Share of a document's runs in another document from which on it is a near copy."""

LEAK = 0.02
"""Share of a split's runs in the training split from which on that is said."""

_LEAST = 8  # fewest runs in common that are said; of sampled ones each stands for many
_LEAST_SAMPLED = 2
_SHOWN = 3

Indices = NDArray[np.int64]
Numbers = NDArray[np.int32]
Pair = tuple[int, int]
"""The indices of two documents with runs in common."""


@dataclass(frozen=True)
class Runs:
    """The kept runs of D documents, in the order of the documents."""

    hashes: Hashes
    documents: Numbers
    """Index of each run's document."""
    places: Numbers
    """Letters and digits of the document before each run."""
    rate: int
    """The power of two that divides all kept hashes; 1 if all runs were kept."""

    @property
    def least(self) -> int:
        """Fewest runs in common that are no accident."""
        return _LEAST if self.rate == 1 else _LEAST_SAMPLED


def overlap_notices(texts: Texts, splits: Mapping[str, Indices], is_one: bool = False) -> Iterator[str]:
    """Write sentences on near copies, and on text of validation and test that is in the training split too.

    Args:
        texts: D documents.
        splits: indices of the documents in "train", "validation" and "test".
        is_one: True for the parts of one document, which are no copies of each other that could be removed.
    """
    runs = runs_of(texts)
    about = "about " if runs.rate > 1 else ""
    if not is_one and (copies := near_copies(runs, len(texts.names))):
        are = "is nearly a copy of another" if len(copies) == 1 else "are nearly copies of others"
        yield (
            f"{len(copies):,} of {len(texts.names):,} documents {are}, but for spaces, capitals or a few lines: "
            f"{_lines(texts, runs, copies)}. Keep one of each, so that no split holds what another has."
        )
    leaks = [
        (f"{about}{share:.0%} of the {split} text", pairs)
        for split in ("validation", "test")
        for share, pairs in [leak(runs, splits["train"], splits[split])]
        if share >= LEAK
    ]
    if leaks:
        parts = " and ".join(part for part, _ in leaks)
        yield (
            f"{parts[0].upper()}{parts[1:]} {'is' if len(leaks) == 1 else 'are'} in the training text too, but "
            f"for spaces and capitals: {_lines(texts, runs, leaks[0][1])}. Losses there are lower than on new text."
        )


def near_copies(runs: Runs, documents: int) -> list[Pair]:
    """Find the documents of which at least half is in one earlier document, or which hold half of it.

    Returns:
        Each such document, with the earlier one that has most of its runs.
    """
    order = np.argsort(runs.hashes, kind="stable")
    hashes, owners = runs.hashes[order], runs.documents[order]
    del order
    fresh = np.ones(len(hashes), bool)  # the first run with its hash
    fresh[1:] = hashes[1:] != hashes[:-1]
    del hashes
    firsts = np.flatnonzero(fresh)
    originals = np.repeat(owners[firsts], np.diff(firsts, append=len(fresh)))
    fresh[1:] |= owners[1:] != owners[:-1]  # and the first in its document
    sizes = np.bincount(owners[fresh], minlength=documents)
    fresh &= originals != owners
    pairs = originals[fresh].astype(np.int64)
    pairs *= documents
    pairs += owners[fresh]
    pairs.sort()
    firsts = np.flatnonzero(np.diff(pairs, prepend=-1))
    counts = np.diff(firsts, append=len(pairs))
    pairs = pairs[firsts]
    near = (counts >= runs.least) & (counts >= COPY * np.minimum(sizes[pairs // documents], sizes[pairs % documents]))
    found: dict[int, tuple[int, int]] = {}
    for pair, count in zip(pairs[near].tolist(), counts[near].tolist(), strict=True):
        original, copy = divmod(pair, documents)
        if count > found.get(copy, (0, 0))[0]:
            found[copy] = count, original
    return [(copy, original) for copy, (_, original) in sorted(found.items())]


def leak(runs: Runs, train: Indices, others: Indices) -> tuple[float, list[Pair]]:
    """Measure the share of some documents' runs that training documents have too.

    Returns:
        The share, 0 if it may be an accident; and some of the documents, each with one of the training documents.
    """
    known, looked_up = _of(runs, train), _of(runs, others)
    owners = runs.documents[known]
    hashes = runs.hashes[known]
    order = np.argsort(hashes, kind="stable")
    hashes = hashes[order]
    wanted = runs.hashes[looked_up]
    places = np.searchsorted(hashes, wanted)
    hits = places < len(hashes)
    hits[hits] = hashes[places[hits]] == wanted[hits]
    if hits.sum() < runs.least:
        return 0.0, []
    first = np.flatnonzero(hits)[:1000]
    pairs = zip(runs.documents[looked_up][first].tolist(), owners[order[places[first]]].tolist(), strict=True)
    return float(hits.mean()), list(dict.fromkeys(pairs))


def _of(runs: Runs, documents: Indices) -> NDArray[np.bool_]:
    """Mark the runs of some documents."""
    marked = np.zeros(1 + max(int(runs.documents.max(initial=0)), int(documents.max(initial=0))), bool)
    marked[documents] = True
    return marked[runs.documents]


def runs_of(texts: Texts) -> Runs:
    """Hash the runs of all documents, in memory that does not grow with their length."""
    kept = _Kept()
    parts: list[NDArray[np.uint32]] = []
    owners: list[int] = []
    starts: list[int] = []
    waiting = 0
    for document in range(len(texts.names)):
        place = 0
        for piece in texts.pieces(document):
            found = letters(piece)[0]
            for first in range(0, len(found), BLOCK):
                part = found[max(0, first - (RUN - 1)) : first + BLOCK]
                begin = place + max(0, first - (RUN - 1))
                if not first and place and owners and owners[-1] == document:  # a run may begin in the piece before
                    tail = parts[-1][-(RUN - 1) :]
                    part, begin = np.concatenate([tail, part]), place - len(tail)
                parts.append(part)
                owners.append(document)
                starts.append(begin)
                waiting += len(part)
                if waiting >= BLOCK:
                    kept.add(parts, owners, starts)
                    parts, owners, starts, waiting = [part[-(RUN - 1) :]], [document], [begin + len(part)], 0
                    starts[0] -= len(parts[0])
            place += len(found)
    if parts:
        kept.add(parts, owners, starts)
    return kept.runs()


class _Kept:
    """Runs that are kept so far."""

    def __init__(self) -> None:
        self.rate = 1
        self._parts: list[tuple[Hashes, Numbers, Numbers]] = []
        self._number = 0

    def add(self, letters: list[NDArray[np.uint32]], owners: list[int], starts: list[int]) -> None:
        """Add the runs inside stretches of letters, each with its document and its place in it."""
        lengths = np.array([len(part) for part in letters])
        codes = np.concatenate(letters).astype(np.uint64)
        hashes = hash_runs(codes, RUN)
        segments = np.repeat(np.arange(len(lengths)), lengths)[: len(hashes)]
        ends = np.cumsum(lengths)
        inside = np.arange(len(hashes)) + RUN <= ends[segments]
        runs = np.flatnonzero(inside & divisible(hashes, self.rate))
        segments = segments[runs]
        places = np.array(starts)[segments] + runs - (ends - lengths)[segments]
        self._parts.append((hashes[runs], np.array(owners, np.int32)[segments], places.astype(np.int32)))
        self._number += len(runs)
        while self._number > CAPACITY:
            self.rate *= 2
            chosen = [divisible(hashes, self.rate) for hashes, _, _ in self._parts]
            self._parts = [
                (hashes[kept], documents[kept], places[kept])
                for (hashes, documents, places), kept in zip(self._parts, chosen, strict=True)
            ]
            self._number = sum(len(hashes) for hashes, _, _ in self._parts)

    def runs(self) -> Runs:
        """Return all runs."""
        if not self._parts:
            return Runs(np.empty(0, np.uint64), np.empty(0, np.int32), np.empty(0, np.int32), 1)
        hashes, documents, places = map(np.concatenate, zip(*self._parts, strict=True))
        return Runs(hashes, documents, places, self.rate)


def _lines(texts: Texts, runs: Runs, pairs: list[Pair]) -> str:
    """Write the first lines that pairs of documents share, and the documents."""
    shown = []
    for document, other in pairs[:_SHOWN]:
        ours, theirs = runs.documents == document, runs.documents == other
        place = runs.places[ours][np.isin(runs.hashes[ours], runs.hashes[theirs])][0]
        shown.append(f"{line_at(texts, document, place)!r} in {texts.names[document]} and {texts.names[other]}")
    return "; ".join(shown) + " …" * (len(pairs) > _SHOWN)


def line_at(texts: Texts, document: int, place: int, longest: int = 60) -> str:
    """Return the line of a document with the letter before which there are `place` others, cut to `longest` signs."""
    for piece in texts.pieces(document):
        number = len(letters(piece)[0])
        if place >= number:
            place -= number
            continue
        for line in piece.split("\n"):
            number = len(letters(line)[0])
            if place < number:
                line = line.strip()
                return line if len(line) <= longest else line[:longest].rstrip() + "…"
            place -= number
    return ""
