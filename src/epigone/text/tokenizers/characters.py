"""Tokenizers of single characters and bytes."""

import re
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from typing import Any, Self

import numpy as np
from anyascii import anyascii
from numpy.typing import ArrayLike

from epigone.errors import UserError
from epigone.text.tokenizers.base import (
    END,
    SideBySide,
    VocabularyOptions,
    character_counts,
    code_points,
    in_order_of,
    shown,
    smallest_dtype,
    without_end,
)


class _Given(SideBySide):
    """Base of tokenizers with the same vocabulary for every corpus."""

    name: str

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name}

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocabulary: VocabularyOptions = VocabularyOptions(),
        held_out: Iterable[str] = (),
    ) -> Self:
        return cls()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls()


class AsciiTokenizer(_Given):
    """The 128 characters of ASCII, id = code; others are transliterated (é to e, Привет to Privet)."""

    name = "ascii"
    tokens = "the 128 characters of ASCII"
    dtype: np.dtype[Any] = np.dtype(np.uint8)
    end = ord(END)

    def __init__(self) -> None:
        self.vocabulary = [chr(code) for code in range(128)]
        self.printable = shown(self.vocabulary)

    def normalise(self, text: str) -> str:
        if not text.isascii():  # replaces runs, because most of the text is ASCII even here
            return _NOT_KEPT.sub(lambda run: run[0].translate(_TO_ASCII), text)
        data = text.encode("ascii")
        kept = data.translate(None, _CONTROLS)
        return text if len(kept) == len(data) else kept.decode("ascii")

    def encode(self, text: str) -> np.ndarray:
        # A bytearray, because torch warns about arrays that cannot be written to.
        return np.frombuffer(bytearray(self.normalise(text), "ascii"), self.dtype)

    def decode(self, ids: ArrayLike) -> str:
        return without_end(ids, self.end).astype(np.uint8).tobytes().decode("ascii")

    def unknown(self, text: str) -> Counter[str]:
        if text.isascii() and not text.encode("ascii").translate(None, _KEPT):
            return Counter()
        return Counter({c: n for c, n in character_counts(text).items() if not self.normalise(c)})


class ByteTokenizer(_Given):
    """The 256 bytes of UTF-8, id = byte; encodes any text, and decodes broken sequences to U+FFFD."""

    name = "byte"
    tokens = "the 256 bytes of UTF-8"
    of_bytes = True
    dtype: np.dtype[Any] = np.dtype(np.uint8)
    end = ord(END)

    def __init__(self) -> None:
        # Models map tokens to each other by their text, so byte 0xE9 must not be called é.
        self.vocabulary = [chr(byte) if byte < 128 else f"<0x{byte:02X}>" for byte in range(256)]
        self.printable = shown(self.vocabulary)
        self.printable[[0xC0, 0xC1, *range(0xF5, 0x100)]] = False  # never part of UTF-8

    def normalise(self, text: str) -> str:
        text = text.replace(END, "")
        return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")

    def encode(self, text: str) -> np.ndarray:
        return np.frombuffer(bytearray(text.replace(END, ""), "utf-8", "replace"), self.dtype)

    def decode(self, ids: ArrayLike) -> str:
        return without_end(ids, self.end).astype(np.uint8).tobytes().decode("utf-8", "replace")

    def unknown(self, text: str) -> Counter[str]:
        number = text.count(END)
        return Counter({END: number}) if number else Counter()


class CharTokenizer(SideBySide):
    """The characters of the corpus, in any script: the end symbol, then the characters in order."""

    name = "char"
    tokens = "the characters of the text"
    end = 0

    def __init__(self, vocabulary: Iterable[str]) -> None:
        self.vocabulary = list(vocabulary)
        self._codes = np.array([ord(character) for character in self.vocabulary], np.uint32)
        self.printable = shown(self.vocabulary)
        self.dtype = smallest_dtype(len(self.vocabulary))
        # The last entry serves all characters beyond the greatest one, which are unknown.
        self._ids = np.full(int(self._codes.max()) + 2, -1, np.int32)
        self._ids[self._codes] = np.arange(len(self._codes))
        self._ids[ord(END)] = -1

    def _lookup(self, codes: np.ndarray) -> np.ndarray:
        return self._ids[np.minimum(codes, len(self._ids) - 1)]

    def normalise(self, text: str) -> str:
        return text.replace(END, "")

    def encode(self, text: str) -> np.ndarray:
        ids = self._lookup(code_points(text))
        known = ids >= 0
        return (ids if known.all() else ids[known]).astype(self.dtype)

    def decode(self, ids: ArrayLike) -> str:
        codes = self._codes[without_end(ids, self.end)]
        return codes.tobytes().decode("utf-32-le", "surrogatepass")

    def unknown(self, text: str) -> Counter[str]:
        codes = code_points(text)
        missing = codes[self._lookup(codes) < 0]
        return Counter(missing.tobytes().decode("utf-32-le", "surrogatepass"))

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "vocabulary": self.vocabulary}

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocabulary: VocabularyOptions = VocabularyOptions(),
        held_out: Iterable[str] = (),
    ) -> Self:
        seen = np.zeros(0x110000, bool)
        for text in chain(texts, held_out):
            seen[code_points(text)] = True
        seen[ord(END)] = False
        seen[0xD800:0xE000] = False  # halves of surrogate pairs cannot be written to a file
        if not seen.any():
            raise UserError("There is no text to learn an alphabet from; give a corpus that is not empty.")
        return cls([END, *map(chr, np.flatnonzero(seen))])

    def adapted(
        self, texts: Iterable[str], vocabulary: VocabularyOptions, held_out: Iterable[str] = (), keep: bool = True
    ) -> Self:
        found = self.train(texts, vocabulary, held_out).vocabulary
        return type(self)(in_order_of(self.vocabulary, [*self.vocabulary, *found] if keep else found))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        tokens = data.get("vocabulary")
        sound = (
            isinstance(tokens, list)
            and all(isinstance(token, str) and len(token) == 1 for token in tokens)
            and tokens[:1] == [END]
            and len(set(tokens)) == len(tokens)
        )
        if not sound or tokens is None:
            raise UserError(
                "The tokenizer's `vocabulary` is not the end symbol followed by single characters that all "
                "differ; restore tokenizer.json from a copy of the checkpoint."
            )
        return cls(tokens)


_CONTROLS = bytes(code for code in range(128) if not 32 <= code < 127 and chr(code) not in "\n\t")
_KEPT = bytes(code for code in range(128) if code not in _CONTROLS)
_NOT_KEPT = re.compile(r"[^\n\t -~]+")


class _Transliteration(dict[int, str]):
    """A table for `str.translate` that calls anyascii once for every character."""

    def __missing__(self, code: int) -> str:
        self[code] = anyascii(chr(code)).encode("ascii").translate(None, _CONTROLS).decode("ascii")
        return self[code]


_TO_ASCII = _Transliteration()
