"""Probed units as blocks."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from epigone.app.blocks import Block, Facts, notices_of
from epigone.report.numbers import Interval
from epigone.report.tables import Column, Table


def recording(result: Any) -> Iterator[Block]:
    columns = [Column("name", "recorded", align="left"), Column("units", "units"), Column("file", "file", align="left")]
    yield Table("", columns, [asdict(vector) for vector in result.vectors])
    yield Facts(
        {
            "model": result.model,
            "text": f"{result.tokens:,} tokens in {result.documents:,} documents",
            "arrays": f"{result.dtype}, time first, {result.megabytes:,.1f} MB",
            "folder": result.folder,
            "time": f"{result.seconds:.1f} s",
        }
    )


def probing(result: Any) -> Iterator[Block]:
    columns = [
        Column("property", "property", align="left"),
        Column("unit", "best unit", align="left"),
        Column("accuracy", "its accuracy", notation="percent", digits=1),
        Column("selectivity", "above control", notation="percent", digits=1),
        Column("correlation", "correlation", digits=2, optional=True),
        Column("mutual_information", "bits", digits=3, optional=True),
        Column("all_units", "all units", notation="percent", digits=1),
        Column("sparse", "used", optional=True),
    ]
    read = [row for row in result.rows if row.change is None]
    if read:
        note = (
            "Balanced accuracy on held-out documents, where 50 % is chance; of all units of a layer by a sparse probe."
        )
        yield Table("", columns, [_read(row) for row in read], note)
    changed = [asdict(row) for row in result.rows if row.change is not None]
    if changed:
        columns = [
            Column("property", "change of the text", align="left"),
            Column("unit", "unit that moves most", align="left"),
            Column("change", "standard deviations", digits=2),
            Column("half_life", "tokens to half of it"),
        ]
        yield Table("", columns, changed)
    if result.causal:
        columns = [
            Column("property", "property", align="left"),
            Column("unit", "unit", align="left"),
            Column("accuracy", "read", notation="percent", digits=1, optional=True),
            Column("rise", "loss rises", digits=4, optional=True),
            Column("rise_random", "random", digits=4, optional=True),
            Column("high", "held high", digits=3),
            Column("low", "low", digits=3),
            Column("difference_random", "random", digits=3, optional=True),
            Column("judge", "judge", digits=2, optional=True),
            Column("agree", "agree", align="left"),
        ]
        note = (
            "Nats per token by which the loss rises with the unit at its mean, beside the largest rise for 20 random "
            "units; how much of the property texts have that are written with it held high and low, beside the largest "
            "difference for 5 random units. A unit carries a property only if all three tests agree."
        )
        yield Table("", columns, [_tested(row) for row in result.causal], note)
    yield from notices_of(result.notices)
    yield Facts(
        {
            "model": result.model,
            "first units": ", ".join(result.first),
            "last units": ", ".join(result.last),
            "ranking": f"{result.ranking} of {result.units:,} units",
            "page": result.page,
            "time": f"{result.seconds:.1f} s",
            "next": f"epigone look {result.model} --text WORDS --unit {result.rows[0].unit!r}",
        }
    )


def _tested(row: Any) -> dict[str, Any]:
    tests = {"reading": row.reads, "ablating": row.ablates, "clamping": row.clamps}
    agree = [name for name, passed in tests.items() if passed]
    said = "all: it carries it" if row.carries else ", ".join(agree) or "none"
    low, rise, high = row.rise
    return asdict(row) | {"rise": Interval(rise, low, high), "agree": said}


def _read(row: Any) -> dict[str, Any]:
    accuracy = Interval(row.accuracy, *row.interval)
    return asdict(row) | {"accuracy": accuracy}
