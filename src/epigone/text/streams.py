"""Token streams: the ids of all documents in a row, each document closed by one end symbol."""

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from epigone.text.buffer import FileBuffer
from epigone.text.tokenizers.base import Tokenizer, character_counts
from epigone.text.tokenizers.direction import is_backward


@dataclass
class TokenStream:
    """The ids of D documents in a row, with N of them to predict.

    `tokens[0]` is the end symbol, so that the first token too has one before it. Then come the documents, each
    followed by one end symbol. The targets of document d are `targets[offsets[d]:offsets[d + 1]]`, the last of which
    is its end symbol.
    """

    tokens: np.ndarray
    """(N + 1,) ids of the tokenizer's dtype; a memory map if there are many."""
    offsets: np.ndarray
    """(D + 1,) int64: first target of each document; the last entry is N."""
    characters: np.ndarray
    """(D,) int64: characters of each document as the tokenizer writes it, without those that it dropped: a model does
    not predict these, so they must not improve its figures."""
    spelling: np.ndarray
    """(D,) float64: nats for spelling the unknown words of each document; 0 if the tokens are no words."""
    end: int
    """Id of the end symbol."""
    unit: str = "character"
    """Unit that the tokenizer looks up: `character` or `word`."""
    units: int = 0
    """Number of these units; signs count as words."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Counts of the characters that the tokenizer lacks and dropped, or of the words that it read as unknown."""
    replaced: Counter[str] = field(default_factory=Counter)
    """Counts of the characters that the tokenizer replaced by others, such as é by e, or A by a."""
    notices: list[str] = field(default_factory=list)
    """Sentences on everything that the tokenizer changed or dropped."""

    @property
    def inputs(self) -> np.ndarray:
        """(N,) ids that the model reads."""
        return self.tokens[:-1]

    @property
    def targets(self) -> np.ndarray:
        """(N,) ids that it should predict."""
        return self.tokens[1:]

    def __len__(self) -> int:
        return len(self.tokens) - 1

    @property
    def transliterated(self) -> int:
        """Number of characters that the tokenizer replaced by others."""
        return self.replaced.total()

    @property
    def dropped_share(self) -> float:
        """Share of the characters that the tokenizer dropped, or of the words and signs that it did not know."""
        return self.dropped.total() / max(1, self.units)


def token_stream(documents: Iterable[Iterable[str]], tokenizer: Tokenizer, workdir: Path | None = None) -> TokenStream:
    """Encode documents into a stream, with only one piece of a document in memory at a time.

    Args:
        documents: consecutive pieces of each document's text, never cut inside a word. For a model that reads backward
            all pieces of a document are held in memory.
        tokenizer: encodes them.
        workdir: folder of a large stream; None is the system's temporary folder.
    """
    buffer = FileBuffer(workdir)
    end = np.array([tokenizer.end], tokenizer.dtype).tobytes()
    buffer.append(end)
    offsets, characters, spelling = array("q", [0]), array("q"), array("d")
    dropped: Counter[str] = Counter()
    replaced: Counter[str] = Counter()
    length = units = 0
    for pieces in documents:
        size, nats = 0, 0.0
        for piece in reversed(list(pieces)) if is_backward(tokenizer) else pieces:
            reading = tokenizer.read(piece)
            buffer.append(reading.ids.data.cast("B") if len(reading.ids) else b"")
            size += reading.characters
            nats += reading.spelling
            units += reading.units
            length += len(reading.ids)
            if reading.unknown:
                dropped.update(reading.unknown)
            replaced.update(_replaced(piece, tokenizer))
        buffer.append(end)
        length += 1
        offsets.append(length)
        characters.append(size)
        if tokenizer.unit == "word":  # else nothing is spelled, and zeros that nobody wrote take no memory
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
        replaced=replaced,
    )


def _replaced(text: str, tokenizer: Tokenizer) -> dict[str, int]:
    if tokenizer.normalise(text) == text:
        return {}
    return {c: number for c, number in character_counts(text).items() if tokenizer.normalise(c) not in (c, "")}
