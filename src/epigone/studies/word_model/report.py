"""The page of the study `word-model`: tokenizers side by side, windows, next words, and the curves of the training."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from epigone.report.page import Figure, Report, write_report
from epigone.report.plots.interval_bars import IntervalBars, IntervalRow
from epigone.report.plots.line_panels import Line, LinePanels
from epigone.report.tables import Column, Interval, Spread, Table
from epigone.studies.engine.results import StudyResult
from epigone.studies.engine.samples import samples_of
from epigone.studies.engine.store import Finished
from epigone.studies.word_model.analysis import Measured, Window


def report(
    out: Path,
    tables: Mapping[str, Sequence[Measured]],
    runs: Mapping[str, Sequence[Finished]],
    result: StudyResult,
    facts: Mapping[str, Any],
    quick: bool,
) -> Path:
    """Write report.html and report.md."""
    trial = "A quick trial: every part ran, but these figures mean nothing. " if quick else ""
    said = []
    for role, rows in tables.items():
        best = min(rows, key=lambda row: row.bits)
        said.append(f"{role}: {best.tokenizer} reads it best, at {best.bits:.3f} bits per character")
    bars = [
        IntervalRow(row.name, row.bits, row.interval.low, row.interval.high, row.tokenizer)
        for rows in tables.values()
        for row in rows
        if row.interval
    ]
    figures = [Figure("Bits per character of the test text", IntervalBars(bars, "bits per character"))]
    for role, rows in tables.items():
        for kind, unit in (("loss", "nats per token"), ("accuracy", "share of tokens")):
            panels = {row.tokenizer: curves(runs[row.name][0].history, kind) for row in rows}
            figures.append(
                Figure(
                    f"{role}: {kind} by epoch",
                    LinePanels(panels, "epoch", f"{kind} ({unit})", own_x=True),
                    "Seed 0. Per token, so the panels cannot be compared with each other; an unknown word that was "
                    "expected to be one counts as right.",
                )
            )
    return write_report(
        out,
        Report(
            title="Words, subwords and characters",
            summary=f"{trial}{'; '.join(said)}.",
            tables=result.tables,
            figures=figures,
            samples=samples_of(result.samples, "temperature 0.8, seed 0, no prompt"),
            facts=facts,
            notices=result.notices,
        ),
    )


def curves(history: Sequence[Mapping[str, Any]], kind: str) -> list[Line]:
    """Training and validation against the epoch."""
    lines = []
    for part, label in (("train", "training"), ("validation", "validation")):
        rows = [row for row in history if row.get(f"{part}_{kind}") is not None]
        lines.append(Line([row["epoch"] for row in rows], [row[f"{part}_{kind}"] for row in rows], label))
    return lines


def tokenizers_table(role: str, rows: Sequence[Measured]) -> Table:
    """Networks of one size, by what a token is."""
    return Table(
        title=f"{role}: characters, words and subwords",
        columns=[
            Column("name", "tokenizer", align="left"),
            Column("bits", "test", "bits/char", best="min"),
            Column("interval", "95 %", "bits/char", optional=True),
            Column("difference", "to characters", "bits/char, 95 %", signed=True),
            Column("unknown", "of it spelling", "bits/char"),
            Column("vocabulary", "tokens"),
            Column("units", "units", optional=True),
            Column("weights", "weights", optional=True),
            Column("loss", "test", "nats/token", optional=True),
            Column("seconds", "time", "s", digits=1, optional=True),
        ],
        rows=[
            {
                "name": row.tokenizer,
                "family": row.tokenizer,
                "bits": Spread(row.bits, row.deviation),
                "interval": f"{row.interval.low:.3f}–{row.interval.high:.3f}" if row.interval else None,
                "difference": Interval(row.difference.estimate, row.difference.low, row.difference.high)
                if row.difference
                else None,
                "unknown": row.unknown,
                "vocabulary": row.vocabulary,
                "units": row.units,
                "weights": row.weights,
                "loss": row.loss,
                "seconds": row.seconds,
            }
            for row in rows
        ],
        note=f"Means over {rows[0].seeds} seeds ± standard deviation; intervals over blocks of 2,000 characters. Nats "
        "per token cannot be compared between tokenizers: bits per character of the original text can. Unknown words "
        "count with what spelling them costs.",
    )


def windows_table(role: str, lines: Sequence[Window]) -> Table:
    """The same network in the same time, by what a step reads."""
    return Table(
        title=f"{role}: beginnings of sentences beside the stream",
        columns=[
            Column("name", "a step reads", align="left"),
            Column("speed", "words a second"),
            Column("epochs", "epochs", digits=2),
            Column("steps", "steps"),
            Column("loss", "validation", "nats/word", best="min"),
            Column("sentences", "each sentence alone", "nats/word", best="min"),
            Column("seconds", "time", "s", digits=1, optional=True),
        ],
        rows=[
            {
                "name": line.name,
                "speed": f"{line.tokens_per_second:,.0f}",
                "epochs": line.epochs,
                "steps": line.steps,
                "loss": line.validation_loss,
                "sentences": line.sentence_loss,
                "seconds": line.seconds,
            }
            for line in lines
        ],
        note="The word model of seed 0, in the time that the stream took until it stopped. Prefixes: every beginning "
        "of every sentence predicts one word, and each word is read again for each word that follows it in its "
        "sentence. Stream: the text is read once an epoch, and every word is predicted on the way. Validation is of "
        "the whole text, by which the stream's weights are chosen, and of each sentence without what stands before it, "
        "by which those of prefixes are. Validations count in the time, not in the words a second.",
    )


def next_table(predicted: Sequence[Mapping[str, Any]]) -> Table:
    """What the word models expect after some beginnings of test sentences."""
    return Table(
        title="The likeliest next words",
        columns=[
            Column("text", "text", align="left"),
            Column("prompt", "after", align="left"),
            Column("next", "the model expects", align="left"),
            Column("wrote", "the author wrote", align="left"),
        ],
        rows=[dict(line) | {"next": ", ".join(line["next"])} for line in predicted],
        note="The beginnings are of lines of the test text, and the model has read what stands before them.",
    )
