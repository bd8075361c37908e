"""Arguments before a command is parsed: those that every command takes, free text, and lists. Words after -- stay."""

import re
from collections.abc import Sequence

FREE_TEXT = ("--prompt", "--text", "--stop", "--separator")  # their values may begin with a dash
ESCAPED = ("--prompt", "--text", "--stop")  # a separator is a regular expression, which reads its own backslashes
LISTS = ("--temperature",)
_ESCAPE = re.compile(r"\\([nt\\])")
_MEANT = {"n": "\n", "t": "\t", "\\": "\\"}


def join_free_text(arguments: Sequence[str]) -> list[str]:
    """Write `--prompt TEXT` as `--prompt=TEXT`, so that a text may begin with a dash."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] in FREE_TEXT:
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def read_escapes(arguments: Sequence[str]) -> list[str]:
    r"""Read `\n`, `\t` and `\\` in free text as a line break, a tab and a backslash; other backslashes stay.

    Args:
        arguments: with `--prompt=TEXT` in one.
    """
    stop = arguments.index("--") if "--" in arguments else len(arguments)
    return [
        unescaped(argument) if i < stop and argument.split("=", 1)[0] in ESCAPED else argument
        for i, argument in enumerate(arguments)
    ]


def unescaped(text: str) -> str:
    r"""Read `\n`, `\t` and `\\` in a text as a line break, a tab and a backslash."""
    return _ESCAPE.sub(lambda found: _MEANT[found[1]], text)


def spread_lists(arguments: Sequence[str]) -> list[str]:
    """Write `--temperature 0.5 0.8` as `--temperature=0.5 --temperature=0.8`.

    A list ends at the first word that is no number, such as the name of a model.
    """
    spread: list[str] = []
    name = ""  # of the list that goes on
    for argument in arguments:
        if argument in LISTS:
            name = argument
            spread.append(argument)
        elif name and _is_number(argument):
            if spread[-1] == name:
                spread.pop()
            spread.append(f"{name}={argument}")
        else:
            name = ""
            spread.append(argument)
    return spread


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def put_dashes_last(arguments: Sequence[str]) -> list[str]:
    """Put every `-`, which stands for the standard input, behind `--`, where it is taken for no option.

    One that follows an option stays: it may be its value.
    """
    stop = arguments.index("--") if "--" in arguments else len(arguments)
    before = ["", *arguments]
    lone = [i for i in range(stop) if arguments[i] == "-" and not before[i].startswith("--")]
    if not lone:
        return list(arguments)
    kept = [argument for i, argument in enumerate(arguments[:stop]) if i not in lone]
    return [*kept, "--", *("-" for _ in lone), *arguments[stop + 1 :]]


def take_flags(arguments: Sequence[str], *names: str) -> tuple[list[str], dict[str, bool]]:
    """Split off flags, and tell which were given."""
    stop = arguments.index("--") if "--" in arguments else len(arguments)
    kept = [a for i, a in enumerate(arguments) if i >= stop or a not in names]
    return kept, {name: name in arguments[:stop] for name in names}


def take_values(arguments: Sequence[str], name: str) -> tuple[list[str], list[str]]:
    """Split off every `NAME VALUE` and `NAME=VALUE`; the value of a name at the end is empty."""
    kept: list[str] = []
    found: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            kept += [argument, *rest]
        elif argument == name:
            found.append(next(rest, ""))
        elif argument.startswith(f"{name}="):
            found.append(argument.removeprefix(f"{name}="))
        else:
            kept.append(argument)
    return kept, found
