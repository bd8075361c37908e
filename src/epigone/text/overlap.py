"""Near copies among documents, and text of one split in another.

A run is 32 letters or digits in a row, about six words, in lower case; spaces, line breaks, punctuation and marks do not
count. So a song in capitals, with a title or with other line breaks has the runs of the original. Runs are compared by
64-bit hashes ("shingles", Broder 1997). Of a long text only hashes are kept that are divisible by a rate, a power of
two: the choice depends on the run alone, so a copy keeps the same runs as its original.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epigone.text.store import Texts

RUN = 32
"""Letters and digits in a run."""

CAPACITY = 1 << 20
"""Most runs that are kept."""

COPY = 0.5
"""Share of a document's runs in another document from which on it is a near copy."""

LEAK = 0.02
"""Share of a split's runs in the training split from which on that is said."""

_LEAST = 8  # fewest runs in common that are said; of sampled ones each stands for many
_LEAST_SAMPLED = 3
_BLOCK = 1 << 18  # letters hashed at a time
_SHOWN = 3
_OTHERS = bytes(code for code in range(128) if not chr(code).isalnum())
_NO_LETTERS = re.compile(r"[\W_]+")

Hashes = NDArray[np.uint64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Runs:
    """The kept runs of D documents, in the order of the documents."""

    hashes: Hashes
    documents: Indices
    """Index of each run's document."""
    places: Indices
    """Letters and digits of the document before each run."""
    rate: int
    """The power of two that divides all kept hashes; 1 if all runs were kept."""

    @property
    def least(self) -> int:
        """Fewest runs in common that are no accident."""
        return _LEAST if self.rate == 1 else _LEAST_SAMPLED


@dataclass(frozen=True)
class Shared:
    """A place in a document that is in another document too."""

    document: int
    place: int
    """Letters and digits before it."""
    other: int


def overlap_notices(texts: Texts, splits: Mapping[str, Indices]) -> Iterator[str]:
    """Write sentences on near copies, and on text of validation and test that is in the training split too.

    Args:
        texts: D documents.
        splits: indices of the documents in "train", "validation" and "test".
    """
    runs = runs_of(texts)
    about = "about " if runs.rate > 1 else ""
    if copies := near_copies(runs, len(texts.names)):
        are = "is nearly a copy of another" if len(copies) == 1 else "are nearly copies of others"
        yield (
            f"{len(copies):,} of {len(texts.names):,} documents {are}, but for spaces, capitals or a few lines: "
            f"{_lines(texts, copies)}. Keep one of each, so that no split holds what another has."
        )
    leaks = [
        (f"{about}{share:.0%} of the {split} text", shared)
        for split in ("validation", "test")
        for share, shared in [leak(runs, splits["train"], splits[split])]
        if share >= LEAK and len(shared) >= runs.least
    ]
    if leaks:
        parts = " and ".join(part for part, _ in leaks)
        yield (
            f"{parts[0].upper()}{parts[1:]} {'is' if len(leaks) == 1 else 'are'} in the training text too, beside "
            f"spaces and capitals: {_lines(texts, _distinct(leaks[0][1]))}. The losses there are lower than on new text."
        )


def near_copies(runs: Runs, documents: int) -> list[Shared]:
    """Find the documents of which at least half is in one earlier document, or which hold half of it.

    Returns:
        One place in each such document.
    """
    order = np.argsort(runs.hashes, kind="stable")
    hashes, owners = runs.hashes[order], runs.documents[order]
    fresh = np.ones(len(hashes), bool)  # the first run with its hash
    fresh[1:] = hashes[1:] != hashes[:-1]
    originals = owners[np.maximum.accumulate(np.where(fresh, np.arange(len(hashes)), 0))]
    once = fresh.copy()  # the first run with its hash in its document
    once[1:] |= owners[1:] != owners[:-1]
    sizes = np.bincount(owners[once], minlength=documents)
    common = np.flatnonzero(once & (originals != owners))
    pairs, first, counts = np.unique(
        originals[common] * documents + owners[common], return_index=True, return_counts=True
    )
    near = (counts >= runs.least) & (counts >= COPY * np.minimum(sizes[pairs // documents], sizes[pairs % documents]))
    found: dict[int, tuple[int, Shared]] = {}
    for pair, index, count in zip(pairs[near], common[first[near]], counts[near], strict=True):
        original, copy = divmod(int(pair), documents)
        if count > found.get(copy, (0,))[0]:
            found[copy] = int(count), Shared(copy, int(runs.places[order[index]]), original)
    return [shared for _, (_, shared) in sorted(found.items())]


def leak(runs: Runs, train: Indices, others: Indices) -> tuple[float, list[Shared]]:
    """Measure the share of some documents' runs that training documents have too.

    Returns:
        The share, and the places of the first runs of which that is true.
    """
    documents = int(runs.documents.max(initial=0)) + 1
    owner = np.zeros(documents, np.int8)
    owner[train[train < documents]] = 1
    owner[others[others < documents]] = 2
    kinds = owner[runs.documents]
    known, looked_up = np.flatnonzero(kinds == 1), np.flatnonzero(kinds == 2)
    order = known[np.argsort(runs.hashes[known], kind="stable")]
    ordered = runs.hashes[order]
    places = np.searchsorted(ordered, runs.hashes[looked_up])
    hits = places < len(ordered)
    hits[hits] = ordered[places[hits]] == runs.hashes[looked_up][hits]
    found = [
        Shared(int(runs.documents[run]), int(runs.places[run]), int(runs.documents[order[place]]))
        for run, place in zip(looked_up[hits][:1000], places[hits][:1000], strict=True)
    ]
    return float(hits.mean()) if len(hits) else 0.0, found


def runs_of(texts: Texts) -> Runs:
    """Hash the runs of all documents, in memory that does not grow with their length."""
    kept = _Kept()
    letters: list[NDArray[np.uint32]] = []
    owners: list[int] = []
    starts: list[int] = []
    waiting = 0
    for document in range(len(texts.names)):
        place = 0
        for piece in texts.pieces(document):
            found = _letters(piece)
            for first in range(0, len(found), _BLOCK):
                part = found[max(0, first - (RUN - 1)) : first + _BLOCK]
                begin = place + max(0, first - (RUN - 1))
                if not first and place and owners and owners[-1] == document:  # a run may begin in the piece before
                    tail = letters[-1][-(RUN - 1) :]
                    part, begin = np.concatenate([tail, part]), place - len(tail)
                letters.append(part)
                owners.append(document)
                starts.append(begin)
                waiting += len(part)
                if waiting >= _BLOCK:
                    kept.add(letters, owners, starts)
                    letters, owners, starts, waiting = [part[-(RUN - 1) :]], [document], [begin + len(part)], 0
                    starts[0] -= len(letters[0])
            place += len(found)
    if letters:
        kept.add(letters, owners, starts)
    return kept.runs()


class _Kept:
    """Runs that are kept so far."""

    def __init__(self) -> None:
        self.rate = 1
        self._parts: list[tuple[Hashes, Indices, Indices]] = []
        self._number = 0

    def add(self, letters: list[NDArray[np.uint32]], owners: list[int], starts: list[int]) -> None:
        """Add the runs inside stretches of letters, each with its document and its place in it."""
        lengths = np.array([len(part) for part in letters])
        codes = np.concatenate(letters).astype(np.uint64)
        hashes = _hashes(codes)
        segments = np.repeat(np.arange(len(lengths)), lengths)[: len(hashes)]
        ends = np.cumsum(lengths)
        inside = np.arange(len(hashes)) + RUN <= ends[segments]
        runs = np.flatnonzero(inside & ((hashes & np.uint64(self.rate - 1)) == 0))
        segments = segments[runs]
        self._parts.append(
            (hashes[runs], np.array(owners)[segments], np.array(starts)[segments] + runs - (ends - lengths)[segments])
        )
        self._number += len(runs)
        while self._number > CAPACITY:
            self.rate *= 2
            divisible = [(hashes & np.uint64(self.rate - 1)) == 0 for hashes, _, _ in self._parts]
            self._parts = [
                (hashes[kept], documents[kept], places[kept])
                for (hashes, documents, places), kept in zip(self._parts, divisible, strict=True)
            ]
            self._number = sum(len(hashes) for hashes, _, _ in self._parts)

    def runs(self) -> Runs:
        """Return all runs."""
        if not self._parts:
            return Runs(np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int64), 1)
        hashes, documents, places = map(np.concatenate, zip(*self._parts, strict=True))
        return Runs(hashes, documents, places, self.rate)


def _letters(text: str) -> NDArray[np.uint32]:
    """Return the codes of the letters and digits of a text in lower case."""
    if text.isascii():
        return np.frombuffer(text.encode("ascii").lower().translate(None, _OTHERS), np.uint8).astype(np.uint32)
    return np.frombuffer(_NO_LETTERS.sub("", text.lower()).encode("utf-32-le"), "<u4")


def _hashes(codes: Hashes) -> Hashes:
    """Hash each run of codes (N,): (N - RUN + 1,), a polynomial modulo 2**64 whose bits are then mixed."""
    hashes, base, size = codes, 0x9E3779B97F4A7C15, 1
    while size < RUN:
        hashes = hashes[:-size] * np.uint64(base) + hashes[size:]
        base, size = base * base % 2**64, 2 * size
    # The finaliser of SplitMix64 (Steele et al. 2014).
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        hashes = (hashes ^ (hashes >> np.uint64(shift))) * np.uint64(factor)
    return hashes ^ (hashes >> np.uint64(31))


def _distinct(shared: list[Shared]) -> list[Shared]:
    """Keep the first place of each pair of documents."""
    return list({(each.document, each.other): each for each in reversed(shared)}.values())[::-1]


def _lines(texts: Texts, shared: list[Shared]) -> str:
    """Write the first lines that documents share, and the documents."""
    shown = [
        f"{line_at(texts, each.document, each.place)!r} in {texts.names[each.document]} and {texts.names[each.other]}"
        for each in shared[:_SHOWN]
    ]
    return "; ".join(shown) + " …" * (len(shared) > _SHOWN)


def line_at(texts: Texts, document: int, place: int, longest: int = 60) -> str:
    """Return the line of a document with the letter before which there are `place` others, cut to `longest` signs."""
    for piece in texts.pieces(document):
        number = len(_letters(piece))
        if place >= number:
            place -= number
            continue
        for line in piece.split("\n"):
            number = len(_letters(line))
            if place < number:
                line = line.strip()
                return line if len(line) <= longest else line[:longest].rstrip() + "…"
            place -= number
    return ""
