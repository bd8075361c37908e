"""The arguments that every command takes; they are split off before a command is parsed. Words after -- stay."""

from collections.abc import Sequence

FREE_TEXT = ("--prompt", "--stop", "--separator")  # their values may begin with a dash


def join_free_text(arguments: Sequence[str]) -> list[str]:
    """Write `--prompt TEXT` as `--prompt=TEXT`, so that a text may begin with a dash."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] in FREE_TEXT:
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


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
