"""Tokenizer of subwords: byte pair encoding over characters (Sennrich et al. 2016).

The vocabulary starts with single characters; then the most frequent pair of neighbours becomes a token, again and
again. Pairs never cross the edge of a word, which includes a space before it. So every token is a piece of text, and
all tokens in a row are the text. The package `tokenizers` does the work and is imported only here; the vocabulary and
the merges are saved.
"""

import json
import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from epigone.errors import UserError
from epigone.text.tokenizers.base import (
    END,
    SideBySide,
    VocabularyOptions,
    code_points,
    flat,
    in_order_of,
    shown,
    smallest_dtype,
)
from epigone.text.tokenizers.characters import CharTokenizer

MOST = 32_000  # most merges if no size is asked for
LONGEST = 16  # most characters of a token; longer ones would be whole lines of repeated text
CHUNK = 1 << 16  # characters encoded at a time
FIRST = 0x10000  # the character that stands for token 0; none from here on is a space
EVIDENCE = 2  # fewest occurrences of a subword that is added to those of a base

# Merges stay inside these: Chinese and kana up to a sign; words, numbers and signs with the space before them;
# newlines; other white space, without the last space, which belongs to the word after it.
_HAN = r"\p{Han}\p{Hiragana}\p{Katakana}ー"
_LETTERS = rf"[\p{{L}}\p{{M}}&&[^{_HAN}]]+"
_EDGES = "|".join(
    (
        rf"[{_HAN}]+",
        rf" ?{_LETTERS}(?:['’]{_LETTERS})*",
        r" ?\p{N}+",
        r" ?[^\s\p{L}\p{M}\p{N}]+",
        r"\n+",
        r"[^\S\n]+(?!\S)",
        r"\s",
    )
)
_LINES = re.compile(r"\n(?!\n)")
_NO_CHARACTERS = re.compile("[\x03\ud800-\udfff]")  # the end symbol, and halves of surrogate pairs


class SubwordTokenizer(SideBySide):
    """The end symbol, the characters of the corpus, and the subwords that byte pair encoding made of them.

    Args:
        vocabulary: the end symbol, then pieces of text, among them all characters that can be read.
        merges: pairs of ids in the order of joining; the text of a pair is a token, too.
    """

    name = "bpe"
    level = "subword"
    tokens = "subwords by byte pair encoding"
    options: tuple[str, ...] = ("vocabulary_size",)
    end = 0

    def __init__(self, vocabulary: Iterable[str], merges: Iterable[tuple[int, int]]) -> None:
        self.vocabulary = list(vocabulary)
        self.merges = [(left, right) for left, right in merges]
        self.printable = shown(self.vocabulary)
        self.dtype = smallest_dtype(len(self.vocabulary))
        self._alphabet = CharTokenizer([END, *(token for token in self.vocabulary[1:] if len(token) == 1)])

    @cached_property
    def _model(self) -> Any:
        tokenizers = _library()
        ids = {token: i for i, token in enumerate(self.vocabulary)}
        texts = [(self.vocabulary[left], self.vocabulary[right]) for left, right in self.merges]
        return _cut_at_edges(tokenizers.models.BPE(ids, texts))

    @property
    def contents(self) -> str:
        characters = len(self._alphabet.vocabulary) - 1
        return f"{characters:,} characters, {len(self.vocabulary) - characters - 1:,} subwords"

    def normalise(self, text: str) -> str:
        return text.replace(END, "")

    def encode(self, text: str) -> np.ndarray:
        known = self._alphabet.decode(self._alphabet.encode(text))
        ids = [i for part in _parts(known) for i in self._model.encode(part, add_special_tokens=False).ids]
        return np.array(ids, self.dtype)

    def decode(self, ids: ArrayLike) -> str:
        return "".join([self.vocabulary[i] for i in flat(ids).tolist() if i != self.end])

    def unknown(self, text: str) -> Counter[str]:
        return self._alphabet.unknown(text)

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "vocabulary": self.vocabulary, "merges": [list(pair) for pair in self.merges]}

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocabulary: VocabularyOptions = VocabularyOptions(),
        held_out: Iterable[str] = (),
    ) -> Self:
        tokenizers = _library()
        seen = np.zeros(0x110000, bool)
        for text in held_out:
            seen[code_points(_NO_CHARACTERS.sub("", text))] = True
        size = 0

        def readable() -> Iterator[str]:
            nonlocal size
            for text in texts:
                text = _NO_CHARACTERS.sub("", text)
                seen[code_points(text)] = True
                size += len(text)
                yield from _parts(text)

        asked = vocabulary.vocabulary_size
        model = _cut_at_edges(tokenizers.models.BPE())
        trainer = tokenizers.trainers.BpeTrainer(
            vocab_size=asked or 1 + int(seen.sum()) + MOST,  # characters that only `texts` have take some of it
            min_frequency=2,
            special_tokens=[END],
            initial_alphabet=[chr(code) for code in np.flatnonzero(seen)],
            max_token_length=LONGEST,
            show_progress=False,
        )
        model.train_from_iterator(readable(), trainer)
        characters = int(seen.sum())
        if not characters:
            raise UserError("There is no text to learn subwords from; give a corpus that is not empty.")
        ids: dict[str, int] = model.get_vocab()
        tokens = sorted(ids, key=lambda token: ids[token])
        if 0 < asked <= characters:
            raise UserError(
                f"A vocabulary_size of {asked:,} is too small: the text has {characters:,} different characters, each "
                f"of which is a token, and so is the end symbol. Give {characters + 1:,} or more, or 0 for a size that "
                "fits the length of the text."
            )
        if asked > len(tokens):
            raise UserError(
                f"A vocabulary_size of {asked:,} is more than there is to learn: with all neighbours merged that occur "
                f"twice in the training text, there are {len(tokens):,} tokens. Give no more than that, or 0 for a "
                "size that fits the length of the text."
            )
        # A smaller vocabulary is the beginning of a larger one, with the same merges.
        tokens = tokens[: asked or 1 + characters + min(MOST, int(4 * math.sqrt(size)))]
        merges = []
        for left, right in json.loads(model.to_str())["model"]["merges"]:
            if ids[left + right] >= len(tokens):
                break
            merges.append((ids[left], ids[right]))
        return cls(tokens, merges)

    def adapted(
        self, texts: Iterable[str], vocabulary: VocabularyOptions, held_out: Iterable[str] = (), keep: bool = True
    ) -> Self:
        if keep:
            return self._with_more(texts, vocabulary.vocabulary_size, held_out)
        other = self.train(texts, vocabulary, held_out)
        tokens = in_order_of(self.vocabulary, other.vocabulary)
        place = {token: i for i, token in enumerate(tokens)}
        ids = [place[token] for token in other.vocabulary]
        return type(self)(tokens, [(ids[left], ids[right]) for left, right in other.merges])

    def _with_more(self, texts: Iterable[str], size: int, held_out: Iterable[str]) -> Self:
        """Keep all tokens and merges, and go on merging neighbours on other texts.

        The old merges come first, so a word is cut as before, and then its pieces are joined further. The library
        cannot go on with a vocabulary, so each token is written for it as one character.
        """
        tokenizers = _library()
        words: Counter[str] = Counter()
        length = 0
        for text in texts:
            text = _NO_CHARACTERS.sub("", text)
            length += len(text)
            for part in _parts(text):
                words.update(word for word, _ in self._model.pre_tokenizer.pre_tokenize_str(part))
        tokens = list(dict.fromkeys([*self.vocabulary, *CharTokenizer.train(words, held_out=held_out).vocabulary]))
        if 0 < size < len(tokens):
            raise UserError(
                f"A vocabulary_size of {size:,} is too small: with the characters of the text, {len(tokens):,} tokens "
                "are kept. Give that many or more, or 0 for a size that fits the length of the text."
            )
        most = size - len(tokens) if size else min(len(self.vocabulary), int(4 * math.sqrt(length)))
        wider = type(self)(tokens, self.merges)
        model = tokenizers.Tokenizer(tokenizers.models.BPE())
        model.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
        trainer = tokenizers.trainers.BpeTrainer(
            vocab_size=len(tokens) + MOST, min_frequency=EVIDENCE, show_progress=False
        )
        written = ("".join(chr(FIRST + i) for i in wider.encode(word).tolist()) for word in words)
        model.train_from_iterator(
            (" ".join([word] * number) for word, number in zip(written, words.values(), strict=True)), trainer
        )
        place = {token: i for i, token in enumerate(tokens)}
        merges = dict.fromkeys(self.merges)
        for pair in json.loads(model.to_str())["model"]["merges"]:
            left, right = ("".join(tokens[ord(sign) - FIRST] for sign in piece) for piece in pair)
            if left not in place or right not in place or len(left + right) > LONGEST:
                continue
            if left + right not in place:  # other pieces may make a token that there is
                if len(tokens) == len(wider.vocabulary) + most:
                    break
                place[left + right] = len(tokens)
                tokens.append(left + right)
            merges[place[left], place[right]] = None
        return type(self)(tokens, merges)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        tokens, merges = data.get("vocabulary"), data.get("merges")
        if (
            not isinstance(tokens, list)
            or not all(isinstance(token, str) and token for token in tokens)
            or tokens[:1] != [END]
            or len(set(tokens)) < len(tokens)
        ):
            raise _damaged("vocabulary", "the end symbol followed by pieces of text that all differ")
        known = set(tokens)
        if not isinstance(merges, list) or not all(_is_merge(pair, tokens, known) for pair in merges):
            raise _damaged("merges", "pairs of ids whose joint text is in the vocabulary")
        return cls(tokens, [(left, right) for left, right in merges])


def _is_merge(pair: Any, tokens: list[str], known: set[str]) -> bool:
    return (
        isinstance(pair, list)
        and len(pair) == 2
        and all(isinstance(i, int) and 0 < i < len(tokens) for i in pair)
        and tokens[pair[0]] + tokens[pair[1]] in known
    )


def _damaged(key: str, wanted: str) -> UserError:
    return UserError(f"The tokenizer's `{key}` is not {wanted}; restore tokenizer.json from a copy of the checkpoint.")


def _library() -> Any:
    # With its own threads it warns, and may hang, when a process forks, as studies do.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import tokenizers.models
    import tokenizers.pre_tokenizers
    import tokenizers.trainers

    return tokenizers


def _cut_at_edges(model: Any) -> Any:
    """Make a tokenizer of the library whose model sees one word at a time."""
    tokenizers = _library()
    whole = tokenizers.Tokenizer(model)
    whole.pre_tokenizer = tokenizers.pre_tokenizers.Split(tokenizers.Regex(_EDGES), "isolated")
    return whole


def _parts(text: str) -> Iterator[str]:
    """Yield a long text in parts that end with lines, where nothing is merged."""
    begin = 0
    while len(text) - begin > CHUNK and (found := _LINES.search(text, begin + CHUNK)):
        yield text[begin : found.end()]
        begin = found.end()
    yield text[begin:]
