"""Options of probing."""

from dataclasses import dataclass

from epigone.errors import check_options
from epigone.typed import typed


@dataclass(frozen=True)
@typed
class ProbeOptions:
    """Sizes of what is read and measured."""

    characters: int = 100_000
    """Characters to read at most, of the text and of each labelled property."""
    positions: int = 10_000
    """Characters of the text at which states are measured, drawn from all of it."""
    passages: int = 200
    """Passages in which a change is made, for properties such as spelling."""
    causal: int = 0
    """Units of each property to test by ablating and by clamping them too, the best ones first; changes are not tested.
    It takes some minutes."""
    seed: int = 0
    """Seed of all draws."""

    def __post_init__(self) -> None:
        check_options(self, "be 1 or more", lambda value: value >= 1, "characters", "positions", "passages")
        check_options(self, "be 0 or more", lambda value: value >= 0, "seed", "causal")
