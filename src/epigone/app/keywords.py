"""The options of a public function as keywords: the fields of the dataclasses that it takes."""

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from pathlib import Path
from pkgutil import resolve_name
from typing import Annotated, Any, NamedTuple, get_origin, get_type_hints

from epigone.registry import Registry

KINDS = {"method": "epigone.transfer.methods.registry:METHODS"}
"""Arguments that name a kind of object, and the registry of its classes; the fields of the chosen class are options."""
GRIDS = {"grid": ("name", "epigone.studies.registry:STUDIES")}
"""Arguments whose class another argument chooses, and the registry of records that hold these classes."""


class Options(NamedTuple):
    """A dataclass of options that a function takes."""

    parameter: str
    """The argument that takes the dataclass as a whole."""
    kind: Any
    """The dataclass."""
    choice: str = ""
    """The value of the argument that chooses this class, if one does."""

    def keywords(self) -> dict[str, "Field[Any]"]:
        """The fields by name."""
        return {field.name: field for field in fields(self.kind)}


def options_of(function: Callable[..., Any]) -> Iterator[Options]:
    """List the dataclasses of options that a function takes, those of every choice included."""
    for name, parameter in inspect.signature(function).parameters.items():
        if name in KINDS:
            yield from (Options(name, kind, choice) for choice, kind in resolve_name(KINDS[name]).items())
        elif name in GRIDS:
            records = resolve_name(GRIDS[name][1]).items()
            yield from (Options(name, record.options, choice) for choice, record in records)
        elif is_options(parameter.annotation):
            yield Options(name, parameter.annotation)


def is_options(annotation: Any) -> bool:
    """Tell if an argument takes a dataclass of options."""
    return isinstance(annotation, type) and is_dataclass(annotation)


def chosen(options: Options, given: Mapping[str, Any], function: Callable[..., Any]) -> bool:
    """Tell if options are among those of a call: of several classes for an argument only one is.

    Args:
        options: some that the function takes.
        given: the arguments of the call by name.
        function: the function.

    Raises:
        UserError: the choice does not exist.
    """
    name = options.parameter
    if name in KINDS:
        own = given.get(name, inspect.signature(function).parameters[name].default)
        return resolve_name(KINDS[name])[own] is options.kind if isinstance(own, str) else type(own) is options.kind
    if name in GRIDS:
        by, registry = GRIDS[name]
        value = given.get(by)
        return isinstance(value, str) and resolve_name(registry)[value].options is options.kind
    return True


def types_of(kind: type) -> dict[str, Any]:
    """The types of the fields of a dataclass by name."""
    return {name: str if _registry(hint) else hint for name, hint in get_type_hints(kind, include_extras=True).items()}


def choices_of(kind: type) -> dict[str, str]:
    """The names that a registry allows for an option, by the option's name, for help."""
    hints = get_type_hints(kind, include_extras=True)
    return {
        name: ", ".join([*hint.__metadata__[:-1], *hint.__metadata__[-1]])
        for name, hint in hints.items()
        if _registry(hint)
    }


def _registry(hint: Any) -> bool:
    """Tell if the values of a type are the names of a registry, as with `CellName`."""
    return get_origin(hint) is Annotated and isinstance(hint.__metadata__[-1], Registry)


def default_of(field: "Field[Any]") -> Any:
    """The default of an option."""
    return field.default if field.default_factory is MISSING else field.default_factory()


def told(kind: type) -> dict[str, str]:
    """The docstring below each field of a dataclass and of those that it extends, on one line, by name."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__) if is_dataclass(kind) else ():
        for field, below in declared(base) if is_dataclass(base) else ():
            found[ast.unparse(field.target)] = below
    return found


def declared(kind: type) -> Iterator[tuple[ast.AnnAssign, str]]:
    """The fields that a class itself declares, each with the docstring below it, which only the source has."""
    try:
        nodes = _tree(str(inspect.getsourcefile(kind))).body
    except (OSError, TypeError):  # it was typed at a prompt
        return
    body = next((node.body for node in nodes if isinstance(node, ast.ClassDef) and node.name == kind.__name__), [])
    for field, below in zip(body, [*body[1:], None], strict=True):
        if isinstance(field, ast.AnnAssign):
            text = ast.get_docstring(ast.Module([below], [])) if isinstance(below, ast.Expr) else None
            yield field, " ".join((text or "").split())


@cache
def _tree(file: str) -> ast.Module:
    return ast.parse(Path(file).read_text(encoding="utf-8"))
