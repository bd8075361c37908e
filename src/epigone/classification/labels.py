"""Order of classes."""

import re

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def is_number(label: str) -> bool:
    """True for a number in figures; NaN and inf are words."""
    return _NUMBER.fullmatch(label) is not None


def class_order(label: str) -> tuple[bool, float, str, str]:
    """Return the key that sorts labels: numbers by value, then others by letter, capitals beside small letters."""
    if is_number(label):
        return False, float(label), "", label
    return True, 0.0, label.casefold(), label
