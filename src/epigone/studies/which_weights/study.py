"""The study `which-weights`: which weights of a pretrained network carry a writer, down to the unit.

Each part of a base (layers, gates, matrices, biases, units and single weights by rankings, scores and chance) and each
way of adapting learns the same few texts, and a random part of the same size is beside each chosen one. Rates, and
which rows come first, are chosen on the targets; the verdict is the test loss on other writers, on whom nothing was
chosen.

    targets     every part at every rate
    writers     every part, or those that validated best on the targets, at the rate that did
    best        the best parts and their random controls with more seeds
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from epigone.models.files.checkpoint import load_checkpoint
from epigone.studies.engine.jobs import Base, Training, Untouched, base_of
from epigone.studies.engine.plan import Stage
from epigone.studies.engine.rows import Row
from epigone.studies.engine.store import Job
from epigone.studies.experiment import Context, Experiment
from epigone.studies.which_weights.analysis import WhichFindings, analyse
from epigone.studies.which_weights.choice import best_rates, loss_on_targets
from epigone.studies.which_weights.grid import (
    Part,
    WhichLabels,
    WhichWeightsOptions,
    checked_parts,
    with_controls,
)
from epigone.studies.which_weights.jobs import Adapted, Read, UntouchedOn
from epigone.studies.which_weights.report import report
from epigone.studies.which_weights.texts import OPTIONAL, OWN, ROLES, SOURCE, learned, targets, texts, writers
from epigone.training.options import RetrainingOptions


def rows(context: Context[WhichWeightsOptions]) -> list[Row]:
    """Try every rate on the targets, run the best one on the writers, and the best parts with more seeds."""
    options = context.options
    whole, *others = checked_parts(options, SOURCE in context.texts)
    read = [part for part in others if part.reading]
    others = [part for part in others if not part.reading]
    base = base_of(load_checkpoint(options.base))
    study = Runs(context, base)
    untouched = [study.untouched(role) for role in learned(context.texts)]
    context.run(untouched, "untouched")
    # All weights first, because `change` ranks weights by how far they went.
    study.run([whole], targets(context.texts), "targets, all weights")
    rate = best_rates(context, [whole])["all"]
    study.add(whole, writers(context.texts), [rate])
    study.finish("writers, all weights")
    study.changed = {role: study.retrained(role, rate) for role in learned(context.texts)}
    study.run(others, targets(context.texts), "targets")
    study.rates = best_rates(context, [whole, *others])
    study.run(read, targets(context.texts), "targets, other readings")
    others += read
    rates = best_rates(context, [whole, *others])
    ordered = sorted([whole, *others], key=lambda part: loss_on_targets(context, part, rates[part.name]))
    judged = with_controls(ordered[: options.judged or None], others)
    for part in judged:
        if part is not whole:
            study.add(part, writers(context.texts), [rates[part.name]])
    study.finish("writers")
    for part in with_controls(ordered[: min(options.best, options.judged or options.best)], others):
        study.add(part, learned(context.texts), [rates[part.name]], options.best_seeds)
    study.finish("best")
    return [
        *untouched,
        *(
            study.rows[WhichLabels(text=role, part=part.name, rate=rates[part.name]).name]
            for role in learned(context.texts)
            for part in (whole, *others)
            if role in targets(context.texts) or part is whole or part in judged
        ),
    ]


class Runs:
    """Rows that are collected and then run together; the one that came last of each name has its runs.

    Args:
        context: of the study.
        base: what is adapted.
    """

    def __init__(self, context: Context[WhichWeightsOptions], base: Base) -> None:
        self.context, self.base = context, base
        self.changed: dict[str, str] = {}
        """The folders of the models whose weights all learned, by the role of the text."""
        self.rates: dict[str, float] = {}
        """The rates that were chosen, by the name of the part."""
        self.rows: dict[str, Row] = {}
        self._waiting: list[Row] = []

    def untouched(self, role: str) -> Row:
        """The base as it is, on a text."""
        texts = self.context.texts
        return Row(
            WhichLabels(family="base", text=role), (UntouchedOn(Untouched(texts[role], self.base), texts.get(OWN)),)
        )

    def add(self, part: Part, roles: Iterable[str], rates: Iterable[float], seeds: int = 0) -> None:
        """Let a part learn texts at rates, with as many seeds as the study has, or more."""
        rates = list(rates)
        seeds = max(seeds, part.seeds(self.context.options, len(self.context.seeds)))
        for role in roles:
            for rate in rates:
                labels = WhichLabels(family=part.group, text=role, part=part.name, rate=rate)
                self._waiting.append(Row(labels, tuple(self._job(part, role, rate, seed) for seed in range(seeds))))

    def finish(self, title: str) -> None:
        """Do what was added."""
        self.context.run(self._waiting, title)
        self.rows |= {row.name: row for row in self._waiting}
        self._waiting = []

    def run(self, parts: Sequence[Part], roles: Iterable[str], title: str) -> None:
        """Let parts learn texts at all their rates."""
        roles = list(roles)
        for part in parts:
            self.add(part, roles, part.rates(self.context.options))
        self.finish(title)

    def retrained(self, role: str, rate: float) -> str:
        """The folder of the model whose weights all learned a text."""
        return str(self.context.best_model(self.rows[WhichLabels(text=role, part="all", rate=rate).name]))

    def _job(self, part: Part, role: str, rate: float, seed: int) -> Job:
        texts = self.context.texts
        if not part.reading:
            training = self.training(part, role, rate, seed)
            return Adapted(training, part.drawn_as(seed), texts.get(OWN), kept=part.name == "all")
        dynamic = rate if part.reading == "dynamic" else 0.0
        before = None
        if part.selection:
            before = self.training(part, role, self.rates.get(part.of, self.context.options.rates[0]), seed)
        return Read(texts[role], self.base, before, dynamic)

    def training(self, part: Part, role: str, rate: float, seed: int) -> Training:
        """The training of a part."""
        options = self.context.options
        recipe = RetrainingOptions(
            lr=rate, seed=seed, epochs=options.epochs, schedule="constant", patience=0,
            batch_size=options.batch_size, precision=options.precision,
        )  # fmt: skip
        if self.context.quick:
            recipe = replace(recipe, epochs=1.0)
        return Training(
            self.context.texts[role],
            replace(recipe, **part.recipe),
            self.base,
            part.written(seed, options.probe, self.changed.get(role, "")),
            method=part.method,
            rehearse=self.context.texts[SOURCE] if part.rehearsed else None,
        )


def plan(context: Context[WhichWeightsOptions]) -> list[Stage]:
    """All runs, with the time of those in which all weights learn."""
    options, found = context.options, checked_parts(context.options, SOURCE in context.texts)
    base = base_of(load_checkpoint(options.base))
    seeds = [part.seeds(options, len(context.seeds)) for part in found]
    of_targets, of_writers = list(targets(context.texts)), list(writers(context.texts))
    example = (Runs(context, base).training(found[0], of_targets[0], options.rates[0], 0),)
    judged = options.judged * (len(context.seeds) + options.draws) or sum(seeds)
    best = options.best * 2 * options.best_seeds * (len(of_targets) + len(of_writers))
    return [
        Stage("targets", len(of_targets) * len(options.rates) * sum(seeds), example),
        Stage("writers", len(of_writers) * min(sum(seeds), judged), example),
        Stage("best", best, example),
    ]


STUDY: Experiment[WhichWeightsOptions, WhichFindings] = Experiment(
    name="which-weights",
    summary="Which weights of a pretrained network to retrain for one writer, and how.",
    roles=ROLES,
    optional=OPTIONAL,
    further="the texts of another writer, on whom nothing is chosen, for the verdict",
    options=WhichWeightsOptions,
    texts=texts,
    rows=rows,
    plan=plan,
    analyse=analyse,
    report=report,
)
