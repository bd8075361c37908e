"""Options of training a classifier."""

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass

from epigone.classification.approaches.blend import BLEND, JOINS, approach_of
from epigone.classification.approaches.registry import APPROACHES
from epigone.errors import LARGEST, UserError, check_options
from epigone.typed import typed


@dataclass(frozen=True)
@typed
class ClassifierOptions:
    """The rows of the table, and how they are trained."""

    rows: tuple[str, ...] = ()
    """Rows of the table, by name, or several names joined by commas; by default all."""
    minutes: float | None = None
    """Minutes that the training may take, about; rows that do not fit are left out and named."""
    base: str = ""
    """Language model to start from: a folder or the name of a bundled model. By default a bundled one, which each row
    chooses."""
    backward: str = ""
    """Language model that reads backward, for rows that read in both directions."""
    balance: bool = True
    """Count each class alike, whatever its number of texts; otherwise each text counts alike."""
    seed: int = 0
    """Seed of the folds and of everything that is drawn."""

    def __post_init__(self) -> None:
        check_options(self, "be greater than 0", lambda value: 0 < value < math.inf, "minutes", most=LARGEST)
        check_options(self, "not be negative", lambda value: value >= 0, "seed", most=2**63 - 1)


def chosen_rows(rows: Sequence[str]) -> list[str]:
    """Put the names of rows into the order of the table, each once; none are all.

    Args:
        rows: names, several of which may be joined by commas.

    Raises:
        UserError: there is no such row, or the blend is chosen without rows that it joins.
    """
    known = [*APPROACHES, *JOINS]
    rows = [name for names in rows for name in names.split(",")]
    for name in rows:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise UserError(
                f"There is no row '{name}'; choose of {', '.join(known)}."
                f"{f' Did you mean {close[0]}?' if close else ''} If it is your own, name its module with --extension."
            )
    chosen = [name for name in known if not rows or name in rows]
    for name in chosen:
        if rows and (lacking := [part for part in getattr(JOINS.get(name), "parts", ()) if part not in chosen]):
            raise UserError(f"The row {name} joins others; choose {' and '.join(lacking)} too.")
    families = {approach_of(name).family for name in chosen}
    if BLEND.name in rows and not {"n-grams", "network"} <= families:
        raise UserError(
            f"The row {BLEND.name} joins the best network with the rows of n-grams; choose one of each too."
        )
    return chosen
