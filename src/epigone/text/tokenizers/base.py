"""Tokenizer: turns text into ids and back, and is saved in the checkpoint as `to_dict()`.

It hides no loss: `normalise` returns the text as the model sees it, and `unknown` counts what `encode` drops or cannot
name.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from epigone.errors import check_options
from epigone.typed import typed

END = "\x03"
"""The end of a document: the control character "end of text", which cleaning keeps out of every text."""
SPACE_BEFORE, SPACE_AFTER = 1, 2
"""Spaces that a token wants: two tokens have one between them if the first wants it after and the second before."""


@dataclass(frozen=True)
@typed
class VocabularyOptions:
    """Vocabulary of a tokenizer that learns words or subwords."""

    vocabulary_size: int = 0
    """Most tokens, special ones included. 0 takes all words that are frequent enough; of subwords (bpe) it takes the
    characters and four times the square root of the text's length in characters, 32,000 at most."""
    min_count: int = 2
    """Fewest occurrences of a word in the training text; rarer words are unknown."""
    lower_case: bool = False
    """Write words in lower case."""

    def __post_init__(self) -> None:
        check_options(self, "be 0 or more", lambda value: value >= 0, "vocabulary_size")
        check_options(self, "be 1 or more", lambda value: value >= 1, "min_count")


class Reading(NamedTuple):
    """A text as a tokenizer reads it, with counts for reports."""

    ids: np.ndarray
    """Ids, as `encode` returns them."""
    characters: int
    """Characters of the normalised text, without those that were dropped."""
    units: int
    """Number of characters, or of words and signs, that were looked up, known or not."""
    unknown: Counter[str]
    """Counts of those that the vocabulary lacks."""
    spelling: float
    """Nats for spelling the words that the ids do not name."""


class Tokenizer(Protocol):
    """A kind of tokenizer; V is the size of its vocabulary. `SideBySide` implements some of it."""

    name: str
    """Name under which it is registered and saved."""
    level: str
    """Kind of the tokens in one word: `character`, `subword` or `word`."""
    tokens: str
    """Description of the tokens in a few words, for help texts."""
    unit: str
    """Unit that is looked up in the vocabulary: `character`, if unknown ones are dropped, or `word`, if all unknown
    ones become the same token."""
    of_bytes: bool
    """True if the ids are the bytes of UTF-8, so that a character may take several."""
    options: tuple[str, ...]
    """Fields of `VocabularyOptions` that have a meaning for it."""
    vocabulary: list[str]
    """The V tokens, all different; the index of a token is its id."""
    end: int
    """Id of the end symbol, which closes a document."""
    printable: np.ndarray
    """(V,) bool: ids that may be shown; false for control characters, the end symbol and unknown words."""
    dtype: np.dtype[Any]
    """Smallest integer type for all ids: uint8, uint16 or int32."""

    @property
    def spaces(self) -> np.ndarray:
        """(V,) uint8: the union of `SPACE_BEFORE` and `SPACE_AFTER` that each token wants; 0 if spaces are tokens."""
        ...

    @property
    def contents(self) -> str:
        """Contents of the vocabulary, such as `9,000 words, 40 signs`; empty if `tokens` says enough."""
        ...

    def normalise(self, text: str) -> str:
        """Return the text as it is encoded, with the tokenizer's replacements and without end symbols."""
        ...

    def encode(self, text: str) -> np.ndarray:
        """Return the ids of `normalise(text)`, 1-D of `dtype`; characters that the vocabulary lacks are dropped."""
        ...

    def decode(self, ids: ArrayLike) -> str:
        """Return the text of these ids, without end symbols."""
        ...

    def unknown(self, text: str) -> Counter[str]:
        """Count the characters of `text` that `encode` drops, or the words that it cannot name."""
        ...

    def read(self, text: str) -> Reading:
        """Encode a text and count at once. A long text may be read in pieces that are never cut inside a word."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Describe the tokenizer for `tokenizer_from_dict`, ready for JSON, with its name under `name`."""
        ...

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocabulary: VocabularyOptions = VocabularyOptions(),
        held_out: Iterable[str] = (),
    ) -> Self:
        """Learn the vocabulary.

        Args:
            texts: texts to learn from; long documents may come in pieces that are never cut inside a word.
            vocabulary: options of the vocabulary.
            held_out: texts that give only their characters, so that they can be read; `texts` may be among them.
        """
        ...

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build the tokenizer that `to_dict` described.

        Raises:
            UserError: the description is damaged.
        """
        ...


@runtime_checkable
class Adaptable(Protocol):
    """A tokenizer that can learn the vocabulary of another text beside its own, or in its place."""

    def adapted(
        self, texts: Iterable[str], vocabulary: VocabularyOptions, held_out: Iterable[str] = (), keep: bool = True
    ) -> Tokenizer:
        """Make a tokenizer of the same kind for another text.

        Its tokens that this one has come first, in the same order, so that the clusters of an adaptive softmax keep
        their tokens; new ones follow, the most frequent first.

        Args:
            texts: texts to learn from, as for `Tokenizer.train`.
            vocabulary: size and choice of the vocabulary.
            held_out: texts that give only their characters, so that they can be read.
            keep: keep the tokens that the text does not have, too.

        Raises:
            UserError: there is too little to learn from, or an option does not fit.
        """
        ...


class SideBySide:
    """Base of tokenizers whose text is that of its tokens in a row, and which drop unknown characters."""

    level = "character"
    unit = "character"
    of_bytes = False
    options: tuple[str, ...] = ()

    @property
    def contents(self) -> str:
        return ""

    @property
    def spaces(self: Tokenizer) -> np.ndarray:
        return np.zeros(len(self.vocabulary), np.uint8)

    def read(self: Tokenizer, text: str) -> Reading:
        ids, unknown = self.encode(text), self.unknown(text)
        characters = len(self.decode(ids))
        return Reading(ids, characters, characters + unknown.total(), unknown, 0.0)


def in_order_of(old: Iterable[str], new: Iterable[str]) -> list[str]:
    """Order tokens: those of `old` in its order, then the others as they come."""
    found = dict.fromkeys(new)
    kept = [token for token in old if token in found]
    return list(dict.fromkeys([*kept, *found]))


def shown(vocabulary: Iterable[str]) -> np.ndarray:
    """Mark the tokens without half surrogates and without control characters but newlines and tabs: (V,) bool."""
    return np.array([all(c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs") for c in t) for t in vocabulary])


def smallest_dtype(size: int) -> np.dtype[Any]:
    """Return the smallest integer type for the ids of `size` tokens."""
    return np.dtype(np.uint8 if size <= 1 << 8 else np.uint16 if size <= 1 << 16 else np.int32)


def code_points(text: str) -> np.ndarray:
    """Return the code points of a text, uint32; the array is read-only."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def character_counts(text: str) -> Counter[str]:
    """Count the characters of a text; much faster than `Counter(text)` for long ones."""
    if len(text) < 1 << 14:
        return Counter(text)
    numbers = np.bincount(code_points(text))
    return Counter({chr(code): int(numbers[code]) for code in np.flatnonzero(numbers)})


def flat(ids: ArrayLike) -> np.ndarray:
    """Return ids as an array of one dimension, of integers even if it is empty."""
    return np.asarray(ids, dtype=None if np.size(ids) else np.int64).reshape(-1)


def without_end(ids: ArrayLike, end: int) -> np.ndarray:
    """Return ids as an array of one dimension, without end symbols."""
    found = flat(ids)
    return found[found != end]
