"""Texts as a model reads them: their tokens, and what is known of each token from the characters of the text."""

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epigone.probing.properties.base import words
from epigone.text.streams import TokenStream, token_stream
from epigone.text.tokenizers.base import Tokenizer
from epigone.text.tokenizers.direction import in_direction, is_backward
from epigone.text.tokenizers.pieces import pieces

LONGEST = 24  # characters of a word that tell it from others


@dataclass(frozen=True, eq=False)
class ReadTexts:
    """D documents with M tokens, in the order of reading, without end symbols."""

    stream: TokenStream
    texts: list[str]
    """The documents as their tokens write them."""
    lengths: list[NDArray[np.int64]]
    """Characters of each token of each document, in the order of the text."""
    backward: bool

    @property
    def documents(self) -> NDArray[np.int64]:
        """The document of each token (M,)."""
        return np.repeat(np.arange(len(self.lengths)), list(map(len, self.lengths)))

    def at_tokens(self, values: Callable[[str], NDArray[np.generic]]) -> NDArray[np.generic]:
        """Give each token (M,) the value of its last character; `values` gives those (T,) of the characters."""
        found = []
        for text, lengths in zip(self.texts, self.lengths, strict=True):
            last = np.maximum(np.cumsum(lengths) - 1, 0)
            here = values(text)[last] if text else np.zeros(0, np.float32)
            found.append(here[::-1] if self.backward else here)
        return np.concatenate(found)


def read_texts(texts: Iterable[str], codec: Tokenizer) -> ReadTexts:
    """Encode texts, each as a document, and write them as their tokens do."""
    documents = list(texts)
    stream = token_stream(([text] for text in documents), codec)
    backward, forward = is_backward(codec), in_direction(codec, "forward")
    written, lengths = [], []
    for start, stop in zip(stream.offsets[:-1], stream.offsets[1:], strict=True):
        ids = np.asarray(stream.targets[start : stop - 1])
        parts = list(pieces(ids[::-1] if backward else ids, forward))
        written.append("".join(parts))
        lengths.append(np.array(list(map(len, parts)), np.int64))
    return ReadTexts(stream, written, lengths, backward)


def parts_of(text: str, most: int) -> list[str]:
    """Cut a text into parts of `most` characters at most, if possible at blank lines, else at lines or spaces.

    A network reads many short texts at once, and a long one step by step.
    """
    parts = []
    start = 0
    while len(text) - start > most:
        window = text[start : start + most]
        cut = next(
            (place + len(sign) for sign in ("\n\n", "\n", " ") if (place := window.rfind(sign)) > most // 2), most
        )
        parts.append(text[start : start + cut])
        start += cut
    return [*parts, text[start:]] if text[start:] else parts


def lengths_of(ids: NDArray[np.integer], codec: Tokenizer) -> NDArray[np.int64]:
    """Count the characters of each token of a document, in the order of the text, whatever that of reading."""
    ordered = ids[::-1] if is_backward(codec) else ids
    return np.fromiter(map(len, pieces(ordered, in_direction(codec, "forward"))), np.int64, len(ids))


def word_types(text: str) -> NDArray[np.int64]:
    """Number, at each character (T,), the word as far as it has been read; equal beginnings have equal numbers.

    After a word its number goes on with what follows it, because a network that has just read the word knows it still.
    """
    inside = words(text).tolist()
    found = np.zeros(len(text), np.int64)
    start = 0
    for place in range(len(text)):
        if inside[place] and place and not inside[place - 1]:
            start = place
        found[place] = zlib.crc32(text[max(start, place + 1 - LONGEST) : place + 1].lower().encode("utf-8", "replace"))
    return found
