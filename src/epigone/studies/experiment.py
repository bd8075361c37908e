"""An experiment: the declaration of a study, the context its parts share, and its result."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from epigone.errors import UserError, check_options
from epigone.evaluation.memorisation import Fingerprint
from epigone.models.config import ModelOptions
from epigone.report.page import Report, Sample
from epigone.report.tables import Table
from epigone.results import Shown
from epigone.studies.engine.claims import Claim
from epigone.studies.engine.executor import MOST_WORKERS, Executor
from epigone.studies.engine.jobs import Text
from epigone.studies.engine.plan import Stage
from epigone.studies.engine.rows import Row, run_rows
from epigone.studies.engine.samples import SampleText, sample_text
from epigone.studies.engine.search import MOST_SEEDS, SearchOptions, best_from_scratch
from epigone.studies.engine.store import Finished
from epigone.studies.engine.workspace import best_run
from epigone.text.readers.registry import ReadOptions
from epigone.training.listeners.monitor import Monitor
from epigone.typed import typed


@dataclass(frozen=True)
@typed
class StudyOptions:
    """The size of an experiment."""

    quick: bool = False
    """A trial of a few minutes: every part runs for a few steps with two seeds. Its figures mean nothing."""
    seeds: int = 5
    """Runs of each row, with different seeds."""
    workers: int = 0
    """Runs at the same time, one thread each; 0 is one for each core."""

    def __post_init__(self) -> None:
        check_options(self, "be 0 or more", lambda value: value >= 0, "workers", most=MOST_WORKERS)
        if self.seeds < 2:
            raise UserError(f"An experiment needs at least 2 seeds to show a spread; {self.seeds} was given.")
        check_options(self, "be 2 or more", lambda value: value >= 2, "seeds", most=MOST_SEEDS)


@dataclass(frozen=True)
class NoOptions:
    """No options of its own."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The outcome of an analysis; a study adds fields for its report."""

    rows: list[dict[str, Any]]
    """Rows of all tables, each with the name of its `table`; losses in nats per token."""
    claims: list[Claim] = field(default_factory=list)
    samples: list[SampleText] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    """Tables for the terminal."""
    texts: list[Sample] = field(default_factory=list)
    """Texts for the terminal, printed in full."""
    facts: dict[str, Any] = field(default_factory=dict)
    """Facts needed to repeat the runs, beside the texts, the study's options and the machine."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Further keys of the result file."""
    pages: dict[str, str] = field(default_factory=dict)
    """Further files of the folder, by name."""


class Source(Protocol):
    """Anything that a study runs on, such as a `Text`; it is read from files that it names."""

    def summary(self) -> dict[str, Any]:
        """How it was read, its size and its hash, for study.json."""
        ...

    def notices(self, tokenizer: str = "") -> list[str]:
        """Sentences on what was left out in reading, and by the tokenizer of this name if there is one."""
        ...

    def facts(self) -> dict[str, Any]:
        """Facts needed to read it again."""
        ...


class Result(Protocol):
    """The returned value of an experiment."""

    def figures(self) -> dict[str, Any]:
        """All figures, as JSON has them."""
        ...


@dataclass(frozen=True)
class StudyResult(Shown):
    """The result of a study; losses of `rows` are in nats per token."""

    study: str
    folder: str
    report: str
    """The path of report.html."""
    rows: list[dict[str, Any]]
    """Rows of all tables, each with the name of its `table` and, if it was run, its `labels`."""
    claims: list[Claim]
    notices: list[str]
    """Sentences that the reader must know before believing the figures."""
    samples: list[SampleText]
    seconds: float
    """Seconds of all calls with this folder, except calls that were killed."""
    tables: list[Table] = field(default_factory=list)
    """Tables for the terminal."""
    texts: list[Sample] = field(default_factory=list)
    """Texts for the terminal, printed in full."""

    def figures(self) -> dict[str, Any]:
        """All figures, as JSON has them."""
        return {key: value for key, value in asdict(self).items() if key not in ("tables", "texts")}


O = TypeVar("O")  # noqa: E741  (a study's own options)
F = TypeVar("F", bound=Findings)


@dataclass(kw_only=True)
class Context(Generic[O]):
    """Everything the parts of an experiment share while it runs."""

    out: Path
    sources: dict[str, Source]
    """What the study runs on, by role."""
    options: O
    """The study's own options."""
    seeds: range
    quick: bool = False
    tokenizer: str = ""
    """The tokenizer whose notices on the texts are collected; empty for none."""
    notices: list[str] = field(default_factory=list)
    command: str = ""
    """The command line that repeats the experiment."""
    monitor: Monitor = field(default_factory=Monitor)
    pool: Executor = field(default_factory=Executor)
    runs: dict[str, list[Finished]] = field(default_factory=dict)
    """All finished runs by the name of their row, one a seed."""
    ran: list[Row] = field(default_factory=list)
    """The rows of all stages."""
    table: list[Row] = field(default_factory=list)
    """The rows of the tables in their order, once all have run."""
    rows: list[Row] = field(default_factory=list)
    """Those of `table` that finished with every seed."""
    diverged: list[Row] = field(default_factory=list)
    """Those of `table` that diverged with a seed."""

    @property
    def texts(self) -> dict[str, Text]:
        """Those of the sources that language models learn, by role."""
        return {role: source for role, source in self.sources.items() if isinstance(source, Text)}

    @property
    def store(self) -> Path:
        """The folder of the runs."""
        return self.out / "runs"

    def run(self, rows: Sequence[Row], title: str = "rows") -> dict[str, list[Finished]]:
        """Do the runs of a stage, keep them in `runs`, and return them by the name of their row."""
        found = run_rows(rows, self.pool, self.store, self.monitor, title)
        self.runs |= found
        self.ran += rows
        return found

    def search(
        self, text: Text, tokenizer: str, options: SearchOptions, network: ModelOptions | None = None
    ) -> tuple[Row, list[Finished]]:
        """Search for the best network from scratch on a text, optionally among networks of one shape."""
        row, runs = best_from_scratch(
            text, tokenizer, options, self.seeds, self.pool, self.store, self.monitor, network
        )
        self.runs[row.name] = runs
        return row, runs

    def best_model(self, row: Row) -> Path:
        """The folder of the row's model with the lowest validation loss."""
        return best_run(self.runs[row.name]).folder / "model"

    def sample(
        self, row: Row, text: Text, length: int, temperature: float, of_base: Sequence[Fingerprint] = ()
    ) -> SampleText:
        """A text (`length` characters) by the row's best model."""
        return sample_text(row.name, row.family, self.best_model(row), text, length, temperature, of_base)

    def curves(self, rows: Iterable[Row]) -> dict[str, list[list[dict[str, Any]]]]:
        """The training histories of rows, by name, one a seed."""
        return {row.name: [run.history for run in self.runs[row.name]] for row in rows}


Texts = tuple[Mapping[str, Source], list[str]]
"""What to run on by role, and sentences on what was left out of it."""


def whole_texts(data: Mapping[str, Path], read: ReadOptions, quick: bool) -> Texts:
    """Every text as a whole, with the default split."""
    return {role: Text.of(path, read=read) for role, path in data.items()}, []


@dataclass(frozen=True, kw_only=True)
class Experiment(Generic[O, F]):
    """The declaration of a study: data, options, rows, analysis, report."""

    name: str
    summary: str
    """One line for the help."""
    rows: Callable[[Context[O]], list[Row]]
    """Runs all stages with `context.run` and returns the rows of the tables."""
    analyse: Callable[[Context[O]], F]
    """Reads the figures off the finished runs; `context.rows` has the rows without diverged ones."""
    report: Callable[[Context[O], F], Report]
    """Lays out the page; the skeleton adds notices and facts."""
    plan: Callable[[Context[O]], list[Stage]] | None = None
    """The stages of `rows`, from which the time is estimated; None for no estimate."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """A description of each required text, by its role."""
    optional: Mapping[str, str] = field(default_factory=dict)
    """A description of each text that may be given too, by its role."""
    further: str = ""
    """A description of texts in other roles; empty if there may be none."""
    options: type[Any] = NoOptions
    """The dataclass of the study's own options: its grid."""
    texts: Callable[[Mapping[str, Path], ReadOptions, bool], Texts] = whole_texts
    """Reads the texts and refuses unsuitable ones."""
    tokenizer: str = ""
    """The tokenizer whose notices on the texts are collected; empty for none."""

    @property
    def data(self) -> str:
        """The roles as they follow --data."""
        optional = [f"[{role}=PATH]" for role in self.optional]
        return " ".join([*(f"{role}=PATH" for role in self.roles), *optional, *["ROLE=PATH..."] * bool(self.further)])
