"""Word documents and electronic books: packed folders of XML."""

import posixpath
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree
from zipfile import BadZipFile, ZipFile

from epigone.text.document import Document, ReadOptions, ReadReport
from epigone.text.readers.cleaning import strip_gutenberg
from epigone.text.readers.decoding import NotText, first_bytes
from epigone.text.readers.formats.marked_up import declared_encoding, text_of_html
from epigone.text.readers.optional import needing
from epigone.text.readers.separators import numbered

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")  # the container of old Word files and of encrypted new ones
_OF_WORDS = {
    f"{_W}t": None, f"{_M}t": None, f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-",
}  # fmt: skip
_WRAPPERS = {_W + name for name in ("sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo")}
_UNSEEN = {f"{_MC}Fallback", *(_W + name for name in ("pPr", "rPr", "del", "moveFrom"))}
_DAMAGE: tuple[type[Exception], ...] = (
    BadZipFile, zlib.error, ElementTree.ParseError, SyntaxError, ValueError, LookupError, AttributeError, RuntimeError,
    EOFError,
)  # fmt: skip
_FONTS = {"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"}  # only veil fonts


def read_docx(path: Path, name: str, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    """One document: the paragraphs and tables of a Word file, without headers, footers, notes and deleted text.

    Args:
        path: the file.
        name: what to call the document.
        options: not used; the file tells its characters itself.
        report: not used; nothing is changed.

    Raises:
        NotText: it is no such file, or encrypted or damaged.
    """
    with needing("python-docx", path):
        from docx import Document as Word
        from docx.opc.exceptions import OpcError
    if first_bytes(path).startswith(_OLE):
        raise NotText(
            f"{path} is encrypted or an old Word file (.doc). Open it in a word processor and save it as .docx "
            "without a password."
        )
    with _unpacking(path, "Word document", ".docx", OpcError):
        body = Word(str(path)).element.body
    yield Document(name, (f"{block}\n\n" for block in _blocks(body) if block.strip()))


def read_epub(path: Path, name: str, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    """One document for each part of a book that has text, in the order of reading.

    Args:
        path: the file.
        name: what to call its first document; the others are called `name#2`, `name#3` and so on.
        options: whether Gutenberg's texts are removed.
        report: where changes are counted.

    Raises:
        NotText: it is no such file, or encrypted or damaged; before the first document.
    """
    with _unpacking(path, "EPUB", ".epub"), ZipFile(path) as book:
        parts = _spine(book)
        if _veiled(book) & set(parts):
            raise NotText(
                f"{path} is locked by the shop that sold it (DRM), so its text cannot be read; give a copy without "
                "that, or the text itself."
            )
        for part in parts:
            book.read(part)  # a damaged part must be known before there is a document
        number = 0
        for part in parts:
            data = book.read(part)
            pieces = text_of_html(_decoded(data), path)
            if first := next(pieces, ""):
                number += 1
                pieces = chain([first], pieces)
                yield Document(numbered(name, number), strip_gutenberg(pieces, report) if options.gutenberg else pieces)


@contextmanager
def _unpacking(path: Path, kind: str, suffix: str, *others: type[Exception]) -> Iterator[None]:
    """Turns what a damaged file does to its readers into a sentence."""
    try:
        yield
    except NotText:
        raise
    except (*_DAMAGE, *others) as error:
        if not first_bytes(path):
            why = "it is empty (0 bytes)"
        elif not first_bytes(path).startswith(b"PK"):
            why = f"it begins with {first_bytes(path)[:8]!r} where one begins with PK"
        else:
            why = f"it is damaged ({type(error).__name__}: {error})"
        raise NotText(
            f"{path} is no {kind}: {why}. Fetch it again, or give it the suffix of what it is instead of {suffix}."
        ) from error


def _blocks(element: ElementTree.Element) -> Iterator[str]:
    """The paragraphs below an element, and its tables with a line for each row."""
    for child in _below(element, "p", "tbl"):
        if child.tag == f"{_W}p":
            yield _text(child)
        else:
            yield "\n".join(
                "\t".join(" ".join(" ".join(_blocks(cell)).split()) for cell in _below(row, "tc"))
                for row in _below(child, "tr")
            )


def _below(element: ElementTree.Element, *names: str) -> Iterator[ElementTree.Element]:
    """The nearest elements of these names below another."""
    for child in element:
        if child.tag in [_W + name for name in names]:
            yield child
        elif child.tag in _WRAPPERS:
            yield from _below(child, *names)


def _text(paragraph: ElementTree.Element) -> str:
    """What is written in a paragraph; frames of text within it come behind it."""
    words: list[str] = []
    frames: list[str] = []
    waiting = [*reversed(paragraph)]
    while waiting:
        element = waiting.pop()
        tag = element.tag
        if tag in _UNSEEN:  # settings, what was deleted, what an older program shows instead
            continue
        if tag == f"{_W}txbxContent":
            frames += _blocks(element)
        elif tag in _OF_WORDS:
            words.append(_OF_WORDS[tag] or element.text or "")
        else:
            waiting += reversed(element)
    return "\n\n".join(filter(None, ["".join(words), *frames]))


def _spine(book: ZipFile) -> list[str]:
    """The parts of a book with text, in the order of reading, by their names in the package."""
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
    """The names of the parts that are encrypted."""
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
    """A part of a book as text: UTF-8 or UTF-16 by its rules, else what it declares or what fits any bytes."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode(declared_encoding(data[:4096]) or "cp1252", "replace")
