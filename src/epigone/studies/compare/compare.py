"""`compare`: scratch against transfer on one corpus, in one table."""

import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from epigone.described import described
from epigone.errors import UserError
from epigone.models.files.checkpoint import load_checkpoint
from epigone.models.files.description import weights_hash
from epigone.results import Shown
from epigone.storage import read_json
from epigone.studies.compare.analysis import Compared, analyse
from epigone.studies.compare.bases import common_tokenizer, names_of, notices_on
from epigone.studies.compare.grid import CompareOptions, Grid, extended, plan, rows
from epigone.studies.compare.report import report
from epigone.studies.engine.cluster import ExecutorOptions
from epigone.studies.engine.command_line import command_line
from epigone.studies.engine.jobs import Text, open_text
from epigone.studies.engine.rows import RowResult
from epigone.studies.engine.samples import SampleText
from epigone.studies.engine.search import SearchOptions
from epigone.studies.engine.tables import winning
from epigone.studies.engine.workspace import STUDY
from epigone.studies.experiment import Context, Experiment
from epigone.studies.skeleton import conduct
from epigone.text.corpus import SplitOptions
from epigone.text.readers.registry import ReadOptions
from epigone.training.listeners.monitor import Monitor
from epigone.training.options import DisplayOptions, MachineOptions, RetrainingOptions
from epigone.transfer.methods.base import Method
from epigone.transfer.methods.retrain import Retrain

log = logging.getLogger("epigone")

COMPARE: Experiment[Grid, Compared] = Experiment(
    name="compare",
    summary="Scratch against transfer on one corpus, in one table.",
    rows=rows,
    plan=plan,
    analyse=analyse,
    report=report,
)


@dataclass(frozen=True)
class Comparison(Shown):
    """The result of a comparison; a row's `loss` is that of the test split, in nats per token."""

    folder: str
    report: str
    """The path of report.html."""
    verdict: str
    winner: str
    """The row with the lowest validation loss."""
    model: str
    """The folder of the best network, which may be an untouched base."""
    corpus: str
    """The hash of the corpus."""
    split_seed: int
    notices: list[str]
    """Sentences that the reader must know before believing the figures."""
    rows: list[RowResult]
    samples: list[SampleText]
    seconds: float
    """Seconds of all calls with this folder, except calls that were killed."""

    def figures(self) -> dict[str, Any]:
        """All figures, as JSON has them."""
        return asdict(self)


def compare(
    *bases: str | Path,
    corpus: Sequence[str | Path],
    out: str | Path,
    train: Sequence[str] = (),
    method: Method = Retrain(),
    source: Sequence[str | Path] = (),
    options: CompareOptions = CompareOptions(),
    searching: SearchOptions = SearchOptions(),
    training: RetrainingOptions = RetrainingOptions(),
    machine: MachineOptions = MachineOptions(),
    display: DisplayOptions = DisplayOptions(),
    read: ReadOptions = ReadOptions(),
    split: SplitOptions = SplitOptions(),
    executing: ExecutorOptions = ExecutorOptions(),
    resume: bool = False,
    monitor: Monitor | None = None,
) -> Comparison:
    """Compare retraining part of a pretrained network with the best network trained on the text alone.

    The rows: each base untouched; the best network of a search from scratch; an n-gram model of the text, and one mixed
    with the source; each selection of the bases' weights retrained. The winner is chosen on validation.

    Args:
        bases: folders of models, or names of bundled ones.
        corpus: files or folders of the text.
        out: the folder for runs, report and the best model.
        train: the selections to retrain, each together with the head; by default every subset of the layers.
        method: the way in which the selected weights learn.
        source: text like that of the bases, for the mixed n-gram row.
        options: size of the comparison.
        searching: budget of the search from scratch.
        training: recipe for retraining the selections.
        machine: the machine's part in training.
        display: output of each run.
        read: options for reading the text.
        split: options for splitting the documents.
        executing: where the runs are done.
        resume: go on with the comparison in `out`; finished rows stay and runs are not repeated.
        monitor: hears of the progress.

    Raises:
        UserError: bad input; the message says what to do.
    """
    begin = time.perf_counter()
    if (machine.devices or 1) > 1:
        raise UserError(
            f"compare does each run in one process: leave out --devices {machine.devices}, and say with --workers how "
            "many runs are done at the same time."
        )
    checkpoints = {name: load_checkpoint(base) for name, base in names_of(bases).items()}
    tokenizer = common_tokenizer(checkpoints)
    text = Text.of(*corpus, read=read, split=split)
    mixed = Text.of(*source, read=read) if source else None
    before = read_json(path, STUDY) if resume and (path := Path(out) / "study.json").exists() else {}
    train, options, searching, stays = extended(before, train, options, searching)
    for notice in stays:
        log.info(notice)
    grid = Grid(checkpoints, tokenizer, train, mixed, options, searching, training, machine, display, method)
    for checkpoint in checkpoints.values():
        grid.selections(checkpoint)  # refuses a bad one before anything is written
    context = Context(
        out=Path(out),
        sources={"corpus": text},
        options=grid,
        seeds=range(training.seed, training.seed + options.seeds),
        tokenizer=tokenizer,
        notices=[*notices_on(checkpoints, open_text(text)), *stays],
        command=command_line(
            [
                "compare",
                *bases,
                *(word for path in corpus for word in ("--corpus", path)),
                *(word for selection in train for word in ("--train", selection)),
                *(["--method", method.name] if method != Retrain() else []),
                *(word for path in source for word in ("--source", path)),
                *("--out", Path(out).resolve().name),  # a path of one machine repeats nothing on another
            ],
            *(method, options, searching, training, machine, read, split),
        ),
        monitor=monitor or Monitor(),
    )
    request: dict[str, Any] = {
        "bases": {name: weights_hash(checkpoint.folder) for name, checkpoint in checkpoints.items()},
        "train": list(train),
        "corpus": open_text(text).summary(),
        "source": mixed and mixed.hash,
        "options": {key: value for key, value in described(options).items() if key != "workers"},
        "search": described(searching),
        "training": described(training),
    }
    if method != Retrain():
        request["method"] = method.described()

    def result(found: Compared, seconds: float) -> Comparison:
        return Comparison(
            folder=str(out),
            report=str(Path(out) / "report.html"),
            verdict=found.verdict,
            winner=winning(found.results).name,
            model=str(Path(out) / "model"),
            corpus=text.hash,
            split_seed=split.split_seed,
            notices=context.notices,
            rows=found.results,
            samples=found.samples,
            seconds=seconds,
        )

    return conduct(
        COMPARE, context, request, result, begin=begin, workers=options.workers, executing=executing, resume=resume,
        file="comparison.json",
    )  # fmt: skip
