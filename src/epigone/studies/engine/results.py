"""What every named experiment takes and gives."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from epigone.errors import UserError
from epigone.report.tables import Table
from epigone.studies.engine.workspace import SampleText


@dataclass(frozen=True)
class StudyOptions:
    """The size of an experiment."""

    quick: bool = False
    """A trial of a few minutes: every part runs, for a few steps, with two seeds; its figures mean nothing."""
    seeds: int = 5
    """Runs of each row, with different seeds."""
    workers: int = 0
    """Runs at the same time, one thread each; 0 is one for each core."""

    def __post_init__(self) -> None:
        if self.seeds < 2:
            raise UserError(f"An experiment needs at least 2 seeds to show a spread; {self.seeds} was given.")


@dataclass(frozen=True)
class Claim:
    """Something a work claims, and what was found."""

    claim: str
    answer: str
    """yes, no or unclear."""
    evidence: str
    """The figures behind the answer, in nats per character with their 95 % interval."""


@dataclass(frozen=True)
class StudyResult:
    """What came of an experiment; `rows` are its tables' rows with their `table`, losses in nats per token."""

    study: str
    folder: str
    report: str
    rows: list[dict[str, Any]]
    claims: list[Claim]
    notices: list[str]
    """Sentences that the reader must know before believing the figures."""
    samples: list[SampleText]
    seconds: float
    """Of all calls with this folder; one that was killed is not counted."""
    tables: list[Table] = field(default_factory=list)
    """What a terminal shows of `rows`."""

    def figures(self) -> dict[str, Any]:
        """All figures, as JSON has them."""
        return {key: value for key, value in asdict(self).items() if key != "tables"}


def answer(low: float, high: float, *, negative: bool = True) -> str:
    """Whether an interval supports a claim: yes when it lies on the claimed side of zero, no when on the other.

    Args:
        low, high: ends of the interval.
        negative: the claim is that the difference is below zero.
    """
    if not negative:
        low, high = -high, -low
    return "yes" if high < 0 else "no" if low > 0 else "unclear"


def signed(estimate: float, low: float, high: float) -> str:
    """A difference with its interval, as papers write it."""
    return f"{estimate:+.3f} [{low:+.3f}, {high:+.3f}]".replace("-", "\N{MINUS SIGN}")


def mean_of(values: Sequence[float]) -> float:
    """The plain mean."""
    return sum(values) / len(values)
