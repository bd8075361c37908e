"""EPUB books: zip archives of pages and their order."""

import posixpath
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree
from zipfile import ZipFile

from epigone.text.document import Document, ReadOptions, ReadReport
from epigone.text.readers.archive import unpacking
from epigone.text.readers.base import Reader
from epigone.text.readers.checks.kinds import holds
from epigone.text.readers.decoding import NotText
from epigone.text.readers.formats.html import declared_encoding, text_of_html
from epigone.text.readers.gutenberg import strip_gutenberg
from epigone.text.readers.separators import numbered

_FONTS = {"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"}  # these encrypt fonts only


def read_epub(path: Path, name: str, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    """Read one document for each part of a book that has text, in the order of reading.

    Args:
        path: the file.
        name: name of its first document; the others are called `name#2`, `name#3` and so on.
        options: the removal of Gutenberg's header and footer.
        report: counts the changes.

    Raises:
        NotText: the file is of another format, encrypted or damaged; before the first document.
    """
    with unpacking(path, "EPUB", ".epub"), ZipFile(path) as book:
        parts = _spine(book)
        if _veiled(book) & set(parts):
            raise NotText(
                f"{path} is locked by the shop that sold it (DRM), so its text cannot be read; give a copy without "
                "DRM, or the text itself."
            )
        for part in parts:
            book.read(part)  # a damaged part must be an error before the first document
        number = 0
        for part in parts:
            data = book.read(part)
            pieces = text_of_html(_decoded(data), path)
            if first := next(pieces, ""):
                number += 1
                pieces = chain([first], pieces)
                yield Document(numbered(name, number), strip_gutenberg(pieces, report) if options.gutenberg else pieces)


def _spine(book: ZipFile) -> list[str]:
    """List the parts of a book with text, in the order of reading, by their names in the archive."""
    container = ElementTree.fromstring(book.read("META-INF/container.xml"))
    files = [element for element in container.iter() if element.tag.endswith("}rootfile")]
    root = unquote(files[0].attrib["full-path"])
    package = ElementTree.fromstring(book.read(root))
    items = {item.get("id"): item for item in package.iter() if item.tag.endswith("}item")}
    parts = []
    for reference in package.iter():
        item = items.get(reference.get("idref")) if reference.tag.endswith("}itemref") else None
        if item is None or "nav" in item.get("properties", "").split():
            continue
        if item.get("media-type") in ("application/xhtml+xml", "text/html", "application/x-dtbook+xml"):
            href = unquote(item.attrib["href"].split("#")[0])
            parts.append(posixpath.normpath(posixpath.join(posixpath.dirname(root), href)))
    return list(dict.fromkeys(parts))


def _veiled(book: ZipFile) -> set[str]:
    """Return the names of the encrypted parts."""
    if "META-INF/encryption.xml" not in book.namelist():
        return set()
    found = set()
    for data in ElementTree.fromstring(book.read("META-INF/encryption.xml")).iter():
        if data.tag.endswith("}EncryptedData"):
            methods = {m.get("Algorithm") for m in data.iter() if m.tag.endswith("}EncryptionMethod")}
            uris = {unquote(r.get("URI", "")) for r in data.iter() if r.tag.endswith("}CipherReference")}
            found |= set() if methods <= _FONTS else uris
    return found


def _decoded(data: bytes) -> str:
    """Decode a part of a book: UTF-8 or UTF-16 as EPUB demands, else the declared encoding or cp1252."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode(declared_encoding(data[:4096]) or "cp1252", "replace")


EPUB = Reader(
    "epub",
    read_epub,
    suffixes=(".epub",),
    disguised=lambda path, head: holds(path, head, "META-INF/container.xml"),
    options=("gutenberg",),
)
