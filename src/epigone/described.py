"""Options as data, for requests, names of runs and config.json: an option that was added later changes no old one."""

from collections.abc import Mapping
from dataclasses import field, fields, is_dataclass
from typing import Any, TypeVar

T = TypeVar("T")
ADDED = "added"


def added(default: T) -> T:
    """Make the default of an option that an earlier version did not have; `described` leaves such a value out.

    So what could be asked for before keeps its description, and with it the name of its run and the runs that it may go
    on with. The default must do what the earlier version did, and may never change.
    """
    return field(default=default, metadata={ADDED: True})


def described(options: Any) -> dict[str, Any]:
    """Describe options by name, like `dataclasses.asdict`, without those that are `added` and have their default.

    Args:
        options: a dataclass, whose fields may hold further ones.
    """
    return {
        each.name: _plain(getattr(options, each.name))
        for each in fields(options)
        if not (each.metadata.get(ADDED) and getattr(options, each.name) == each.default)
    }


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return described(value)
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return type(value)(map(_plain, value)) if type(value) in (list, tuple) else value
