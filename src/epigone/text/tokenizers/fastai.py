"""Tokenizer of the words of fastai, whose published language models can be imported.

Words are in lower case, and markers before them say how they were written: `xxmaj` before a word with a capital,
`xxup` before one in capitals, `xxrep 4 !` for a sign that is repeated, `xxwrep 3 no` for a word that is. Contractions
are cut as treebanks do (do n't). The rules are our own, after fastai's published behaviour; they differ in rare cases,
because fastai leaves the cutting to spaCy: an abbreviation that is not in our short list, addresses, smileys.

White space but line breaks is dropped, and a text comes back with the usual spaces. A word in mixed case, and a single
capital letter, come back in lower case.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
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
from epigone.text.tokenizers.word_units import usual_spaces
from epigone.text.tokenizers.words import UNKNOWN, chosen, frequent

CAPITAL, CAPITALS, REPEATED, REPEATED_WORD = "xxmaj", "xxup", "xxrep", "xxwrep"
MARKERS = (CAPITAL, CAPITALS, REPEATED, REPEATED_WORD)
OTHERS = ("xxpad", "xxfld", "xxfake")
"""Further tokens of fastai that no text makes."""
SPECIAL = (END, UNKNOWN, *MARKERS)

_REPEATED = re.compile(r"(\S)\1{3,}")
_REPEATED_WORD = re.compile(r"\b(\w+)(?:\W+\1\b){3,}")
_CLITIC = r"['’](?:s|re|ve|ll|d|m)\b"
_TOKEN = re.compile(
    rf"""(?:Mr|Mrs|Ms|Dr|St|Prof|Jr|Sr|vs|etc)\.   # abbreviations keep their point
    | (?:[^\W\d_]\.){{2,}}                         # U.S.
    | \d\w*(?:[.,:]\d\w*)*                         # 1,234.5
    | \w+?(?=n['’]t\b) | n['’]t\b | {_CLITIC}      # do n't, it 's
    | \w+ | \.{{2,}} | -{{2,}} | \n | [^\w\s]""",
    re.VERBOSE | re.IGNORECASE,
)
_ATTACHED = re.compile(rf"n['’]t|{_CLITIC}")


class FastaiTokenizer:
    """The words of fastai's models, in lower case, with markers for capitals and repetitions.

    Args:
        vocabulary: the tokens; the end symbol and the unknown word are among them, markers may be.
        spelling: the cost of unknown words.
    """

    name = "fastai"
    level = "word"
    tokens = "words in lower case, with markers, as fastai cuts them"
    unit = "word"
    of_bytes = False
    options: tuple[str, ...] = ("vocabulary_size", "min_count")

    def __init__(self, vocabulary: Iterable[str], spelling: Spelling) -> None:
        self.vocabulary = list(vocabulary)
        self.spelling = spelling
        self.end = self.vocabulary.index(END)
        self._unknown = self.vocabulary.index(UNKNOWN)
        self._markers = {marker for marker in MARKERS if marker in self.vocabulary}
        hidden = {UNKNOWN, *MARKERS, *OTHERS}
        self.printable = shown(self.vocabulary)
        self.printable[[i for i, token in enumerate(self.vocabulary) if token in hidden]] = False
        self.spaces = np.array([0 if token == END else _spaces(token) for token in self.vocabulary], np.uint8)
        self.dtype = smallest_dtype(len(self.vocabulary))
        self._ids = {token: i for i, token in enumerate(self.vocabulary) if i not in (self.end, self._unknown)}

    @property
    def contents(self) -> str:
        return f"{len(self.vocabulary) - len(self._markers) - 2:,} words and signs, {len(self._markers)} markers"

    def _cut(self, text: str) -> list[str]:
        """Cut a text into words and markers."""
        text = text.replace(END, "")
        if REPEATED_WORD in self._markers:
            text = _REPEATED_WORD.sub(_word_repeated, text)
        if REPEATED in self._markers:
            text = _REPEATED.sub(lambda run: f" {REPEATED} {len(run[0])} {run[1]} ", text)
        return [token for word in _TOKEN.findall(text) for token in self._marked(word)]

    def _marked(self, word: str) -> Iterator[str]:
        if len(word) > 1 and word.isupper() and CAPITALS in self._markers:
            yield CAPITALS
        elif len(word) > 1 and word[0].isupper() and word[1:].islower() and CAPITAL in self._markers:
            yield CAPITAL
        yield word.lower()

    def normalise(self, text: str) -> str:
        return _written(self._cut(text))

    def encode(self, text: str) -> np.ndarray:
        return self._encoded(self._cut(text))

    def _encoded(self, tokens: list[str]) -> np.ndarray:
        return np.array([self._ids.get(token, self._unknown) for token in tokens], self.dtype)

    def decode(self, ids: ArrayLike) -> str:
        return _written([self.vocabulary[i] for i in flat(ids).tolist() if i != self.end])

    def unknown(self, text: str) -> Counter[str]:
        return self._lacking(self._cut(text))

    def _lacking(self, tokens: list[str]) -> Counter[str]:
        return Counter(token for token in tokens if token not in self._ids)

    def read(self, text: str) -> Reading:
        tokens = self._cut(text)
        unknown = self._lacking(tokens)
        words = sum(token not in self._markers for token in tokens)
        return Reading(self._encoded(tokens), len(_written(tokens)), words, unknown, self.spelling.nats(unknown))

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "vocabulary": self.vocabulary, "spelling": self.spelling.to_dict()}

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocabulary: VocabularyOptions = VocabularyOptions(),
        held_out: Iterable[str] = (),
    ) -> Self:
        numbers = cls(SPECIAL, Spelling({}, 0))._counted(texts)
        known = chosen(numbers, vocabulary, len(SPECIAL))
        return cls([*SPECIAL, *known], Spelling.of(_rest(numbers, known)))

    def adapted(
        self, texts: Iterable[str], vocabulary: VocabularyOptions, held_out: Iterable[str] = (), keep: bool = True
    ) -> Self:
        numbers = self._counted(texts)
        special = [token for token in self.vocabulary if token in (END, UNKNOWN, *self._markers)]
        own = [token for token in self.vocabulary if token not in special]
        if not keep:
            known = chosen(numbers, vocabulary, len(special))
        elif vocabulary.vocabulary_size:  # rare words make room for frequent ones of the text
            room = max(0, vocabulary.vocabulary_size - len(special))
            known = list(dict.fromkeys([*frequent(numbers, vocabulary), *own]))[:room]
        else:
            had = set(own)
            known = [*own, *[word for word in frequent(numbers, vocabulary) if word not in had][: len(own)]]
        tokens = in_order_of(self.vocabulary, [*special, *known])
        return type(self)(tokens, self.spelling + Spelling.of(_rest(numbers, tokens)))

    def _counted(self, texts: Iterable[str]) -> Counter[str]:
        numbers: Counter[str] = Counter()
        for text in texts:
            numbers.update(token for token in self._cut(text) if token not in self._markers)
        return numbers

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        tokens = data.get("vocabulary")
        if (
            not isinstance(tokens, list)
            or not all(isinstance(token, str) for token in tokens)
            or len(set(tokens)) < len(tokens)
            or not {END, UNKNOWN} <= set(tokens)
        ):
            raise UserError(
                "The tokenizer's `vocabulary` is not words that all differ, the end symbol and <unk> among them; "
                "restore tokenizer.json from a copy of the checkpoint."
            )
        return cls(tokens, Spelling.from_dict(data.get("spelling")))


def _word_repeated(run: re.Match[str]) -> str:
    times = len(re.findall(rf"\b{re.escape(run[1])}\b", run[0]))
    return f" {REPEATED_WORD} {times} {run[1]} "


def _rest(numbers: Counter[str], known: Iterable[str]) -> Counter[str]:
    """Count the words that a vocabulary lacks."""
    kept = set(known)
    return Counter({word: number for word, number in numbers.items() if word not in kept})


def _spaces(token: str) -> int:
    """The spaces that a token wants."""
    return SPACE_AFTER if _ATTACHED.fullmatch(token) else usual_spaces(token) if token else 0


def _written(tokens: list[str]) -> str:
    """Write tokens as text: with spaces, capitals and repetitions."""
    pieces: list[str] = []
    before, marks = 0, list(reversed(tokens))
    while marks:
        token = marks.pop()
        text, spaces = token, _spaces(token)
        if token in (CAPITAL, CAPITALS) and marks:
            word = marks.pop()
            spaces = _spaces(word)
            text = word.upper() if token == CAPITALS else word[:1].upper() + word[1:]
        elif token in (REPEATED, REPEATED_WORD) and len(marks) > 1 and marks[-1].isdecimal() and len(marks[-1]) < 4:
            number, word = int(marks.pop()), marks.pop()
            spaces = _spaces(word)
            text = word * number if token == REPEATED else " ".join([word] * number)
        pieces += [" "] if before & SPACE_AFTER and spaces & SPACE_BEFORE else []
        pieces.append(text)
        before = spaces
    return "".join(pieces)
