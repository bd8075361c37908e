"""`corpus stats`: what a corpus is, how near it is to the bases, and how long learning it takes."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from epigone.corpora.measures.enough import advice
from epigone.corpora.measures.figures import TIMED, Duration, Nearness
from epigone.corpora.measures.language import languages
from epigone.corpora.measures.sample import beginnings, passages
from epigone.errors import check_options
from epigone.models.files.bundled import bundled_models
from epigone.models.files.model_folder import read_folder
from epigone.results import Shown
from epigone.text.corpus import Corpus
from epigone.text.readers.decoding import bare_suffix
from epigone.text.readers.registry import ReadOptions
from epigone.text.splitting import MINIMUM, SplitOptions, learning_split
from epigone.text.tokenizers.base import character_counts
from epigone.typed import typed

BEGINNINGS, OF_EACH = 200, 2_000
"""Documents, and characters of each, by which the language is guessed."""
PACKED = {".pdf", ".docx", ".epub"}
"""Formats whose files have no number of characters to compare with what is read."""


@dataclass(frozen=True)
@typed
class StatsOptions:
    """Measures of a corpus."""

    base: tuple[str, ...] = ()
    """Model to measure the text with, a folder or a bundled name; may be repeated. By default all bundled ones that
    read forward."""
    sample: int = 20_000
    """Characters of the sample that the bases read."""
    timing: bool = True
    """Find out how long finetune takes on this machine, by some steps of it."""

    def __post_init__(self) -> None:
        check_options(self, "be 1,000 or more", lambda value: value >= 1_000, "sample")


@dataclass(frozen=True)
class CorpusStats(Shown):
    """The facts about a corpus."""

    texts: list[str]
    """Files and folders as given."""
    corpus: str
    """The hash of the corpus."""
    documents: int
    characters: int
    words: int
    """Sequences without spaces between."""
    lengths: tuple[int, int, int]
    """Characters of the shortest document, of the one in the middle, and of the longest."""
    alphabet: int
    """Different characters."""
    beyond_ascii: dict[str, int]
    """Characters beyond ASCII, the most frequent first, with how often each occurs."""
    duplicates: int
    """Exact copies of other documents, which were left out."""
    near_copies: list[tuple[str, str]]
    """Documents that are nearly copies of earlier ones, each with the earlier one."""
    languages: dict[str, float]
    """Shares of the languages by the beginnings of documents; what looks like none or like several is under ""."""
    kept: float | None
    """Share of the characters in the files that is text; None if the files are packed ones."""
    learned: int
    """Characters that `finetune` would learn from."""
    sample: int
    """Characters of the sample that the bases read: passages from all over the corpus, the same for the same texts."""
    passages: int
    rows: list[Nearness]
    """The bases, the nearest first."""
    durations: list[Duration]
    """The time of `finetune` here with each base of characters or subwords; empty if it was not measured."""
    enough: list[str]
    """Sentences on what was measured with texts of such a length."""
    seconds: float
    notices: list[str]


def corpus_stats(
    *texts: str | Path,
    stats: StatsOptions = StatsOptions(),
    read: ReadOptions = ReadOptions(),
    progress: Callable[[int, int], None] | None = None,
) -> CorpusStats:
    """Describe a corpus: its documents, its letters, its copies, its language, and what the bases make of it.

    Args:
        texts: files or folders of text.
        stats: what is measured.
        read: how the text is read.
        progress: is told how many measures are done, and of how many.

    Raises:
        UserError: the input is bad; the message says what to do.
    """
    # Here, so that `corpus get`, in the same group of commands, need not load PyTorch.
    from epigone.corpora.measures.duration import duration
    from epigone.corpora.measures.nearness import nearness

    begin = time.perf_counter()
    names = list(dict.fromkeys(stats.base)) or bases()
    units = {name: read_folder(name).tokenizer.unit for name in names}  # fails early if there is no such model
    corpus = Corpus.open(texts, read, None)
    size = int(corpus.characters.sum())
    letters, words = _letters_and_words(corpus)
    timed = [name for name in names if units[name] != "word"]
    timed = timed if stats.timing and size >= MINIMUM else []
    tell = progress or (lambda done, total: None)
    total = len(names) + len(timed) + 1
    tell(0, total)
    copies = [(corpus.names[copy], corpus.names[original]) for copy, original in corpus.near_copies()]
    tell(1, total)
    sample = passages(corpus, stats.sample)
    rows, durations = [], []
    for name in names:
        rows.append(nearness(name, sample))
        tell(1 + len(rows), total)
    longer = passages(corpus, TIMED) if timed else []
    for name in timed:
        durations.append(duration(name, longer, size))
        tell(1 + len(rows) + len(durations), total)
    shares = learning_split(SplitOptions(), size).fractions
    assert shares is not None
    return CorpusStats(
        texts=list(corpus.paths),
        corpus=corpus.hash,
        documents=len(corpus.names),
        characters=size,
        words=words,
        lengths=(int(corpus.characters.min()), int(np.median(corpus.characters)), int(corpus.characters.max())),
        alphabet=len(letters),
        beyond_ascii={letter: number for letter, number in letters.most_common() if not letter.isascii()},
        duplicates=corpus.report.duplicates,
        near_copies=copies,
        languages=languages(beginnings(corpus, BEGINNINGS, OF_EACH)),
        kept=_kept(corpus, size),
        learned=round(shares[0] * size),
        sample=sum(map(len, sample)),
        passages=len(sample),
        rows=sorted(rows, key=lambda row: (row.bits_per_char is None, row.bits_per_char)),
        durations=durations,
        enough=advice(size),
        seconds=round(time.perf_counter() - begin, 3),
        notices=corpus.notices,
    )


def bases() -> list[str]:
    """The bundled models that read forward."""
    return [name for name, folder in bundled_models().items() if read_folder(folder).shape.direction == "forward"]


def _letters_and_words(corpus: Corpus) -> tuple[Counter[str], int]:
    letters: Counter[str] = Counter()
    words = 0
    for piece in corpus.texts():
        letters += character_counts(piece)
        words += len(piece.split())
    return letters, words


def _kept(corpus: Corpus, size: int) -> float | None:
    """The share of the characters in the files that is text."""
    packed = any(bare_suffix(Path(name.rpartition("#")[0] or name)) in PACKED for name in corpus.names)
    read = corpus.report.decoded
    return None if packed or not read or size > read or corpus.read.limit else size / read
