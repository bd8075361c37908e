"""Write docs/reference from the docstrings: a page of commands and a page of Python names; and the stub of `stub.py`.

python tools/reference.py
"""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import epigone
from epigone.app.commands import COMMANDS, make_app
from epigone.app.functions import type_name
from epigone.app.keywords import declared

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
HIDDEN = dict.fromkeys(("json", "meter", "monitor", "progress", "stream", "stepper"), lambda: None)
"""Arguments that are no flags."""
STARS = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
MADE = "<!-- Made by tools/reference.py (make reference); changes belong into the docstrings. -->"


def pages() -> dict[str, str]:
    """The text of each page by its file name."""
    return {"commands.md": _page("Commands", commands()), "python.md": _page("Python", names())}


def _page(title: str, sections: Iterator[str]) -> str:
    return "\n\n".join([f"# {title}", MADE, *sections]) + "\n"


def commands() -> Iterator[str]:
    """A section for each command, like its help."""
    yield "Options have the names of the Python options, with dashes. See also [the Python names](python.md)."
    for name, command in COMMANDS.items():
        app = make_app([name], HIDDEN, None)[name]
        module = importlib.import_module(command.module)
        leaves = (
            {f"{name} {each}": app[each] for each in module.subcommands()} if hasattr(module, "subcommands") else {}
        )
        for title, leaf in (leaves or {name: app}).items():
            text = leaf.generate_docs().split("\n```\n", maxsplit=1)[1]  # after title and usage
            text = re.sub(r"\n {2,}", " ", re.sub(r", --empty-[\w-]+", "", text)).strip()
            yield f"## {title}\n\n```text\n{leaf.usage.removeprefix('Usage: ')}\n```\n\n{text}"


def names() -> Iterator[str]:
    """A section for each public name: functions first, then the options that they take and what they return."""
    yield (
        "Everything is imported from `epigone`. Every option of a function is a keyword of it: `epigone.finetune("
        "'english-small', 'poems/', out='mine', epochs=3)`. `help(epigone.finetune)` shows the same as this page."
    )
    found = {name: getattr(epigone, name) for name in epigone.PUBLIC}
    for name in sorted(found, key=lambda name: isinstance(found[name], type)):
        yield f"## {name}\n\n{_class(found[name]) if isinstance(found[name], type) else _function(found[name])}"


def _function(function: Any) -> str:
    parameters = [
        f"    {STARS.get(p.kind, '')}{p.name}: {type_name(p.annotation)}{_default(p.default)},"
        for p in inspect.signature(function).parameters.values()
    ]
    head = "\n".join([f"{function.__name__}(", *parameters, ")"])
    return f"```text\n{head}\n```\n\n```text\n{inspect.getdoc(function)}\n```"


def _class(cls: type) -> str:
    fields: dict[str, str] = {}
    for base in reversed(cls.__mro__) if is_dataclass(cls) else ():
        if base.__module__.startswith("epigone."):
            fields |= _fields(base)  # a subclass may give a field another default
    return "\n".join([f"```text\n{inspect.getdoc(cls)}\n```", *([""] if fields else []), *fields.values()])


def _fields(cls: type) -> dict[str, str]:
    """A line for each field that a dataclass declares, with its docstring."""
    lines = {}
    for field, told in declared(cls):
        written = re.sub(r" = added\((.*)\)$", r" = \1", ast.unparse(field))
        lines[ast.unparse(field.target)] = f"- `{written}`{f': {told}' if told else ''}"
    return lines


def _default(value: Any) -> str:
    return "" if value is inspect.Parameter.empty else f" = {value!r}"


if __name__ == "__main__":
    import stub

    FOLDER.mkdir(parents=True, exist_ok=True)
    for file, text in pages().items():
        (FOLDER / file).write_text(text, encoding="utf-8")
    stub.FILE.write_text(stub.stub(), encoding="utf-8")
