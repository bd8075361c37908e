"""An experiment: what a study declares, and the skeleton that opens, resumes, times, runs and writes it."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from epigone.errors import UserError
from epigone.evaluation.memorisation import Fingerprint
from epigone.models.config import ModelOptions
from epigone.report.page import Report, Sample, write_report
from epigone.report.tables import Table
from epigone.storage import atomic_write, write_json
from epigone.studies.engine.claims import Claim
from epigone.studies.engine.executor import Executor, executor
from epigone.studies.engine.jobs import Text, facts_of, open_text
from epigone.studies.engine.rows import Row, diverged_notice, run_rows, without_diverged
from epigone.studies.engine.samples import SampleText, sample_text
from epigone.studies.engine.search import SearchOptions, best_from_scratch
from epigone.studies.engine.store import Finished
from epigone.studies.engine.workspace import best_run, machine, open_study, seconds_of_all_calls
from epigone.text.readers.registry import ReadOptions
from epigone.training.listeners.monitor import Monitor

log = logging.getLogger("epigone")

TRIAL = "A quick trial: every part ran, but these figures mean nothing. "


@dataclass(frozen=True)
class StudyOptions:
    """The size of an experiment."""

    quick: bool = False
    """A trial of a few minutes: every part runs for a few steps with two seeds. Its figures mean nothing."""
    seeds: int = 5
    """Runs of each row, with different seeds."""
    workers: int = 0
    """Runs at the same time, one thread each; 0 is one for each core."""

    def __post_init__(self) -> None:
        if self.seeds < 2:
            raise UserError(f"An experiment needs at least 2 seeds to show a spread; {self.seeds} was given.")


@dataclass(frozen=True)
class NoOptions:
    """No options of its own."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The outcome of an analysis; a study adds what its report needs."""

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


class Result(Protocol):
    """The returned value of an experiment."""

    def figures(self) -> dict[str, Any]:
        """All figures, as JSON has them."""
        ...


@dataclass(frozen=True)
class StudyResult:
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
    texts: dict[str, Text]
    """Texts by role."""
    options: O
    """The study's own options."""
    seeds: range
    quick: bool = False
    tokenizer: str = ""
    """The tokenizer whose notices on the texts are collected; empty for none."""
    notices: list[str] = field(default_factory=list)
    monitor: Monitor = field(default_factory=Monitor)
    pool: Executor = field(default_factory=lambda: Executor(None))
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


Texts = tuple[dict[str, Text], list[str]]
"""Texts by role, and sentences on what was left out of them."""


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
    roles: Mapping[str, str] = field(default_factory=dict)
    """A description of each required text, by its role."""
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
        return " ".join([*(f"{role}=PATH" for role in self.roles), *["ROLE=PATH..."] * bool(self.further)])


def run_study(
    experiment: Experiment[Any, Any],
    data: Mapping[str, Path],
    out: Path,
    size: StudyOptions,
    options: Any,
    read: ReadOptions,
    resume: bool,
    monitor: Monitor,
) -> StudyResult:
    """Run a study on its texts."""
    begin = time.perf_counter()
    texts, notices = experiment.texts(data, read, size.quick)
    context = Context(
        out=out,
        texts=texts,
        options=options,
        seeds=range(2 if size.quick else size.seeds),
        quick=size.quick,
        tokenizer=experiment.tokenizer,
        notices=notices,
        monitor=monitor,
    )
    request: dict[str, Any] = {"quick": size.quick, "seeds": size.seeds}
    if own := asdict(options):
        request["options"] = own
    request["corpora"] = {role: open_text(text).summary() for role, text in texts.items()}

    def result(findings: Findings, seconds: float) -> StudyResult:
        return StudyResult(
            study=experiment.name,
            folder=str(out),
            report=str(out / "report.html"),
            rows=findings.rows,
            claims=findings.claims,
            notices=context.notices,
            samples=findings.samples,
            seconds=seconds,
            tables=findings.tables,
            texts=findings.texts,
        )

    return conduct(experiment, context, request, result, begin=begin, workers=size.workers, resume=resume)


R = TypeVar("R", bound=Result)


def conduct(
    experiment: Experiment[O, F],
    context: Context[O],
    request: dict[str, Any],
    result: Callable[[F, float], R],
    *,
    begin: float,
    workers: int,
    resume: bool,
    file: str = "result.json",
) -> R:
    """Open or resume the folder, run all rows, analyse them, and write the result and the report.

    Args:
        experiment: the declaration.
        context: texts, options and seeds.
        request: everything else that determines the runs; written to study.json.
        result: makes the returned value of findings and seconds.
        begin: the start of the call, by `time.perf_counter` (seconds).
        workers: runs at the same time; 0 is one for each core.
        resume: go on in a folder that holds this experiment.
        file: the name of the result file.

    Raises:
        UserError: the folder holds something else.
    """
    described = {"command": experiment.name} | request
    open_study(context.out, described, resume, lists_of(context.options), asdict(experiment.options()))
    context.notices += _notices_on_texts(experiment, context)
    with seconds_of_all_calls(context.out, begin) as seconds:
        with context.monitor, executor(workers) as context.pool:
            context.table = experiment.rows(context)
        context.rows, context.diverged = without_diverged(context.table, context.runs)
        context.notices += [diverged_notice(row, context.runs[row.name]) for row in context.diverged]
        log.info("Writing the samples and the report.")
        findings = experiment.analyse(context)
        took = seconds()
        found = result(findings, took)
        write_json(context.out / file, found.figures() | findings.extra)
        for name, page in findings.pages.items():
            atomic_write(context.out / name, page)
        report = experiment.report(context, findings)
        write_report(
            context.out,
            replace(
                report,
                summary=TRIAL * context.quick + report.summary,
                notices=context.notices,
                facts=_facts(context, findings, request, took),
            ),
        )
        return found


def lists_of(options: Any) -> list[str]:
    """The options that list rows. They may change when a study goes on: every run keeps its own folder."""
    return [field.name for field in fields(options) if isinstance(getattr(options, field.name), tuple)]


def _notices_on_texts(experiment: Experiment[Any, Any], context: Context[Any]) -> list[str]:
    several = bool(experiment.further) or len(context.texts) > 1
    found = []
    for role, text in context.texts.items():
        opened = open_text(text)
        said = list(opened.notices)
        if context.tokenizer:
            said += opened.stream("all", opened.tokenizer(context.tokenizer)).notices
        found += [f"{role}: {notice}" if several else notice for notice in said]
    return found


def _facts(context: Context[Any], findings: Findings, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """Everything needed to repeat the runs: texts, options, what the analysis adds, and the machine."""
    texts = {role: open_text(text) for role, text in context.texts.items()}
    summaries = ("corpora", *texts)  # in full below
    return {
        **{role: facts_of(context.texts[role], opened.summary()) for role, opened in texts.items()},
        "options": {key: value for key, value in request.items() if key not in summaries},
        **findings.facts,
        "machine": machine() | {"seeds": list(context.seeds), "seconds": seconds},
    }
