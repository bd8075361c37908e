"""HTML: the visible text of a page."""

import codecs
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from epigone.text.document import Document, ReadOptions, ReadReport
from epigone.text.readers.base import Reader
from epigone.text.readers.decoding import CHUNK, first_bytes, read_text
from epigone.text.readers.gutenberg import strip_gutenberg
from epigone.text.readers.optional import needing

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, PageElement, Tag


_DROPPED = {
    "audio", "button", "canvas", "datalist", "embed", "head", "iframe", "map", "nav", "noscript", "object", "rp", "rt",
    "script", "select", "style", "svg", "template", "textarea", "title", "video",
}  # fmt: skip
_BLOCKS = {
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl", "fieldset",
    "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "html",
    "legend", "main", "menu", "ol", "p", "pre", "search", "section", "summary", "table", "ul",
}  # fmt: skip
_LINES = {"dt", "li", "option", "tr"}
_CELLS = {"td", "th"}
_VERSES = re.compile(r"\b(?:poem|poetry|stanza|lyrics)\b")  # classes of elements whose divisions are lines

_SPACES = re.compile(r"[ \t\n\r\f]+")
_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^>]*-->\s*)?<(?:!doctype\s+html|html[\s>])", re.IGNORECASE
)
_DECLARED = re.compile(rb"<(?:meta|\?xml)\s[^>]*?(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
# As browsers do: pages that declare the first are written in the second.
_MEANT = {"iso8859-1": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949",
          "shift_jis": "cp932"}  # fmt: skip


def read_html(path: Path, name: str, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    """Read one document: the text of a page, without scripts, styles and navigation.

    Args:
        path: the file, gzipped or not.
        name: name of the document.
        options: the encoding, and the removal of Gutenberg's header and footer.
        report: counts the changes.

    Raises:
        NotText: the file is not text.
        UserError: the file cannot be read or decoded.
    """
    declared = declared_encoding(first_bytes(path))
    # These codecs use only the bytes of ASCII, so their text is valid UTF-8.
    encoding = declared if declared and declared.startswith(("iso2022", "hz", "utf_7")) else None
    markup = "".join(read_text(path, options.encoding or encoding, report, fallback=declared))
    pieces = text_of_html(markup, path)
    del markup
    yield Document(name, strip_gutenberg(pieces, report) if options.gutenberg else pieces)


def declared_encoding(head: bytes) -> str | None:
    """Return the codec that an HTML or XML file means by the name in its first bytes; None without a name."""
    match = _DECLARED.search(head)
    try:
        codec = codecs.lookup(match[1].decode("ascii")).name if match else None
    except LookupError:
        return None
    return _MEANT.get(codec or "", codec)


def text_of_html(markup: str, path: Path) -> Iterator[str]:
    """Extract the text of a page: blocks with a blank line between them, items and rows on lines of their own.

    Args:
        markup: the page.
        path: the file of the page, for errors.

    Raises:
        NotText: the package for reading it is missing; before the first piece.
    """
    return _written(_soup(markup, path))


def _soup(markup: str, path: Path) -> "BeautifulSoup":
    with needing("beautifulsoup4", path):
        from bs4 import BeautifulSoup, MarkupResemblesLocatorWarning, XMLParsedAsHTMLWarning
    with warnings.catch_warnings():  # XHTML is read well enough, and a page may be only an address
        warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)
        warnings.simplefilter("ignore", MarkupResemblesLocatorWarning)
        return BeautifulSoup(markup, "html.parser")


class _Open(NamedTuple):
    """An open element, and how its contents are written."""

    rest: Iterator["PageElement"]
    boundary: str = ""
    """Least separator before and after it."""
    keeps: bool = False
    """Keep spaces and newlines in it."""
    verses: bool = False
    """Treat divisions in it as lines."""
    cell: bool = False
    """Treat blocks in it as inline."""


def _written(soup: "BeautifulSoup") -> Iterator[str]:
    from bs4 import CData, NavigableString, Tag

    parts: list[str] = []  # of the current paragraph or line
    before = ""
    begun = False
    open_ = [_Open(iter(soup.contents), "\n\n")]
    while open_:
        inside = open_[-1]
        child = next(inside.rest, None)
        boundary = ""
        if child is None:
            open_.pop()
            boundary = inside.boundary
        elif isinstance(child, Tag) and child.name == "br":
            parts.append("\n")
        elif isinstance(child, Tag) and child.name not in _DROPPED and not child.has_attr("hidden"):
            entered = _entered(child, inside)
            boundary = entered.boundary
            if child.name in _CELLS and entered.cell and parts:
                parts.append("\t")
            open_.append(entered)
        elif type(child) in (NavigableString, CData):  # the other strings are comments and the like
            parts.append(str(child) if inside.keeps else _SPACES.sub(" ", str(child)))
        if boundary:
            text = _tidied("".join(parts), inside.keeps)
            parts.clear()
            if text:
                yield from _cut(before + text)
                begun, before = True, ""
            before = max(before, boundary) if begun else ""


def _entered(tag: "Tag", outer: _Open) -> _Open:
    holds_blocks = tag.name in _CELLS and len(tag.find_all(_BLOCKS, limit=2)) > 1  # layout, not a table of data
    named = bool(_VERSES.search(" ".join(map(str, tag.get_attribute_list("class")))))
    boundary = ""
    inner_list = tag.name in ("ul", "ol") and tag.parent is not None and tag.parent.name == "li"
    if not outer.cell and (tag.name in _LINES or inner_list or (tag.name == "div" and outer.verses and not named)):
        boundary = "\n"
    elif not outer.cell and (tag.name in _BLOCKS or holds_blocks):
        boundary = "\n\n"
    is_cell = tag.name in _CELLS and not holds_blocks
    return _Open(
        iter(tag.contents), boundary, outer.keeps or tag.name == "pre", outer.verses or named, outer.cell or is_cell
    )


def _cut(text: str) -> Iterator[str]:
    return (text[start : start + CHUNK] for start in range(0, len(text), CHUNK))


def _tidied(text: str, keeps: bool) -> str:
    if keeps:
        return text.strip("\n").rstrip()
    return re.sub(r" *([\n\t]) *", r"\1", re.sub("  +", " ", text)).strip(" \n\t\r")


HTML = Reader(
    "html",
    read_html,
    suffixes=(".html", ".htm", ".xhtml"),
    disguised=lambda path, head: _PAGE.match(head) is not None,
    options=("encoding", "gutenberg"),
)
