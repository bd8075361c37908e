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

from epigone.errors import UserError, check_options
from epigone.models.config import ModelOptions, nearest_size, num_weights, sized
from epigone.storage import write_json
from epigone.studies.engine.executor import executor
from epigone.studies.engine.jobs import Text, Training, facts_of, facts_of_run, open_text
from epigone.studies.engine.results import StudyOptions, StudyResult
from epigone.studies.engine.rows import Row, diverged_notice, run_rows, without_diverged
from epigone.studies.engine.samples import sample_text
from epigone.studies.engine.search import with_seed
from epigone.studies.engine.store import Finished
from epigone.studies.engine.workspace import best_run, machine, open_study, seconds_of_all_calls
from epigone.studies.word_model.analysis import compared_windows, measured, predictions, tokenizer_of
from epigone.studies.word_model.report import next_table, report, tokenizers_table, windows_table
from epigone.text.readers.registry import ReadOptions
from epigone.text.tokenizers.base import VocabularyOptions
from epigone.training.listeners.monitor import Monitor
from epigone.training.options import TrainingOptions

ROLES = {"paper": "a document to learn, such as a PDF; further texts may be given by any other name"}
TOKENIZERS = ("char", "word", "bpe")


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

    found = nearest_size(map(of, range(4, int(options.weights**0.5) + 1)), vocabulary, options.weights)
    if abs(num_weights(sized(found, vocabulary)) - options.weights) > 0.05 * options.weights:
        smallest = num_weights(sized(of(4), vocabulary))
        raise UserError(
            f"No network of {options.weights:,} weights holds a vocabulary of {vocabulary:,} tokens; give --weights "
            f"{max(smallest, 20 * vocabulary):,} or more, or a greater --min-count."
        )
    return found


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
                *([next_table(predicted)] if predicted else []),
            ],
            notices=notices,
            samples=samples,
            seconds=seconds(),
        )
        write_json(out / "result.json", result.figures())
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
