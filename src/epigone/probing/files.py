"""probe.json: the ranking of the units, which `units(from=...)` reads, with everything that was measured."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from epigone.models.config import ModelConfig
from epigone.models.unit_names import UnitName, VectorName, vector_names
from epigone.probing.measures.measure import Measured
from epigone.probing.measures.perturbation import Perturbed
from epigone.probing.measures.ranking import Probed, Ranks, strength

MEASURES = ("correlation", "low", "high", "mutual_information", "accuracy", "low", "high", "control")
CHANGES = ("change", "low", "high", "half_life")
BEST = 10


def probe_json(head: dict[str, Any], probed: Sequence[Probed], ranks: Ranks, config: ModelConfig) -> str:
    """Write the file: facts and summaries, then a line for each unit, the highest score first.

    Args:
        head: facts about the model, the texts and the options.
        probed: the properties.
        ranks: of all units.
        config: the shape of the model.
    """
    summary = head | {
        "properties": [_summary(each, config) for each in probed],
        "measures": MEASURES,
        "changes": CHANGES,
    }
    text = json.dumps(summary, indent=1, ensure_ascii=False)
    lines = ",\n".join(json.dumps(unit, ensure_ascii=False) for unit in _units(probed, ranks, config))
    return f'{text[:-2]},\n "units": [\n{lines}\n]}}\n'


def _summary(each: Probed, config: ModelConfig) -> dict[str, Any]:
    """The sparse probe on all units of each vector."""
    return {
        "name": each.name,
        "level": each.level,
        "observations": each.observations,
        "documents": each.documents,
        "share": rounded(each.share),
        "graded": each.graded,
        "vectors": [_of_vector(vector, found, config) for vector, found in each.vectors.items()],
    }


def _of_vector(vector: VectorName, found: Measured | Perturbed, config: ModelConfig) -> dict[str, Any]:
    order = np.argsort(-strength(found), kind="stable")[:BEST].tolist()
    best = [UnitName(vector.layer, vector.index, unit).written(config) for unit in order]
    facts: dict[str, Any] = {"name": vector.written(config), "best": best}
    if isinstance(found, Perturbed):
        return facts | {"passages": found.passages}
    low, high = found.linear.accuracy.low[0], found.linear.accuracy.high[0]
    accuracy = found.linear.accuracy.estimate[0]
    weights = found.linear.weights
    chosen = np.argsort(-np.abs(weights), kind="stable")[: min(BEST, int((weights != 0).sum()))].tolist()
    return facts | {
        "all_units": {
            "accuracy": rounded(accuracy),
            "low": rounded(low),
            "high": rounded(high),
            "control": rounded(found.linear_control),
            "selectivity": rounded(accuracy - max(0.5, found.linear_control)),
            "units": int((weights != 0).sum()),
            "largest": [UnitName(vector.layer, vector.index, unit).written(config) for unit in chosen],
        },
        "shuffled": {
            "median": rounded(np.median(found.shuffled)),
            "largest": rounded(found.shuffled.max()),
        },
    }


def _units(probed: Sequence[Probed], ranks: Ranks, config: ModelConfig) -> Iterator[dict[str, Any]]:
    kinds = vector_names(config)
    tables = {(each.name, vector): _columns(found) for each in probed for vector, found in each.vectors.items()}
    places = [(layer, unit) for layer, size in enumerate(config.layer_sizes) for unit in range(size)]
    for place in np.argsort(-ranks.score, kind="stable").tolist():
        layer, unit = places[place]
        line: dict[str, Any] = {
            "name": UnitName(layer, 0, unit).written(config),
            "score": rounded(ranks.score[place]),
        }
        for level, rank in (("high", ranks.high), ("low", ranks.low)):
            if rank is not None:
                line[level] = rounded(rank[place])
        for (name, vector), table in tables.items():
            if vector.layer == layer:
                line.setdefault(kinds[vector.index], {})[name] = table[unit]
        yield line


def _columns(found: Measured | Perturbed) -> list[list[float | int | None]]:
    """The numbers of each unit in the order of `MEASURES` or `CHANGES`."""
    if isinstance(found, Perturbed):
        columns = [*found.change, found.half_life]
    else:
        columns = [*found.correlation, found.mutual_information, *found.accuracy, found.control]
    return [[rounded(value) for value in row] for row in np.array(columns, float).T.tolist()]


def rounded(value: float) -> float | None:
    """Four digits after the point; None for NaN."""
    return None if np.isnan(value) else round(float(value), 4)
