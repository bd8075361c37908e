"""Division of labelled texts for training, validation and test, with the classes in the same shares."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from epigone.classification.texts import LabelledTexts
from epigone.errors import UserError
from epigone.text.document import counted

FOLDS = 5
"""Parts of the texts, one of which is held out at a time."""

SINGLE_FROM = 500
"""Labelled texts from which on one division is enough, instead of five."""


@dataclass(frozen=True)
class Fold:
    """Places of the texts that are learned from, and of those held out to measure on, both ascending."""

    train: np.ndarray
    held: np.ndarray


@dataclass(frozen=True)
class HoldOut:
    """Places of the texts in three fixed parts, each ascending."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def divide(labelled: LabelledTexts, seed: int) -> list[Fold]:
    """Divide texts for validation: five folds below `SINGLE_FROM` texts, from there on one division of 80 to 20.

    The held parts are disjoint. Each class has the same share of each, to within one text, and is in every training
    part: a class with one text is never held out. The held parts of five folds hold all other texts.

    Raises:
        UserError: every class has one text only.
    """
    generator = np.random.default_rng(seed)
    members = [places for places in _shuffled(labelled, generator) if len(places) > 1]
    if not members:
        raise UserError(
            f"Each of the {len(labelled.classes):,} classes has one text only, so none can be held out to measure a "
            "classifier. Give more texts of each class."
        )
    dealt = np.concatenate([members[place] for place in generator.permutation(len(members))])
    folds = []
    for number in range(1 if len(labelled) >= SINGLE_FROM else min(FOLDS, len(dealt))):
        held = np.sort(dealt[number::FOLDS])
        folds.append(Fold(np.setdiff1d(np.arange(len(labelled)), held), held))
    return folds


def hold_out(labelled: LabelledTexts, validation: int, test: int, seed: int) -> HoldOut:
    """Divide texts into three fixed parts, with the classes in the same shares.

    Args:
        labelled: N texts.
        validation: texts for validation.
        test: texts for test.
        seed: seed of the choice.

    Raises:
        UserError: too few texts would be left for training.
    """
    if validation + test + len(labelled.classes) > len(labelled):
        raise UserError(
            f"{counted(len(labelled), 'labelled text')} cannot be divided into {validation:,} for validation, "
            f"{test:,} for test and at least one of each of {len(labelled.classes)} classes for training. Give more "
            "texts, or hold out fewer."
        )
    order = _interleaved(labelled, np.random.default_rng(seed))[::-1]
    parts = np.split(order, [test, test + validation])
    return HoldOut(train=np.sort(parts[2]), validation=np.sort(parts[1]), test=np.sort(parts[0]))


def nested_subsets(labelled: LabelledTexts, sizes: Sequence[int], seed: int) -> list[np.ndarray]:
    """Choose subsets of these sizes; each is part of every larger one and has at least one text of each class.

    Args:
        labelled: N texts.
        sizes: numbers of texts, in any order.
        seed: seed of the choice.

    Returns:
        For each size the places of its texts, ascending. The shares of the classes are those of all texts, to within
        about a text.

    Raises:
        UserError: a size is larger than N or smaller than the number of classes.
    """
    classes = int(np.count_nonzero(labelled.counts))
    for size in sizes:
        if not classes <= size <= len(labelled):
            raise UserError(
                f"There is no subset of {counted(size, 'text')}: it must have at least one of each of the {classes} "
                f"classes, and there are {counted(len(labelled), 'labelled text')}."
            )
    order = _interleaved(labelled, np.random.default_rng(seed))
    return [np.sort(order[:size]) for size in sizes]


def _shuffled(labelled: LabelledTexts, generator: np.random.Generator) -> list[np.ndarray]:
    """List the places of each class's texts in a random order."""
    order = generator.permutation(len(labelled))
    by_class = order[np.argsort(labelled.codes[order], kind="stable")]
    return np.split(by_class, np.cumsum(labelled.counts)[:-1])


def _interleaved(labelled: LabelledTexts, generator: np.random.Generator) -> np.ndarray:
    """Order all places so that every beginning has the classes in their shares, and one of each before a second."""
    members = _shuffled(labelled, generator)
    ranks = np.concatenate([np.arange(len(places)) for places in members])
    sizes = np.repeat(labelled.counts, labelled.counts)
    keys = np.where(ranks == 0, -1.0, (ranks + 0.5) / np.maximum(sizes, 1))
    ties = generator.permutation(len(keys))
    return np.concatenate(members)[np.lexsort((ties, keys))]
