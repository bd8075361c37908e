"""What text is there, and which of it may be looked at when?"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from epigone.errors import UserError
from epigone.text.document import Document, ReadOptions, ReadReport, counted, limited, some
from epigone.text.readers.paths import read_documents
from epigone.text.splitting import SplitOptions, divide, division_notices
from epigone.text.store import Texts, store
from epigone.text.streams import TokenStream, token_stream
from epigone.text.tokenizers.base import Tokenizer, VocabularyOptions
from epigone.text.tokenizers.registry import train_tokenizer

__all__ = ["Corpus", "ReadOptions", "SplitOptions"]

_log = logging.getLogger("epigone")


@dataclass(frozen=True, eq=False)
class Corpus:
    """An ordered list of D cleaned documents, divided into train, validation and test.

    Made by `Corpus.open`. Large texts are kept in a temporary file that disappears with the object.
    """

    paths: tuple[str, ...]
    """The files and folders as they were given."""
    read: ReadOptions
    """How they were read."""
    names: Sequence[str]
    """The documents' names, in the order of reading."""
    characters: np.ndarray
    """(D,) int64: characters of each document."""
    hash: str
    """SHA-256 of the cleaned documents in the order of reading: the same for the same texts, wherever they
    lie and however they are divided."""
    notices: list[str]
    """Sentences on what was changed, left out or decided."""
    splits: dict[str, np.ndarray]
    """The indices of the documents of "train", "validation", "test" and "all", in the order in which they are
    streamed: random, and for "all" that of reading. An undivided corpus has "all" alone."""
    by_position: bool
    """Whether documents were cut to divide the text, because there were fewer than three."""
    split_seed: int | None
    """The seed of the division; None for an undivided corpus."""
    fractions: tuple[float, float, float] | None
    """The shares of the splits that were aimed at; None for an undivided corpus."""
    _texts: Texts = field(repr=False)
    _undivided: "Corpus | None" = field(repr=False)
    _workdir: Path | None = field(repr=False)

    @classmethod
    def open(
        cls,
        paths: Sequence[str | Path] | str | Path,
        read: ReadOptions | None = None,
        split: SplitOptions | None = SplitOptions(),
        workdir: Path | None = None,
    ) -> "Corpus":
        """Read, clean and divide texts; of documents that occur twice one is kept.

        Args:
            paths: files and folders, as `read_documents` takes them.
            read: how files become documents; None is `ReadOptions()`.
            split: how the documents are divided; None leaves them as they are, with the split "all" alone.
            workdir: where large texts are kept meanwhile; None is the system's temporary folder.

        Raises:
            UserError: a path is missing or holds no text, a file cannot be read, there is too little to
                divide, or no room to keep the text.
        """
        paths = [paths] if isinstance(paths, str | Path) else list(paths)
        if not paths:
            raise UserError("No text was given; give the path of a text or of a folder of texts.")
        report = ReadReport()
        read = read or ReadOptions()
        documents: Iterator[Document] = chain.from_iterable(read_documents(Path(path), read, report) for path in paths)
        if read.limit:
            documents = limited(documents, read.limit)
        texts, digest = store(documents, workdir, report)
        corpus = cls(
            paths=tuple(map(str, paths)),
            read=read,
            names=texts.names,
            characters=texts.characters,
            hash=digest,
            notices=_announced(report.notices()),
            splits={"all": np.arange(len(texts.names))},
            by_position=False,
            split_seed=None,
            fractions=None,
            _texts=texts,
            _undivided=None,
            _workdir=workdir,
        )
        return corpus.resplit(split)

    def resplit(self, split: SplitOptions | None) -> "Corpus":
        """The same texts divided otherwise, without reading them again; None undoes the division.

        Raises:
            UserError: there is too little text to divide.
        """
        undivided = self._undivided or self
        if split is None:
            return undivided
        texts, splits, fractions = divide(undivided._texts, split)
        by_position = texts is not undivided._texts
        notices = division_notices(texts.characters, splits, fractions, by_position)
        return replace(
            undivided,
            names=texts.names,
            characters=texts.characters,
            notices=undivided.notices + _announced(notices),
            splits=splits | ({"all": np.arange(len(texts.names))} if by_position else undivided.splits),
            by_position=by_position,
            split_seed=split.split_seed,
            fractions=fractions,
            _texts=texts,
            _undivided=undivided,
        )

    def text(self, index: int) -> str:
        """All of one document's text."""
        return "".join(self._texts.pieces(index))

    def texts(self, split: str = "all") -> Iterator[str]:
        """The texts of a split in order; a document above a megabyte comes in several pieces.

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
        """The documents of a split in order, each as the consecutive pieces of its text.

        Raises:
            UserError: there is no such split.
        """
        return map(self._texts.pieces, self._indices(split))

    def tokenizer(self, name: str, vocabulary: VocabularyOptions = VocabularyOptions()) -> Tokenizer:
        """Make a tokenizer for this corpus.

        Its alphabet is that of all documents, so that all can be read; what it learns of words and subwords it learns
        from the training split alone, so that what the others hold is as new to it as to the model.

        Args:
            name: a key of `TOKENIZERS`.
            vocabulary: how large its vocabulary gets.

        Raises:
            UserError: there is no such tokenizer, it has no use for an option, or there is not enough to learn.
        """
        learned = "train" if "train" in self.splits else "all"
        return train_tokenizer(name, self.texts(learned), vocabulary, self.texts())

    def stream(self, split: str, tokenizer: Tokenizer, seed: int | None = None) -> TokenStream:
        """Encode the documents of a split, each followed by one end symbol.

        Args:
            split: a name in `splits`.
            tokenizer: what turns text into ids.
            seed: of a random order of the documents; None keeps that of the split.

        Raises:
            UserError: there is no such split, or no room to keep the stream.
        """
        indices = self._indices(split)
        if seed is not None:
            indices = np.random.default_rng(seed).permutation(indices)
        stream = token_stream(map(self._texts.pieces, indices), tokenizer, self._workdir)
        stream.notices = _announced(_stream_notices(stream, split, tokenizer.name))
        return stream

    def summary(self) -> dict[str, Any]:
        """What reports say of a corpus, ready for JSON: its size, hash, division and notices, how it was read.

        Where texts are divided by position they are counted whole, and in each split their parts are.
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


def _stream_notices(stream: TokenStream, split: str, tokenizer: str) -> Iterator[str]:
    of_words = stream.unit == "word"
    if stream.transliterated:
        letters = counted(stream.transliterated, "character")
        wrote = f"wrote {letters} in lower case" if of_words else f"transliterated {letters}"
        yield f"{split}: the {tokenizer} tokenizer {wrote}."
    if stream.dropped:
        dropped = counted(stream.dropped.total(), stream.unit)
        did = f"read {dropped} as unknown" if of_words else f"lacks and dropped {dropped}"
        common = some([f"{unit!r} {counted(number, 'time')}" for unit, number in stream.dropped.most_common()])
        yield f"{split}: the {tokenizer} tokenizer {did} ({stream.dropped_share:.2%}): {common}."


def _announced(notices: Iterable[str]) -> list[str]:
    """Tell the user, and keep what was told."""
    told = list(notices)
    for notice in told:
        _log.info(notice)
    return told
