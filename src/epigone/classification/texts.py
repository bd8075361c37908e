"""Labelled texts: the examples that a classifier learns from and is measured on."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from epigone.classification.labels import class_order
from epigone.errors import UserError
from epigone.text.document import FOLDER, Document, ReadOptions, ReadReport, limited
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


def read_labelled(paths: Sequence[str | Path] | str | Path, read: ReadOptions = ReadOptions()) -> LabelledTexts:
    """Read texts and their labels.

    Args:
        paths: tables with a column of texts and one of labels, or folders with a folder for each class.
        read: options of reading; `column` and `label` are guessed if they are not given and the guess is clear.

    Raises:
        UserError: a path cannot be read, it is not clear which columns hold texts and labels, or there are fewer than
            two classes.
    """
    report = ReadReport()
    texts: dict[str, str | None] = {}
    names: list[str] = []
    for document in _documents(paths, read, report, labelled=True):
        text = "".join(document.pieces)
        if text not in texts:
            texts[text] = document.label
            names.append(document.name)
    labels = {label for label in texts.values() if label is not None}
    if len(labels) < 2:
        raise UserError("A classifier needs texts of two classes or more.")
    classes = tuple(sorted(labels, key=class_order))
    index = {label: code for code, label in enumerate(classes)}
    kept = [(text, label, name) for (text, label), name in zip(texts.items(), names, strict=True) if label is not None]
    return LabelledTexts(
        texts=[text for text, *_ in kept],
        codes=np.array([index[label] for _, label, _ in kept], np.int64),
        classes=classes,
        names=[name for *_, name in kept],
        notices=report.notices() + report.warnings,
        unlabelled=[text for text, label in texts.items() if label is None],
    )


def read_unlabelled(paths: Sequence[str | Path] | str | Path, read: ReadOptions = ReadOptions()) -> UnlabelledTexts:
    """Read texts without their labels; the first of equal texts is kept.

    Args:
        paths: tables with a column of texts, text files, or folders of these.
        read: options of reading; `label` is ignored.

    Raises:
        UserError: a path cannot be read, or it is not clear which column holds the texts.
    """
    report = ReadReport()
    texts: dict[str, str] = {}
    for document in _documents(paths, replace(read, label=None), report, labelled=False):
        texts.setdefault("".join(document.pieces), document.name)
    return UnlabelledTexts(list(texts), list(texts.values()), report.notices() + report.warnings)


def _documents(
    paths: Sequence[str | Path] | str | Path, read: ReadOptions, report: ReadReport, labelled: bool
) -> Iterator[Document]:
    """Read the documents of all paths, each with its own options."""
    paths = [paths] if isinstance(paths, str | Path) else list(paths)
    for path in map(Path, paths):
        options = read
        if labelled and read.label is None:
            options = replace(read, label=FOLDER if path.is_dir() else "label")
        documents = read_documents(path, options, report)
        yield from limited(documents, read.limit) if read.limit else documents
