"""The analysis of the study `word-model`: bits per character, speeds, likely next words."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from epigone.errors import UserError
from epigone.evaluation.intervals import MIN_DOCUMENTS, paired_difference, ratio_interval
from epigone.evaluation.losses import document_losses, token_nats
from epigone.generation.next_token import likeliest
from epigone.generation.stepper import TorchStepper
from epigone.markup import clean
from epigone.models.files.checkpoint import load_checkpoint
from epigone.studies.engine.claims import mean_of
from epigone.studies.engine.jobs import Text, Training, facts_of_run, open_text
from epigone.studies.engine.rows import Row, deviation, labelled
from epigone.studies.engine.store import Finished
from epigone.studies.experiment import Context, Findings
from epigone.studies.word_model.grid import WordModelOptions
from epigone.studies.word_model.tables import Measured, Window, next_table, tokenizers_table, windows_table
from epigone.text.sentences import sentences_apart
from epigone.text.tokenizers.base import Tokenizer
from epigone.text.tokenizers.word_units import is_sign, units_of
from epigone.text.tokenizers.words import UNKNOWN

BLOCK = 2000  # characters that are resampled together
PROMPTS, PROMPT_WORDS, NEXT = 3, 3, 5
BEFORE = 2000  # characters that the model reads before a prompt, like a reader in the middle of a text


@dataclass(frozen=True, kw_only=True)
class WordFindings(Findings):
    """The figures of each text's networks."""

    measured: Mapping[str, Sequence[Measured]]
    """By the role of the text."""


def analyse(context: Context[WordModelOptions]) -> WordFindings:
    """Read bits per character, windows, next words and samples off the finished runs.

    Raises:
        UserError: every network of a text diverged.
    """
    whole = {role: labelled(context.rows, text=role) for role in context.texts}
    for role, rows in whole.items():
        if not rows:
            raise UserError(f"Every network of {role} diverged, so there is nothing to compare; bring another text.")
    blocks = {
        row.name: [bits_by_block(run, context.texts[role]) for run in context.runs[row.name]]
        for role, rows in whole.items()
        for row in rows
    }
    tables = {role: measured(rows, context.runs, blocks) for role, rows in whole.items()}
    prefixes = [row for row in labelled(context.ran, windows="prefix") if context.runs[row.name][0].losses]
    compared = {}
    for prefix in prefixes:
        role = prefix.labels["text"]
        (stream,) = labelled(context.ran, text=role, tokenizer="word", windows=None)
        compared[role] = compared_windows(stream, prefix, context.runs)
    predicted = [
        line
        for row in labelled(context.rows, tokenizer="word")
        for line in predictions(row.labels["text"], context.best_model(row), context.texts[row.labels["text"]])
    ]
    return WordFindings(
        rows=[
            *(
                {"table": role} | asdict(found) | {"labels": dict(row.labels)}
                for role, rows in tables.items()
                for row, found in zip(whole[role], rows, strict=True)
            ),
            *({"table": f"{role}: windows"} | asdict(line) for role, lines in compared.items() for line in lines),
            *({"table": "next words"} | line for line in predicted),
        ],
        samples=[context.sample(row, context.texts[row.labels["text"]], 600, 0.8) for row in context.rows],
        tables=[
            *(tokenizers_table(role, rows) for role, rows in tables.items()),
            *(windows_table(role, lines) for role, lines in compared.items()),
            *([next_table(predicted)] if predicted else []),
        ],
        facts={row.name: facts_of_run(row.jobs[0]) for row in context.table},
        pages={"blocks.csv": blocks_csv(context.rows, blocks)},
        measured=tables,
    )


def compared_windows(stream: Row, prefix: Row, runs: Mapping[str, Sequence[Finished]]) -> list[Window]:
    """The stream and the prefixes side by side."""
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


Blocks = Mapping[str, Sequence[tuple[np.ndarray, np.ndarray]]]
"""Bits and characters of each block of the test split by the name of a row, one pair a seed."""


def blocks_csv(rows: Sequence[Row], blocks: Blocks) -> str:
    """A line for each block, row and seed, from which anybody can compute the intervals again."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["row", "text", "tokenizer", "seed", "block", "bits", "characters"])
    for row in rows:
        for seed, (bits, characters) in zip(row.seeds, blocks[row.name], strict=True):
            labels = [clean(row.name), clean(row.labels["text"]), row.labels["tokenizer"], seed]
            for index, (b, size) in enumerate(zip(bits.tolist(), characters.tolist(), strict=True)):
                writer.writerow([*labels, index, repr(b), repr(size)])
    return out.getvalue()


def measured(rows: Sequence[Row], runs: Mapping[str, Sequence[Finished]], blocks: Blocks) -> list[Measured]:
    """Bits per character on the test split, with intervals over blocks of characters."""
    found: list[Measured] = []
    reference: np.ndarray | None = None
    for row in rows:
        tests = [run.losses["test"] for run in runs[row.name]]
        mean, characters = np.mean([bits for bits, _ in blocks[row.name]], axis=0), blocks[row.name][0][1]
        if row.labels["tokenizer"] == "char":
            reference = mean
        enough = len(mean) >= MIN_DOCUMENTS
        rival = reference if enough and row.labels["tokenizer"] != "char" else None
        checkpoint = load_checkpoint(runs[row.name][0].folder / "model")
        values = [test.bits_per_char for test in tests]
        spelled = [
            test.spelling.sum() / np.log(2) / test.characters.sum() if test.spelling.size else 0 for test in tests
        ]
        found.append(
            Measured(
                name=row.name,
                tokenizer=row.labels["tokenizer"],
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
    """Bits and characters of each block of the test split; a block has the same characters for every tokenizer."""
    checkpoint = load_checkpoint(run.folder / "model")
    tokenizer, corpus = checkpoint.tokenizer, open_text(text)
    bits, counts = [], []
    stream = corpus.stream("test", tokenizer)
    nats = token_nats(checkpoint.model, stream)
    widths = np.array([len(token) for token in tokenizer.vocabulary]) + (tokenizer.spaces & 1)  # in characters, about
    places = zip(stream.offsets[:-1], stream.offsets[1:], stream.characters, corpus.documents("test"), strict=True)
    for begin, end, size, pieces in places:
        # A token's nats count where it ends; the cost of spelling an unknown word counts where the word is.
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
    """The unknown words of a text in order, and the cost of spelling each, in nats."""
    missing = {word: tokenizer.read(word).spelling for word in tokenizer.unknown(text)}
    words = [unit for unit in units_of(tokenizer.normalise(text)) if unit in missing]
    return words, [missing[word] for word in words]


def prompt_and_next(line: str) -> tuple[str, str] | None:
    """The first three words of a line, with the signs between them, and the fourth; None for fewer than six words."""
    units = units_of(line)
    words = [index for index, unit in enumerate(units) if not unit.isspace() and not is_sign(unit)]
    if len(words) < 2 * PROMPT_WORDS:
        return None
    after = words[PROMPT_WORDS]
    return "".join(units[:after]).rstrip(), units[after]


def predictions(role: str, model: Path, text: Text) -> list[dict[str, Any]]:
    """The likeliest next words after the beginnings of some lines of the test split, given the text before them."""
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
        expected = [f"{_visible(each.token)} {each.probability:.1%}" for each in likely]
        rows.append({"text": role, "prompt": prompt, "wrote": wrote, "next": expected})
    return rows


def _visible(token: str) -> str:
    """A token in a list: a line break by name, other signs in quotation marks."""
    if not token.strip():
        return "(newline)" if "\n" in token else "(space)"
    return f"“{token}”" if is_sign(token) else token
