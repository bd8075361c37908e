"""Classifiers as blocks: trained, and evaluated."""

from collections.abc import Iterator
from typing import Any

from epigone.app.blocks import Block, Facts, notices_of
from epigone.report.numbers import Interval, NumberStyle, format_measure
from epigone.report.tables import Column, Table

PERCENT = NumberStyle(notation="percent", digits=1)
MOST = 20  # classes and confusions that are shown


def training(result: Any) -> Iterator[Block]:
    """The table, the winner, and how far to believe it."""
    from epigone.classification.card import FLATTERED, table_of_training

    yield table_of_training(result, "Rows of the table")
    yield from notices_of(result.notices)
    yield Facts(
        {
            "texts": f"{sum(result.examples):,} labelled, {result.unlabelled:,} unlabelled, "
            f"sha256 {result.corpus[:16]}",
            "classes": _several([f"{name} ({n:,})" for name, n in zip(result.classes, result.examples, strict=True)]),
            "left out": "; ".join(result.left_out),
            "winner": f"{result.winner}, by {result.by.replace('_', ' ')}",
            "time": f"{result.seconds:,.1f} s",
            "model": result.folder,
            "next": f"epigone classify predict {result.folder} FILE",
        }
    )
    yield FLATTERED


def evaluation(result: Any) -> Iterator[Block]:
    """Figures with intervals, the classes, and what was confused with what."""
    figures = result.figures

    def measured(value: float, ends: tuple[float, float], style: NumberStyle = PERCENT) -> str:
        return format_measure(Interval(value, *ends), style)

    yield Facts(
        {
            "model": f"{result.model} ({result.approach})",
            "texts": f"{', '.join(result.texts)}, {figures.texts:,} labelled texts, sha256 {result.corpus[:16]}",
            "accuracy": measured(figures.accuracy, result.accuracy_interval),
            "balanced accuracy": measured(figures.balanced_accuracy, result.balanced_accuracy_interval),
            "macro F1": measured(figures.macro_f1, result.macro_f1_interval, NumberStyle()),
            "log loss": f"{figures.log_loss:.4f} nats",
            "calibration error": f"{figures.calibration_error:.3f}",
            "time": f"{result.seconds:.1f} s",
        }
    )
    yield _classes(result)
    if result.confusions:
        yield _confusions(result)
    yield from notices_of(result.notices)


def _classes(result: Any) -> Table:
    rows = [
        {
            "class": row.name,
            "texts": row.texts,
            "predicted": row.predicted,
            "recall": row.right / row.texts if row.texts else None,
            "precision": row.right / row.predicted if row.predicted else None,
        }
        for row in sorted(result.rows, key=lambda row: -row.texts)[:MOST]
    ]
    columns = [
        Column("class", "class", align="left"),
        Column("texts", "texts"),
        Column("predicted", "predicted"),
        Column("recall", "recall", notation="percent", digits=1),
        Column("precision", "precision", notation="percent", digits=1),
    ]
    return Table("Classes", columns, rows, _more(len(result.rows), "classes"))


def _confusions(result: Any) -> Table:
    columns = [
        Column("true", "class", align="left"),
        Column("predicted", "got", align="left"),
        Column("texts", "texts"),
    ]
    rows = [{"true": each.true, "predicted": each.predicted, "texts": each.texts} for each in result.confusions[:MOST]]
    return Table("Confusions", columns, rows, _more(len(result.confusions), "confusions"))


def _more(number: int, noun: str) -> str:
    return f"{number - MOST:,} further {noun} are in --json." if number > MOST else ""


def _several(names: list[str]) -> str:
    """List names, not too many."""
    more = len(names) - MOST
    return ", ".join(names[:MOST]) + (f" and {more:,} more" if more > 0 else "")
