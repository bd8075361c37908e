"""Visible text of a page of HTML, as blocks."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from epigone.text.readers.formats.markup.blocks import LONGEST_TITLE, Block, Opening
from epigone.text.readers.formats.markup.contents import CONTENTS, is_title_of_contents
from epigone.text.readers.formats.markup.tags import CLOSED, Event, Tag, events

PAGE_NUMBER, NOTE_NUMBER, NOTE = "page number{}", "note number{}", "note{}"
"""Kinds of text around the text, which are left out; the braces are for the ending of the plural."""

DROPPED = {
    "audio", "button", "canvas", "datalist", "embed", "head", "iframe", "map", "nav", "noscript", "object", "rp", "rt",
    "script", "select", "style", "svg", "template", "textarea", "title", "video",
}  # fmt: skip
BLOCKS = {
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl", "fieldset",
    "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "html",
    "legend", "lg", "main", "menu", "ol", "p", "pre", "search", "section", "summary", "table", "ul",
}  # fmt: skip
LINES = {"dt", "l", "li", "option", "tr"}
CELLS = {"td", "th"}
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_MEASURED = {"ul", "ol", "dl", "table", "div", "section", "aside", "blockquote", "body", "p", "button", *CELLS}

_VERSES = re.compile(
    r"\b(?:poem|poetry|stanza|strophe|lyrics|lg|line-?group)\b"
)  # classes of elements whose divisions are lines
_VERSE_TYPES = re.compile(r"\bz3998:(?:verse|poem|song|hymn|lyrics)\b")
_LINE = re.compile(r"(?:poem|poetry|verse|lyrics?)?-?_?line(?:-?\d+)?")  # classes of lines
_LINE_IN_VERSES = re.compile(r"l|verse|[iv]\d+|indent-?\d*")  # classes that are lines in poems only
_PAGE_NUMBERS = {"pagenum", "pagenumber", "page-number", "page-num", "page_number", "pageno", "x-ebookmaker-pageno"}
_NOTE_NUMBERS = {"fnanchor", "footnote-ref", "footnoteref", "footnote-reference", "noteref", "note-ref"}
_NOTES = {"footnote", "footnotes", "endnote", "endnotes", "rearnote", "rearnotes"}
_PAGE_BREAKS = {"pagebreak", "page-break", "newpage", "page-break-before"}
_BREAKS_PAGE = re.compile(r"(?:page-)?break-(before|after)\s*:\s*(?:always|page|left|right|recto|verso)")
_UNSEEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden")
_UNSEEN_CLASSES = {"sr-only", "visually-hidden", "screen-reader-text", "mw-editsection"}
_KEEPS_LINES = re.compile(r"white-space\s*:\s*(?:pre|break-spaces)")
_IS_LINE = re.compile(r"display\s*:\s*(?:block|list-item|table-row)")
_NUMBER = r"(?:\d{1,4}|[*†‡§¶]{1,4}|[a-z]|[ivxlc]{1,6})"
_BRACKETED = re.compile(rf"\[{_NUMBER}\]|\({_NUMBER}\)")
_BARE = re.compile(_NUMBER)

_SPACES = re.compile(r"[ \t\n\r\f]+")
_INVISIBLE = re.compile("[\u00ad\u200b\u2060]")  # places where a word may be divided, and where it may not


class _Kind(NamedTuple):
    """The role of an element by its attributes."""

    left_out: str = ""
    """Kind of text around the text; `hidden` for text that no reader sees."""
    verses: bool = False
    """True for a poem or a stanza."""
    line: bool = False
    """True for a line of a poem."""
    line_in_verses: bool = False
    """True for a line of a poem if it is inside one."""
    opens_page: bool = False
    closes_page: bool = False
    keeps: bool = False
    """True if newlines in it are line breaks."""


_PLAIN = _Kind()


@lru_cache(4096)
def _kind(tag: Tag) -> _Kind:
    """Read the attributes of an element."""
    attributes = tag.attributes
    style = attributes.get("style", "").lower()
    if "hidden" in attributes or _UNSEEN.search(style) or (tag.name == "dialog" and "open" not in attributes):
        return _Kind("hidden")
    named = attributes.get("class", "")
    classes = set(named.lower().split())
    if classes & _UNSEEN_CLASSES:
        return _Kind("hidden")
    types = f"{attributes.get('epub:type', '')} {attributes.get('role', '')}".lower()
    roles = {role.removeprefix("doc-") for role in types.split()}
    inline = tag.name in ("a", "sup", "span")
    left_out = ""
    if classes & _PAGE_NUMBERS or (roles & {"pagebreak"} and inline):
        left_out = PAGE_NUMBER
    elif classes & _NOTE_NUMBERS or roles & {"noteref"} or (tag.name == "sup" and "reference" in classes):
        left_out = NOTE_NUMBER
    elif classes & _NOTES or roles & _NOTES or (tag.name == "ol" and "references" in classes):
        left_out = NOTE_NUMBER if inline else NOTE
    elif roles & {"toc", "landmarks", "page-list"}:
        left_out = CONTENTS
    breaks = set(_BREAKS_PAGE.findall(style))
    return _Kind(
        left_out,
        bool(_VERSES.search(named) or _VERSE_TYPES.search(types)),
        any(map(_LINE.fullmatch, classes)) or bool(_IS_LINE.search(style)),
        any(map(_LINE_IN_VERSES.fullmatch, classes)),
        not inline and bool(classes & _PAGE_BREAKS or "before" in breaks or "pagebreak" in roles),
        "after" in breaks,
        bool(_KEEPS_LINES.search(style)),
    )


class _Measure(NamedTuple):
    """Counts of the contents of an element."""

    blocks: int
    breaks: int
    characters: int
    linked: int
    """Characters in links inside the text."""
    links: int

    def __sub__(self, other: "_Measure") -> "_Measure":
        return _Measure(*(here - there for here, there in zip(self, other, strict=True)))

    @property
    def is_contents(self) -> bool:
        """True for a list of links to other places of the text."""
        return self.links >= 5 and self.linked >= 0.8 * self.characters


def _measures(found: Sequence[Event], relative: bool) -> dict[int, _Measure]:
    """Count the contents of the elements that may be a layout, a poem or a table of contents, by their place."""
    measures: dict[int, _Measure] = {}
    open_: list[tuple[int, _Measure | None]] = []
    blocks = breaks = characters = linked = links = 0
    link = 0  # elements that were open when a link began
    for at, event in enumerate(found):
        if isinstance(event, str):
            size = len(event) - event.count(" ") - event.count("\n")
            characters += size
            linked += size * bool(link)
        elif isinstance(event, Tag):
            name = event.name
            measured = name in _MEASURED
            open_.append((at, _Measure(blocks, breaks, characters, linked, links) if measured else None))
            blocks += name in BLOCKS
            breaks += name == "br"
            if name == "a" and not link and _leads_inside(event, relative):
                link = len(open_)
                links += 1
        else:
            if link == len(open_):
                link = 0
            start, before = open_.pop()
            if before is not None:
                measures[start] = _Measure(blocks, breaks, characters, linked, links) - before
    return measures


def _leads_inside(tag: Tag, relative: bool) -> bool:
    target = tag.attributes.get("href", "")
    return target.startswith("#") or (relative and bool(target) and ":" not in target)


class _Open(NamedTuple):
    """An open element, and how its contents are written."""

    name: str
    boundary: str = ""
    """Least separator before and after it."""
    keeps: bool = False
    """Keep spaces and newlines in it."""
    verses: bool = False
    """Treat divisions in it as lines."""
    cell: bool = False
    """Treat blocks in it as inline."""
    breaks: int = 0
    """Line breaks in it, if it is measured."""
    heading: int = 0
    """Level of the heading that it is or is in; 0 for other elements."""
    is_paragraph: bool = False
    is_verse: bool = False
    """True for a paragraph that is a line of a poem."""
    closes_page: bool = False
    bold: bool = False
    is_stanza: bool = False
    """True for a poem or a stanza that holds paragraphs."""


def blocks_of_html(markup: str, left_out: Counter[str] | None = None, relative: bool = False) -> list[Block]:
    """Extract the text of a page: paragraphs and headings, items, rows and lines.

    Empty paragraphs that are seen are blocks without text.

    Args:
        markup: the page.
        left_out: counts each kind of text around the text that is left out; None keeps it.
        relative: True if the page is a part of a book whose other parts its relative links lead to.
    """
    found = events(markup)
    return _Writer(found, _measures(found, relative), left_out).blocks()


class _Writer:
    """Writes the events of a page as blocks."""

    def __init__(self, found: list[Event], measures: dict[int, _Measure], left_out: Counter[str] | None) -> None:
        self._events = found
        self._measures = measures
        self._left_out = left_out
        self._blocks: list[Block] = []
        self._parts: list[str] = []  # of the current block
        self._before = ""
        self._opens: Opening = ""
        self._is_plain = False  # a part of the current block is not bold
        self._breaks = 0  # line breaks since the last text
        self._after_rule = False
        self._new_stanza = False
        self._places: set[str] = set()
        self._searched = 0
        self._after_line = False  # the boundary is that of a line of a poem

    def blocks(self) -> list[Block]:
        """Write all."""
        parts = self._parts
        open_ = [_Open("", "\n\n")]
        at, number = -1, len(self._events)
        while (at := at + 1) < number:
            event = self._events[at]
            inside = open_[-1]
            if isinstance(event, str):
                parts.append(event if inside.keeps else _SPACES.sub(" ", event))
                self._is_plain = self._is_plain or not (inside.bold or event.isspace())
            elif event is CLOSED:
                open_.pop()
                if inside.boundary:
                    self._end(inside, inside)
                if inside.closes_page:
                    self._opens = "page"
            elif event.name == "br":
                if inside.is_paragraph and not self._is_plain and 0 < len("".join(parts).strip()) <= LONGEST_TITLE:
                    self._end(inside, _Open("", "\n"))  # a title in bold above the lines of a song
                else:
                    parts.append("\n")
                at += 1
            elif event.name == "img" and len(letter := event.attributes.get("alt", "")) == 1 and letter.isalpha():
                parts.append(letter)  # the picture of an initial
                at += 1
            elif left_out := self._is_left_out(event, at, open_):
                if left_out != "hidden" and self._left_out is not None:
                    self._left_out[left_out] += 1
                at = self._end_of(at)
            else:
                entered = self._entered(event, at, open_[-1])
                if entered.boundary:
                    self._end(inside, entered)
                    if event.source and _kind(event).opens_page:
                        self._opens = "page"
                elif event.name == "mbp:pagebreak":
                    self._end(inside, open_[0])
                    self._opens = "page"
                if event.name in CELLS and entered.cell and parts:
                    parts.append("\t")
                open_.append(entered)
        self._end(open_[0], open_[0])
        return self._blocks

    def _end(self, inside: _Open, bounded: _Open) -> None:
        """End the current block, which is inside an element, at the beginning or the end of an element."""
        text = "".join(self._parts)
        self._parts.clear()
        tidied = _tidied(text, inside.keeps)
        self._breaks += text[: len(text) - len(text.lstrip(" \n"))].count("\n")
        if tidied or (inside.is_paragraph and text.strip(" ")):  # what is seen of an empty paragraph is a break in it
            # Two line breaks between lines of a poem divide stanzas.
            before = "\n\n" if self._after_line and self._breaks > 1 else self._before
            if self._new_stanza and inside.is_verse and self._blocks and self._blocks[-1].is_verse:
                self._blocks.append(Block("", is_paragraph=True))
            self._blocks.append(
                Block(
                    tidied,
                    before or "\n\n",
                    inside.heading,
                    self._opens,
                    inside.is_paragraph,
                    inside.is_verse,
                    inside.is_paragraph and not self._is_plain and 0 < len(tidied) <= LONGEST_TITLE,
                    self._after_rule,
                )
            )
            self._before, self._opens, self._is_plain = "", "", False
            self._after_rule = self._new_stanza = False
            self._breaks = text[len(text.rstrip(" \n")) :].count("\n")
        elif inside.name == "tr" and text.strip(" "):  # so is an empty row
            self._before = "\n\n"
        self._before = max(self._before, bounded.boundary)
        self._after_rule = self._after_rule or bounded.name == "hr"
        self._new_stanza = self._new_stanza or bounded.is_stanza
        self._after_line = bounded.name == "span" and self._before == "\n"

    def _entered(self, tag: Tag, at: int, outer: _Open) -> _Open:
        name = tag.name
        kind = _kind(tag) if tag.source else _PLAIN
        measure = self._measures.get(at)
        holds_blocks = name in CELLS and measure is not None and measure.blocks > 1  # layout, not a table of data
        verses = outer.verses or kind.verses or name == "lg"
        is_line = name == "span" and not outer.keeps and (kind.line or (verses and kind.line_in_verses))
        inner_list = name in ("ul", "ol") and outer.name == "li"
        boundary = ""
        if not outer.cell:
            is_division = name == "div" and outer.verses and not kind.verses
            if name in LINES or inner_list or is_line or is_division:
                boundary = "\n"
            elif name in BLOCKS or holds_blocks:
                boundary = "\n\n"
        heading = _HEADINGS.get(name, outer.heading)
        return _Open(
            name,
            boundary,
            outer.keeps or name == "pre" or kind.keeps,
            verses,
            outer.cell or (name in CELLS and not holds_blocks),
            measure.breaks if measure else 0,
            heading,
            name in ("p", "div") and boundary == "\n\n" and not heading,
            name == "p" and verses and not outer.breaks,
            kind.closes_page,
            outer.bold or name in ("b", "strong"),
            kind.verses and name in ("div", "section", "lg", "blockquote"),
        )

    def _is_left_out(self, tag: Tag, at: int, open_: Sequence[_Open]) -> str:
        """Return the kind of an element that is left out; empty for one that is read."""
        kind = _kind(tag) if tag.source else _PLAIN
        if tag.name in DROPPED and not (tag.name == "button" and self._measures[at].blocks):
            return CONTENTS if kind.left_out == CONTENTS else "hidden"
        if kind.left_out == "hidden" or self._left_out is None:
            return kind.left_out if kind.left_out == "hidden" else ""
        if kind.left_out:
            return kind.left_out
        if tag.name in ("a", "sup") and self._is_note_number(tag, at, open_):
            return NOTE_NUMBER
        if tag.name in ("p", "div", "li", "dd") and self._is_note(at):
            return NOTE
        measure = self._measures.get(at)
        if measure and measure.is_contents and tag.name != "p" and not (open_[-1].verses or kind.verses):
            if self._blocks and is_title_of_contents(self._blocks[-1].text):
                self._blocks.pop()
            return CONTENTS
        return ""

    def _is_note_number(self, tag: Tag, at: int, open_: Sequence[_Open]) -> bool:
        """True for a link with a number in brackets, or raised, and for a raised number in brackets."""
        inside = [tag.name, *(element.name for element in open_[-2:])]
        text, depth, links = "", 0, "#" in tag.attributes.get("href", "")
        for event in self._events[at : at + 9]:
            if isinstance(event, str):
                text += event
            elif event is CLOSED:
                depth -= 1
                if not depth:
                    text = text.strip()
                    if not links:
                        return tag.name == "sup" and bool(_BRACKETED.fullmatch(text))
                    return bool(_BRACKETED.fullmatch(text) or ("sup" in inside and _BARE.fullmatch(text)))
            else:
                depth += 1
                inside.append(event.name)
                links = links or (event.name == "a" and "#" in event.attributes.get("href", ""))
        return False

    def _is_note(self, at: int) -> bool:
        """True for a paragraph that begins with a number that links back to a place above it."""
        for place in range(at + 1, min(at + 6, len(self._events))):
            event = self._events[place]
            if isinstance(event, Tag) and event.name == "a":
                target = event.attributes.get("href", "")
                end = self._end_of(place)
                number = "".join(part for part in self._events[place:end] if isinstance(part, str)).strip().rstrip(".")
                is_number = bool(_BARE.fullmatch(number) or _BRACKETED.fullmatch(number))
                return is_number and target[1:] in self._places_above(at) and target.startswith("#")
            if event is CLOSED or (isinstance(event, str) and event.strip()):
                return False
            if isinstance(event, Tag) and event.name not in ("span", "sup", "b", "p"):
                return False
        return False

    def _places_above(self, at: int) -> set[str]:
        """Return the identifiers of the elements before a place."""
        while self._searched < at:
            event = self._events[self._searched]
            if isinstance(event, Tag) and event.source:
                self._places |= {event.attributes.get("id", ""), event.attributes.get("name", "")}
            self._searched += 1
        return self._places

    def _end_of(self, at: int) -> int:
        """Return the place of the end of the element at a place."""
        depth = 0
        while True:
            event = self._events[at]
            depth += -1 if event is CLOSED else isinstance(event, Tag)
            if not depth:
                return at
            at += 1


def _tidied(text: str, keeps: bool) -> str:
    if not text.isascii():
        text = _INVISIBLE.sub("", text)
    if keeps:
        text = text.strip("\n").rstrip()
    else:
        text = re.sub(r" *([\n\t]) *", r"\1", re.sub("  +", " ", text)).strip(" \n\t\r")
    return "" if text.isspace() else text
