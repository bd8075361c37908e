"""The study `stacked-lstm`: Transfer Learning in Stacked LSTMs for Text Generation (2018), on text that you bring.

A character LSTM of 3 layers with 64 units is pretrained on a near source (songs) and on a far one (prose), each subset
of its layers is retrained together with the head on one writer's songs, and every row is held against networks trained
on those songs alone. Twice: with the paper's recipe (RMSprop), and with one that is better for the same network.

The grid, every row with all seeds:

    recipe "paper"   RMSprop, alpha 0.99, constant rate; bases at 1e-2 until validation stops improving;
                     retrained at 1e-2 and at 1e-3; scratch of 2 layers with dropout 0.2, and of 3 layers
    recipe "better"  AdamW, cosine; bases for a fixed number of epochs; retrained with a gentle rate;
                     scratch: the best 3x64 network of a search, and the best of any size
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from understudy.models.language_model import ModelOptions
from understudy.storage import write_json
from understudy.studies.compare import best_from_scratch, layer_subsets
from understudy.studies.executor import Executor, executor
from understudy.studies.keeping import best_run, english_shares, open_study, sample_text, seconds_of_all_calls
from understudy.studies.results import StudyOptions, StudyResult
from understudy.studies.rows import Row, RowResult, run_rows, summarise
from understudy.studies.runs import Base, Finished, Ngrams, Text, Training, Untouched, open_text, run_job
from understudy.studies.search import SearchOptions
from understudy.studies.stacked_lstm_claims import claims
from understudy.studies.stacked_lstm_report import report
from understudy.text.documents import ReadOptions
from understudy.text.splitting import SplitOptions
from understudy.training.monitor import Monitor
from understudy.training.options import RetrainingOptions, TrainingOptions
from understudy.transfer.finetune import weights_hash

log = logging.getLogger("understudy")

ROLES = {
    "target": "the few texts of one writer, such as songs",
    "near": "much text of the same kind by others",
    "far": "much text of another kind, such as novels",
}
SUBSETS = layer_subsets(3)
NETWORK = ModelOptions(cell="lstm", num_layers=3, hidden_size=64)
SCRATCH = replace(NETWORK, num_layers=2, dropout=0.2)  # what the paper found best from scratch
THIRDS = SplitOptions((1 / 3, 1 / 3, 1 / 3))
SOURCE_SPLIT = SplitOptions((0.9, 0.05, 0.05))


@dataclass(frozen=True)
class Recipe:
    """How bases are pretrained and retrained, and which networks from scratch stand beside them."""

    name: str
    pretraining: TrainingOptions
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
    adamw = TrainingOptions(optimizer="adamw", lr=5e-3, schedule="cosine", epochs=16, patience=0)
    # Many small steps at a high rate: of what was tried on the validation split of the songs, the best for any layers;
    # dropout between such narrow layers only hurts.
    ours = RetrainingOptions(optimizer="adamw", lr=6e-3, schedule="cosine", epochs=15, patience=0, batch_size=8)
    if quick:
        rmsprop, adamw = (replace(o, steps=20, validate_every=10) for o in (rmsprop, adamw))
        gentle, ours = (replace(o, steps=20, validate_every=10) for o in (gentle, ours))
    alone = replace(gentle, epochs=80)
    return [
        Recipe(
            "paper",
            rmsprop,
            {"lr 1e-2": gentle, "lr 1e-3": replace(gentle, lr=1e-3)},
            {
                "scratch, 2 layers, dropout 0.2": Training(target, alone, model=SCRATCH),
                "scratch, 3 layers": Training(target, alone, model=NETWORK),
            },
        ),
        Recipe(
            "better",
            adamw,
            {"": ours},
            {},  # searched: see `run`
        ),
    ]


def run(data: Mapping[str, Path], out: Path, options: StudyOptions, resume: bool, monitor: Monitor) -> StudyResult:
    """Run the study; see the module's description for its grid."""
    begin = time.perf_counter()
    target = Text.of(data["target"], split=THIRDS)
    sources = size_matched(data, options.quick)
    request = {
        "command": "stacked-lstm",
        "quick": options.quick,
        "seeds": options.seeds,
        "corpora": {"target": open_text(target).summary()}
        | {role: open_text(source).summary() for role, source in sources.items()},
    }
    open_study(out, request, resume)
    store, seeds = out / "runs", 2 if options.quick else options.seeds
    searching = SearchOptions(trials=4, finalists=1, search_epochs=1) if options.quick else SearchOptions()
    with seconds_of_all_calls(out, begin) as seconds:
        with executor(options.workers) as pool:
            rows: list[Row] = []
            bases = pretrain_bases(recipes(target, options.quick), sources, pool, store, monitor)
            shared = [
                Row("n-grams of the target", "n-gram", (Ngrams(target),)),
                *(
                    Row(f"n-grams mixed with {role}", "n-gram", (Ngrams(target, source=source),))
                    for role, source in sources.items()
                ),
            ]
            for recipe in recipes(target, options.quick):
                rows += recipe_rows(recipe, target, bases, seeds)
            best, scratch = best_from_scratch(target, "ascii", searching, seeds, pool, store, monitor)
            same, equal = best_from_scratch(target, "ascii", searching, seeds, pool, store, monitor, NETWORK)
            same = replace(same, name=f"better: scratch, 3 layers, best of {searching.trials}")
            runs = run_rows([*shared, *rows], pool, store, monitor) | {best.name: scratch, same.name: equal}
            rows.append(same)
            splits = other_splits(rows, runs, data["target"], seeds, pool, store, monitor)
        shared = [best, *shared]
        tables = {}
        for recipe in recipes(target, options.quick):
            mine = [row for row in rows if row.name.startswith(f"{recipe.name}: ")]
            chosen = [row for row in [*shared, *mine] if all(run.losses for run in runs[row.name])]
            tables[recipe.name] = summarise(chosen, runs)
        log.info("Writing the samples and the report.")
        models = writers(tables, runs, bases)
        samples = [sample_text(name, family, folder, target, 1000, 0.8) for name, family, folder in models]
        english = {name: english_shares(folder) for name, _, folder in models[:3]}  # scratch, far, near
        found = claims(tables, runs, splits, english)
        result = StudyResult(
            study="stacked-lstm",
            folder=str(out),
            report=str(out / "report.html"),
            rows=[{"table": name} | asdict(row) for name, table in tables.items() for row in table],
            claims=found,
            samples=samples,
            seconds=seconds(),
        )
        by_split = {name: [asdict(row) for row in table] for name, table in splits.items()}
        write_json(out / "result.json", asdict(result) | {"splits": by_split})
        report(out, tables, runs, bases, result, splits, request)
        return result


def size_matched(data: Mapping[str, Path], quick: bool) -> dict[str, Text]:
    """Both sources, cut to the characters of the smaller one."""
    sizes = [int(open_text(Text.of(data[role], split=SOURCE_SPLIT)).characters.sum()) for role in ("near", "far")]
    limit = min(*sizes, 200_000 if quick else max(sizes))
    return {role: Text.of(data[role], read=ReadOptions(limit=limit), split=SOURCE_SPLIT) for role in ("near", "far")}


def pretrain_bases(
    grid: list[Recipe], sources: Mapping[str, Text], pool: Executor, store: Path, monitor: Monitor
) -> dict[tuple[str, str], tuple[Base, Finished]]:
    """The base of each recipe and source: one run each."""
    jobs = {
        (recipe.name, role): Training(source, recipe.pretraining, model=NETWORK)
        for recipe in grid
        for role, source in sources.items()
    }
    monitor.jobs("bases", len(jobs))
    names = [f"{recipe}: base of {role}" for recipe, role in jobs]
    finished = pool.map(
        run_job, [(job, store) for job in jobs.values()], lambda i, run: monitor.job(names[i], run.validation_loss)
    )
    bases = {}
    for key, run_ in zip(jobs, finished, strict=True):
        folder = run_.folder / "model"
        bases[key] = (Base(str(folder), weights_hash(folder)), run_)
    return bases


def recipe_rows(
    recipe: Recipe, target: Text, bases: Mapping[tuple[str, str], tuple[Base, Finished]], seeds: int
) -> list[Row]:
    """Scratch, untouched and retrained rows of one recipe."""
    rows = [Row(f"{recipe.name}: {name}", "scratch", tuple(seeded(job, seeds))) for name, job in recipe.scratch.items()]
    for role in ("far", "near"):
        base, _ = bases[recipe.name, role]
        rows.append(Row(f"{recipe.name}: {role}, untouched", "base", (Untouched(target, base),)))
        for rate, training in recipe.retraining.items():
            for selection in SUBSETS:
                job = Training(target, training, base, f"({selection}), head")
                rows.append(Row(row_name(recipe.name, role, selection, rate), "transfer", tuple(seeded(job, seeds))))
    return rows


def row_name(recipe: str, role: str, selection: str, rate: str) -> str:
    """The name of a retrained row: which layers, from which source, at which rate."""
    layers = selection.replace("layers.", "").replace(", ", "+")
    return f"{recipe}: {role}, layers {layers}" + (f", {rate}" if rate else "")


def seeded(job: Training, seeds: int) -> list[Training]:
    """A run with each seed."""
    return [replace(job, training=replace(job.training, seed=seed)) for seed in range(seeds)]


def other_splits(
    rows: list[Row],
    runs: Mapping[str, list[Finished]],
    target: Path,
    seeds: int,
    pool: Executor,
    store: Path,
    monitor: Monitor,
) -> dict[str, list[RowResult]]:
    """The paper's scratch network and its best retrained row on five splits of the target."""
    mine = [row for row in rows if row.name.startswith("paper: ") and row.family in ("scratch", "transfer")]
    scratch = mine[0]
    best = min(
        (row for row in mine if row.family == "transfer"),
        key=lambda row: sum(run.validation_loss for run in runs[row.name]),
    )
    results: dict[str, list[RowResult]] = {scratch.name: [], best.name: []}
    for split_seed in range(5):
        text = Text.of(target, split=replace(THIRDS, split_seed=split_seed))
        moved = [
            replace(row, jobs=tuple(replace(job, text=text) for job in row.jobs[:seeds] if isinstance(job, Training)))
            for row in (scratch, best)
        ]
        found = run_rows(moved, pool, store, monitor, "rows on other splits")
        for result in summarise(moved, found):
            results[result.name].append(result)
    return results


def writers(
    tables: Mapping[str, list[RowResult]],
    runs: Mapping[str, list[Finished]],
    bases: Mapping[tuple[str, str], tuple[Base, Finished]],
) -> list[tuple[str, str, Path]]:
    """Name, family and model of the best row of each kind, chosen on validation, and of the untouched bases."""
    found = []
    for recipe, table in tables.items():
        for part in ("scratch", "far", "near"):
            rows = [r for r in table if r.family in ("scratch", "transfer") and r.name.startswith(f"{recipe}: {part}")]
            best = min(rows, key=lambda row: row.validation_loss)
            found.append((best.name, best.family, best_run(runs[best.name]).folder / "model"))
        for role in ("far", "near"):
            found.append((f"{recipe}: {role}, untouched", "base", Path(bases[recipe, role][0].path)))
    return found
