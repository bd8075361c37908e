"""Where is the cleaned text of a corpus kept?"""

import codecs
import hashlib
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from understudy.text.reading import Document
from understudy.text.spool import Spool

PIECE = 1 << 20
"""Bytes of a document that are decoded at a time."""


@dataclass(frozen=True)
class Texts:
    """D documents as UTF-8 in a spool: document d is at the bytes from `starts[d]` up to `stops[d]`."""

    spool: Spool
    names: list[str]
    starts: np.ndarray
    """(D,) int64."""
    stops: np.ndarray
    """(D,) int64."""
    characters: np.ndarray
    """(D,) int64."""

    def pieces(self, index: int) -> Iterator[str]:
        """Consecutive parts of a document, a megabyte or less each."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        last = int(self.stops[index])
        for start in range(int(self.starts[index]), last, PIECE):
            yield decoder.decode(self.spool.read(start, min(start + PIECE, last)))


def store(documents: Iterable[Document], workdir: Path | None) -> tuple[Texts, str, int]:
    """Write documents to a spool; of those with the same text, white space around it aside, keep the first.

    Args:
        documents: at least one, none of them empty.
        workdir: where the spool may make a file; None is the system's temporary folder.

    Returns:
        The texts, their SHA-256 (of the documents in order, so that their boundaries count and their names do
        not), and the number of duplicates left out.
    """
    spool = Spool(workdir)
    names: list[str] = []
    ends, characters = array("q", [0]), array("q")
    # Arrays, because a set of ten million digests would be a gigabyte. That two of a million different
    # documents agree in 64 bits happens in one such corpus of forty million.
    keys, digests = array("Q"), bytearray()
    for document in documents:
        body, indentation, size = hashlib.sha256(), b"", 0
        for piece in document.pieces:
            data = piece.encode("utf-8")
            spool.append(data)
            if not size:
                stripped = piece.lstrip().encode("utf-8")
                indentation, data = data[: len(data) - len(stripped)], stripped
            body.update(data)
            size += len(piece)
        names.append(document.name)
        ends.append(spool.size)
        characters.append(size)
        keys.frombytes(body.digest()[: keys.itemsize])
        digests += hashlib.sha256(indentation + body.digest()).digest()
    spool.flush()
    kept = np.sort(np.unique(np.array(keys, np.uint64), return_index=True)[1])
    bounds = np.array(ends, np.int64)
    texts = Texts(
        spool=spool,
        names=names if len(kept) == len(names) else [names[index] for index in kept],
        starts=bounds[:-1][kept],
        stops=bounds[1:][kept],
        characters=np.array(characters, np.int64)[kept],
    )
    digest = hashlib.sha256(np.frombuffer(digests, "V32")[kept].tobytes()).hexdigest()
    return texts, digest, len(names) - len(kept)
