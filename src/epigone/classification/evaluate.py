"""`classify evaluate`: the figures of a classifier on labelled texts."""

import logging
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from epigone.classification.files import load_classifier, with_columns_of
from epigone.classification.texts import LabelledTexts, read_labelled
from epigone.errors import UserError
from epigone.evaluation.classification import (
    Figures,
    accuracy_interval,
    confusion,
    confusion_intervals,
    figures,
)
from epigone.results import Shown
from epigone.text.document import ReadOptions, counted

log = logging.getLogger("epigone")

NAMED = 5  # unknown labels that are named


@dataclass(frozen=True)
class ClassFigures:
    """Counts of the texts of one class."""

    name: str
    texts: int
    """Texts that have this class."""
    predicted: int
    """Texts that got it."""
    right: int
    """Texts that have it and got it."""


@dataclass(frozen=True)
class Confusion:
    """Texts of one class that got another."""

    true: str
    predicted: str
    texts: int


@dataclass(frozen=True)
class ClassifierEvaluation(Shown):
    """The figures of a classifier on labelled texts, with 95 % intervals."""

    model: str
    approach: str
    texts: list[str]
    """Files and folders, as given."""
    corpus: str
    """The hash of the texts and their labels."""
    figures: Figures
    accuracy_interval: tuple[float, float]
    balanced_accuracy_interval: tuple[float, float]
    macro_f1_interval: tuple[float, float]
    rows: list[ClassFigures]
    """The classes that have texts or were predicted."""
    confusions: list[Confusion]
    """The confusions that occur, the most frequent first."""
    seconds: float
    notices: list[str]
    """Sentences on changes, omissions and decisions."""


def evaluate_classifier(
    model: str | Path, *texts: str | Path, read: ReadOptions = ReadOptions()
) -> ClassifierEvaluation:
    """Measure a classifier on labelled texts that it did not learn from.

    Args:
        model: the folder of a classifier.
        texts: tables with a column of texts and one of labels, or folders with a folder for each class.
        read: options for reading the texts; column and label are by default those of the training.

    Raises:
        UserError: bad input; the message says what to do.
    """
    began = time.perf_counter()
    loaded = load_classifier(model)
    labelled = with_columns_of(loaded.config, read, lambda options: read_labelled(texts, options))
    notices = list(labelled.notices)
    classes = loaded.classifier.classes
    known, codes = _known(labelled, classes, str(model), notices)
    if labelled.hash == loaded.config["request"].get("corpus"):
        notices.append(f"{model} learned these very texts, so the figures say nothing about new ones.")
        log.warning(notices[-1])
    found = loaded.classifier.probabilities(known)
    predicted = found.argmax(axis=1)
    counts = confusion(predicted, codes, len(classes))
    balanced, f1 = confusion_intervals(counts)
    accuracy = accuracy_interval(int(counts.trace()), len(codes))
    pairs = [(int(counts[i, j]), i, j) for i, j in zip(*np.nonzero(counts), strict=True) if i != j]
    return ClassifierEvaluation(
        model=str(model),
        approach=loaded.approach,
        texts=[str(path) for path in texts],
        corpus=labelled.hash,
        figures=figures(found, codes),
        accuracy_interval=(accuracy.low, accuracy.high),
        balanced_accuracy_interval=(balanced.low, balanced.high),
        macro_f1_interval=(f1.low, f1.high),
        rows=[
            ClassFigures(name, int(counts[i].sum()), int(counts[:, i].sum()), int(counts[i, i]))
            for i, name in enumerate(classes)
            if counts[i].any() or counts[:, i].any()
        ],
        confusions=[Confusion(classes[i], classes[j], n) for n, i, j in sorted(pairs, key=lambda p: (-p[0], *p[1:]))],
        seconds=round(time.perf_counter() - began, 3),
        notices=notices,
    )


def _known(
    labelled: LabelledTexts, classes: tuple[str, ...], model: str, notices: list[str]
) -> tuple[list[str], NDArray[np.int64]]:
    """The texts whose classes the classifier knows, and their codes there.

    Raises:
        UserError: it knows none of them.
    """
    code = {name: i for i, name in enumerate(classes)}
    texts, codes = [], []
    unknown: dict[str, int] = {}
    for text, own in zip(labelled.texts, labelled.codes.tolist(), strict=True):
        if (name := labelled.classes[own]) in code:
            texts.append(text)
            codes.append(code[name])
        else:
            unknown[name] = unknown.get(name, 0) + 1
    if unknown:
        names = ", ".join(list(unknown)[:NAMED]) + f" and {len(unknown) - NAMED} more" * (len(unknown) > NAMED)
        if not texts:
            raise UserError(
                f"{model} knows none of the classes of these texts ({names}); its classes are "
                f"{', '.join(classes[:NAMED])}{' …' * (len(classes) > NAMED)}. Choose the column with --label."
            )
        notices.append(
            f"{model} does not know {len(unknown):,} class{'es' * (len(unknown) > 1)} of these texts ({names}): "
            f"{counted(left := sum(unknown.values()), 'text')} {'is' if left == 1 else 'are'} left out of the figures."
        )
        log.warning(notices[-1])
    return texts, np.array(codes, np.int64)
