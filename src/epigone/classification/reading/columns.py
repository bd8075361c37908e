"""The columns of a table that hold texts and labels, guessed from the whole table."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from shlex import quote
from typing import Any

from epigone.errors import UserError
from epigone.text.document import ReadOptions, ReadReport
from epigone.text.readers.formats.tables.columns import is_called, is_text, label_column, listed, text_column
from epigone.text.readers.formats.tables.reader import label_in
from epigone.text.readers.formats.tables.table import Table, open_table

LABEL_NAMES = (
    ("label",),
    ("labels", "class", "category", "target", "sentiment", "polarity"),
    ("stars", "rating", "intent", "emotion", "topic", "genre"),
)
"""Names of columns of labels, the clearest first."""

LONGER = 2
"""Times that texts must be longer, on average, than those of any other column to be told from them."""

_VALUES = 5_000  # most different values of a column that are counted
_LONG = 100  # characters of a value that is no label
_SHOWN = 3


@dataclass
class Column:
    """Values of one column."""

    name: str
    filled: int = 0
    """Rows with a value."""
    characters: int = 0
    texts: int = 0
    """Rows whose value holds words."""
    long: int = 0
    """Rows whose value is too long for a label."""
    values: Counter[str] = field(default_factory=Counter)
    """Rows of each value that may be a label; no more than `_VALUES` different ones."""

    def see(self, value: Any) -> None:
        """Take note of the value of the next row."""
        label = label_in(value)
        if label is None:
            return
        self.filled += 1
        self.characters += len(label)
        self.texts += is_text(value)
        if len(label) > _LONG:
            self.long += 1
        elif len(self.values) < _VALUES:
            self.values[label] += 1

    @property
    def mean(self) -> float:
        """Average length of a value, in characters."""
        return self.characters / max(1, self.filled)

    @property
    def repeats(self) -> bool:
        """True if the values recur, as those of classes do."""
        return not self.long and 1 < len(self.values) <= min(_VALUES - 1, self.filled / 2)

    def example(self) -> str:
        """Write the name and the most common values."""
        if not self.values:
            return f"{self.name!r} ({'long texts' if self.long else 'empty'})"
        values = [value if len(value) < 30 else f"{value[:27]}…" for value, _ in self.values.most_common(_SHOWN)]
        return f"{self.name!r} ({', '.join(values)}{', …' * (len(self.values) > _SHOWN)})"


def settle_columns(path: Path, read: ReadOptions, labelled: bool) -> tuple[ReadOptions, list[str]]:
    """Fill in the columns of a table's texts and labels.

    Args:
        path: the table.
        read: the columns that are known.
        labelled: False if labels are not wanted.

    Returns:
        The options with both columns, or with that of the texts, and sentences on what was guessed.

    Raises:
        UserError: the table cannot be read, or it is not clear which columns are meant.
    """
    table = open_table(path, read, ReadReport())
    wants_text, wants_label = read.column is None, labelled and read.label is None
    if not table.peeked or not (wants_text or wants_label):
        return read, []
    text = None if wants_text else text_column(table, read)
    label = label_column(table, read) if labelled else None
    columns = _columns(table)
    named = _named_label([column for column in columns if column.name != text])
    if wants_label and named:
        label = named.name
    if text is None:  # a column of labels does not compete with the texts
        aside = label or (named.name if named and len(columns) > 1 else None)
        text = _text(table, read, [column for column in columns if column.name != aside])
    settled = replace(read, column=text)
    if wants_label:
        label = label or _label(path, [column for column in columns if column.name != text]).name
        settled = replace(settled, label=label)
    if len(columns) == 1:
        return settled, []
    found = [f"texts in its column {text!r}"] * wants_text + [f"labels in its column {label!r}"] * wants_label
    flags = ["--column"] * wants_text + ["--label"] * wants_label
    names = "names another" if len(flags) == 1 else "name others"
    return settled, [f"{path} seems to have {' and '.join(found)}; {' and '.join(flags)} {names}."]


def _columns(table: Table) -> list[Column]:
    """Look at all rows of a table."""
    columns = {name: Column(name) for name in table.names}
    for row in table.rows:
        for name, value in row.values.items():
            columns.setdefault(name, Column(name)).see(value)
    return list(columns.values())


def _text(table: Table, read: ReadOptions, columns: Sequence[Column]) -> str:
    """Return the column called `text`, the only one with words, or the one with by far the longest values."""
    called = [column for column in columns if is_called(column.name, "text")]
    if len(called) == 1:
        return called[0].name
    texts = sorted((column for column in columns if 2 * column.texts > column.filled), key=lambda c: -c.mean)
    if not texts and len(columns) == len(table.names):
        return text_column(table, read)  # which says what is wrong
    if not texts:
        others = f": {'; '.join(column.example() for column in columns[:10])}" if columns else ""
        raise UserError(
            f"{table.path} has no column of texts beside that of the labels{others}. Name the column of the texts with "
            "--column."
        )
    rivals = [column for column in texts[1:] if LONGER * column.mean > texts[0].mean and not column.repeats]
    if rivals:
        raise UserError(
            f"{table.path} has no column `text`, and it is not clear which of its columns holds the texts: "
            f"{listed([column.name for column in [texts[0], *rivals]])}. "
            f"Name one with --column, for example --column {quote(texts[0].name)}."
        )
    return texts[0].name


def _named_label(columns: Sequence[Column]) -> Column | None:
    """Return the only column whose name is that of labels; None if there is none, or several are as clear."""
    for names in LABEL_NAMES:
        if found := [column for column in columns if column.name.strip().casefold() in names and column.values]:
            return found[0] if len(found) == 1 else None
    return None


def _label(path: Path, columns: Sequence[Column]) -> Column:
    """Return the only column whose values recur, as those of classes do."""
    found = [column for column in columns if column.repeats]
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(
            f"{path}: it is not clear which column holds the labels: "
            f"{'; '.join(column.example() for column in found[:10])}. Name it with --label, for example "
            f"--label {quote(found[0].name)}."
        )
    if not columns:
        raise UserError(
            f"{path} has texts and no labels: it has no other column. Add a column `label` with the class of each "
            "text; texts without labels are given with --unlabelled."
        )
    raise UserError(
        f"{path}: no column looks like one of labels, with few different values; its other columns are: "
        f"{'; '.join(column.example() for column in columns[:10])}. Name the column of the labels with --label."
    )
