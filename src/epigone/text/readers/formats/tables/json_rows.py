"""Rows of JSON Lines."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from shlex import quote

from epigone.errors import UserError
from epigone.text.readers.formats.tables.rows import Row


def json_rows(path: Path, lines: Iterable[str]) -> Iterator[Row]:
    """Read the objects of a file, one on each line.

    Raises:
        UserError: a line is something else.
    """
    begun = False
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            row = error
        if not isinstance(row, dict):
            opening = line.lstrip()[0]
            whole = {"[": "list", "{": "object", '"': "string"}.get(opening, "") if not begun else ""
            strings = opening == '"' or (isinstance(row, list) and bool(row) and isinstance(row[0], str))
            every = ".[]" if opening == "[" else "."
            every = f"{every} | {{text: .}}" if strings else every
            remedy = (
                f" Of one {whole} write the objects in lines, for example with `jq -c '{every}' {quote(path.name)}`."
            )
            raise UserError(
                f"{path}, line {number:,}, is not a JSON object; each line must be one, such as "
                f'{{"text": "…"}} (JSON Lines).{remedy if whole else ""}'
            )
        begun = True
        yield Row(number, row)
