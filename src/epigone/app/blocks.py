"""Blocks: the parts of a result that people see, printed by `terminal.py` and written by `html.py`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from epigone.markup import one_line
from epigone.report.numbers import NumberStyle, format_value
from epigone.report.page import Sample
from epigone.report.shaded_text import ShadedText
from epigone.report.tables import Table

FACT = NumberStyle(digits=4, notation="significant")


@dataclass(frozen=True)
class Facts:
    """Names and values, a line each; a name may occur twice."""

    facts: Mapping[str, Any] | Sequence[tuple[str, Any]]

    def pairs(self) -> Iterator[tuple[str, Any]]:
        """Names and values without the empty values."""
        pairs = self.facts.items() if isinstance(self.facts, Mapping) else self.facts
        return ((name, value) for name, value in pairs if value not in (None, "", [], ()))


@dataclass(frozen=True)
class Columns:
    """Generated texts to be read side by side, below each other where there is no room."""

    samples: Sequence[Sample]


Block = Facts | Table | Sample | Columns | ShadedText | str
"""Facts, a table, a generated text, several of them, a text in colours, or a paragraph. A sample without a name is text
and nothing else."""


def in_words(value: Any) -> str:
    """Write the value of a fact on one line."""
    return one_line(value) if isinstance(value, str) else format_value(value, FACT)  # a path keeps its spaces


def notices_of(notices: list[str]) -> Iterator[Block]:
    """Repeat what a reader must know before believing the figures: some of it was logged hours ago."""
    if notices:
        yield Facts([("notice", notice) for notice in notices])
