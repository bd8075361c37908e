"""The table of the study `stacked-lstm` in the paper's form."""

from collections.abc import Iterator, Sequence
from typing import Any

from epigone.report.tables import Column, Table
from epigone.studies.engine.rows import Row, RowResult, labelled
from epigone.studies.engine.tables import spread
from epigone.studies.stacked_lstm.grid import SOURCES, StackedLabels, part_in_words, rate_in_words

# Validation and test loss in nats per character, as the paper prints them (Beatles lyrics, thirds by song).
PAPER: list[tuple[dict[str, Any], tuple[float, float]]] = [
    ({"family": "scratch", "num_layers": 2, "dropout": 0.2}, (1.039, 1.179)),
    ({"family": "transfer", "base": "far", "layers": [0, 2]}, (0.954, 1.090)),
    ({"family": "transfer", "base": "near", "layers": [2]}, (0.813, 0.946)),
]


def paper_table(recipe: str, rows: Sequence[RowResult], diverged: Sequence[Row] = ()) -> Table:
    """The paper's form: a line for each selection and rate, with validation and test loss from far and from near.

    Args:
        recipe: the name of the recipe.
        rows: its rows, and those that need none.
        diverged: rows of the recipe that have no figures.
    """
    columns = [Column("layers", "retrained", align="left")]
    for role in SOURCES:
        columns += [
            Column(f"{role} validation", f"{role}: validation", "nats", best="min"),
            Column(f"{role} test", f"{role}: test", "nats", best="min"),
            Column(f"{role} paper", f"{role}: paper", "val / test", optional=True),
        ]
    return Table(
        title=f"Recipe “{recipe}”, in the paper's form",
        columns=columns,
        rows=list(_lines([*rows, *diverged])),
        group="family",
        note="Rows without a source are in the columns of near. The paper's numbers are for another target (Beatles "
        "lyrics), so only their pattern can be compared.",
    )


def _lines(rows: Sequence[RowResult | Row]) -> Iterator[dict[str, Any]]:
    for row in rows:
        if row.family in ("scratch", "n-gram"):
            yield {"layers": StackedLabels(row.labels).words, "family": row.family} | _cells("near", row)
    yield _line("untouched", labelled(rows, family="base"))
    retrained = labelled(rows, family="transfer")
    parts = {row.labels["selection"]: row.labels.get("layers") for row in retrained}
    rates = sorted({row.labels["rate"] for row in retrained}, reverse=True)
    for selection in sorted(parts, key=lambda part: (parts[part] is None, len(parts[part] or ()), parts[part] or ())):
        for rate in rates:
            if line := labelled(retrained, selection=selection, rate=rate):
                yield _line(f"{part_in_words(line[0].labels)}, {rate_in_words(rate)}", line)


def _line(name: str, rows: Sequence[RowResult | Row]) -> dict[str, Any]:
    """A line for one selection: its row from each source."""
    line: dict[str, Any] = {"layers": name, "family": "transfer"}
    for row in rows:
        line |= _cells(row.labels["base"], row)
    return line


def _cells(role: str, row: RowResult | Row) -> dict[str, Any]:
    paper = next((losses for labels, losses in PAPER if labelled([row], **labels)), None)
    losses = (spread(row, "validation_loss"), spread(row, "loss")) if isinstance(row, RowResult) else ("diverged", None)
    return {
        f"{role} validation": losses[0],
        f"{role} test": losses[1],
        f"{role} paper": f"{paper[0]:.3f} / {paper[1]:.3f}" if paper else None,
    }
