"""Curves, states of units and checked gradients as blocks."""

import shutil
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from epigone.app.blocks import Block, Facts, notices_of
from epigone.report.page import Sample
from epigone.report.plots.characters import draw_lines
from epigone.report.tables import Column, Table, table_of


def gradcheck(result: Any) -> Iterator[Block]:
    errors = {"numerical": "differences", "float64": "float64", "fp32": "fp32", "bf16": "bf16"}
    columns = [
        Column("weight", "weight", align="left"),
        Column("symbol", "symbol", align="left", optional=True),
        Column("entries", "entries"),
        *(Column(key, label, digits=1, notation="scientific") for key, label in errors.items()),
    ]
    note = "Largest relative errors: against numerical differences, then by precision over all backends."
    yield Table("", columns, result.summary(), note)
    if result.options.details:
        yield _gradients(result)
    limits = ", ".join(f"{precision} {limit:.0e}" for precision, limit in result.tolerances.items())
    hint = "" if result.passed or result.options.details else " --details shows each backend."
    yield f"{'All' if result.passed else 'NOT all'} gradients are within their tolerances: {limits}.{hint}"


def _gradients(result: Any) -> Table:
    columns = [
        Column("parameter", "parameter", align="left"),
        Column("backend", "backend", align="left"),
        Column("precision", "precision", align="left"),
        Column("relative_error", "relative error", digits=1, notation="scientific"),
        Column("floor", "floor", digits=1, notation="scientific", optional=True),
        Column("below", "below the floor", optional=True),
        Column("entries", "entries", optional=True),
    ]
    return Table("", columns, [asdict(row) for row in result.rows])


def curves(result: Any) -> Iterator[Block]:
    if not result.out:
        yield Sample("", draw_lines(result.panels(), result.against, shutil.get_terminal_size().columns))
    yield table_of([_end(run, result.against) for run in result.runs])
    yield from notices_of(result.notices)
    yield Facts({"figure": result.out})


def _end(run: Any, against: str) -> dict[str, Any]:
    """The lowest validation loss of a run."""
    best = min(range(len(run.validation)), key=run.validation.__getitem__)
    return {"run": run.name, "best validation": run.validation[best], "unit": run.unit, f"at {against}": run.x[best]}


def look(result: Any) -> Iterator[Block]:
    if not result.out:
        yield from result.shaded()
    columns = [
        Column("name", "unit", align="left"),
        Column("mean", "mean", digits=2),
        Column("deviation", "deviation", digits=2),
        Column("least", "least", digits=2),
        Column("most", "most", digits=2),
    ]
    yield Table("", columns, [_range(unit) for unit in result.units])
    yield from notices_of(result.notices)
    yield Facts({"model": result.model, "tokens": len(result.tokens), "picture": result.out})


def _range(unit: Any) -> dict[str, Any]:
    values = unit.values
    mean = sum(values) / len(values)
    return {"name": unit.name, "mean": mean, "deviation": unit.deviation, "least": min(values), "most": max(values)}


FILLED = "·░▒▓█"


def selection(result: Any) -> Iterator[Block]:
    columns = [
        Column("name", "parameter", align="left"),
        Column("shape", "shape"),
        Column("selected", "learn"),
        Column("share", "share", "%", digits=3, notation="significant"),
        Column("rows", "its rows, from first to last", align="left", optional=True),
    ]
    rows = [
        {
            "name": part.name,
            "shape": " x ".join(map(str, part.shape)),
            "selected": part.selected,
            "share": 100 * part.selected / part.weights,
            "rows": "".join(
                FILLED[-1 if share == 1 else min(3, 1 + int(3 * share)) if share else 0] for share in part.by_rows
            ),
        }
        for part in result.parts
    ]
    gates = f" The rows of a layer are its gates {', '.join(result.gates)}." if len(result.gates) > 1 else ""
    yield Table("", columns, rows, f"{FILLED[0]} none, {FILLED[-1]} all.{gates}")
    share = 100 * result.selected / result.weights
    yield f"{result.selected:,} of {result.weights:,} weights learn ({share:.3g} %)."
    yield Facts({"model": result.model, "selection": result.expression, "picture": result.out})
