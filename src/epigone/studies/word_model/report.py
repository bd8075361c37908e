"""The page of the study `word-model`: its tables, bits per character, and the curves of the training."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from epigone.report.page import Figure, Report
from epigone.report.plots.interval_bars import IntervalBars, IntervalRow
from epigone.report.plots.line_panels import Line, LinePanels
from epigone.studies.engine.samples import samples_of
from epigone.studies.experiment import Context
from epigone.studies.word_model.analysis import WordFindings
from epigone.studies.word_model.grid import WordModelOptions


def report(context: Context[WordModelOptions], findings: WordFindings) -> Report:
    """Lay out the page."""
    said = []
    for role, rows in findings.measured.items():
        best = min(rows, key=lambda row: row.bits)
        said.append(f"“{role}”: {best.tokenizer} has the lowest test loss, {best.bits:.3f} bits per character")
    return Report(
        title="Words, subwords and characters",
        summary=f"{'; '.join(said)}.",
        tables=findings.tables,
        figures=list(_figures(context, findings)),
        samples=samples_of(findings.samples, "temperature 0.8, seed 0, no prompt"),
    )


def _figures(context: Context[WordModelOptions], findings: WordFindings) -> Iterator[Figure]:
    bars = [
        IntervalRow(row.name, row.bits, row.interval.low, row.interval.high, row.tokenizer)
        for rows in findings.measured.values()
        for row in rows
        if row.interval
    ]
    yield Figure("Bits per character of the test text", IntervalBars(bars, "bits per character"))
    for role, rows in findings.measured.items():
        for kind, unit in (("loss", "nats per token"), ("accuracy", "share of tokens")):
            panels = {row.tokenizer: curves(context.runs[row.name][0].history, kind) for row in rows}
            yield Figure(
                f"{role}: {kind} by epoch",
                LinePanels(panels, "epoch", f"{kind} ({unit})", own_x=True),
                "Seed 0. Losses per token cannot be compared between tokenizers. An unknown word counts as right if "
                "the model expected an unknown word.",
            )


def curves(history: Sequence[Mapping[str, Any]], kind: str) -> list[Line]:
    """Training and validation against the epoch."""
    lines = []
    for part, label in (("train", "training"), ("validation", "validation")):
        rows = [row for row in history if row.get(f"{part}_{kind}") is not None]
        lines.append(Line([row["epoch"] for row in rows], [row[f"{part}_{kind}"] for row in rows], label))
    return lines
