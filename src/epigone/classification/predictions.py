"""Labels and probabilities that a classifier gives to texts, and the files they are written to."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epigone.classification.reading.inputs import Inputs
from epigone.errors import UserError
from epigone.storage import atomic_write

LABEL = "predicted"
"""Name of the column of the labels."""

_QUOTED = re.compile(r'[",\r\n]|^\s|\s$')
_DIGITS = 6  # of a probability in a file


@dataclass(frozen=True, eq=False)
class Predictions:
    """A label for each of N texts, and the probability of each of C classes."""

    inputs: Inputs
    classes: tuple[str, ...]
    probabilities: NDArray[np.float64]
    """(N, C); NaN for a text that is empty."""

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def labels(self) -> list[str | None]:
        """The most probable class of each text; None for an empty text."""
        codes = np.where(np.isnan(self.probabilities), -1, self.probabilities).argmax(axis=1)
        return [self.classes[code] if text else None for text, code in zip(self.inputs.texts, codes, strict=True)]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield what was given with each text, its label and the probabilities by class, ready for JSON."""
        names = self._new_names()
        for cells, label, shares in zip(self.inputs.cells, self.labels, self.probabilities.tolist(), strict=True):
            found = [label, *(None if label is None else round(share, _DIGITS) for share in shares)]
            yield {name: cells.get(name) for name in self.inputs.columns} | dict(zip(names, found, strict=True))

    def write(self, path: Path) -> None:
        """Write one row for each text, in their order: JSON Lines by the suffix `.jsonl`, or CSV.

        Cells are written as they are, also those that a spreadsheet takes for formulas.

        Raises:
            UserError: the suffix is another one, or the file cannot be written.
        """
        if path.suffix.lower() not in (".csv", ".jsonl"):
            raise UserError(f"--out {path} names neither CSV nor JSON Lines; give a name that ends in .csv or .jsonl.")
        rows = self.rows()
        if path.suffix.lower() == ".jsonl":
            lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        else:
            lines = [_line([*self.inputs.columns, *self._new_names()]), *(_line(row.values()) for row in rows)]
        atomic_write(path, "".join(f"{line}\n" for line in lines))

    def _new_names(self) -> list[str]:
        """Name the columns of the label and of the probabilities, none like another."""
        names: list[str] = []
        for name in [LABEL, *(f"P({label})" for label in self.classes)]:
            while name in self.inputs.columns:
                name += "'"
            names.append(name)
        return names


def predictions(
    inputs: Inputs, classes: tuple[str, ...], probabilities: Callable[[Sequence[str]], NDArray[np.float64]]
) -> Predictions:
    """Classify texts; empty ones get no label.

    Args:
        inputs: N texts.
        classes: the C classes.
        probabilities: returns the probabilities of some texts, one row for each.
    """
    filled = np.array([bool(text) for text in inputs.texts], bool)
    found = np.full((len(inputs), len(classes)), np.nan)
    if filled.any():
        found[filled] = probabilities([text for text in inputs.texts if text])
    return Predictions(inputs, classes, found)


def _line(cells: Iterable[Any]) -> str:
    """Write a row of CSV; a cell with space around it is quoted too, so that no reader strips it."""
    written = [_cell(cell) for cell in cells]
    return '""' if written == [""] else ",".join(written)  # a blank line is no row


def _cell(value: Any) -> str:
    if not isinstance(value, str):
        value = "" if value is None else json.dumps(value, ensure_ascii=False)
    return '"' + value.replace('"', '""') + '"' if _QUOTED.search(value) else value
