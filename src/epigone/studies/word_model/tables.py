"""The tables of the study `word-model`: tokenizers side by side, windows, next words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from epigone.evaluation.intervals import Difference
from epigone.evaluation.intervals import Interval as Estimate
from epigone.report.numbers import Interval, Range, Spread
from epigone.report.tables import Column, Table


@dataclass(frozen=True)
class Measured:
    """A row's figures on the test split, in bits per character of the text."""

    name: str
    tokenizer: str
    vocabulary: int
    units: int
    weights: int
    bits: float
    deviation: float | None
    """Over seeds."""
    interval: Estimate | None
    """95 % over blocks of 2,000 characters."""
    difference: Difference | None
    """To characters, paired over the same blocks."""
    loss: float
    """Nats per token, which cannot be compared between tokenizers."""
    unknown: float
    """Bits per character for spelling unknown words; part of `bits`."""
    seconds: float
    seeds: int


@dataclass(frozen=True)
class Window:
    """The figures of one way to cut the text into steps, after the same time."""

    name: str
    tokens_per_second: float
    """Tokens predicted in training in a second, without the time of validations."""
    steps: int
    epochs: float
    validation_loss: float
    """Nats per word of the whole text."""
    sentence_loss: float
    """Nats per word if each sentence is read by itself, from a zero state."""
    seconds: float


def tokenizers_table(role: str, rows: Sequence[Measured]) -> Table:
    """Networks of one size with different tokenizers."""
    return Table(
        title=f"{role}: characters, words and subwords",
        columns=[
            Column("name", "tokenizer", align="left"),
            Column("bits_per_char", "test", "bits/char", best="min"),
            Column("interval", "95 %", "bits/char", optional=True),
            Column("difference", "difference to char", "bits/char, 95 %", signed=True),
            Column("spelling", "of which spelling", "bits/char"),
            Column("vocabulary", "vocabulary", "tokens"),
            Column("units", "units", optional=True),
            Column("weights", "weights", optional=True),
            Column("loss", "test", "nats/token", optional=True),
            Column("seconds", "time", "s", digits=1, optional=True),
        ],
        rows=[
            {
                "name": row.tokenizer,
                "family": row.tokenizer,
                "bits_per_char": Spread(row.bits, row.deviation),
                "interval": Range(row.interval.low, row.interval.high) if row.interval else None,
                "difference": Interval(row.difference.estimate, row.difference.low, row.difference.high)
                if row.difference
                else None,
                "spelling": row.unknown,
                "vocabulary": row.vocabulary,
                "units": row.units,
                "weights": row.weights,
                "loss": row.loss,
                "seconds": row.seconds,
            }
            for row in rows
        ],
        note=f"Means over {rows[0].seeds} seeds ± standard deviation; intervals over blocks of 2,000 characters. Nats "
        "per token cannot be compared between tokenizers: bits per character of the original text can. The cost of "
        "spelling unknown words is included.",
    )


def windows_table(role: str, lines: Sequence[Window]) -> Table:
    """The same network after the same time, for each way to cut the text into steps."""
    return Table(
        title=f"{role}: beginnings of sentences beside the stream",
        columns=[
            Column("name", "a step reads", align="left"),
            Column("words_per_second", "words a second", digits=0),
            Column("epochs", "epochs", digits=2),
            Column("steps", "steps"),
            Column("validation_loss", "validation", "nats/word", best="min"),
            Column("sentence_loss", "each sentence alone", "nats/word", best="min"),
            Column("seconds", "time", "s", digits=1, optional=True),
        ],
        rows=[
            {
                "name": line.name,
                "words_per_second": line.tokens_per_second,
                "epochs": line.epochs,
                "steps": line.steps,
                "validation_loss": line.validation_loss,
                "sentence_loss": line.sentence_loss,
                "seconds": line.seconds,
            }
            for line in lines
        ],
        note="Both are the word model of seed 0, and both had the time that the stream took until it stopped. "
        "Prefixes: every beginning of a sentence predicts one word, so a word is read once for each later "
        "word of its sentence. Stream: the text is read once an epoch, and every word is predicted. The "
        "validation loss is that of the whole text, which chooses the weights of the stream; “each sentence "
        "alone” is the loss of sentences without the text before them, which chooses the weights of the "
        "prefixes. The time includes validations; words a second do not.",
    )


def next_table(predicted: Sequence[Mapping[str, Any]]) -> Table:
    """The word models' predictions after some beginnings of test sentences."""
    return Table(
        title="The likeliest next words",
        columns=[
            Column("text", "text", align="left"),
            Column("prompt", "after", align="left"),
            Column("next", "the model expects", align="left"),
            Column("wrote", "the author wrote", align="left"),
        ],
        rows=[dict(line) | {"next": ", ".join(line["next"])} for line in predicted],
        note="The beginnings of some lines of the test text. The model has also read the text before each of them.",
    )
