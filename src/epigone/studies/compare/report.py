"""A comparison in words, tables and pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from epigone.report.page import Figure, Report, write_report
from epigone.report.plots.interval_bars import IntervalBars, IntervalRow
from epigone.report.plots.loss_curves import LossCurves
from epigone.studies.engine.rows import Row, RowResult
from epigone.studies.engine.samples import SampleText, samples_of
from epigone.studies.engine.tables import best_scratch, resampled, results_table, unit, winning


def kept(rows: Sequence[RowResult]) -> RowResult:
    """The network with the lowest validation loss, which is the winner unless counting wins; it may be a base."""
    return winning([row for row in rows if row.family != "n-gram"])


def verdict(rows: Sequence[RowResult]) -> str:
    """What was found and which network was kept, in a few sentences."""
    winner, network = winning(rows), kept(rows)
    said = _found(rows, winner, best_scratch(rows))
    if winner.family == "n-gram":
        said += (
            " An n-gram model beats every network here. It is none that could be kept as a model; that is the best "
            f"network, “{network.name}” ({network.loss:.3f})."
        )
    if winner.family == "base":
        said += " Nothing that was retrained does better than this base, which is kept as it is."
    return said


def _found(rows: Sequence[RowResult], winner: RowResult, scratch: RowResult | None) -> str:
    said = (
        f"“{winner.name}” has the lowest validation loss and reads the test documents at {winner.loss:.3f} "
        f"nats per {unit(rows)}"
    )
    if scratch is None:
        return said + "."
    if winner.name == scratch.name:
        transfer = min((r for r in rows if r.family == "transfer"), key=lambda r: r.validation_loss, default=None)
        said += ": nothing that was retrained does better than training from scratch"
        return said + (f" ({transfer.name}: {transfer.loss:.3f})." if transfer else ".")
    said += f"; the best network from scratch reads them at {scratch.loss:.3f}"
    if winner.difference is None or winner.p_holm is None:
        return said + "; there is too little test text for an interval."
    d = winner.difference
    said += f". The difference is {d.estimate:+.3f} [{d.low:+.3f}, {d.high:+.3f}]".replace("-", "\N{MINUS SIGN}")
    certain = winner.p_holm < 0.05
    said += f" (95 % interval over {resampled(rows)}, {p_value(winner.p_holm)} after Holm's correction)"
    return said + ("." if certain else ": on so little text that may be chance.")


def p_value(p: float) -> str:
    """p as papers write it."""
    return "p < 0.0005" if p < 0.0005 else f"p = {p:.2g}"


def comparison_report(
    folder: Path,
    rows: Sequence[RowResult],
    diverged: Sequence[Row],
    samples: Sequence[SampleText],
    temperature: float,
    curves: Mapping[str, Sequence[Sequence[Mapping[str, Any]]]],
    said: str,
    notices: Sequence[str],
    facts: Mapping[str, Any],
) -> Path:
    """Write report.html and report.md of a comparison.

    Args:
        folder: where to.
        rows: its rows.
        diverged: rows that have no figures.
        samples: what the models wrote, at this `temperature`.
        curves: the histories of each row's runs.
        said: the verdict.
        notices: what must be known before the figures are believed.
        facts: what it takes to repeat the comparison.
    """
    scratch, families = best_scratch(rows), {row.name: row.family for row in rows}
    seeds = max(row.seeds for row in rows)
    note = (
        f"Means over {seeds} seeds ± standard deviation. Losses are in nats per {unit(rows)} over whole splits, the "
        "end of a document not counted. The winner (★) is the lowest validation loss; test has no say in it. "
        f"Differences are to the best network from scratch (○), paired over {resampled(rows)} of the test split and "
        "averaged over seeds; p-values are corrected over all rows (Holm). The n-gram rows chose order and discounts "
        "on validation, as the networks chose their epoch."
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
    learned = {name: runs for name, runs in curves.items() if runs and runs[0]}
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
    report = Report(
        title="Scratch against transfer",
        summary=said,
        tables=[results_table(rows, "Losses of all rows", note, diverged)],
        figures=figures,
        samples=samples_of(samples, f"temperature {temperature}, seed 0, no prompt"),
        facts=facts,
        notices=notices,
    )
    return write_report(folder, report)
