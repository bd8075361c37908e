"""The rows of a comparison: what each is, the runs behind it, and its statistics."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from epigone.evaluation.intervals import MIN_DOCUMENTS, Difference, holm, paired_difference, ratio_interval
from epigone.evaluation.intervals import Interval as Estimate
from epigone.studies.engine.executor import Executor
from epigone.studies.engine.jobs import Training
from epigone.studies.engine.store import Finished, Job, folder_of, identity, run_job, under_way
from epigone.text.document import counted
from epigone.training.listeners.monitor import Monitor

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
class RowResult:
    """The figures of a row, means over its seeds; losses in nats per token."""

    name: str
    family: str
    note: str
    """What the network is, or what the n-gram model chose."""
    train_loss: float
    validation_loss: float
    loss: float
    """Test loss."""
    gap: float
    """Test loss minus train loss."""
    bits_per_char: float
    accuracy: float | None
    """Share of tokens that were the most probable one; not known of n-grams."""
    perplexity: float
    deviations: dict[str, float | None]
    """Standard deviations over seeds of the figures above, by their name; None for a single run."""
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


def run_rows(
    rows: Sequence[Row], pool: Executor, store: Path, monitor: Monitor, title: str = "rows"
) -> dict[str, list[Finished]]:
    """Do the runs of all rows, whichever core is free; the runs of each row, one a seed.

    Args:
        rows: what to run.
        pool: has the runs done.
        store: the folder of the runs.
        monitor: is told of each run.
        title: what the rows are, for the monitor.

    Raises:
        ValueError: two rows have one name, so that their runs could not be told apart.
    """
    if len({row.name for row in rows}) < len(rows):
        raise ValueError(f"Two rows have one name: {sorted(row.name for row in rows)}.")
    jobs = {
        identity(job): (_name_of_run(row, job), job) for row in rows for job in row.jobs
    }  # once, if in several rows
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
    return f"{row.name}, seed {job.training.seed}" if isinstance(job, Training) and len(row.jobs) > 1 else row.name


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
        trained_parameters=runs[0].trained_parameters,
        seconds=float(np.mean([run.seconds for run in runs])),
        seeds=len(runs),
        tokens=int(tests[0].tokens.sum()),
        characters=int(tests[0].characters.sum()),
        documents=len(tests[0].characters),
        folders=[run.folder.name for run in runs],
    )


def _chosen(run: Finished) -> str:
    """What an n-gram model chose on validation, in words; nothing for other runs."""
    chosen = run.details
    if "order" not in chosen:
        return ""
    mixed = f"; {1 - chosen['weight']:.2f} of the source, order {chosen['source_order']}" if "weight" in chosen else ""
    return f"order {chosen['order']}{mixed}"


def deviation(values: Sequence[float]) -> float | None:
    """The standard deviation of a sample; None of a single value."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def without_diverged(rows: Sequence[Row], runs: Mapping[str, Sequence[Finished]]) -> tuple[list[Row], list[Row]]:
    """The rows none of whose runs diverged, and the others."""
    whole = [row for row in rows if all(run.losses for run in runs[row.name])]
    return whole, [row for row in rows if row not in whole]


def diverged_notice(row: Row, runs: Sequence[Finished]) -> str:
    """What is said of a row that has no figures."""
    number = sum(not run.losses for run in runs)
    return f"“{row.name}” is left out: with {number} of {counted(len(runs), 'seed')} the loss diverged."


def stopped_by_limit(subject: str, runs: Sequence[Finished], remedy: str = "") -> list[str]:
    """A sentence, if need be, on runs that were best in the last tenth of all steps that they were allowed."""
    late = [run for run in runs if run.details.get("outcome") == "finished" and _best_step(run) >= 0.9 * _steps(run)]
    if not late:
        return []
    limit = max(run.history[-1]["epoch"] for run in late)
    return [
        f"{subject} still improved when it reached the limit of {limit:.4g} epochs, with {len(late)} of "
        f"{counted(len(runs), 'seed')}{remedy}."
    ]


def _best_step(run: Finished) -> int:
    return max(row["step"] for row in run.history if row["best"])


def _steps(run: Finished) -> int:
    return run.history[-1]["step"]
