"""Tables of contents in a text whose marks do not tell them."""

import re
from collections import Counter
from collections.abc import Sequence

from epigone.text.readers.formats.markup.blocks import Block

CONTENTS = "table{} of contents"
"""Kind of the text that is left out; the braces are for the ending of the plural."""

_TITLES = {"contents", "table of contents", "list of contents", "inhalt", "inhaltsverzeichnis", "sommaire",
           "table des matières", "índice", "indice", "sommario", "spis treści", "obsah", "inhoud", "innehåll",
           "содержание", "оглавление", "目次", "目录", "차례", "목차"}  # fmt: skip
_PAGE = re.compile(r"(?:[\s.…·_-]|\t)+(?:\d{1,4}|[ivxlc]{1,7})\s*$", re.IGNORECASE)


def is_title_of_contents(text: str) -> bool:
    """True for the title of a table of contents."""
    return text.strip().casefold().rstrip(".: ") in _TITLES


def without_contents(blocks: Sequence[Block], left_out: Counter[str] | None) -> Sequence[Block]:
    """Leave out tables of contents: a title such as `Contents`, and lines that are headings or end with a page.

    Args:
        blocks: the blocks of a text.
        left_out: counts them; None keeps them.
    """
    titles = [number for number, block in enumerate(blocks) if is_title_of_contents(block.text)]
    if left_out is None or not titles:
        return blocks
    headings = Counter(_bare(line) for block in blocks if block.heading for line in block.text.split("\n"))
    gone: set[int] = set()
    for title in titles:
        end = title + 1
        entries = 0
        while end < len(blocks) and not blocks[end].heading:
            lines = [line for line in blocks[end].text.split("\n") if line.strip()]
            if not all(_PAGE.search(line) or headings[_bare(line)] for line in lines):
                break
            entries += len(lines)
            end += 1
        if entries > 1:
            gone |= set(range(title, end))
            left_out[CONTENTS] += 1
    return [block for number, block in enumerate(blocks) if number not in gone]


def _bare(line: str) -> str:
    return " ".join(_PAGE.sub("", line).casefold().split())
