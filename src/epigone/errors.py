"""The one error that users see: a sentence."""

import math
from collections.abc import Callable
from typing import Any


class UserError(Exception):
    """A mistake in what was asked for.

    It is made of a sentence that names the file, the value and the remedy, and of further lines if there are any;
    `str(error)` is the whole message. The command line prints it and exits with status 2; breaks of lines within a
    sentence, which come from the names of files, are made visible. Any other error that reaches the command line is a
    defect of ours.
    """

    def __str__(self) -> str:
        return "\n".join(map(str, self.args))


def missing_package(user: str, package: str) -> str:
    """Say that a package is not installed.

    Args:
        user: what needs it, as the beginning of a sentence: `A report`.
        package: its name on the package index.
    """
    return f"{user} needs the package {package}, which is not installed. Run: pip install {package}"


LARGEST = 2**31 - 1
"""The largest whole number of an option, as C counts."""
LARGEST_FLOAT = 1e38
"""The largest other number of an option: what 32 bits hold, with room for a product."""


def check_options(
    options: object, wanted: str, good: Callable[[Any], bool], *names: str, most: float | None = None
) -> None:
    """Refuse options with wrong values; None means that an option is not set.

    Args:
        options: the object whose fields the options are.
        wanted: the requirement in words, to follow "must": `be greater than 0`.
        good: the requirement as a test of a value, which nan must fail.
        names: the options to check.
        most: the largest value that is allowed; by default `LARGEST` for whole numbers and `LARGEST_FLOAT` for others,
            unless they are infinite.

    Raises:
        UserError: names the first option that fails.
    """
    for name in names:
        value = getattr(options, name)
        if value is not None and not good(value):
            raise UserError(f"{name} must {wanted}; {value} was given.")
        limit = most if most is not None else LARGEST if isinstance(value, int) else LARGEST_FLOAT
        if value is not None and value > limit and (most is not None or value < math.inf):
            raise UserError(f"{name} must be at most {limit:,}; {value} was given.")
