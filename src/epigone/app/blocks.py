"""Blocks: the parts of a result that people see, printed by `terminal.py` and made HTML by `notebook.py`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from epigone.report.page import Sample
from epigone.report.shaded_text import ShadedText
from epigone.report.tables import Table


@dataclass(frozen=True)
class Facts:
    """Names and values, a line each; a name may occur twice."""

    facts: Mapping[str, Any] | Sequence[tuple[str, Any]]

    def pairs(self) -> Iterator[tuple[str, Any]]:
        """Names and values without the empty values."""
        pairs = self.facts.items() if isinstance(self.facts, Mapping) else self.facts
        return ((name, value) for name, value in pairs if value not in (None, "", [], ()))


Block = Facts | Table | Sample | ShadedText | str
"""Facts, a table, a generated text, a text in colours, or a paragraph. A sample without a name is text and nothing
else."""
