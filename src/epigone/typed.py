"""Types of arguments and options: a value of another type is refused in a sentence, or converted if nothing is lost.

NumPy's numbers become Python's, and a single value or a list does for a tuple.
"""

import inspect
import os
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from epigone.errors import UserError
from epigone.registry import Registry
from epigone.schema import shortened

T = TypeVar("T")
WORDS: dict[Any, str] = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "a string",
    Path: "a path",
    None: "None",
    type(None): "None",
}
LARGEST = 10**300  # among whole numbers that are floats, too
LISTS = (tuple, list, Sequence, Iterable)
_REFUSED = object()


def typed(cls: type[T]) -> type[T]:
    """Let a frozen dataclass check the types of its fields before all else; goes below `@dataclass`."""
    check = getattr(cls, "__post_init__", None)

    def __post_init__(self: Any) -> None:
        hints = _hints(type(self))  # type: ignore[arg-type]
        for field in fields(self):
            object.__setattr__(self, field.name, converted(field.name, hints[field.name], getattr(self, field.name)))
        if check is not None:
            check(self)

    cls.__post_init__ = __post_init__  # type: ignore[attr-defined]
    return cls


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls, include_extras=True)


def converted(name: str, kind: Any, value: Any, widen: bool = False) -> Any:
    """Check a value against a type.

    Args:
        name: the argument, as the message names it.
        kind: a type annotation.
        value: what was given.
        widen: write a whole number as a float where one is wanted, as the command line does. Options that are made in
            code keep theirs, because it is part of what identifies a run.

    Returns:
        The value, converted if need be.

    Raises:
        UserError: the value is of another type, or it is not a number where a number is wanted.
    """
    found = _fit(kind, value, widen)
    if found is _REFUSED:
        choices = _choices(kind)
        if choices and isinstance(value, str):
            raise UserError(f"There is no {name} {value!r}; choose one of {', '.join(choices)}.")
        raise UserError(f"{name} must be {wanted(kind)}; {shortened(repr(value))} was given.")
    return found


def _fit(kind: Any, value: Any, widen: bool) -> Any:
    """The value as the type has it, or `_REFUSED`."""
    if type(value).__module__ == "numpy":
        value = value.tolist()
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any or isinstance(kind, TypeVar):
        return value
    if origin is Annotated:  # the choices of a registry may grow, and the registry refuses a wrong name better
        return _fit(str if isinstance(inner[-1], Registry) else inner[0], value, widen)
    if origin in (Union, types.UnionType):
        if Path in inner and isinstance(value, str | Path) and "\0" in str(value):
            return _REFUSED  # no system allows it in a name
        return next((found for each in inner if (found := _fit(each, value, widen)) is not _REFUSED), _REFUSED)
    if origin is Literal:
        return value if isinstance(value, str) and value in inner else _REFUSED
    if origin in LISTS:
        listed = Iterable if origin is Iterable else Sequence
        several = isinstance(value, listed) and not isinstance(value, str | bytes | bytearray)
        found = tuple(_fit(inner[0], each, widen) for each in (value if several else [value]))
        return _REFUSED if _REFUSED in found else found
    if origin is Mapping:
        pairs = value.items() if isinstance(value, Mapping) else [(_REFUSED, _REFUSED)]
        entries = {_fit(inner[0], key, widen): _fit(inner[1], each, widen) for key, each in pairs}
        return _REFUSED if any(_REFUSED in pair for pair in entries.items()) else entries
    if origin is Callable:
        return value if callable(value) else _REFUSED
    return _fit_class(origin or kind, value, widen)


def _fit_class(kind: Any, value: Any, widen: bool) -> Any:
    if kind is float:
        number = isinstance(value, int | float) and not isinstance(value, bool) and value == value  # nan is none
        if not number or (isinstance(value, int) and abs(value) > LARGEST):
            return _REFUSED
        return float(value) if widen else value
    if kind is int:
        return value if isinstance(value, int) and not isinstance(value, bool) else _REFUSED
    if kind is Path:
        return value if isinstance(value, os.PathLike) else _REFUSED
    if not isinstance(kind, type) or getattr(kind, "_is_protocol", False):
        return value
    return value if isinstance(value, kind) else _REFUSED


def _choices(kind: Any) -> tuple[str, ...]:
    """The values of a type that lists them, alone or beside None."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    return next((found for each in get_args(kind) if (found := _choices(each))), ())


def wanted(kind: Any) -> str:
    """Name a type in words, such as `a whole number or None`."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return wanted(str if isinstance(inner[-1], Registry) else inner[0])
    if origin in (Union, types.UnionType):
        if {str, Path} <= set(inner):
            inner = (Path, *(each for each in inner if each not in (str, Path)))
        return " or ".join(wanted(each) for each in inner)
    if origin is Literal:
        return f"one of {', '.join(inner)}"
    if origin in LISTS:
        return f"a list of which each is {wanted(inner[0])}"
    if origin is Mapping:
        return f"a dictionary of which each value is {wanted(inner[1])}"
    if origin is Callable:
        return "a function"
    if kind in WORDS:
        return WORDS[kind]
    return f"of the class {kind.__name__}" if inspect.isclass(kind) else str(kind)
