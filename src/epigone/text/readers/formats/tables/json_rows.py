"""Rows of JSON Lines."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from shlex import quote

from epigone.errors import UserError
from epigone.text.readers.formats.tables.rows import Remarks, Row


def json_rows(path: Path, lines: Iterable[str], remarks: Remarks) -> Iterator[Row]:
    """Read the objects of a file, one on each line; damaged lines among them are left out.

    Raises:
        UserError: the first line, or most of them so far, are something else.
    """
    good = bad = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            row = error
        bad += not isinstance(row, dict)
        if not isinstance(row, dict) and good >= bad:
            remarks.add("{rows} {were} left out: no JSON object there.", number)
            continue
        if not isinstance(row, dict):
            opening = line.lstrip()[0]
            whole = {"[": "list", "{": "object", '"': "string"}.get(opening, "") if not good else ""
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
        good += 1
        yield Row(number, row)
