"""The study `stacked-lstm`: Transfer Learning in Stacked LSTMs for Text Generation (2018), on text that you bring.

A character LSTM of 3 layers with 64 units is pretrained on a near source (songs) and on a far one (prose). Each subset
of its layers is retrained together with the head on one writer's songs, and every row is compared with networks trained
on those songs alone. This is done with the paper's recipe (RMSprop) and with a better one for the same network.

The grid, every row with all seeds:

    recipe "paper"   RMSprop, alpha 0.99, constant rate; bases at 1e-2 until validation stops improving;
                     retrained at 1e-2 and at 1e-3; scratch of 2 layers with dropout 0.2, and of 3 layers
    recipe "better"  the same bases, pretrained further at a rate that falls by a cosine; retrained with AdamW at 3e-3
                     and at 1e-3, by a cosine too; scratch: the best 3x64 network of a search, and the best of any size
    recipe "larger"  if asked for: bases of more units that were made elsewhere, retrained with AdamW
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from epigone.models.config import ModelOptions, sized
from epigone.models.files.description import weights_hash
from epigone.models.language_model import LanguageModel
from epigone.studies.engine.jobs import Base, Ngrams, Text, Training, Untouched
from epigone.studies.engine.plan import Stage
from epigone.studies.engine.rows import Row, labelled, validation_mean
from epigone.studies.engine.search import SearchOptions, search_stages, typical, with_seeds
from epigone.studies.engine.thirds import THIRDS
from epigone.studies.experiment import Context, Experiment
from epigone.studies.stacked_lstm.analysis import StackedFindings, analyse
from epigone.studies.stacked_lstm.grid import (
    SOURCES,
    Recipe,
    StackedLabels,
    StackedLstmOptions,
    base_labels,
    labels_of_scratch,
    recipes,
    selections,
)
from epigone.studies.stacked_lstm.report import report
from epigone.studies.stacked_lstm.texts import ROLES, texts
from epigone.text.tokenizers.characters import AsciiTokenizer
from epigone.transfer.selections.selection import checked

SPLITS = 5  # splits of the target on which two rows are repeated


def rows(context: Context[StackedLstmOptions]) -> list[Row]:
    """Pretrain the bases, run the grid and both searches, and repeat two rows on other splits."""
    target, options = context.texts["target"], context.options
    grid = recipes(target, options, context.quick)
    model = LanguageModel(sized(grid[0].model, 2))
    for part in selections(options):
        checked(model, part["selection"], AsciiTokenizer())  # one that does not parse is refused before anything runs
    for recipe in grid:
        if bases := [*base_rows(context, recipe)]:
            context.run(bases, f"bases of “{recipe.name}”")
    shared = [Row(StackedLabels(family="n-gram"), (Ngrams(target),))]
    for role in ("near", "far"):
        shared.append(Row(StackedLabels(family="n-gram", source=role), (Ngrams(target, source=context.texts[role]),)))
    mine = [row for recipe in grid for row in recipe_rows(context, recipe)]
    searching = searching_of(context)
    best, _ = context.search(target, "ascii", searching)
    same = [_same_network(context, searching)] if "better" in context.options.recipes else []
    context.run([*shared, *mine])
    if "paper" in context.options.recipes:
        context.run([*other_splits(context, mine)], "other splits")
    return [best, *shared, *mine, *same]


def _same_network(context: Context[StackedLstmOptions], searching: SearchOptions) -> Row:
    """The best network from scratch of the bases' shape."""
    options = context.options
    network = ModelOptions(cell="lstm", num_layers=options.num_layers, hidden_size=options.hidden_size)
    found, runs = context.search(context.texts["target"], "ascii", searching, network)
    labels = {"recipe": "better", "num_layers": options.num_layers, "trials": searching.trials}
    same = replace(found, labels=StackedLabels(family="scratch", **labels))
    context.runs[same.name] = runs
    return same


def base_rows(context: Context[StackedLstmOptions], recipe: Recipe) -> Iterator[Row]:
    """The base of each source, one run each, unless they are given."""
    if recipe.pretraining is None:
        return
    for role in ("near", "far"):
        before = pretrained(context, recipe.after, role) if recipe.after else None
        job = Training(context.texts[role], recipe.pretraining, before, model=recipe.model)
        yield Row(base_labels(recipe.name, role), (job,))


def pretrained(context: Context[Any], recipe: str, role: str) -> Base:
    """A base that has been pretrained."""
    (finished,) = context.runs[base_labels(recipe, role).name]
    folder = finished.folder / "model"
    return Base(str(folder), weights_hash(folder))


def recipe_rows(context: Context[StackedLstmOptions], recipe: Recipe) -> Iterator[Row]:
    """Scratch, untouched and retrained rows of one recipe."""
    target = context.texts["target"]
    for job in recipe.scratch:
        yield Row(labels_of_scratch(job, recipe.name), with_seeds(job, context.seeds))
    for role in context.options.sources:
        base = recipe.bases.get(role) or pretrained(context, recipe.name, role)
        labels = {"recipe": recipe.name, "base": role}
        yield Row(StackedLabels(family="base", **labels), (Untouched(target, base),))
        for training in recipe.retraining:
            for part in selections(context.options):
                job = Training(target, training, base, f"({part['selection']}), head")
                yield Row(
                    StackedLabels(family="transfer", **labels, **part, rate=training.lr),
                    with_seeds(job, context.seeds),
                )


def other_splits(context: Context[StackedLstmOptions], rows: list[Row]) -> Iterator[Row]:
    """The paper's scratch network and its best retrained row, on several splits of the target."""
    scratch, *_ = labelled(rows, recipe="paper", family="scratch")
    retrained = labelled(rows, recipe="paper", family="transfer")
    best = min(retrained, key=lambda row: validation_mean(context.runs[row.name]))
    for split_seed in range(SPLITS):
        text = replace(context.texts["target"], split=replace(THIRDS, split_seed=split_seed))
        for row in (scratch, best):
            yield Row(StackedLabels(row.labels | {"split": split_seed}), on_text(row, text))


def on_text(row: Row, text: Text) -> tuple[Training, ...]:
    """The trainings of a row on another split."""
    return tuple(replace(job, text=text) for job in row.jobs if isinstance(job, Training))


def plan(context: Context[StackedLstmOptions]) -> list[Stage]:
    """The stages of `rows`; retraining takes about the time of the same recipe from scratch."""
    target, options, seeds = context.texts["target"], context.options, len(context.seeds)
    grid, parts = recipes(target, options, context.quick), len(list(selections(options)))
    searching = searching_of(context)
    network = ModelOptions(cell="lstm", num_layers=options.num_layers, hidden_size=options.hidden_size)
    retrained = tuple(Training(target, recipe.retraining[0], model=recipe.model) for recipe in grid)
    rows = 3 + sum(
        len(recipe.scratch) * seeds + len(options.sources) * (1 + len(recipe.retraining) * parts * seeds)
        for recipe in grid
    )
    stages = [
        Stage(
            f"bases of “{recipe.name}”", 2,
            tuple(Training(context.texts[role], recipe.pretraining, model=recipe.model) for role in SOURCES),
        )
        for recipe in grid
        if recipe.pretraining is not None
    ]  # fmt: skip
    stages += search_stages(typical(target, "ascii", searching), searching, seeds)
    if "better" in options.recipes:
        stages += search_stages(typical(target, "ascii", searching, network), searching, seeds)
    stages.append(Stage("rows", rows, retrained))
    if "paper" in options.recipes:
        stages.append(Stage("other splits", 2 * SPLITS * seeds, (retrained[0], *grid[0].scratch[:1])))
    return stages


def searching_of(context: Context[StackedLstmOptions]) -> SearchOptions:
    """The budget of both searches."""
    searching = SearchOptions(trials=context.options.trials, finalists=context.options.finalists)
    return replace(searching, trials=4, finalists=1, search_epochs=1) if context.quick else searching


STUDY: Experiment[StackedLstmOptions, StackedFindings] = Experiment(
    name="stacked-lstm",
    summary="Which layers of a pretrained character LSTM to retrain on one writer's songs.",
    roles=ROLES,
    options=StackedLstmOptions,
    texts=texts,
    tokenizer="ascii",
    rows=rows,
    plan=plan,
    analyse=analyse,
    report=report,
)
