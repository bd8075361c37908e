"""Schemas of data that comes from a file, which somebody else may have written or a disk may have damaged.

A schema is a function from a value to its first fault, or None. A fault says where it is and which value was expected:
`model.num_layers: 'a' instead of a whole number from 1`.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

LARGEST = 2**63 - 1

Schema = Callable[[Any], str | None]


def anything(value: Any) -> None:
    """Accept any value."""


def _kind(kind: type | tuple[type, ...], wanted: str) -> Schema:
    return lambda value: None if isinstance(value, kind) else _instead(value, wanted)


text = _kind(str, "a text")
flag = _kind(bool, "true or false")
mapping = _kind(dict, "an object")


def whole(low: int = 0, high: int = LARGEST) -> Schema:
    """Whole numbers from `low` to `high`."""
    wanted = f"a whole number from {low:,}" + (f" to {high:,}" if high < LARGEST else "")
    return lambda value: None if type(value) is int and low <= value <= high else _instead(value, wanted)


def integer(value: Any) -> str | None:
    """Whole numbers of any sign."""
    return None if type(value) is int else _instead(value, "a whole number")


def number(low: float = -math.inf, high: float = math.inf) -> Schema:
    """Numbers from `low` to `high`; without limits also nan and infinity, as the loss of a run that diverged."""
    free = low == -math.inf and high == math.inf
    wanted = "a number" if free else f"a number from {low:g} to {high:g}"

    def check(value: Any) -> str | None:
        sound = type(value) is float or (type(value) is int and abs(value) <= LARGEST)
        return None if sound and (free or low <= value <= high) else _instead(value, wanted)

    return check


def optional(schema: Schema) -> Schema:
    """Values of a schema, or null."""
    return lambda value: None if value is None else schema(value)


def any_of(*schemas: Schema) -> Schema:
    """Values of at least one of some schemas; the fault is that of the first one."""

    def check(value: Any) -> str | None:
        faults = [schema(value) for schema in schemas]
        return faults[0] if all(faults) else None

    return check


def each(schema: Schema, most: int = 1_000_000, least: int = 0) -> Schema:
    """Lists of values of a schema, `most` at most; if `least` is as many, exactly so many."""

    def check(value: Any) -> str | None:
        wanted = f"a list of {least}" if least == most else "a list"
        if not isinstance(value, list):
            return _instead(value, wanted)
        if least == most != len(value):
            return f": a list of {len(value):,} instead of {wanted}"
        if len(value) > most:
            return f": {len(value):,} values instead of {most:,} at most"
        return next((f"[{i}]{fault}" for i, item in enumerate(value) if (fault := schema(item))), None)

    return check


def by_name(schema: Schema) -> Schema:
    """Objects with any keys, whose values are of a schema."""

    def check(value: Any) -> str | None:
        if fault := mapping(value):
            return fault
        return next((f".{key}{fault}" for key, item in value.items() if (fault := schema(item))), None)

    return check


def record(fields: Mapping[str, Schema], *required: str) -> Schema:
    """Objects whose fields are of these schemas; those `required` are there, and others may be."""

    def check(value: Any) -> str | None:
        if fault := mapping(value):
            return fault
        for name in required:
            if name not in value:
                return f".{name} is missing"
        return next(
            (f".{name}{fault}" for name, schema in fields.items() if name in value and (fault := schema(value[name]))),
            None,
        )

    return check


def _instead(value: Any, wanted: str) -> str:
    found = "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(value)
    return f": {shortened(found)} instead of {wanted}"


def shortened(text: str, most: int = 40) -> str:
    """Cut a text that is too long for a sentence."""
    return text if len(text) <= most else text[:most] + "…"
