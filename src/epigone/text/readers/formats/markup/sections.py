"""Documents of a marked-up text: its sections under headings, or its pages."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Literal

from epigone.text.document import Document, ReadOptions, ReadReport
from epigone.text.readers.formats.markup.blocks import Block, Opening, written
from epigone.text.readers.formats.markup.contents import without_contents
from epigone.text.readers.gutenberg import strip_gutenberg
from epigone.text.readers.separators import numbered

STRUCTURE = ("separator", "blank_lines", "documents", "titles", "notes", "gutenberg")
"""Options of `ReadOptions` that the readers of marked-up text heed."""

_FEWEST = 3  # documents that a text is divided into without being asked; fewer cannot be train, validation and test
_MANY = 10  # short sections of prose that are no longer taken for one article
_SHORT = 3_000  # characters of such a section
_VERSE = 60  # characters of a line that may be one of a poem
_TITLE_PAGE = 0.8  # share of one page above which the others are its title page and the like


@dataclass(frozen=True)
class _Division:
    """Places where documents begin."""

    starts: list[int]
    by: Literal["headings", "pages", "parts"] = "parts"
    level: int = 0
    """Level of the headings that divide."""


def documents(
    blocks: Sequence[Block], name: str, options: ReadOptions, report: ReadReport, is_part: bool = False
) -> Iterator[Document]:
    """Yield the documents of a text, without the additions of Project Gutenberg.

    The parts of a book are documents. A text is also divided at its headings if three or more of one level have text
    below them, unless it seems to be one article: fewer than ten short sections of prose, not under headings of the
    first level. Else it is divided at page breaks, if there are three or more pages and none holds most of the text.
    If three or more documents begin with headings, these are titles, and left out of the text.

    Args:
        blocks: the text.
        name: name of the first document; the others are called `name#2`, `name#3` and so on.
        options: the units of documents, and what to do with titles and with Gutenberg's header and footer.
        report: counts the documents and the titles.
        is_part: True for one of the parts of a text that separators divide; without being asked it stays whole.
    """
    if options.gutenberg and not is_part:
        blocks = _without_gutenberg(blocks, report)
    blocks = without_contents(blocks, None if options.notes else report.left_out)
    if not blocks:
        return
    if options.documents == "headings" and not _level(blocks, 1):
        blocks = [replace(block, heading=int(block.is_bold)) for block in blocks]
    division = (
        _Division([0]) if is_part and options.documents is None else _division(blocks, options, name, report, is_part)
    )
    sections = [blocks[start:end] for start, end in zip(division.starts, [*division.starts[1:], None], strict=True)]
    titles = [_title(section, division.level) for section in sections]
    drops = options.titles is False or (options.titles is None and sum(map(bool, titles)) >= _FEWEST)
    if drops:
        sections = [section[title:] for section, title in zip(sections, titles, strict=True)]
        report.titles_left_out += sum(titles)
    else:
        report.titles_kept += sum(map(bool, titles)) if options.titles is None else 0
        sections = list(_with_texts(sections))
    sections = [section for section in sections if section]
    if division.by != "parts" and options.documents is None:
        report.divided.setdefault(division.by, {})[name] = len(sections)
    elif options.documents in ("headings", "pages") and len(division.starts) < 2 and not is_part:
        report.undivided.setdefault(options.documents, []).append(name)
    for number, section in enumerate(sections, 1):
        yield Document(numbered(name, number), written(section))


def _title(section: Sequence[Block], level: int) -> int:
    """Return the number of headings above the text of a section, down to a level; 0 sets no limit."""
    number = 0
    while number < len(section) and 0 < section[number].heading <= (level or 9):
        number += 1
    return number


def _with_texts(sections: Sequence[Sequence[Block]]) -> Iterator[list[Block]]:
    """Join sections of headings only, such as those of parts, to the sections after them."""
    waiting: list[Block] = []
    for section in sections:
        waiting += section
        if any(not block.heading for block in section):
            yield waiting
            waiting = []
    yield waiting


def _division(blocks: Sequence[Block], options: ReadOptions, name: str, report: ReadReport, is_part: bool) -> _Division:
    parts = [0, *(number for number, block in enumerate(blocks) if number and block.opens == "part")]
    pages = [0, *(number for number, block in enumerate(blocks) if number and block.opens)]
    rules = [0, *(number for number, block in enumerate(blocks) if number and (block.after_rule or block.opens))]
    level = _level(blocks, 1 if options.documents == "headings" else _FEWEST)
    headings = [0, *(number for number, block in enumerate(blocks) if number and 0 < block.heading <= level)]
    by_headings = _Division(sorted({*parts, *headings}), "headings", level)
    by_pages = _Division(pages, "pages")
    if options.documents == "files":
        return _Division([0])
    if options.documents == "headings":
        return _Division(headings, "headings", level) if level else _Division(parts)
    if options.documents == "pages":
        return by_pages if len(pages) > 1 else _Division(rules, "pages")
    if options.separator is not None or options.blank_lines is not None or options.documents == "lines":
        return _Division(parts)
    is_bound = _FEWEST <= len(pages) > len(headings) and len(parts) < _FEWEST
    if is_bound and not _has_title_page(blocks, pages):
        return by_pages
    if level and _is_article(blocks, by_headings):
        if len(parts) < 2:
            report.articles[name] = sum(block.heading == level for block in blocks)
    elif level:
        return by_headings
    elif (bold := _bold_titles(blocks)) and len(parts) < _FEWEST:
        report.bold[name] = bold
    elif len(rules) >= _FEWEST > len(pages) and not is_part:
        report.rules[name] = len(rules) - 1
    return _Division(parts)


def _bold_titles(blocks: Sequence[Block]) -> int:
    """Count the bold lines that may be titles; 0 for few, and for names that recur, such as those of a play."""
    titles = [block.text for block in blocks if block.is_bold]
    few = 2 * len(titles) <= sum(bool(block.text) for block in blocks)
    return len(titles) if few and len(titles) >= _FEWEST and len(set(titles)) > 0.8 * len(titles) else 0


def _level(blocks: Sequence[Block], fewest: int) -> int:
    """Return the level of the headings that have texts below them; 0 without enough of them.

    It is the highest level with enough headings, half of which are followed by text and not by another heading.
    """
    number: Counter[int] = Counter()
    bearing: Counter[int] = Counter()
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        if block.heading:
            number[block.heading] += 1
            bearing[block.heading] += following is not None and not following.heading
    levels = [level for level in sorted(number) if bearing[level] >= max(fewest, number[level] / 2)]
    return levels[0] if levels else 0


def _is_article(blocks: Sequence[Block], division: _Division) -> bool:
    if division.level == 1:
        return False
    sections = [blocks[start:end] for start, end in zip(division.starts, [*division.starts[1:], None], strict=True)]
    bodies = [[block.text for block in section if not block.heading] for section in sections]
    bodies = [body for body in bodies if body]
    lines = [line for body in bodies for text in body for line in text.split("\n") if line]
    if len(bodies) >= _MANY or median(map(len, lines)) <= _VERSE:
        return False
    return sum(map(len, lines)) < _SHORT * len(bodies)


def _has_title_page(blocks: Sequence[Block], starts: Sequence[int]) -> bool:
    sizes = [
        sum(len(block.text) for block in blocks[start:end])
        for start, end in zip(starts, [*starts[1:], None], strict=True)
    ]
    return max(sizes) > _TITLE_PAGE * sum(sizes)


def _without_gutenberg(blocks: Sequence[Block], report: ReadReport) -> Sequence[Block]:
    if not any("utenberg" in block.text or "UTENBERG" in block.text for block in blocks):
        return blocks
    pieces = [block.text + "\n\n" for block in blocks]
    whole = "".join(pieces)
    kept: list[tuple[int, int]] = []
    at = 0
    for piece in strip_gutenberg(iter(pieces), report):
        start = whole.index(piece, at)
        at = start + len(piece)
        if kept and kept[-1][1] == start:
            start = kept.pop()[0]
        kept.append((start, at))
    found: list[Block] = []
    begin = 0
    opens: Opening = ""
    for block in blocks:
        end = begin + len(block.text)
        while kept and kept[0][1] <= begin:
            kept.pop(0)
        opens = max(opens, block.opens)
        text = whole[max(kept[0][0], begin) : min(kept[0][1], end)] if kept else ""
        if text.strip():
            found.append(replace(block, text=text, opens=opens))
            opens = ""
        begin = end + 2
    return found
