"""Books of Project Gutenberg by their numbers, from its mirrors."""

import re
from collections.abc import Iterator
from pathlib import Path

from epigone.corpora.downloads.fetcher import Fetcher
from epigone.corpora.downloads.web import NotThere
from epigone.corpora.sources.base import Got, Source, Text
from epigone.errors import UserError

MIRRORS = ("https://aleph.pglaf.org", "https://gutenberg.pglaf.org")
"""Mirrors for programs; the site itself is for people."""
MOST = 64 << 20
"""Bytes of a book; the longest ones have a tenth of it."""
_HEAD = 20_000
_START = re.compile(rb"\*\*\* ?START OF (?:THE|THIS) PROJECT GUTENBERG", re.IGNORECASE)
_END = re.compile(rb"\*\*\* ?END OF (?:THE|THIS) PROJECT GUTENBERG", re.IGNORECASE)
_PAGE = re.compile(rb"\s*(?:<!doctype html|<html|<\?xml)", re.IGNORECASE)
_COPYRIGHT = re.compile(r"copyrighted project gutenberg", re.IGNORECASE)


def places(number: int) -> list[str]:
    """The places of a book in a mirror: the text that is made anew for every book first, then the older files."""
    folder = "/".join([*(str(number)[:-1] or "0"), str(number)])
    older = [f"{folder}/{number}{ending}.txt" for ending in ("-0", "-8", "")]
    return [f"cache/epub/{number}/pg{number}.txt", *older, f"files/{number}/{number}-0.txt"]


def get(part: str, fetcher: Fetcher) -> Iterator[Got]:
    """Get a book."""
    number = int(part)
    roots = [fetcher.options.mirror] if fetcher.options.mirror else list(MIRRORS)
    mirrors = [[f"{root.rstrip('/')}/{place}" for place in places(number)] for root in roots]
    try:
        book = fetcher.fetch(f"gutenberg/pg{number}.txt", mirrors, MOST, fault)
    except NotThere as error:
        raise UserError(
            f"Project Gutenberg's book {number} is not at {roots[0]} in any place for plain text. Look at "
            f"https://www.gutenberg.org/ebooks/{number} if there is such a book: some are sound or pictures only."
        ) from error
    head = _head(book.path)
    notice = ""
    if _COPYRIGHT.search(head):
        notice = f"Book {number} is not in the public domain: its header says on which terms it may be used."
    yield Got(title(head) or f"book {number}", (book,), [Text(f"pg{number}.txt", _pieces(book.path))], notice)


def title(head: str) -> str:
    """The title and the author that a header names; empty if it names none."""
    found = [re.search(rf"^{field}:[ \t]*(\S.*)$", head, re.MULTILINE) for field in ("Title", "Author")]
    return ", ".join(" ".join(match[1].split())[:80] for match in found if match)


def fault(path: Path) -> str:
    """Tell if a file is no book: another page in its place, or a book that breaks off."""
    data = path.read_bytes()
    if not data.strip():
        return "it is empty"
    if _PAGE.match(data[:200]):
        return "it is a page of the web instead of a text"
    if b"\0" in data[:_HEAD]:
        return "it is no text"
    if b"gutenberg" not in data.lower():
        return "it does not name Project Gutenberg, as every book of it does"
    if _START.search(data) and not _END.search(data):
        return "it breaks off: the line with which a book ends is missing"
    return ""


def _head(path: Path) -> str:
    with open(path, "rb") as file:
        return file.read(_HEAD).decode("utf-8", "replace").replace("\r\n", "\n")


def _pieces(path: Path) -> Iterator[bytes]:
    yield path.read_bytes()


def _number_fault(part: str) -> str:
    if re.fullmatch(r"[1-9][0-9]{0,5}", part, re.ASCII):
        return ""
    return (
        "A book of Project Gutenberg is named by its number, which is at the end of its address: gutenberg:1342 for "
        "https://www.gutenberg.org/ebooks/1342."
    )


GUTENBERG: Source = Source(
    "gutenberg",
    "a book of Project Gutenberg",
    "In the public domain in the United States, unless a book's header says otherwise; elsewhere the law of your "
    "country decides. Project Gutenberg is a trademark: whoever passes the files on under this name keeps the licence "
    "in them.",
    get,
    part="NUMBER",
    fault=_number_fault,
)
