"""The rows of a comparison: what each is, the runs behind it, and its statistics."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from understudy.evaluation.intervals import MIN_DOCUMENTS, Difference, holm, paired_difference, ratio_interval
from understudy.evaluation.intervals import Interval as Estimate
from understudy.studies.executor import Executor
from understudy.studies.runs import SPLITS, Finished, Job, identity, run_job
from understudy.training.monitor import Monitor

FEW_DOCUMENTS = 10  # with fewer, their blocks of 2,000 tokens are resampled instead


@dataclass(frozen=True)
class Row:
    """A line of the table and its runs, one for each seed."""

    name: str
    family: str
    """base, scratch, n-gram or transfer."""
    jobs: tuple[Job, ...]
    note: str = ""


@dataclass(frozen=True)
class Mean:
    """A mean over seeds and its standard deviation (None for a single run)."""

    mean: float
    deviation: float | None


@dataclass(frozen=True)
class RowResult:
    """The figures of a row; losses in nats per token."""

    name: str
    family: str
    note: str
    train_loss: Mean
    validation_loss: Mean
    loss: Mean
    """Test loss."""
    gap: Mean
    """Test loss minus train loss."""
    bits_per_char: Mean
    accuracy: Mean | None
    """Share of tokens that were the most probable one; not known of n-grams."""
    perplexity: float
    interval: Estimate | None
    """Of the test loss, over documents, or blocks of 2,000 tokens where there are fewer than 10; None below 5."""
    difference: Difference | None
    """Test loss minus that of the best row from scratch, paired over documents."""
    p_holm: float | None
    """The p-value of that difference, corrected over all rows."""
    trained_parameters: int | None
    seconds: float
    """Of one run, on average."""
    seeds: int
    tokens: int
    characters: int
    documents: int
    folders: list[str] = field(default_factory=list)


def run_rows(rows: Sequence[Row], pool: Executor, store: Path, monitor: Monitor) -> dict[str, list[Finished]]:
    """Do the runs of all rows, whichever core is free; the runs of each row, one a seed.

    Raises:
        ValueError: two rows have one name, so that their runs could not be told apart.
    """
    if len({row.name for row in rows}) < len(rows):
        raise ValueError(f"Two rows have one name: {sorted(row.name for row in rows)}.")
    jobs = {identity(job): (row.name, job) for row in rows for job in row.jobs}  # once, if in several rows
    names = [name for name, _ in jobs.values()]
    monitor.jobs("runs", len(jobs))
    finished = pool.map(
        run_job,
        [(job, store) for _, job in jobs.values()],
        lambda index, run: monitor.job(names[index], run.validation_loss),
    )
    found = dict(zip(jobs, finished, strict=True))
    return {row.name: [found[identity(job)] for job in row.jobs] for row in rows}


def summarise(rows: Sequence[Row], runs: Mapping[str, Sequence[Finished]]) -> list[RowResult]:
    """Means over seeds, intervals over documents, differences to the best from-scratch row.

    Args:
        rows: the rows.
        runs: for each row's name the finished runs, one a seed, none of which diverged.

    Raises:
        ValueError: a row was measured on other tokens than the best from scratch, so they cannot be compared.
    """
    scratch = [row.name for row in rows if row.family == "scratch"]
    reference = min(scratch, key=lambda name: validation_mean(runs[name]), default=None)
    differences: dict[str, Difference] = {}
    if reference is not None:
        expected, tokens = units(runs[reference])
        for row in rows:
            if row.name == reference:
                continue
            found, other_tokens = units(runs[row.name])
            if not np.array_equal(tokens, other_tokens):
                raise ValueError(f"'{row.name}' was measured on other test tokens than '{reference}'.")
            if len(found) >= MIN_DOCUMENTS:
                differences[row.name] = paired_difference(found, expected, tokens)
    corrected = dict(zip(differences, holm(np.array([d.p_value for d in differences.values()])).tolist(), strict=True))
    return [_result(row, runs[row.name], differences.get(row.name), corrected.get(row.name)) for row in rows]


def validation_mean(runs: Sequence[Finished]) -> float:
    """The mean validation loss over seeds: what rows are chosen by."""
    return float(np.mean([run.validation_loss for run in runs]))


def units(runs: Sequence[Finished]) -> tuple[np.ndarray, np.ndarray]:
    """What is resampled: nats, averaged over seeds, and tokens of each test document, or block where these are few."""
    tests = [run.losses["test"] for run in runs]
    if len(tests[0].characters) >= FEW_DOCUMENTS:
        nats = np.mean([test.by_document()[0] for test in tests], axis=0)
        tokens = tests[0].by_document()[1]
    else:
        nats, tokens = np.mean([test.nats for test in tests], axis=0), tests[0].tokens
    return nats[tokens > 0], tokens[tokens > 0].astype(float)


def _result(row: Row, runs: Sequence[Finished], difference: Difference | None, p_holm: float | None) -> RowResult:
    losses = {split: [run.losses[split].loss for run in runs] for split in SPLITS}
    tests = [run.losses["test"] for run in runs]
    nats, tokens = units(runs)
    return RowResult(
        name=row.name,
        family=row.family,
        note=row.note,
        train_loss=mean(losses["train"]),
        validation_loss=mean(losses["validation"]),
        loss=mean(losses["test"]),
        gap=mean([test - train for test, train in zip(losses["test"], losses["train"], strict=True)]),
        bits_per_char=mean([test.bits_per_char for test in tests]),
        accuracy=mean([test.accuracy for test in tests]) if tests[0].correct.size else None,
        perplexity=math.exp(min(700.0, mean(losses["test"]).mean)),
        interval=ratio_interval(nats, tokens) if len(nats) >= MIN_DOCUMENTS else None,
        difference=difference,
        p_holm=p_holm,
        trained_parameters=runs[0].trained_parameters,
        seconds=float(np.mean([run.seconds for run in runs])),
        seeds=len(runs),
        tokens=int(tests[0].tokens.sum()),
        characters=int(tests[0].characters.sum()),
        documents=len(tests[0].characters),
        folders=[run.folder.name for run in runs],
    )


def mean(values: Sequence[float]) -> Mean:
    """Mean and standard deviation."""
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return Mean(float(np.mean(values)), deviation)
