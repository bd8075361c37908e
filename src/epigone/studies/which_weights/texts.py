"""The texts of the study `which-weights`: targets, on which it chooses, other writers, texts like the base's own."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from epigone.errors import UserError
from epigone.studies.engine.jobs import Text
from epigone.studies.engine.thirds import THIRDS, check_documents
from epigone.text.readers.registry import ReadOptions

OWN, SOURCE = "own", "source"
ROLES = {"target": "the few texts of a writer, on which rates and rows are chosen"}
OPTIONAL = {
    "target2": "those of a second writer",
    OWN: "text like the base's own that it has not read, which shows what it forgets",
    SOURCE: "text like the base's own that may be learned again, for the row of rehearsal",
}


def texts(data: Mapping[str, Path], read: ReadOptions, quick: bool) -> tuple[dict[str, Text], list[str]]:
    """Each writer in thirds, and texts like the base's own as a whole.

    Raises:
        UserError: there is no writer for the verdict, or one has too few documents.
    """
    found = {
        role: Text.of(path, read=read) if role in (OWN, SOURCE) else Text.of(path, read=read, split=THIRDS)
        for role, path in data.items()
    }
    if not list(writers(found)):
        raise UserError(
            "The study needs a writer on whom nothing is chosen for its verdict; give one more text after --data, by a "
            "name of your own, such as bradstreet=PATH."
        )
    for role in learned(found):
        check_documents(found[role])
    return found, []


def learned(roles: Iterable[str]) -> list[str]:
    """The roles of the texts that are learned."""
    return [role for role in roles if role not in (OWN, SOURCE)]


def targets(roles: Iterable[str]) -> list[str]:
    """The roles of the texts on which the study chooses."""
    return [role for role in learned(roles) if role in (*ROLES, *OPTIONAL)]


def writers(roles: Iterable[str]) -> list[str]:
    """The roles of the texts of the verdict."""
    return [role for role in learned(roles) if role not in (*ROLES, *OPTIONAL)]
