"""`compare`: scratch against transfer on one corpus, in one table."""

import logging
import math
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from epigone.errors import UserError, check_options
from epigone.models.files.bundled import resolve
from epigone.models.files.checkpoint import Checkpoint, load_checkpoint
from epigone.storage import write_json
from epigone.studies.compare.bases import base_of, common_tokenizer, names_of, notices_on
from epigone.studies.compare.report import comparison_report, kept, verdict
from epigone.studies.engine.executor import executor
from epigone.studies.engine.jobs import Ngrams, Text, Training, Untouched, facts_of, facts_of_run, open_text
from epigone.studies.engine.rows import (
    Row,
    RowResult,
    diverged_notice,
    run_rows,
    stopped_by_limit,
    summarise,
    without_diverged,
)
from epigone.studies.engine.samples import SampleText, fingerprints, sample_text
from epigone.studies.engine.search import SearchOptions, best_from_scratch
from epigone.studies.engine.tables import winning
from epigone.studies.engine.workspace import best_run, keep_copy, keep_model, open_study, seconds_of_all_calls
from epigone.studies.engine.workspace import machine as this_machine
from epigone.text.corpus import SplitOptions
from epigone.text.readers.registry import ReadOptions
from epigone.training.listeners.monitor import Monitor
from epigone.training.options import DisplayOptions, MachineOptions, RetrainingOptions
from epigone.transfer.finetune import weights_hash
from epigone.transfer.selection import layer_subsets, select

log = logging.getLogger("epigone")


@dataclass(frozen=True)
class CompareOptions:
    """The size of a comparison."""

    seeds: int = 5
    """Runs of each row, with as many seeds from --seed on."""
    workers: int = 0
    """Runs at the same time, one thread each; 0 is one for each core."""
    max_order: int = 8
    """Longest n-grams of the n-gram rows."""
    sample_length: int = 1000
    """Characters of each sample text."""
    temperature: float = 0.8
    """Temperature of the sample texts."""

    def __post_init__(self) -> None:
        check_options(self, "be 0 or more", lambda value: 0 <= value < math.inf, "workers", "temperature")
        check_options(self, "be 1 or more", lambda value: 1 <= value < math.inf, "seeds", "sample_length")
        check_options(self, "be 2 or more", lambda value: 2 <= value < math.inf, "max_order")


@dataclass(frozen=True)
class Comparison:
    """What came of it; `loss` is that of the test split, in nats per token."""

    folder: str
    report: str
    """The path of report.html."""
    verdict: str
    winner: str
    """The row with the lowest validation loss."""
    model: str
    """The folder of the best network, which may be a base as it was."""
    corpus: str
    """The hash of the corpus."""
    split_seed: int
    notices: list[str]
    """Sentences that the reader must know before believing the figures."""
    rows: list[RowResult]
    samples: list[SampleText]
    seconds: float
    """Of all calls with this folder; one that was killed is not counted."""


def compare(
    *bases: str | Path,
    corpus: Sequence[str | Path],
    out: str | Path,
    train: Sequence[str] = (),
    source: Sequence[str | Path] = (),
    options: CompareOptions = CompareOptions(),
    searching: SearchOptions = SearchOptions(),
    training: RetrainingOptions = RetrainingOptions(),
    machine: MachineOptions = MachineOptions(),
    display: DisplayOptions = DisplayOptions(),
    read: ReadOptions = ReadOptions(),
    split: SplitOptions = SplitOptions(),
    resume: bool = False,
    monitor: Monitor | None = None,
) -> Comparison:
    """Find out whether retraining part of a pretrained network beats the best network trained on the text alone.

    The rows: each base untouched; the best network from scratch, found by a search; an n-gram model of the text, and
    one mixed with the source; each selection of the bases' weights retrained. The winner is chosen on validation.

    Args:
        bases: folders of models, or names of bundled ones.
        corpus: files or folders of the text.
        out: the folder for runs, report and the best model.
        train: the selections to retrain, each together with the head; by default every subset of the layers.
        source: text like that which the bases were trained on, for the mixed n-gram row.
        options: size of the comparison.
        searching: budget of the search from scratch.
        training: how selections are retrained.
        machine: what the networks are trained on.
        display: what each run shows or writes meanwhile.
        read: how the text is read.
        split: how the documents are split.
        resume: go on with the comparison in `out`; what is finished there is not repeated.
        monitor: is told of the progress.

    Raises:
        UserError: bad input; the message says what to do.
    """
    begin = time.perf_counter()
    if machine.devices > 1:
        raise UserError(
            f"compare does each run in one process: leave out --devices {machine.devices}, and say with --workers how "
            "many runs are done at the same time."
        )
    out, monitor = Path(out), monitor or Monitor()
    checkpoints = {name: load_checkpoint(base) for name, base in names_of(bases).items()}
    tokenizer = common_tokenizer(checkpoints)
    seeds = range(training.seed, training.seed + options.seeds)
    text = Text.of(*corpus, read=read, split=split)
    mixed = Text.of(*source, read=read) if source else None
    untouched = untouched_rows(text, checkpoints)
    others = [
        *ngram_rows(text, tokenizer, mixed, options.max_order),
        *transfer_rows(text, checkpoints, train, training, seeds, machine, display),
    ]
    request: dict[str, Any] = {
        "command": "compare",
        "bases": {name: weights_hash(checkpoint.folder) for name, checkpoint in checkpoints.items()},
        "train": list(train),
        "corpus": open_text(text).summary(),
        "source": mixed and mixed.hash,
        "options": {key: value for key, value in asdict(options).items() if key != "workers"},
        "search": asdict(searching),
        "training": asdict(training),
    }
    open_study(out, request, resume)
    opened = open_text(text)
    read_as = opened.tokenizer(tokenizer)
    notices = [*opened.notices, *opened.stream("all", read_as).notices, *notices_on(checkpoints, opened)]
    with seconds_of_all_calls(out, begin) as seconds:
        with monitor, executor(options.workers) as pool:
            best, scratch = best_from_scratch(text, tokenizer, searching, seeds, pool, out / "runs", monitor)
            runs = run_rows([*untouched, *others], pool, out / "runs", monitor) | {best.name: scratch}
        rows, diverged = without_diverged([*untouched, best, *others], runs)
        notices += [diverged_notice(row, runs[row.name]) for row in diverged]
        notices += stopped_by_limit("The best network from scratch", scratch, "; give a larger --search-epochs")
        results = summarise(rows, runs)
        log.info("Writing the samples and the report.")
        network, pretrained = kept(results), bases_of(rows)
        if network.family == "base":
            keep_copy(out / "model", pretrained[network.name])
        else:
            keep_model(out / "model", runs[network.name], text)
        writers = {network.name: out / "model", best.name: best_run(scratch).folder / "model"}
        writers |= {row.name: pretrained[row.name] for row in untouched}
        families = {row.name: row.family for row in rows}
        length, temperature = options.sample_length, options.temperature
        samples = [
            sample_text(name, families[name], folder, text, length, temperature, fingerprints(pretrained.get(name)))
            for name, folder in writers.items()
        ]
        comparison = Comparison(
            folder=str(out),
            report=str(out / "report.html"),
            verdict=verdict(results),
            winner=winning(results).name,
            model=str(out / "model"),
            corpus=text.hash,
            split_seed=split.split_seed,
            notices=notices,
            rows=results,
            samples=samples,
            seconds=seconds(),
        )
        write_json(out / "comparison.json", asdict(comparison))
        curves = {row.name: [run.history for run in runs[row.name]] for row in rows}
        facts = {
            "corpus": facts_of(text, request["corpus"]),
            "options": {key: request[key] for key in ("bases", "train", "source", "options", "search", "training")},
            "best network from scratch": facts_of_run(best.jobs[0]),
            "machine": this_machine() | {"seconds": comparison.seconds},
        }
        comparison_report(out, results, diverged, samples, temperature, curves, comparison.verdict, notices, facts)
        return comparison


def untouched_rows(text: Text, checkpoints: dict[str, Checkpoint]) -> list[Row]:
    """The bases as they are."""
    return [
        Row(f"{name}, untouched", "base", (Untouched(text, base_of(checkpoint)),))
        for name, checkpoint in checkpoints.items()
    ]


def bases_of(rows: Sequence[Row]) -> dict[str, Path]:
    """The folder of the base that a row starts from, by the row's name, where there is one."""
    jobs = [(row.name, job) for row in rows for job in row.jobs]
    return {name: resolve(job.base.path) for name, job in jobs if isinstance(job, Training | Untouched) and job.base}


def ngram_rows(text: Text, tokenizer: str, source: Text | None, max_order: int) -> list[Row]:
    """An n-gram model of the text alone, and one mixed with a source where one is at hand."""
    rows = [Row("n-grams of the text", "n-gram", (Ngrams(text, tokenizer, max_order=max_order),))]
    if source is not None:
        rows.append(Row("n-grams, mixed with the source", "n-gram", (Ngrams(text, tokenizer, source, max_order),)))
    return rows


def transfer_rows(
    text: Text,
    checkpoints: dict[str, Checkpoint],
    train: Sequence[str],
    training: RetrainingOptions,
    seeds: Iterable[int],
    machine: MachineOptions = MachineOptions(),
    display: DisplayOptions = DisplayOptions(),
) -> list[Row]:
    """Each selection of each base's weights, together with the head; every subset of the layers unless told."""
    rows = []
    for name, checkpoint in checkpoints.items():
        for selection in dict.fromkeys(train) or layer_subsets(len(checkpoint.model.layers)):
            select(checkpoint.model, selection)  # one that does not parse is refused before anything runs
            jobs = tuple(
                Training(
                    text,
                    replace(training, seed=seed),
                    base_of(checkpoint),
                    f"{selection}, head",
                    machine=machine,
                    display=display,
                )
                for seed in seeds
            )
            rows.append(Row(f"{name}, {in_words(selection)}", "transfer", jobs))
    return rows


def in_words(selection: str) -> str:
    """A selection for the table, with the head that is always added: `layers 0, 2 + head`."""
    if selection == "head":
        return selection
    if numbers := re.fullmatch(r"layers\.(\d+(?:, layers\.\d+)*)", selection):
        selection = f"layer{'s' * (',' in selection)} {numbers[1].replace('layers.', '')}"
    return f"{selection} + head"
