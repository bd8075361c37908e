"""Tables of contents and numbers of lines, and pages without them."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from epigone.text.readers.formats.markup.contents import CONTENTS, is_title_of_contents
from epigone.text.readers.formats.pdf.columns import Line, Page, joined, rows

LINE_NUMBERS = "line number{}"
"""Kind of the numbers that are left out; the braces are for the ending of the plural."""

_LEADER = re.compile(r"(?:[.·•_] ?){4,}(?: ?)(?:\d{1,4}|[ivxlc]{1,7})$|…{2,} ?\d{1,4}$", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,4}")
_STEP = 5  # lines between numbers of lines
_FEWEST = 3  # such numbers, and entries of a table of contents
_SHARE = 0.4  # share of the rows above which their numbers are those of a table


def without_surroundings(pages: Sequence[Page], left_out: Counter[str]) -> list[Page]:
    """Return the pages without tables of contents with dots, and without numbers of lines beside verse.

    Args:
        pages: the pages of a book.
        left_out: counts what is left out.
    """
    ruled = [rows(page.lines) for page in pages]
    gone = _contents(ruled, left_out) | _line_numbers(ruled, left_out)
    if not gone:
        return list(pages)
    return [replace(page, lines=[line for line in page.lines if id(line) not in gone]) for page in pages]


def _contents(pages: Sequence[list[list[Line]]], left_out: Counter[str]) -> set[int]:
    gone: set[int] = set()
    goes_on = False
    for page in pages:
        texts = [joined(row).text for row in page]
        entries = [bool(_LEADER.search(text)) for text in texts]
        if sum(entries) < _FEWEST:
            goes_on = False
            continue
        left_out[CONTENTS] += not goes_on
        goes_on = True
        for row, text, is_entry in zip(page, texts, entries, strict=True):
            if is_entry or is_title_of_contents(text):
                gone |= set(map(id, row))
    return gone


def _line_numbers(pages: Sequence[list[list[Line]]], left_out: Counter[str]) -> set[int]:
    numbers: defaultdict[tuple[str, int], list[Line]] = defaultdict(list)  # by the margin and the place in it
    for page in pages:
        for row in page:
            if len(row) > 1 and _NUMBER.fullmatch(row[-1].text):
                numbers["right", round(row[-1].x0 / 12)].append(row[-1])
            if len(row) > 1 and _NUMBER.fullmatch(row[0].text):
                numbers["left", round(row[0].x1 / 12)].append(row[0])
    total = sum(map(len, pages))
    gone: set[int] = set()
    for found in numbers.values():
        if _FEWEST <= len(found) < _SHARE * total and all(int(line.text) % _STEP == 0 for line in found):
            gone |= set(map(id, found))
    left_out[LINE_NUMBERS] += len(gone)
    return gone
