"""The page of the study `vanilla-rnn`: the loss by epoch, over the run and by place, gradients, and the table."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from epigone.report.page import Figure, Report, Sample, write_report
from epigone.report.plots.line_panels import Line, LinePanels
from epigone.report.plots.loss_curves import LossCurves
from epigone.report.tables import Column, Interval, Table
from epigone.studies.engine.results import StudyResult
from epigone.studies.engine.rows import Row, RowResult
from epigone.studies.engine.samples import samples_of
from epigone.studies.engine.store import Finished
from epigone.studies.engine.tables import spread
from epigone.studies.vanilla_rnn.analysis import Passage, Trace, by_place

PLACES = 200  # points of a line against the place in the book
NEARLY = 0.01  # by which clocks may differ for nothing
SHOWN = 9  # samples of the evolution that the page shows


def report(
    out: Path,
    sums: int,
    rows: Sequence[RowResult],
    runs: Mapping[str, Sequence[Finished]],
    traces: Mapping[str, Sequence[Trace]],
    steps_per_epoch: int,
    passages: Sequence[Passage],
    starts: Sequence[tuple[float, str]],
    evolution: Sequence[Mapping[str, Any]],
    result: StudyResult,
    facts: Mapping[str, Any],
    quick: bool,
) -> Path:
    """Write report.html and report.md.

    Args:
        sums: the number of characters whose losses are added up.
        starts: where documents begin, as a share of an epoch, and their names.
    """
    first = rows[0].name
    trial = "A quick trial: every part ran, but these figures mean nothing. " if quick else ""
    best = min(rows, key=lambda row: row.validation_loss)
    summary = (
        f"{trial}The report's network reads held-out text at {rows[0].loss:.3f} nats per character; "
        f"“{best.name}” at {best.loss:.3f}."
    )
    mine = traces[first][0]
    held_out = [(row["step"], row["validation_loss"] * sums) for row in runs[first][0].history if row["step"]]
    unit = f"loss of {sums} characters (nats)"
    figures = [
        Figure(
            "Smoothed loss, epoch by epoch",
            LinePanels(_by_epoch(mine, steps_per_epoch, sums), "step", unit, own_x=True),
            "L' = 0.999 L' + 0.001 L, seed 0.",
        ),
        Figure(
            "Smoothed loss and held-out loss over the whole run",
            LinePanels(
                {
                    "": [
                        Line(mine["step"], mine["smoothed_loss"] * sums, "smoothed loss of training"),
                        Line([step for step, _ in held_out], [loss for _, loss in held_out], "held-out text", True),
                    ]
                },
                "step",
                unit,
            ),
        ),
        Figure(
            "Loss against the place in the book",
            LinePanels(
                {"": _by_place(traces[first], steps_per_epoch, sums)},
                "part of what is read in an epoch",
                unit,
                marks=[place for place, _ in starts[1:]],
            ),
            f"Epochs overlaid, means of all seeds: what is high in each of them is hard.{_documents(starts)}",
        ),
        Figure(
            "Norm of the gradient",
            LinePanels(
                {
                    name: [
                        Line(t["step"], t["largest_gradient_norm"], "largest of the steps since the last point"),
                        Line(t["step"], t["gradient_norm"], "their mean"),
                    ]
                    for name, (t, *_) in list(traces.items())[:2]
                },
                "step",
                "norm before clipping",
                y_scale="log",
                x_scale="log",
            ),
            "Seed 0, of the loss summed over a sequence.",
        ),
        Figure(
            "Loss against epoch, all networks",
            LossCurves(
                {row.name: [run.history for run in runs[row.name]] for row in rows}, {r.name: r.family for r in rows}
            ),
        ),
    ]
    shown = sorted({int(i) for i in np.geomspace(1, max(1, len(evolution)), SHOWN)})
    samples = [
        Sample(
            f"After {line['step']:,} steps",
            line["text"],
            settings=f"epoch {line['epoch']:.2f}, smoothed loss {line['summed_loss']:.1f}",
        )
        for line in (evolution[i - 1] for i in shown if i <= len(evolution))
    ]
    return write_report(
        out,
        Report(
            title="A vanilla RNN with AdaGrad, and what each change bought",
            summary=summary,
            tables=[claims_table(result), *result.tables, passages_table(passages)],
            figures=figures,
            samples=[*samples_of(result.samples, "temperature 1, seed 0, no prompt"), *samples],
            facts=facts,
            notices=result.notices,
        ),
    )


def _documents(starts: Sequence[tuple[float, str]]) -> str:
    """What stands between the rules of the figure."""
    return f" Between the dashed rules: {', '.join(name for _, name in starts)}." if starts else ""


def claims_table(result: StudyResult) -> Table:
    """What the report argues."""
    return Table(
        title="What the report argues",
        columns=[
            Column("claim", "claim", align="left"),
            Column("answer", "answer", align="left"),
            Column("evidence", "evidence", align="left"),
        ],
        rows=[asdict(claim) for claim in result.claims],
    )


def changes_table(rows: Sequence[RowResult], diverged: Sequence[Row], runs: Mapping[str, Sequence[Finished]]) -> Table:
    """Each network beside the report's, after as many epochs and after as long a time."""
    # Of the quickest seed: what else the machine did only ever adds.
    seconds = {row.name: min(run.learning_seconds for run in runs[row.name]) for row in rows}
    limit = seconds[rows[0].name]
    lines: list[dict[str, Any]] = [
        {
            "name": row.name,
            "family": row.family,
            "validation": spread(row, "validation_loss"),
            "in time": float(np.mean([loss_within(run, limit / seconds[row.name]) for run in runs[row.name]])),
            "test": spread(row, "loss"),
            "difference": row.difference and Interval(row.difference.estimate, row.difference.low, row.difference.high),
            "accuracy": row.accuracy and 100 * row.accuracy,
            "weights": row.trained_parameters,
            "seconds": seconds[row.name],
        }
        for row in rows
    ]
    lines += [{"name": row.name, "family": row.family, "validation": "diverged"} for row in diverged]
    return Table(
        title="What each change bought",
        columns=[
            Column("name", "network", align="left"),
            Column("validation", "validation", "nats", best="min"),
            Column("in time", "in the report's time", "nats", best="min"),
            Column("test", "test", "nats", best="min"),
            Column("difference", "to the report's", "nats, 95 %", signed=True),
            Column("accuracy", "accuracy", "%", digits=1, best="max", optional=True),
            Column("weights", "weights", optional=True),
            Column("seconds", "quickest seed", "s", digits=0, optional=True),
        ],
        rows=lines,
        baseline=rows[0].name,
        group="family",
        note=f"Nats per character, {rows[0].seeds} seeds; units of the other cells are as many as give about the same "
        f"number of weights. “In the report's time” is the best validation within {limit:.0f} s of learning. The rate "
        "of Adam is the best of three on validation after an epoch.",
    )


def loss_within(run: Finished, share: float) -> float:
    """The best validation loss of a run until this share of its steps, or all of them."""
    most = (share + NEARLY) * run.history[-1]["step"]
    return min(row["validation_loss"] for row in run.history if row["step"] <= most)


def passages_table(passages: Sequence[Passage]) -> Table:
    """Where the book is hard."""
    return Table(
        title="The hardest passages",
        columns=[
            Column("document", "in", align="left"),
            Column("place", "where", "% of it", digits=1),
            Column("loss", "loss", "nats/char"),
            Column("above", "above the average", "nats/char", signed=True),
            Column("text", "begins with", align="left"),
        ],
        rows=[
            {
                "document": p.document,
                "place": 100 * p.place,
                "loss": p.loss,
                "above": p.loss - p.average,
                "text": " ".join(p.text.split()),
            }
            for p in passages
        ],
        note="Means of all seeds over the epochs after the first, where there are more than one.",
    )


def _by_epoch(trace: Trace, steps_per_epoch: int, sums: int) -> dict[str, list[Line]]:
    panels: dict[str, list[Line]] = {}
    for epoch in range(int(np.ceil(trace["step"][-1] / steps_per_epoch))):
        here = (trace["step"] > epoch * steps_per_epoch) & (trace["step"] <= (epoch + 1) * steps_per_epoch)
        panels[f"epoch {epoch + 1}"] = [Line(trace["step"][here], trace["smoothed_loss"][here] * sums)]
    return panels


def _by_place(traces: Sequence[Trace], steps_per_epoch: int, sums: int) -> list[Line]:
    parts = [by_place(trace, steps_per_epoch) for trace in traces]
    epoch, place, loss = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    places = min(PLACES, max(1, int((epoch == 0).sum() / len(parts))))
    lines = []
    for each in np.unique(epoch):
        index = np.minimum((place[epoch == each] * places).astype(int), places - 1)
        number = np.bincount(index, minlength=places)
        mean = np.bincount(index, loss[epoch == each], places) / np.maximum(number, 1)
        seen = number > 0
        x = (np.arange(places)[seen] + 0.5) / places
        lines.append(Line(x, mean[seen] * sums, f"epoch {int(each) + 1}"))
    return lines
