"""The page of a comparison: one table, the test losses, and the curves of the training."""

from epigone.report.page import Figure, Report
from epigone.report.plots.interval_bars import IntervalBars, IntervalRow
from epigone.report.plots.loss_curves import LossCurves
from epigone.studies.compare.analysis import Compared
from epigone.studies.compare.grid import Grid
from epigone.studies.engine.samples import samples_of
from epigone.studies.engine.tables import best_scratch, resampled, results_table, unit, winning
from epigone.studies.experiment import Context


def report(context: Context[Grid], findings: Compared) -> Report:
    """Lay out the page."""
    rows = findings.results
    scratch, families = best_scratch(rows), {row.name: row.family for row in rows}
    seeds = max(row.seeds for row in rows)
    note = (
        f"Means over {seeds} seeds ± standard deviation. Losses are in nats per {unit(rows)} over whole splits, the "
        "end of a document not counted. The winner (★) has the lowest validation loss; the test loss chooses nothing. "
        f"Differences are to the best network from scratch (○), paired over {resampled(rows)} of the test split and "
        "averaged over seeds; p-values are corrected for the number of rows (Holm). The n-gram rows chose order and "
        "discounts on validation, as the networks chose their epoch."
    )
    bars = IntervalBars(
        rows=[
            IntervalRow(
                r.name,
                r.loss,
                r.interval.low if r.interval else None,
                r.interval.high if r.interval else None,
                r.family,
            )
            for r in rows
        ],
        label=f"test loss (nats per {unit(rows)})",
        reference=scratch.loss if scratch else None,
        reference_label="best from scratch",
        winner=winning(rows).name,
    )
    learned = {name: runs for name, runs in context.curves(context.rows).items() if runs and runs[0]}
    figures = [
        Figure(
            "Loss on the test documents",
            bars,
            f"Dots are means over seeds, lines 95 % intervals over {resampled(rows)}.",
        ),
        Figure(
            "Loss against epoch",
            LossCurves(
                learned,
                families,
                scratch.name if scratch else None,
                "best from scratch",
                winning(rows).name,
                f"loss (nats per {unit(rows)})",
            ),
            "Validation solid, training (with dropout) dashed.",
        ),
    ]
    return Report(
        title="Scratch against transfer",
        summary=findings.verdict,
        tables=[results_table(rows, "Losses of all rows", note, context.diverged)],
        figures=figures,
        samples=samples_of(findings.samples, f"temperature {context.options.size.temperature}, seed 0, no prompt"),
    )
