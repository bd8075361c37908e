"""Rows with more fields than the table has columns."""

from collections.abc import Sequence

from epigone.text.readers.formats.tables.rows import Remarks, Row

_FEW = 20  # most different values of a column of labels


class WideRows:
    """Mends rows in which a text holds the delimiter outside quotation marks.

    Args:
        rows: the first rows of the table.
        column: the column of the texts.
    """

    def __init__(self, rows: Sequence[Row], column: str) -> None:
        whole = [row for row in rows if not row.fields]
        self._names = list(dict.fromkeys(name for row in rows for name in row.values))
        self._place = self._names.index(column) if column in self._names else -1
        self._values = {name: [row.values.get(name, "") for row in whole] for name in self._names}

    def fitted(self, row: Row, remarks: Remarks) -> Row | None:
        """Return a row as it is or mended, with a remark; None if it cannot be."""
        if not row.fields:
            return row
        mended = self.mended(row)
        if mended is not None:
            remarks.add(
                "{rows} {were} too wide; what is too much was read as part of the text, as if it held commas outside "
                "quotation marks.",
                row.line,
            )
        return mended

    def mended(self, row: Row) -> Row | None:
        """Join the fields that may be one text; None if the others would not fit their columns then."""
        extra = len(row.fields) - len(self._names)
        if self._place < 0 or extra < 1:
            return None
        after = self._place + 1 + extra
        text = row.delimiter.join(row.fields[self._place : after])
        fields = [*row.fields[: self._place], text, *row.fields[after:]]
        fits = [
            self._fits(name, field)
            for place, (name, field) in enumerate(zip(self._names, fields, strict=True))
            if place != self._place
        ]
        last = after == len(row.fields)
        if False in fits or (None in fits and not last):
            return None
        return Row(row.line, dict(zip(self._names, fields, strict=True)))

    def _fits(self, name: str, field: str) -> bool | None:
        """Tell if a value is like the others of its column; None if the column may hold anything."""
        values = [value.strip() for value in self._values[name] if value.strip()]
        if not values:
            return None
        if all(map(is_number, values)):
            return is_number(field) or not field.strip()
        if len(set(values)) <= min(_FEW, len(values) / 2):
            return field.strip() in values
        return None


def is_number(value: str) -> bool:
    """True for a number in figures."""
    try:
        float(value)
    except ValueError:
        return False
    return True
