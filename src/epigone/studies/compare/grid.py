"""The grid of a comparison: its options, its rows, and their labels."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from epigone.errors import check_options
from epigone.models.files.checkpoint import Checkpoint
from epigone.studies.engine.executor import MOST_WORKERS
from epigone.studies.engine.jobs import Ngrams, Text, Training, Untouched, base_of
from epigone.studies.engine.plan import Stage
from epigone.studies.engine.rows import Labels, Row
from epigone.studies.engine.search import MOST_SEEDS, SearchOptions, search_stages, typical
from epigone.studies.experiment import Context
from epigone.training.options import DisplayOptions, MachineOptions, RetrainingOptions
from epigone.transfer.methods.base import Method
from epigone.transfer.methods.retrain import Retrain
from epigone.transfer.selections.selection import checked, layer_subsets
from epigone.typed import typed

SUBSETS = ""
"""Every subset of the layers, in a list of selections."""


@dataclass(frozen=True)
@typed
class CompareOptions:
    """The size of a comparison."""

    seeds: int = 5
    """Runs of each row, with consecutive seeds from --seed on."""
    workers: int = 0
    """Runs at the same time, one thread each; 0 is one for each core."""
    max_order: int = 8
    """Longest n-grams of the n-gram rows."""
    sample_length: int = 1000
    """Characters of each sample text."""
    temperature: float = 0.8
    """Temperature of the sample texts."""

    def __post_init__(self) -> None:
        check_options(self, "be 0 or more", lambda value: 0 <= value < math.inf, "temperature")
        check_options(self, "be 0 or more", lambda value: value >= 0, "workers", most=MOST_WORKERS)
        check_options(self, "be 1 or more", lambda value: 1 <= value < math.inf, "sample_length")
        check_options(self, "be 1 or more", lambda value: value >= 1, "seeds", most=MOST_SEEDS)
        check_options(self, "be 2 or more", lambda value: 2 <= value < math.inf, "max_order", most=100)


@dataclass(frozen=True)
class Grid:
    """The rows to run."""

    checkpoints: Mapping[str, Checkpoint]
    """The bases by name."""
    tokenizer: str
    """The tokenizer of all bases."""
    train: Sequence[str]
    """Selections to retrain; every subset of the layers for `SUBSETS`, or if there are none."""
    source: Text | None
    """Text like that of the bases, for the mixed n-gram row."""
    size: CompareOptions
    searching: SearchOptions
    training: RetrainingOptions
    machine: MachineOptions
    display: DisplayOptions
    method: Method = Retrain()

    def selections(self, checkpoint: Checkpoint) -> list[str]:
        """The selections of a base's weights to retrain.

        Raises:
            UserError: one does not parse or matches no weight.
        """
        if self.method.selects:
            return list(dict.fromkeys(str(self.method.selection(each)) for each in self.train or ["all"]))
        subsets = layer_subsets(len(checkpoint.model.layers))
        found = list(
            dict.fromkeys(
                selection for each in self.train or [SUBSETS] for selection in (subsets if each == SUBSETS else [each])
            )
        )
        for selection in found:
            checked(checkpoint.model, selection, checkpoint.tokenizer)
        return found


def extended(
    before: Mapping[str, Any], train: Sequence[str], options: CompareOptions, searching: SearchOptions
) -> tuple[list[str], CompareOptions, SearchOptions, list[str]]:
    """Add a request to that of a comparison that goes on, so that it loses no row and no run.

    Args:
        before: study.json of the comparison, or nothing.
        train: the selections that are asked for now.
        options: size.
        searching: budget of the search from scratch.

    Returns:
        Selections, size and budget of both together, and sentences on what stays.
    """
    if not before:
        return list(train), options, searching, []
    earlier, asked = list(before.get("train", [])) or [SUBSETS], list(train) or [SUBSETS]
    notices = []
    if stay := [selection or "every subset of the layers" for selection in earlier if selection not in asked]:
        notices.append(f"The rows that this comparison already had stay in it: {'; '.join(stay)}.")
    if new := [selection or "every subset of the layers" for selection in asked if selection not in earlier]:
        notices.append(f"New rows are added to those of the earlier call: {'; '.join(new)}.")
    both = [] if earlier == asked == [SUBSETS] else list(dict.fromkeys([*earlier, *asked]))
    seeds = before.get("options", {}).get("seeds", 0)
    if seeds > options.seeds:
        notices.append(f"The {seeds} seeds of the earlier call stay, instead of {options.seeds}.")
        options = replace(options, seeds=seeds)
    trials, finalists = (before.get("search", {}).get(name, 0) for name in ("trials", "finalists"))
    if trials > searching.trials or finalists > searching.finalists:
        more = replace(searching, trials=max(trials, searching.trials), finalists=max(finalists, searching.finalists))
        notices.append(f"The {more.trials} trials and {more.finalists} finalists of the search from scratch stay.")
        searching = more
    return both, options, searching, notices


class CompareLabels(Labels):
    """Labels of a comparison: base, selection, source, and a method other than retraining."""

    @property
    def name(self) -> str:
        match self["family"]:
            case "n-gram":
                return "n-grams, mixed with the source" if self.get("source") else "n-grams of the text"
            case "base":
                return f"{self['base']}, untouched"
        method = f", {self['method']}" if "method" in self else ""
        return f"{self['base']}, {in_words(self['selection'], self.get('head', True))}{method}"


def in_words(selection: str, head: bool = True) -> str:
    """A selection in words, with the head if it is added: `layers 0, 2 + head`."""
    if selection == "head" or not head:
        return selection
    if numbers := re.fullmatch(r"layers\.(\d+(?:, layers\.\d+)*)", selection):
        selection = f"layer{'s' * (',' in selection)} {numbers[1].replace('layers.', '')}"
    return f"{selection} + head"


def rows(context: Context[Grid]) -> list[Row]:
    """Search for the best network from scratch, and run bases, n-grams and retrained selections beside it."""
    grid, text = context.options, context.texts["corpus"]
    untouched = [
        Row(CompareLabels(family="base", base=name), (Untouched(text, base_of(checkpoint)),))
        for name, checkpoint in grid.checkpoints.items()
    ]
    others = [*ngram_rows(grid, text), *transfer_rows(context)]
    best, _ = context.search(text, grid.tokenizer, grid.searching)
    context.run([*untouched, *others])
    return [*untouched, best, *others]


def plan(context: Context[Grid]) -> list[Stage]:
    """The search, and the rows with the time of retraining every layer."""
    grid, text, retrained = context.options, context.texts["corpus"], list(transfer_rows(context))
    largest = {row.labels["base"]: row.jobs[0] for row in retrained}  # the last row of each base
    runs = len(grid.checkpoints) + len(list(ngram_rows(grid, text))) + len(retrained) * len(context.seeds)
    return [
        *search_stages(typical(text, grid.tokenizer, grid.searching), grid.searching, len(context.seeds)),
        Stage("rows", runs, tuple(job for job in largest.values() if isinstance(job, Training))),
    ]


def ngram_rows(grid: Grid, text: Text) -> Iterator[Row]:
    """An n-gram model of the text alone, and one mixed with the source if there is one."""
    order = grid.size.max_order
    yield Row(CompareLabels(family="n-gram"), (Ngrams(text, grid.tokenizer, max_order=order),))
    if grid.source is not None:
        yield Row(CompareLabels(family="n-gram", source=True), (Ngrams(text, grid.tokenizer, grid.source, order),))


def transfer_rows(context: Context[Grid]) -> Iterator[Row]:
    """Each selection of each base's weights, retrained together with the head unless it excludes weights of it."""
    grid, text = context.options, context.texts["corpus"]
    for name, checkpoint in grid.checkpoints.items():
        for selection in grid.selections(checkpoint):
            head = not grid.method.selects and _adds_head(checkpoint, selection)
            jobs = tuple(
                Training(
                    text,
                    replace(grid.training, seed=seed),
                    base_of(checkpoint),
                    f"{selection}, head" if head else selection,
                    machine=grid.machine,
                    display=grid.display,
                    method=grid.method,
                )
                for seed in context.seeds
            )
            labels = CompareLabels(family="transfer", base=name, selection=selection)
            if not head:
                labels["head"] = False
            if grid.method != Retrain():
                labels["method"] = grid.method.name
            yield Row(labels, jobs)


def _adds_head(checkpoint: Checkpoint, selection: str) -> bool:
    """True unless a selection itself says that weights of the head do not learn, as `!head` does."""
    chosen = checked(checkpoint.model, selection, checkpoint.tokenizer)
    both = checked(checkpoint.model, f"{selection}, head", checkpoint.tokenizer)
    return not chosen.names_head or both.count() == chosen.count()
