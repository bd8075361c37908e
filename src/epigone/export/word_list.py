"""A list of words from a file that Python pickled, read without unpickling: nothing in the file is ever executed.

A pickle is a program. This reader knows the few instructions that make a list of strings, in all protocols, and refuses
every other one by its name.
"""

import pickletools
from pathlib import Path
from typing import Any

from epigone.errors import UserError
from epigone.schema import each, text
from epigone.storage import read_bounded, read_json

MOST, MOST_WORDS = 256 << 20, 10_000_000  # bytes, words
STRINGS = {"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"}
BYTES = {"STRING", "BINSTRING", "SHORT_BINSTRING"}  # strings of Python 2
PUT, GET = {"PUT", "BINPUT", "LONG_BINPUT"}, {"GET", "BINGET", "LONG_BINGET"}
_MARK = object()


def read_words(path: Path) -> list[str]:
    """Read a list of words, pickled or, in a file that ends with .json, as JSON.

    Raises:
        UserError: the file is missing, too large or damaged, or holds something else than a list of strings.
    """
    if path.suffix.lower() == ".json":
        found = read_json(path, each(text, MOST_WORDS), most=MOST)
    else:
        data = read_bounded(path, MOST)
        try:
            found = _listed(data)
        except _Refused as refused:
            raise UserError(
                f"{path} holds {refused}, which a list of words does not need, so it is not read: unpickling it could "
                "run a program. If the file is sound, load it where you trust it, and write the list of words as JSON."
            ) from refused
        except (ValueError, IndexError, KeyError, AttributeError, OverflowError) as error:
            raise UserError(f"{path} is damaged or is no pickled list of words ({error}).") from error
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        raise UserError(f"{path} is not a list of strings; give the list of words that belongs to the weights.")
    try:
        "".join(found).encode()
    except UnicodeEncodeError:
        raise UserError(f"{path} holds half of a surrogate pair, which is no text; give another list.") from None
    return found


class _Refused(Exception):
    """An instruction that makes no list of strings."""


def _listed(data: bytes) -> Any:
    """Carry out the instructions that make a list of strings."""
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    argument: Any
    for instruction, argument, place in pickletools.genops(data):
        name = instruction.name
        if name in STRINGS:
            stack.append(argument)
        elif name in BYTES:
            stack.append(_text(argument))
        elif name == "EMPTY_LIST":
            stack.append([])
        elif name == "MARK":
            stack.append(_MARK)
        elif name == "LIST":
            stack.append(_above_mark(stack))
        elif name == "APPEND":
            word = stack.pop()
            stack[-1].append(word)
        elif name == "APPENDS":
            words = _above_mark(stack)
            stack[-1].extend(words)
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name in PUT:
            memo[argument] = stack[-1]
        elif name in GET:
            stack.append(memo[argument])
        elif name == "STOP":
            return stack.pop()
        elif name not in ("PROTO", "FRAME"):
            raise _Refused(f"the instruction {name} at byte {place:,}")
    raise ValueError("it has no end")


def _above_mark(stack: list[Any]) -> list[Any]:
    """Take what is above the last mark, and the mark."""
    place = next((i for i in range(len(stack) - 1, -1, -1) if stack[i] is _MARK), None)
    if place is None:
        raise ValueError("a mark is missing")
    items = stack[place + 1 :]
    del stack[place:]
    return items


def _text(latin: str) -> str:
    """The text of the bytes of UTF-8 that `pickletools` gives as Latin-1."""
    return latin.encode("latin-1").decode("utf-8")
