"""Line ends: inside a paragraph, at its end, or meant as in verse."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from epigone.text.readers.formats.pdf.columns import Line
from epigone.text.readers.formats.pdf.hyphenation import breadth, ends_in_hyphen, ends_sentence, first_word, is_cjk

ON, LINE, PARAGRAPH = " ", "\n", "\n\n"
"""Separators of two lines: inside a paragraph, at a break that is meant, between paragraphs."""

INDENT = 0.6
"""Least distance of an indented line from the left edge of others, in the size of its letters."""


@dataclass(frozen=True)
class Setting:
    """Typographic setting of a text."""

    body: float
    """Size of most letters, in points."""
    steady: bool
    """True if sizes mean something; if letters were recognised in pictures, each line has another size."""
    distances: dict[float, float]
    """Distance between the lines of a paragraph, for each size of letters."""

    @classmethod
    def of(cls, columns: Sequence[Sequence[Line]]) -> "Setting":
        """Measure the setting of a text whose columns have these lines."""
        sizes: Counter[float] = Counter()
        for lines in columns:
            for line in lines:
                sizes[_size(line)] += len(line.text)
        body = sizes.most_common(1)[0][0] if sizes else 0.0
        near = sum(number for size, number in sizes.items() if abs(size - body) <= 0.06 * body)
        setting = cls(body, near > 0.4 * sizes.total(), {})
        setting.distances.update(setting.distances_of(columns))
        return setting

    def distances_of(self, columns: Iterable[Sequence[Line]], least: int = 1) -> dict[float, float]:
        """Measure `distances` as a low quantile, for sizes with at least so many pairs of lines."""
        found: dict[float, list[float]] = {}
        for lines in columns:
            for above, line in pairwise(lines):
                if self.same_size(above, line) and above.y0 - line.y0 > 0.5 * line.size:
                    found.setdefault(self._key(line), []).append(above.y0 - line.y0)
        return {size: sorted(all_)[int(0.3 * len(all_))] for size, all_ in found.items() if len(all_) >= least}

    def same_size(self, line: Line, other: Line) -> bool:
        """True if two lines may be of one paragraph by their sizes: code in text is smaller, headings larger."""
        smaller, larger = sorted((line.size, other.size))
        if not self.steady:
            return larger < 1.5 * smaller
        return larger <= 1.14 * smaller and not (larger > 1.05 * smaller and larger > 1.05 * self.body)

    def blocks(self, lines: Sequence[Line]) -> list[list[Line]]:
        """Divide the lines of a column at gaps and at changes of size."""
        near = self.distances_of([lines], least=6)
        found = [[line] for line in lines[:1]]
        for above, line in pairwise(lines):
            usual = near.get(self._key(line)) or self.distances.get(self._key(line), 1.5 * line.size)
            distance = above.y0 - line.y0
            # A tall formula moves lines apart, too.
            reach = 1.7 if _in_sentence(above.text, line.text) else 1.25
            if distance > reach * usual or not self.same_size(above, line):
                found.append([])
            found[-1].append(line)
        return found

    def _key(self, line: Line) -> float:
        return _size(line) if self.steady else 0


@dataclass(frozen=True)
class _Block:
    """Lines without gaps between them."""

    lines: list[Line]
    ends: list[bool]
    """For each line but the last: True if the next word would have fitted on it."""
    small: list[bool]
    """For each line after a full one: True if it begins with a small letter."""
    is_prose: bool
    """True if indents show that it is prose."""

    @property
    def is_verse(self) -> bool:
        """True if most lines end early, or if one does and all begin with capitals."""
        capitals = len(self.ends) > 2 and any(self.ends) and all(line.text[:1].isupper() for line in self.lines)
        return not self.is_prose and len(self.ends) > 1 and (capitals or sum(self.ends) >= 0.6 * len(self.ends))

    @property
    def may_be_verse(self) -> bool:
        """True if it is verse in a text of verse."""
        return bool(self.ends) and not self.is_prose and sum(self.small) <= 0.5 * len(self.small)


def breaks(columns: Sequence[Sequence[Line]], edges: Sequence[float], setting: Setting) -> list[list[str]]:
    """Find the separators of the lines in each column.

    If most lines end although the next word would have fitted, they are verse, and their separator is `LINE`.

    Args:
        columns: the N lines of each column, from top to bottom.
        edges: right end of the full lines in each column, in points.
        setting: setting of the whole text.

    Returns:
        For each column a list of N - 1 times `ON`, `LINE` or `PARAGRAPH`.
    """
    divided = [
        [_shaped(block, edge) for block in setting.blocks(lines)] for lines, edge in zip(columns, edges, strict=True)
    ]
    everywhere = _are_verses(list(chain(*divided)))
    found = []
    for blocks in divided:
        verses = everywhere or _are_verses(blocks)
        told = [_hangs(block) for block in blocks]
        usually = told.count(True) > told.count(False)
        between: list[str] = []
        for number, (block, hangs) in enumerate(zip(blocks, told, strict=True)):
            between += [PARAGRAPH] * (number > 0)
            if block.is_verse or (verses and block.may_be_verse):
                between += _verse(block)
            else:
                between += _prose(block, usually if hangs is None else hangs)
        found.append(between)
    return found


def has_room(above: Line, line: Line, edge: float) -> bool:
    """True if the first word of a line would have fitted on the line above."""
    if ends_in_hyphen(above.text):
        return False
    word = first_word(line.text)
    letter = (line.x1 - line.x0) / max(breadth(line.text), 1)
    space = 0 if is_cjk(word[:1]) else 0.3 * line.size
    return edge - above.x1 > 1.05 * letter * breadth(word) + space


def indented(line: Line, left: float) -> bool:
    """True if a line begins to the right of the left edge of others."""
    return line.x0 > left + INDENT * line.size


def left_edge(lines: Iterable[Line]) -> float:
    """Return the place where the leftmost line begins, in points."""
    return min(line.x0 for line in lines)


def _shaped(lines: list[Line], edge: float) -> _Block:
    right = max(line.x1 for line in lines)
    reaching = sum(right - line.x1 < 1 for line in lines)
    if reaching >= max(2 if edge - right < 4 * lines[0].size else 6, (len(lines) - 1) / 2):
        edge = right  # so many lines end at one place only in justified text
    ends = [has_room(above, line, edge) for above, line in pairwise(lines)]
    left = left_edge(lines)
    after = [indented(line, left) for line, end in zip(lines[1:], ends, strict=True) if end]
    full = [line for line, end in zip(lines[1:], ends, strict=True) if not end]
    small = [line.text[:1].isalpha() and not line.text[:1].isupper() for line in full]
    out = sum(not indented(line, left) for line in full)
    told = bool(after) and sum(after) >= 0.8 * len(after) and bool(full) and out >= 0.8 * len(full)
    return _Block(lines, ends, small, told and sum(small) >= 0.3 * len(small))


def _are_verses(blocks: Sequence[_Block]) -> bool:
    ends = [end for block in blocks if not block.is_prose for end in block.ends]
    return len(ends) > 2 and sum(ends) >= 0.6 * len(ends)


def _hangs(block: _Block) -> bool | None:
    """True if the lines of paragraphs are indented except the first ones; None if the block does not show it."""
    left = left_edge(block.lines)
    inner = [indented(line, left) for line in block.lines]
    pairs = list(zip(block.ends, inner, inner[1:], strict=False))
    hanging = sum(end and above and not line for end, above, line in pairs)
    indenting = sum(end and line for end, _, line in pairs)
    if hanging != indenting:
        return hanging > indenting
    if inner[0] and len(inner) > 1:
        return False
    return True if len(inner) > 2 and all(inner[1:]) else None


def _verse(block: _Block) -> list[str]:
    """Separate lines of verse; the rest of one too long for the page begins with no capital, and is joined to it."""
    found = []
    for (above, line), end in zip(pairwise(block.lines), block.ends, strict=True):
        rest = not line.text[:1].isupper() and (indented(line, above.x0) or not ends_sentence(above.text))
        found.append(ON if rest and not end else LINE)
    return found


def _prose(block: _Block, hangs: bool) -> list[str]:
    left = left_edge(block.lines)
    inner = [indented(line, left) for line in block.lines]
    found: list[str] = []
    first = True
    for index, (above, line) in enumerate(pairwise(block.lines)):
        step = line.x0 - above.x0
        if block.ends[index]:
            new = step > INDENT * line.size or not _in_sentence(above.text, line.text)
        elif hangs:
            new = inner[index] and not inner[index + 1]
        elif step > INDENT * line.size:
            new = ends_sentence(above.text)
        elif step < -INDENT * line.size:
            new = not first
        else:  # two lines in the same place begin paragraphs if both are indented
            new = first and inner[index] and inner[index + 1] and ends_sentence(above.text)
        found.append(PARAGRAPH if new else ON)
        first = new
    return found


def _in_sentence(above: str, line: str) -> bool:
    """True if a sentence, or even a word, surely continues in the next line."""
    starts_small = line[:1].islower() and line[1:2].isalpha()
    return starts_small and (ends_in_hyphen(above) or not (ends_sentence(above) or above.endswith(":")))


def _size(line: Line) -> float:
    return round(2 * line.size) / 2
