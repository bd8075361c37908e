"""Order of classes, and sentences on labels that look like a mistake."""

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from decimal import Decimal

import numpy as np

from epigone.text.document import counted, some, such_as

DOMINANT = 0.9
"""Share of one class from which on accuracy says little."""

MANY = 0.5
"""Classes for each text from which on the labels are probably none."""

FEW = 10
"""Classes that are not many, even of few texts."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_REMEDY = "Write them alike if they are one class."
_SHOWN = 40  # characters of a label in a sentence


def is_number(label: str) -> bool:
    """True for a number in figures; NaN and inf are words."""
    return _NUMBER.fullmatch(label) is not None


def class_order(label: str) -> tuple[bool, Decimal, str, str]:
    """Return the key that sorts labels: numbers by value, then others by letter, capitals beside small letters."""
    if is_number(label):
        return False, Decimal(label), "", label
    return True, Decimal(0), label.casefold(), label


def label_notices(classes: Sequence[str], counts: np.ndarray, first: Sequence[str]) -> Iterator[str]:
    """Write sentences on labels that may be a mistake.

    Args:
        classes: C labels.
        counts: (C,) texts of each.
        first: name of the first text of each.
    """
    texts = int(counts.sum())
    if len(classes) >= FEW and len(classes) > MANY * texts:
        yield (
            f"There are {len(classes):,} different labels for {counted(texts, 'text')}, such as "
            f"{some([_shown(label) for label in classes])}: they are probably no classes. Name another column with "
            "--label."
        )
        return
    alike = _alike(classes, lambda label: Decimal(label) if is_number(label) else None)
    if alike:
        yield f"Labels that are the same number are kept apart: {_pairs(alike)}. {_REMEDY}"
    alike = _alike(classes, lambda label: None if is_number(label) else " ".join(label.split()).casefold())
    if alike:
        yield f"Labels that differ only in capitals or spaces are kept apart: {_pairs(alike)}. {_REMEDY}"
    lists = [label for label in classes if label[0] + label[-1] in ("[]", "{}")]
    if lists:
        yield (
            f"{counted(len(lists), 'label')} {'is a list or an object' if len(lists) == 1 else 'are lists or objects'}"
            f"{such_as([_shown(label) for label in lists], len(lists))}. A text has one class here, so every different "
            "one is a class of its own."
        )
    single = [f"{_shown(classes[code])} ({first[code]})" for code in np.flatnonzero(counts == 1).tolist()]
    if single:
        have, are = ("class has", "it is") if len(single) == 1 else ("classes have", "they are")
        yield (
            f"{len(single):,} {have} one text only, so {are} learned and cannot be measured"
            f"{such_as(single, len(single))}."
        )
    if texts and counts.max() >= DOMINANT * texts:
        yield (
            f"{counts.max() / texts:.0%} of the texts have the label {_shown(classes[int(counts.argmax())])}, so "
            "always giving it is as accurate; judge by balanced accuracy and macro F1."
        )


def _alike(classes: Sequence[str], key: Callable[[str], Hashable]) -> list[list[str]]:
    """Group the labels of one key, if they are several; those with the key None have none."""
    groups: dict[Hashable, list[str]] = defaultdict(list)
    for label in classes:
        groups[key(label)].append(label)
    return [group for value, group in groups.items() if value is not None and len(group) > 1]


def _pairs(groups: Sequence[Sequence[str]]) -> str:
    return some([" and ".join(map(_shown, group)) for group in groups])


def _shown(label: str) -> str:
    return repr(label if len(label) <= _SHOWN else f"{label[: _SHOWN - 1]}…")
