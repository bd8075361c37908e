"""The page of the study `stacked-lstm`: claims, tables beside the paper's numbers, and figures."""

from typing import Any

from epigone.report.numbers import Interval
from epigone.report.page import Figure, Report
from epigone.report.plots.interval_bars import IntervalBars, IntervalRow
from epigone.report.plots.loss_curves import LossCurves
from epigone.report.tables import Column, Table
from epigone.studies.engine.claims import claims_table
from epigone.studies.engine.rows import RowResult, labelled
from epigone.studies.engine.samples import samples_of
from epigone.studies.engine.tables import results_table, spread
from epigone.studies.experiment import Context
from epigone.studies.stacked_lstm.analysis import TEMPERATURE, Splits, StackedFindings
from epigone.studies.stacked_lstm.grid import StackedLstmOptions

DOTS = "Dots are means over seeds, lines 95 % intervals over documents."
LINES = "Validation solid, training (with dropout) dashed."


def report(context: Context[StackedLstmOptions], findings: StackedFindings) -> Report:
    """Lay out the page."""
    tables: list[Table] = [claims_table("The paper's claims", findings.claims)]
    figures: list[Figure] = []
    for (name, rows), short in zip(findings.recipes.items(), findings.tables, strict=True):
        title = f"Recipe “{name}”, all figures"
        tables += [short, results_table(rows, title, diverged=labelled(context.diverged, recipe=name))]
        bars = [IntervalRow(r.name, r.loss, r.interval.low, r.interval.high, r.family) for r in rows if r.interval]
        figures.append(
            Figure(f"Test loss, recipe “{name}”", IntervalBars(bars, "test loss (nats per character)"), DOTS)
        )
    learned = [row for row in context.rows if row.family in ("scratch", "transfer")]
    families = {row.name: row.family for row in context.rows}
    figures.append(Figure("Loss against epoch", LossCurves(context.curves(learned), families), LINES))
    bases = labelled(context.ran, family="pretraining")
    pretraining = {
        f"{row.labels['recipe']}: {row.labels['base']}": [run.history for run in context.runs[row.name]]
        for row in bases
    }
    if pretraining:
        figures.append(Figure("Pretraining of the bases, on their own text", LossCurves(pretraining), LINES))
    if findings.splits:
        tables.append(splits_table(findings.splits))
    held, unclear = (sum(claim.answer == answer for claim in findings.claims) for answer in ("yes", "unclear"))
    rest = f"; {unclear} cannot be answered from these rows" if unclear else ""
    return Report(
        title="Which layers of a pretrained LSTM to retrain",
        summary=f"{held} of the paper's {len(findings.claims)} claims hold here{rest}.",
        tables=tables,
        figures=figures,
        samples=samples_of(findings.samples, f"temperature {TEMPERATURE}, seed 0, no prompt"),
    )


def splits_table(splits: Splits) -> Table:
    """Two rows on several splits of the target."""
    return Table(
        title="Five splits of the target",
        columns=[
            Column("name", "row", align="left"),
            Column("split", "split"),
            Column("validation_loss", "validation", "nats"),
            Column("loss", "test", "nats"),
            Column("difference", "to scratch", "nats, 95 %", signed=True),
        ],
        rows=[_on_split(name, seed, row) for name, results in splits.items() for seed, row in enumerate(results)],
    )


def _on_split(name: str, seed: int, row: RowResult | None) -> dict[str, Any]:
    if row is None:
        return {"name": name, "split": seed, "validation_loss": "diverged"}
    d = row.difference
    return {
        "name": name,
        "split": seed,
        "validation_loss": spread(row, "validation_loss"),
        "loss": spread(row, "loss"),
        "difference": d and Interval(d.estimate, d.low, d.high),
    }
