"""Recipes: commented TOML files with the options of a command and the measured results of the run.

[options]                      # set by --recipe; flags on the command line win
lr = 0.003
num_layers = 2

[measured]                     # the results, for people: no command reads them
validation_loss = 1.23
"""

import difflib
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from epigone.app.arguments import take_values
from epigone.errors import UserError
from epigone.schema import Schema, any_of, anything, each, flag, integer, number, shortened, text

MOST_BYTES, MOST_LEVELS = 1_000_000, 20
# The parser takes memory by the square of the parts of a dotted key, so a key of 100 kB would take gigabytes.
_DEEP = re.compile(rf"(?<![\w-])(?:[\w-]++[ \t]*+\.[ \t]*+){{{MOST_LEVELS}}}")
_QUOTED = re.compile(r'''"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*''', re.DOTALL)


@dataclass(frozen=True)
class Recipe:
    """The options of a recipe, by the names of their flags with underscores."""

    path: Path
    options: dict[str, Any]

    def check(self, command: str, known: Mapping[str, Any]) -> None:
        """Refuse options that a command does not have, and values of another type than theirs.

        Args:
            command: its name.
            known: the types of its options, by name.

        Raises:
            UserError: names the file, the key and the value.
        """
        for key, value in self.options.items():
            name = key.replace("-", "_")
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {close[0]}?" if close else f"see epigone {command} --help."
                raise UserError(f"The recipe {self.path} sets '{key}', which is not an option of {command}; {hint}")
            if fault := schema_of(known[name])(value):
                raise UserError(
                    f"The recipe {self.path} sets {key}{fault}; correct the value, or delete the line to take the "
                    "default."
                )

    def named_in(self, sentence: str, arguments: Collection[str]) -> str:
        """Tell which of the options in a sentence the recipe sets, since the sentence cannot know where they come from.

        Args:
            sentence: an error message.
            arguments: those of the command line, which win over the recipe.
        """
        given = {argument.split("=", 1)[0] for argument in arguments}
        told = []
        for key, value in self.options.items():
            name, option = key.replace("-", "_"), f"--{key.replace('_', '-')}"
            named = re.search(rf"(?<![\w-])({re.escape(name)}|{re.escape(option)})(?![\w-])", sentence)
            if option not in given and (named or f"'{value}'" in sentence):
                told.append(f"{key} = {shortened(repr(value))}")
        return f" The recipe {self.path} sets {' and '.join(told)}." if told else ""


def schema_of(kind: Any) -> Schema:
    """The schema of a value in TOML for an option of a type; a single value does for a list."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return schema_of(inner[0])
    if origin in (Union, UnionType):
        return any_of(*(schema_of(each_kind) for each_kind in inner if each_kind is not type(None)))
    if origin is tuple and inner[-1] is not Ellipsis:
        return each(schema_of(inner[0]), len(inner), len(inner))
    if origin in (tuple, Sequence):
        return any_of(each(schema_of(inner[0])), schema_of(inner[0]))
    # A text may be written as a whole number, as the column 1. Choices are checked with the flags, whose message
    # lists them.
    return {bool: flag, int: integer, float: number(), str: _TEXT, Path: text}.get(kind, anything)


_TEXT = any_of(text, integer)


def take_recipe(arguments: list[str]) -> tuple[list[str], str | None]:
    """Split off `--recipe FILE` or `--recipe=FILE` from the arguments of a command.

    Raises:
        UserError: no file or more than one is named.
    """
    kept, found = take_values(arguments, "--recipe")
    if "" in found:
        raise UserError("--recipe needs the path of a TOML file.")
    if len(found) > 1:
        raise UserError(f"--recipe takes one file, but {' and '.join(found)} were given; put all options into one.")
    return kept, found[0] if found else None


def read_recipe(path: str | Path) -> Recipe:
    """Read a recipe.

    Raises:
        UserError: the file is missing, is not TOML, or has no table `options`.
    """
    try:
        with open(path, "rb") as file:
            text = file.read(MOST_BYTES + 1).decode()
        if len(text) > MOST_BYTES or _DEEP.search(_QUOTED.sub("q", text)):
            raise UserError(
                f"The recipe {path} is no list of options: it is larger than {MOST_BYTES:,} bytes, or a key in it has "
                f"more than {MOST_LEVELS} parts."
            )
        recipe = tomllib.loads(text)
    except OSError as error:
        raise UserError(f"Could not read the recipe {path}: {error.strerror}.") from error
    except ValueError as error:  # of TOML, of UTF-8, or of a number with too many digits
        raise UserError(f"The recipe {path} is not valid TOML: {error}.") from error
    except RecursionError as error:
        raise UserError(f"The recipe {path} is no list of options: its values are nested too deeply.") from error
    options = recipe.get("options")
    if not isinstance(options, dict):
        raise UserError(f"The recipe {path} has no table [options]; put the options there, for example lr = 0.003.")
    return Recipe(Path(path), options)
