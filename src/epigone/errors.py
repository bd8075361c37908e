"""The one error that users see: a sentence."""

from collections.abc import Callable
from typing import Any


class UserError(Exception):
    """A mistake in what was asked for.

    `str(error)` is the whole message: a sentence that names the file, the value and the remedy. The command line
    prints it and exits with status 2; anything else that escapes is a defect of ours.
    """


def check_options(options: object, wanted: str, good: Callable[[Any], bool], *names: str) -> None:
    """Refuse options that are not as they must be; None stands for one that is not set.

    Args:
        options: the object whose fields they are.
        wanted: what they must, in words: `be greater than 0`.
        good: the same as a test of their values; written so that nan fails it.
        names: the options.

    Raises:
        UserError: names the first that is not so.
    """
    for name in names:
        value = getattr(options, name)
        if value is not None and not good(value):
            raise UserError(f"{name} must {wanted}; {value} was given.")
