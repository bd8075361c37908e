"""The table of a training: a row for each approach, measured on texts that it did not learn from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from epigone.evaluation.classification import Figures, accuracy_difference, accuracy_interval, figures
from epigone.report.numbers import Interval
from epigone.report.tables import Column, Table

UNBALANCED = 1.5
"""Ratio of the largest class to the smallest from which on balanced accuracy decides."""


@dataclass(frozen=True)
class Row:
    """An approach and its figures on the held-out texts."""

    name: str
    title: str
    family: str
    figures: Figures
    accuracy_low: float
    accuracy_high: float
    """The ends of the 95 % interval of the accuracy."""
    seconds: float
    """Of fitting and measuring, over all folds."""
    megabytes: float
    """Of its files."""
    difference: float | None = None
    """Accuracy minus that of the best row of n-grams, on the same texts; None for that row itself."""
    difference_low: float | None = None
    difference_high: float | None = None
    """The ends of the 95 % interval of the difference."""
    p_value: float | None = None
    """Of no difference."""


@dataclass(frozen=True, eq=False)
class Held:
    """The probabilities that an approach gave to the held-out texts, and what they cost."""

    name: str
    title: str
    family: str
    probabilities: NDArray[np.float64]
    """(N, C)"""
    seconds: float
    megabytes: float

    def row(self, codes: NDArray[np.int64]) -> Row:
        """Measure them, without comparing."""
        found = figures(self.probabilities, codes)
        interval = accuracy_interval(int(self.right(codes).sum()), len(codes))
        return Row(self.name, self.title, self.family, found, interval.low, interval.high, self.seconds, self.megabytes)

    def right(self, codes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which texts get their class: (N,)."""
        return np.asarray(self.probabilities.argmax(axis=1) == codes)


def criterion(counts: NDArray[np.integer], balance: bool) -> str:
    """Name the figure that chooses the winner: accuracy, or balanced accuracy if classes of unequal size count alike.

    Args:
        counts: (C,), texts of each class.
        balance: whether each class counts alike.
    """
    present = counts[counts > 0]
    return "balanced_accuracy" if balance and present.max() > UNBALANCED * present.min() else "accuracy"


def best(rows: Sequence[Row], by: str) -> Row:
    """Choose the row with the highest figure; of equals the first, which is the cheapest."""
    return max(rows, key=lambda row: getattr(row.figures, by))


def compared(held: Sequence[Held], codes: NDArray[np.int64], by: str) -> list[Row]:
    """Measure all rows, and compare their accuracy with that of the best row of n-grams, if there is one."""
    rows = [each.row(codes) for each in held]
    rivals = [row for row in rows if row.family == "n-grams"]
    if not rivals:
        return rows
    rival = best(rivals, by).name
    right = next(each.right(codes) for each in held if each.name == rival)
    found = []
    for row, each in zip(rows, held, strict=True):
        if row.name != rival:
            gap = accuracy_difference(each.right(codes), right)
            row = replace(
                row,
                difference=gap.estimate,
                difference_low=gap.low,
                difference_high=gap.high,
                p_value=gap.p_value,
            )
        found.append(row)
    return found


def results_table(rows: Sequence[Row], winner: str, note: str, title: str = "") -> Table:
    """Describe the table for people and for files."""
    rival = next((row.title for row in rows if row.family == "n-grams" and row.difference is None), None)
    lines = [
        {
            "row": row.title,
            "accuracy": row.figures.accuracy,
            "balanced_accuracy": row.figures.balanced_accuracy,
            "macro_f1": row.figures.macro_f1,
            "calibration_error": row.figures.calibration_error,
            "difference": None
            if row.difference is None
            else Interval(row.difference, row.difference_low, row.difference_high),
            "seconds": row.seconds,
            "megabytes": row.megabytes,
            "accuracy_interval": Interval(row.figures.accuracy, row.accuracy_low, row.accuracy_high),
            "log_loss": row.figures.log_loss,
            "p_value": row.p_value,
        }
        for row in rows
    ]
    shares = {"notation": "percent", "digits": 1}
    columns = [
        Column("row", "row", align="left"),
        Column("accuracy", "accuracy", best="max", notation="percent", digits=1),
        Column("balanced_accuracy", "balanced", best="max", notation="percent", digits=1),
        Column("macro_f1", "macro F1", best="max", digits=3),
        Column("calibration_error", "calibration error", best="min", digits=3),
        Column("difference", "against n-grams", signed=True, **shares),  # type: ignore[arg-type]
        Column("seconds", "seconds", digits=1),
        Column("megabytes", "MB", digits=1, optional=True),
        Column("log_loss", "log loss", best="min", digits=3, optional=True),
        Column("accuracy_interval", "accuracy, 95 %", optional=True, **shares),  # type: ignore[arg-type]
        Column("p_value", "p", digits=3, floor=0.001, optional=True),
    ]
    return Table(title, columns, lines, note, winner, rival)
