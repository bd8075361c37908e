"""The text of src/epigone/__init__.pyi, which tells editors and type checkers the keywords of the public functions.

`tools/reference.py` writes it.
"""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import epigone
from epigone.app.functions import HOOKS, parts
from epigone.app.keywords import GRIDS, KINDS, declared, default_of

FILE = Path(epigone.__file__).with_suffix(".pyi")
HEAD = '''\
"""The public names with their types. Made by tools/reference.py (make reference); change functions and options."""
'''


def stub() -> str:
    """The text of the file."""
    imports: dict[str, str] = {}
    functions = []
    for name in epigone.PUBLIC:
        found = getattr(epigone, name)
        if inspect.isfunction(found):
            functions += list(_function(found, imports))
        else:
            imports[name] = f"epigone.{epigone.PUBLIC[name]}"
    lines = sorted(
        f"from {module} import {name}" + f" as {name}" * (name in epigone.PUBLIC) for name, module in imports.items()
    )
    version = "__version__: str\nPUBLIC: dict[str, str]\n"
    return "\n".join([HEAD, *lines, "", version, *functions])


def _function(call: Any, imports: dict[str, str]) -> Iterator[str]:
    """Yield a function; one with a grid once for each choice, and once for others."""
    function, every = parts(call)
    fixed = _arguments(function, imports)
    keywords = {}
    for options in every:
        if options.parameter not in GRIDS:
            keywords |= _fields(options.kind, imports)
    returns = _resolved(_node(function).returns, function.__module__, imports)
    grids = [options for options in every if options.parameter in GRIDS]
    for options in grids:
        by = GRIDS[options.parameter][0]
        own = fixed | {by: f"{by}: Literal[{options.choice!r}]"}
        imports |= {"Literal": "typing", "overload": "typing"}
        yield _written(function, own, keywords | _fields(options.kind, imports), returns, "", True)
    yield _written(function, fixed, keywords, returns, call.__doc__, bool(grids), "**own: Any" * bool(grids))


def _written(
    function: Any,
    fixed: dict[str, str],
    keywords: dict[str, str],
    returns: str,
    doc: str,
    several: bool,
    rest: str = "",
) -> str:
    given = list(fixed.values())
    star = ["*"] * (bool(keywords) and not any(each.startswith("*") for each in given))
    shown = re.sub(r"(?m)^(?=.)", "    ", doc.replace("\\", "\\\\")).strip()
    arguments = "".join(f"    {each},\n" for each in [*given, *star, *keywords.values(), *filter(None, [rest])])
    head = f"{'@overload' + chr(10) if several else ''}def {function.__name__}(\n{arguments}) -> {returns}:"
    return f'{head}\n    """{shown}\n    """\n' if doc else f"{head} ...\n"


def _node(function: Any) -> ast.FunctionDef:
    tree = ast.parse(inspect.getsource(inspect.getmodule(function)))  # type: ignore[arg-type]
    return next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function.__name__)


def _arguments(function: Any, imports: dict[str, str]) -> dict[str, str]:
    """The arguments of a function by name, as they are written in a stub."""
    spec = _node(function).args
    annotations = {each.arg: each.annotation for each in [*spec.args, *spec.kwonlyargs, spec.vararg] if each}
    found = {}
    star = False
    for name, parameter in inspect.signature(function).parameters.items():
        kind = _resolved(annotations[name], function.__module__, imports)
        if name in KINDS:
            kind += " | str"
        default = "" if parameter.default is parameter.empty else f" = {_default(parameter.default)}"
        before = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            before, star = "*, ", True
        star = star or parameter.kind is parameter.VAR_POSITIONAL
        found[name] = f"{before}{name}: {kind}{default}"
    if HOOKS.keys() & found.keys():  # users switch it on or off
        star = "*, " if found.get("progress", "").startswith("*, ") else ""
        found["progress"] = f"{star}progress: bool = True"
    return found


def _fields(kind: Any, imports: dict[str, str]) -> dict[str, str]:
    """The options of a dataclass by name, as they are written in a stub."""
    defaults = {field.name: field for field in fields(kind)}
    found = {}
    for base in reversed(kind.__mro__):
        for node, _ in declared(base) if base.__module__.startswith("epigone.") else ():
            name = ast.unparse(node.target)
            if name in defaults:
                annotation = _resolved(node.annotation, base.__module__, imports)
                found[name] = f"{name}: {annotation} = {default_of(defaults[name])!r}"
    return found


def _default(value: Any) -> str:
    return repr(value) if isinstance(value, str | int | float | bool | tuple | None) else "..."


def _resolved(annotation: Any, module: str, imports: dict[str, str]) -> str:
    """Write an annotation, and note from which module its names come."""
    text = annotation.value if isinstance(annotation, ast.Constant) else ast.unparse(annotation)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name) and (origin := _origin(node.id, module)):
            assert imports.setdefault(node.id, origin) == origin, f"two classes {node.id}"
    return str(text)


def _origin(name: str, module: str) -> str:
    """The module that defines a name of a module; empty for one that is built in."""
    origin = _origins(module).get(name, "")
    return origin if origin == module or not origin.startswith("epigone.") else _origin(name, origin)


def _origins(module: str) -> dict[str, str]:
    """The modules that the names of a module are imported from, or the module itself."""
    tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {alias.asname or alias.name: node.module for alias in node.names}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found[node.name] = module
        elif isinstance(node, ast.Assign):
            found |= {target.id: module for target in node.targets if isinstance(target, ast.Name)}
    return found
