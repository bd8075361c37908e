"""What is a tokenizer? What turns text into ids and back, and travels inside the checkpoint as `to_dict()`.

It hides nothing: `normalise` shows the text as the model will see it, and `unknown` counts what `encode` leaves out or
cannot name.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike

from epigone.errors import check_options

END = "\x03"
"""The end of a document: the control character "end of text", which cleaning keeps out of every text."""
SPACE_BEFORE, SPACE_AFTER = 1, 2
"""What a token may want: a space stands between two tokens where the first wants one after it and the second before."""


@dataclass(frozen=True)
class VocabularyOptions:
    """What vocabulary is learned, by a tokenizer of words or subwords."""

    vocabulary_size: int = 0
    """Tokens at most, special ones included. 0: of words, all that are frequent enough; of subwords (bpe), the
    characters and four times the square root of the text's length in characters, 32,000 at most."""
    min_count: int = 2
    """Words that the training text has less often than this are unknown."""
    lower_case: bool = False
    """Write words in lower case."""

    def __post_init__(self) -> None:
        check_options(self, "be 0 or more", lambda value: value >= 0, "vocabulary_size")
        check_options(self, "be 1 or more", lambda value: value >= 1, "min_count")


class Reading(NamedTuple):
    """What a tokenizer makes of a text, and what that leaves to be told."""

    ids: np.ndarray
    """As `encode` gives them."""
    characters: int
    """Those of the normalised text, without those that were dropped."""
    units: int
    """Characters, or words and signs, that were looked up, known or not."""
    unknown: Counter[str]
    """Those of them that the vocabulary lacks."""
    spelling: float
    """Nats that it takes to spell what the ids do not name."""


class Tokenizer(Protocol):
    """What the rest of the house may ask of a tokenizer (V is the size of its vocabulary)."""

    name: str
    level: str
    """What a token is, in a word: `character`, `subword` or `word`."""
    tokens: str
    """What the tokens are, in a few words for a help text."""
    unit: str
    """What is looked up in the vocabulary: `character`s, of which unknown ones are dropped, or `word`s, of which
    unknown ones are read as one token for all."""
    options: tuple[str, ...]
    """The fields of `VocabularyOptions` that it heeds."""
    vocabulary: list[str]
    """The V tokens, all different; the index is the id."""
    end: int
    """The id that closes a document."""
    printable: np.ndarray
    """(V,) bool: the ids that may be shown; false for control characters, the end symbol and unknown words."""
    dtype: np.dtype[Any]
    """The smallest integer type that holds every id: uint8, uint16 or int32."""

    @property
    def spaces(self) -> np.ndarray:
        """(V,) uint8: `SPACE_BEFORE` and `SPACE_AFTER`, where a token wants them; all 0 where spaces are tokens."""
        ...

    @property
    def contents(self) -> str:
        """What the vocabulary holds, such as `9,000 words, 40 signs`; empty if `tokens` says it all."""
        ...

    def normalise(self, text: str) -> str:
        """The text as it is encoded: what the tokenizer rewrites is rewritten, the end symbol removed."""
        ...

    def encode(self, text: str) -> np.ndarray:
        """The ids of `normalise(text)`, 1-D of `dtype`, without the characters the vocabulary lacks."""
        ...

    def decode(self, ids: ArrayLike) -> str:
        """The text of these ids; the end symbol is never shown."""
        ...

    def unknown(self, text: str) -> Counter[str]:
        """The characters of `text` that `encode` drops, or the words that it cannot name, with their numbers."""
        ...

    def read(self, text: str) -> Reading:
        """All of that at once. Of a long text pieces may be read, if they are cut where no word is."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """What `tokenizer_from_dict` needs to build this tokenizer again, ready for JSON."""
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
            texts: what it is learned from; long documents may come in pieces, cut where no word is.
            vocabulary: how large it gets.
            held_out: texts of which only the characters are learned, so that they can be read; `texts` may be among
                them.
        """
        ...

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        ...


class SideBySide:
    """What tokenizers share whose tokens' texts stand side by side, and whose unknown characters are dropped."""

    level = "character"
    unit = "character"
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


def shown(vocabulary: Iterable[str]) -> np.ndarray:
    """(V,) bool: the tokens in which no control character but newlines and tabs stands, nor half of a pair."""
    return np.array([all(c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs") for c in t) for t in vocabulary])


def smallest_dtype(size: int) -> np.dtype[Any]:
    """The smallest integer type that holds the ids of so many tokens."""
    return np.dtype(np.uint8 if size <= 1 << 8 else np.uint16 if size <= 1 << 16 else np.int32)


def code_points(text: str) -> np.ndarray:
    """The codes of a text's characters, uint32; read-only."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def character_counts(text: str) -> Counter[str]:
    """How often each character stands in a text; much faster than `Counter(text)` for long ones."""
    if len(text) < 1 << 14:
        return Counter(text)
    numbers = np.bincount(code_points(text))
    return Counter({chr(code): int(numbers[code]) for code in np.flatnonzero(numbers)})


def flat(ids: ArrayLike) -> np.ndarray:
    """Ids as an array of one dimension, of integers even where there are none."""
    return np.asarray(ids, dtype=None if np.size(ids) else np.int64).reshape(-1)


def without_end(ids: ArrayLike, end: int) -> np.ndarray:
    """Ids as an array of one dimension, without the end symbol."""
    found = flat(ids)
    return found[found != end]
