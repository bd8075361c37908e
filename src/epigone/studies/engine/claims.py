"""Claims of a work, and the answers that a study finds."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from epigone.report.numbers import Interval, NumberStyle, format_measure
from epigone.report.tables import Column, Table


@dataclass(frozen=True)
class Claim:
    """A claim of a work, and the answer of the study."""

    claim: str
    answer: str
    """yes, no or unclear."""
    evidence: str
    """The figures behind the answer, in nats per character with their 95 % interval."""


def answer(low: float, high: float, *, negative: bool = True) -> str:
    """Answer a claim by an interval: yes if it is on the claimed side of zero, no if on the other, else unclear.

    Args:
        low, high: ends of the interval.
        negative: the claim says that the difference is below zero.
    """
    if not negative:
        low, high = -high, -low
    return "yes" if high < 0 else "no" if low > 0 else "unclear"


def signed(estimate: float, low: float, high: float) -> str:
    """A difference with its interval, as papers write it."""
    return format_measure(Interval(estimate, low, high), NumberStyle(signed=True))


def mean_of(values: Sequence[float]) -> float:
    """The arithmetic mean."""
    return sum(values) / len(values)


def claims_table(title: str, claims: Sequence[Claim], evidence: str = " (nats per character, 95 % interval)") -> Table:
    """A table of claims with their answers; `evidence` names the unit of the figures."""
    return Table(
        title=title,
        columns=[
            Column("claim", "claim", align="left"),
            Column("answer", "answer", align="left"),
            Column("evidence", f"evidence{evidence}", align="left"),
        ],
        rows=[asdict(claim) for claim in claims],
    )
