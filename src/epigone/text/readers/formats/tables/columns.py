"""Choice of the columns that hold the texts and the labels of a table."""

from shlex import quote
from typing import Any

from epigone.errors import UserError
from epigone.text.document import BY_PLACE, ReadOptions
from epigone.text.readers.formats.tables.rows import text_of
from epigone.text.readers.formats.tables.table import Table
from epigone.text.readers.formats.tables.wide_rows import is_number

NAMED = 20
"""Columns that a sentence names at most."""


def asked_column(table: Table, name: str, option: str) -> str:
    """Return the column that an option names; spaces around the name do not matter.

    Raises:
        UserError: there is no such column.
    """
    if not table.names or name in table.names:
        return name
    for other in table.names:
        if other.strip() == name.strip():
            return other
    raise UserError(
        f"{table.path} has no column {name!r}; its columns are: {listed(table.names)}. Name one of them with {option}."
    )


def label_column(table: Table, options: ReadOptions) -> str | None:
    """Return the column of the labels; None if no column has them.

    Raises:
        UserError: the column asked for does not exist.
    """
    if options.label is None or (options.label in BY_PLACE and options.label not in table.names):
        return None
    return asked_column(table, options.label, "--label")


def text_column(table: Table, options: ReadOptions) -> str:
    """Return the column of the texts: the one asked for, `text`, or the only one with texts besides the label.

    Raises:
        UserError: the column asked for does not exist, or several may hold the texts.
    """
    if options.column is not None:
        return asked_column(table, options.column, "--column")
    called = [name for name in table.names if is_called(name, "text")]
    if "text" in called or len(called) == 1:
        return "text" if "text" in called else called[0]
    texts = [name for name in table.names if any(is_text(row.values.get(name)) for row in table.peeked)]
    if len(texts) == 2 and options.label in texts:
        texts.remove(options.label)
    if len(texts) == 1:
        return texts[0]
    if not table.peeked:
        return "text"
    for name, value in table.peeked[0].values.items():
        if len(table.peeked) == 1 and isinstance(value, list) and value and isinstance(value[0], dict):
            raise UserError(
                f"{table.path} is one object, and its texts are in the list {name!r}. Write the objects of the list in "
                f"lines, for example with `jq -c '.{name}[]' {quote(table.path.name)} > texts.jsonl`."
            )
    raise UserError(
        f"{table.path} has no column `text`, and it is not clear which of its columns holds the texts: "
        f"{listed(texts or table.names) or 'none'}. "
        "Name one with --column."
    )


def is_called(column: str, name: str) -> bool:
    """True if a column has this name, apart from capitals and spaces around it."""
    return column.strip().casefold() == name


def is_text(value: Any) -> bool:
    """True for a value that holds words."""
    if isinstance(value, list):
        return any(map(is_text, value)) and text_of(value) is not None
    if not isinstance(value, str) or not value.strip():
        return False
    return not is_number(value)


def listed(names: list[str]) -> str:
    """List the names of columns for a sentence, the first ones if they are many."""
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(map(repr, names[:NAMED])) + more
