"""What every named experiment takes and gives."""

from dataclasses import asdict, dataclass, field
from typing import Any

from epigone.errors import UserError
from epigone.report.tables import Table
from epigone.studies.engine.claims import Claim
from epigone.studies.engine.samples import SampleText


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
