"""The page of the study `vanilla-rnn`: the loss by epoch, over the run and by place, gradients, and the tables."""

from collections.abc import Iterator, Sequence

import numpy as np

from epigone.report.page import Figure, Report, Sample
from epigone.report.plots.line_panels import Line, LinePanels
from epigone.report.plots.loss_curves import LossCurves
from epigone.report.tables import Column, Table
from epigone.studies.engine.claims import claims_table
from epigone.studies.engine.samples import samples_of
from epigone.studies.experiment import Context
from epigone.studies.vanilla_rnn.analysis import Passage, Trace, VanillaFindings, by_place, document_starts
from epigone.studies.vanilla_rnn.grid import VanillaRnnOptions

PLACES = 200  # points of a line against the place in the book
SHOWN = 9  # samples of the evolution on the page


def report(context: Context[VanillaRnnOptions], findings: VanillaFindings) -> Report:
    """Lay out the page."""
    rows, evolution = findings.table, findings.evolution
    best = min(rows, key=lambda row: row.validation_loss)
    shown = sorted({int(i) for i in np.geomspace(1, max(1, len(evolution)), SHOWN)})
    samples = [
        Sample(
            f"After {line['step']:,} steps",
            line["text"],
            settings=f"epoch {line['epoch']:.2f}, smoothed loss {line['summed_loss']:.1f}",
        )
        for line in (evolution[i - 1] for i in shown if i <= len(evolution))
    ]
    return Report(
        title="A vanilla RNN with AdaGrad, and what each change bought",
        summary=(
            f"The test loss of the report's network is {rows[0].loss:.3f} nats per character; that of “{best.name}”, "
            f"the best on validation, is {best.loss:.3f}."
        ),
        tables=[
            claims_table("The report's claims", findings.claims, ""),
            *findings.tables,
            passages_table(findings.passages),
        ],
        figures=list(_figures(context, findings)),
        samples=[*samples_of(findings.samples, "temperature 1, seed 0, no prompt"), *samples],
    )


def _figures(context: Context[VanillaRnnOptions], findings: VanillaFindings) -> Iterator[Figure]:
    traces, first = findings.traces, findings.table[0].name
    sums, steps_per_epoch = context.options.sequence_length, findings.book.steps_per_epoch
    starts, mine = document_starts(findings.book.documents), traces[first][0]
    held_out = [(row["step"], row["validation_loss"] * sums) for row in context.runs[first][0].history if row["step"]]
    unit = f"loss of {sums} characters (nats)"
    yield Figure(
        "Smoothed loss, epoch by epoch",
        LinePanels(_by_epoch(mine, steps_per_epoch, sums), "step", unit, own_x=True),
        "Seed 0. A running mean of the losses of single steps, in which each counts 0.999 times as much as the next.",
    )
    lines = [
        Line(mine["step"], mine["smoothed_loss"] * sums, "smoothed loss of training"),
        Line([step for step, _ in held_out], [loss for _, loss in held_out], "held-out text", True),
    ]
    yield Figure("Smoothed loss and held-out loss over the whole run", LinePanels({"": lines}, "step", unit))
    yield Figure(
        "Loss against the place in the book",
        LinePanels(
            {"": _by_place(traces[first], steps_per_epoch, sums)},
            "part of an epoch",
            unit,
            marks=[place for place, _ in starts[1:]],
        ),
        "A line for each epoch, the mean of all seeds: a place that is high in every epoch is hard."
        + _documents(starts),
    )
    norms = {
        name: [
            Line(trace["step"], trace["largest_gradient_norm"], "largest of the steps since the last point"),
            Line(trace["step"], trace["gradient_norm"], "their mean"),
        ]
        for name, (trace, *_) in list(traces.items())[:2]
    }
    yield Figure(
        "Norm of the gradient",
        LinePanels(norms, "step", "norm before clipping", y_scale="log", x_scale="log"),
        "Seed 0, of the loss summed over a sequence.",
    )
    families = {row.name: row.family for row in context.rows}
    yield Figure("Loss against epoch, all networks", LossCurves(context.curves(context.rows), families))


def _documents(starts: Sequence[tuple[float, str]]) -> str:
    """The caption's words on the rules between documents."""
    return f" Dashed lines separate {', '.join(name for _, name in starts)}." if starts else ""


def passages_table(passages: Sequence[Passage]) -> Table:
    """The hardest passages of the book."""
    return Table(
        title="The hardest passages",
        columns=[
            Column("document", "in", align="left"),
            Column("place_percent", "where", "% of it", digits=1),
            Column("loss", "loss", "nats/char"),
            Column("above_average", "above the average", "nats/char", signed=True),
            Column("text", "begins with", align="left"),
        ],
        rows=[
            {
                "document": p.document,
                "place_percent": 100 * p.place,
                "loss": p.loss,
                "above_average": p.loss - p.average,
                "text": " ".join(p.text.split()),
            }
            for p in passages
        ],
        note="Means over all seeds and over the epochs after the first, or over the only epoch.",
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
