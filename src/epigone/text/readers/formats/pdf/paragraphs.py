"""Paragraphs: joins the lines of columns, and continues across columns and pages."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from math import ceil

from epigone.text.readers.formats.pdf.columns import Column, Line
from epigone.text.readers.formats.pdf.hyphenation import Words, ends_in_hyphen, ends_sentence
from epigone.text.readers.formats.pdf.line_breaks import (
    LINE,
    ON,
    PARAGRAPH,
    Setting,
    breaks,
    has_room,
    indented,
    left_edge,
)

_FOOT = 0.3  # share of a page's height, from its foot, below which a poem may continue on the next page
_REACH = 30  # most points between the left edges of columns at the same place
_CAPTION = re.compile(r"(?:Fig(?:ure|\.)|Table|Abb(?:ildung|\.)|Tab(?:elle|\.)) ?\d+(?:\.\d+)*[.:] ")


@dataclass(frozen=True)
class _Part:
    """The running text of a column, and the separate lines above and below it."""

    lines: list[Line]
    above: list[Line]
    below: list[Line]
    edge: float
    """Right end of full lines, in points."""
    foot: float
    """Height above which a last line leaves the rest of its page empty, in points."""


def paragraphs(columns: Sequence[Column], pages: bool = False) -> Iterator[str | None]:
    """Join the lines of all columns to paragraphs, in the order of reading.

    Two lines are joined unless the size changes, there is a gap between them, the second is indented, or the first ends
    although the next word would have fitted. If most lines end like that, they are verse and stay lines. Captions and
    small notes at the ends of a column follow the paragraph that they interrupt.

    Args:
        columns: columns in the order of reading.
        pages: yield None before each page but the first; then no paragraph continues on another page.
    """
    setting = Setting.of([column.lines for column in columns])
    parts = [
        _parted(column.lines, edge, _FOOT * column.page_height, setting)
        for column, edge in zip(columns, _edges(columns), strict=True)
    ]
    separators = breaks([part.lines for part in parts], [part.edge for part in parts], setting)
    indents = _indents(parts, separators, setting)
    words = Words(line.text for part in parts for line in part.lines)
    current = ""
    held: list[str] = []
    last: _Part | None = None
    verse = False
    for column, part, between in zip(columns, parts, separators, strict=True):
        if pages and column.opens_page and last is not None:
            yield from filter(None, [current, *held])
            yield None
            current, held, last = "", [], None
        held += _alone(part.above, part.edge, setting, words)
        start = PARAGRAPH
        if last is not None:
            start = _across(last, verse, part, LINE in between[:1], setting, indents)
        for separator, line in zip([start, *between], part.lines, strict=True):
            if separator == PARAGRAPH:
                yield from filter(None, [current, *held])
                current, held = line.text, []
            else:
                current = words.join(current, line.text) if separator == ON else f"{current}\n{line.text}"
        last, verse = part, LINE in between[-1:]
        held += _alone(part.below, part.edge, setting, words)
    yield from filter(None, [current, *held])


def _alone(lines: Sequence[Line], edge: float, setting: Setting, words: Words) -> list[str]:
    """Return the paragraphs of separate lines."""
    found: list[str] = []
    [between] = breaks([lines], [edge], setting)
    for separator, line in zip([PARAGRAPH, *between], lines, strict=False):
        if separator == PARAGRAPH:
            found.append(line.text)
        else:
            found[-1] = words.join(found[-1], line.text) if separator == ON else f"{found[-1]}\n{line.text}"
    return found


def _parted(lines: list[Line], edge: float, foot: float, setting: Setting) -> _Part:
    blocks = setting.blocks(lines)
    start, stop = 0, len(blocks)
    while stop > 1 and (_CAPTION.match(blocks[stop - 1][0].text) or _is_note(blocks[stop - 1], setting)):
        stop -= 1
    while start < stop - 1 and _CAPTION.match(blocks[start][0].text):
        start += 1
    above, middle, below = blocks[:start], blocks[start:stop], blocks[stop:]
    return _Part(list(chain(*middle)), list(chain(*above)), list(chain(*below)), edge, foot)


def _is_note(block: Sequence[Line], setting: Setting) -> bool:
    return setting.steady and max(line.size for line in block) < 0.93 * setting.body


def _across(last: _Part, verse: bool, part: _Part, next_verse: bool, setting: Setting, indents: bool) -> str:
    """Return the separator of the last line of a column and the first of the next one."""
    if verse or next_verse:
        above, line = last.lines[-1], part.lines[0]
        alike = verse == next_verse and setting.same_size(above, line)
        ends_early = last.foot and above.y0 > last.foot and above.y0 < line.y0
        return PARAGRAPH if not alike or ends_early or ends_sentence(above.text) else LINE
    return ON if _goes_on(last, part, setting, indents) else PARAGRAPH


def _goes_on(last: _Part, part: _Part, setting: Setting, indents: bool) -> bool:
    """True if the paragraph at the end of a column continues in the next one."""
    above, line = last.lines[-1], part.lines[0]
    if not setting.same_size(above, line):
        return False
    if ends_in_hyphen(above.text):
        return True
    if has_room(above, line, last.edge):
        return line.text[:1].islower() and not ends_sentence(above.text)
    is_in = indented(line, left_edge(part.lines[:20]))
    if not ends_sentence(above.text):
        return not (is_in and above.text.endswith(":"))
    at_edge = [abs(other.x1 - last.edge) < 1.5 for other in last.lines]
    if at_edge[-1] and sum(at_edge) > max(2, 0.4 * len(at_edge)):
        # In justified text the last line of a paragraph hardly ever ends at the edge.
        return not (indents and is_in)
    # The end of a sentence ends the paragraph, unless paragraphs begin with an indent and this line has none.
    full = len(part.lines) > 1 and not has_room(line, part.lines[1], part.edge)
    return indents and not is_in and (full or ends_sentence(line.text))


def _indents(parts: Sequence[_Part], separators: Sequence[Sequence[str]], setting: Setting) -> bool:
    """True if most paragraphs begin with an indented line."""
    starts = []
    for part, between in zip(parts, separators, strict=True):
        left = left_edge(part.lines)
        for index, separator in enumerate(between):
            above, line = part.lines[index : index + 2]
            if separator == PARAGRAPH and setting.same_size(above, line):
                starts.append(indented(line, left))
    return sum(starts) > 0.5 * len(starts)


def _edges(columns: Sequence[Column]) -> list[float]:
    """Find the right end of full lines in each column, from all columns at the same place of their pages."""
    lefts = [min(line.x0 for line in column.lines) for column in columns]
    places: dict[tuple[str, int], dict[int, list[float]]] = {}
    for column, left in zip(columns, lefts, strict=True):
        ends = places.setdefault((column.side, round(column.page_width)), {}).setdefault(round(left), [])
        ends += [line.x1 for line in column.lines]
    known: dict[tuple[str, int, int], float] = {}
    for (side, width), starts in places.items():
        for start in starts:  # a column of few lines may begin with an indented one
            near = [end for other, ends in starts.items() if abs(other - start) <= _REACH for end in ends]
            known[side, width, start] = _edge(sorted(near))
    return [
        known[column.side, round(column.page_width), round(left)] for column, left in zip(columns, lefts, strict=True)
    ]


def _edge(ends: Sequence[float]) -> float:
    """Find the right edge of a text from the sorted ends of its lines: the common one if justified, or the last."""
    common, number = Counter(map(round, ends)).most_common(1)[0]
    if number >= max(3, 0.2 * len(ends)) and common >= ends[len(ends) // 2] - 1:
        return common
    return ends[ceil(0.97 * (len(ends) - 1))]
