"""Running heads, running feet and page numbers, and pages without them."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from epigone.text.readers.formats.pdf.columns import Line, Page, joined, rows

HEADS = "running head{0} and page number{0}"
"""Kind of the lines that are left out; the braces are for the ending of the plural."""

_ZONE = 0.15  # share of the page's height, at the top and at the bottom, that is searched
_REACH = 3  # most rows from the top and from the bottom that are searched

_ROMAN = r"(?=[ivxlcdm])m{0,3}(?:cm|cd|d?c{0,3})(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})"
_ROMAN_AT_AN_END = re.compile(rf"^{_ROMAN}(?=\W|$)|(?<!\w){_ROMAN}$", re.IGNORECASE)
_BARE = re.compile(rf"\d{{1,4}}|{_ROMAN}", re.IGNORECASE)
_DECORATED = re.compile(
    rf"[-–—~·•|\[(<]+ ?(?:\d{{1,4}}|{_ROMAN}) ?[-–—~·•|\])>]+"  # - 3 -
    rf"|(?:page|seite|p\.|s\.) ?(?:\d{{1,4}}|{_ROMAN})(?: ?(?:of|von|/) ?\d{{1,4}})?"  # Page 3 of 30
    r"|\d{1,4} ?(?:/|of) ?\d{1,4}",
    re.IGNORECASE,
)


def without_heads(pages: Sequence[Page], left_out: Counter[str] | None = None) -> list[Page]:
    """Return the pages without running heads, running feet and page numbers.

    A running head is a line at the edge of several pages at the same height, whatever numbers it holds, or a single
    line at the height of such lines, such as the title of a chapter. A line in larger letters than the text is one only
    if its numbers are the same, too; else it is a title.

    Args:
        pages: the pages of a book.
        left_out: counts the lines that are left out.
    """
    sizes = Counter[int]()
    for page in pages:
        for line in page.lines:
            sizes[round(line.size)] += len(line.text)
    largest = 1.1 * sizes.most_common(1)[0][0] if sizes else 0.0
    edges = [edge for page in pages for edge in (_edge(page, top=True), _edge(page, top=False))]
    seen = Counter((_key(line, largest), _height(line)) for edge in edges for line in edge.lines)
    needed = 2 if len(pages) < 12 else 3

    def recurs(line: Line) -> bool:
        return sum(seen[_key(line, largest), _height(line) + step] for step in (-1, 0, 1)) >= needed

    places = {(round(line.size), _height(line)) for edge in edges for line in edge.lines if recurs(line)}

    def is_place(line: Line) -> bool:
        return any((round(line.size), _height(line) + step) in places for step in (-1, 0, 1))

    dropped: set[int] = set()
    for number, edge in enumerate(edges):
        goes = [recurs(line) for line in edge.lines]
        for index in reversed(range(len(goes))):  # the first line of the text may recur, too, such as a refrain
            goes[index] = goes[index] and (edge.apart[index] or goes[index + 1 : index + 2] == [True])
        rest = goes.index(False) if False in goes else None
        if rest is not None and edge.apart[rest]:
            line = edge.lines[rest]
            bare = number % 2 and _BARE.fullmatch(line.text)
            goes[rest] = bool(is_place(line) or bare or _DECORATED.fullmatch(line.text))
        if left_out is not None:
            left_out[HEADS] += sum(
                gone and id(row[0]) not in dropped for row, gone in zip(edge.rows, goes, strict=True)
            )
        dropped |= {id(part) for row, gone in zip(edge.rows, goes, strict=True) if gone for part in row}
    return [replace(page, lines=[line for line in page.lines if id(line) not in dropped]) for page in pages]


@dataclass(frozen=True)
class _Edge:
    """The rows of a page near its top or its foot, from there inwards."""

    rows: list[list[Line]]
    lines: list[Line]
    """The same, each row as one line."""
    apart: list[bool]
    """For each row: True if the gap to the next is wider than in the text, or the size changes."""


def _edge(page: Page, top: bool) -> _Edge:
    found = rows(page.lines)[: _REACH + 2] if top else rows(page.lines)[: -_REACH - 3 : -1]
    lines = [joined(row) for row in found]
    near = [abs(page.height * top - line.middle) < _ZONE * page.height for line in lines[:_REACH]]
    steps = [abs(line.y0 - other.y0) for line, other in pairwise(lines)]
    apart = []
    for index, step in enumerate(steps):
        usual = steps[index + 1] if index + 1 < len(steps) else 1.6 * lines[index].size
        resized = abs(lines[index].size - lines[index + 1].size) > 0.05 * lines[index].size
        apart.append(resized or step > min(1.2 * usual, 2.5 * lines[index].size))
    reach = near.index(False) if False in near else len(near)
    return _Edge(found[:reach], lines[:reach], [*apart, False][:reach])


def _key(line: Line, largest: float) -> tuple[str, int]:
    """Return the parts of a line that recur: its text without numbers, unless it is a title, and its size."""
    if line.size > largest and not _BARE.fullmatch(line.text):
        return line.text, round(line.size)
    return _ROMAN_AT_AN_END.sub("#", re.sub(r"\d+", "#", line.text)), round(line.size)


def _height(line: Line) -> int:
    return round(line.y0 / 4)
