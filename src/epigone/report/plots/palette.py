"""The colour and the marker of each family of rows, the same in every table and figure of a report."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Slot:
    """One place in the palette: colours for light and for dark paper, and a matplotlib marker."""

    light: str
    dark: str
    marker: str


# The first four differ by at least 18 (CIELAB) for protanopes and deuteranopes, as simulated by Machado et al. (2009),
# and are dark enough for text; the marker helps everybody.
SLOTS = (
    Slot("#0069a8", "#62b6ec", "o"),
    Slot("#c84b00", "#ff9d5c", "s"),
    Slot("#00805d", "#3fc79e", "^"),
    Slot("#5c1a3a", "#f7d5ea", "D"),
    Slot("#8434e6", "#a97bff", "v"),
    Slot("#a08600", "#f0e05a", "P"),
    Slot("#c2569b", "#e070b8", "X"),
    Slot("#4a4a4a", "#bcbcbc", "h"),
)
KNOWN = ("transfer", "scratch", "n-gram", "base")


class Palette:
    """The slots of families: fixed for the usual families, in order of appearance for others."""

    def __init__(self) -> None:
        self._slots = {family: index for index, family in enumerate(KNOWN)}

    def slot(self, family: str) -> int:
        """Return an index into `SLOTS`: the last without a family; after seven families colours repeat."""
        last = len(SLOTS) - 1
        return self._slots.setdefault(family, len(self._slots)) % last if family else last

    def colour(self, family: str) -> str:
        """Return the family's colour on light paper, as #rrggbb."""
        return SLOTS[self.slot(family)].light

    def marker(self, family: str) -> str:
        """Return the family's matplotlib marker."""
        return SLOTS[self.slot(family)].marker
