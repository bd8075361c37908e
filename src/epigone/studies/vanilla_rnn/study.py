"""The study `vanilla-rnn`: a character RNN trained with AdaGrad, after a course report of 2018, on a book you bring.

    a_t = W h_(t-1) + U x_t + b,   h_t = tanh(a_t),   o_t = V h_t + c,   p_t = softmax(o_t)

x_t is one-hot. The cross-entropy is summed over sequences of 25 characters, the state carried through the book and
reset at its start, gradients cut to [-5, 5] number by number, weights and biases drawn from N(0, sigma^2).

Then one thing at a time is changed, with the same number of weights: the nonlinearity, the cell, the optimizer.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from epigone.errors import UserError, check_options
from epigone.models.config import ModelOptions, nearest_size, num_weights, sized
from epigone.storage import atomic_write, write_json
from epigone.studies.engine.executor import executor
from epigone.studies.engine.jobs import Text, Training, facts_of, facts_of_run, open_text
from epigone.studies.engine.results import StudyOptions, StudyResult
from epigone.studies.engine.rows import Row, diverged_notice, run_rows, summarise, without_diverged
from epigone.studies.engine.samples import sample_text
from epigone.studies.engine.search import with_seed
from epigone.studies.engine.store import Finished
from epigone.studies.engine.workspace import best_run, machine, open_study, seconds_of_all_calls
from epigone.studies.vanilla_rnn.analysis import (
    claims,
    document_starts,
    evolution_page,
    hardest,
    lines_of,
    read_in_an_epoch,
    trace_of,
)
from epigone.studies.vanilla_rnn.report import changes_table, report
from epigone.text.readers.registry import ReadOptions
from epigone.training.batches import Batches
from epigone.training.listeners.monitor import Monitor
from epigone.training.options import TrainingOptions

ROLES = {"book": "the text that is read again and again, and partly held out"}
TRACE, SAMPLES = 100, 10_000  # steps between lines of the trace, and between samples of text
VALIDATIONS = 24
ADAM = (3e-4, 1e-3, 3e-3)  # rates among which validation chooses


@dataclass(frozen=True)
class VanillaRnnOptions:
    """The network of the study vanilla-rnn."""

    hidden_size: int = 100
    """Hidden units m."""
    sigma: float = 0.1
    """Standard deviation of the initial weights and biases."""
    lr: float = 0.1
    """Learning rate of AdaGrad."""
    penalty: float = 0.0
    """Lambda of a penalty lambda W^2 on weights and biases, added to the loss of every sequence: S sequences then lead
    to the most probable weights (MAP) under a Gaussian prior of variance 1 / (2 lambda S)."""
    nonlinearity: Literal["tanh", "relu"] = "tanh"
    """What squashes the hidden units of the network that is studied; the other stands beside it."""
    epochs: int = 6
    """Epochs over the book."""
    sequence_length: int = 25
    """Characters of a sequence, over which gradients go back."""

    def __post_init__(self) -> None:
        if self.nonlinearity not in ("tanh", "relu"):
            raise UserError(f"There is no nonlinearity '{self.nonlinearity}'; choose tanh or relu.")
        check_options(self, "be 1 or more", lambda value: value >= 1, "hidden_size", "epochs", "sequence_length")
        check_options(self, "be above 0", lambda value: value > 0, "sigma", "lr")
        check_options(self, "not be negative", lambda value: value >= 0, "penalty")


CELL_OF = {"tanh": "rnn", "relu": "rnn_relu"}


def network(cell: str, options: VanillaRnnOptions, vocabulary: int) -> ModelOptions:
    """A network of one layer with about as many weights as the report's has."""

    def of(kind: str, units: int) -> ModelOptions:
        return ModelOptions(
            cell=kind,  # type: ignore[arg-type]
            num_layers=1,
            hidden_size=units,
            init="normal",
            init_std=options.sigma,
            one_bias=True,
        )

    weights = num_weights(sized(of("rnn", options.hidden_size), vocabulary))
    return nearest_size((of(cell, units) for units in range(1, options.hidden_size + 1)), vocabulary, weights)


def recipe(options: VanillaRnnOptions, steps_per_epoch: int, quick: bool) -> TrainingOptions:
    """The report's training."""
    return TrainingOptions(
        optimizer="adagrad",
        lr=options.lr,
        schedule="constant",
        weight_decay=2 * options.penalty,  # PyTorch adds this times the weight, and d lambda W^2 / dW = 2 lambda W
        clip=0.0,
        clip_value=5.0,
        summed=True,
        epochs=options.epochs,
        steps=200 if quick else None,
        patience=0,
        validate_every=50 if quick else max(1, options.epochs * steps_per_epoch // VALIDATIONS),
        batch_size=1,
        sequence_length=options.sequence_length,
        shuffle=False,
        trace_every=10 if quick else TRACE,
        sample_every=50 if quick else SAMPLES,
    )


def run(
    own: VanillaRnnOptions,
    data: Mapping[str, Path],
    out: Path,
    options: StudyOptions,
    read: ReadOptions,
    resume: bool,
    monitor: Monitor,
) -> StudyResult:
    """Run the study; see the module's description."""
    begin = time.perf_counter()
    book = Text.of(data["book"], read=read)
    corpus = open_text(book)
    request = {
        "command": "vanilla-rnn",
        "quick": options.quick,
        "seeds": options.seeds,
        "network": asdict(own),
        "corpora": {"book": corpus.summary()},
    }
    open_study(out, request, resume)
    tokenizer = corpus.tokenizer("char")
    learned = corpus.stream("train", tokenizer)
    batches = Batches.of(learned, TrainingOptions(batch_size=1, sequence_length=own.sequence_length, shuffle=False))
    steps_per_epoch, unroll = batches.steps_per_epoch, batches.sequence_length
    if unroll != own.sequence_length:
        raise UserError(
            f"Sequences of {own.sequence_length} are too long for {len(learned):,} characters; give --sequence-length "
            f"{unroll} or less."
        )
    training = recipe(own, steps_per_epoch, options.quick)
    seeds, store = 2 if options.quick else options.seeds, out / "runs"
    networks = {cell: network(cell, own, len(tokenizer.vocabulary)) for cell in ("rnn", "rnn_relu", "lstm", "gru")}
    notices = list(corpus.notices)
    with seconds_of_all_calls(out, begin) as seconds:
        with monitor, executor(options.workers) as pool:
            trials = rate_trials(book, own, training, networks)
            rates = best_rates(run_rows(trials, pool, store, monitor, "rates of Adam"))
            rows = grid(book, own, training, networks, rates, seeds)
            runs = run_rows(rows, pool, store, monitor)
        whole, diverged = without_diverged(rows, runs)
        table = summarise(whole, runs)
        notices += [diverged_notice(row, runs[row.name]) for row in diverged]
        report_row = rows[0]
        if report_row in diverged:
            raise UserError(f"The loss of “{report_row.name}” diverged; try a smaller --lr (it was {own.lr:g}).")
        traces = {row.name: [trace_of(run) for run in runs[row.name]] for row in whole}
        first = runs[report_row.name][0]
        documents = read_in_an_epoch(corpus, learned, tokenizer)
        passages = hardest(traces[report_row.name], documents, steps_per_epoch)
        evolution = [line | {"summed_loss": line["smoothed_loss"] * unroll} for line in lines_of(first, "samples")]
        best = best_run(runs[report_row.name]).folder / "model"
        sample = sample_text(report_row.name, "scratch", best, book, 1000, 1.0)
        result = StudyResult(
            study="vanilla-rnn",
            folder=str(out),
            report=str(out / "report.html"),
            rows=[
                *({"table": "what each change bought"} | asdict(row) for row in table),
                *({"table": "hardest passages"} | asdict(passage) for passage in passages),
                *({"table": "evolution"} | line for line in evolution),
            ],
            claims=claims(*by_squashing(own, rows), report_row.name, traces, own.sequence_length),
            tables=[changes_table(table, diverged, runs)],
            notices=notices,
            samples=[sample],
            seconds=seconds(),
        )
        write_json(out / "result.json", result.figures())
        atomic_write(out / "evolution.md", evolution_page(evolution))
        facts = {
            "book": facts_of(book, corpus.summary()),
            **{row.name: facts_of_run(row.jobs[0]) for row in whole},
            "machine": machine() | {"seeds": list(range(seeds)), "seconds": result.seconds},
        }
        report(
            out,
            own.sequence_length,
            table,
            runs,
            traces,
            steps_per_epoch,
            passages,
            document_starts(documents),
            evolution,
            result,
            facts,
            options.quick,
        )
        return result


def adam_cells(own: VanillaRnnOptions) -> dict[str, str]:
    """The cells that are trained with Adam too, by their name in the table."""
    return {f"rnn, {own.nonlinearity}": CELL_OF[own.nonlinearity], "lstm": "lstm", "gru": "gru"}


def rate_trials(
    book: Text, own: VanillaRnnOptions, training: TrainingOptions, networks: Mapping[str, ModelOptions]
) -> list[Row]:
    """An epoch with each rate of Adam."""
    rows = []
    for name, cell in adam_cells(own).items():
        for lr in ADAM:
            trial = replace(training, optimizer="adam", lr=lr, epochs=1.0, trace_every=0, sample_every=0)
            job = Training(book, trial, tokenizer="char", model=networks[cell])
            rows.append(Row(f"{name}, Adam {lr:g}", "trial", (job,)))
    return rows


def best_rates(runs: Mapping[str, Sequence[Finished]]) -> dict[str, float]:
    """The rate of Adam that validation chooses, by the name of the network."""
    found: dict[str, tuple[float, float]] = {}
    for name, (run, *_) in runs.items():
        network, _, rate = name.rpartition(", Adam ")
        found[network] = min(found.get(network, (math.inf, 0.0)), (run.validation_loss, float(rate)))
    return {network: rate for network, (_, rate) in found.items()}


def grid(
    book: Text,
    own: VanillaRnnOptions,
    training: TrainingOptions,
    networks: Mapping[str, ModelOptions],
    rates: Mapping[str, float],
    seeds: int,
) -> list[Row]:
    """The report's network first, then what is changed, one thing at a time."""

    def row(name: str, family: str, cell: str, trained: TrainingOptions) -> Row:
        job = Training(book, trained, tokenizer="char", model=networks[cell])
        return Row(name, family, tuple(with_seed(job, seed) for seed in range(seeds)))

    other = "relu" if own.nonlinearity == "tanh" else "tanh"
    rows = [
        row(f"rnn, {own.nonlinearity}, AdaGrad", "scratch", CELL_OF[own.nonlinearity], training),
        row(f"rnn, {other}, AdaGrad", "nonlinearity", CELL_OF[other], training),
    ]
    rows += [row(f"{cell}, AdaGrad", "cell", cell, training) for cell in ("lstm", "gru")]
    for name, cell in adam_cells(own).items():
        adam = replace(training, optimizer="adam", lr=rates[name], sample_every=0)
        rows.append(row(f"{name}, Adam {rates[name]:g}", "optimizer", cell, adam))
    return rows


def by_squashing(own: VanillaRnnOptions, rows: Sequence[Row]) -> tuple[str, str]:
    """The names of the rows with tanh and with relu."""
    first, second = rows[0].name, rows[1].name
    return (first, second) if own.nonlinearity == "tanh" else (second, first)
