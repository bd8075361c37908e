"""The command line that repeats an experiment, for a POSIX shell."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

from epigone.extensions import loaded


def command_line(words: Sequence[str | Path], *options: Any) -> str:
    """Write a command with the options that differ from their defaults, quoted so that it can be copied.

    Args:
        words: the command, its arguments, and the flags that belong to no options.
        options: dataclasses whose fields are flags of the command.
    """
    given = [word for each in options for word in _flags(each)]
    extensions = [word for extension in loaded for word in ("--extension", extension)]
    return shlex.join(["epigone", *map(str, words), *given, *extensions])


def _flags(options: Any) -> Iterator[str]:
    hints = get_type_hints(type(options))
    for each in fields(options):
        value = getattr(options, each.name)
        default = each.default if each.default_factory is MISSING else each.default_factory()
        flag = each.name.replace("_", "-")
        if value == default or value is None or value == ():  # the last two have no flag
            continue
        if isinstance(value, bool):
            yield f"--{flag}" if value else f"--no-{flag}"
        elif isinstance(value, tuple) and not _is_list(hints[each.name]):
            yield from (f"--{flag}", *map(_word, value))
        else:
            for item in value if isinstance(value, tuple) else [value]:
                word = _word(item)
                yield from ([f"--{flag}={word}"] if word.startswith("-") else [f"--{flag}", word])


def _word(value: Any) -> str:
    """A value as people write it: a whole number without a point."""
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _is_list(hint: Any) -> bool:
    """Tell a list of any length, such as tuple[str, ...], from a tuple of a fixed one."""
    return Ellipsis in get_args(hint)
