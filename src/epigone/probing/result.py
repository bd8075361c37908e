"""The result of probing, as it is printed."""

from dataclasses import dataclass, field, fields
from typing import Any

from epigone.models.config import ModelConfig
from epigone.models.unit_names import UnitName
from epigone.probing.causal import CausalRow
from epigone.probing.files import rounded
from epigone.probing.measures.measure import Measured
from epigone.probing.measures.perturbation import Perturbed
from epigone.probing.measures.ranking import Probed, strength
from epigone.results import Shown


@dataclass(frozen=True)
class ProbeRow:
    """The unit that tells most of a property, and what all units of its best vector tell together."""

    property: str
    level: str
    unit: str
    correlation: float | None
    mutual_information: float | None
    """Bits."""
    accuracy: float | None
    """Balanced accuracy of a logistic probe on this unit, on held-out documents: 0.5 is chance."""
    interval: tuple[float, float] | None
    selectivity: float | None
    """Accuracy above that on a control task with random labels."""
    change: float | None
    """For a change of the text: the mean difference of the unit, in its standard deviations."""
    half_life: int | None
    """For a change of the text: characters until that is below half of its largest value."""
    all_units: float | None
    """Balanced accuracy of a sparse logistic probe on all units of the best vector."""
    sparse: int | None
    """The units that it uses."""


@dataclass(frozen=True)
class Probing(Shown):
    """The units of a model, ranked by what they carry."""

    model: str
    rows: list[ProbeRow]
    """The best unit for each property."""
    first: list[str]
    """The units with the highest scores."""
    last: list[str]
    """The units with the lowest scores."""
    units: int
    seconds: float
    ranking: str
    """The file of the ranking, for `units(from=...)`."""
    page: str = ""
    """The page to look around in."""
    causal: list[CausalRow] = field(default_factory=list)
    """The tests of the best units by reading, ablating and clamping, if they were asked for."""
    notices: list[str] = field(default_factory=list)


def best_row(each: Probed, config: ModelConfig) -> ProbeRow:
    """The best unit for a property."""
    vector, found = max(each.vectors.items(), key=lambda pair: float(strength(pair[1]).max()))
    place = int(strength(found).argmax())
    unit = UnitName(vector.layer, vector.index, place).written(config)
    empty = dict.fromkeys(field.name for field in fields(ProbeRow))
    facts: dict[str, Any] = {**empty, "property": each.name, "level": each.level, "unit": unit}
    if isinstance(found, Perturbed):
        facts["change"], facts["half_life"] = rounded(found.change.estimate[place]), int(found.half_life[place])
        return ProbeRow(**facts)
    linear = max(
        (each.linear for each in each.vectors.values() if isinstance(each, Measured)),
        key=lambda probe: float(probe.accuracy.estimate[0]),
    )
    facts["correlation"] = rounded(found.correlation.estimate[place])
    facts["mutual_information"] = rounded(found.mutual_information[place])
    facts["accuracy"] = rounded(found.accuracy.estimate[place])
    facts["interval"] = (float(found.accuracy.low[place]), float(found.accuracy.high[place]))
    facts["selectivity"] = rounded(found.selectivity[place])
    facts["all_units"] = rounded(linear.accuracy.estimate[0])
    facts["sparse"] = int((linear.weights != 0).sum())
    return ProbeRow(**facts)
