"""Registry of readers, and the choice of one for a file."""

from pathlib import Path

from epigone.registry import Registry
from epigone.text.document import ReadOptions
from epigone.text.readers.base import Reader
from epigone.text.readers.decoding import first_bytes
from epigone.text.readers.formats.imdb import IMDB
from epigone.text.readers.formats.markup.docx import DOCX
from epigone.text.readers.formats.markup.epub import EPUB
from epigone.text.readers.formats.markup.html import HTML
from epigone.text.readers.formats.markup.markdown import MARKDOWN
from epigone.text.readers.formats.movie_lines import MOVIE_LINES
from epigone.text.readers.formats.pdf.reader import PDF
from epigone.text.readers.formats.plain import PLAIN
from epigone.text.readers.formats.tables.reader import TABLE

__all__ = ["PLAIN", "READERS", "TABLE", "ReadOptions", "Reader", "reader_of"]

READERS: Registry[Reader] = Registry("reader", (PLAIN, MOVIE_LINES, IMDB, TABLE, HTML, MARKDOWN, DOCX, EPUB, PDF))
"""Of two readers for a file the later one is preferred."""


def reader_of(path: Path) -> Reader:
    """Choose the reader of a file: the last registered one that reads it, or plain text.

    A file that would be plain text by its suffix may have another format by its first bytes.

    Raises:
        NotText: the file cannot be read.
    """
    readers = list(reversed(READERS.values()))
    reader = next((reader for reader in readers if reader.reads(path)), PLAIN)
    if reader is not PLAIN:
        return reader
    head = first_bytes(path)
    return next((other for other in readers if other.disguised and other.disguised(path, head)), PLAIN)
