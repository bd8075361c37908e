"""The study `stacked-lstm`: Transfer Learning in Stacked LSTMs for Text Generation (2018), on text that you bring.

A character LSTM of 3 layers with 64 units is pretrained on a near source (songs) and on a far one (prose), each subset
of its layers is retrained together with the head on one writer's songs, and every row is held against networks trained
on those songs alone. Twice: with the paper's recipe (RMSprop), and with one that is better for the same network.

The grid, every row with all seeds:

    recipe "paper"   RMSprop, alpha 0.99, constant rate; bases at 1e-2 until validation stops improving;
                     retrained at 1e-2 and at 1e-3; scratch of 2 layers with dropout 0.2, and of 3 layers
    recipe "better"  the same bases, whose rate then falls by a cosine; retrained with AdamW, at 3e-3 and at 1e-3, by a
                     cosine too; scratch: the best 3x64 network of a search, and the best of any size
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from epigone.evaluation.memorisation import fingerprint_of
from epigone.models.config import ModelOptions
from epigone.storage import write_json
from epigone.studies.engine.executor import Executor, executor
from epigone.studies.engine.jobs import Base, Ngrams, Text, Training, Untouched, facts_of, facts_of_run, open_text
from epigone.studies.engine.results import StudyOptions, StudyResult
from epigone.studies.engine.rows import (
    Row,
    RowResult,
    diverged_notice,
    run_rows,
    stopped_by_limit,
    summarise,
    without_diverged,
)
from epigone.studies.engine.samples import english_shares, sample_text
from epigone.studies.engine.search import SearchOptions, best_from_scratch, with_seed
from epigone.studies.engine.store import Finished
from epigone.studies.engine.workspace import best_run, machine, open_study, seconds_of_all_calls
from epigone.studies.stacked_lstm.analysis import claims
from epigone.studies.stacked_lstm.report import of_recipe, paper_table, report
from epigone.studies.stacked_lstm.texts import THIRDS, check_documents, size_matched
from epigone.text.readers.registry import ReadOptions
from epigone.text.tokenizers.characters import AsciiTokenizer
from epigone.training.listeners.monitor import Monitor
from epigone.training.options import RetrainingOptions, TrainingOptions
from epigone.transfer.finetune import weights_hash
from epigone.transfer.selection import layer_subsets

log = logging.getLogger("epigone")

SUBSETS = layer_subsets(3)
NETWORK = ModelOptions(cell="lstm", num_layers=3, hidden_size=64)
PAPER = replace(NETWORK, init="uniform")  # as PyTorch began in 2018, and does
SCRATCH = replace(PAPER, num_layers=2, dropout=0.2)  # what the paper found best from scratch


@dataclass(frozen=True)
class Recipe:
    """How bases are pretrained and retrained, and which networks from scratch stand beside them."""

    name: str
    model: ModelOptions
    pretraining: TrainingOptions
    after: str
    """The recipe on whose bases the pretraining goes on; empty to begin with new weights."""
    retraining: Mapping[str, RetrainingOptions]
    """By a name that tells them apart in the table."""
    scratch: Mapping[str, Training]
    """Networks from scratch by name."""


def recipes(target: Text, quick: bool) -> list[Recipe]:
    """The paper's recipe and ours; `quick` trains a few steps of each."""
    rmsprop = TrainingOptions(
        optimizer="rmsprop", lr=1e-2, alpha=0.99, schedule="constant", clip=5.0, epochs=60, patience=6
    )
    gentle = RetrainingOptions(
        optimizer="rmsprop", lr=1e-2, alpha=0.99, schedule="constant", clip=5.0, epochs=40, patience=8
    )
    # A rate that stays high leaves a base above the bottom of its valley: six more epochs take it there.
    falling = RetrainingOptions(
        optimizer="rmsprop", lr=5e-3, alpha=0.99, schedule="cosine", clip=5.0, epochs=6, patience=0, batch_size=64
    )
    # Tried on the validation split of the songs; dropout between such narrow layers only hurts.
    ours = RetrainingOptions(optimizer="adamw", lr=3e-3, schedule="cosine", epochs=10, patience=0, batch_size=8)
    if quick:
        rmsprop = replace(rmsprop, steps=20, validate_every=10)
        falling, gentle, ours = (replace(o, steps=20, validate_every=10) for o in (falling, gentle, ours))
    alone = replace(gentle, epochs=120, patience=None)  # it needs hundreds of steps to begin
    return [
        Recipe(
            "paper",
            PAPER,
            rmsprop,
            "",
            {"lr 1e-2": gentle, "lr 1e-3": replace(gentle, lr=1e-3)},
            {
                "scratch, 2 layers, dropout 0.2": Training(target, alone, model=SCRATCH),
                "scratch, 3 layers": Training(target, alone, model=PAPER),
            },
        ),
        Recipe(
            "better",
            PAPER,
            falling,
            "paper",
            {"lr 3e-3": ours, "lr 1e-3": replace(ours, lr=1e-3)},
            {},  # searched: see `run`
        ),
    ]


def run(
    data: Mapping[str, Path], out: Path, options: StudyOptions, read: ReadOptions, resume: bool, monitor: Monitor
) -> StudyResult:
    """Run the study; see the module's description for its grid."""
    begin = time.perf_counter()
    target = Text.of(data["target"], read=read, split=THIRDS)
    sources, notices = size_matched(data, read, options.quick)
    check_documents(target)
    texts = {"target": target} | sources
    request: dict[str, Any] = {
        "command": "stacked-lstm",
        "quick": options.quick,
        "seeds": options.seeds,
        "corpora": {role: open_text(text).summary() for role, text in texts.items()},
    }
    open_study(out, request, resume)
    for role, text in texts.items():
        opened = open_text(text)
        notices += [f"{role}: {said}" for said in [*opened.notices, *opened.stream("all", AsciiTokenizer()).notices]]
    store, seeds = out / "runs", 2 if options.quick else options.seeds
    searching = SearchOptions(trials=4, finalists=1, search_epochs=1) if options.quick else SearchOptions()
    grid = recipes(target, options.quick)
    with seconds_of_all_calls(out, begin) as seconds:
        with monitor, executor(options.workers) as pool:
            bases = pretrain_bases(grid, sources, pool, store, monitor)
            shared = [
                Row("n-grams of the target", "n-gram", (Ngrams(target),)),
                *(
                    Row(f"n-grams mixed with {role}", "n-gram", (Ngrams(target, source=source),))
                    for role, source in sources.items()
                ),
            ]
            rows = [row for recipe in grid for row in recipe_rows(recipe, target, bases, seeds)]
            search = (target, "ascii", searching, range(seeds), pool, store, monitor)
            best, scratch = best_from_scratch(*search)
            same, equal = best_from_scratch(*search, NETWORK)
            same = replace(same, name=f"better: scratch, 3 layers, best of {searching.trials}")
            runs = run_rows([*shared, *rows], pool, store, monitor) | {best.name: scratch, same.name: equal}
            rows.append(same)
            splits = other_splits(rows, runs, target, seeds, pool, store, monitor)
        whole, diverged = without_diverged([best, *shared, *rows], runs)
        tables = {
            recipe.name: summarise(
                [row for row in whole if row in (best, *shared) or row.name.startswith(f"{recipe.name}: ")], runs
            )
            for recipe in grid
        }
        notices += [diverged_notice(row, runs[row.name]) for row in diverged]
        for (recipe, role), (_, base) in bases.items():
            if not base.losses:
                notices.append(
                    f"{recipe}: the loss of the base of {role} diverged; its best weights till then are used."
                )
        for row in whole:
            if row.family == "scratch":
                notices += stopped_by_limit(f"“{row.name}”", runs[row.name])
        log.info("Writing the samples and the report.")
        models = writers(tables, runs, bases)
        read_by_bases = {role: [fingerprint_of(open_text(text), AsciiTokenizer())] for role, text in sources.items()}
        samples = [
            sample_text(model.row, model.family, model.folder, target, 1000, 0.8, read_by_bases.get(model.part, ()))
            for model in models
        ]
        chosen = [model for model in models if model.recipe == "paper" and model.family != "base"]
        english = {model.row: english_shares(model.folder) for model in chosen}  # scratch, far, near
        result = StudyResult(
            study="stacked-lstm",
            folder=str(out),
            report=str(out / "report.html"),
            rows=[{"table": name} | asdict(row) for name, table in tables.items() for row in table],
            claims=claims(runs, splits, english),
            tables=[paper_table(name, rows, of_recipe(name, diverged)) for name, rows in tables.items()],
            notices=notices,
            samples=samples,
            seconds=seconds(),
        )
        by_split = {name: [row and asdict(row) for row in table] for name, table in splits.items()}
        write_json(out / "result.json", result.figures() | {"splits": by_split})
        facts = {role: facts_of(text, request["corpora"][role]) for role, text in texts.items()}
        facts |= {f"recipe “{recipe.name}”": facts_of_recipe(recipe) for recipe in grid}
        facts |= {f"best network of “{row.name}”": facts_of_run(row.jobs[0]) for row in (best, same)}
        facts["machine"] = machine() | {"seeds": list(range(seeds)), "seconds": result.seconds}
        report(out, tables, diverged, runs, bases, result, splits, facts, options.quick)
        return result


def facts_of_recipe(recipe: Recipe) -> dict[str, Any]:
    """What it takes to repeat a recipe."""
    return {
        "model": asdict(recipe.model),
        **({"its bases go on from those of": recipe.after} if recipe.after else {}),
        "pretraining": asdict(recipe.pretraining),
        **{f"retraining {name}": asdict(options) for name, options in recipe.retraining.items()},
        **{name: facts_of_run(job) for name, job in recipe.scratch.items()},
    }


def pretrain_bases(
    grid: Sequence[Recipe], sources: Mapping[str, Text], pool: Executor, store: Path, monitor: Monitor
) -> dict[tuple[str, str], tuple[Base, Finished]]:
    """The base of each recipe and source: one run each."""
    bases: dict[tuple[str, str], tuple[Base, Finished]] = {}
    for recipe in grid:
        rows = {}
        for role, source in sources.items():
            before = bases[recipe.after, role][0] if recipe.after else None
            job = Training(source, recipe.pretraining, before, model=recipe.model)
            rows[role] = Row(f"{recipe.name}: base of {role}", "base", (job,))
        runs = run_rows(list(rows.values()), pool, store, monitor, f"bases of “{recipe.name}”")
        for role, row in rows.items():
            (finished,) = runs[row.name]
            folder = finished.folder / "model"
            bases[recipe.name, role] = (Base(str(folder), weights_hash(folder)), finished)
    return bases


def recipe_rows(
    recipe: Recipe, target: Text, bases: Mapping[tuple[str, str], tuple[Base, Finished]], seeds: int
) -> list[Row]:
    """Scratch, untouched and retrained rows of one recipe."""
    rows = [Row(f"{recipe.name}: {name}", "scratch", seeded(job, seeds)) for name, job in recipe.scratch.items()]
    for role in ("far", "near"):
        base, _ = bases[recipe.name, role]
        rows.append(Row(f"{recipe.name}: {role}, untouched", "base", (Untouched(target, base),)))
        for rate, training in recipe.retraining.items():
            for selection in SUBSETS:
                job = Training(target, training, base, f"({selection}), head")
                rows.append(Row(row_name(recipe.name, role, selection, rate), "transfer", seeded(job, seeds)))
    return rows


def row_name(recipe: str, role: str, selection: str, rate: str) -> str:
    """The name of a retrained row: which layers, from which source, at which rate."""
    layers = selection.replace("layers.", "").replace(", ", "+")
    return f"{recipe}: {role}, layers {layers}, {rate}"


def seeded(job: Training, seeds: int) -> tuple[Training, ...]:
    """A run with each seed."""
    return tuple(with_seed(job, seed) for seed in range(seeds))


def other_splits(
    rows: Sequence[Row],
    runs: Mapping[str, list[Finished]],
    target: Text,
    seeds: int,
    pool: Executor,
    store: Path,
    monitor: Monitor,
) -> dict[str, list[RowResult | None]]:
    """The paper's scratch network and its best retrained row on five splits of the target; None where one diverged."""
    mine = [row for row in rows if row.name.startswith("paper: ") and row.family in ("scratch", "transfer")]
    scratch = mine[0]
    best = min(
        (row for row in mine if row.family == "transfer"),
        key=lambda row: sum(run.validation_loss for run in runs[row.name]),
    )
    on_splits: dict[int, list[Row]] = {}
    for split_seed in range(5):
        text = replace(target, split=replace(THIRDS, split_seed=split_seed))
        on_splits[split_seed] = [
            Row(
                f"{row.name}, split {split_seed}",
                row.family,
                tuple(replace(job, text=text) for job in row.jobs[:seeds] if isinstance(job, Training)),
            )
            for row in (scratch, best)
        ]
    found = run_rows([row for moved in on_splits.values() for row in moved], pool, store, monitor, "other splits")
    results: dict[str, list[RowResult | None]] = {scratch.name: [], best.name: []}
    for moved in on_splits.values():
        table = {result.name: result for result in summarise(without_diverged(moved, found)[0], found)}
        for name, row in zip(results, moved, strict=True):
            results[name].append(table.get(row.name))
    return results


@dataclass(frozen=True)
class Writer:
    """A model that writes a sample."""

    recipe: str
    part: str
    """scratch, far or near."""
    row: str
    family: str
    folder: Path


def writers(
    tables: Mapping[str, list[RowResult]],
    runs: Mapping[str, list[Finished]],
    bases: Mapping[tuple[str, str], tuple[Base, Finished]],
) -> list[Writer]:
    """The best row of each part, chosen on validation, where not all diverged, and the untouched bases."""
    found = []
    for recipe, table in tables.items():
        for part in ("scratch", "far", "near"):
            rows = [r for r in table if r.family in ("scratch", "transfer") and r.name.startswith(f"{recipe}: {part}")]
            if rows:
                best = min(rows, key=lambda row: row.validation_loss)
                model = best_run(runs[best.name]).folder / "model"
                found.append(Writer(recipe, part, best.name, best.family, model))
        for role in ("far", "near"):
            folder = Path(bases[recipe, role][0].path)
            found.append(Writer(recipe, role, f"{recipe}: {role}, untouched", "base", folder))
    return found
