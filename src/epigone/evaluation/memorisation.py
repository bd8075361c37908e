"""The share of a text that is copied from the training text, measured with hashes instead of the text itself.

A fingerprint is the set of the 64-bit hashes of all runs of 30 consecutive characters of the training text
("shingles", Broder 1997). Texts are compared exactly, with spaces, line breaks and capitals, so a fingerprint is built
from the text that the model read (`tokenizer.normalise`). A run never reaches from one document into the next.

A fingerprint of a large text only keeps hashes that are divisible by its rate, a power of two. The choice depends on
the shingle alone, so a copied run is sampled at the same places as its original, and the share of sampled runs that
are found is an estimate of the share of all runs.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from epigone.errors import UserError
from epigone.schema import record, whole
from epigone.storage import atomic_write
from epigone.text.corpus import Corpus
from epigone.text.shingles import BLOCK, Hashes, divisible, hash_runs
from epigone.text.tokenizers.base import Tokenizer

RUN = 30
FILE = "fingerprint.safetensors"  # in a checkpoint folder
CAPACITY = 200_000  # hashes in a fingerprint, 1.6 MB

_FACTS = record({"run": whole(1, 1000), "rate": whole(1), "characters": whole()})


@dataclass(frozen=True)
class Copying:
    """The part of some texts that is copied from the training text."""

    longest_run: int
    """Characters in the longest stretch that is copied run by run of 30; 0 if no run is copied."""

    share: float | None
    """Share of the characters in copied runs. Unless `exact`: the share of sampled runs that were found, None if the
    text has no sampled run."""

    exact: bool
    """True if every run of the training text is in the fingerprint. Otherwise both figures are estimates: the longest
    run joins consecutive sampled runs that were all found."""

    characters: int
    """Characters of the texts."""

    lookups: int
    """Runs that were looked up for the estimate."""

    def in_words(self) -> str:
        """Say it, to follow "copied from the training text:"."""
        if not self.lookups:
            return "too little to tell"
        if not self.longest_run:
            return f"none of {RUN} characters or more{'' if self.exact else ', as far as samples show'}"
        about = "" if self.exact else "about "
        share, longest = f"{about}{self.share or 0:.1%}", f"{about}{self.longest_run:,}"
        return f"{share} in runs of {RUN} characters or more, the longest of {longest}"


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """Hashes of the runs of a training text."""

    hashes: Hashes
    """Sorted, all different."""

    run: int
    """Characters in a run."""

    rate: int
    """The power of two that divides all kept hashes; 1 if all were kept."""

    characters: int
    """Characters of the training text."""

    @classmethod
    def build(cls, texts: Iterable[str | Iterable[str]], run: int = RUN, capacity: int = CAPACITY) -> "Fingerprint":
        """Fingerprint a training text, in memory that does not grow with its length.

        Args:
            texts: documents; a long one may be an iterable of its consecutive pieces.
            run: characters in a run.
            capacity: hashes to keep at most; the rate is the lowest that allows.
        """
        hashes, rate, characters = np.empty(0, np.uint64), 1, 0
        fresh: list[Hashes] = []  # hashes since the last thinning
        waiting = 0
        for text in texts:
            tail = ""  # the end of the last piece: runs that begin there reach into this one
            for piece in [text] if isinstance(text, str) else text:
                characters += len(piece)
                window = tail + piece
                tail = window[len(window) - min(len(window), run - 1) :]
                for block in _hashes(window, run):
                    sampled = _sampled(block, rate)
                    if len(sampled):  # an empty array takes memory too
                        fresh.append(sampled)
                    waiting += len(sampled)
                    if waiting > capacity:
                        hashes, rate = _thin([hashes, *fresh], rate, capacity)
                        fresh, waiting = [], 0
        hashes, rate = _thin([hashes, *fresh], rate, capacity)
        return cls(hashes, run, rate, characters)

    def merge(self, other: "Fingerprint", capacity: int = CAPACITY) -> "Fingerprint":
        """Make the fingerprint of both training texts together, as if it were built from them."""
        if self.run != other.run:
            raise ValueError(f"Fingerprints of runs of {self.run} and {other.run} characters cannot be merged.")
        rate = max(self.rate, other.rate)
        hashes, rate = _thin([self.hashes, other.hashes], rate, capacity)
        return Fingerprint(hashes, self.run, rate, self.characters + other.characters)

    def copied(self, texts: Iterable[str]) -> Copying:
        """Measure how much of the texts, without their prompts, is copied."""
        characters = covered = lookups = found = longest = 0
        for text in texts:
            characters += len(text)
            positions, hits = self._look_up(text)
            for first, last in _stretches(hits):
                longest = max(longest, int(positions[last] - positions[first]) + self.run)
            starts = positions[hits]
            covered += int(np.minimum(np.diff(starts), self.run).sum()) + self.run * bool(starts.size)
            lookups += len(positions)
            found += int(hits.sum())
        if self.rate == 1:
            share: float | None = covered / characters if characters else 0.0
        else:
            share = found / lookups if lookups else None
        return Copying(longest, share, self.rate == 1, characters, lookups)

    def stretches(self, text: str) -> list[tuple[int, int]]:
        """Find the copied stretches of a text: the index of the first character, and that after the last."""
        positions, hits = self._look_up(text)
        found: list[tuple[int, int]] = []
        for first, last in _stretches(hits):
            start, end = int(positions[first]), int(positions[last]) + self.run
            if found and start <= found[-1][1]:
                found[-1] = found[-1][0], end
            else:
                found.append((start, end))
        return found

    def first_copied(self, text: str) -> int | None:
        """Return the place of the first copied run in a text; None without one."""
        positions, hits = self._look_up(text)
        return int(positions[hits][0]) if hits.any() else None

    def _look_up(self, text: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Look up the sampled runs of a text: their places, and if each is in the training text."""
        hashes = np.concatenate([np.empty(0, np.uint64), *_hashes(text, self.run)])
        positions = np.flatnonzero(divisible(hashes, self.rate))
        sampled = hashes[positions]
        return positions, np.searchsorted(self.hashes, sampled, "right") > np.searchsorted(self.hashes, sampled)


def fingerprint_of(corpus: Corpus, tokenizer: Tokenizer, split: str = "train") -> Fingerprint:
    """Fingerprint a split of a corpus as a model with this tokenizer reads it."""
    return Fingerprint.build(map(tokenizer.normalise, pieces) for pieces in corpus.documents(split))


def save_fingerprints(path: Path, fingerprints: Mapping[str, Fingerprint]) -> None:
    """Write fingerprints of training texts into one file, by name (such as `target` and `base`)."""
    facts = {
        name: json.dumps({"run": f.run, "rate": f.rate, "characters": f.characters}) for name, f in fingerprints.items()
    }
    data = save({name: f.hashes for name, f in fingerprints.items()}, metadata=facts)
    atomic_write(path, _with_metadata(data, facts))


def _with_metadata(data: bytes, facts: Mapping[str, str]) -> bytes:
    """Write the metadata of a safetensors file anew, sorted; the library writes them in a random order."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end]) | {"__metadata__": dict(sorted(facts.items()))}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[end:]


def load_fingerprints(path: Path) -> dict[str, Fingerprint]:
    """Read a file of `save_fingerprints`.

    Raises:
        UserError: the file is missing or damaged.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            facts = {name: json.loads(text) for name, text in sorted((file.metadata() or {}).items())}
            found = {name: _sound(Fingerprint(hashes=file.get_tensor(name), **fact)) for name, fact in facts.items()}
            return dict(sorted(found.items(), key=lambda item: item[0].startswith("base")))  # a base's are the last
    except (OSError, SafetensorError, ValueError, TypeError, RecursionError) as error:
        raise UserError(
            f"The fingerprint {path} cannot be read ({error}). Restore it from a copy, or delete it: then the "
            "model still works, and copying is not measured."
        ) from error


def _sound(found: Fingerprint) -> Fingerprint:
    """Return a fingerprint that could have been built.

    Raises:
        ValueError: names the first fault.
    """
    fault = _FACTS({"run": found.run, "rate": found.rate, "characters": found.characters})
    if not fault and found.rate & (found.rate - 1):
        fault = f".rate: {found.rate} instead of a power of two"
    if not fault and (found.hashes.dtype != np.uint64 or found.hashes.ndim != 1):
        fault = ".hashes are no list of whole numbers"
    if not fault and not (found.hashes[1:] > found.hashes[:-1]).all():
        fault = ".hashes are not in order"
    if fault:
        raise ValueError(fault.lstrip(".: "))
    return found


def _hashes(text: str, run: int) -> Iterator[Hashes]:
    """Hash all runs of a text, in order and in blocks."""
    for start in range(0, len(text) - run + 1, BLOCK):
        block = text[start : start + BLOCK + run - 1].encode("utf-32-le", "surrogatepass")
        yield hash_runs(np.frombuffer(block, "<u4").astype(np.uint64), run)


def _sampled(hashes: Hashes, rate: int) -> Hashes:
    return hashes if rate == 1 else hashes[divisible(hashes, rate)]


def _thin(parts: Sequence[Hashes], rate: int, capacity: int) -> tuple[Hashes, int]:
    """Join, sort and deduplicate hashes, and double the rate until they are within capacity."""
    hashes = np.unique(_sampled(np.concatenate(parts), rate))
    while len(hashes) > capacity:
        rate *= 2
        hashes = _sampled(hashes, rate)
    return hashes, rate


def _stretches(hits: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Give the first and last index of each stretch of consecutive hits."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], hits, [False]]).astype(np.int8)))
    for first, after in edges.reshape(-1, 2):
        yield int(first), int(after) - 1
