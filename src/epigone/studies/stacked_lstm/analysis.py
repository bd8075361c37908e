"""The analysis of the study `stacked-lstm`: its rows by recipe and by split, its samples and its claims."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from epigone.described import described
from epigone.evaluation.memorisation import fingerprint_of
from epigone.studies.engine.jobs import Untouched, facts_of_run, open_text
from epigone.studies.engine.rows import (
    Row,
    RowResult,
    labelled,
    stopped_by_limit,
    summarise,
    validation_mean,
    without_diverged,
)
from epigone.studies.engine.samples import SampleText, english_shares, sample_text
from epigone.studies.experiment import Context, Findings
from epigone.studies.stacked_lstm.claims import claims
from epigone.studies.stacked_lstm.grid import (
    Recipe,
    StackedLabels,
    StackedLstmOptions,
    labels_of_scratch,
    rate_in_words,
    recipes,
)
from epigone.studies.stacked_lstm.tables import paper_table
from epigone.text.tokenizers.characters import AsciiTokenizer

LENGTH, TEMPERATURE = 1000, 0.8  # of the samples
Splits = Mapping[str, Sequence[RowResult | None]]


@dataclass(frozen=True, kw_only=True)
class StackedFindings(Findings):
    """The tables of the recipes, and two rows on other splits."""

    recipes: Mapping[str, Sequence[RowResult]]
    """The rows of each recipe and those that need none."""
    splits: Splits
    """The scratch row and the best retrained one of recipe "paper" on each split; None if it diverged there."""


@dataclass(frozen=True)
class Writer:
    """A model that writes a sample."""

    row: Row
    folder: Path


def analyse(context: Context[StackedLstmOptions]) -> StackedFindings:
    """Read tables, claims and samples off the finished runs."""
    target = context.texts["target"]
    grid = recipes(target, context.options, context.quick)
    tables = {recipe.name: summarise(of_recipe(context.rows, recipe.name), context.runs) for recipe in grid}
    context.notices += _notices(context)
    writers = {recipe.name: list(_writers(context, recipe.name)) for recipe in grid}
    first = grid[0].name  # of which the paper's claims are asked
    chosen = [writer for writer in writers[first] if writer.row.family != "base"]
    english = {writer.row.name: english_shares(writer.folder) for writer in chosen}  # scratch, far, near
    splits = _on_splits(context)
    found = claims(context.table, context.runs, splits, english, first)
    searched = [row for row in context.rows if "trials" in row.labels]
    return StackedFindings(
        rows=[{"table": name} | asdict(row) for name, table in tables.items() for row in table],
        claims=found,
        samples=list(_samples(context, [writer for found in writers.values() for writer in found])),
        tables=[paper_table(name, rows, labelled(context.diverged, recipe=name)) for name, rows in tables.items()],
        facts={
            **{f"recipe “{recipe.name}”": _facts_of_recipe(recipe) for recipe in grid},
            **{f"best network of “{row.name}”": facts_of_run(row.jobs[0]) for row in searched},
        },
        extra={"splits": {name: [row and asdict(row) for row in table] for name, table in splits.items()}},
        recipes=tables,
        splits=splits,
    )


def of_recipe(rows: Sequence[Row], recipe: str) -> list[Row]:
    """The rows of a recipe, and those that need none."""
    return [row for row in rows if row.labels.get("recipe", recipe) == recipe]


def _notices(context: Context[Any]) -> Iterator[str]:
    for row in labelled(context.ran, family="pretraining"):
        (base,) = context.runs[row.name]
        if not base.losses:
            recipe, role = row.labels["recipe"], row.labels["base"]
            yield f"{recipe}: the loss of the base of {role} diverged; its best weights till then are used."
    for row in labelled(context.rows, family="scratch"):
        yield from stopped_by_limit(f"“{row.name}”", context.runs[row.name])


def _writers(context: Context[Any], recipe: str) -> Iterator[Writer]:
    """The best row from scratch and of each source, chosen on validation, and the untouched bases."""
    mine = labelled(context.rows, recipe=recipe)
    groups = [labelled(mine, family="scratch")]
    groups += [labelled(mine, family="transfer", base=role) for role in ("far", "near")]
    for rows in filter(None, groups):
        best = min(rows, key=lambda row: validation_mean(context.runs[row.name]))
        yield Writer(best, context.best_model(best))
    for row in labelled(mine, family="base"):
        (job,) = row.jobs
        assert isinstance(job, Untouched)
        yield Writer(row, Path(job.base.path))


def _samples(context: Context[Any], writers: Sequence[Writer]) -> Iterator[SampleText]:
    target = context.texts["target"]
    read = {role: [fingerprint_of(open_text(context.texts[role]), AsciiTokenizer())] for role in ("near", "far")}
    for writer in writers:
        row = writer.row
        of_base = read.get(row.labels.get("base", ""), ())
        yield sample_text(row.name, row.family, writer.folder, target, LENGTH, TEMPERATURE, of_base)


def _on_splits(context: Context[Any]) -> dict[str, list[RowResult | None]]:
    """The figures of the rows that were repeated on other splits, by the row's name on the split of the study."""
    repeated = [row for row in context.ran if "split" in row.labels]
    found: dict[str, list[RowResult | None]] = {}
    for split in dict.fromkeys(row.labels["split"] for row in repeated):
        rows = labelled(repeated, split=split)
        table = {result.name: result for result in summarise(without_diverged(rows, context.runs)[0], context.runs)}
        for row in rows:
            name = StackedLabels({key: value for key, value in row.labels.items() if key != "split"}).name
            found.setdefault(name, []).append(table.get(row.name))
    return found


def _facts_of_recipe(recipe: Recipe) -> dict[str, Any]:
    """Facts needed to repeat a recipe."""
    return {
        "model": described(recipe.model),
        **({"its bases go on from those of": recipe.after} if recipe.after else {}),
        **({"pretraining": described(recipe.pretraining)} if recipe.pretraining else {}),
        **{
            f"base of {role}": {"folder": Path(base.path).name, "sha256": base.hash}
            for role, base in recipe.bases.items()
        },
        **{f"retraining {rate_in_words(options.lr)}": described(options) for options in recipe.retraining},
        **{labels_of_scratch(job, recipe.name).words: facts_of_run(job) for job in recipe.scratch},
    }
