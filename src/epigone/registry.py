"""A registry: the records of one kind by name, in the order of their registration."""

import difflib
from collections.abc import Callable, Iterable
from typing import TypeVar

from epigone.errors import UserError

T = TypeVar("T")


class Registry(dict[str, T]):
    """Objects or classes with a `name`, by that name; `register` adds one, from the package or from outside.

    Looking up a name that is not registered raises a `UserError` that lists the others.
    """

    def __init__(self, kind: str, records: Iterable[T] = (), described: Callable[[T], str] = lambda record: "") -> None:
        """Make a registry.

        Args:
            kind: the noun for a record in messages: `cell`.
            records: the first records.
            described: gives a few words on a record for lists of choices; empty for none.
        """
        super().__init__()
        self.kind, self.described = kind, described
        for record in records:
            self.register(record)

    def register(self, record: T) -> T:
        """Add a record and return it, so that this also serves as a decorator of classes.

        Raises:
            UserError: there is a record of this name.
        """
        name: str = record.name  # type: ignore[attr-defined]  # of an object or of a class
        if name in self:
            raise UserError(f"There is a {self.kind} '{name}' already; choose another name.")
        self[name] = record
        return record

    def choices(self) -> str:
        """List the names for a help text or a message, each with its description if there is one."""
        told = ((name, self.described(record)) for name, record in self.items())
        return ", ".join(f"{name} ({words})" if words else name for name, words in told)

    def __missing__(self, name: str) -> T:
        close = difflib.get_close_matches(name, self, n=1)
        hint = f" Did you mean '{close[0]}'?" if close else ""
        raise UserError(
            f"There is no {self.kind} '{name}'; choose one of {self.choices()}.{hint} If it is your own, name its "
            "module with --extension."
        )
