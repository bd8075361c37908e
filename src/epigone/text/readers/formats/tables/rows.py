"""Rows of a table, and the remarks on those that are not as they should be."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from epigone.text.document import counted

_SHOWN = 3


@dataclass(frozen=True)
class Row:
    """A row of a table."""

    line: int
    """Its first line in the file, counted from 1."""
    values: dict[str, Any]
    """Values by the name of their column."""
    fields: tuple[str, ...] = ()
    """All its fields, if they are more than the columns of its table."""
    delimiter: str = ""
    """Sign between these."""


@dataclass
class Remarks:
    """Rows that were mended or left out, by what was wrong."""

    said: list[str] = field(default_factory=list)
    """Sentences on the table as a whole."""
    _counts: dict[str, int] = field(default_factory=dict)
    _lines: dict[str, list[str]] = field(default_factory=dict)

    def add(self, remark: str, line: int, detail: str = "") -> None:
        """Count a row.

        Args:
            remark: what was wrong and what was done; `{rows}` is their number and their first lines, `{were}` is was or
                were.
            line: first line of the row.
            detail: something about this row.
        """
        self._counts[remark] = self._counts.get(remark, 0) + 1
        lines = self._lines.setdefault(remark, [])
        if len(lines) < _SHOWN:
            lines.append(f"{line:,}{f': {detail}' if detail else ''}")

    def sentences(self, path: Path) -> Iterator[str]:
        """Write a sentence for each remark."""
        yield from self.said
        for remark, number in self._counts.items():
            lines = "; ".join(self._lines[remark]) + (" …" if number > _SHOWN else "")
            rows = f"{counted(number, 'row')} of {path} (line{'s' * (number > 1)} {lines})"
            yield remark.format(rows=rows, were="was" if number == 1 else "were")


def text_of(value: Any) -> str | None:
    """Return the text in a cell; None if the value is no text.

    Numbers are written out, and null is an empty text. A list of strings has a line for each, a list of such lists a
    stanza for each.
    """
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return None
        case int():
            return str(value)
        case float():
            return str(value) if math.isfinite(value) else None
        case list():
            parts = [text_of(part) if isinstance(part, str | list) else None for part in value]
            if None in parts:
                return None
            return ("\n\n" if any(isinstance(part, list) for part in value) else "\n").join(map(str, parts))
        case _:
            return None


def described(value: Any) -> str:
    """Name a value that is no text."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "an object"
        case list():
            return "a list that holds more than strings"
        case _:
            return "NaN" if value != value else str(value)
