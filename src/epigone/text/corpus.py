"""A corpus: documents, divided into train, validation and test."""

import logging
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from epigone.errors import UserError
from epigone.text.document import Document, ReadOptions, ReadReport, announced, counted, limited, some
from epigone.text.overlap import near_copies, overlap_notices, runs_of
from epigone.text.readers.paths import read_documents
from epigone.text.splitting import (
    SPLITS,
    SplitOptions,
    divide,
    division_notices,
    learning_split,
    split_by_document,
    uneven,
)
from epigone.text.store import Texts, store
from epigone.text.streams import TokenStream, token_stream
from epigone.text.tokenizers.base import Tokenizer, VocabularyOptions
from epigone.text.tokenizers.registry import train_tokenizer

__all__ = ["Corpus", "ReadOptions", "SplitOptions"]

FOREIGN = 0.01
"""Share of the characters that a tokenizer replaces from which on the text is of another language than its own."""


_TO_KEEP = "To keep them, pretrain or finetune with --tokenizer char."


@dataclass(frozen=True, eq=False)
class Corpus:
    """An ordered list of D cleaned documents, divided into train, validation and test.

    `Corpus.open` makes it. Large texts are in a temporary file that disappears with the object.
    """

    paths: tuple[str, ...]
    """Files and folders, as they were given."""
    read: ReadOptions
    """Options of reading them."""
    names: Sequence[str]
    """Names of the documents, in the order of reading."""
    characters: np.ndarray
    """(D,) int64: characters in each document."""
    hash: str
    """SHA-256 of the cleaned documents in the order of reading: equal for equal texts, whatever their place, names,
    labels and division."""
    notices: list[str]
    """Sentences on everything that was changed, left out or decided."""
    splits: dict[str, np.ndarray]
    """Indices of the documents in "train", "validation", "test" and "all", in the order of the stream: random, but for
    "all" that of reading. An undivided corpus has only "all"."""
    by_position: bool
    """True if there were fewer than three documents, so that they were cut to divide the text."""
    split_seed: int | None
    """Seed of the division; None for an undivided corpus."""
    fractions: tuple[float, float, float] | None
    """Intended shares of train, validation and test; None for an undivided corpus."""
    _texts: Texts = field(repr=False)
    _undivided: "Corpus | None" = field(repr=False)
    _workdir: Path | None = field(repr=False)
    learning: str = ""
    """The sentence, also a notice, that says how much is for learning; told when learning begins."""
    report: ReadReport = field(default_factory=ReadReport, repr=False)
    """Counts of everything that reading changed or left out."""
    _told: set[str] = field(default_factory=set, repr=False)
    """Tokenizers of which it was said how they write the language of the text."""

    @classmethod
    def open(
        cls,
        paths: Sequence[str | Path] | str | Path,
        read: ReadOptions | None = None,
        split: SplitOptions | None = SplitOptions(),
        workdir: Path | None = None,
    ) -> "Corpus":
        """Read, clean and divide texts; keep the first of equal documents.

        Args:
            paths: files and folders, as `read_documents` takes them.
            read: options of reading; None is `ReadOptions()`.
            split: options of the division; None leaves the corpus undivided, with the split "all" only.
            workdir: folder for large texts; None is the system's temporary folder.

        Raises:
            UserError: a path is missing or holds no text, a file cannot be read, the text is too short to divide,
                or the disk is full.
        """
        paths = [paths] if isinstance(paths, str | Path) else list(paths)
        if not paths:
            raise UserError("No text was given; give the path of a text or of a folder of texts.")
        report = ReadReport()
        read = read or ReadOptions()
        if not all(map(str, paths)):
            raise UserError("One of the texts has an empty name; give the path of a text or of a folder of texts.")
        documents: Iterator[Document] = read_documents([Path(path) for path in paths], read, report)
        if read.limit:
            documents = limited(documents, read.limit)
        texts, digest = store(documents, workdir, report)
        corpus = cls(
            paths=tuple(map(str, paths)),
            read=read,
            names=texts.names,
            characters=texts.characters,
            hash=digest,
            notices=report.announce(),
            splits={"all": np.arange(len(texts.names))},
            by_position=False,
            split_seed=None,
            fractions=None,
            _texts=texts,
            _undivided=None,
            _workdir=workdir,
            report=report,
        )
        return corpus.resplit(split)

    def resplit(self, split: SplitOptions | None, by_position: bool = False) -> "Corpus":
        """Divide the same texts anew, without reading them again.

        Args:
            split: options of the division; None undoes it.
            by_position: divide by position even if there are three documents or more.

        Raises:
            UserError: the text is too short to divide.
        """
        undivided = self._undivided or self
        if split is None:
            return undivided
        by_position = by_position or len(undivided.names) < len(SPLITS)
        texts, splits, fractions = divide(undivided._texts, split, by_position)
        whole = texts is undivided._texts
        cut = [] if whole or by_position else sorted(set(undivided.names) - set(texts.names))
        notices = announced(division_notices(texts.characters, splits, fractions, by_position, cut))
        notices += announced(overlap_notices(texts, splits, len(undivided.names) == 1), logging.WARNING)
        return replace(
            undivided,
            names=texts.names,
            characters=texts.characters,
            notices=undivided.notices + notices,
            splits=splits | (undivided.splits if whole else {"all": np.arange(len(texts.names))}),
            by_position=by_position,
            split_seed=split.split_seed,
            fractions=fractions,
            _texts=texts,
            _undivided=undivided,
        )

    def for_learning(self, split: SplitOptions) -> "Corpus":
        """Divide the same texts so that most is for training, in one notice.

        If the documents are too few or too unequal for that, the text is divided by position. Shares that `split` names
        are taken as they are.

        Raises:
            UserError: the text is too short to divide.
        """
        undivided = self._undivided or self
        settled = learning_split(split, int(undivided.characters.sum()))
        unequal = False
        if split.fractions is None and len(undivided.names) >= len(SPLITS):
            assert settled.fractions is not None
            whole = split_by_document(undivided.characters, settled.fractions, settled.split_seed)
            unequal = uneven(undivided.characters, whole, settled.fractions)
        divided = undivided.resplit(settled, by_position=unequal)
        if not divided.by_position:
            learned, kept = len(divided.splits["train"]), len(divided.splits["validation"])
            left = len(divided.names) - learned - kept
            learning = (
                f"Learning from {learned} of {len(divided.names)} documents; {kept} "
                f"{'chooses' if kept == 1 else 'choose'} which weights are kept, and {left} "
                f"{'is' if left == 1 else 'are'} left for evaluate."
            )
            return replace(divided, notices=[*divided.notices, learning], learning=learning)
        return divided

    def text(self, index: int) -> str:
        """Return the whole text of one document."""
        return "".join(self._texts.pieces(index))

    def texts(self, split: str = "all") -> Iterator[str]:
        """Yield the texts of a split in order; a document above a megabyte comes in several pieces.

        Raises:
            UserError: there is no such split.
        """
        return chain.from_iterable(self.documents(split))

    def labels(self, split: str = "all") -> list[str | None]:
        """List the labels of a split's documents in order; None for a document without one.

        Raises:
            UserError: there is no such split.
        """
        codes = self._texts.label_codes[self._indices(split)]
        return [self._texts.labels[code] for code in codes.tolist()]

    def documents(self, split: str = "all") -> Iterator[Iterator[str]]:
        """Yield the documents of a split in order, each as the consecutive pieces of its text.

        Raises:
            UserError: there is no such split.
        """
        return map(self._texts.pieces, self._indices(split))

    def near_copies(self) -> list[tuple[int, int]]:
        """Find the documents that are nearly copies of earlier ones: the index of each, and that of the original."""
        return near_copies(runs_of(self._texts), len(self.names))

    def tokenizer(self, name: str, vocabulary: VocabularyOptions = VocabularyOptions()) -> Tokenizer:
        """Make a tokenizer for this corpus.

        It takes its characters from all documents, so that all can be read. It learns words and subwords from the
        training split only, so that those of the other splits are as new to it as to the model.

        Args:
            name: a key of `TOKENIZERS`.
            vocabulary: options of the vocabulary.

        Raises:
            UserError: there is no such tokenizer, it ignores an option that is set, or the text is too short.
        """
        learned = "train" if "train" in self.splits else "all"
        return train_tokenizer(name, self.texts(learned), vocabulary, self.texts())

    def stream(self, split: str, tokenizer: Tokenizer, seed: int | None = None) -> TokenStream:
        """Encode the documents of a split, each followed by one end symbol.

        Args:
            split: a name in `splits`.
            tokenizer: turns text into ids.
            seed: seed of a random order of the documents; None keeps that of the split.

        Raises:
            UserError: there is no such split, or the disk is full.
        """
        indices = self._indices(split)
        if seed is not None:
            indices = np.random.default_rng(seed).permutation(indices)
        stream = token_stream(map(self._texts.pieces, indices), tokenizer, self._workdir)
        first = tokenizer.name not in self._told
        self._told.add(tokenizer.name)
        stream.notices = announced(_stream_notices(stream, split, tokenizer, first))
        return stream

    def summary(self) -> dict[str, Any]:
        """Describe the corpus for reports, ready for JSON: size, hash, division, notices and options of reading.

        A text that is divided by position counts as one document, and in each split its parts count.
        """
        documents = len((self._undivided or self).names)
        return {
            "documents": documents,
            "characters": int(self.characters.sum()),
            "hash": self.hash,
            "split_seed": self.split_seed,
            "fractions": self.fractions and list(self.fractions),
            "by_position": self.by_position,
            "splits": {
                split: {
                    "documents": documents if split == "all" else len(indices),
                    "characters": int(self.characters[indices].sum()),
                }
                for split, indices in self.splits.items()
            },
            "read": self.read.chosen(),
            "notices": list(self.notices),
        }

    def _indices(self, split: str) -> np.ndarray:
        if split not in self.splits:
            raise UserError(f"There is no split {split!r}; choose one of {', '.join(sorted(self.splits))}.")
        return self.splits[split]


def _stream_notices(stream: TokenStream, split: str, tokenizer: Tokenizer, first: bool) -> Iterator[str]:
    """Write sentences on what a tokenizer changed; on the language of the text only in the first stream."""
    name, of_words, size = tokenizer.name, stream.unit == "word", int(stream.characters.sum())
    letters = counted(stream.transliterated, "character")
    foreign = Counter({c: n for c, n in stream.replaced.items() if unicodedata.category(c)[0] in "LM"})
    pictures = Counter({c: n for c, n in stream.replaced.items() if unicodedata.category(c) == "So"})
    if stream.transliterated and of_words:
        yield f"{split}: the {name} tokenizer wrote {letters} in lower case."
    elif foreign.total() > FOREIGN * size:
        if first:
            yield (
                f"{split}: the {name} tokenizer does not have all letters of this language and spells {letters} "
                f"({stream.transliterated / max(1, size):.0%}) with others, such as {_pairs(foreign, tokenizer)}. "
                f"{_TO_KEEP}"
            )
    elif pictures:
        if first:
            yield (
                f"{split}: the {name} tokenizer has no emoji and writes {counted(pictures.total(), 'sign')} in other "
                f"characters, such as {_pairs(pictures, tokenizer)}. {_TO_KEEP}"
            )
    elif stream.transliterated:
        yield f"{split}: the {name} tokenizer transliterated {letters}."
    if stream.dropped:
        dropped = counted(stream.dropped.total(), stream.unit)
        did = f"read {dropped} as unknown" if of_words else f"lacks and dropped {dropped}"
        common = some([f"{_shown(unit)} {counted(number, 'time')}" for unit, number in stream.dropped.most_common()])
        yield f"{split}: the {name} tokenizer {did} ({stream.dropped_share:.2%}): {common}."


def _pairs(replaced: Counter[str], tokenizer: Tokenizer) -> str:
    return ", ".join(f"{c!r} as {tokenizer.normalise(c)!r}" for c, _ in replaced.most_common(3))


def _shown(unit: str) -> str:
    """Write a character or word; a sign that is seen only with others is written by its code."""
    return f"U+{ord(unit):04X}" if len(unit) == 1 and unicodedata.category(unit) in ("Mn", "Me", "Cf") else repr(unit)
