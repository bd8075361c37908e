"""Tokenizer of words.

Spaces are seldom tokens. Two tokens have a space between them if the first wants one after it and the second one before
it. If the text differs from that, a token says so: the joiner, which is empty, or a space. So every text comes back
exactly if its words are known.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from epigone.errors import UserError
from epigone.text.tokenizers.base import (
    END,
    SPACE_AFTER,
    SPACE_BEFORE,
    Reading,
    VocabularyOptions,
    flat,
    in_order_of,
    shown,
    smallest_dtype,
)
from epigone.text.tokenizers.spelling import Spelling
from epigone.text.tokenizers.word_units import WORD, Habits, chunks, is_sign, units_of

UNKNOWN, JOINER, SPACE = "<unk>", "", " "
SPECIAL = [END, UNKNOWN, JOINER, SPACE]
_UNKNOWN, _JOINER, _SPACE = 1, 2, 3  # their ids


class WordTokenizer:
    """Words, numbers and signs, the most frequent first; `word_units.py` defines a word.

    Args:
        vocabulary: the special tokens, then words and signs.
        spaces: the spaces that each of them wants.
        spelling: the cost of unknown words.
        lower_case: write the text in lower case first.
    """

    name = "word"
    level = "word"
    tokens = "words, numbers and signs"
    unit = "word"
    of_bytes = False
    options: tuple[str, ...] = ("vocabulary_size", "min_count", "lower_case")
    end = 0

    def __init__(
        self, vocabulary: Iterable[str], spaces: Iterable[int], spelling: Spelling, lower_case: bool = False
    ) -> None:
        self.vocabulary = list(vocabulary)
        self.spaces = np.array(list(spaces), np.uint8)
        self.spelling = spelling
        self.lower_case = lower_case
        self.printable = shown(self.vocabulary)
        self.printable[_UNKNOWN] = False
        self.dtype = smallest_dtype(len(self.vocabulary))
        self._ids = {token: i for i, token in enumerate(self.vocabulary) if i not in (self.end, _UNKNOWN, _JOINER)}

    @property
    def contents(self) -> str:
        signs = sum(map(is_sign, self.vocabulary[len(SPECIAL) :]))
        words = len(self.vocabulary) - len(SPECIAL) - signs
        case = ", in lower case" if self.lower_case else ""
        return f"{words:,} words, {signs:,} signs, {len(SPECIAL)} special tokens{case}"

    def normalise(self, text: str) -> str:
        text = text.replace(END, "")
        return text.lower() if self.lower_case else text

    def encode(self, text: str) -> np.ndarray:
        return self._encoded(units_of(self.normalise(text)))

    def _encoded(self, units: list[str]) -> np.ndarray:
        get = self._ids.get
        ids = np.fromiter((get(unit, _UNKNOWN) for unit in units), np.int64, len(units))
        spaces = self.spaces[ids]
        after, before = (spaces & SPACE_AFTER) > 0, (spaces & SPACE_BEFORE) > 0
        # A single space between two tokens that want one needs no token. Spaces themselves want none.
        said = np.zeros(len(ids), bool)
        said[1:-1] = (ids[1:-1] == _SPACE) & after[:-2] & before[2:]
        close = np.flatnonzero(after[:-1] & before[1:]) + 1
        ids[said] = -1
        ids = np.insert(ids, close, _JOINER)
        return ids[ids >= 0].astype(self.dtype)

    def decode(self, ids: ArrayLike) -> str:
        found = flat(ids)
        spaces = self.spaces[found]
        spaced = np.zeros(len(found), bool)
        spaced[1:] = (spaces[:-1] & SPACE_AFTER > 0) & (spaces[1:] & SPACE_BEFORE > 0)
        texts = ("", *self.vocabulary[1:])  # the end symbol is never shown
        return "".join(
            [f" {texts[i]}" if s else texts[i] for i, s in zip(found.tolist(), spaced.tolist(), strict=True)]
        )

    def unknown(self, text: str) -> Counter[str]:
        return self._lacking(units_of(self.normalise(text)))

    def _lacking(self, units: list[str]) -> Counter[str]:
        return Counter(unit for unit in units if unit not in self._ids)

    def read(self, text: str) -> Reading:
        normalised = self.normalise(text)
        units = units_of(normalised)
        unknown = self._lacking(units)
        looked_up = len(units) - units.count(SPACE)
        return Reading(self._encoded(units), len(normalised), looked_up, unknown, self.spelling.nats(unknown))

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "lower_case": self.lower_case,
            "vocabulary": self.vocabulary,
            "spaces": "".join(map(str, self.spaces.tolist())),
            "spelling": self.spelling.to_dict(),
        }

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocabulary: VocabularyOptions = VocabularyOptions(),
        held_out: Iterable[str] = (),
    ) -> Self:
        numbers, habits = _counted(texts, vocabulary.lower_case)
        known = chosen(numbers, vocabulary)
        spaces = [0, WORD, 0, 0, *map(habits.spaces, known)]
        return cls([*SPECIAL, *known], spaces, Spelling.of(_rest(numbers, known)), vocabulary.lower_case)

    def adapted(
        self, texts: Iterable[str], vocabulary: VocabularyOptions, held_out: Iterable[str] = (), keep: bool = True
    ) -> Self:
        if vocabulary.lower_case and not self.lower_case:
            raise UserError(
                "The base tells capitals from small letters, so its words cannot be carried over into lower case; "
                "leave out lower_case, or train a base in lower case."
            )
        numbers, habits = _counted(texts, self.lower_case)
        known = self._with_own(frequent(numbers, vocabulary), vocabulary) if keep else chosen(numbers, vocabulary)
        tokens = in_order_of(self.vocabulary, [*SPECIAL, *known])
        wanted = dict(zip(self.vocabulary, self.spaces.tolist(), strict=True))
        spaces = [wanted[token] if token in wanted else habits.spaces(token) for token in tokens]
        return type(self)(tokens, spaces, self.spelling + Spelling.of(_rest(numbers, tokens)), self.lower_case)

    def _with_own(self, frequent: list[str], vocabulary: VocabularyOptions) -> list[str]:
        """Choose among the frequent words of a text, the most frequent first, and the own ones."""
        own = self.vocabulary[len(SPECIAL) :]
        if vocabulary.vocabulary_size:  # rare words make room for frequent ones of the text
            return list(dict.fromkeys([*frequent, *own]))[: max(0, vocabulary.vocabulary_size - len(SPECIAL))]
        known = set(own)
        return [*own, *[word for word in frequent if word not in known][: len(own)]]

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        tokens, spaces, lower_case = (data.get(key) for key in ("vocabulary", "spaces", "lower_case"))
        if (
            not isinstance(tokens, list)
            or not all(isinstance(token, str) for token in tokens)
            or tokens[: len(SPECIAL)] != SPECIAL
            or len(set(tokens)) < len(tokens)
        ):
            raise _damaged("vocabulary", "the special tokens followed by words that all differ")
        if (
            not isinstance(spaces, str)
            or len(spaces) != len(tokens)
            or not set(spaces) <= set("0123")
            or not spaces.startswith("0300")
        ):
            raise _damaged("spaces", f"{len(tokens):,} digits from 0 to 3, the first of which are 0300")
        if not isinstance(lower_case, bool):
            raise _damaged("lower_case", "true or false")
        return cls(tokens, map(int, spaces), Spelling.from_dict(data.get("spelling")), lower_case)


def _counted(texts: Iterable[str], lower_case: bool) -> tuple[Counter[str], Habits]:
    """Count the words and signs of texts, and learn the spaces around signs."""
    numbers: Counter[str] = Counter()
    habits = Habits()
    for text, joints in chunks(texts):
        text = text.replace(END, "")
        if lower_case:
            text = text.lower()
        numbers.update(units_of(text))
        numbers["\n"] -= joints
        habits.learn(text)
    del numbers[SPACE]
    return numbers, habits


def _rest(numbers: Counter[str], known: Iterable[str]) -> Counter[str]:
    """Count the words that a vocabulary lacks."""
    kept = set(known)
    return Counter({unit: number for unit, number in numbers.items() if unit not in kept and number > 0})


def frequent(numbers: Counter[str], options: VocabularyOptions) -> list[str]:
    """List the words and signs that are frequent enough to learn, the most frequent first."""
    known = [
        unit
        for unit, number in numbers.items()
        if number >= options.min_count and not "\ud800" <= unit[0] <= "\udfff"  # halves of surrogate pairs
    ]
    return sorted(known, key=lambda unit: (-numbers[unit], unit))


def chosen(numbers: Counter[str], options: VocabularyOptions, special: int = len(SPECIAL)) -> list[str]:
    """Choose the words and signs to learn, the most frequent first, beside a number of special tokens.

    Raises:
        UserError: there is none, or another number than was asked for.
    """
    if not any(number > 0 for number in numbers.values()):
        raise UserError("There is no text to learn words from; give a corpus that is not empty.")
    known = frequent(numbers, options)
    if not known:
        raise UserError(
            f"No word occurs {options.min_count} times in the training text, so there is none to learn; give a lower "
            "min_count."
        )
    size = options.vocabulary_size
    if 0 < size <= special:
        raise UserError(
            f"A vocabulary_size of {size} leaves no room for words, because {special} tokens are special; give more, "
            "or 0 for all words that are frequent enough."
        )
    if size > len(known) + special:
        raise UserError(
            f"A vocabulary_size of {size:,} is more than there is to learn: {len(known):,} words and signs occur "
            f"{options.min_count} times or more (min_count) in the training text, which with {special} special tokens "
            f"makes {len(known) + special:,}. Give no more than that, 0 for all of them, or a lower min_count."
        )
    return known[: size - special] if size else known


def _damaged(key: str, wanted: str) -> UserError:
    return UserError(f"The tokenizer's `{key}` is not {wanted}; restore tokenizer.json from a copy of the checkpoint.")
