"""Blocks of a marked-up text: paragraphs, lines and headings, and the lines of a poem among them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from statistics import median
from typing import Literal

from epigone.text.readers.decoding import CHUNK

LONGEST_TITLE = 80
"""Characters of a bold paragraph that may be a title."""

_LONGEST_VERSE = 60  # characters of a typical line that may be one of a poem
_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？", ":", ";")
_CLOSING = "\"'”’»›)]」』）"


Opening = Literal["", "page", "part"]


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a heading, a line or a row."""

    text: str
    """Its text, perhaps of several lines; empty for an empty paragraph."""
    before: str = "\n\n"
    """Least separator from the block before it."""
    heading: int = 0
    """Level of a heading, from 1 for the highest; 0 for other blocks."""
    opens: Opening = ""
    """A page or a part of a book that begins with it; empty for neither."""
    is_paragraph: bool = False
    """True if it may be a line of a poem that is written with a paragraph for each line."""
    is_verse: bool = False
    """True if it is such a line."""
    is_bold: bool = False
    """True if all of it is bold, like a title that is not marked as a heading."""
    after_rule: bool = False
    """True if a rule is above it."""


def with_lines(blocks: Sequence[Block], typed: bool = False, keep_blank: bool = False) -> list[Block]:
    """Separate paragraphs that are the lines of a poem by newlines, and drop empty paragraphs.

    Paragraphs are lines if they are short and empty ones divide them into stanzas.

    Args:
        blocks: the blocks of a text, with its empty paragraphs.
        typed: True if paragraphs are what is typed, as in Word; then they are lines also without stanzas if they are
            short and most of them end no sentence.
        keep_blank: keep a blank line for each empty paragraph of prose, too.
    """
    runs = [(is_run, list(run)) for is_run, run in groupby(blocks, key=lambda block: block.is_paragraph)]
    paragraphs = [run for is_run, run in runs if is_run]
    usually = _are_verses(paragraphs, typed)
    found: list[Block] = []
    blank = 0
    opens: Opening = ""
    for is_run, run in runs:
        enough = sum(bool(block.text) for block in run) >= 4
        verses = is_run and (_are_verses([run], typed) if enough else usually)
        last: Block | None = None
        for block in run:
            opens = max(opens, block.opens)  # a part counts more than a page
            if not block.text:
                blank += 1
                continue
            before = block.before
            if (last is not None and (verses or (last.is_verse and block.is_verse))) or (keep_blank and blank):
                before = "\n" * (blank + 1)
            changed = before != block.before or opens != block.opens
            found.append(replace(block, before=before, opens=opens) if changed else block)
            last, blank, opens = block, 0, ""
    return found


def _are_verses(runs: Sequence[Sequence[Block]], typed: bool) -> bool:
    texts = [block.text for run in runs for block in run if block.text]
    if not texts or median(map(len, texts)) > _LONGEST_VERSE or 5 * sum("\n" in text for text in texts) > len(texts):
        return False
    groups = [
        sum(1 for _ in group) for run in runs for is_text, group in groupby(run, key=lambda b: bool(b.text)) if is_text
    ]
    if len(groups) > len(runs):
        return len(texts) >= 1.5 * len(groups)
    ended = sum(text.rstrip(_CLOSING).endswith(_SENTENCE_ENDS) for text in texts)
    return typed and len(texts) >= 4 and ended < len(texts) * 2 / 3


def written(blocks: Iterable[Block]) -> Iterator[str]:
    """Write blocks as the consecutive parts of a text, of at most `CHUNK` characters each."""
    begun = False
    for block in blocks:
        text = block.before + block.text if begun else block.text
        begun = True
        yield from (text[start : start + CHUNK] for start in range(0, len(text), CHUNK))
