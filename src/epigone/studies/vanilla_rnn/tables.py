"""The tables of the study `vanilla-rnn`: its networks, and the hardest passages of the book."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from epigone.report.numbers import Interval
from epigone.report.tables import Column, Table
from epigone.studies.engine.rows import Row, RowResult
from epigone.studies.engine.store import Finished
from epigone.studies.engine.tables import spread

NEARLY = 0.01  # share of the steps by which clocks may differ by chance


def changes_table(rows: Sequence[RowResult], diverged: Sequence[Row], runs: Mapping[str, Sequence[Finished]]) -> Table:
    """Each network beside the report's, after the same number of epochs and after the same time."""
    # The quickest seed is the fairest: other work on the machine only adds time.
    seconds = {row.name: min(run.learning_seconds for run in runs[row.name]) for row in rows}
    limit = seconds[rows[0].name]
    lines: list[dict[str, Any]] = [
        {
            "name": row.name,
            "family": row.family,
            "validation_loss": spread(row, "validation_loss"),
            "loss_in_time": float(np.mean([loss_within(run, limit / seconds[row.name]) for run in runs[row.name]])),
            "loss": spread(row, "loss"),
            "difference": row.difference and Interval(row.difference.estimate, row.difference.low, row.difference.high),
            "accuracy_percent": row.accuracy and 100 * row.accuracy,
            "trained_parameters": row.trained_parameters,
            "seconds": seconds[row.name],
        }
        for row in rows
    ]
    lines += [{"name": row.name, "family": row.family, "validation_loss": "diverged"} for row in diverged]
    return Table(
        title="What each change bought",
        columns=[
            Column("name", "network", align="left"),
            Column("validation_loss", "validation", "nats", best="min"),
            Column("loss_in_time", "in the report's time", "nats", best="min"),
            Column("loss", "test", "nats", best="min"),
            Column("difference", "to the report's", "nats, 95 %", signed=True),
            Column("accuracy_percent", "accuracy", "%", digits=1, best="max", optional=True),
            Column("trained_parameters", "weights", optional=True),
            Column("seconds", "quickest seed", "s", digits=0, optional=True),
        ],
        rows=lines,
        baseline=rows[0].name,
        group="family",
        note=f"Nats per character, {rows[0].seeds} seeds; the other cells have as many units as give about the same "
        f"number of weights. “In the report's time” is the best validation within {limit:.0f} s of learning. The rate "
        "of other optimizers was chosen on validation after an epoch.",
    )


def loss_within(run: Finished, share: float) -> float:
    """The best validation loss of a run within this share of its steps, or within all of them."""
    most = (share + NEARLY) * run.history[-1]["step"]
    return min(row["validation_loss"] for row in run.history if row["step"] <= most)
