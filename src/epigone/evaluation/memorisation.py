"""The share of a text that is copied from the training text, measured with hashes instead of the text itself.

A fingerprint is the set of the hashes of all passages of the training text (passages.py), built from the text that the
model read (`tokenizer.normalise`). A passage never reaches from one document into the next.

Of a large text, only hashes are kept that are divisible by a rate, a power of two. The choice depends on the passage
alone, so a copied passage is kept exactly if its original is, and the share of kept passages that are found is an
estimate of the share of all.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epigone.evaluation.passages import LINES, RUNS, PassageKind
from epigone.text.corpus import Corpus
from epigone.text.letters import RUN
from epigone.text.shingles import Hashes, divisible
from epigone.text.tokenizers.base import Tokenizer

LookedUp = tuple[NDArray[np.int64], NDArray[np.bool_]]
"""The first character of each of P passages and that after its last (P, 2), and if it is in the training text (P,)."""

BITS = 40
"""Bits of a hash that are kept: a passage that is not in a text of a million lines is found by accident once in a
million times."""
CAPACITY = {LINES: 600_000, RUNS: 100_000}
"""Most hashes of each kind; lines all of 20 MB of verse, and of more text every second or fourth."""


@dataclass(frozen=True)
class Copying:
    """The part of some texts that is copied from the training text."""

    longest_run: int
    """Characters in the longest stretch of copied passages in a row; 0 if no passage is copied."""

    share: float | None
    """Share of the characters in copied passages. Unless `exact`: the share of kept passages that were found, or of the
    characters in copied lines if that is more; None if the text has no such passage."""

    exact: bool
    """True if every passage of the training text is in the fingerprint. Otherwise both figures are estimates: the
    longest stretch joins consecutive kept passages that were all found."""

    characters: int
    """Characters of the texts."""

    lookups: int
    """Passages that were looked up."""

    found: int = 0
    """Passages of these that are in the training text."""

    def in_words(self) -> str:
        """Say it, to follow "copied from the training text:"."""
        if not self.lookups:
            return "too little to tell"
        if not self.longest_run:
            return f"no line and no run of {RUN} letters{'' if self.exact else ', as far as samples show'}"
        about = "" if self.exact else "about "
        share, longest = f"{about}{self.share or 0:.1%}", f"{about}{self.longest_run:,}"
        return f"{share} in lines or runs of {RUN} letters, the longest of {longest} characters"


@dataclass(frozen=True, eq=False)
class Known:
    """Hashes of the passages of one kind."""

    kind: PassageKind
    hashes: Hashes
    """The upper `bits` of each, sorted, all different."""
    rate: int = 1
    """The power of two that divides all kept hashes; 1 if all were kept."""
    bits: int = BITS

    def look_up(self, text: str) -> LookedUp:
        """Look up the passages of a text that would have been kept."""
        passages = self.kind.find(text)
        kept = divisible(passages.hashes, self.rate)
        wanted = passages.hashes[kept] >> np.uint64(64 - self.bits)
        found = np.searchsorted(self.hashes, wanted, "right") > np.searchsorted(self.hashes, wanted)
        return np.stack([passages.starts[kept], passages.ends[kept]], axis=1), found


class _Kept:
    """Hashes of one kind that are kept so far."""

    def __init__(self, kind: PassageKind, capacity: int) -> None:
        self.kind, self.capacity, self.rate = kind, capacity, 1
        self._hashes = np.empty(0, np.uint64)
        self._fresh: list[Hashes] = []  # since the last thinning
        self._waiting = 0

    def add(self, hashes: Hashes) -> None:
        """Keep those that the rate divides, and double it while there are too many."""
        sampled = hashes[divisible(hashes, self.rate)]
        if len(sampled):  # an empty array takes memory too
            self._fresh.append(sampled)
            self._waiting += len(sampled)
        if self._waiting > self.capacity:
            self._thin()

    def known(self) -> Known:
        """All that was kept."""
        self._thin()
        return Known(self.kind, np.unique(self._hashes >> np.uint64(64 - BITS)), self.rate)

    def _thin(self) -> None:
        self._hashes = np.unique(np.concatenate([self._hashes, *self._fresh]))
        self._fresh, self._waiting = [], 0
        while len(self._hashes) > self.capacity:
            self.rate *= 2
            self._hashes = self._hashes[divisible(self._hashes, self.rate)]


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """Hashes of the passages of a training text."""

    known: tuple[Known, ...]
    """One for each kind of passage."""
    characters: int
    """Characters of the training text."""

    @classmethod
    def build(
        cls, texts: Iterable[str | Iterable[str]], capacity: Mapping[PassageKind, int] = CAPACITY
    ) -> "Fingerprint":
        """Fingerprint a training text, in memory that does not grow with its length.

        Args:
            texts: documents; a long one may be an iterable of its consecutive pieces.
            capacity: the kinds of passages, and hashes to keep of each at most; each rate is the lowest that allows.
        """
        kept = [_Kept(*each) for each in capacity.items()]
        characters = 0
        for text in texts:
            readers = [each.kind.reader() for each in kept if each.kind.reader]
            for piece in [text] if isinstance(text, str) else text:
                characters += len(piece)
                for each, reader in zip(kept, readers, strict=True):
                    each.add(reader.read(piece))
            for each, reader in zip(kept, readers, strict=True):
                each.add(reader.end())
        return cls(tuple(each.known() for each in kept), characters)

    @property
    def exact(self) -> bool:
        """True if every passage of the training text was kept."""
        return all(each.rate == 1 for each in self.known)

    def copied(self, texts: Iterable[str]) -> Copying:
        """Measure how much of the texts, without their prompts, is copied."""
        characters = covered = longest = 0
        numbers = np.zeros((len(self.known), 3), np.int64)  # of each kind: looked up, found, characters in those found
        for text in texts:
            characters += len(text)
            looked_up = [each.look_up(text) for each in self.known]
            longest = max([longest, *(end - start for start, end in self._stretches(text, looked_up))])
            covered += _covered(looked_up)
            numbers += [[len(found), found.sum(), _covered([(spans, found)])] for spans, found in looked_up]
        share: float | None = covered / characters if characters else 0.0
        if not self.exact:
            shares = [
                inside / characters if each.rate == 1 else found / number
                for each, (number, found, inside) in zip(self.known, numbers.tolist(), strict=True)
                if number
            ]
            share = max(shares, default=None)
        return Copying(longest, share, self.exact, characters, *numbers[:, :2].sum(0).tolist())

    def stretches(self, text: str) -> list[tuple[int, int]]:
        """Find the copied stretches of a text: the index of the first character, and that after the last."""
        return self._stretches(text, [each.look_up(text) for each in self.known])

    def _stretches(self, text: str, looked_up: Sequence[LookedUp]) -> list[tuple[int, int]]:
        """Join passages with nothing but signs between them, and sampled ones in a row."""
        spans: list[tuple[int, int]] = []
        for known, (places, found) in zip(self.known, looked_up, strict=True):
            if known.kind.overlapping:
                spans += ((int(places[first, 0]), int(places[last, 1])) for first, last in _in_a_row(found))
            else:
                spans += map(tuple, places[found].tolist())
        joined: list[tuple[int, int]] = []
        for start, end in sorted(spans):
            if joined and not any(map(str.isalnum, text[joined[-1][1] : start])):
                joined[-1] = joined[-1][0], max(end, joined[-1][1])
            else:
                joined.append((start, end))
        return joined


def fingerprint_of(corpus: Corpus, tokenizer: Tokenizer, split: str = "train") -> Fingerprint:
    """Fingerprint a split of a corpus as a model with this tokenizer reads it."""
    return Fingerprint.build(map(tokenizer.normalise, pieces) for pieces in corpus.documents(split))


def _covered(looked_up: Sequence[LookedUp]) -> int:
    """Count the characters in the passages that were found, each once."""
    spans = np.concatenate([spans[found] for spans, found in looked_up])
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    before = np.maximum.accumulate(np.concatenate([[0], spans[:-1, 1]])) if len(spans) else spans[:, 0]
    return int(np.maximum(spans[:, 1] - np.maximum(spans[:, 0], before), 0).sum())


def _in_a_row(found: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Give the first and last index of each row of passages that were found."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], found, [False]]).astype(np.int8)))
    for first, after in edges.reshape(-1, 2):
        yield int(first), int(after) - 1
