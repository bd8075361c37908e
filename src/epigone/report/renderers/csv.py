"""Tables as CSV, for programs: every number in full, a column for each figure."""

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping
from numbers import Integral, Real
from typing import Any

from epigone.markup import clean
from epigone.report.numbers import Interval, Range, Spread
from epigone.report.tables import Table, layout


def to_csv(table: Table) -> str:
    """Write the rows below a line of machine names; missing numbers are empty.

    A mean is followed by its standard deviation (`_sd`), an estimate by the ends of its interval (`_low`, `_high`). The
    columns `family` and `mark` (winner, baseline) follow the name if the table has groups or marks.
    """
    name, *others = [column.key for column in table.columns]
    grouped = [table.group] if table.group and table.group not in (name, *others) else []
    marked = [row.mark for row in layout(table).rows] if table.winner or table.baseline else []
    rows = []
    for index, row in enumerate(table.rows):
        figures = {name: row.get(name)} | {key: row.get(key) for key in grouped}
        figures |= {"mark": marked[index]} if marked else {}
        rows.append(figures | dict(_figures({key: row.get(key) for key in others})))
    keys = [name, *grouped, *["mark"] * bool(marked)]
    for key in others:
        parts = [f"{key}{part}" for part in ("", "_sd", "_low", "_high")]
        used = [part for part in parts if any(part in row for row in rows)]
        keys += used or [key]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([re.sub(r"\W+", "_", key) for key in keys])
    writer.writerows([[plain(row.get(key)) for key in keys] for row in rows])
    return out.getvalue()


def _figures(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The figures of a row by machine name."""
    for key, cell in row.items():
        match cell:
            case Spread(mean, deviation):
                yield from {key: mean, f"{key}_sd": deviation}.items()
            case Interval(estimate, low, high):
                yield from {key: estimate, f"{key}_low": low, f"{key}_high": high}.items()
            case Range(low, high):
                yield from {f"{key}_low": low, f"{key}_high": high}.items()
            case None:
                pass
            case _:
                yield key, cell


def plain(value: Any) -> str:
    """A figure with all its digits, or a text with its controls made visible."""
    if value is None or (isinstance(value, Real) and math.isnan(value)):
        return ""
    if isinstance(value, Real) and not isinstance(value, Integral):
        return repr(float(value))
    return clean(str(value))
