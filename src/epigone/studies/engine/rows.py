"""The rows of a study: their labels, the runs behind them, and their statistics."""

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from epigone.errors import UserError
from epigone.evaluation.intervals import MIN_DOCUMENTS, Difference, holm, paired_difference, ratio_interval
from epigone.evaluation.intervals import Interval as Estimate
from epigone.report.numbers import NumberStyle, format_value
from epigone.studies.engine.executor import Executor
from epigone.studies.engine.store import Finished, Job, folder_of, identity, run_job, under_way
from epigone.text.document import counted
from epigone.training.listeners.monitor import Monitor

FEW_DOCUMENTS = 10  # with fewer, their blocks of 2,000 tokens are resampled instead


class Labels(dict[str, Any]):
    """Facts that tell a row from the others, by name; `family` is always among them.

    A study subclasses it to word its rows. Nothing reads a fact back out of a printed name.
    """

    @property
    def name(self) -> str:
        """The printed name: the labels in their order, without the family."""
        return ", ".join(str(value) for key, value in self.items() if key != "family")


class Labelled(Protocol):
    """Anything with labels: a row or its result."""

    @property
    def labels(self) -> Mapping[str, Any]: ...


L = TypeVar("L", bound=Labelled)


def labelled(rows: Iterable[L], **labels: Any) -> list[L]:
    """The rows that have all these labels; a label of None must be absent."""
    return [row for row in rows if all(row.labels.get(key) == value for key, value in labels.items())]


@dataclass(frozen=True)
class Row:
    """A line of a table and its runs, one for each seed."""

    labels: Labels
    jobs: tuple[Job, ...]
    note: str = ""

    @property
    def name(self) -> str:
        """The printed name, which tells rows of one study apart."""
        return self.labels.name

    @property
    def family(self) -> str:
        """The kind of row, which groups and colours it: base, scratch, n-gram, transfer, or a study's own."""
        return str(self.labels["family"])

    @property
    def seeds(self) -> list[int]:
        """The seeds of its trainings."""
        return [seed for job in self.jobs if (seed := seed_of(job)) is not None]


@dataclass(frozen=True)
class RowResult:
    """The figures of a row, means over its seeds; losses in nats per token."""

    name: str
    family: str
    note: str
    """A description of the network, or the n-gram model's choices."""
    train_loss: float
    validation_loss: float
    loss: float
    """Test loss."""
    gap: float
    """Test loss minus training loss, nats per token."""
    bits_per_char: float
    accuracy: float | None
    """Share of tokens that were the most probable one; None for n-grams."""
    perplexity: float
    deviations: dict[str, float | None]
    """Standard deviations over seeds of the figures above, by their name; None for a single run."""
    interval: Estimate | None
    """95 % interval of the test loss over documents, or over blocks of 2,000 tokens if there are fewer than 10
    documents; None for fewer than 5 blocks."""
    difference: Difference | None
    """Test loss minus that of the best row from scratch, paired over documents."""
    p_holm: float | None
    """The p-value of that difference after Holm's correction over all rows."""
    trained_parameters: int | None
    seconds: float
    """Seconds of one run, on average."""
    seeds: int
    tokens: int
    characters: int
    documents: int
    folders: list[str] = field(default_factory=list)
    """The runs' folders in the store, one a seed."""
    labels: dict[str, Any] = field(default_factory=dict)
    """The row's labels, and the seeds of its trainings."""


def run_rows(
    rows: Sequence[Row], pool: Executor, store: Path, monitor: Monitor, title: str = "rows"
) -> dict[str, list[Finished]]:
    """Do the runs of all rows on all cores; a run that several rows share is done once.

    Args:
        rows: the rows.
        pool: the executor of the runs.
        store: the folder of the runs.
        monitor: hears of each run.
        title: a word for the rows, for the monitor.

    Returns:
        The finished runs of each row by its name, one a seed.

    Raises:
        ValueError: two rows have the same name, so their runs could not be told apart.
    """
    if len({row.name for row in rows}) < len(rows):
        raise ValueError(f"Two rows have one name: {sorted(row.name for row in rows)}.")
    jobs = {identity(job): (_name_of_run(row, job), job) for row in rows for job in row.jobs}
    names = [name for name, _ in jobs.values()]
    folders = {folder_of(job, store): name for name, job in jobs.values()}
    began = time.time()
    monitor.jobs(title, len(jobs), lambda: under_way(folders, began))
    finished = pool.map(
        run_job,
        [(job, store) for _, job in jobs.values()],
        lambda index, run: monitor.job(names[index], run.validation_loss),
    )
    found = dict(zip(jobs, finished, strict=True))
    return {row.name: [found[identity(job)] for job in row.jobs] for row in rows}


def _name_of_run(row: Row, job: Job) -> str:
    seed = seed_of(job)
    return row.name if seed is None or len(row.jobs) < 2 else f"{row.name}, seed {seed}"


def seed_of(job: Job) -> int | None:
    """The seed of a run; None if it draws nothing."""
    seed: int | None = getattr(job, "seed", None)
    return seed


def summarise(rows: Sequence[Row], runs: Mapping[str, Sequence[Finished]]) -> list[RowResult]:
    """Means over seeds, intervals over documents, differences to the best row from scratch.

    Args:
        rows: the rows.
        runs: the finished runs of each row by its name, one a seed; none may have diverged.

    Raises:
        UserError: a row was measured on other tokens than the best row from scratch, so they cannot be compared.
    """
    scratch = [row.name for row in labelled(rows, family="scratch")]
    reference = min(scratch, key=lambda name: validation_mean(runs[name]), default=None)
    differences: dict[str, Difference] = {}
    if reference is not None:
        expected, tokens = units(runs[reference])
        for row in rows:
            if row.name == reference:
                continue
            found, other_tokens = units(runs[row.name])
            if not np.array_equal(tokens, other_tokens):
                raise UserError(
                    f"'{row.name}' was measured on other test tokens than '{reference}', so they cannot be compared: "
                    f"{runs[row.name][0].folder / 'result.json'} is damaged, or that of '{reference}' is. Delete the "
                    "folder of the run to do it again."
                )
            if len(found) >= MIN_DOCUMENTS:
                differences[row.name] = paired_difference(found, expected, tokens)
    corrected = dict(zip(differences, holm(np.array([d.p_value for d in differences.values()])).tolist(), strict=True))
    return [_result(row, runs[row.name], differences.get(row.name), corrected.get(row.name)) for row in rows]


def validation_mean(runs: Sequence[Finished]) -> float:
    """The mean validation loss over seeds (nats per token), by which rows are chosen."""
    return float(np.mean([run.validation_loss for run in runs]))


def units(runs: Sequence[Finished]) -> tuple[np.ndarray, np.ndarray]:
    """Nats (mean over seeds) and tokens of each test document, or of each block if the documents are few.

    These are the units that intervals resample.
    """
    tests = [run.losses["test"] for run in runs]
    if len(tests[0].characters) >= FEW_DOCUMENTS:
        nats = np.mean([test.by_document()[0] for test in tests], axis=0)
        tokens = tests[0].by_document()[1]
    else:
        nats, tokens = np.mean([test.nats for test in tests], axis=0), tests[0].tokens
    return nats[tokens > 0], tokens[tokens > 0].astype(float)


def _result(row: Row, runs: Sequence[Finished], difference: Difference | None, p_holm: float | None) -> RowResult:
    tests = [run.losses["test"] for run in runs]
    nats, tokens = units(runs)
    values = {
        "train_loss": [run.losses["train"].loss for run in runs],
        "validation_loss": [run.losses["validation"].loss for run in runs],
        "loss": [test.loss for test in tests],
        "gap": [run.losses["test"].loss - run.losses["train"].loss for run in runs],
        "bits_per_char": [test.bits_per_char for test in tests],
    }
    if tests[0].correct.size:
        values["accuracy"] = [test.accuracy for test in tests]
    means = {key: float(np.mean(seeds)) for key, seeds in values.items()}
    return RowResult(
        name=row.name,
        family=row.family,
        note=row.note or _chosen(runs[0]),
        train_loss=means["train_loss"],
        validation_loss=means["validation_loss"],
        loss=means["loss"],
        gap=means["gap"],
        bits_per_char=means["bits_per_char"],
        accuracy=means.get("accuracy"),
        perplexity=math.exp(min(700.0, means["loss"])),
        deviations={key: deviation(seeds) for key, seeds in values.items()},
        interval=ratio_interval(nats, tokens) if len(nats) >= MIN_DOCUMENTS else None,
        difference=difference,
        p_holm=p_holm,
        # The most, because a seed that never improved learned nothing.
        trained_parameters=max((n for run in runs if (n := run.trained_parameters) is not None), default=None),
        seconds=float(np.mean([run.seconds for run in runs])),
        seeds=len(runs),
        tokens=int(tests[0].tokens.sum()),
        characters=int(tests[0].characters.sum()),
        documents=len(tests[0].characters),
        folders=[run.folder.name for run in runs],
        labels=dict(row.labels) | ({"seeds": row.seeds} if row.seeds else {}),
    )


def _chosen(run: Finished) -> str:
    """An n-gram model's choices on validation, in words; empty for other runs."""
    chosen = run.details
    if "order" not in chosen:
        return ""
    if "weight" not in chosen:
        return f"order {chosen['order']}"
    share = format_value(1 - chosen["weight"], NumberStyle(digits=0, notation="percent"))
    return (
        f"order {chosen['order']}, with a share of {share} for the source's n-grams of order {chosen['source_order']}"
    )


def deviation(values: Sequence[float]) -> float | None:
    """The standard deviation of a sample; None for a single value."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def without_diverged(rows: Sequence[Row], runs: Mapping[str, Sequence[Finished]]) -> tuple[list[Row], list[Row]]:
    """Divide rows into those whose runs all finished and those with a run that diverged."""
    whole = [row for row in rows if not any(run.diverged for run in runs[row.name])]
    return whole, [row for row in rows if row not in whole]


def diverged_notice(row: Row, runs: Sequence[Finished]) -> str:
    """A sentence on a row that has no figures because its loss diverged."""
    number = sum(run.diverged for run in runs)
    return f"“{row.name}” is left out: with {number} of {counted(len(runs), 'seed')} the loss diverged."


def stopped_by_limit(subject: str, runs: Sequence[Finished], remedy: str = "") -> list[str]:
    """A sentence on runs that used all their steps and were best in the last tenth; empty if there are none.

    Args:
        subject: a name of the runs, which begins the sentence.
        runs: the runs, one a seed.
        remedy: advice, which ends the sentence.
    """
    late = [run for run in runs if run.details.get("outcome") == "finished" and _best_step(run) >= 0.9 * _steps(run)]
    if not late:
        return []
    limit = max(run.history[-1]["epoch"] for run in late)
    epochs = f"{limit:.4g} epoch{'s' * (limit != 1)}"
    return [
        f"{subject} still improved when it reached the limit of {epochs}, with {len(late)} of "
        f"{counted(len(runs), 'seed')}{remedy}."
    ]


def _best_step(run: Finished) -> int:
    return max(row["step"] for row in run.history if row["best"])


def _steps(run: Finished) -> int:
    return run.history[-1]["step"]
