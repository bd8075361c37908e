"""Texts with the labels they were given, each text once."""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from epigone.classification.reading.labels import class_order
from epigone.text.document import Document, counted, some, such_as


class Examples:
    """Texts that are read one after the other.

    A text that comes again counts once. If it has several labels, it keeps the most common; if no label is more common
    than the others, nobody knows its class, and it is left out.
    """

    def __init__(self) -> None:
        self.duplicates = 0
        """Texts that were equal to an earlier one."""
        self._places: dict[str, int] = {}
        self._names: list[str] = []
        self._labels: list[str | None] = []
        self._votes: dict[int, Counter[str]] = {}  # of texts that came with two labels

    def add(self, text: str, label: str | None, name: str) -> None:
        """Take note of a text; its label is None if it has none."""
        place = self._places.setdefault(text, len(self._names))
        if place == len(self._names):
            self._names.append(name)
            self._labels.append(label)
            return
        self.duplicates += 1
        if label is None:
            return
        votes = self._votes.setdefault(place, Counter())
        if (first := self._labels[place]) is None:
            self._labels[place], self._names[place] = label, name
        elif not votes:
            votes[first] += 1
        votes[label] += 1

    def settled(self) -> tuple[list[str], np.ndarray, tuple[str, ...], list[str]]:
        """Return the texts, codes, classes and names of `LabelledTexts`."""
        labels = dict(enumerate(self._labels)) | {place: _most_common(votes) for place, votes in self._votes.items()}
        classes = tuple(sorted({label for label in labels.values() if label is not None}, key=class_order))
        index = {label: code for code, label in enumerate(classes)}
        kept = [(text, place, label) for text, place in self._places.items() if (label := labels[place]) is not None]
        codes = np.array([index[label] for *_, label in kept], np.int64)
        return [text for text, *_ in kept], codes, classes, [self._names[place] for _, place, _ in kept]

    def unlabelled(self) -> list[str]:
        """List the texts that have no label."""
        return [text for text, place in self._places.items() if self._labels[place] is None]

    def notices(self) -> Iterator[str]:
        """Write sentences on texts without a label, and on those with several."""
        without = [name for name, label in zip(self._names, self._labels, strict=True) if label is None]
        if without:
            has, learned = ("has", "it serves") if len(without) == 1 else ("have", "they serve")
            yield (
                f"{counted(len(without), 'text')} {has} no label; {learned} as unlabelled text"
                f"{such_as(without, len(without))}."
            )
        several = {place: votes for place, votes in self._votes.items() if len(votes) > 1}
        for tied in (False, True):
            places = [place for place, votes in several.items() if (_most_common(votes) is None) == tied]
            if places:
                one = len(places) == 1
                did = "of which none is more common; " + ("it is left out" if one else "they are left out")
                if not tied:
                    did = f"of which {'it keeps' if one else 'they keep'} the most common"
                named = [f"{self._names[place]} ({some(list(several[place]))})" for place in places]
                yield (f"{counted(len(places), 'text')} came with several labels, {did}{such_as(named, len(named))}.")


def cleaned(document: Document) -> str:
    """Return the text of a document that was read, without space around it."""
    return "".join(document.pieces).strip()


def _most_common(votes: Counter[str]) -> str | None:
    """Return the label with most votes; None if two have as many."""
    (first, most), *others = votes.most_common(2)
    return None if others and others[0][1] == most else first
