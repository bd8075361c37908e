"""The table of a comparison: its rows, the best from scratch, and the winner."""

from collections.abc import Sequence
from typing import Any

from epigone.report.numbers import Interval, Spread
from epigone.report.tables import Column, Table
from epigone.studies.engine.rows import FEW_DOCUMENTS, Row, RowResult

# The keys are the names of the figures in JSON (`RowResult`).
COLUMNS = [
    Column("name", "model", align="left"),
    Column("validation_loss", "validation", "nats", best="min"),
    Column("loss", "test", "nats", best="min"),
    Column("bits_per_char", "test", "bits/char", optional=True),
    Column("accuracy_percent", "accuracy", "%", digits=1, best="max", optional=True),
    Column("train_loss", "train", "nats", optional=True),
    Column("gap", "test − train", "nats", signed=True, optional=True),
    Column("difference", "to best scratch", "nats, 95 %", signed=True),
    Column("p_holm", "p", "Holm", floor=0.0005),
    Column("trained_parameters", "weights trained", optional=True),
    Column("seconds", "time", "s", digits=1, optional=True),
]


def best_scratch(rows: Sequence[RowResult]) -> RowResult | None:
    """The row from scratch with the lowest validation loss, to which differences refer."""
    return min((r for r in rows if r.family == "scratch"), key=lambda r: r.validation_loss, default=None)


def winning(rows: Sequence[RowResult]) -> RowResult:
    """The row with the lowest validation loss; the test split has no say."""
    return min(rows, key=lambda row: row.validation_loss)


def unit(rows: Sequence[RowResult]) -> str:
    """The unit that losses are per: character, or token."""
    return "character" if rows[0].tokens == rows[0].characters else "token"


def resampled(rows: Sequence[RowResult]) -> str:
    """The units that intervals resample, in words."""
    return "documents" if rows[0].documents >= FEW_DOCUMENTS else "blocks of the text"


def results_table(rows: Sequence[RowResult], title: str, note: str = "", diverged: Sequence[Row] = ()) -> Table:
    """The table of a comparison; rows that diverged have no figures."""
    scratch = best_scratch(rows)
    return Table(
        title=title,
        columns=COLUMNS,
        rows=[
            *(_cells(row) for row in rows),
            *({"name": row.name, "family": row.family, "validation_loss": "diverged"} for row in diverged),
        ],
        note=" ".join(filter(None, [note, *(f"“{row.name}”: {row.note}." for row in rows if row.note)])),
        winner=winning(rows).name,
        baseline=scratch.name if scratch else None,
        group="family",
    )


def _cells(row: RowResult) -> dict[str, Any]:
    difference = row.difference
    return {
        "name": row.name,
        "family": row.family,
        "validation_loss": spread(row, "validation_loss"),
        "loss": spread(row, "loss"),
        "bits_per_char": row.bits_per_char,
        "accuracy_percent": row.accuracy and 100 * row.accuracy,
        "train_loss": spread(row, "train_loss"),
        "gap": row.gap,
        "difference": difference and Interval(difference.estimate, difference.low, difference.high),
        "p_holm": row.p_holm,
        "trained_parameters": row.trained_parameters,
        "seconds": row.seconds,
    }


def spread(row: RowResult, key: str) -> Spread:
    """A figure of a row with its standard deviation over seeds."""
    return Spread(getattr(row, key), row.deviations[key])
