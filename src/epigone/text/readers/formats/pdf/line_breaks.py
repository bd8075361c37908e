"""Does a paragraph go on where a line of it ends?"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from epigone.text.readers.formats.pdf.columns import Line
from epigone.text.readers.formats.pdf.hyphenation import breadth, ends_in_hyphen, ends_sentence, first_word, is_cjk

ON, LINE, PARAGRAPH = " ", "\n", "\n\n"
"""What stands between two lines: nothing but the end of a line, a break that is meant, the end of a paragraph."""

INDENT = 0.6
"""How far a line must begin to the right of others to be indented, in the size of its letters."""


@dataclass(frozen=True)
class Setting:
    """How a text is set."""

    body: float
    """The size of most letters."""
    steady: bool
    """Whether sizes mean something; where letters were recognised in pictures, each line has another."""
    distances: dict[float, float]
    """For each size of letters, how far below one another the lines of a paragraph stand."""

    @classmethod
    def of(cls, columns: Sequence[Sequence[Line]]) -> "Setting":
        """The setting of a text whose columns have these lines."""
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
        """`distances` of some columns: smaller than most others, for sizes with at least so many pairs of lines."""
        found: dict[float, list[float]] = {}
        for lines in columns:
            for above, line in pairwise(lines):
                if self.same_size(above, line) and above.y0 - line.y0 > 0.5 * line.size:
                    found.setdefault(self._key(line), []).append(above.y0 - line.y0)
        return {size: sorted(all_)[int(0.3 * len(all_))] for size, all_ in found.items() if len(all_) >= least}

    def same_size(self, line: Line, other: Line) -> bool:
        """Whether two lines may belong to one paragraph by their sizes: code in text is smaller, headings larger."""
        smaller, larger = sorted((line.size, other.size))
        if not self.steady:
            return larger < 1.5 * smaller
        return larger <= 1.14 * smaller and not (larger > 1.05 * smaller and larger > 1.05 * self.body)

    def blocks(self, lines: Sequence[Line]) -> list[list[Line]]:
        """The lines of a column divided where there is a space between them, or the size changes."""
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
    """Lines without a space between them."""

    lines: list[Line]
    ends: list[bool]
    """For each line but the last: whether it ends although the next word would have fitted."""
    small: list[bool]
    """For each line that follows one which could hold no more: whether it begins with a letter that is no capital."""
    is_prose: bool
    """Whether indents show it to be prose."""

    @property
    def is_verse(self) -> bool:
        """Whether most lines end where they need not, or all begin with capitals and one does."""
        capitals = len(self.ends) > 2 and any(self.ends) and all(line.text[:1].isupper() for line in self.lines)
        return not self.is_prose and len(self.ends) > 1 and (capitals or sum(self.ends) >= 0.6 * len(self.ends))

    @property
    def may_be_verse(self) -> bool:
        """Whether it is verse if what stands around it is."""
        return bool(self.ends) and not self.is_prose and sum(self.small) <= 0.5 * len(self.small)


def breaks(columns: Sequence[Sequence[Line]], edges: Sequence[float], setting: Setting) -> list[list[str]]:
    """What stands between each two lines of a column.

    Where most lines end although the next word would have fitted, they are verse, and their ends are `LINE`.

    Args:
        columns: each its N lines from top to bottom.
        edges: where full lines of each column end.
        setting: of the whole text.

    Returns:
        For each column N - 1 times `ON`, `LINE` or `PARAGRAPH`.
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
    """Whether the first word of a line would have fitted on the line above."""
    if ends_in_hyphen(above.text):
        return False
    word = first_word(line.text)
    letter = (line.x1 - line.x0) / max(breadth(line.text), 1)
    space = 0 if is_cjk(word[:1]) else 0.3 * line.size
    return edge - above.x1 > 1.05 * letter * breadth(word) + space


def indented(line: Line, lines: Iterable[Line]) -> bool:
    """Whether a line begins to the right of others."""
    return line.x0 > min(other.x0 for other in lines) + INDENT * line.size


def _shaped(lines: list[Line], edge: float) -> _Block:
    right = max(line.x1 for line in lines)
    reaching = sum(right - line.x1 < 1 for line in lines)
    if reaching >= max(2 if edge - right < 4 * lines[0].size else 6, (len(lines) - 1) / 2):
        edge = right  # as many lines end at one place only where text is justified
    ends = [has_room(above, line, edge) for above, line in pairwise(lines)]
    after = [indented(line, lines) for line, end in zip(lines[1:], ends, strict=True) if end]
    full = [line for line, end in zip(lines[1:], ends, strict=True) if not end]
    small = [line.text[:1].isalpha() and not line.text[:1].isupper() for line in full]
    out = sum(not indented(line, lines) for line in full)
    told = bool(after) and sum(after) >= 0.8 * len(after) and bool(full) and out >= 0.8 * len(full)
    return _Block(lines, ends, small, told and sum(small) >= 0.3 * len(small))


def _are_verses(blocks: Sequence[_Block]) -> bool:
    ends = [end for block in blocks if not block.is_prose for end in block.ends]
    return len(ends) > 2 and sum(ends) >= 0.6 * len(ends)


def _hangs(block: _Block) -> bool | None:
    """Whether the lines of paragraphs are indented, but for the first ones; None where a block does not tell."""
    inner = [indented(line, block.lines) for line in block.lines]
    pairs = list(zip(block.ends, inner, inner[1:], strict=False))
    hanging = sum(end and above and not line for end, above, line in pairs)
    indenting = sum(end and line for end, _, line in pairs)
    if hanging != indenting:
        return hanging > indenting
    if inner[0] and len(inner) > 1:
        return False
    return True if len(inner) > 2 and all(inner[1:]) else None


def _verse(block: _Block) -> list[str]:
    """Lines as they are, but a line too long for the page is one with its rest, which begins with no capital letter."""
    found = []
    for (above, line), end in zip(pairwise(block.lines), block.ends, strict=True):
        rest = not line.text[:1].isupper() and (indented(line, [above]) or not ends_sentence(above.text))
        found.append(ON if rest and not end else LINE)
    return found


def _prose(block: _Block, hangs: bool) -> list[str]:
    inner = [indented(line, block.lines) for line in block.lines]
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
    """Whether a sentence, or even a word, is sure to go on in the next line."""
    starts_small = line[:1].islower() and line[1:2].isalpha()
    return starts_small and (ends_in_hyphen(above) or not (ends_sentence(above) or above.endswith(":")))


def _size(line: Line) -> float:
    return round(2 * line.size) / 2
