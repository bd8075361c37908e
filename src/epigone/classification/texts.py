"""Labelled texts: the examples that a classifier learns from and is measured on."""

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np

from epigone.classification.reading.examples import Examples, cleaned
from epigone.classification.reading.labels import label_notices
from epigone.classification.reading.sources import Source, labelled_sources, unlabelled_sources
from epigone.errors import UserError
from epigone.text.document import Document, ReadOptions, ReadReport, announced, limited, some
from epigone.text.readers.paths import read_documents


@dataclass(frozen=True, eq=False)
class LabelledTexts:
    """N cleaned texts, each of one of C classes. `read_labelled` makes them."""

    texts: Sequence[str]
    """The N texts in the order of reading, no two of them equal."""
    codes: np.ndarray
    """(N,) int64: index of each text's class in `classes`."""
    classes: tuple[str, ...]
    """The C classes: numbers in numerical order, others in alphabetical order."""
    names: Sequence[str]
    """Source of each text, such as `reviews.csv#17`."""
    notices: list[str] = field(default_factory=list)
    """Sentences on everything that was left out, guessed or decided."""
    unlabelled: Sequence[str] = ()
    """Texts without a label that were among the others, such as those in `unsup` of aclImdb."""

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the texts and their labels in the order of reading."""
        whole = hashlib.sha256()
        for text, code in zip(self.texts, self.codes.tolist(), strict=True):
            for part in (self.classes[code], text):
                whole.update(hashlib.sha256(part.encode("utf-8")).digest())
        return whole.hexdigest()

    @property
    def counts(self) -> np.ndarray:
        """(C,) int64: texts of each class."""
        return np.bincount(self.codes, minlength=len(self.classes))

    def first_of_each(self) -> list[str]:
        """List the name of the first text of each class that has one, in the order of `classes`."""
        present, first = np.unique(self.codes, return_index=True)
        names = dict(zip(present.tolist(), first.tolist(), strict=True))
        return [self.names[names[code]] if code in names else "" for code in range(len(self.classes))]

    def subset(self, places: np.ndarray) -> "LabelledTexts":
        """Return the texts at these places, in their order; the classes stay the same, even without a text.

        Args:
            places: (M,) integers below N.
        """
        chosen = places.tolist()
        return LabelledTexts(
            texts=[self.texts[place] for place in chosen],
            codes=self.codes[places],
            classes=self.classes,
            names=[self.names[place] for place in chosen],
        )


@dataclass(frozen=True, eq=False)
class UnlabelledTexts:
    """Cleaned texts whose labels, if they have any, are not used."""

    texts: Sequence[str]
    names: Sequence[str]
    """Source of each text."""
    notices: list[str]
    """Sentences on everything that was left out, guessed or decided."""


def read_labelled(
    paths: Sequence[str | Path] | str | Path, read: ReadOptions = ReadOptions(), least_classes: int = 2
) -> LabelledTexts:
    """Read texts and their labels; equal texts are kept once.

    Args:
        paths: tables with a column of texts and one of labels, folders with a folder for each class, or a plain text
            for each class.
        read: options of reading; `column` and `label` are guessed if they are not given and the guess is clear.
        least_classes: fewest classes to accept: 2 to learn from the texts, 1 to measure on them.

    Raises:
        UserError: a path cannot be read, it is not clear where texts and labels are, or there are too few classes.
    """
    paths = _several(paths)
    sources = labelled_sources(paths, read)
    report = ReadReport()
    examples = Examples()
    for document in _documents(sources, read.limit, report):
        examples.add(cleaned(document), document.label, document.name)
    notices = announced([sentence for source in sources for sentence in source.said])
    report.duplicates = examples.duplicates
    notices += report.announce()
    notices += announced(examples.notices(), logging.WARNING)
    labelled = LabelledTexts(*examples.settled(), notices, examples.unlabelled())
    if len(labelled.classes) < least_classes:
        raise UserError(_too_few(labelled, paths))
    notices += announced(label_notices(labelled.classes, labelled.counts, labelled.first_of_each()), logging.WARNING)
    return labelled


def read_unlabelled(paths: Sequence[str | Path] | str | Path, read: ReadOptions = ReadOptions()) -> UnlabelledTexts:
    """Read texts without their labels; equal texts are kept once.

    Args:
        paths: tables with a column of texts, text files, or folders of these; each line of a plain text without blank
            lines is a text.
        read: options of reading; `label` is ignored.

    Raises:
        UserError: a path cannot be read, or it is not clear which column holds the texts.
    """
    sources = unlabelled_sources(_several(paths), read)
    report = ReadReport()
    texts: dict[str, str] = {}
    number = 0
    for document in _documents(sources, read.limit, report):
        texts.setdefault(cleaned(document), document.name)
        number += 1
    report.duplicates = number - len(texts)
    notices = announced([sentence for source in sources for sentence in source.said])
    return UnlabelledTexts(list(texts), list(texts.values()), notices + report.announce())


def _several(paths: Sequence[str | Path] | str | Path) -> list[Path]:
    paths = [paths] if isinstance(paths, str | Path) else list(paths)
    if not paths or not all(map(str, paths)):
        raise UserError("No texts were given; give the path of a table or of a folder of texts.")
    return list(map(Path, paths))


def _documents(sources: Sequence[Source], limit: int, report: ReadReport) -> Iterator[Document]:
    """Read the documents of all sources, up to a number of characters; 0 reads all."""
    documents = chain.from_iterable(_documents_of(source, report) for source in sources)
    return limited(documents, limit) if limit else documents


def _documents_of(source: Source, report: ReadReport) -> Iterator[Document]:
    """Read the documents of a source; files beside the folders of the classes are left out."""
    beside: list[str] = []
    below = False
    held: list[Document] = []
    for document in read_documents(source.path, source.read, report):
        if source.classes_below and "/" not in document.name:
            beside.append(document.name)
            held.append(replace(document, pieces=iter(["".join(document.pieces)])))
        else:
            below = True
            yield document
    if not below:
        yield from held
    elif beside:
        is_are = "is" if len(beside) == 1 else "are"
        report.skipped.append(
            f"{some(beside)} in {source.path} {is_are} left out, because the folders there are the classes."
        )


def _too_few(labelled: LabelledTexts, paths: Sequence[Path]) -> str:
    """Write that there are no classes, or only one."""
    where = some([str(path) for path in paths])
    if not labelled.classes:
        return (
            f"No text in {where} has a label. Name the column of the labels with --label, or give a folder with a "
            "folder for each class."
        )
    every = f"All {len(labelled):,} labelled texts in {where} have" if len(labelled) > 1 else f"The text in {where} has"
    return (
        f"{every} the label {labelled.classes[0]!r}, and a classifier needs two classes or more. Name another column "
        "with --label, or add texts of another class."
    )
