"""The tables of the study `which-weights`: gains, and what they cost."""

from collections.abc import Sequence
from typing import Any

from epigone.evaluation.intervals import Difference
from epigone.report.numbers import Interval
from epigone.report.tables import Column, Table
from epigone.studies.which_weights.measured import Measured, OnTargets
from epigone.studies.which_weights.texts import targets, writers

NOTE = (
    "Gains are what the test loss falls by from the untouched base, in nats per token, with 95 % intervals over "
    "documents. Rates were chosen by validation on the targets, which also gives the order."
)

FIRST = (
    Column("name", "what learns", align="left"),
    Column("weights", "weights"),
    Column("rate", "rate", notation="significant", digits=2, optional=True),
    Column("validation_gain", "targets, validation", "nats", signed=True, digits=4),
)
"""The columns that the tables of gains begin with, which go by the order of the last one."""


def gains_table(found: Sequence[Measured], roles: Sequence[str]) -> Table:
    """The gain of each part on the writers together, and on each text."""
    return Table(
        title="What each choice gains",
        columns=[
            *FIRST,
            Column("gain", "writers, test", "nats, 95 %", signed=True, digits=4, best="max"),
            Column("percent", "gain", "%", digits=1),
            Column("to_all", "loss to all", "nats, 95 %", signed=True, digits=4),
            Column("p_holm", "p", "Holm", floor=0.0005),
            *(
                Column(role, role, "nats", signed=True, digits=4, optional=True)
                for role in (*targets(roles), *writers(roles))
            ),
        ],
        rows=[
            {
                **_first(each),
                "group": each.group,
                "gain": _interval(each.gain),
                "percent": each.percent,
                "to_all": None if each.name == "all" else _interval(each.to_all),
                "p_holm": None if each.name == "all" else each.p_holm,
                **{role: difference.estimate for role, difference in each.gains.items()},
            }
            for each in found
        ],
        note=NOTE,
        winner=found[0].name if found else None,
        baseline="all",
    )


def targets_table(found: Sequence[OnTargets], roles: Sequence[str]) -> Table:
    """The gain of the parts that were not judged on the writers."""
    return Table(
        title="What the other choices gain on the targets",
        columns=[
            *FIRST,
            *(Column(role, f"{role}, test", "nats, 95 %", signed=True, digits=4) for role in targets(roles)),
        ],
        rows=[
            _first(each) | {role: _interval(difference) for role, difference in each.gains.items()} for each in found
        ],
        note="These did not learn the writers of the verdict. Rates were chosen on the targets, as above.",
    )


def costs_table(found: Sequence[Measured]) -> Table:
    """The cost of each part: weights, bytes, time, and what the base forgets."""
    return Table(
        title="What each choice costs",
        columns=[
            Column("name", "what learns", align="left"),
            Column("weights", "weights"),
            Column("share", "of all", "%", digits=2),
            Column("kilobytes", "beside the base", "kB", digits=0),
            Column("seconds", "time", "s", digits=1),
            Column("gain", "gain", "nats", signed=True, digits=4),
            Column("forgetting", "forgetting", "nats, 95 %", signed=True, digits=4),
            Column("runs", "runs", optional=True),
        ],
        rows=[
            {
                "name": each.name,
                "weights": each.weights,
                "share": 100 * each.weights / each.of,
                "kilobytes": each.kilobytes,
                "seconds": each.seconds,
                "gain": each.gain.estimate,
                "forgetting": None if each.forgetting is None else _interval(each.forgetting),
                "runs": each.runs,
            }
            for each in found
        ],
        note="Forgetting is the rise of the loss on text like the base's own that it has not read.",
    )


def _first(each: Measured | OnTargets) -> dict[str, Any]:
    return {column.key: getattr(each, column.key) for column in FIRST}


def _interval(difference: Difference) -> Interval:
    return Interval(difference.estimate, difference.low, difference.high)
