"""The analysis of the study `vanilla-rnn`: traces, hard passages, claims, the page of samples."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from epigone.errors import UserError
from epigone.markup import fenced
from epigone.report.numbers import NumberStyle, format_measure
from epigone.report.page import Sample
from epigone.schema import Schema, number, record, text, whole
from epigone.storage import read_json_lines
from epigone.studies.engine.claims import Claim, answer
from epigone.studies.engine.jobs import facts_of_run, open_text
from epigone.studies.engine.rows import Row, RowResult, labelled, summarise
from epigone.studies.engine.store import Finished
from epigone.studies.experiment import Context, Findings
from epigone.studies.vanilla_rnn.grid import VanillaRnnOptions
from epigone.studies.vanilla_rnn.tables import changes_table
from epigone.text.corpus import Corpus
from epigone.text.streams import TokenStream
from epigone.text.tokenizers.base import Tokenizer
from epigone.training.batches import Batches
from epigone.training.options import TrainingOptions
from epigone.training.run.trace import COLUMNS

HARDEST, EXCERPT = 3, 400  # passages that are printed, their characters
_FIGURE = number()
TRACE = record(dict.fromkeys(COLUMNS, _FIGURE), *COLUMNS)
SAMPLE = record(
    {"step": whole(), "epoch": _FIGURE, "smoothed_loss": _FIGURE, "text": text},
    "step",
    "epoch",
    "smoothed_loss",
    "text",
)
FEW = 12  # documents that can be told apart in a figure
Trace = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Book:
    """The book as the networks read it."""

    documents: Sequence[tuple[str, str]]
    """Names and texts of the documents of the training split, in the order of reading."""
    vocabulary: int
    """Symbols V."""
    steps_per_epoch: int


@dataclass(frozen=True, kw_only=True)
class VanillaFindings(Findings):
    """The table of networks, the traces of their runs, and the parts of the book."""

    table: Sequence[RowResult]
    """Rows with the report's network first."""
    traces: Mapping[str, Sequence[Trace]]
    """One a seed, by the name of the row."""
    passages: "Sequence[Passage]"
    evolution: Sequence[Mapping[str, Any]]
    """Samples that the report's network wrote while it learned (seed 0)."""
    book: Book


def book_of(context: Context[VanillaRnnOptions]) -> Book:
    """Read the book by characters.

    Raises:
        UserError: it is too short for sequences of the length that was asked for.
    """
    corpus, length = open_text(context.texts["book"]), context.options.sequence_length
    tokenizer = corpus.tokenizer("char")
    learned = corpus.stream("train", tokenizer)
    batches = Batches.of(learned, TrainingOptions(batch_size=1, sequence_length=length, shuffle=False))
    if batches.sequence_length != length:
        raise UserError(
            f"Sequences of {length} are too long for {len(learned):,} characters; give --sequence-length "
            f"{batches.sequence_length} or less."
        )
    return Book(read_in_an_epoch(corpus, learned, tokenizer), len(tokenizer.vocabulary), batches.steps_per_epoch)


def analyse(context: Context[VanillaRnnOptions]) -> VanillaFindings:
    """Read traces, passages, claims and a sample off the finished runs.

    Raises:
        UserError: the report's network diverged.
    """
    options, book = context.options, book_of(context)
    (main,) = labelled(context.table, family="scratch")
    if main in context.diverged:
        raise UserError(f"The loss of “{main.name}” diverged; try a smaller --lr (it was {options.lr:g}).")
    tanh, relu = (labelled(context.table, cell=cell, optimizer="adagrad")[0] for cell in ("rnn", "rnn_relu"))
    table = summarise(context.rows, context.runs)
    traces = {row.name: [trace_of(run) for run in context.runs[row.name]] for row in context.rows}
    passages = hardest(traces[main.name], book.documents, book.steps_per_epoch)
    first = context.runs[main.name][0]
    unroll = options.sequence_length
    evolution = [line | {"summed_loss": line["smoothed_loss"] * unroll} for line in lines_of(first, "samples", SAMPLE)]
    sample = context.sample(main, context.texts["book"], 1000, 1.0)
    return VanillaFindings(
        rows=[
            *({"table": "what each change bought"} | asdict(row) for row in table),
            *({"table": "hardest passages"} | asdict(passage) for passage in passages),
            *({"table": "evolution"} | line for line in evolution),
        ],
        claims=claims(tanh, relu, main, traces, unroll),
        samples=[sample],
        tables=[changes_table(table, context.diverged, context.runs)],
        texts=[
            *(Sample(f"step {line['step']:,}, {_state_of(line)}", line["text"]) for line in evolution),
            Sample(sample.row, sample.text, measures=sample.measures),
            *(Sample(_place_of(passage), " ".join(passage.text.split())) for passage in passages),
        ],
        facts={row.name: facts_of_run(row.jobs[0]) for row in context.rows},
        pages={"evolution.md": evolution_page(evolution)},
        table=table,
        traces=traces,
        passages=passages,
        evolution=evolution,
        book=book,
    )


def _state_of(line: Mapping[str, Any]) -> str:
    return f"epoch {line['epoch']:.2f}, smoothed loss {line['summed_loss']:.1f}"


def _place_of(passage: "Passage") -> str:
    return (
        f"a hard passage, {passage.document}, at {passage.place:.1%}: {passage.loss:.3f} nats a character, "
        f"{format_measure(passage.loss - passage.average, NumberStyle(signed=True))} to the average"
    )


def lines_of(run: Finished, name: str, schema: Schema) -> list[dict[str, Any]]:
    """The lines of a JSON Lines file of a run; empty if there is no such file."""
    path = run.folder / "model" / f"{name}.jsonl"
    return read_json_lines(path, schema) if path.exists() else []


def trace_of(run: Finished) -> dict[str, np.ndarray]:
    """The columns of a run's trace."""
    rows = lines_of(run, "trace", TRACE)
    return {key: np.array([row[key] for row in rows], float) for key in rows[0]} if rows else {}


def read_in_an_epoch(corpus: Corpus, stream: TokenStream, tokenizer: Tokenizer) -> list[tuple[str, str]]:
    """Names and texts of the training documents in the order of reading, each text with a newline."""
    places = zip(corpus.splits["train"], stream.offsets[:-1], stream.offsets[1:], strict=True)
    return [(corpus.names[d], tokenizer.decode(np.asarray(stream.inputs[a:b])) + "\n") for d, a, b in places]


def document_starts(documents: Sequence[tuple[str, str]]) -> list[tuple[float, str]]:
    """The start of each document, as a share of the text, and its name; empty for one document or for many."""
    ends = np.cumsum([0, *(len(text) for _, text in documents)])
    starts = [(float(end / ends[-1]), name) for end, (name, _) in zip(ends[:-1], documents, strict=True)]
    return starts if 1 < len(starts) <= FEW else []


@dataclass(frozen=True)
class Passage:
    """A part of the book that stays hard."""

    document: str
    place: float
    """Its start in the document, as a share."""
    characters: int
    loss: float
    """Nats per character, mean of the epochs after the first and of all seeds."""
    average: float
    """The mean of the whole book, nats per character."""
    text: str
    """Its first characters."""


def by_place(trace: Trace, steps_per_epoch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Epoch, place in it (a share) and loss of each line of a trace, as arrays of shape (N,)."""
    middle = trace["step"] - np.diff(trace["step"], prepend=0) / 2
    return middle // steps_per_epoch, middle % steps_per_epoch / steps_per_epoch, trace["loss"]


def hardest(traces: Sequence[Trace], documents: Sequence[tuple[str, str]], steps_per_epoch: int) -> list[Passage]:
    """The passages with the greatest loss over all epochs but the first, a tenth of the book or more apart.

    Args:
        traces: the traces of a row's runs; if there is only one epoch, it counts.
        documents: names and texts in the order of reading.
        steps_per_epoch: steps of an epoch.
    """
    if not traces or not traces[0]:
        return []
    every = int(traces[0]["step"][0])
    bins = max(1, steps_per_epoch // every)
    total, count = np.zeros(bins), np.zeros(bins)
    for trace in traces:
        epoch, place, loss = by_place(trace, steps_per_epoch)
        late = (epoch > 0) | (epoch.max() == 0)
        index = np.minimum((place[late] * bins).astype(int), bins - 1)
        total += np.bincount(index, loss[late], bins)
        count += np.bincount(index, minlength=bins)
    left = np.where(count > 0, total / np.maximum(count, 1), -np.inf)
    average = float(total.sum() / count.sum())
    ends = np.cumsum([len(text) for _, text in documents])
    found: list[Passage] = []
    for _ in range(HARDEST):
        index = int(left.argmax())
        if not np.isfinite(left[index]):
            break
        begin, end = (int(edge / bins * ends[-1]) for edge in (index, index + 1))
        which = int(np.searchsorted(ends, begin, side="right"))
        name, text = documents[which]
        at = begin - int(ends[which] - len(text))
        found.append(Passage(name, at / len(text), end - begin, float(left[index]), average, text[at : at + EXCERPT]))
        apart = max(1, bins // 10)
        left[max(0, index - apart) : index + apart + 1] = -np.inf
    return found


def claims(tanh: Row, relu: Row, main: Row, traces: Mapping[str, Sequence[Trace]], unroll: int) -> list[Claim]:
    """Answer the report's claims.

    Args:
        tanh, relu: the rows that differ in the nonlinearity.
        main: the row of the report's network.
        traces: one a seed, of each row that did not diverge, by its name.
        unroll: characters of a sequence.
    """
    found = []
    said = "tanh tames exploding gradients"
    if traces.get(tanh.name) and traces.get(relu.name):
        tame, wild = (
            [float(trace["largest_gradient_norm"].max()) for trace in traces[row.name]] for row in (tanh, relu)
        )
        ratios = [float(np.log10(a / b)) for a, b in zip(tame, wild, strict=True)]
        evidence = f"largest norm of a gradient, by seed: tanh {_numbers(tame)}, relu {_numbers(wild)}"
        found.append(Claim(said, answer(min(ratios), max(ratios)), evidence))
    elif tanh.name in traces:
        found.append(Claim(said, "yes", f"“{relu.name}” diverged."))
    ends = [float(trace["smoothed_loss"][-1]) * unroll for trace in traces[main.name]]
    found.append(
        Claim(
            f"the smoothed loss saturates at 39–42 for {unroll} characters (the report's book has 80 symbols)",
            "yes" if all(39 <= end <= 42 for end in ends) else "no",
            f"at the end, by seed: {_numbers(ends)}",
        )
    )
    return found


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.3g}" for value in values)


def evolution_page(samples: Sequence[Mapping[str, Any]]) -> str:
    """All samples on one page."""
    parts = ["# The evolution of the text\n"]
    for sample in samples:
        step, epoch, loss = sample["step"], sample["epoch"], sample["summed_loss"]
        parts.append(f"## Step {step:,}, epoch {epoch:.2f}, smoothed loss {loss:.1f}\n")
        parts.append(fenced(sample["text"]) + "\n")
    return "\n".join(parts)
