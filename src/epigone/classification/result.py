"""The result of training a classifier."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from epigone.classification.table import Row
from epigone.errors import UserError
from epigone.evaluation.classification import Figures
from epigone.results import Shown


@dataclass(frozen=True)
class ClassifierTraining(Shown):
    """The result of training a classifier: the table, and the folder of the winner."""

    folder: str
    winner: str
    """Name of the winning row."""
    by: str
    """The figure that chose it: `accuracy` or `balanced_accuracy`."""
    rows: list[Row]
    measured: str
    """Description of how the rows were measured."""
    classes: list[str]
    examples: list[int]
    """Labelled texts of each class."""
    unlabelled: int
    """Further texts, without labels."""
    texts: list[str]
    """Files and folders, as given."""
    corpus: str
    """The hash of the texts and their labels."""
    left_out: list[str]
    """Rows that are not in the table, each with the reason."""
    seconds: float
    notices: list[str]
    """Sentences on changes, omissions and decisions."""

    @classmethod
    def of(cls, written: Mapping[str, Any]) -> "ClassifierTraining":
        """The result as config.json holds it.

        Raises:
            UserError: a part is missing.
        """
        try:
            rows = [Row(**row | {"figures": Figures(**row["figures"])}) for row in written["rows"]]
            return cls(**{**written, "rows": rows})
        except (TypeError, KeyError) as error:
            raise UserError(
                f"The result in config.json is damaged, or another version wrote it ({error}). Restore it from a copy."
            ) from error
