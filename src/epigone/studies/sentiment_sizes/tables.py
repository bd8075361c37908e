"""The tables of the study `sentiment-sizes`: accuracy by size, every figure, differences, time, and other works."""

from collections.abc import Mapping, Sequence
from typing import Any

from epigone.report.numbers import Interval
from epigone.report.tables import Cell, Column, Table
from epigone.studies.engine.rows import Row
from epigone.studies.engine.store import Finished
from epigone.studies.sentiment_sizes.grid import TITLES
from epigone.studies.sentiment_sizes.measured import OTHER, SHARES
from epigone.studies.sentiment_sizes.published import Published
from epigone.studies.sentiment_sizes.results import Gap, Passing, SizeResult

CHOSEN = 3  # sizes of the first table that a narrow terminal shows


def accuracy_table(results: Sequence[SizeResult]) -> Table:
    """Accuracy on the test texts: a line for each row, a column for each size."""
    sizes = sorted({each.size for each in results})
    lines: dict[str, dict[str, Cell]] = {}
    for each in results:
        line = lines.setdefault(each.row, {"row": TITLES[each.row], "family": each.family})
        line[str(each.size)] = each.accuracy.estimate
    return Table(
        title="Accuracy by the number of labels",
        columns=[Column("row", "row", align="left"), *_of_sizes(sizes, best=True)],
        rows=list(lines.values()),
        group="family",
        note=f"Share of the {results[0].test.texts:,} test texts whose class is the predicted one, mean over seeds. "
        "Below: intervals, and every other figure. Epochs are fixed and the last one is measured, never the best one.",
    )


def published_table(works: Sequence[Published]) -> Table:
    """Figures of other works."""
    sizes = sorted({size for each in works for size in each.accuracy})
    return Table(
        title="Published figures of other works",
        columns=[Column("row", "system", align="left"), *_of_sizes(sizes)],
        rows=[{"row": each.name} | {str(size): value for size, value in each.accuracy.items()} for each in works],
        note="As published, on other divisions of the reviews and with other machines; nothing here was run again.",
    )


def _of_sizes(sizes: Sequence[int], best: bool = False) -> list[Column]:
    shown = {sizes[round(place * (len(sizes) - 1) / (CHOSEN - 1))] for place in range(CHOSEN)} if sizes else set()
    return [
        Column(
            str(size), f"{size:,}", "labels", digits=1, notation="percent", best="max" if best else None,
            optional=size not in shown,
        )
        for size in sizes
    ]  # fmt: skip


def figures_table(results: Sequence[SizeResult]) -> Table:
    """Every figure of every row at every size."""
    further = {name: f"{share:.0%} misspelt" for name, share in SHARES.items()} | {OTHER: "other texts"}
    measured = [name for name in further if any(name in each.further for each in results)]
    return Table(
        title="All figures",
        columns=[
            Column("row", "row", align="left"),
            Column("size", "labels"),
            Column("seeds", "seeds", optional=True),
            Column("accuracy", "accuracy", "95 %", digits=1, notation="percent"),
            Column("deviation", "between seeds", "±", digits=1, notation="percent", optional=True),
            Column("validation", "validation", digits=1, notation="percent", optional=True),
            Column("balanced_accuracy", "balanced", digits=1, notation="percent", optional=True),
            Column("macro_f1", "macro F1", digits=1, notation="percent", optional=True),
            Column("calibration_error", "calibration error", optional=True),
            *(Column(name, further[name], digits=1, notation="percent", optional=True) for name in measured),
            Column("seconds", "time", "s", digits=1),
            Column("language_model_seconds", "language model", "s", digits=0, optional=True),
        ],
        rows=[_cells(each) for each in sorted(results, key=lambda each: each.size)],
        group="family",
        note="Means over seeds; intervals over texts and seeds. Time is that of learning the labels, on one thread; "
        "the language model that reads all texts is trained once and shared. A misspelt text has one mistake in that "
        "share of its words of three letters or more: two letters swapped, or one dropped, doubled or replaced. "
        f"Accuracy on misspelt{' and other' * (OTHER in measured)} texts is that of 1,000 at most, drawn at random.",
    )


def _cells(each: SizeResult) -> dict[str, Cell]:
    return {
        "row": TITLES[each.row],
        "family": each.family,
        "size": each.size,
        "seeds": each.seeds,
        "accuracy": Interval(each.accuracy.estimate, each.accuracy.low, each.accuracy.high),
        "deviation": each.accuracy_deviation,
        "validation": each.validation_accuracy,
        "balanced_accuracy": each.test.balanced_accuracy,
        "macro_f1": each.test.macro_f1,
        "calibration_error": each.test.calibration_error,
        "seconds": each.seconds,
        "language_model_seconds": each.language_model_seconds or None,
        **each.further,
    }


def gaps_table(gaps: Sequence[Gap]) -> Table:
    """Differences between rows at the same size."""
    return Table(
        title="The gap at each size",
        columns=[
            Column("pair", "difference", align="left"),
            Column("size", "labels"),
            Column("difference", "accuracy", "95 %", digits=1, notation="percent", signed=True),
        ],
        rows=[
            {
                "pair": f"{TITLES[each.row]} − {TITLES[each.minus]}",
                "size": each.size,
                "difference": Interval(each.difference.estimate, each.difference.low, each.difference.high),
            }
            for each in sorted(gaps, key=lambda each: (each.row, each.minus, each.size))
        ],
        note="Percentage points, paired: the same subsets and the same test texts, resampled together. The best "
        "network and the best n-grams of a size are chosen on validation.",
    )


def passing_table(found: Passing) -> Table:
    """The cheapest transfer that passes the best network from scratch."""
    return Table(
        title="Until transfer passes the best network from scratch",
        columns=[
            Column("row", "network", align="left"),
            Column("size", "labels"),
            Column("validation", "validation", digits=1, notation="percent"),
            Column("accuracy", "test", digits=1, notation="percent"),
            Column("seconds", "time", "s", digits=1),
            Column("whole", "with its language model", "s", digits=0),
        ],
        rows=[
            {
                "row": TITLES[each.row],
                "size": each.size,
                "validation": each.validation_accuracy,
                "accuracy": each.accuracy.estimate,
                "seconds": each.seconds,
                "whole": each.seconds + each.language_model_seconds,
            }
            for each in (found.scratch, found.transfer)
        ],
        note="The best network from scratch of all sizes, and the transfer that takes least time to learn its labels "
        "among those with a higher accuracy on validation.",
    )


def costs_table(models: Sequence[Row], runs: Mapping[str, Sequence[Finished]]) -> Table:
    """The language models, with the seconds of each stage."""
    lines: list[dict[str, Any]] = []
    for row in models:
        for job, run in zip(row.jobs, runs[row.name], strict=True):
            stages = run.details.get("stages", [])
            lines.append(
                {
                    "row": row.name + (f", seed {getattr(job, 'seed', 0)}" if len(row.jobs) > 1 else ""),
                    "loss": "diverged" if run.diverged else run.validation_loss,
                    "seconds": sum(stages),
                    "stages": ", ".join(f"{seconds:,.0f}" for seconds in stages),
                }
            )
    return Table(
        title="The language models",
        columns=[
            Column("row", "language model", align="left"),
            Column("loss", "validation", "nats/token"),
            Column("seconds", "time", "s", digits=0),
            Column("stages", "of which stages", "s", align="left", optional=True),
        ],
        rows=lines,
        note="Validated on texts of their own, never on held-out ones. A stage ends after the minutes of "
        "--stage-minutes, and the next goes on exactly.",
    )
