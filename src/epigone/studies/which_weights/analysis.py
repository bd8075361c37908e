"""The analysis of the study `which-weights`: gains on the targets and on the writers, costs, forgetting, questions."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from epigone.described import described
from epigone.evaluation.intervals import Difference, holm, paired_difference
from epigone.evaluation.losses import Losses
from epigone.studies.engine.rows import units, validation_mean
from epigone.studies.engine.store import Finished
from epigone.studies.experiment import Context, Findings
from epigone.studies.which_weights.grid import WhichWeightsOptions, checked_parts
from epigone.studies.which_weights.measured import Measured, Nats, OnTargets
from epigone.studies.which_weights.questions import questions
from epigone.studies.which_weights.tables import costs_table, gains_table, targets_table
from epigone.studies.which_weights.texts import OWN, SOURCE, learned, targets, writers


@dataclass(frozen=True, kw_only=True)
class WhichFindings(Findings):
    """The parts, the one with the highest gain on the validation splits of the targets first."""

    measured: Sequence[Measured]


def analyse(context: Context[WhichWeightsOptions]) -> WhichFindings:
    """Read gains, costs and forgetting off the finished runs, and answer the questions."""
    rows = {(row.labels["text"], row.labels.get("part", "")): row for row in context.rows}
    roles = list(learned(context.texts))
    every_part = checked_parts(context.options, SOURCE in context.texts)
    parts = [part for part in every_part if all((role, part.name) in rows for role in roles)]

    def runs(role: str, part: str) -> Sequence[Finished]:
        return context.runs[rows[role, part].name]

    untouched = {role: runs(role, "") for role in roles}

    def validation_gain(part: str) -> float:
        gains = [validation_mean(untouched[role]) - validation_mean(runs(role, part)) for role in targets(roles)]
        return float(np.mean(gains))

    base, whole = _together([untouched[role] for role in writers(roles)]), "all"
    of_all = _together([runs(role, whole) for role in writers(roles)])
    size = max(run.trained_parameters or 0 for role in roles for run in runs(role, whole))
    found = []
    for part in parts:
        mine = {role: runs(role, part.name) for role in roles}
        nats, tokens = _together([mine[role] for role in writers(roles)])
        every = [run for role in roles for run in mine[role]]
        gain = paired_difference(base[0], nats, tokens)
        found.append(
            Measured(
                name=part.name,
                group=part.group,
                choice=part.choice,
                share=part.share,
                rate=rows[roles[0], part.name].labels["rate"],
                validation_gain=validation_gain(part.name),
                gains={role: paired_difference(*_pair(untouched[role], mine[role])) for role in roles},
                gain=gain,
                percent=100 * gain.estimate * float(tokens.sum() / base[0].sum()),
                to_all=paired_difference(nats, of_all[0], tokens),
                p_holm=1.0,
                forgetting=_forgetting(untouched[roles[0]], every) if all(OWN in run.losses for run in every) else None,
                weights=max(run.trained_parameters or 0 for run in every),
                of=size,
                kilobytes=float(np.mean([run.details.get("kilobytes", 0) for run in every])),
                seconds=float(np.mean([run.seconds for run in every])),
                runs=len(every),
            )
        )
    corrected = holm(np.array([each.to_all.p_value for each in found if each.name != whole]))
    values = iter(corrected.tolist())
    found = [each if each.name == whole else replace(each, p_holm=next(values)) for each in found]
    found.sort(key=lambda each: -each.validation_gain)
    others = [
        OnTargets(
            name=part.name,
            rate=rows[targets(roles)[0], part.name].labels["rate"],
            validation_gain=validation_gain(part.name),
            gains={role: paired_difference(*_pair(untouched[role], runs(role, part.name))) for role in targets(roles)},
            weights=max(run.trained_parameters or 0 for run in runs(targets(roles)[0], part.name)),
        )
        for part in every_part
        if part not in parts
    ]
    others.sort(key=lambda each: -each.validation_gain)
    losses = {each.name: _together([runs(role, each.name) for role in writers(roles)]) for each in found}
    claims = list(questions(found, losses))
    first = next(job for row in context.table for job in row.jobs if getattr(job, "training", None) is not None)
    return WhichFindings(
        rows=[{"table": "parts"} | asdict(each) for each in found]
        + [{"table": "on targets alone"} | asdict(each) for each in others],
        claims=claims,
        tables=[gains_table(found, roles), *([targets_table(others, roles)] if others else []), costs_table(found)],
        facts={"base": context.options.base, "recipe": _recipe(first)},
        measured=found,
    )


def _recipe(job: Any) -> dict[str, Any]:
    """The recipe of a run, without what differs between the rows."""
    training = described(job.training.training)
    return {key: value for key, value in training.items() if key not in ("lr", "seed")}


def _together(texts: Sequence[Sequence[Finished]]) -> Nats:
    """Nats (means over seeds) and tokens of the test documents of several texts."""
    each = [units(runs) for runs in texts]
    return np.concatenate([nats for nats, _ in each]), np.concatenate([tokens for _, tokens in each])


def _pair(before: Sequence[Finished], after: Sequence[Finished]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    (first, tokens), (second, _) = units(before), units(after)
    return first, second, tokens


def _forgetting(before: Sequence[Finished], after: Sequence[Finished]) -> Difference:
    """The rise of the loss on the base's own text, paired over its documents."""
    first, tokens = _own(before)
    second, _ = _own(after)
    return paired_difference(second, first, tokens)


def _own(runs: Sequence[Finished]) -> Nats:
    losses: list[Losses] = [run.losses[OWN] for run in runs]
    return np.mean([each.by_document()[0] for each in losses], axis=0), losses[0].by_document()[1].astype(float)
