"""The sampler rules, in the order in which they act."""

from epigone.generation.rules.repetition import REPETITION
from epigone.generation.rules.rule import Rule
from epigone.generation.rules.temperature import TEMPERATURE
from epigone.generation.rules.truncation import MIN_P, TOP_K, TOP_P
from epigone.generation.rules.typical import TYPICAL
from epigone.registry import Registry

RULES: Registry[Rule] = Registry(
    "sampler rule", (REPETITION, TEMPERATURE, TOP_K, TOP_P, MIN_P, TYPICAL), described=lambda rule: rule.help
)


def ordered_rules() -> list[Rule]:
    """All rules, those before the temperature first."""
    return sorted(RULES.values(), key=lambda rule: not rule.before_temperature)
