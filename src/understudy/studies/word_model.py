"""The study `word-model`: word-level prediction learned from a document, after a short Korean tutorial.

The tutorial takes the text of one paper out of its PDF, turns each sentence into all its beginnings, and trains a small
LSTM to predict the word that follows each. Here the same document, and any other text that is brought, is learned

    by characters, words and subwords (BPE), by networks of equal size, compared as bits per character of the text;
    by words from the beginnings of sentences, beside truncated backpropagation over the stream, for the same time.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from understudy.errors import UserError, check_options
from understudy.evaluation.intervals import MIN_DOCUMENTS, Difference, paired_difference, ratio_interval
from understudy.evaluation.intervals import Interval as Estimate
from understudy.evaluation.losses import token_nats
from understudy.generation.generate import GenerateOptions, generate
from understudy.models.checkpoint import load_checkpoint
from understudy.models.config import ModelConfig, ModelOptions, num_weights
from understudy.storage import write_json
from understudy.studies.executor import executor
from understudy.studies.findings import facts_of, facts_of_run
from understudy.studies.keeping import best_run, machine, open_study, sample_text, seconds_of_all_calls
from understudy.studies.results import StudyOptions, StudyResult, mean_of
from understudy.studies.rows import Row, deviation, diverged_notice, run_rows, without_diverged
from understudy.studies.runs import Finished, Text, Training, open_text
from understudy.studies.search import with_seed
from understudy.studies.word_model_report import next_table, report, tokenizers_table, windows_table
from understudy.text.documents import ReadOptions
from understudy.text.tokenizer import VocabularyOptions
from understudy.text.units import is_sign, units_of
from understudy.training.monitor import Monitor
from understudy.training.options import TrainingOptions

ROLES = {"paper": "a document to learn, such as a PDF; further texts may be given by any other name"}
TOKENIZERS = ("char", "word", "bpe")
BLOCK = 2000  # characters that are resampled together
PROMPTS, PROMPT_WORDS, NEXT = 3, 3, 5


@dataclass(frozen=True)
class WordModelOptions:
    """The networks of the study word-model."""

    weights: int = 400_000
    """Weights of each network, about; what the vocabulary takes is taken from the layers."""
    num_layers: int = 1
    """LSTM layers."""
    min_count: int = 2
    """Words that stand in the text less often are unknown."""

    def __post_init__(self) -> None:
        check_options(self, "be 1 or more", lambda value: value >= 1, "num_layers", "min_count")
        check_options(self, "be 10,000 or more", lambda value: value >= 10_000, "weights")


def network(options: WordModelOptions, vocabulary: int) -> ModelOptions:
    """An LSTM whose embedding is tied to its head, with about as many weights as asked for."""

    def of(units: int) -> ModelOptions:
        return ModelOptions(
            num_layers=options.num_layers,
            hidden_size=units,
            embedding_size=units,
            tied=True,
            dropout=0.2 if options.num_layers > 1 else 0.0,
            output_dropout=0.3,
        )

    def weights(units: int) -> int:
        return num_weights(ModelConfig(**asdict(of(units)), vocabulary_size=vocabulary))

    units = min(range(4, int(options.weights**0.5) + 1), key=lambda n: abs(weights(n) - options.weights))
    if abs(weights(units) - options.weights) > 0.05 * options.weights:
        raise UserError(
            f"No network of {options.weights:,} weights holds a vocabulary of {vocabulary:,} tokens; give --weights "
            f"{max(weights(4), 20 * vocabulary):,} or more, or a greater --min-count."
        )
    return of(units)


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
    """Nats per word."""
    seconds: float


def run(
    own: WordModelOptions,
    data: Mapping[str, Path],
    out: Path,
    options: StudyOptions,
    read: ReadOptions,
    resume: bool,
    monitor: Monitor,
) -> StudyResult:
    """Run the study; see the module's description."""
    begin = time.perf_counter()
    texts = {role: Text.of(path, read=read) for role, path in data.items()}
    request: dict[str, Any] = {
        "command": "word-model",
        "quick": options.quick,
        "seeds": options.seeds,
        "networks": asdict(own),
        "corpora": {role: open_text(text).summary() for role, text in texts.items()},
    }
    open_study(out, request, resume)
    seeds, store = 2 if options.quick else options.seeds, out / "runs"
    training = TrainingOptions(lr=3e-3, schedule="plateau", batch_size=32, sequence_length=64, patience=8)
    if options.quick:
        training = replace(training, steps=20, validate_every=10)
    notices = [f"{role}: {said}" for role, text in texts.items() for said in open_text(text).notices]
    grid = {role: tokenizer_rows(role, text, own, training, seeds) for role, text in texts.items()}
    with seconds_of_all_calls(out, begin) as seconds:
        with monitor, executor(options.workers) as pool:
            runs = run_rows([row for rows in grid.values() for row in rows], pool, store, monitor)
            # The time that the stream took is given to the beginnings of sentences too.
            windows = {role: window_rows(role, rows, runs, options.quick) for role, rows in grid.items()}
            runs |= run_rows([row for row in windows.values() if row], pool, store, monitor, "prefixes")
        whole: dict[str, list[Row]] = {}
        for role, rows in grid.items():
            whole[role], diverged = without_diverged(rows, runs)
            notices += [diverged_notice(row, runs[row.name]) for row in diverged]
            if not whole[role]:
                raise UserError(
                    f"Every network of {role} diverged, so there is nothing to compare; bring another text."
                )
        tables = {role: measured(rows, runs, texts[role]) for role, rows in whole.items()}
        compared = {
            role: compared_windows(grid[role], row, runs)
            for role, row in windows.items()
            if row and runs[row.name][0].losses
        }
        best = {row.name: best_run(runs[row.name]).folder / "model" for rows in whole.values() for row in rows}
        predicted = [
            line
            for role, rows in whole.items()
            for row in rows
            if tokenizer_of(row) == "word"
            for line in predictions(role, best[row.name], texts[role])
        ]
        samples = [
            sample_text(row.name, tokenizer_of(row), best[row.name], texts[role], 600, 0.8)
            for role, rows in whole.items()
            for row in rows
        ]
        result = StudyResult(
            study="word-model",
            folder=str(out),
            report=str(out / "report.html"),
            rows=[
                *({"table": role} | asdict(row) for role, rows in tables.items() for row in rows),
                *({"table": f"{role}: windows"} | asdict(line) for role, lines in compared.items() for line in lines),
                *({"table": "next words"} | line for line in predicted),
            ],
            claims=[],
            tables=[
                *(tokenizers_table(role, rows) for role, rows in tables.items()),
                *(windows_table(role, lines) for role, lines in compared.items()),
                next_table(predicted),
            ],
            notices=notices,
            samples=samples,
            seconds=seconds(),
        )
        write_json(out / "result.json", result.plain())
        facts = {role: facts_of(text, request["corpora"][role]) for role, text in texts.items()}
        facts |= {row.name: facts_of_run(row.jobs[0]) for rows in grid.values() for row in rows}
        facts["machine"] = machine() | {"seeds": list(range(seeds)), "seconds": result.seconds}
        report(out, tables, runs, result, facts, options.quick)
        return result


def tokenizer_rows(role: str, text: Text, own: WordModelOptions, training: TrainingOptions, seeds: int) -> list[Row]:
    """A network of the same size for each way to cut the text into tokens."""
    rows = []
    for name in TOKENIZERS:
        vocabulary = VocabularyOptions(min_count=own.min_count) if name == "word" else VocabularyOptions()
        size = len(open_text(text).tokenizer(name, vocabulary).vocabulary)
        job = Training(text, training, tokenizer=name, vocabulary=vocabulary, model=network(own, size))
        rows.append(Row(f"{role}: {name}", name, tuple(with_seed(job, seed) for seed in range(seeds))))
    return rows


def tokenizer_of(row: Row) -> str:
    """What cuts the text of a row."""
    return row.name.rpartition(": ")[2]


def window_rows(role: str, rows: Sequence[Row], runs: Mapping[str, Sequence[Finished]], quick: bool) -> Row | None:
    """The word model from the beginnings of sentences, for as long as the stream took; None where that diverged."""
    stream = next(row for row in rows if tokenizer_of(row) == "word")
    first, job = runs[stream.name][0], stream.jobs[0]
    assert isinstance(job, Training)
    if not first.losses:
        return None
    training = replace(job.training, windows="prefix", patience=0)
    if not quick:
        training = replace(training, minutes=round(first.seconds / 60, 3), validate_every=100)
    return Row(f"{role}: word, prefixes", "prefix", (replace(job, training=training),))


def compared_windows(rows: Sequence[Row], prefix: Row, runs: Mapping[str, Sequence[Finished]]) -> list[Window]:
    """The stream and the prefixes side by side."""
    stream = next(row for row in rows if tokenizer_of(row) == "word")
    found = []
    for name, row in (("stream", stream), ("prefixes", prefix)):
        run, job = runs[row.name][0], row.jobs[0]
        assert isinstance(job, Training)
        tokens = open_text(job.text).stream("train", load_checkpoint(run.folder / "model").tokenizer)
        epochs = run.details["epochs"]
        found.append(
            Window(
                name=name,
                tokens_per_second=epochs * len(tokens) / run.history[-1]["learning_seconds"],
                steps=run.history[-1]["step"],
                epochs=epochs,
                validation_loss=run.validation_loss,
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
    tokenizer = checkpoint.tokenizer
    bits, counts = [], []
    stream = open_text(text).stream("test", tokenizer)
    nats = token_nats(checkpoint.model, stream)
    widths = np.array([len(token) for token in tokenizer.vocabulary]) + (tokenizer.spaces & 1)  # in characters, about
    for document, (begin, end) in enumerate(zip(stream.offsets[:-1], stream.offsets[1:], strict=True)):
        # A token's nats count where it ends; spelling is spread evenly over the document.
        ids = np.asarray(stream.targets[begin : end - 1])
        size = int(stream.characters[document])
        lengths = widths[ids]
        place = np.minimum((np.cumsum(lengths) * (size / max(1, lengths.sum()))).astype(int), max(0, size - 1))
        number = max(1, round(size / BLOCK))
        block = np.minimum(place * number // max(1, size), number - 1)
        characters = np.diff(np.linspace(0, size, number + 1))
        spelled = stream.spelling[document] * characters / max(1, size)
        bits.append((np.bincount(block, nats[begin : end - 1], number) + spelled) / np.log(2))
        counts.append(characters)
    return np.concatenate(bits), np.concatenate(counts)


def begin_of(line: str) -> tuple[str, str] | None:
    """The first words of a line and the one after them; None where it has few."""
    units = units_of(line)
    words = [index for index, unit in enumerate(units) if not unit.isspace() and not is_sign(unit)]
    if len(words) < 2 * PROMPT_WORDS:
        return None
    after = words[PROMPT_WORDS]
    return "".join(units[:after]).rstrip(), units[after]


def predictions(role: str, model: Path, text: Text) -> list[dict[str, Any]]:
    """The likeliest next words after the beginnings of some sentences of the test split."""
    tokenizer = load_checkpoint(model).tokenizer
    found: list[dict[str, Any]] = []
    lines = [line for part in open_text(text).texts("test") for line in part.splitlines()]
    begun = [pair for pair in map(begin_of, lines) if pair]
    for prompt, word in begun[:: max(1, len(begun) // (4 * PROMPTS))]:
        if tokenizer.unknown(prompt) or len(found) == PROMPTS:
            continue
        likely = generate(str(model), GenerateOptions(prompt=prompt, next=NEXT)).next
        found.append(
            {
                "text": role,
                "prompt": prompt,
                "wrote": word,
                "next": [f"{each.token} {each.probability:.1%}" for each in likely],
            }
        )
    return found
