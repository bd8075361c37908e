"""The layout of a text, and the options of reading that may suit it."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

SAMPLE = 200_000
"""Characters at the beginning of a text that are looked at."""

_NEAR_EQUALS = re.compile(r"[ \t]*={2,}[ \t]*")
_DECORATION = re.compile(r"[ \t]*[-*#~_+.·•=<>§%/|\\^&$@]+(?:[ \t]+[-*#~_+.·•=<>§%/|\\^&$@]+)*[ \t]*")
_NUMBERS = (
    (re.compile(r"[IVXLC]+\.?"), r"[IVXLC]+\.?"),
    (re.compile(r"\d{1,4}[.)]?"), r"\d+[.)]?"),
    (re.compile(r"#{1,4} \S.{0,60}"), r"#{1,4} .*"),
    (re.compile(r"(?i:chapter|kapitel|chapitre|canto|sonnet)\b.{0,60}"), None),
)
_JSON = re.compile(r'\s*\{\s*"')
_NAME = re.compile(r"[\w .-]{1,40}")
_SENTENCE_ENDS = tuple(".,;:!?…—-\"'’”)。，、！？")


class Layout:
    """The beginning of a file's first document."""

    def __init__(self) -> None:
        self.text = ""
        """The beginning, `SAMPLE` characters at most."""
        self.page_breaks = 0
        """Form feeds in the first document, before cleaning."""
        self._first = True

    def begin(self, number: int) -> None:
        """Begin with document `number`, counted from 1."""
        self._first = number == 1

    def see_raw(self, pieces: Iterator[str]) -> Iterator[str]:
        """Count the page breaks of the next document in its pieces."""
        for piece in pieces:
            self.page_breaks += self._first and piece.count("\f")
            yield piece

    def see(self, piece: str) -> None:
        """Take note of the next piece of the document."""
        if self._first and len(self.text) < SAMPLE:
            self.text += piece[: SAMPLE - len(self.text)]

    def hints(self, path: Path) -> Iterator[str]:
        """Write sentences on options that may divide the text, if it is the only one of its file."""
        lines = self.text.split("\n")
        filled = [line for line in lines if line and not line.isspace()]
        if self.page_breaks > 1:
            yield f"{path} has {self.page_breaks:,} page breaks; --documents pages makes each of its pages a document."
            return
        separator = _separator(filled)
        if (table := _table(filled)) is not None:
            yield f"{path} looks like a table; {table} reads each row as a document."
        elif _is_list(lines, filled) and not (separator and "=" in separator[1]):
            yield (
                f"{path} is one document. If each of its lines is a text of its own, as in a list of names, give "
                "--documents lines."
            )
        elif separator is not None:
            example, pattern = separator
            yield (
                f"{path} is one document. If lines such as {example!r} separate documents in it, give --separator "
                f"{_quoted(pattern)}."
            )
        elif len(re.findall(r"\n[ \t]*\n[ \t]*\n(?=\S|[ \t]+\S)", self.text)) > 1:
            yield f"{path} is one document. If two blank lines or more separate documents in it, give --blank-lines 2."


def _table(lines: list[str]) -> str | None:
    """Return the option that reads the lines as rows; None if they are none."""
    first = lines[:20]
    if len(first) < 2:
        return None
    if all(_JSON.match(line) and line.rstrip().endswith("}") for line in first):
        named = re.findall(r'[{,]\s*"([^"]{1,80})"\s*:\s*"', first[0])
        return f"--column {_quoted('text' if 'text' in named or not named else named[0])}"
    for delimiter in ("\t", ";", ","):
        names = [name.strip().strip('"') for name in first[0].split(delimiter)]
        width = len(names)
        if 2 <= width <= 50 and len(set(names)) == width and all(map(_NAME.fullmatch, names)):
            fits = all(line.count(delimiter) >= width - 1 for line in first[1:])
            short = max(len(name.split()) for name in names) <= 3
            if fits and short and (delimiter != "," or not any(name.startswith(" ") for name in first[0].split(","))):
                longest = max(names, key=lambda name: (name.lower() in ("text", "lyrics"), len(name)))
                return f"--column {_quoted('text' if 'text' in names else longest)}"
    return None


def _separator(lines: list[str]) -> tuple[str, str] | None:
    """Return a line that may separate documents, and a pattern for it and others like it."""
    underlines = {line for above, line in pairwise(lines) if len(above.strip()) == len(line.strip())}
    if equals := next((line for line in lines if _NEAR_EQUALS.fullmatch(line) and line not in underlines), None):
        return equals, r"\s*=+\s*"
    marks = Counter(line.strip() for line in lines if len(line) < 80 and _DECORATION.fullmatch(line))
    if marks:
        mark, number = marks.most_common(1)[0]
        if number > 1:
            one = re.escape(mark[0])
            repeated = rf"\s*({one}\s*)+" if set(mark) <= {mark[0], " "} else rf"\s*{re.escape(mark)}\s*"
            return mark, repeated
    for form, pattern in _NUMBERS:
        found = [line.strip() for line in lines if len(line) < 80 and form.fullmatch(line.strip())]
        if len(found) > 2 and len(set(found)) > 0.8 * len(found):
            return found[0], pattern or rf"(?i){found[0].split()[0].lower()}\b.*"
    return None


def _is_list(lines: list[str], filled: list[str]) -> bool:
    """True for five short lines or more, hardly a blank one or one that ends like a line of prose or verse."""
    if len(filled) < 5 or len(lines) - len(filled) > 0.05 * len(lines):
        return False
    ended = sum(line.rstrip().endswith(_SENTENCE_ENDS) for line in filled)
    return ended < 0.1 * len(filled) and sum(map(len, filled)) < 60 * len(filled)


def _quoted(value: str) -> str:
    """Write a value so that a shell takes it as it is."""
    return value if re.fullmatch(r"[\w.-]+", value) else f"'{value}'" if "'" not in value else f'"{value}"'
