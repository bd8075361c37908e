"""Classifiers as blocks: trained, evaluated, and what they say of texts."""

from collections.abc import Iterator
from typing import Any

from epigone.app.blocks import Block, Facts, notices_of
from epigone.report.numbers import Interval, NumberStyle, format_measure
from epigone.report.tables import Column, Table

PERCENT = NumberStyle(notation="percent", digits=1)
MOST = 20  # classes and confusions that are shown
LINES, WIDTH = 100, 50  # texts that are shown, and characters of each
FEW = 6  # classes whose probabilities are all shown


def training(result: Any) -> Iterator[Block]:
    """The table, the winner, and how far to believe it."""
    from epigone.classification.card import FLATTERED, table_of_training

    yield table_of_training(result, "Figures of all rows")
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


def classification(result: Any) -> Iterator[Block]:
    """A line for each text with its label and its probabilities, not too many."""
    few = len(result.classes) <= FEW
    shown = []
    for text, name, label, shares in list(
        zip(result.texts, result.names, result.labels, result.probabilities, strict=True)
    )[:LINES]:
        row: dict[str, Any] = {"text": _beginning(text) or name, "label": label}
        if shares is not None:
            row |= {f"p{i}": share for i, share in enumerate(shares)} if few else {"p": max(shares)}
        shown.append(row)
    columns = [Column("text", "text", align="left"), Column("label", "label", align="left")]
    columns += [
        Column(f"p{i}", name, notation="percent", digits=1, optional=len(result.classes) > 2)
        for i, name in enumerate(result.classes if few else ())
    ]
    columns += [] if few else [Column("p", "probability", notation="percent", digits=1)]
    more = len(result.texts) - LINES
    yield Table("", columns, shown, f"{more:,} further texts are in --json and --out." if more > 0 else "")
    yield Facts({"written": result.out})


def _beginning(text: str) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(text[: 2 * WIDTH].split())
    return line if len(line) <= WIDTH else line[: WIDTH - 1].rstrip() + "…"
