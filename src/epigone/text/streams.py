"""What does a model read? Every document's ids in a row, each document closed by one end symbol."""

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from epigone.text.buffer import FileBuffer
from epigone.text.tokenizers.base import Tokenizer, character_counts


@dataclass
class TokenStream:
    """The ids of D documents in a row, N of them to be predicted.

    `tokens[0]` is the end symbol, so that the first character too has something before it; then come the
    documents, each followed by one end symbol. Document d is predicted at
    `targets[offsets[d]:offsets[d + 1]]`, whose last entry is its end symbol.
    """

    tokens: np.ndarray
    """(N + 1,) ids of the tokenizer's dtype; a memory map when they are many."""
    offsets: np.ndarray
    """(D + 1,) int64: where each document's targets begin; the last entry is N."""
    characters: np.ndarray
    """(D,) int64: characters of each document that are in the stream: as the tokenizer wrote them, without those that
    it dropped, so that what a model never had to predict makes no figure look better."""
    spelling: np.ndarray
    """(D,) float64: nats that it takes to spell the words of each document that are unknown; else 0."""
    end: int
    """The id of the end symbol."""
    unit: str = "character"
    """What the tokenizer knows or does not: `character` or `word`."""
    units: int = 0
    """How many of them there are, signs among the words."""
    dropped: Counter[str] = field(default_factory=Counter)
    """The characters that the tokenizer lacked and dropped, or the words that it read as unknown, with their
    numbers."""
    transliterated: int = 0
    """Characters that the tokenizer wrote with others, such as é with e, or A with a."""
    notices: list[str] = field(default_factory=list)
    """Sentences on what the tokenizer changed or dropped."""

    @property
    def inputs(self) -> np.ndarray:
        """(N,) what the model reads."""
        return self.tokens[:-1]

    @property
    def targets(self) -> np.ndarray:
        """(N,) what it should predict there."""
        return self.tokens[1:]

    def __len__(self) -> int:
        return len(self.tokens) - 1

    @property
    def dropped_share(self) -> float:
        """The share of the characters that the tokenizer dropped, or of the words and signs that it did not know."""
        return self.dropped.total() / max(1, self.units)


def token_stream(documents: Iterable[Iterable[str]], tokenizer: Tokenizer, workdir: Path | None = None) -> TokenStream:
    """Encode documents into a stream without holding more than a piece of one in memory.

    Args:
        documents: the consecutive pieces of each document's text, cut where no word is.
        tokenizer: what encodes them.
        workdir: where a large stream is kept; None is the system's temporary folder.
    """
    buffer = FileBuffer(workdir)
    end = np.array([tokenizer.end], tokenizer.dtype).tobytes()
    buffer.append(end)
    offsets, characters, spelling = array("q", [0]), array("q"), array("d")
    dropped: Counter[str] = Counter()
    transliterated = length = units = 0
    for pieces in documents:
        size, nats = 0, 0.0
        for piece in pieces:
            reading = tokenizer.read(piece)
            buffer.append(reading.ids.data.cast("B") if len(reading.ids) else b"")
            size += reading.characters
            nats += reading.spelling
            units += reading.units
            length += len(reading.ids)
            if reading.unknown:
                dropped.update(reading.unknown)
            transliterated += _transliterated(piece, tokenizer)
        buffer.append(end)
        length += 1
        offsets.append(length)
        characters.append(size)
        if tokenizer.unit == "word":  # else there is nothing to spell, and zeros that nobody wrote take no memory
            spelling.append(nats)
    buffer.flush()
    return TokenStream(
        tokens=buffer.array(tokenizer.dtype),
        offsets=np.frombuffer(offsets, np.int64),
        characters=np.frombuffer(characters, np.int64),
        spelling=np.frombuffer(spelling, np.float64) if spelling else np.zeros(len(characters)),
        end=tokenizer.end,
        unit=tokenizer.unit,
        units=units,
        dropped=dropped,
        transliterated=transliterated,
    )


def _transliterated(text: str, tokenizer: Tokenizer) -> int:
    if tokenizer.normalise(text) == text:
        return 0
    return sum(number for c, number in character_counts(text).items() if tokenizer.normalise(c) not in (c, ""))
