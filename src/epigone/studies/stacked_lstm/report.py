"""The page of the study `stacked-lstm`: its tables beside the paper's numbers, and its figures."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from epigone.report.page import Figure, Report, write_report
from epigone.report.plots.interval_bars import IntervalBars, IntervalRow
from epigone.report.plots.loss_curves import LossCurves
from epigone.report.tables import Column, Interval, Table
from epigone.studies.engine.claims import Claim
from epigone.studies.engine.jobs import Base
from epigone.studies.engine.results import StudyResult
from epigone.studies.engine.rows import Row, RowResult
from epigone.studies.engine.samples import samples_of
from epigone.studies.engine.store import Finished
from epigone.studies.engine.tables import results_table, spread
from epigone.studies.stacked_lstm.analysis import PAIRS, SINGLES, Runs

# Validation and test loss in nats per character, as the paper prints them (Beatles lyrics, thirds by song).
PAPER = {
    "scratch, 2 layers, dropout 0.2": (1.039, 1.179),
    "far, layers 0+2": (0.954, 1.090),
    "near, layers 2": (0.813, 0.946),
}


def paper_table(name: str, rows: Sequence[RowResult], diverged: Sequence[Row] = ()) -> Table:
    """The paper's form: one line a subset of layers, validation and test, from far and from near."""
    by_name = {row.name.removeprefix(f"{name}: "): row for row in rows}
    families = {key: row.family for key, row in by_name.items()}
    families |= {row.name.removeprefix(f"{name}: "): row.family for row in diverged}
    rates = sorted(
        {key.split(", ")[2] for key, family in families.items() if family == "transfer" and key.count(", ") == 2}
    ) or [""]
    lines: list[dict[str, Any]] = []
    for key, family in families.items():
        if family in ("scratch", "n-gram"):
            lines.append({"layers": key, "family": family} | _cells("near", by_name.get(key), PAPER.get(key)))
    for layers in ("untouched", *(f"layers {s}" for s in (*SINGLES, *PAIRS, "0+1+2"))):
        for rate in rates if layers != "untouched" else [""]:
            line: dict[str, Any] = {"layers": layers + (f", {rate}" if rate else ""), "family": "transfer"}
            for role in ("far", "near"):
                key = f"{role}, {layers}" + (f", {rate}" if rate else "")
                line |= _cells(role, by_name.get(key), PAPER.get(f"{role}, {layers}"))
            lines.append(line)
    columns = [Column("layers", "retrained", align="left")]
    for role in ("far", "near"):
        columns += [
            Column(f"{role} validation", f"{role}: validation", "nats", best="min"),
            Column(f"{role} test", f"{role}: test", "nats", best="min"),
            Column(f"{role} paper", f"{role}: paper", "val / test", optional=True),
        ]
    return Table(
        title=f"Recipe “{name}”, in the paper's form",
        columns=columns,
        rows=lines,
        group="family",
        note="Rows that need no source stand in the columns of near. The paper's numbers are for another target "
        "(Beatles lyrics), so only their pattern can be compared.",
    )


def of_recipe(name: str, rows: Sequence[Row]) -> list[Row]:
    """The rows that belong to a recipe alone."""
    return [row for row in rows if row.name.startswith(f"{name}: ")]


def _cells(role: str, row: RowResult | None, paper: tuple[float, float] | None) -> dict[str, Any]:
    return {
        f"{role} validation": spread(row, "validation_loss") if row else "diverged",
        f"{role} test": spread(row, "loss") if row else None,
        f"{role} paper": f"{paper[0]:.3f} / {paper[1]:.3f}" if paper else None,
    }


def claims_table(found: Sequence[Claim]) -> Table:
    """The claims with their answers."""
    return Table(
        title="The paper's claims",
        columns=[
            Column("claim", "claim", align="left"),
            Column("answer", "answer", align="left"),
            Column("evidence", "evidence (nats per character, 95 % interval)", align="left"),
        ],
        rows=[asdict(claim) for claim in found],
    )


def report(
    out: Path,
    tables: Mapping[str, Sequence[RowResult]],
    diverged: Sequence[Row],
    runs: Runs,
    bases: Mapping[tuple[str, str], tuple[Base, Finished]],
    result: StudyResult,
    splits: Mapping[str, Sequence[RowResult | None]],
    facts: Mapping[str, Any],
    quick: bool,
) -> Path:
    """Write report.html and report.md."""
    found: list[Table] = [claims_table(result.claims)]
    figures: list[Figure] = []
    for (name, rows), short in zip(tables.items(), result.tables, strict=True):
        title = f"Recipe “{name}”, all figures"
        found += [short, results_table(rows, title, diverged=of_recipe(name, diverged))]
        bars = [IntervalRow(r.name, r.loss, r.interval.low, r.interval.high, r.family) for r in rows if r.interval]
        figures.append(Figure(f"Test loss, recipe “{name}”", IntervalBars(bars, "test loss (nats per character)")))
    curves = {
        name: [run.history for run in runs[name]]
        for rows in tables.values()
        for name in [r.name for r in rows if r.family in ("scratch", "transfer")]
    }
    families = {row.name: row.family for rows in tables.values() for row in rows}
    figures.append(Figure("Loss against epoch", LossCurves(curves, families)))
    pretraining = {f"{recipe}: {role}": [run.history] for (recipe, role), (_, run) in bases.items()}
    figures.append(Figure("Pretraining of the bases, on their own text", LossCurves(pretraining)))
    found.append(
        Table(
            title="Five splits of the target",
            columns=[
                Column("name", "row", align="left"),
                Column("split", "split"),
                Column("validation", "validation", "nats"),
                Column("test", "test", "nats"),
                Column("difference", "to scratch", "nats, 95 %", signed=True),
            ],
            rows=[_on_split(name, seed, row) for name, results in splits.items() for seed, row in enumerate(results)],
        )
    )
    trial = "A quick trial: every part ran, but these figures mean nothing. " if quick else ""
    held = sum(claim.answer == "yes" for claim in result.claims)
    return write_report(
        out,
        Report(
            title="Which layers of a pretrained LSTM to retrain",
            summary=f"{trial}{held} of the paper's {len(result.claims)} claims hold here.",
            tables=found,
            figures=figures,
            samples=samples_of(result.samples, "temperature 0.8, seed 0, no prompt"),
            facts=facts,
            notices=result.notices,
        ),
    )


def _on_split(name: str, seed: int, row: RowResult | None) -> dict[str, Any]:
    if row is None:
        return {"name": name, "split": seed, "validation": "diverged"}
    d = row.difference
    return {
        "name": name,
        "split": seed,
        "validation": spread(row, "validation_loss"),
        "test": spread(row, "loss"),
        "difference": d and Interval(d.estimate, d.low, d.high),
    }
