"""Word documents: a zip archive with a body of paragraphs and tables."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from epigone.text.document import Document, ReadOptions, ReadReport
from epigone.text.readers.archive import unpacking
from epigone.text.readers.base import Reader
from epigone.text.readers.checks.kinds import holds
from epigone.text.readers.decoding import NotText, first_bytes
from epigone.text.readers.optional import needing

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")  # the container of old Word files and of encrypted new ones
_OF_WORDS = {
    f"{_W}t": None, f"{_M}t": None, f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-",
}  # fmt: skip
_WRAPPERS = {_W + name for name in ("sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo")}
_UNSEEN = {f"{_MC}Fallback", *(_W + name for name in ("pPr", "rPr", "del", "moveFrom"))}


def read_docx(path: Path, name: str, options: ReadOptions, report: ReadReport) -> Iterator[Document]:
    """Read one document: the paragraphs and tables of a Word file, without headers, footers, notes and deleted text.

    Args:
        path: the file.
        name: name of the document.
        options: none has a meaning here.
        report: counts the changes; there are none.

    Raises:
        NotText: the file is of another format, encrypted or damaged.
    """
    with needing("python-docx", path):
        from docx import Document as Word
        from docx.opc.exceptions import OpcError
    if first_bytes(path).startswith(_OLE):
        raise NotText(
            f"{path} is encrypted or an old Word file (.doc). Open it in a word processor and save it as .docx "
            "without a password."
        )
    with unpacking(path, "Word document", ".docx", OpcError):
        body = Word(str(path)).element.body
    yield Document(name, (f"{block}\n\n" for block in _blocks(body) if block.strip()))


def _blocks(element: ElementTree.Element) -> Iterator[str]:
    """Yield the paragraphs below an element, and its tables with a line for each row."""
    for child in _below(element, "p", "tbl"):
        if child.tag == f"{_W}p":
            yield _text(child)
        else:
            yield "\n".join(
                "\t".join(" ".join(" ".join(_blocks(cell)).split()) for cell in _below(row, "tc"))
                for row in _below(child, "tr")
            )


def _below(element: ElementTree.Element, *names: str) -> Iterator[ElementTree.Element]:
    """Yield the nearest elements of these names below another."""
    for child in element:
        if child.tag in [_W + name for name in names]:
            yield child
        elif child.tag in _WRAPPERS:
            yield from _below(child, *names)


def _text(paragraph: ElementTree.Element) -> str:
    """Return the text of a paragraph; the text of frames inside it follows."""
    words: list[str] = []
    frames: list[str] = []
    waiting = [*reversed(paragraph)]
    while waiting:
        element = waiting.pop()
        tag = element.tag
        if tag in _UNSEEN:  # settings, deleted text, replacements for older programs
            continue
        if tag == f"{_W}txbxContent":
            frames += _blocks(element)
        elif tag in _OF_WORDS:
            words.append(_OF_WORDS[tag] or element.text or "")
        else:
            waiting += reversed(element)
    return "\n\n".join(filter(None, ["".join(words), *frames]))


DOCX = Reader(
    "docx",
    read_docx,
    suffixes=(".docx",),
    disguised=lambda path, head: holds(path, head, "word/document.xml"),
)
