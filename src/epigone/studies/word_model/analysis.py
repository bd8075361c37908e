"""What is read off the runs of the study `word-model`: bits per character, speeds, likely next words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from epigone.evaluation.intervals import MIN_DOCUMENTS, Difference, paired_difference, ratio_interval
from epigone.evaluation.intervals import Interval as Estimate
from epigone.evaluation.losses import document_losses, token_nats
from epigone.generation.next_token import likeliest
from epigone.generation.stepper import TorchStepper
from epigone.models.files.checkpoint import load_checkpoint
from epigone.studies.engine.claims import mean_of
from epigone.studies.engine.jobs import Text, Training, open_text
from epigone.studies.engine.rows import Row, deviation
from epigone.studies.engine.store import Finished
from epigone.text.sentences import sentences_apart
from epigone.text.tokenizers.base import Tokenizer
from epigone.text.tokenizers.word_units import is_sign, units_of
from epigone.text.tokenizers.words import UNKNOWN

BLOCK = 2000  # characters that are resampled together
PROMPTS, PROMPT_WORDS, NEXT = 3, 3, 5
BEFORE = 2000  # characters that the model reads before a prompt, as somebody who goes on with a text has


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
    """Nats per token, which says nothing across tokenizers."""
    unknown: float
    """Bits per character for spelling unknown words, part of `bits`."""
    seconds: float
    seeds: int


@dataclass(frozen=True)
class Window:
    """What a way to cut the text into steps gives in the same time."""

    name: str
    tokens_per_second: float
    """Predicted in training, validations not counted."""
    steps: int
    epochs: float
    validation_loss: float
    """Nats per word of the whole text."""
    sentence_loss: float
    """The same where each sentence is read by itself, from a zero state."""
    seconds: float


def tokenizer_of(row: Row) -> str:
    """What cuts the text of a row."""
    return row.name.rpartition(": ")[2]


def compared_windows(rows: Sequence[Row], prefix: Row, runs: Mapping[str, Sequence[Finished]]) -> list[Window]:
    """The stream and the prefixes side by side."""
    stream = next(row for row in rows if tokenizer_of(row) == "word")
    found = []
    for name, row in (("stream", stream), ("prefixes", prefix)):
        run, job = runs[row.name][0], row.jobs[0]
        assert isinstance(job, Training)
        checkpoint = load_checkpoint(run.folder / "model")
        corpus, tokenizer = open_text(job.text), checkpoint.tokenizer
        tokens = corpus.stream("train", tokenizer)
        apart = sentences_apart(corpus.stream("validation", tokenizer), tokenizer)
        epochs = run.details["epochs"]
        found.append(
            Window(
                name=name,
                tokens_per_second=epochs * len(tokens) / run.learning_seconds,
                steps=run.history[-1]["step"],
                epochs=epochs,
                validation_loss=run.validation_loss,
                sentence_loss=document_losses(checkpoint.model, apart).loss,
                seconds=run.seconds,
            )
        )
    return found


def measured(rows: Sequence[Row], runs: Mapping[str, Sequence[Finished]], text: Text) -> list[Measured]:
    """Bits per character on the test split, with intervals over blocks of characters."""
    found: list[Measured] = []
    reference: np.ndarray | None = None
    for row in rows:
        blocks, tests = [], [run.losses["test"] for run in runs[row.name]]
        for each in runs[row.name]:
            bits, characters = bits_by_block(each, text)
            blocks.append(bits)
        mean = np.mean(blocks, axis=0)
        if tokenizer_of(row) == "char":
            reference = mean
        enough = len(mean) >= MIN_DOCUMENTS
        rival = reference if enough and tokenizer_of(row) != "char" else None
        checkpoint = load_checkpoint(runs[row.name][0].folder / "model")
        values = [test.bits_per_char for test in tests]
        spelled = [
            test.spelling.sum() / np.log(2) / test.characters.sum() if test.spelling.size else 0 for test in tests
        ]
        found.append(
            Measured(
                name=row.name,
                tokenizer=tokenizer_of(row),
                vocabulary=len(checkpoint.tokenizer.vocabulary),
                units=checkpoint.model.config.hidden_size,
                weights=checkpoint.model.num_parameters(),
                bits=mean_of(values),
                deviation=deviation(values),
                interval=ratio_interval(mean, characters) if enough else None,
                difference=paired_difference(mean, rival, characters) if rival is not None else None,
                loss=mean_of([test.loss for test in tests]),
                unknown=float(np.mean(spelled)),
                seconds=mean_of([run.seconds for run in runs[row.name]]),
                seeds=len(runs[row.name]),
            )
        )
    return found


def bits_by_block(run: Finished, text: Text) -> tuple[np.ndarray, np.ndarray]:
    """Bits and characters of each block of the test split, which are the same characters for every tokenizer."""
    checkpoint = load_checkpoint(run.folder / "model")
    tokenizer, corpus = checkpoint.tokenizer, open_text(text)
    bits, counts = [], []
    stream = corpus.stream("test", tokenizer)
    nats = token_nats(checkpoint.model, stream)
    widths = np.array([len(token) for token in tokenizer.vocabulary]) + (tokenizer.spaces & 1)  # in characters, about
    places = zip(stream.offsets[:-1], stream.offsets[1:], stream.characters, corpus.documents("test"), strict=True)
    for begin, end, size, pieces in places:
        # A token's nats count where it ends, and what it takes to spell an unknown word where that stands.
        ids, costs = np.asarray(stream.targets[begin : end - 1]), nats[begin : end - 1]
        lengths = widths[ids]
        if stream.unit == "word":
            words, spelling = unknown_words(tokenizer, "".join(pieces))
            at = np.flatnonzero(ids == tokenizer.vocabulary.index(UNKNOWN))
            costs[at] += spelling
            lengths[at] = [len(word) + 1 for word in words]
        place = np.minimum((np.cumsum(lengths) * (size / max(1, lengths.sum()))).astype(int), max(0, size - 1))
        number = max(1, round(size / BLOCK))
        block = np.minimum(place * number // max(1, size), number - 1)
        bits.append(np.bincount(block, costs, number) / np.log(2))
        counts.append(np.diff(np.linspace(0, size, number + 1)))
    return np.concatenate(bits), np.concatenate(counts)


def unknown_words(tokenizer: Tokenizer, text: str) -> tuple[list[str], list[float]]:
    """The unknown words of a text in order, and what it takes to spell each, in nats."""
    missing = {word: tokenizer.read(word).spelling for word in tokenizer.unknown(text)}
    words = [unit for unit in units_of(tokenizer.normalise(text)) if unit in missing]
    return words, [missing[word] for word in words]


def prompt_and_next(line: str) -> tuple[str, str] | None:
    """The first three words of a line, with the signs between them, and the fourth; None of lines of less than six."""
    units = units_of(line)
    words = [index for index, unit in enumerate(units) if not unit.isspace() and not is_sign(unit)]
    if len(words) < 2 * PROMPT_WORDS:
        return None
    after = words[PROMPT_WORDS]
    return "".join(units[:after]).rstrip(), units[after]


def predictions(role: str, model: Path, text: Text) -> list[dict[str, Any]]:
    """The likeliest next words after the beginnings of some lines of the test split, and what stands before them."""
    checkpoint = load_checkpoint(model)
    tokenizer, stepper = checkpoint.tokenizer, TorchStepper(checkpoint.model)
    begun = []
    for part in open_text(text).texts("test"):
        at = 0
        for line in part.splitlines(keepends=True):
            if found := prompt_and_next(line):
                begun.append((part, at, *found))
            at += len(line)
    known = [each for each in begun if not tokenizer.unknown(each[2])]
    rows = []
    for part, at, prompt, wrote in known[:: max(1, len(known) // PROMPTS)][:PROMPTS]:
        before = part[max(0, at - BEFORE) : at]
        likely = likeliest(stepper, tokenizer, tokenizer.normalise(before + prompt), NEXT)
        expected = [f"{each.token} {each.probability:.1%}" for each in likely]
        rows.append({"text": role, "prompt": prompt, "wrote": wrote, "next": expected})
    return rows
