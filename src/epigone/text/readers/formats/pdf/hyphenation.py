"""Joining of lines: with a space, without one, or inside a hyphenated word."""

import re
from collections.abc import Iterable
from unicodedata import east_asian_width

_HYPHENS = "-\u2010\u00ad"
_WORD = re.compile(rf"[^\W_]+(?:[-\u2010][^\W_]+)*(?P<broken>[{_HYPHENS}]$)?")
_BEGINNING = re.compile(rf"([^\W\d_]+(?:[-\u2010][^\W_]+)*)[{_HYPHENS}]$")
_END = re.compile(r"[^\W\d_]+")
_AND = {"and", "or", "nor", "und", "oder"}  # after the hyphen of pre- and post-war
_CLOSING = "\"'”’»›)]}」』）】"


class Words:
    """The words inside the lines of a text, which show the spelling of those that a line end divides.

    Args:
        lines: the lines in the order of reading.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._known: set[str] = set()
        broken = False
        for line in lines:
            for match in _WORD.finditer(line):
                if not match["broken"] and not (broken and match.start() == 0):
                    self._known.add(_folded(match[0]))
            broken = ends_in_hyphen(line)

    def __contains__(self, word: str) -> bool:
        return _folded(word) in self._known

    def join(self, line: str, following: str) -> str:
        """Join a line, or all lines so far, and the next one.

        A hyphen at the end is removed if the word occurs elsewhere without it, and kept if it occurs with it. Else it
        is removed before a small letter.
        """
        if is_cjk(line[-1:]) and is_cjk(following[:1]):
            return line + following
        if not ends_in_hyphen(line):
            # A dash or a slash without a space before it has none after it either.
            tight = re.search(r"[^\s—–/][—–/]$", line[-2:])
            return f"{line}{'' if tight else ' '}{following}"
        beginning, end = _BEGINNING.search(line[-100:]), _END.match(following)
        if line.endswith("\u00ad"):
            return line[:-1] + following
        if not beginning or not end:
            return line + following
        if end[0].lower() in _AND and beginning[1] + end[0] not in self:
            return f"{line} {following}"
        return (line if self._keeps(beginning[1], end[0]) else line[:-1]) + following

    def _keeps(self, beginning: str, end: str) -> bool:
        if beginning + end in self:
            return False
        compound = _WORD.match(f"{beginning}-{end}")
        if compound and compound[0] in self:
            return True
        if "-" in beginning and end in self:  # mother-in-law
            return True
        return not end[0].islower()


def ends_in_hyphen(line: str) -> bool:
    """True if the last word continues in the next line, by its hyphen."""
    return len(line) > 1 and line[-1] in _HYPHENS and line[-2].isalnum()


def ends_sentence(line: str) -> bool:
    """True if a sentence may end with this line."""
    return line.rstrip(_CLOSING).endswith((".", "!", "?", "…", "。", "！", "？"))


def is_cjk(character: str) -> bool:
    """True for Chinese and Japanese characters and their punctuation, which have no spaces; not for Korean."""
    return bool(character) and (
        "\u2e80" <= character <= "\u30ff"
        or "\u31c0" <= character <= "\u9fff"
        or "\uf900" <= character <= "\ufaff"
        or "\uff00" <= character <= "\uff65"
        or "\U00020000" <= character <= "\U0003ffff"
    )


def first_word(line: str) -> str:
    """Return the first word of a line, or its first Chinese or Japanese character with its punctuation."""
    if not is_cjk(line[:1]):
        return line.split(" ", 1)[0]
    end = 1
    while end < len(line) and line[end] in "、。，．！？；：」』）】":
        end += 1
    return line[:end]


def breadth(text: str) -> float:
    """Estimate the width of a text in average small letters."""
    return sum(map(_breadth, text))


def _breadth(character: str) -> float:
    if character in "iljtI.,;:'’|!()[]- ":
        return 0.6
    if character in "MWmw—":
        return 2.1 if character.isupper() else 1.7
    if east_asian_width(character) in "WF":
        return 2
    return 1.5 if character.isupper() else 1


def _folded(word: str) -> str:
    return word.replace("\u2010", "-").casefold()
