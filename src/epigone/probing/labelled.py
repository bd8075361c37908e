"""Properties of whole texts that labels name: sentiment, author, verse or prose, period."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from epigone.classification.texts import LabelledTexts, read_labelled
from epigone.errors import UserError
from epigone.probing.measures.targets import Target
from epigone.text.document import ReadOptions, some

PASSAGE = 400  # characters of a piece of a longer text
FEWEST = 4  # texts of a class, else their passages stand for them
MOST_CLASSES = 12


@dataclass(frozen=True)
class Passages:
    """N passages of labelled texts, and what their labels say."""

    texts: list[str]
    documents: NDArray[np.int64]
    """(N,): the text that each is from."""
    targets: list[Target]
    notices: list[str]


def read_passages(
    name: str, paths: Sequence[str | Path], characters: int, seed: int, read: ReadOptions = ReadOptions()
) -> Passages:
    """Read labelled texts, cut long ones, and draw passages of each class by turns.

    Labels that are numbers, three or more, are graded. Of other labels two make one property, which is 1 for the later
    one in the alphabet; more make a property each, named `NAME=LABEL`, of the twelve most frequent at most.

    Args:
        name: of the property.
        paths: labelled texts, as `read_labelled` takes them.
        characters: to read at most, of all classes together.
        seed: of the draw.
        read: options of reading.

    Raises:
        UserError: there are no labels, or too few passages of a class.
    """
    labelled = read_labelled(paths, read)
    texts, documents, codes, notices = _drawn(labelled, characters, seed)
    targets = _targets(name, labelled.classes, codes)
    if not targets:
        raise UserError(
            f"No two labels of the property {name} have {FEWEST} passages or more. Give more labelled texts, or raise "
            "--characters."
        )
    return Passages(texts, documents, targets, notices)


def _drawn(
    labelled: LabelledTexts, characters: int, seed: int
) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64], list[str]]:
    generator = np.random.default_rng(seed)
    few = [] if _graded(labelled.classes) else np.flatnonzero(labelled.counts < FEWEST).tolist()
    named = some([repr(labelled.classes[code]) for code in few])
    notices = (
        [f"Fewer than {FEWEST} texts have the label {named}, so parts of them are held out instead."] if few else []
    )
    queues: list[list[tuple[int, str]]] = []
    for code in range(len(labelled.classes)):
        own = [
            (document, labelled.texts[document][start : start + PASSAGE])
            for document in np.flatnonzero(labelled.codes == code).tolist()
            for start in range(0, max(1, len(labelled.texts[document]) - PASSAGE // 2), PASSAGE)
        ]
        queues.append([own[i] for i in generator.permutation(len(own)).tolist()])
    found: list[tuple[int, str, int]] = []
    number = len(labelled)  # of the next part that counts as a text of its own
    while characters > 0 and any(queues):
        for code, queue in enumerate(queues):
            if queue:
                document, text = queue.pop()
                number += 1
                found.append((number if code in few else document, text, code))
                characters -= len(text)
    documents, texts, codes = zip(*(found[i] for i in generator.permutation(len(found)).tolist()), strict=True)
    return list(texts), np.array(documents), np.array(codes), notices


def _targets(name: str, classes: Sequence[str], codes: NDArray[np.int64]) -> list[Target]:
    counts = np.bincount(codes, minlength=len(classes))
    if _graded(classes):
        return [Target(name, "high", np.array(list(map(float, classes)))[codes].astype(np.float32))]
    enough = [code for code in np.argsort(-counts, kind="stable").tolist() if counts[code] >= FEWEST][:MOST_CLASSES]
    if len(enough) < 2:
        return []
    if len(classes) == 2:
        return [Target(name, "high", codes.astype(np.float32))]
    return [Target(f"{name}={classes[code]}", "high", (codes == code).astype(np.float32)) for code in sorted(enough)]


def _graded(classes: Sequence[str]) -> bool:
    """True for three labels or more that are numbers."""
    try:
        return len(classes) > 2 and all(math.isfinite(float(label)) for label in classes)
    except ValueError:
        return False
