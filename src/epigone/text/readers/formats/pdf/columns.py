"""Reading order of the lines on pages, in columns and over the whole width."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

_NARROWEST = 0.2  # least width of a column of text, as a share of the page's text; columns of tables are narrower
_ROWS = 3  # least rows side by side in two columns
_STEPS = 200_000  # most lines that the search for a gap between columns looks at, on a page of countless pieces


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text or a part of one, with its place in points from the lower left corner of the page."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    """Size of most of its characters, in points."""

    @property
    def middle(self) -> float:
        """Height of its middle on the page, in points."""
        return (self.y0 + self.y1) / 2


@dataclass(frozen=True)
class Page:
    """The lines of a page in any order, and the size of the page in points."""

    lines: Sequence[Line]
    width: float
    height: float


@dataclass(frozen=True)
class Column:
    """Whole lines below one another, from top to bottom."""

    lines: list[Line]
    side: str
    """Place of the column: empty for the whole width, `l` and `r` for halves, `lr` for the right half of the left."""
    page_width: float
    page_height: float = 0.0
    opens_page: bool = False
    """True for the first column of a page."""


def reading_order(pages: Sequence[Page]) -> Iterator[Column]:
    """Yield the columns of all pages. Lines over the whole width divide a page into bands; columns go left to right."""
    gutters = [_gutter(page.lines, _extent(page.lines)) for page in pages]
    usual = [x for x in gutters if x is not None]
    for page, x in zip(pages, gutters, strict=True):
        if not page.lines:
            continue
        if x is None and usual and _keeps_clear(page.lines, median(usual)):
            x = median(usual)  # the last page of a text in two columns may have only one
        for number, (lines, side) in enumerate(_columns(page.lines, x, "", _extent(page.lines))):
            yield Column([joined(row) for row in rows(lines)], side, page.width, page.height, number == 0)


def rows(lines: Iterable[Line]) -> list[list[Line]]:
    """Group lines by their height on the page, from top to bottom, each group from left to right."""
    found: list[list[Line]] = []
    main: Line | None = None  # the longest of the last group
    for line in sorted(lines, key=lambda line: -line.middle):
        if main and _beside(line, main):
            found[-1].append(line)
            main = line if len(line.text) > len(main.text) else main
        else:
            found.append([line])
            main = line
    return [sorted(row, key=lambda line: line.x0) for row in found]


def joined(row: Sequence[Line]) -> Line:
    """Join parts beside each other into one line."""
    text = row[0].text
    for left, right in pairwise(row):
        text += right.text if right.x0 - left.x1 < 0.1 * left.size else f" {right.text}"
    main = max(row, key=lambda line: len(line.text))
    return Line(text, min(p.x0 for p in row), main.y0, max(p.x1 for p in row), main.y1, main.size)


def _columns(lines: Sequence[Line], x: float | None, side: str, width: float) -> Iterator[tuple[Sequence[Line], str]]:
    if x is None:
        yield lines, side
        return
    for spans, band in _bands(lines, x):
        if spans:
            yield band, side
            continue
        halves = [line for line in band if line.x1 <= x], [line for line in band if line.x0 >= x]
        for half, letter in zip(halves, "lr", strict=True):
            if half:
                yield from _columns(half, _gutter(half, width), side + letter, width)


def _bands(lines: Sequence[Line], x: float) -> Iterator[tuple[bool, list[Line]]]:
    """Yield groups of lines from top to bottom that all cross the gutter at `x`, or all do not."""
    ordered = sorted(lines, key=lambda line: -line.middle)
    right = _Heights(line for line in ordered if line.x0 >= x)
    band: list[Line] = []
    spans = False
    for line in ordered:
        crosses = line.x0 < x < line.x1 or (bool(band) and spans and _ends(line, band[-1], x, right))
        if band and crosses != spans:
            yield spans, band
            band = []
        spans = crosses
        band.append(line)
    if band:
        yield spans, band


def _ends(line: Line, above: Line, x: float, right: "_Heights") -> bool:
    """True for the short last line of the text above, if that crosses the gutter."""
    size = line.size
    return (
        line.x1 <= x
        and abs(above.size - size) < 0.1 * size
        and above.y0 - line.y0 < 1.6 * size
        and -size < above.x0 - line.x0 < 3 * size
        and not right.has_beside(line)
    )


class _Heights:
    """Lines by their height, to find those beside another without comparing all."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = sorted(lines, key=lambda line: line.middle)
        self._middles = [line.middle for line in self._lines]
        self._tallest = max((line.y1 - line.y0 for line in self._lines), default=0.0)

    def has_beside(self, line: Line) -> bool:
        """True if one of the lines is beside another."""
        reach = (line.y1 - line.y0 + self._tallest) / 2
        start = bisect_left(self._middles, line.middle - reach)
        for index in range(start, len(self._lines)):
            other = self._lines[index]
            if other.middle > line.middle + reach:
                return False
            if _beside(line, other):
                return True
        return False


def _gutter(lines: Sequence[Line], width: float) -> float | None:
    """Find the gap between two columns with the most lines side by side; None without columns."""
    best, place = _ROWS - 1, None
    starts = Counter(round(line.x0) for line in lines)
    usual = [start for start, number in starts.most_common(max(_STEPS // max(len(lines), 1), 10)) if number > 1]
    for start in sorted(usual):
        left = [line for line in lines if line.x1 <= start - 0.6 * line.size]
        right = [line for line in lines if line.x0 >= start - 1]
        pairs = _besides(left, right)
        if len(pairs) <= best or not _are_wide(pairs, width) or not _are_wide(_besides(right, left), width):
            continue
        best, place = len(pairs), (max(line.x1 for line in pairs) + start) / 2
    return place


def _besides(lines: Sequence[Line], others: Sequence[Line]) -> list[Line]:
    """Return the lines that have one of the others near their own height."""
    heights = sorted(line.middle for line in others)

    def near(line: Line) -> bool:
        index = bisect_left(heights, line.middle)
        return any(abs(height - line.middle) < 0.75 * line.size for height in heights[max(0, index - 1) : index + 1])

    return [line for line in lines if near(line)]


def _are_wide(lines: Sequence[Line], width: float) -> bool:
    return bool(lines) and median(line.x1 - line.x0 for line in lines) >= _NARROWEST * width


def _keeps_clear(lines: Sequence[Line], x: float) -> bool:
    return sum(line.x0 < x < line.x1 for line in lines) <= 0.2 * len(lines)


def _extent(lines: Sequence[Line]) -> float:
    return max((line.x1 for line in lines), default=0) - min((line.x0 for line in lines), default=0)


def _beside(line: Line, other: Line) -> bool:
    overlap = min(line.y1, other.y1) - max(line.y0, other.y0)
    return overlap > 0.5 * min(line.y1 - line.y0, other.y1 - other.y0)
