"""probe.json: the units of a model in the order in which a probe ranks them."""

from pathlib import Path

from epigone.errors import UserError
from epigone.models.config import ModelConfig
from epigone.models.unit_names import UnitName
from epigone.schema import each, number, record, text
from epigone.storage import read_object

RANKING = record({"units": each(record({"name": text, "score": number()}, "name", "score"), 1 << 20)}, "units")


def read_ranking(path: Path, config: ModelConfig) -> list[UnitName]:
    """Read the units of a probe.json, the highest score first.

    Raises:
        UserError: the file is missing or damaged, or ranks units that a model of this shape does not have.
    """
    units = read_object(path, RANKING)["units"]
    try:
        return [UnitName.parse(unit["name"], config) for unit in sorted(units, key=lambda unit: -unit["score"])]
    except UserError as error:
        raise UserError(f"{path} ranks units of another model. {error}") from error
