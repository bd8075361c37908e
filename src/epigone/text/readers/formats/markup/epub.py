"""EPUB books: zip archives of pages and their order."""

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from epigone.text.document import UNITS, Document, ReadOptions, ReadReport
from epigone.text.readers.base import Reader
from epigone.text.readers.checks.kinds import holds
from epigone.text.readers.decoding import NotText
from epigone.text.readers.formats.markup.archive import DAMAGE, Archive, TooLarge, check_marks, named, unpacking
from epigone.text.readers.formats.markup.blocks import Block, with_lines
from epigone.text.readers.formats.markup.contents import CONTENTS
from epigone.text.readers.formats.markup.html import declared_encoding
from epigone.text.readers.formats.markup.page import blocks_of_html
from epigone.text.readers.formats.markup.sections import STRUCTURE, documents
from epigone.text.readers.formats.markup.tags import Tag, events

_FONTS = {"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"}  # these encrypt fonts only
_PAGES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")
_PAGE_SUFFIXES = (".xhtml", ".html", ".htm", ".xml")
_CONTAINER = "META-INF/container.xml"
_IMPRINT = "page{} with the rights of the publisher"
_LONGEST_IMPRINT = 6_000  # characters
_RIGHTS = re.compile(r"©|\(c\)|\bcopyright\b", re.IGNORECASE)
_PUBLISHED = re.compile(r"\bISBN\b|all rights reserved|alle rechte vorbehalten|tous droits réservés", re.IGNORECASE)
_ASIDE = "part{} outside the order of reading"


def read_epub(path: Path, name: str, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    """Read the parts of a book that have text, in the order of reading: each is a document, or each of its sections.

    A part that is damaged is left out with a notice.

    Args:
        path: the file.
        name: name of its first document; the others are called `name#2`, `name#3` and so on.
        options: the units of documents, titles and notes, and Gutenberg's header and footer.
        report: counts the changes.

    Raises:
        NotText: the file is of another format, encrypted, too large, or damaged as a whole; before the first document.
    """
    with Archive(path, "EPUB", ".epub") as book, unpacking(path, "EPUB", ".epub"):
        parts, missing = _spine(book, options, report)
        if _veiled(book) & set(parts):
            raise NotText(
                f"{path} is locked by the shop that sold it (DRM), so its text cannot be read; give a copy without "
                "DRM, or the text itself."
            )
        blocks: list[Block] = []
        damaged: dict[str, Exception] = {}
        tags = 0
        left_out = None if options.notes else report.left_out
        for part in parts:
            try:
                markup = _decoded(book.read(part))
                tags += markup.count("<")
                check_marks(tags, path)
            except TooLarge:
                raise
            except DAMAGE as error:
                damaged[part] = error
                continue
            found = with_lines(
                blocks_of_html(markup, left_out, relative=True), keep_blank=options.blank_lines is not None
            )
            if left_out is not None and _is_imprint(found):
                left_out[_IMPRINT] += 1
                continue
            blocks += [replace(block, opens="part") if not number else block for number, block in enumerate(found)]
        if not blocks and damaged:
            raise next(iter(damaged.values()))
    report.skipped += book.told()
    if damaged:
        why = next(iter(damaged.values()))
        report.skipped.append(
            f"{path} is damaged: {named(list(damaged))} left out ({type(why).__name__}: {why}); fetch it again."
        )
    if missing:
        report.skipped.append(f"{path} lacks {named(missing)} of its order of reading; fetch it again.")
    yield from documents(blocks, name, options, report)


def _spine(book: Archive, options: ReadOptions, report: ReadReport) -> tuple[list[str], list[str]]:
    """List the parts of a book with text, in the order of reading, and those that it lacks."""
    pages = sorted((name for name in book.names if name.lower().endswith(_PAGE_SUFFIXES[:3])), key=_numbered)
    container = _tags(book, _CONTAINER, pages)
    root = next((unquote(tag.attributes.get("full-path", "")) for tag in container if _is(tag, "rootfile")), "")
    if root not in book.names:
        root = next((name for name in book.names if name.lower().endswith(".opf")), root)
    package = _tags(book, root, pages)
    items = {tag.attributes.get("id"): tag.attributes for tag in package if _is(tag, "item")}
    spellings = {name.lower(): name for name in book.names}
    contents = {
        unquote(tag.attributes.get("href", "").split("#")[0])
        for tag in package
        if _is(tag, "reference") and tag.attributes.get("type", "").lower() == "toc"
    }
    parts: list[str] = []
    aside: list[str] = []
    missing: list[str] = []
    for reference in package:
        if not _is(reference, "itemref"):
            continue
        identifier = reference.attributes.get("idref", "")
        item = items.get(identifier)
        if item is None:
            missing.append(identifier)
            continue
        href = unquote(item.get("href", "").split("#")[0])
        if "nav" in item.get("properties", "").split():
            continue
        if href in contents and not options.notes:
            report.left_out[CONTENTS] += 1
            continue
        if item.get("media-type") in _PAGES or href.lower().endswith(_PAGE_SUFFIXES):
            part = posixpath.normpath(posixpath.join(posixpath.dirname(root), href))
            part = part if part in book.names else spellings.get(part.lower(), part)
            (aside if reference.attributes.get("linear") == "no" else parts).append(part)
    if parts and aside and not options.notes:
        report.left_out[_ASIDE] += len(set(aside) - set(parts))
    else:
        parts = parts + aside
    if not parts and pages:
        report.skipped.append(
            f"{book.path} does not tell the order of its parts; they are read in that of their names."
        )
        parts = pages
    return list(dict.fromkeys(parts)), missing


def _is_imprint(blocks: Sequence[Block]) -> bool:
    """True for the page of a book that tells its publisher and its rights."""
    text = "\n".join(block.text for block in blocks)
    return len(text) < _LONGEST_IMPRINT and bool(_RIGHTS.search(text) and _PUBLISHED.search(text))


def _tags(book: Archive, part: str, pages: Sequence[str] = ()) -> Sequence[Tag]:
    """List the tags of a part that describes the book; none if it is damaged or missing and there are pages."""
    try:
        return [event for event in events(_decoded(book.read(part))) if isinstance(event, Tag)]
    except TooLarge:
        raise
    except DAMAGE:
        if not pages:
            raise
        return []


def _numbered(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts names by the numbers in them."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _is(tag: Tag, name: str) -> bool:
    return tag.name.rpartition(":")[2] == name


def _veiled(book: Archive) -> set[str]:
    """Return the names of the encrypted parts."""
    if "META-INF/encryption.xml" not in book.names:
        return set()
    found: set[str] = set()
    methods: set[str] = set()
    for tag in _tags(book, "META-INF/encryption.xml"):
        if _is(tag, "encrypteddata"):
            methods = set()
        elif _is(tag, "encryptionmethod"):
            methods.add(tag.attributes.get("algorithm", ""))
        elif _is(tag, "cipherreference") and not methods <= _FONTS:
            found.add(unquote(tag.attributes.get("uri", "")))
    return found


def _decoded(data: bytes) -> str:
    """Decode a part of a book: UTF-8 or UTF-16 as EPUB demands, else the declared encoding or cp1252."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    if data.startswith((b"<\0", b"\0<")):
        return data.decode("utf-16-le" if data.startswith(b"<") else "utf-16-be", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode(declared_encoding(data[:4096]) or "cp1252", "replace")


EPUB = Reader(
    "epub",
    read_epub,
    suffixes=(".epub",),
    disguised=lambda path, head: holds(path, head, _CONTAINER),
    options=STRUCTURE,
    units=UNITS,
)
