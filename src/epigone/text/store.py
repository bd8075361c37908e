"""Cleaned texts of a corpus, with their names and labels, in as little memory as possible."""

import codecs
import hashlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np

from epigone.text.buffer import FileBuffer
from epigone.text.document import Document, ReadReport

PIECE = 1 << 20
"""Bytes of a document decoded at a time."""

BESIDE = 1 << 20
"""Bytes of names, and of digests, kept in memory."""


@dataclass(frozen=True, eq=False)
class Names(Sequence[str]):
    """D names as UTF-8 in a buffer; as objects they would take more memory than short documents."""

    buffer: FileBuffer
    starts: np.ndarray
    """(D,) int64: first byte of each name."""
    stops: np.ndarray
    """(D,) int64: byte after each name."""

    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        # File names may hold halves of surrogate pairs, which represent bytes that are not UTF-8.
        return self.buffer.read(int(self.starts[index]), int(self.stops[index])).decode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class Texts:
    """D documents as UTF-8 in a buffer: document d has the bytes from `starts[d]` up to `stops[d]`."""

    buffer: FileBuffer
    names: Sequence[str]
    starts: np.ndarray
    """(D,) int64."""
    stops: np.ndarray
    """(D,) int64."""
    characters: np.ndarray
    """(D,) int64."""
    labels: tuple[str | None, ...]
    """The different labels; the first is None, for documents without one."""
    label_codes: np.ndarray
    """(D,) int32: index of each document's label in `labels`."""

    def pieces(self, index: int) -> Iterator[str]:
        """Yield consecutive parts of a document, about a megabyte each, that end with a line or else with a word."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        last = int(self.stops[index])
        held = ""
        for start in range(int(self.starts[index]), last, PIECE):
            held += decoder.decode(self.buffer.read(start, min(start + PIECE, last)))
            # A text without any space is cut anywhere; otherwise it would be one piece.
            cut = held.rfind("\n") + 1 or max(0, held.rfind(" ")) or len(held)
            if start + PIECE >= last:
                cut = len(held)
            yield held[:cut]
            held = held[cut:]


def store(documents: Iterable[Document], workdir: Path | None, report: ReadReport) -> tuple[Texts, str]:
    """Write documents to a buffer, and keep the first of those whose texts differ only in the space around them.

    Each document takes about fifty bytes of memory: there may be ten million.

    Args:
        documents: at least one, none of them empty.
        workdir: folder of the buffer's file; None is the system's temporary folder.
        report: counts the duplicates left out.

    Returns:
        The texts and their SHA-256, which depends on the order of the documents and on their boundaries, but not on
        their names and labels.
    """
    buffer, names, digests = FileBuffer(workdir), FileBuffer(workdir, BESIDE), FileBuffer(workdir, BESIDE)
    ends, name_ends, characters = array("q", [0]), array("q", [0]), array("q")
    # Two of a million different documents agree in 64 bits in one such corpus of forty million.
    keys = array("Q")
    labels: dict[str | None, int] = {None: 0}
    codes = array("i")
    for document in documents:
        body, indentation, size = hashlib.sha256(), b"", 0
        for piece in document.pieces:
            data = piece.encode("utf-8")
            buffer.append(data)
            if not size:
                stripped = piece.lstrip().encode("utf-8")
                indentation, data = data[: len(data) - len(stripped)], stripped
            body.update(data)
            size += len(piece)
        names.append(document.name.encode("utf-8", "surrogatepass"))
        name_ends.append(names.size)
        ends.append(buffer.size)
        characters.append(size)
        codes.append(labels.setdefault(document.label, len(labels)))
        keys.frombytes(body.digest()[: keys.itemsize])
        digests.append(hashlib.sha256(indentation + body.digest()).digest())
    for written in (buffer, names, digests):
        written.flush()
    fresh = _first_of_each(np.frombuffer(keys, np.uint64))
    kept = slice(None) if fresh.all() else fresh  # a slice copies nothing
    label_codes = np.frombuffer(codes, np.int32)
    if len(labels) == 1:
        label_codes = np.broadcast_to(np.int32(0), len(codes))  # takes no memory
    else:
        report.relabelled = _relabelled(np.frombuffer(keys, np.uint64), label_codes)
    report.duplicates = len(fresh) - int(fresh.sum())
    bounds, name_bounds = np.frombuffer(ends, np.int64), np.frombuffer(name_ends, np.int64)
    texts = Texts(
        buffer=buffer,
        names=Names(names, name_bounds[:-1][kept], name_bounds[1:][kept]),
        starts=bounds[:-1][kept],
        stops=bounds[1:][kept],
        characters=np.frombuffer(characters, np.int64)[kept],
        labels=tuple(labels),
        label_codes=label_codes[kept],
    )
    return texts, _digest(digests, fresh)


def _first_of_each(keys: np.ndarray) -> np.ndarray:
    """Mark the keys (D,) that occur for the first time: (D,) bool."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    first = np.ones(len(keys), bool)
    first[order[1:][ordered[1:] == ordered[:-1]]] = False
    return first


def _relabelled(keys: np.ndarray, codes: np.ndarray) -> int:
    """Count the documents whose label differs from that of the first with the same key; both are (D,)."""
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    return int((codes != codes[first[group]]).sum())


def _digest(digests: FileBuffer, kept: np.ndarray, rows: int = 1 << 15) -> str:
    """Hash the digests of the kept documents, (D,) bool, some rows at a time."""
    whole = hashlib.sha256()
    for first in range(0, len(kept), rows):
        part = np.frombuffer(digests.read(32 * first, 32 * (first + rows)), "V32")
        whole.update(part[kept[first : first + rows]].tobytes())
    return whole.hexdigest()
