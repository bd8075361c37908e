"""Registry of readers, and the choice of one for a file."""

from pathlib import Path

from epigone.registry import Registry
from epigone.text.document import ReadOptions
from epigone.text.readers.base import Reader
from epigone.text.readers.formats.docx import DOCX
from epigone.text.readers.formats.epub import EPUB
from epigone.text.readers.formats.html import HTML
from epigone.text.readers.formats.imdb import IMDB
from epigone.text.readers.formats.markdown import MARKDOWN
from epigone.text.readers.formats.movie_lines import MOVIE_LINES
from epigone.text.readers.formats.pdf.reader import PDF
from epigone.text.readers.formats.plain import PLAIN
from epigone.text.readers.formats.tables import TABLE

__all__ = ["READERS", "ReadOptions", "Reader", "reader_of"]

READERS: Registry[Reader] = Registry("reader", (PLAIN, MOVIE_LINES, IMDB, TABLE, HTML, MARKDOWN, DOCX, EPUB, PDF))
"""Of two readers for a file the later one is preferred."""


def reader_of(path: Path) -> Reader:
    """Choose the reader of a file: the last registered one that reads it, or plain text."""
    return next((reader for reader in reversed(READERS.values()) if reader.reads(path)), PLAIN)
